//! One packet passes the same link again with a lower TTL, or ICMP time
//! exceeded quotes it.

use super::super::{Facts, Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::diagnose::thresholds::ROUTING_LOOP_ENOUGH_TTL;
use crate::flow::IcmpErrorKind;
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let mut ids: Vec<ConnectionId> =
        facts.topology.routes.looped.iter().map(|i| ConnectionId(*i)).collect();
    for tied in &facts.errors {
        let error = &facts.vantages[usize::from(tied.vantage)].errors[tied.error as usize];
        let tcp = facts.connection(tied.connection).protocol.is_tcp();
        if tcp && error.kind == IcmpErrorKind::TimeExceeded && left_well(facts, tied.connection) {
            ids.push(tied.connection);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| facts.ordinary(*id).is_none());
    ids.into_iter().map(|id| Sighting::of(id, facts.connection(id).outcome.failed())).collect()
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
    Wording {
        title: "packets go round in circles".to_owned(),
        explanation: format!(
            "In {} one packet passes the same link again and again, its TTL falling.",
            connections_to(facts, sightings)
        ),
        subjects: concerned(facts, sightings),
    }
}

pub(in crate::diagnose) fn blind(_: &Facts) -> Option<String> {
    None
}
