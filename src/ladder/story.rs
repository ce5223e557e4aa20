//! Which connection tells most of what is wrong.

use super::{Marked, Request, build};
use crate::diagnose::{self, Diagnosis, Finding};
use crate::report::ladder::Ladder;
use crate::trace::{At, ConnectionId, Trace};

/// Steps that fit a screen; the middle of longer connections is folded.
const MAX_STEPS: usize = 14;

/// The sequence diagram that the text report shows: the connection whose frames
/// prove the most important finding. `None` where nothing is wrong or no frame
/// can be read again.
#[must_use]
pub fn telling(trace: &Trace, diagnosis: &Diagnosis) -> Option<Ladder> {
    let finding = diagnosis.findings.iter().find(|f| f.is_loud() && !f.connections.is_empty())?;
    let shown =
        |id: &&ConnectionId| finding.proofs.iter().any(|proof| is_of(trace, **id, proof.at));
    let id = finding.connections.iter().find(shown).copied();
    let id = id.or_else(|| diagnose::telling(trace, &finding.connections))?;
    let which = if finding.connections.len() > 1 { "One of them" } else { "The connection" };
    drawn(trace, Some(finding), id, which)
}

/// The sequence diagram of one connection, with the frames marked that prove a
/// finding. `None` where no frame of it can be read again.
#[must_use]
pub fn one(trace: &Trace, finding: Option<&Finding>, id: ConnectionId) -> Option<Ladder> {
    drawn(trace, finding, id, "The connection")
}

fn drawn(
    trace: &Trace,
    finding: Option<&Finding>,
    id: ConnectionId,
    which: &str,
) -> Option<Ladder> {
    let proofs = finding.map_or(&[][..], |finding| &finding.proofs);
    let marked: Vec<Marked> =
        proofs.iter().map(|proof| Marked { at: proof.at, note: String::new() }).collect();
    let client = trace.connection(id).front.client;
    let title = format!("{which}, {}", client.0.with_port(client.1));
    build(
        trace,
        &Request { connection: id, number: id.0 + 1, title, marked: &marked, max_steps: MAX_STEPS },
    )
}

/// Whether a frame lies within a connection at its vantage.
fn is_of(trace: &Trace, id: ConnectionId, at: At) -> bool {
    trace.legs(id).iter().filter(|leg| usize::from(leg.vantage) == at.vantage).any(|leg| {
        let stream = leg.of(&trace.vantages);
        stream.flows.iter().any(|flow| {
            trace.path(leg, flow).any(|(link, _)| {
                let repeat = trace.vantage(leg).first_repeat(link);
                [link.first, link.last, repeat].contains(&at.mark)
            })
        })
    })
}
