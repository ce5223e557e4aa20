//! Which connection tells most of what is wrong.

use super::{Marked, Request, build, joined};
use crate::breaks::Fate;
use crate::correlate::Leg;
use crate::diagnose::evidence;
use crate::diagnose::{self, Diagnosis, Finding, Proof};
use crate::report::ladder::Ladder;
use crate::trace::{At, ConnectionId, Trace};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Steps that fit a screen; the middle of longer connections is folded.
const MAX_STEPS: usize = 14;

/// Findings of which each has a drawing.
const MAX_DRAWN: usize = 16;

/// Connections of a finding that are asked for its frames: proofs are of the first ones.
const MAX_ASKED: usize = 4096;

/// What is drawn: a connection, and the finding whose frames are marked in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// The connection.
    pub connection: ConnectionId,
    /// Index of the finding.
    pub finding: Option<usize>,
}

/// The sequence diagram that the reports show: the connection whose frames
/// prove the most important finding. `None` where nothing is wrong or no frame
/// can be read again.
#[must_use]
pub fn telling(trace: &Trace, diagnosis: &Diagnosis) -> Option<Ladder> {
    draw(trace, diagnosis, loud(trace, diagnosis)?, false)
}

/// The connection that tells most: of the most important finding, else of all.
/// `None` where there is no connection.
#[must_use]
pub fn most_telling(trace: &Trace, diagnosis: &Diagnosis) -> Option<Chosen> {
    loud(trace, diagnosis).or_else(|| {
        let users: Vec<ConnectionId> = trace.requests().map(|(id, _)| id).collect();
        let all = || trace.iter().map(|(id, _)| id).collect::<Vec<_>>();
        let id = diagnose::telling(trace, &users).or_else(|| diagnose::telling(trace, &all()))?;
        Some(Chosen { connection: id, finding: None })
    })
}

fn loud(trace: &Trace, diagnosis: &Diagnosis) -> Option<Chosen> {
    let loud = |f: &Finding| f.is_loud() && !f.connections.is_empty();
    of_finding(trace, diagnosis, diagnosis.findings.iter().position(loud)?)
}

/// The connection whose frames prove a finding, one that failed before one that did well, and of those
/// the one with most of these frames; else the one that most captures show; `None` where the finding
/// concerns no connection.
#[must_use]
pub fn of_finding(trace: &Trace, diagnosis: &Diagnosis, index: usize) -> Option<Chosen> {
    let finding = diagnosis.findings.get(index)?;
    let frames = evidence::Frames::new(trace);
    let proofs: Vec<(At, Option<usize>)> =
        finding.proofs.iter().map(|proof| (proof.at, frames.stream_of(proof.at))).collect();
    let shown = |id: ConnectionId| {
        let all = || std::iter::once(id).chain(joined::opened(trace, id));
        let has = |(at, stream): &&(At, Option<usize>)| match stream {
            Some(stream) => all().any(|id| {
                let is = |leg: &Leg| leg.vantage == at.vantage && leg.stream as usize == *stream;
                trace.legs(id).iter().any(is)
            }),
            None => is_of(trace, id, *at),
        };
        proofs.iter().filter(has).count()
    };
    let harm = |id: ConnectionId| match diagnosis.breaks.fate(id) {
        Fate::Failed => 2,
        Fate::Suffered => 1,
        Fate::Well | Fate::Untold => 0,
    };
    let proven = finding.connections.iter().take(MAX_ASKED).filter(|id| shown(**id) > 0);
    // The first of several alike.
    let id = proven.copied().rev().max_by_key(|id| (harm(*id), shown(*id)));
    let id = id.or_else(|| diagnose::telling(trace, &finding.connections))?;
    Some(Chosen { connection: id, finding: Some(index) })
}

/// The drawing of each finding that concerns a connection, by the finding's number; of
/// the first [`MAX_DRAWN`], for each reads captures again.
#[must_use]
pub fn of_findings(trace: &Trace, diagnosis: &Diagnosis) -> BTreeMap<u32, Ladder> {
    (0..diagnosis.findings.len().min(MAX_DRAWN))
        .into_par_iter()
        .filter_map(|index| {
            let ladder = draw(trace, diagnosis, of_finding(trace, diagnosis, index)?, false)?;
            Some((index as u32 + 1, ladder))
        })
        .collect()
}

