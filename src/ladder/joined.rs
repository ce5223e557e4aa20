//! The connections that a proxy opened for one, in its drawing, and how steps are put in there: by
//! time; frames of one vantage keep their order, whatever clocks say.

use super::Request;
use super::fold::fold;
use crate::report::ladder::{Fold, Ladder, Step};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::HashSet;

/// Connections behind a proxy that are drawn with the client's.
const MAX_BEHIND: usize = 3;

/// A drawing before it is folded.
pub(super) struct Sheet {
    /// All steps; its folds are what was not read.
    pub ladder: Ladder,
    /// The host of each column, where it is known.
    pub hosts: Vec<Option<HostId>>,
    /// Time of the first step, nanoseconds on the reference clock.
    pub start: i64,
    /// The capture whose clock that is.
    pub clock: Option<usize>,
}

/// What a proxy opened for a connection: what carried its requests, else what it tried in
/// vain. Where others' requests went the same way, with the span of its own.
pub(super) fn behind(trace: &Trace, id: ConnectionId) -> Vec<(ConnectionId, Option<(i64, i64)>)> {
    let mut seen = HashSet::new();
    let all = opened(trace, id).filter(|back| seen.insert(*back));
    all.take(MAX_BEHIND).map(|back| (back, span(trace, id, back.0))).collect()
}

/// All that a proxy opened for a connection; what did both is there twice.
pub(super) fn opened(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = ConnectionId> + '_ {
    let pairs = &trace.pairs;
    let of = [pairs.backends.get(&id.0), pairs.attempts.get(&id.0)];
    of.into_iter().flatten().flatten().map(|back| ConnectionId(*back))
}

/// From the first of a client's requests on a shared connection to the last answer.
fn span(trace: &Trace, id: ConnectionId, back: u32) -> Option<(i64, i64)> {
    let pairs = &trace.pairs;
    if pairs.clients.get(&back).is_none_or(|clients| clients.len() < 2) {
        return None;
    }
    let own = pairs.carried.get(&id.0).into_iter().flatten();
    let own = own.filter_map(|at| pairs.exchanges.get(*at)).filter(|e| e.connection == back);
    let times = own.flat_map(|e| {
        let at = |mark: crate::flow::Mark| {
            let mark = mark.get()?;
            Some(trace.time(crate::trace::At { vantage: e.vantage, mark }).0)
        };
        [at(e.request), at(e.response)]
    });
    let times: Vec<i64> = times.flatten().collect();
    Some((times.iter().min().copied()?, times.iter().max().copied()?))
}

impl Sheet {
    /// Puts the steps of a connection to `server` in, those within a span.
    pub(super) fn join(&mut self, mut back: Self, server: Ip, span: Option<(i64, i64)>) {
        // The proxy called it by this address; it is in no service of its own.
        if let Some(column) = back.ladder.columns.last_mut().filter(|_| back.hosts.len() > 1) {
            column.name = server.to_string();
            column.role = "real server".to_owned();
        }
        let columns: Vec<usize> = (0..back.hosts.len()).map(|n| self.column(&back, n)).collect();
        let start = back.start;
        back.ladder.steps.retain(|step| {
            let at = start.saturating_add(step.at_ns);
            span.is_none_or(|(from, to)| (from..=to).contains(&at) || step.marked)
        });
        self.put(back, &columns);
    }

    /// Puts all steps of another drawing in, whose columns stand here at these places.
    pub(super) fn put(&mut self, back: Self, columns: &[usize]) {
        let last = self.next_packet();
        let place = |n: usize| columns.get(n).copied().unwrap_or(0);
        let shift = back.start.saturating_sub(self.start);
        let steps = back.ladder.steps.into_iter().map(|step| Step {
            at_ns: step.at_ns.saturating_add(shift),
            packet: step.packet + last,
            from: place(step.from),
            to: place(step.to),
            ..step
        });
        let steps = steps.collect();
        self.merge(steps);
        let notes = back.ladder.time_note;
        for part in notes.split("; ").skip(1) {
            self.note(part);
        }
    }

    /// Adds a sentence on clocks; of two on the same clocks the wider one stands.
    pub(super) fn note(&mut self, said: &str) {
        let within = |part: &str| {
            let (whose, error) = part.rsplit_once(" within ")?;
            let ms: f64 = error.strip_suffix(" ms")?.parse().ok()?;
            Some((whose.to_owned(), ms))
        };
        let mut parts: Vec<String> = self.ladder.time_note.split("; ").map(str::to_owned).collect();
        let same = |known: &&mut String| match (within(known), within(said)) {
            (Some((a, _)), Some((b, _))) => a == b,
            _ => known.as_str() == said,
        };
        match parts.iter_mut().find(same) {
            Some(known) if within(known).map(|w| w.1) < within(said).map(|w| w.1) => {
                said.clone_into(known);
            }
            Some(_) => {}
            None => parts.push(said.to_owned()),
        }
        self.ladder.time_note = parts.join("; ");
    }

