//! One finding as a block: what, how sure, why, proof, remedy, doubt.
//!
//! Labels stand in a column of their own so that the eye finds "fix" without
//! reading. Commands and filters are printed whole, however long, so that they
//! can be pasted. Refuses to shorten the explanation.

use super::super::Style;
use super::super::ink::{Ink, Tone};
use super::super::measure::{
    blanks, columns, cut, cut_middle, hang, pad_end, pad_start, verbatim, wrap,
};
use super::super::units::{count, harmed, plural, since, span};
use super::list;
use crate::report::{Candidate, Effect, Evidence, Finding, Fix, Kind, Severity, ToConfirm};
use std::collections::BTreeMap;

/// Columns of the labels ("explains" and a space).
const LABEL: usize = 9;

/// Columns by which a command stands in from the text that introduces it.
const COMMAND: usize = 2;

/// Columns that the notes of the proof need beside their frames; with fewer,
/// the frames begin under the label instead.
const NOTE: usize = 38;

/// Least columns for a note beside its frame; with fewer it goes below.
const MIN_NOTE: usize = 20;

/// A finding and what is needed to draw it.
pub(crate) struct Block<'a> {
    /// The finding.
    pub(crate) finding: &'a Finding,
    /// Number of the finding that explains it.
    pub(crate) explained_by: Option<u32>,
    /// All findings by number.
    pub(crate) others: &'a BTreeMap<u32, &'a Finding>,
    /// Digits of the largest number.
    pub(crate) digits: usize,
    /// How to draw.
    pub(crate) style: &'a Style,
}