/// The connection that shows a frame of a finding, by the indexes of both: the finding's
/// own before those that a proxy tied to them, and these before all others. `None` where
/// none does.
#[must_use]
pub fn of_proof(
    trace: &Trace,
    diagnosis: &Diagnosis,
    index: usize,
    proof: usize,
) -> Option<Chosen> {
    let finding = diagnosis.findings.get(index)?;
    let at = finding.proofs.get(proof)?.at;
    let all = || finding.connections.iter().chain(&finding.strays).copied();
    let spans = |id: &ConnectionId| {
        trace.legs(*id).iter().filter(|leg| leg.vantage == at.vantage).any(|leg| {
            let stream = leg.of(&trace.vantages);
            (stream.first().frame()..=stream.last().frame()).contains(&at.mark.frame())
        })
    };
    let tied = || evidence::concerned(trace, finding).into_iter();
    let id = all()
        .find(|id| is_of(trace, *id, at))
        .or_else(|| tied().find(|id| is_of(trace, *id, at)))
        .or_else(|| evidence::connection_of(trace, at))
        .or_else(|| all().find(spans))?;
    Some(Chosen { connection: id, finding: Some(index) })
}

/// Draws what was chosen, with at most `max_steps` packets; `None` where no frame of it
/// can be read again.
#[must_use]
pub fn draw_up_to(
    trace: &Trace,
    diagnosis: &Diagnosis,
    chosen: Chosen,
    max_steps: usize,
) -> Option<Ladder> {
    let finding = chosen.finding.and_then(|index| diagnosis.findings.get(index));
    drawn(trace, finding, chosen.connection, "The connection", max_steps)
}

/// Draws what was chosen; `full` folds nothing. `None` where no frame of it can
/// be read again.
#[must_use]
pub fn draw(trace: &Trace, diagnosis: &Diagnosis, chosen: Chosen, full: bool) -> Option<Ladder> {
    let finding = chosen.finding.and_then(|index| diagnosis.findings.get(index));
    let which = match finding {
        Some(finding) if finding.connections.len() > 1 => "One of them",
        _ => "The connection",
    };
    drawn(trace, finding, chosen.connection, which, if full { usize::MAX } else { MAX_STEPS })
}

/// The sequence diagram of one connection, with the frames marked that prove a
/// finding. `None` where no frame of it can be read again.
#[must_use]
pub fn one(trace: &Trace, finding: Option<&Finding>, id: ConnectionId) -> Option<Ladder> {
    drawn(trace, finding, id, "The connection", MAX_STEPS)
}

fn drawn(
    trace: &Trace,
    finding: Option<&Finding>,
    id: ConnectionId,
    which: &str,
    max_steps: usize,
) -> Option<Ladder> {
    let proofs = finding.map_or(&[][..], |finding| &finding.proofs);
    let marked: Vec<Marked> = proofs.iter().map(|proof| marked(trace, proof)).collect();
    let client = trace.connections.list.get(id.0 as usize)?.front.client;
    let title = format!("{which}, {}", client.0.with_port(client.1));
    let group = finding.map_or(&[][..], |finding| &finding.connections);
    let number = id.0 + 1;
    build(trace, &Request { connection: id, number, title, marked: &marked, group, max_steps })
}

/// A frame of the proof; one of no connection is drawn with its own words.
fn marked(trace: &Trace, proof: &Proof) -> Marked {
    let stream = evidence::stream_of(trace, proof.at).is_some();
    let label = if stream { String::new() } else { proof.note.clone() };
    Marked { at: proof.at, note: String::new(), label }
}

/// Whether a frame lies within a connection at its vantage.
fn is_of(trace: &Trace, id: ConnectionId, at: At) -> bool {
    trace.legs(id).iter().filter(|leg| leg.vantage == at.vantage).any(|leg| {
        let stream = leg.of(&trace.vantages);
        stream.flows.iter().any(|flow| {
            trace.path(leg, flow).any(|(link, _)| {
                let repeat = trace.vantage(leg).first_repeat(link);
                [link.first, link.last, repeat].contains(&at.mark)
            })
        })
    })
}
