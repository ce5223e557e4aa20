//! Connections of which SYNs pass and nothing else does.

use crate::correlate::Leg;
use crate::diagnose::finding::{Proof, Subject};
use crate::diagnose::thresholds::{HALF_PATHS_MIN_LOST, TRANSMISSIONS};
use crate::diagnose::words::Names;
use crate::flow::Hop;
use crate::topology::{HostId, Mode, Role, Service};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Mac;

/// The leg at the client.
pub(in crate::diagnose) fn client(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg))
}

/// A connection of which SYNs pass and nothing else does.
pub(in crate::diagnose) struct Half<'a> {
    /// Where the later segments show: the client's own capture, else the culprit's.
    pub shown: &'a Leg,
    /// The real server's capture, which shows what did not come.
    pub server: Option<&'a Leg>,
    /// A captured host that took later segments in and did not send them on.
    pub culprit: Option<HostId>,
}

/// What of the client's packets passed a host, by its own captures: frames.
#[derive(Default)]
struct Passed {
    syns_in: u32,
    syns_out: u32,
    more_in: u32,
    more_out: u32,
}

fn passed(trace: &Trace, id: ConnectionId, host: HostId) -> Passed {
    let mut passed = Passed::default();
    for leg in trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)) {
        let own = &trace.vantage(leg).own;
        for (link, hop) in trace.path(leg, trace.forward(leg)) {
            let syns = u32::from(link.syns);
            let more = link.sent().saturating_sub(syns);
            if own.arrived(hop) == Some(true) || hop.link.is_loopback() {
                passed.syns_in += syns;
                passed.more_in += more;
            } else if own.sent(hop) == Some(true) {
                passed.syns_out += syns;
                passed.more_out += more;
            }
        }
    }
    passed
}

/// Whether something on the way saw half of a connection and dropped the rest.
pub(in crate::diagnose) fn half(trace: &Trace, id: ConnectionId) -> Option<Half<'_>> {
    let c = trace.connection(id);
    let mode = trace.service(id).mode;
    let fits = c.protocol.is_tcp()
        && c.progress.syn
        && c.progress.established
        && !c.progress.response
        && mode != Mode::Proxy
        && !trace.is_self_access(c);
    if !fits {
        return None;
    }
    let client = client(trace, id);
    // It has the answer, says so, and is not believed.
    let waits = |leg: &Leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let sent = trace.path(leg, there).map(|(link, _)| link.sent()).max().unwrap_or(0);
        there.ack.is_set()
            && sent >= u32::from(there.syns) + HALF_PATHS_MIN_LOST
            && back.accepted()
            && back.syns >= TRANSMISSIONS
    };
    if client.is_some_and(|leg| !waits(leg)) {
        return None;
    }
    let host = trace.server(id).and_then(|s| s.host).filter(|host| trace.is_captured(*host));
    let of_client = client.and_then(|leg| trace.host_of(leg));
    let keeps = trace.legs(id).iter().find(|leg| {
        trace.host_of(leg).filter(|h| Some(*h) != host && Some(*h) != of_client).is_some_and(|h| {
            let passed = passed(trace, id, h);
            passed.syns_out > 0 && passed.more_in >= HALF_PATHS_MIN_LOST && passed.more_out == 0
        })
    });
    let culprit = keeps.and_then(|leg| trace.host_of(leg));
    let Some(host) = host else {
        // Whose capture shows no answer at all is passed by one direction.
        let unheard = keeps.is_some_and(|leg| !trace.reply(leg).seen());
        let sees_one_way = matches!(mode, Mode::Dr | Mode::Tun) || mode == Mode::Unknown && unheard;
        return match (client, keeps) {
            (Some(shown), Some(_)) => Some(Half { shown, server: None, culprit }),
            (Some(shown), None) => {
                around(trace, shown).then_some(Half { shown, server: None, culprit })
            }
            (None, Some(shown)) if sees_one_way => Some(Half { shown, server: None, culprit }),
            (None, _) => None,
        };
    };
    let shown = client.or(keeps)?;
    let at_server = passed(trace, id, host);
    let at_host = || trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host));
    let server = at_host().find(|leg| trace.reply(leg).syns >= TRANSMISSIONS)?;
    let only_syns = at_server.syns_in > 0 && at_server.more_in == 0;
    only_syns.then_some(Half { shown, server: Some(server), culprit })
}

/// Whether the answer came from another MAC than the SYN went to, at the client.
fn around(trace: &Trace, client: &Leg) -> bool {
    let vantage = trace.vantage(client);
    let to = vantage.first_hop(trace.forward(client)).and_then(|hop| hop.link.dst);
    let from = vantage.first_hop(trace.reply(client)).and_then(|hop| hop.link.src);
    matches!((to, from), (Some(to), Some(from)) if to != from && to.is_unicast() && !to.is_vrrp())
}

/// The next hop of a client, where its capture names one.
fn next_hop(trace: &Trace, client: &Leg) -> Option<Mac> {
    let hop: &Hop = trace.vantage(client).first_hop(trace.forward(client))?;
    hop.link.dst.filter(|mac| mac.is_unicast())
}

/// Who drops, as far as captures tell: the captured culprit, else the client's
/// next hop.
pub(in crate::diagnose) fn culprit(trace: &Trace, service: &Service, half: &Half<'_>) -> Subject {
    let names = Names(trace);
    let next = next_hop(trace, half.shown);
    let host = half.culprit.or_else(|| trace.host_by_mac(next));
    match host {
        Some(host) if service.is_director(host) => names.subject(Role::Director, host),
        Some(host) => {
            let known = names.subject(Role::Router, host);
            Subject { mac: next.or(known.mac), ..known }
        }
        None => Subject { role: Role::Router, address: None, mac: next, port: None },
    }
}

/// The handshake as the client sees it and as the server does.
pub(in crate::diagnose) fn proofs(trace: &Trace, half: &Half<'_>) -> Vec<Proof> {
    let shown = half.shown;
    let (there, back) = (trace.forward(shown), trace.reply(shown));
    let mut proofs = Vec::new();
    proofs.extend(trace.proof(shown, there.syn, "the client's SYN"));
    if back.accepted() {
        proofs.extend(trace.proof(shown, back.syn, "its SYN-ACK reaches the client"));
    }
    proofs.extend(trace.proof(shown, there.ack, "the client acknowledges the SYN-ACK"));
    if let Some(server) = half.server {
        let back = trace.reply(server);
        proofs.extend(trace.proof(server, back.syn, "the real server's SYN-ACK leaves"));
        let last = trace.path(server, back).filter(|(link, _)| link.syns > 1).last();
        let note = "and again: no acknowledgment came";
        proofs.extend(last.and_then(|(link, _)| trace.proof(server, link.last, note)));
    }
    proofs.extend(trace.proof(shown, there.last, "the client's last packet, still in vain"));
    proofs
}
