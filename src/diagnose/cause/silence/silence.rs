//! Real servers that get SYNs and answer none: what `rs-missing-vip` and
//! `rs-silent` have in common.

use crate::correlate::{Connection, Outcome};
use crate::diagnose::cause::by_server_host;
use crate::diagnose::cause::silence::node_without_local_endpoint;
use crate::diagnose::cause::silence::vxlan_or_nat_bad_checksum;
use crate::diagnose::{Names, Proof};
use crate::flow::Hop;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

/// A real server that is silent towards one service.
pub(in crate::diagnose) struct Silent {
    pub service: ServiceId,
    pub host: HostId,
    /// Connections that it did not answer.
    pub ids: Vec<ConnectionId>,
    /// Its own capture shows the SYNs arrive.
    pub delivered: bool,
    /// Its own capture shows nothing that it sent: it may leave answers out.
    pub one_way: bool,
    /// It sent the packets on instead of taking them.
    pub sent_on: bool,
    /// It answers for its own address, on the same port.
    pub own_answers: bool,
}

/// SYNs, repeats included, that must go unanswered: one lost answer is none.
pub(in crate::diagnose) const MIN_SYNS: u32 = 3;

pub(in crate::diagnose) fn silent(trace: &Trace) -> Vec<Silent> {
    let mut found = Vec::new();
    // Several causes ask, and mostly nobody is silent.
    let quiet = |c: &Connection| {
        let progress = c.progress;
        c.protocol.is_tcp() && progress.syn && !progress.answered && !progress.established
    };
    if !trace.connections.list.iter().any(quiet) {
        return found;
    }
    for (i, service) in trace.topology.services.iter().enumerate() {
        if service.is_backend || service.mode == Mode::Unknown || service.mode == Mode::Proxy {
            continue;
        }
        let of_service = trace
            .requests()
            .filter(|(id, c)| c.protocol.is_tcp() && trace.service_of(*id).0 as usize == i);
        for (host, all) in by_server_host(trace, of_service.map(|(id, _)| id)) {
            if service.is_director(host) {
                continue;
            }
            let id = ServiceId(i as u32);
            let silent = judge(trace, id, host, &all);
            found.extend(silent.filter(|s| !node_without_local_endpoint::takes(trace, s)));
        }
    }
    // Most concerned first, whatever the order of the captures.
    found.sort_by_key(|s| {
        let subject = Names(trace).subject(Role::RealServer, s.host);
        (s.service, std::cmp::Reverse(s.ids.len()), subject.address, subject.mac)
    });
    found
}

fn judge(trace: &Trace, service: ServiceId, host: HostId, all: &[ConnectionId]) -> Option<Silent> {
    let quiet = |id: &ConnectionId| is_quiet(trace, *id, host);
    let ids: Vec<ConnectionId> = all.iter().copied().filter(quiet).collect();
    // Partial silence is another cause's: load, timestamps, loss.
    let answers = all.iter().any(|id| {
        let progress = trace.connection(*id).progress;
        progress.answered || progress.established
    });
    let sent_on = ids.iter().any(|id| sends_on(trace, *id, host));
    let syns: u32 = ids.iter().map(|id| u32::from(trace.connection(*id).progress.syns)).sum();
    if ids.is_empty() || answers || (syns < MIN_SYNS && !sent_on) {
        return None;
    }
    let shown = ids.iter().any(|id| trace.delivered(*id, host));
    // A client that asks again and again was not answered, whatever a filter leaves out.
    let one_way = !shown && ids.iter().any(|id| came_again(trace, *id, host));
    let delivered = shown || one_way;
    let own_answers = trace.iter().any(|(_, c)| {
        c.protocol.is_tcp()
            && c.progress.answered
            && c.outcome != Outcome::Refused
            && c.front.server.0 != trace.topology.service(service).vip
            && trace.host_by_ip(c.front.server.0) == Some(host)
    });
    Some(Silent { service, host, ids, delivered, one_way, sent_on, own_answers })
}

/// Nothing at all came back: no SYN-ACK, no RST, no ICMP from the host.
pub(in crate::diagnose) fn is_quiet(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let c = trace.connection(id);
    let told = trace.errors_of(id).any(|(_, e)| {
        trace.host_by_ip(e.src) == Some(host)
            && !matches!(e.kind, crate::flow::IcmpErrorKind::TimeExceeded)
    });
    c.progress.syn
        && !c.progress.answered
        && !c.progress.established
        && !told
        && !trace.is_self_access(c)
        && !trace.is_sent_back(id)
        && vxlan_or_nat_bad_checksum::spoilt(trace, id).is_none()
}

/// Whether a client's repeated SYNs arrived at a host.
fn came_again(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let arrived = |step: &crate::topology::Step| step.to == Some(host) && step.arrived;
    trace.connection(id).progress.syns > 1 && trace.route(id).forward.iter().any(arrived)
}

fn sends_on(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let route = trace.route(id);
    route.forwarders().any(|(_, out)| out.from == Some(host))
}

/// The SYN on its way to the silent host, and at it.
pub(in crate::diagnose) fn proofs(trace: &Trace, silent: &Silent) -> Vec<Proof> {
    let Some(id) = crate::diagnose::facts::telling(trace, &silent.ids) else { return Vec::new() };
    let service = trace.service(id);
    let macs = &trace.topology.hosts.get(silent.host).macs;
    let mut proofs = Vec::new();
    for leg in trace.legs(id) {
        let there = trace.forward(leg);
        if trace.host_of(leg).is_some_and(|h| service.is_director(h)) {
            let own = &trace.vantage(leg).own;
            let sent = || trace.path(leg, there).filter(|(_, hop)| own.sent(hop) == Some(true));
            // What goes round passes again; the first pass is the one that arrives first.
            let to_host = |hop: &Hop| hop.link.dst.is_some_and(|mac| macs.contains(&mac));
            let sent = sent().find(|(_, hop)| to_host(hop)).or_else(|| sent().last());
            if let Some((link, _)) = sent {
                proofs.extend(trace.proof(
                    leg,
                    link.first,
                    "the director sends the SYN to the real server",
                ));
            }
        }
    }
    let mut arrived = false;
    for leg in trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(silent.host)) {
        let there = trace.forward(leg);
        let own = &trace.vantage(leg).own;
        let came = trace.path(leg, there).find(|(_, hop)| own.arrived(hop) == Some(true));
        if let Some((link, _)) = came {
            // In a tunnel it is seen there a second time, without its outer header.
            if !arrived {
                proofs.extend(trace.proof(leg, link.first, "it arrives at the real server"));
            }
            if link.last != link.first && !arrived {
                proofs.extend(trace.proof(leg, link.last, "and again; nothing answers"));
            }
            arrived = true;
        }
        let on = |hop: &Hop| hop.link.src.is_some_and(|mac| macs.contains(&mac));
        if silent.sent_on {
            proofs.extend(trace.proof_on(
                leg,
                there,
                on,
                "the real server sends it on instead of answering",
            ));
        }
    }
    if proofs.is_empty() {
        for leg in trace.legs(id) {
            proofs.extend(trace.proof(leg, trace.forward(leg).syn, "a SYN that nothing answers"));
        }
    }
    proofs
}
