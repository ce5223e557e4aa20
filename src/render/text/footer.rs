//! The end: damage, clocks, notes, and what was not checked.
//!
//! A note that several captures share is printed once. A clock is mentioned
//! where its error could mislead someone who opens two captures side by side.
//! Refuses to hide that something could not be checked: the last line always
//! counts it.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{blanks, hang, wrap};
use super::super::units::{count, duration};
use super::list;
use super::table::Grid;
use crate::report::{Capture, Coverage, CoverageStatus, Report};

/// Offsets below this do not mislead a reader, nanoseconds.
const OFFSET_MATTERS_NS: u64 = 1_000_000;

/// Drifts below this do not, parts per million (1 ms in 50 s).
const DRIFT_MATTERS_PPM: f64 = 20.0;

/// Notes of the captures shown without `--verbose`.
const MAX_NOTES: usize = 8;

/// Columns of the labels.
const LABEL: usize = 10;

/// Notes of the captures, clocks, notes of the report.
pub(crate) fn captures(report: &Report, style: &Style) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut notes: Vec<(&str, Vec<String>)> = Vec::new();
    for capture in &report.captures {
        for note in &capture.notes {
            match notes.iter_mut().find(|(n, _)| n == note) {
                Some((_, names)) => names.push(name(capture)),
                None => notes.push((note, vec![name(capture)])),
            }
        }
    }
    let cap = if style.verbose { usize::MAX } else { MAX_NOTES };
    for (note, names) in notes.iter().take(cap) {
        let names = list(names.iter().map(String::as_str), 4);
        said.push(format!("{names}: {note}"));
    }
    if notes.len() > cap {
        said.push(format!("and {} more notes (-v lists them)", notes.len() - cap));
    }
    let others: Vec<String> = report
        .notes
        .iter()
        .filter(|n| !notes.iter().any(|(shown, _)| shown == n))
        .cloned()
        .collect();
    let mut lines = block("captures", &said, style);
    lines.extend(block("clocks", &clocks(report, style), style));
    lines.extend(block("notes", &others, style));
    lines
}

/// Items under a label, further lines of one item standing in.
fn block(label: &str, items: &[String], style: &Style) -> Vec<String> {
    let room = style.prose() - LABEL;
    let mut lines = Vec::new();
    for item in items {
        for (n, line) in wrap(item, room - 2).iter().enumerate() {
            let lead = if lines.is_empty() { label } else { "" };
            let hung = blanks(if n == 0 { 0 } else { 2 });
            let shown = style.ink().paint(Tone::Faint, lead);
            let gap = blanks(LABEL - lead.len());
            lines.push(format!("{shown}{gap}{hung}{line}"));
        }
    }
    lines
}

/// The vantage's label where the file has one, else the file's name.
fn name(capture: &Capture) -> String {
    match capture.vantages.as_slice() {
        [only] => only.clone(),
        _ => file(&capture.path).to_owned(),
    }
}

fn file(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}

/// Captures without a tied clock that are named.
const MAX_UNTIED: usize = 8;

fn clocks(report: &Report, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    let mut untied = Vec::new();
    for capture in &report.captures {
        let clock = &capture.clock;
        let Some(reference) = clock.reference.as_deref() else {
            continue;
        };
        // One without frames has no times to compare.
        if reference == capture.path || capture.frames == 0 {
            continue;
        }
        let against = report
            .captures
            .iter()
            .find(|c| c.path == reference)
            .map_or_else(|| file(reference).to_owned(), name);
        let Some(offset) = clock.offset_ns else {
            untied.push((name(capture), against));
            continue;
        };
        let error = clock.error_ns.unwrap_or(0);
        let far = offset.unsigned_abs() >= OFFSET_MATTERS_NS
            && offset.unsigned_abs() > error.unsigned_abs();
        let drift = clock.drift_ppm.filter(|d| {
            d.abs() >= DRIFT_MATTERS_PPM && d.abs() > clock.drift_error_ppm.unwrap_or(0.0)
        });
        if !(far || drift.is_some() || style.verbose) {
            continue;
        }
        let way = if offset < 0 { "behind" } else { "ahead of" };
        let bound = clock.error_ns.map_or_else(String::new, |e| format!(" (± {})", duration(e)));
        let moving = drift.map_or_else(String::new, |d| format!(", drifting by {d:+.1} ppm"));
        lines.push(format!(
            "{}'s clock is {} {way} {against}'s{bound}{moving}",
            name(capture),
            duration(offset)
        ));
    }
    if let [(first, against), rest @ ..] = &untied[..] {
        let names = list(untied.iter().map(|(name, _)| name.as_str()), MAX_UNTIED);
        let said = if rest.is_empty() {
            format!("{first}: its clock against {against}'s is open")
        } else {
            format!("{names}: their clocks against {against}'s are open")
        };
        lines.push(format!("{said}; do not compare their times"));
    }
    lines
}

/// Every detector with what it could say: those with a reason as a table, the
/// clean ones, which have none, as a list.
pub(crate) fn coverage(report: &Report, style: &Style) -> Vec<String> {
    let bare = |c: &Coverage| {
        c.status == CoverageStatus::Clean && c.reason.as_deref().unwrap_or("").is_empty()
    };
    let rows = report
        .coverage
        .iter()
        .filter(|c| !bare(c))
        .map(|c| vec![c.id.clone(), c.status.to_string(), c.reason.clone().unwrap_or_default()])
        .collect();
    let mut lines = Grid {
        header: vec!["detector", "status", "reason"],
        rows,
        cap: usize::MAX,
        noun: "detectors",
    }
    .lines(style);
    let refuted: Vec<Vec<String>> = report
        .findings
        .iter()
        .flat_map(|f| f.refuted.iter().map(move |refuted| (f.n, refuted)))
        .map(|(n, refuted)| {
            let at = refuted.evidence.as_ref();
            let at = at.map_or_else(String::new, |e| format!(" ({} {})", e.vantage, e.place()));
            vec![refuted.id.clone(), format!("[{n}]"), format!("{}{at}", refuted.why)]
        })
        .collect();
    if !refuted.is_empty() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let header = vec!["ruled out", "for", "what speaks against it"];
        lines.extend(Grid { header, rows: refuted, cap: usize::MAX, noun: "causes" }.lines(style));
    }
    let clean: Vec<&str> =
        report.coverage.iter().filter(|c| bare(c)).map(|c| c.id.as_str()).collect();
    if !clean.is_empty() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(hang("  clean: ", &clean.join(", "), style.prose()));
    }
    lines
}

/// `checked and clean: 41 · could not check: 3 (--coverage lists them)`.
pub(crate) fn last(report: &Report, style: &Style) -> Vec<String> {
    let with = |status| {
        let n = report.coverage.iter().filter(|c| c.status == status).count();
        count(n as u64)
    };
    let hint =
        if style.coverage || report.coverage.is_empty() { "" } else { " (--coverage lists them)" };
    hang(
        "",
        &format!(
            "checked and clean: {} · could not check: {}{hint}",
            with(CoverageStatus::Clean),
            with(CoverageStatus::NotCheckable)
        ),
        style.prose(),
    )
}
