//! Which connections and streams the evidence of a finding lies in.
//!
//! A proof is a frame; what reads or shows its surroundings (filters, extracts) asks
//! here what it is a part of. Found by the milestones that flows keep, so a frame that
//! is none (ARP, a repeat in the middle) is of no stream.

use crate::correlate::Leg;
use crate::diagnose::Finding;
use crate::flow::{Mark, Observations, Stream, VantageId};
use crate::trace::{At, ConnectionId, Trace};
use std::collections::{BTreeSet, HashSet};

/// The connections of a finding and, through a proxy, those behind and before them.
pub(crate) fn concerned(trace: &Trace, finding: &Finding) -> BTreeSet<ConnectionId> {
    let own = || finding.connections.iter().chain(&finding.strays).copied();
    let tied = own().flat_map(|id| {
        let pairs = &trace.pairs;
        let of = [&pairs.backends, &pairs.clients, &pairs.attempts];
        of.into_iter().filter_map(move |map| map.get(&id.0)).flatten().map(|id| ConnectionId(*id))
    });
    own().chain(tied).collect()
}

/// The connections that the evidence of a finding lies in.
pub(crate) fn proven(trace: &Trace, finding: &Finding) -> BTreeSet<ConnectionId> {
    let streams: HashSet<(VantageId, usize)> = finding
        .proofs
        .iter()
        .filter_map(|proof| Some((proof.at.vantage, stream_of(trace, proof.at)?)))
        .collect();
    let holds = |id: &ConnectionId| {
        let mut legs = trace.legs(*id).iter();
        legs.any(|leg| streams.contains(&(leg.vantage, leg.stream as usize)))
    };
    if streams.is_empty() {
        return BTreeSet::new();
    }
    trace.iter().map(|(id, _)| id).filter(holds).collect()
}

/// The connection of which a frame is a milestone.
pub(crate) fn connection_of(trace: &Trace, at: At) -> Option<ConnectionId> {
    let stream = stream_of(trace, at)?;
    let is = |leg: &Leg| leg.vantage == at.vantage && leg.stream as usize == stream;
    trace.iter().map(|(id, _)| id).find(|id| trace.legs(*id).iter().any(is))
}

/// The stream of which a frame is a milestone, by index at its vantage.
pub(crate) fn stream_of(trace: &Trace, at: At) -> Option<usize> {
    let vantage = trace.vantages.get(at.vantage.index())?;
    let spans = |stream: &Stream| is_within(stream.first(), stream.last(), at.mark);
    let is = |stream: &Stream| spans(stream) && has(vantage, stream, at.mark);
    // Streams stand in the order of their first frames, and a frame is of one stream: it is
    // mostly one of the latest that had begun.
    let begun = |stream: &Stream| stream.first().frame() <= at.mark.frame();
    let (before, after) = vantage.streams.split_at(vantage.streams.partition_point(begun));
    let later = || Some(before.len() + after.iter().position(is)?);
    let reach = &trace.reach(at.vantage)[..before.len()];
    let holds = |index: &usize| reach[*index] >= at.mark.frame();
    let mut within = (0..before.len()).rev().take_while(holds);
    if let Some(index) = within.find(|index| is(&before[*index])).or_else(later) {
        return Some(index);
    }
    let here = |v: VantageId| v == at.vantage;
    let is = |marks: [Mark; 2]| marks.contains(&at.mark);
    let mut exchanges = trace.pairs.exchanges.iter().filter(|e| here(e.vantage));
    let exchange = exchanges.find(|e| is([e.request, e.response]))?;
    let mut legs = trace.legs(ConnectionId(exchange.connection)).iter();
    let leg = legs.find(|leg| here(leg.vantage) && spans(leg.of(&trace.vantages)))?;
    Some(leg.stream as usize)
}

fn has(vantage: &Observations, stream: &Stream, mark: Mark) -> bool {
    stream.flows.iter().any(|f| {
        [f.first, f.last, f.syn, f.ack, f.data, f.fin, f.rst, f.rst_answers].contains(&mark)
            || vantage
                .links_of(f)
                .any(|link| [link.first, link.last, vantage.first_repeat(link)].contains(&mark))
    })
}

/// Whether a frame lies between two others of its vantage.
pub(crate) fn is_within(first: Mark, last: Mark, mark: Mark) -> bool {
    (first.frame()..=last.frame()).contains(&mark.frame())
}
