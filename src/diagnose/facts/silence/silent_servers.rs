//! Real servers that get SYNs and answer none, with all that tells why: what frames show
//! at them, and what they said of themselves. Which cause a silence belongs to is decided
//! in `decide/silence.rs`.

use super::local_endpoints::Nodes;
use super::quiet::is_quiet;
use crate::correlate::{Connection, Outcome};
use crate::diagnose::facts::connection::telling;
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::facts::{address::asks, address::own_answers, way::tunnel_ends, way::turns};
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::SILENCES_MIN_SYNS;
use crate::diagnose::words::Names;
use crate::flow::Hop;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use std::collections::BTreeMap;

/// A real server that is silent towards one service.
#[derive(Debug, Clone)]
pub(in crate::diagnose) struct Silent {
    pub service: ServiceId,
    pub host: HostId,
    /// Connections that it did not answer.
    pub ids: Vec<ConnectionId>,
    pub signs: Signs,
}

/// What tells the reason of a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    /// How the service is forwarded.
    pub mode: Mode,
    /// Its own capture shows the SYNs arrive.
    pub delivered: bool,
    /// Its own capture shows nothing that it sent: it may leave answers out.
    pub one_way: bool,
    /// It sent the packets on instead of taking them.
    pub sent_on: bool,
    /// It answers for its own address, on the same port.
    pub own_answers: bool,
    /// Such an answer begins with the TTL of Windows.
    pub windows: bool,
    /// On its health-check port it says that it has no endpoint of the service.
    pub no_endpoint: bool,
    /// It asks in vain for each client, on a link where they are not.
    pub asks_for_clients: bool,
    /// It asks in vain for a router, in the VIP's name.
    pub asks_for_router: bool,
    /// What arrives in the tunnel does not come out of it, or it refuses the tunnel.
    pub closed_tunnel: bool,
    /// What arrives in the tunnel comes out of its interface.
    pub opened_tunnel: bool,
    /// The others of its pool answer by another interface than they are asked by.
    pub peers_turn: bool,
    /// It says whether it has the VIP.
    pub has_vip: Option<bool>,
    /// It says that its reverse path filter is off, or has dropped nothing.
    pub filter_idle: bool,
}

/// All of them, most concerned first, whatever the order of the captures.
pub(in crate::diagnose) fn all(facts: &Indexed<'_>, nodes: &Nodes) -> Vec<Silent> {
    let mut found = Vec::new();
    // Mostly nobody is silent, and that is soon told.
    let quiet = |c: &Connection| {
        let progress = c.progress;
        c.protocol.is_tcp() && progress.syn && !progress.answered && !progress.established
    };
    if !facts.connections.list.iter().any(quiet) {
        return found;
    }
    let refused = tunnel_ends::refused(facts);
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || service.mode == Mode::Unknown || service.mode == Mode::Proxy {
            continue;
        }
        let id = ServiceId(i as u32);
        let mut at: BTreeMap<HostId, Vec<ConnectionId>> = BTreeMap::new();
        for (id, _) in facts.requests_to(id).filter(|(_, c)| c.protocol.is_tcp()) {
            if let Some(host) = facts.server(id).and_then(|s| s.host) {
                at.entry(host).or_default().push(id);
            }
        }
        at.retain(|host, _| !service.is_director(*host));
        for (host, all) in at {
            found.extend(judge(facts, id, host, &all, (nodes, &refused)));
        }
    }
    found.sort_by_key(|s| {
        let subject = Names(facts).subject(Role::RealServer, s.host);
        (s.service, std::cmp::Reverse(s.ids.len()), subject.address, subject.mac)
    });
    found
}

/// The real servers of one service that are silent for one reason.
#[derive(Debug)]
pub(in crate::diagnose) struct SilentServers<'a> {
    pub service: ServiceId,
    pub set: Vec<&'a Silent>,
    /// The servers, most concerned first.
    pub hosts: Vec<HostId>,
    /// Their connections.
    pub ids: Vec<ConnectionId>,
}