impl Block<'_> {
    /// The block's lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let f = self.finding;
        let prose = self.style.prose();
        let body = blanks(self.body());
        let mut lines = vec![self.header()];
        for line in wrap(&f.title, prose - self.body()) {
            lines.push(format!("{body}{}", self.ink().paint(Tone::Strong, &line)));
        }
        for line in wrap(&f.explanation, prose - self.body()) {
            lines.push(format!("{body}{line}"));
        }
        let mut parts = self.affected();
        parts.extend(self.proof());
        // Where it is not certain, what to check stands before what to change.
        if self.finding.is_settled() {
            parts.extend(self.fixes());
            parts.extend(self.candidates());
            parts.extend(self.checks());
        } else {
            parts.extend(self.candidates());
            parts.extend(self.checks());
            parts.extend(self.fixes());
        }
        parts.extend(self.explains());
        parts.extend(self.filter());
        if !parts.is_empty() {
            lines.push(String::new());
        }
        lines.extend(parts);
        lines
    }

    fn ink(&self) -> Ink {
        self.style.ink()
    }

    /// Columns before the block's text.
    fn body(&self) -> usize {
        self.digits + 2
    }

    /// Columns before what a label introduces.
    fn inner(&self) -> usize {
        self.body() + LABEL
    }

    fn header(&self) -> String {
        let f = self.finding;
        let number = pad_start(&f.n.to_string(), self.digits);
        let severity = f.severity.name();
        let tone = match f.severity {
            Severity::Critical => Tone::Bad,
            Severity::Warning => Tone::Warn,
            Severity::Info => Tone::Unsure,
        };
        let tail = match (f.kind, self.explained_by) {
            (kind, Some(n)) => format!("   {kind}, explained by {n}"),
            (Kind::Symptom, None) => "   symptom, no cause found".to_owned(),
            (Kind::Cause, None) => String::new(),
            (kind, None) => format!("   {kind}"),
        };
        let rest = format!("· {}   {}{tail}", f.confidence, f.id);
        let used = columns(&number) + 3 + columns(severity);
        match self.style.prose().checked_sub(used) {
            Some(room) => {
                format!("{number}  {} {}", self.ink().paint(tone, severity), cut(&rest, room))
            }
            None => cut(&format!("{number}  {severity}"), self.style.prose()),
        }
    }

    /// `label` before the first of `lines`, which stand in by themselves.
    fn labelled(&self, label: &str, lines: Vec<String>) -> Vec<String> {
        let lead = self.ink().paint(Tone::Faint, label);
        let gap = blanks(LABEL.saturating_sub(columns(label)));
        lines
            .into_iter()
            .enumerate()
            .map(|(n, line)| match n {
                0 => format!("{}{lead}{gap}{line}", blanks(self.body())),
                _ => format!("{}{line}", blanks(self.inner())),
            })
            .collect()
    }

    /// `text` wrapped to what is left beside a label.
    fn beside(&self, text: &str) -> Vec<String> {
        wrap(text, self.style.prose() - self.inner())
    }

    fn affected(&self) -> Vec<String> {
        let a = &self.finding.affected;
        let mut said = match (a.connections, a.of) {
            (0, _) => String::new(),
            (n, of) if of >= n => format!("{} of {}", count(n), plural(of, a.noun())),
            (n, _) => plural(n, a.noun()),
        };
        if !said.is_empty() {
            said.push_str(&harmed(a));
        }
        match a.servers().as_slice() {
            _ if said.is_empty() => {}
            [] => {}
            [(only, n)] if *n >= a.connections => {
                said.push_str(&format!(", all to real server {only}"));
            }
            servers => {
                let each: Vec<String> =
                    servers.iter().map(|(name, n)| format!("{name} {}", count(*n))).collect();
                said.push_str(&format!(
                    "; by real server: {}",
                    list(each.iter().map(String::as_str), 6)
                ));
            }
        }
        if let (Some(first), Some(last)) = (&a.first_seen, &a.last_seen) {
            if !said.is_empty() {
                said.push('\n');
            }
            said.push_str(&span(first, last));
        }
        self.labelled("affects", self.beside(&said))
    }

    fn proof(&self) -> Vec<String> {
        let all = &self.finding.evidence;
        let shown: Vec<&Evidence> = all.iter().take(self.style.max_evidence).collect();
        if all.is_empty() {
            return Vec::new();
        }
        let name_cap = self.style.prose() / 4;
        let frame = |e: &Evidence| {
            let number = format!(" {}", e.place());
            let place = if e.vantage.trim().is_empty() {
                e.capture.rsplit('/').next().unwrap_or_default()
            } else {
                &e.vantage
            };
            format!("{}{number}", cut_middle(place.trim(), name_cap.saturating_sub(number.len())))
        };
        let widest = |cells: &[String]| cells.iter().map(|c| columns(c)).max().unwrap_or(0);
        let frames: Vec<String> = shown.iter().map(|e| frame(e)).collect();
        let times: Vec<String> = shown.iter().map(|e| since(e.since_first_ns)).collect();
        let ways: Vec<String> = shown.iter().map(|e| cut(e.direction.trim(), 8)).collect();
        let (frame_w, time_w, way_w) = (widest(&frames), widest(&times), widest(&ways));
        let way_gap = if way_w == 0 { 0 } else { way_w + 2 };
        let before_note = frame_w + 2 + time_w + 2 + way_gap;
        let room = self.style.prose() - self.inner();
        let under_label = room < before_note + NOTE;
        let at = if under_label { self.body() + 2 } else { self.inner() };
        let room_beside = self.style.prose().saturating_sub(at + before_note);
        let mut rows: Vec<String> = Vec::new();
        for (((e, frame), time), way) in shown.iter().zip(&frames).zip(&times).zip(&ways) {
            let way = pad_end(way, way_gap);
            let lead = format!("{}  {}  {way}", pad_end(frame, frame_w), pad_start(time, time_w));
            if room_beside < MIN_NOTE {
                rows.push(lead);
                rows.extend(hang("  ", &e.note, self.style.prose() - at));
            } else {
                rows.extend(hang(&lead, &e.note, self.style.prose() - at));
            }
        }
        let hidden = all.len() - shown.len();
        if hidden > 0 {
            let more = plural(hidden as u64, "more frame");
            let said = format!("and {more} (--format json has all)");
            rows.extend(wrap(&said, self.style.prose() - at));
        }
        if under_label {
            let mut lines = self.labelled("proof", vec![String::new()]);
            lines.extend(rows.iter().map(|row| format!("{}{row}", blanks(at))));
            lines
        } else {
            self.labelled("proof", rows)
        }
    }

    /// Lines to paste, stood in but never cut.
    fn command(&self, command: &str) -> Vec<String> {
        verbatim(command).into_iter().map(|line| format!("{}{line}", blanks(COMMAND))).collect()
    }

    fn fixes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (n, fix) in self.finding.fix.iter().enumerate() {
            let mut part = self.beside(&introduce(fix));
            if fix.effect == Effect::Disruptive {
                for line in &mut part {
                    *line = line.replace("disruptive", &self.ink().paint(Tone::Warn, "disruptive"));
                }
            }
            part.extend(self.command(&fix.command));
            part.extend(self.undo(&fix.undo));
            lines.extend(self.labelled(fix.lead(n), part));
        }
        lines
    }

    /// A sentence is wrapped; what may be a command is left whole.
    fn undo(&self, undo: &str) -> Vec<String> {
        let undo = undo.trim();
        let short = format!("undo: {undo}");
        let one_line = !undo.contains('\n');
        if undo.is_empty() {
            Vec::new()
        } else if one_line && (undo.ends_with('.') || columns(&short) <= 24) {
            self.beside(&short)
        } else {
            let mut lines = vec!["undo:".to_owned()];
            lines.extend(self.command(undo));
            lines
        }
    }

    fn candidates(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for said in candidates(&self.finding.candidates) {
            let label = if lines.is_empty() { "or maybe" } else { "" };
            lines.extend(self.labelled(label, self.beside(&said)));
        }
        lines
    }

    fn checks(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for step in &self.finding.to_confirm {
            let label = if lines.is_empty() { "check" } else { "" };
            let mut part = self.beside(&ask(step));
            part.extend(self.command(&step.command));
            lines.extend(self.labelled(label, part));
        }
        lines
    }

    /// Each finding that this one explains, by number, id and title.
    fn explains(&self) -> Vec<String> {
        let room = self.style.prose() - self.inner();
        let rows: Vec<String> = self
            .finding
            .explains
            .iter()
            .filter_map(|n| self.others.get(n))
            .flat_map(|f| {
                let hit = match f.affected.connections {
                    0 => String::new(),
                    n => format!(" ({})", plural(n, "connection")),
                };
                hang(&format!("{} ", f.n), &format!("{}{hit}: {}", f.id, f.title), room)
            })
            .collect();
        self.labelled("explains", rows)
    }

    fn filter(&self) -> Vec<String> {
        match self.finding.wireshark_filter.as_deref() {
            Some(filter) if !filter.trim().is_empty() => self.labelled("filter", verbatim(filter)),
            _ => Vec::new(),
        }
    }
}