    pub(super) fn next_packet(&self) -> usize {
        self.ladder.steps.iter().map(|step| step.packet + 1).max().unwrap_or(0)
    }

    /// The column of a host of what a proxy opened; the proxy itself, whoever it is, is where this
    /// drawing ends. A client that serves itself by way of the proxy plays two parts.
    fn column(&mut self, other: &Self, n: usize) -> usize {
        let host = other.hosts[n];
        let server = other.hosts.len() > 1 && n + 1 == other.hosts.len();
        let itself = server && host.is_some() && self.hosts.first() == Some(&host);
        let known = self.known(other, n, usize::from(itself));
        if let Some(known) = known {
            return known;
        }
        if n == 0 && host.is_none() {
            return self.hosts.len().saturating_sub(1);
        }
        let at = self.add(other, n);
        if itself {
            self.ladder.columns[at].role.push_str(" (same host)");
        }
        at
    }

    /// The column, from one on, of a host of another drawing, or of its name where no host is known.
    pub(super) fn known(&self, other: &Self, n: usize, from: usize) -> Option<usize> {
        let (host, name) = (other.hosts[n], &other.ladder.columns[n].name);
        let is = |at: &usize| match (host, self.hosts[*at]) {
            (Some(a), Some(b)) => a == b,
            _ => self.ladder.columns[*at].name == *name,
        };
        (from..self.hosts.len()).find(is)
    }

    /// A new column, as another drawing has it.
    pub(super) fn add(&mut self, other: &Self, n: usize) -> usize {
        self.hosts.push(other.hosts[n]);
        self.ladder.columns.push(other.ladder.columns[n].clone());
        self.hosts.len() - 1
    }

    /// Puts steps in by time, frames of one vantage by their numbers.
    pub(super) fn merge(&mut self, new: Vec<Step>) {
        let old = std::mem::take(&mut self.ladder.steps);
        let unread: Option<Fold> = self.ladder.folds.first().copied();
        let mut before = unread.map(|fold| fold.before);
        let mut merged = Vec::with_capacity(old.len() + new.len());
        let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
        let mut taken = 0;
        while let (Some(a), Some(b)) = (old.peek(), new.peek()) {
            if comes_before(b, a) {
                if unread.is_some_and(|fold| taken < fold.before) {
                    before = before.map(|at| at + 1);
                }
                merged.extend(new.next());
            } else {
                taken += 1;
                merged.extend(old.next());
            }
        }
        merged.extend(old);
        merged.extend(new);
        level(&mut merged);
        self.ladder.steps = merged;
        if let (Some(fold), Some(before)) = (unread, before) {
            self.ladder.folds = vec![Fold { before, packets: fold.packets }];
        }
    }

    /// The ladder with what a reader can do without left out.
    pub(super) fn folded(self, request: &Request<'_>) -> Ladder {
        let Self { mut ladder, .. } = self;
        let unread = ladder.folds.first().copied();
        let (steps, folds) = fold(ladder.steps, unread, request.max_steps);
        ladder.steps = steps;
        ladder.folded = folds.iter().map(|fold| fold.packets).sum();
        ladder.folds = folds;
        ladder
    }
}

/// The two sides of a proxy are laid over each other by clocks that are known to so much at best, nanoseconds.
const LEVEL_NS: i64 = 1_000_000;

/// Where frames tell the order and times differ from it by the clocks' doubt alone, none goes back.
fn level(steps: &mut [Step]) {
    let mut before = i64::MIN;
    let mut frames: Vec<(String, u64)> = Vec::new();
    for step in steps {
        // Two frames of one capture leave no doubt about their order.
        let tied = frames.iter().any(|(label, _)| step.frames.iter().any(|(own, _)| own == label));
        frames.clone_from(&step.frames);
        let back = before.saturating_sub(step.at_ns);
        if (1..=LEVEL_NS.max(step.uncertainty_ns)).contains(&back) {
            step.at_ns = before;
        }
        if tied && before != i64::MIN {
            let since = step.at_ns.saturating_sub(before).max(0);
            step.uncertainty_ns = step.uncertainty_ns.min(since);
        }
        before = step.at_ns;
    }
}

/// Whether one step stands before another: by their frames at one vantage, else by time.
fn comes_before(a: &Step, b: &Step) -> bool {
    for (vantage, number) in &a.frames {
        if let Some((_, other)) = b.frames.iter().find(|(known, _)| known == vantage) {
            return number < other;
        }
    }
    a.at_ns < b.at_ns
}
