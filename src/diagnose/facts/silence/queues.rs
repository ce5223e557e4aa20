//! Servers that drop SYNs while accepted connections wait for their first answer.

use super::timestamps;
use crate::diagnose::facts::way::arrivals::Arrived;
use crate::flow::Mark;
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, seq_lt};
use std::collections::{BTreeMap, HashMap, HashSet};

impl Arrived {
    /// The frames between which its request was received and not answered.
    fn waits(&self) -> Option<(u32, u32)> {
        let end = [self.response, self.reset].iter().filter_map(|m| m.get()).map(Mark::frame).min();
        let (start, end) = (self.request.get()?.frame(), end.unwrap_or(u32::MAX));
        (self.accepted.is_set() && start < end).then_some((start, end))
    }
}

/// Requests that wait, by capture: when they begin to and when they cease, each in
/// order, so that thousands are counted without comparing each with each.
struct Waiting(BTreeMap<usize, (Vec<u32>, Vec<u32>)>);

impl Waiting {
    fn of(all: &[Arrived]) -> Self {
        let mut captures: BTreeMap<usize, (Vec<u32>, Vec<u32>)> = BTreeMap::new();
        for (a, (start, end)) in all.iter().filter_map(|a| Some((a, a.waits()?))) {
            let (starts, ends) = captures.entry(a.capture).or_default();
            starts.push(start);
            ends.push(end);
        }
        for (starts, ends) in captures.values_mut() {
            starts.sort_unstable();
            ends.sort_unstable();
        }
        Self(captures)
    }

    /// How many wait when the first SYN of a connection arrives.
    fn at(&self, syn: &Arrived) -> usize {
        let Some((starts, ends)) = self.0.get(&syn.capture) else { return 0 };
        let before = |frames: &[u32]| frames.partition_point(|frame| *frame < syn.syn.frame());
        before(starts) - before(ends)
    }
}

/// By connection: whether its timestamp is lower than that of an earlier accepted SYN
/// of its source; absent without one.
fn backward(all: &[Arrived]) -> HashMap<ConnectionId, bool> {
    let mut ordered: Vec<&Arrived> = all.iter().collect();
    ordered.sort_unstable_by_key(|a| (a.capture, a.source, a.syn.frame()));
    let mut found = HashMap::new();
    for of_source in ordered.chunk_by(|a, b| (a.capture, a.source) == (b.capture, b.source)) {
        let mut highest: Option<u32> = None;
        for a in of_source {
            let Some(own) = a.tsval else { continue };
            if let Some(high) = highest {
                found.insert(a.id, seq_lt(own, high));
            }
            if a.accepted.is_set() && highest.is_none_or(|high| seq_lt(high, own)) {
                highest = Some(own);
            }
        }
    }
    found
}

/// A server that drops SYNs of sources that it also serves.
#[derive(Debug)]
pub(in crate::diagnose) struct Dropping {
    pub host: HostId,
    /// Connections of which it dropped all SYNs.
    pub silent: Vec<ConnectionId>,
    /// A SYN that got nothing, first and last, and a request that waits then.
    pub shown: (At, At),
    pub waiting: At,
    /// Requests that wait when the first such SYN arrives.
    pub depth: usize,
    pub signs: Signs,
}

/// What tells why SYNs are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    /// Connections of which all SYNs were dropped.
    pub silent: usize,
    /// Whenever one was dropped, accepted connections waited for their first answer.
    pub always_waiting: bool,
    /// Exactly those were dropped that a memory of timestamps drops.
    pub by_memory: bool,
    /// Their timestamps went back, and those of no other.
    pub went_back: bool,
}

/// What a server drops, given all that arrived there; `None` if nothing.
pub(in crate::diagnose) fn dropping(
    trace: &Trace,
    host: HostId,
    all: &[Arrived],
) -> Option<Dropping> {
    // Silence towards a source that never gets an answer is a filter's.
    let known: HashSet<Ip> = all.iter().filter(|a| a.accepted.is_set()).map(|a| a.source).collect();
    let silent: Vec<&Arrived> =
        all.iter().filter(|a| a.is_silent(trace) && known.contains(&a.source)).collect();
    let waiting = Waiting::of(all);
    let first = silent.iter().min_by_key(|s| (s.capture, s.syn.frame()))?;
    let waits = all.iter().find(|a| {
        let within = |(start, end)| start < first.syn.frame() && first.syn.frame() <= end;
        a.capture == first.capture && a.waits().is_some_and(within)
    })?;
    // A server that remembers timestamps by source drops exactly those that go
    // back, and no others.
    let backward = backward(all);
    let goes_back = |a: &Arrived| backward.get(&a.id) == Some(&true);
    let signs = Signs {
        silent: silent.len(),
        always_waiting: silent.iter().all(|s| waiting.at(s) > 0),
        by_memory: timestamps::dropped(trace, all).is_some(),
        went_back: silent.iter().all(|s| goes_back(s))
            && !all.iter().any(|a| a.accepted.is_set() && goes_back(a)),
    };
    Some(Dropping {
        host,
        silent: silent.iter().map(|s| s.id).collect(),
        shown: (
            At { vantage: first.vantage, mark: first.syn },
            At { vantage: first.vantage, mark: first.last_syn },
        ),
        waiting: At { vantage: waits.vantage, mark: waits.request },
        depth: waiting.at(first),
        signs,
    })
}
