//! What stands beside the packets of one connection in its drawing: the connections that a
//! proxy opened for it, and frames of no connection that prove the finding, as ARP and ICMP.
//!
//! Steps are put in by time; frames of one vantage keep their order, whatever clocks say.

use super::fold::fold;
use super::{Marked, Request};
use crate::report::ladder::{Fold, Ladder, Step, StepKind};
use crate::second_pass::SecondPass;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{self, Ip};
use std::collections::HashSet;

/// Connections behind a proxy that are drawn with the client's.
const MAX_BEHIND: usize = 3;
/// Frames of no connection that are drawn.
const MAX_OTHERS: usize = 8;

/// A drawing before it is folded.
pub(super) struct Sheet {
    /// All steps; its folds are what was not read.
    pub ladder: Ladder,
    /// The host of each column, where it is known.
    pub hosts: Vec<Option<HostId>>,
    /// Time of the first step, nanoseconds on the reference clock.
    pub start: i64,
}

/// What a proxy opened for a connection: what carried its requests, else what it tried in
/// vain. Where others' requests went the same way, with the span of its own.
pub(super) fn behind(trace: &Trace, id: ConnectionId) -> Vec<(ConnectionId, Option<(i64, i64)>)> {
    let pairs = &trace.pairs;
    let of = [pairs.backends.get(&id.0), pairs.attempts.get(&id.0)];
    let mut seen = HashSet::new();
    let all = of.into_iter().flatten().flatten().filter(|back| seen.insert(**back));
    all.take(MAX_BEHIND).map(|back| (ConnectionId(*back), span(trace, id, *back))).collect()
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
        }
        let columns: Vec<usize> = (0..back.hosts.len()).map(|n| self.column(&back, n)).collect();
        let last = self.next_packet();
        let place = |n: usize| columns.get(n).copied().unwrap_or(0);
        let shift = back.start.saturating_sub(self.start);
        let steps = back.ladder.steps.into_iter().filter(|step| {
            let at = back.start.saturating_add(step.at_ns);
            span.is_none_or(|(from, to)| (from..=to).contains(&at) || step.marked)
        });
        let steps = steps.map(|step| Step {
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
    fn note(&mut self, said: &str) {
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

    fn next_packet(&self) -> usize {
        self.ladder.steps.iter().map(|step| step.packet + 1).max().unwrap_or(0)
    }

    /// The column of a host of another drawing; its first, whoever it is, is where this
    /// one ends.
    fn column(&mut self, other: &Self, n: usize) -> usize {
        let host = other.hosts[n];
        let known = host.and_then(|host| self.hosts.iter().position(|own| *own == Some(host)));
        if let Some(known) = known {
            return known;
        }
        if n == 0 && host.is_none() {
            return self.hosts.len().saturating_sub(1);
        }
        self.hosts.push(host);
        self.ladder.columns.push(other.ladder.columns[n].clone());
        self.hosts.len() - 1
    }

    /// Puts in frames of no connection that prove the finding.
    pub(super) fn others(&mut self, trace: &Trace, marked: &[Marked]) {
        let shown: HashSet<(String, u64)> =
            self.ladder.steps.iter().flat_map(|step| step.frames.clone()).collect();
        let last = self.next_packet();
        let mut steps = Vec::new();
        for mark in marked.iter().filter(|mark| !mark.label.is_empty()) {
            let vantage = &trace.vantages[mark.at.vantage.index()];
            let number = mark.at.mark.frame();
            let number = trace.captures.get(vantage.capture).map_or(number, |c| c.locate(number).1);
            let frame = (vantage.label.clone(), u64::from(number));
            if steps.len() >= MAX_OTHERS || shown.contains(&frame) {
                continue;
            }
            let of = |hosts: [Option<HostId>; 2]| {
                let column = |host| self.hosts.iter().position(|own| *own == Some(host));
                hosts.into_iter().flatten().find_map(column)
            };
            let Some((from, to)) = ends(trace, mark) else { continue };
            let (from, to) = (of(from), of(to));
            let kind = match (from, to) {
                (Some(from), Some(to)) if from != to => StepKind::Arrow,
                _ => StepKind::Remark,
            };
            steps.push(Step {
                at_ns: trace.time(mark.at).0.saturating_sub(self.start),
                uncertainty_ns: doubt(trace, mark).unwrap_or(0),
                packet: last + steps.len(),
                kind,
                from: from.or(to).unwrap_or(0),
                to: to.or(from).unwrap_or(0),
                label: mark.label.clone(),
                frames: vec![frame],
                rewrite: None,
                marked: true,
                remark: None,
            });
        }
        steps.sort_by_key(|step| step.at_ns);
        self.merge(steps);
    }

    /// Puts steps in by time, frames of one vantage by their numbers.
    fn merge(&mut self, new: Vec<Step>) {
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

/// The two sides of a proxy are laid over each other by clocks that are known to so much, nanoseconds.
const LEVEL_NS: i64 = 1_000_000;

/// Where frames tell the order and times differ from it by the clocks' doubt alone, none goes back.
fn level(steps: &mut [Step]) {
    let mut before = i64::MIN;
    for step in steps {
        let back = before.saturating_sub(step.at_ns);
        if (1..=LEVEL_NS).contains(&back) {
            step.at_ns = before;
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

/// How far a frame's time may be off the reference clock.
fn doubt(trace: &Trace, mark: &Marked) -> Option<i64> {
    let capture = trace.vantages[mark.at.vantage.index()].capture;
    trace.timeline.uncertainty(capture, trace.timeline.reference, trace.time(mark.at))
}

/// A host by its MAC, and by its address.
type End = [Option<HostId>; 2];

/// Who sent a frame, and whom it was for; `None` where it cannot be read again.
fn ends(trace: &Trace, mark: &Marked) -> Option<(End, End)> {
    let again = SecondPass::new(trace, trace.vantages[mark.at.vantage.index()].capture)?;
    let number = mark.at.mark.frame();
    let mut ends = None;
    again.frames(number..=number, |vantage, _, frame| {
        let packet = wire::decode(frame);
        let own = trace.host_of_vantage(vantage);
        let hop = crate::flow::Hop { link: packet.link, ttl: 0 };
        let seen = &trace.vantages[vantage.index()].own;
        let by = |mac| trace.host_by_mac(mac);
        let sent = by(hop.link.src).or(own.filter(|_| seen.sent(&hop) == Some(true)));
        let came = by(hop.link.dst).or(own.filter(|_| seen.arrived(&hop) == Some(true)));
        let (src, dst) = match &packet.body {
            wire::Body::Ip(ip) => (trace.host_by_ip(ip.src), trace.host_by_ip(ip.dst)),
            _ => (None, None),
        };
        ends = Some(([sent, src], [came, dst]));
    });
    ends
}