/// `on rs1, safe:`.
fn introduce(fix: &Fix) -> String {
    let place = if fix.host.is_empty() { String::new() } else { format!("on {}, ", fix.host) };
    format!("{place}{}:", fix.effect)
}

/// `on rs1: whether it listens at all`.
fn ask(step: &ToConfirm) -> String {
    match (step.host.is_empty(), step.why.is_empty()) {
        (true, _) => step.why.clone(),
        (false, true) => format!("on {}:", step.host),
        (false, false) => format!("on {}: {}", step.host, step.why),
    }
}

/// Candidates that the same tells apart and that are named: a list of twenty is no hint.
const NAMED: usize = 4;

/// Candidates, those that the same tells apart on one line.
pub(super) fn candidates(all: &[Candidate]) -> impl Iterator<Item = String> {
    all.chunk_by(|a, b| a.tell_apart == b.tell_apart).map(|alike| {
        let named = if alike.len() > NAMED + 1 { NAMED } else { alike.len() };
        let ids: Vec<&str> = alike[..named].iter().map(|c| c.id.as_str()).collect();
        let more = match alike.len() - named {
            0 => String::new(),
            n => format!(" and {n} more (--coverage)"),
        };
        format!("{}{more}: {}", ids.join(", "), alike[0].tell_apart)
    })
}