/// Silences by service.
pub(in crate::diagnose) fn by_service<'a>(
    silences: impl Iterator<Item = &'a Silent>,
) -> Vec<SilentServers<'a>> {
    let mut sets: BTreeMap<ServiceId, Vec<&Silent>> = BTreeMap::new();
    for silent in silences {
        sets.entry(silent.service).or_default().push(silent);
    }
    let group = |(service, set): (ServiceId, Vec<&'a Silent>)| SilentServers {
        service,
        hosts: set.iter().map(|x| x.host).collect(),
        ids: set.iter().flat_map(|x| x.ids.iter().copied()).collect(),
        set,
    };
    sets.into_iter().map(group).collect()
}

fn judge(
    facts: &Indexed<'_>,
    service: ServiceId,
    host: HostId,
    all: &[ConnectionId],
    (nodes, refused): (&Nodes, &BTreeMap<HostId, At>),
) -> Option<Silent> {
    let quiet = |id: &ConnectionId| is_quiet(facts, *id, host);
    let ids: Vec<ConnectionId> = all.iter().copied().filter(quiet).collect();
    // Partial silence is another cause's: load, timestamps, loss.
    let answers = all.iter().any(|id| {
        let progress = facts.connection(*id).progress;
        progress.answered || progress.established
    });
    let sent_on = ids.iter().any(|id| sends_on(facts, *id, host));
    let syns: u32 = ids.iter().map(|id| u32::from(facts.connection(*id).progress.syns)).sum();
    if ids.is_empty() || answers || (syns < SILENCES_MIN_SYNS && !sent_on) {
        return None;
    }
    let s = facts.topology.service(service);
    let says = |what: Option<u64>| what == Some(0);
    let filter = facts.setting(host, "rp_filter").map(|said| u64::from(said.value));
    let drops = facts.counter(host, "TcpExtIPReversePathFilter").map(|said| said.value);
    let shown = ids.iter().any(|id| facts.delivered(*id, host));
    // A client that asks again and again was not answered, whatever a filter leaves out.
    let one_way = !shown && ids.iter().any(|id| came_again(facts, *id, host));
    let signs = Signs {
        mode: s.mode,
        delivered: shown || one_way,
        one_way,
        sent_on,
        own_answers: facts.connections_to_host(host).any(|(_, c)| {
            c.protocol.is_tcp()
                && c.progress.answered
                && c.outcome != Outcome::Refused
                && c.front.server.0 != s.vip
        }),
        windows: own_answers::windows_answer(facts, host).is_some(),
        no_endpoint: syns >= SILENCES_MIN_SYNS
            && nodes.without.keys().any(|(ip, _)| facts.host_by_ip(*ip) == Some(host)),
        asks_for_clients: ids.iter().all(|id| asks::for_client(facts, *id, host).is_some()),
        asks_for_router: asks::for_router(facts, service, host, &ids).is_some(),
        closed_tunnel: ids.iter().all(|id| tunnel_ends::stays_closed(facts, *id, host))
            || refused.contains_key(&host),
        opened_tunnel: ids.iter().any(|id| tunnel_ends::opened(facts, *id, host).is_some()),
        peers_turn: turns::peer(facts, service, host).is_some(),
        has_vip: facts.has_address(host, s.vip).map(|said| said.value),
        filter_idle: says(filter) || says(drops),
    };
    Some(Silent { service, host, ids, signs })
}

/// Whether a client's repeated SYNs arrived at a host.
fn came_again(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let arrived = |step: &crate::topology::Step| step.to == Some(host) && step.arrived;
    trace.connection(id).progress.syns > 1 && trace.route(id).forward.iter().any(arrived)
}

fn sends_on(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    trace.route(id).forwarders().any(|(_, out)| out.from == Some(host))
}

/// The SYN on its way to the silent host, and at it.
pub(in crate::diagnose) fn proofs(trace: &Trace, silent: &Silent) -> Vec<Proof> {
    let Some(id) = telling(trace, &silent.ids) else { return Vec::new() };
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
        if silent.signs.sent_on {
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
