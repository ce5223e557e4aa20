//! What changed between two reports, for a terminal and for a ticket.
//!
//! First the answer, then both sides, then only what differs, service by service, with
//! the counts that it rests on. Refuses to list what stayed as it was.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{hang, pad_end, wrap};
use super::super::sanitise::clean;
use super::super::units::{count, duration, plural};
use super::joined;
use super::table::Grid;
use super::topology;
use crate::report::compare::{
    Comparison, Counts, FindingChange, ServerChange, ServiceChange, Side, Sized, TimeChange,
};

/// Columns of the words before findings ("appeared" and two spaces).
const LABEL: usize = 10;

/// The comparison as text of `style.width` columns. Ends with a line feed.
#[must_use]
pub fn comparison(comparison: &Comparison, style: &Style) -> String {
    let mut sections = vec![head(comparison, style), sides(comparison, style)];
    sections.extend(comparison.services.iter().map(|service| changed(service, style)));
    let appeared = &comparison.services_appeared;
    sections.push(whole("services only in the bad one", appeared, style));
    sections.push(whole("services only in the good one", &comparison.services_gone, style));
    sections.push(findings(comparison, style));
    let notes = comparison.notes.iter().flat_map(|note| labelled("note", note, style));
    sections.push(notes.collect());
    joined(&sections)
}

fn head(comparison: &Comparison, style: &Style) -> Vec<String> {
    let (word, tone) = match comparison.change.as_str() {
        "worse" => ("WORSE", Tone::Bad),
        "better" => ("BETTER", Tone::Good),
        "same" => ("SAME", Tone::Good),
        _ => ("CHANGED", Tone::Warn),
    };
    let mut lines = hang(&format!("{word}   "), &comparison.summary, style.prose());
    if let Some(first) = lines.first_mut() {
        let sentence = first.split_off(word.len());
        *first = format!("{}{sentence}", style.ink().paint(tone, word));
    }
    lines
}

fn sides(comparison: &Comparison, style: &Style) -> Vec<String> {
    let row = |word: &str, side: &Side| {
        let totals = &side.totals;
        let sum = format!(
            "{}, {} failed",
            plural(totals.connections, "connection"),
            count(totals.failed)
        );
        vec![word.to_owned(), side.status.word().to_owned(), sum, side.name.clone()]
    };
    let rows = vec![row("good", &comparison.good), row("bad", &comparison.bad)];
    let header = vec!["", "verdict", "connections", "read from"];
    Grid { header, rows, cap: usize::MAX, noun: "sides" }.lines(style)
}

/// A service's line, then a row for each thing that differs.
fn changed(service: &ServiceChange, style: &Style) -> Vec<String> {
    let was = service.was.as_ref().map_or_else(String::new, |was| format!("   (was {was})"));
    let name = format!("{}{was}", service.name);
    let mut rows = Vec::new();
    if let Some(mode) = &service.mode {
        rows.push(vec!["mode".to_owned(), mode.good.clone(), mode.bad.clone()]);
    }
    rows.extend(service.failed.iter().map(|counts| of("", counts)));
    rows.extend(service.outcomes.iter().map(|counts| of("", counts)));
    rows.extend(service.real_servers.iter().flat_map(server));
    let header = vec!["", "good", "bad"];
    let mut lines: Vec<String> = wrap(&name, style.prose())
        .iter()
        .map(|line| style.ink().paint(Tone::Strong, line))
        .collect();
    lines.extend(
        Grid { header, rows, cap: topology::rows(style), noun: "differences" }.lines(style),
    );
    lines
}

fn server(server: &ServerChange) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let doubt = if server.sure { "" } else { ", perhaps by chance" };
    match server.change.as_str() {
        "gone" => rows.push((String::from("seen"), format!("not seen{doubt}"))),
        "appeared" => rows.push((format!("not seen{doubt}"), String::from("seen"))),
        _ => {}
    }
    let mut rows: Vec<Vec<String>> =
        rows.into_iter().map(|(good, bad)| vec![server.name.clone(), good, bad]).collect();
    rows.extend(server.share.iter().map(|counts| of(&server.name, counts)));
    rows.extend(server.failed.iter().map(|counts| of(&server.name, counts)));
    rows.extend(server.times.iter().map(|times| time(&server.name, times)));
    rows
}

/// `10.0.0.11 connections   14 of 28, 50%   0 of 30, 0%`.
fn of(name: &str, counts: &Counts) -> Vec<String> {
    let part = |n: u64, all: u64| {
        let percent = if all == 0 { 0.0 } else { n as f64 * 100.0 / all as f64 };
        format!("{} of {}, {percent:.0}%", count(n), count(all))
    };
    let (good, bad) = (part(counts.good, counts.good_of), part(counts.bad, counts.bad_of));
    vec![format!("{name} {}", counts.what), good, bad]
}

/// Medians, with the connections that they are of.
fn time(name: &str, times: &TimeChange) -> Vec<String> {
    let said = |ns: i64, of: u64| format!("{} in {}", duration(ns), count(of));
    vec![
        format!("{name} {}", times.what),
        said(times.good_ns, times.good_of),
        said(times.bad_ns, times.bad_of),
    ]
}

fn whole(heading: &str, services: &[Sized], style: &Style) -> Vec<String> {
    if services.is_empty() {
        return Vec::new();
    }
    let rows = services
        .iter()
        .map(|service| vec![service.name.clone(), plural(service.connections, "connection")])
        .collect();
    let mut lines = vec![style.ink().paint(Tone::Strong, heading)];
    let grid = Grid { header: vec!["", ""], rows, cap: topology::rows(style), noun: "services" };
    // A table without headings needs no line for them.
    lines.extend(grid.lines(style).into_iter().skip(1));
    lines
}

fn findings(comparison: &Comparison, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in comparison.findings.iter().filter(|finding| finding.severity.is_loud()) {
        lines.extend(labelled(word(finding), &told(finding), style));
    }
    if !lines.is_empty() {
        lines.insert(0, style.ink().paint(Tone::Strong, "findings"));
    }
    lines
}

fn word(finding: &FindingChange) -> &str {
    match (finding.change.as_str(), finding.n_bad) {
        ("unsure", Some(_)) => "found now",
        ("unsure", None) => "not now",
        (change, _) => change,
    }
}

fn told(finding: &FindingChange) -> String {
    let mut said =
        format!("{} ({}, {}): {}", finding.id, finding.severity, finding.confidence, finding.title);
    if let Some(affected) = &finding.affected {
        said.push_str(&format!(
            "; {} of {} connections, before {} of {}",
            count(affected.bad),
            count(affected.bad_of),
            count(affected.good),
            count(affected.good_of)
        ));
    }
    if let Some(reason) = &finding.reason {
        said.push_str(&format!(" ({reason})"));
    }
    said
}

fn labelled(label: &str, text: &str, style: &Style) -> Vec<String> {
    let lead = format!("  {}", pad_end(&clean(label), LABEL));
    hang(&lead, text, style.prose())
}
