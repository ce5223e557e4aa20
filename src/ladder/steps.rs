//! From ordered arrows to the ladder's steps.

use super::arrow::Arrow;
use super::cast::{Cast, Node};
use super::clocks::Clocks;
use super::collect::Seen;
use super::joined::Sheet;
use super::label::Labels;
use super::order::Ordered;
use super::packet::Sent;
use super::{Request, columns, note, rewrite};
use crate::capture::Timestamp;
use crate::flow::VantageId;
use crate::report::ladder::{Fold, Ladder, Step, StepKind};
use crate::report::rfc3339;
use std::collections::{BTreeSet, HashMap, HashSet};

/// All that the steps are made of.
pub(super) struct Drawing<'a> {
    /// Who takes part.
    pub cast: &'a Cast<'a>,
    /// The frames.
    pub seen: &'a Seen,
    /// The packets.
    pub packets: &'a [Sent],
    /// Their times.
    pub clocks: &'a Clocks<'a>,
}

impl Drawing<'_> {
    pub(super) fn sheet(&self, ordered: Ordered, request: &Request<'_>) -> Option<Sheet> {
        let Ordered { arrows, certain } = ordered;
        if arrows.is_empty() {
            return None;
        }
        let mut nodes = columns::order(&arrows, self.packets);
        // A host that only talks to itself needs no second column.
        if self.cast.is_self() && nodes.iter().all(|n| !matches!(n, Node::Host(_))) {
            nodes.retain(|n| *n == Node::Client);
            if nodes.is_empty() {
                nodes.push(Node::Client);
            }
        }
        let mut steps = self.steps(&arrows, &nodes, request);
        self.times(&arrows, &certain, &mut steps);
        let captures: BTreeSet<usize> = arrows
            .iter()
            .filter_map(|a| a.sightings.first())
            .map(|i| self.clocks.capture(&self.seen.sightings[*i]))
            .collect();
        let folds: Vec<Fold> = self.unread(&arrows).into_iter().collect();
        let first = arrows.first().and_then(|a| a.sightings.first());
        let start = first.map(|i| self.clocks.time(&self.seen.sightings[*i]));
        let ladder = Ladder {
            connection: request.number,
            title: request.title.clone(),
            columns: columns::columns(self.cast, &nodes, &arrows),
            steps,
            folded: folds.iter().map(|fold| fold.packets).sum(),
            folds,
            start: start.map(|ns| rfc3339(Timestamp(ns))),
            time_note: note::note(self.cast.trace, self.clocks, &captures),
        };
        let hosts = nodes.iter().map(|node| self.cast.host(*node)).collect();
        let clock = first.map(|i| self.clocks.capture(&self.seen.sightings[*i]));
        Some(Sheet { ladder, hosts, start: start.unwrap_or(0), clock })
    }

    /// Where frames were read and not kept: before the arrow that shows the first
    /// one kept again.
    fn unread(&self, arrows: &[Arrow]) -> Option<Fold> {
        let (vantage, frame) = self.seen.resumes?;
        let again = |i: &usize| {
            let s = &self.seen.sightings[*i];
            s.vantage == vantage && s.mark.frame() >= frame
        };
        let before = arrows.iter().position(|a| a.sightings.iter().any(again));
        let before = before.unwrap_or(arrows.len());
        Some(Fold { before, packets: self.seen.dropped })
    }

    fn steps(&self, arrows: &[Arrow], nodes: &[Node], request: &Request<'_>) -> Vec<Step> {
        let protocol = self.cast.trace.connection(request.connection).protocol;
        let mut labels = Labels::new(self.seen, protocol);
        let mut marked: HashMap<(VantageId, u32), Vec<&str>> = HashMap::new();
        for m in request.marked {
            marked.entry((m.at.vantage, m.at.mark.frame())).or_default().push(m.note.trim());
        }
        let place = |node: Node| nodes.iter().position(|n| *n == node).unwrap_or(0);
        let mut shown = HashSet::new();
        arrows
            .iter()
            .map(|arrow| {
                let packet = &self.packets[arrow.packet];
                let (from, to) = (place(arrow.from), place(arrow.to));
                let notes: Vec<&str> = arrow
                    .sightings
                    .iter()
                    .map(|i| &self.seen.sightings[*i])
                    .filter_map(|s| marked.get(&(s.vantage, s.mark.frame())))
                    .flatten()
                    .copied()
                    .collect();
                let rewrite =
                    rewrite::describe(self.cast, arrow, packet.forward, &self.seen.sightings);
                // Once in each direction says it; the proof may say it again.
                let fresh = rewrite.is_some()
                    && shown.insert((packet.forward, arrow.from, rewrite.clone()));
                Step {
                    at_ns: 0,
                    uncertainty_ns: 0,
                    packet: arrow.packet,
                    kind: match (from == to, arrow.lost) {
                        (true, _) => StepKind::ToSelf,
                        (_, true) => StepKind::Lost,
                        _ => StepKind::Arrow,
                    },
                    from,
                    to,
                    label: self.label(&mut labels, arrow),
                    frames: self.frames(arrow, &marked),
                    rewrite: rewrite.filter(|_| fresh || !notes.is_empty()),
                    marked: !notes.is_empty(),
                    remark: remark(&notes),
                }
            })
            .collect()
    }

    fn label(&self, labels: &mut Labels, arrow: &Arrow) -> String {
        let packet = &self.packets[arrow.packet];
        let tuple = self.cast.tuples.get(usize::from(arrow.tuples.1));
        let ports = tuple.map_or((0, 0), |t| {
            if packet.forward { (t.client.1, t.server.1) } else { (t.server.1, t.client.1) }
        });
        let Some(first) = arrow.sightings.first() else { return String::new() };
        let mut label = labels.name(arrow, packet, &self.seen.sightings[*first], ports);
        if arrow.loopback {
            label.push_str(", over lo");
        }
        label
    }

    /// The sender's frame and the receiver's, and any that is marked.
    fn frames(
        &self,
        arrow: &Arrow,
        marked: &HashMap<(VantageId, u32), Vec<&str>>,
    ) -> Vec<(String, u64)> {
        let trace = self.cast.trace;
        let ends = [arrow.from, arrow.to].map(|node| self.cast.host(node));
        let at_end = |v: VantageId| {
            let host = trace.host_of_vantage(v);
            host.is_some() && ends.contains(&host)
        };
        let mut frames: Vec<(VantageId, (String, u64))> = Vec::new();
        let any_end = arrow.sightings.iter().any(|i| at_end(self.seen.sightings[*i].vantage));
        for i in &arrow.sightings {
            let s = &self.seen.sightings[*i];
            let is_marked = marked.contains_key(&(s.vantage, s.mark.frame()));
            let known = frames.iter().any(|(v, _)| *v == s.vantage);
            if is_marked || (!known && (!any_end || at_end(s.vantage))) {
                let vantage = &trace.vantages[s.vantage.index()];
                let number = trace
                    .captures
                    .get(vantage.capture)
                    .map_or(s.mark.frame(), |c| c.locate(s.mark.frame()).1);
                frames.push((s.vantage, (vantage.label.clone(), u64::from(number))));
            }
        }
        frames.into_iter().map(|(_, frame)| frame).collect()
    }

    /// Times since the first step; none goes back within the clocks' doubt.
    fn times(&self, arrows: &[Arrow], certain: &[bool], steps: &mut [Step]) {
        let first = |arrow: &Arrow| arrow.sightings.first().map(|i| &self.seen.sightings[*i]);
        let Some(start) = arrows.first().and_then(first) else { return };
        let (zero, reference) = (self.clocks.time(start), self.clocks.capture(start));
        let mut before = (0i64, reference);
        for ((arrow, step), certain) in arrows.iter().zip(steps).zip(certain) {
            let Some(s) = first(arrow) else { continue };
            let capture = self.clocks.capture(s);
            let at = self.clocks.time(s).saturating_sub(zero);
            let doubt = |other| self.clocks.uncertainty(other, capture).unwrap_or(i64::MAX);
            let back = before.0.saturating_sub(at);
            // Times that are asked for as they are go back where a clock does.
            let level = self.cast.trace.timeline.corrects() && back > 0 && back <= doubt(before.1);
            step.at_ns = if level { before.0 } else { at };
            step.uncertainty_ns = doubt(reference);
            if *certain || capture == before.1 {
                // No doubt reaches back beyond what came before for certain.
                let since = step.at_ns.saturating_sub(before.0).max(0);
                step.uncertainty_ns = step.uncertainty_ns.min(since);
            }
            before = (step.at_ns, capture);
        }
    }
}

fn remark(notes: &[&str]) -> Option<String> {
    let mut said: Vec<&str> = Vec::new();
    for note in notes.iter().filter(|note| !note.is_empty()) {
        if !said.contains(note) {
            said.push(note);
        }
    }
    (!said.is_empty()).then(|| said.join("; "))
}
