//! Real servers that answer by another interface than that on which they are asked.

use super::interfaces::is_elsewhere;
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::finding::Proof;
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};

/// An answered connection of another real server, whose answer leaves by another
/// interface than the request came in by.
pub(in crate::diagnose) fn peer(
    facts: &Indexed<'_>,
    service: ServiceId,
    silent: HostId,
) -> Option<(ConnectionId, Turn)> {
    let of_service = facts.requests_to(service).filter(|(_, c)| c.progress.answered);
    let mut found = None;
    for (id, _) in of_service {
        let Some(host) = facts.server(id).and_then(|s| s.host).filter(|h| *h != silent) else {
            continue;
        };
        match turn(facts, id, host) {
            Some(turn) if turn.elsewhere => found = found.or(Some((id, turn))),
            // One that answers where it is asked shows that the pool is not built so.
            Some(_) => return None,
            None => {}
        }
    }
    found
}

/// Where a real server is asked and where it answers, by its own capture.
pub(in crate::diagnose) struct Turn {
    pub elsewhere: bool,
    pub proof: Option<Proof>,
}

fn turn(trace: &Trace, id: ConnectionId, host: HostId) -> Option<Turn> {
    trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)).find_map(|leg| {
        let vantage = trace.vantage(leg);
        // Without interface numbers the capture cannot tell them apart.
        let elsewhere = is_elsewhere(vantage, trace.forward(leg), trace.reply(leg))?;
        let mut answers = trace.path(leg, trace.reply(leg));
        let (link, _) = answers.find(|(_, hop)| vantage.own.sent(hop) == Some(true))?;
        let note = "another real server answers by another interface than it is asked by";
        Some(Turn { elsewhere, proof: trace.proof(leg, link.first, note) })
    })
}
