//! One packet passes the same link again with a lower TTL, or ICMP time
//! exceeded quotes it.

use super::super::{Facts, Names, Proof, Sighting, ToConfirm, Wording};
use super::{concerned, connections_to};
use crate::diagnose::thresholds::ROUTING_LOOP_ENOUGH_TTL;
use crate::flow::{IcmpError, IcmpErrorKind};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let mut ids: Vec<ConnectionId> =
        facts.topology.routes.looped.iter().map(|i| ConnectionId(*i)).collect();
    let mut told: Vec<ConnectionId> = facts.errors.iter().map(|tied| tied.connection).collect();
    told.sort_unstable();
    told.dedup();
    ids.extend(told.into_iter().filter(|id| expired(facts, *id)));
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| facts.ordinary(*id).is_none());
    ids.into_iter().map(|id| Sighting::of(id, facts.connection(id).outcome.failed())).collect()
}

/// Whether a router says that a packet's time was up which should have sufficed.
pub(super) fn expired(facts: &Facts, id: ConnectionId) -> bool {
    // Who sent an answer too short to arrive makes no circle.
    let is_clients = |e: &IcmpError| {
        let mut legs = facts.legs(id).iter();
        legs.any(|leg| leg.of(&facts.vantages).key.ip(leg.client) == e.quote.src)
    };
    facts.connection(id).protocol.is_tcp()
        && facts.errors_of(id).any(|(_, e)| e.kind == IcmpErrorKind::TimeExceeded && is_clients(e))
        && left_well(facts, id)
}

/// Whether all packets of the connection left with a TTL that should suffice.
fn left_well(trace: &Trace, id: ConnectionId) -> bool {
    let mut sent = trace
        .legs(id)
        .iter()
        .filter(|leg| trace.is_client_side(id, leg))
        .flat_map(|leg| trace.path(leg, trace.forward(leg)))
        .peekable();
    sent.peek().is_some() && sent.all(|(_, hop)| hop.ttl >= ROUTING_LOOP_ENOUGH_TTL)
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    let mut proofs = Vec::new();
    for leg in facts.legs(id) {
        let flow = facts.forward(leg);
        let links: Vec<_> = facts.path(leg, flow).collect();
        if links.len() >= 3 {
            for (link, hop) in links.iter().take(3) {
                let (from, to) = (hop.link.src, hop.link.dst);
                let text =
                    |mac: Option<crate::wire::Mac>| mac.map_or("?".into(), |m| m.to_string());
                let note =
                    format!("the same packet, {} > {}, TTL {}", text(from), text(to), hop.ttl);
                proofs.extend(facts.proof(leg, link.first, note));
            }
            break;
        }
    }
    let expired = facts.errors_of(id).find(|(_, e)| e.kind == IcmpErrorKind::TimeExceeded);
    proofs.extend(expired.map(|(vantage, error)| Proof {
        at: At { vantage, mark: error.mark },
        note: format!("ICMP time exceeded from {}: its TTL ran out", error.src),
    }));
    proofs
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    let (back, elsewhere) = match sightings.iter().find_map(|s| turn(facts, s.connection?)) {
        Some((by, to)) => {
            let names = Names(facts);
            let (by, to) = (names.full(by), names.full(to));
            (
                format!(
                    " {by} sends it back to {to}, from which it had it: it does not have the address and knows no service there, so it goes by a route like any other."
                ),
                served_elsewhere(facts, sightings),
            )
        }
        None => (String::new(), String::new()),
    };
    let seen = |s: &Sighting| {
        let looped = &facts.topology.routes.looped;
        s.connection.is_some_and(|id| looped.contains(&id.0))
    };
    let what = if sightings.iter().any(seen) {
        "one packet passes the same link again and again, its TTL falling."
    } else {
        "a router says that a packet's TTL ran out, though it left with enough for any way: it goes round between routers."
    };
    Wording {
        title: "packets go round in circles".to_owned(),
        explanation: format!("In {} {what}{back}{elsewhere}", connections_to(facts, sightings)),
        subjects: concerned(facts, sightings),
    }
}

/// The captured host that sends a connection's packet back to where it came from, and the
/// host there.
fn turn(trace: &Trace, id: ConnectionId) -> Option<(HostId, HostId)> {
    let steps = &trace.route(id).forward;
    steps.iter().zip(steps.iter().skip(1)).find_map(|(came, left)| {
        let (by, to) = (left.from?, left.to?);
        let turned = came.to == Some(by) && came.from == Some(to) && by != to;
        (turned && trace.is_captured(by)).then_some((by, to))
    })
}

/// Whether the host that sends packets back was captured: no capture is missing then.
pub(in crate::diagnose) fn names_culprit(trace: &Trace, ids: &[ConnectionId]) -> bool {
    ids.iter().any(|id| turn(trace, *id).is_some())
}

/// Other ports of the same address, whose connections did well.
fn served_elsewhere(facts: &Facts, sightings: &[Sighting]) -> String {
    let Some(id) = sightings.iter().find_map(|s| s.connection) else { return String::new() };
    let own = facts.service(id);
    let accounts = &facts.breaks.accounts.services;
    let other = facts.topology.services.iter().zip(accounts).find(|(service, account)| {
        service.vip == own.vip && service.port != own.port && account.well > 0
    });
    other.map_or_else(String::new, |(service, _)| {
        format!(" {} is served by the same way.", service.name())
    })
}

pub(in crate::diagnose) fn next(facts: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let Some((id, by)) = sightings.iter().find_map(|s| {
        let id = s.connection?;
        Some((id, turn(facts, id)?.0))
    }) else {
        return expired_at(facts, sightings);
    };
    let (client, server) = (facts.connection(id).front.client.0, facts.connection(id).front.server);
    vec![ToConfirm {
        host: Names(facts).place(by),
        command: format!(
            "ip -br addr show | grep -wF {0}; ip route get {0} from {client} iif IFACE",
            server.0
        ),
        why: format!(
            "whether it has the address, and that its route leads back; a route 'unreachable' for the services' addresses, or none announced for them, ends the loop; port {} is then refused at once",
            server.1
        ),
    }]
}

/// The routers that say that the TTL ran out, which are those in the circle.
fn expired_at(facts: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let ids = || sightings.iter().filter_map(|s| s.connection);
    let Some(vip) = ids().next().map(|id| facts.connection(id).front.server.0) else {
        return Vec::new();
    };
    // Who says so in the service's own name may be one of several hosts.
    let mut routers: Vec<_> = ids()
        .flat_map(|id| facts.errors_of(id))
        .filter(|(_, e)| e.kind == IcmpErrorKind::TimeExceeded && e.src != vip)
        .map(|(_, e)| e.src)
        .collect();
    routers.sort_unstable();
    routers.dedup();
    if routers.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = routers.iter().take(4).map(ToString::to_string).collect();
    vec![ToConfirm {
        host: format!(
            "{} {}",
            crate::diagnose::words::agree(names.len(), "the router", "the routers"),
            crate::diagnose::words::list(&names)
        ),
        command: format!("ip route get {vip}   # or: show ip route {vip}"),
        why: "the next hop of this one address there is part of the circle; who should announce the address does not".to_owned(),
    }]
}

pub(in crate::diagnose) fn blind(_: &Facts) -> Option<String> {
    None
}
