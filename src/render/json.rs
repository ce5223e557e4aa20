//! Documents as JSON, for programs and for tickets.
//!
//! A document is the data itself. What JSON leaves raw though a terminal
//! obeys it (DEL, C1, bidirectional controls) is escaped as `\uNNNN`, which
//! reads back as the same string. Refuses to leave anything out.

use super::sanitise::{has_unsafe, is_unsafe};
use crate::report::{Break, Connection, Finding, Report, Totals, Verdict};
use serde::Serialize;
use std::fmt::Write as _;

/// A whole document, indented, with a line feed at the end.
#[must_use]
pub fn json<T: Serialize>(document: &T) -> String {
    // Every key is a string and every value plain data, so this cannot fail;
    // were it to, the reader gets a document that says so and no empty file.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_else(failed);
    text.push('\n');
    shown(text)
}

/// One document a line, for programs that read line by line.
#[must_use]
pub fn ndjson<T: Serialize>(documents: &[T]) -> String {
    let mut text = String::new();
    for document in documents {
        text.push_str(&serde_json::to_string(document).unwrap_or_else(failed));
        text.push('\n');
    }
    shown(text)
}

/// A line for the verdict with all sums, one a break, one a finding, one a connection,
/// each the report's own object with its `type`, `verdict`, `break`, `finding` or
/// `connection`, before the rest.
#[must_use]
pub fn report_ndjson(report: &Report) -> String {
    let verdict = Line::Verdict(Summary { verdict: &report.verdict, totals: &report.totals });
    let breaks = report.breaks.iter().map(Line::Break);
    let findings = report.findings.iter().map(Line::Finding);
    let connections = report.connections.iter().map(Line::Connection);
    let lines: Vec<Line<'_>> =
        std::iter::once(verdict).chain(breaks).chain(findings).chain(connections).collect();
    ndjson(&lines)
}

/// The verdict with the sums of all connections.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    totals: &'a Totals,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Verdict(Summary<'a>),
    Break(&'a Break),
    Finding(&'a Finding),
    Connection(&'a Connection),
}

fn failed(why: serde_json::Error) -> String {
    serde_json::json!({ "error": why.to_string() }).to_string()
}

/// With nothing raw that a terminal obeys.
fn shown(text: String) -> String {
    if !has_unsafe(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if c == '\n' || !is_unsafe(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures;

    #[test]
    fn it_reads_back_as_the_same_report() {
        for report in [
            fixtures::hairpin(),
            fixtures::healthy(),
            fixtures::hostile("\x1b]0;x\x07\u{9b}2J\u{202e}\u{e0001}\x7f\r\n\"\\"),
        ] {
            let text = json(&report);
            assert_eq!(serde_json::from_str::<Report>(&text).ok(), Some(report));
            assert!(text.ends_with("}\n"));
        }
    }

    #[test]
    fn each_line_is_the_reports_object_with_its_type() {
        let report = fixtures::hairpin();
        let text = report_ndjson(&report);
        let mut lines: Vec<serde_json::Value> =
            text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let types: Vec<_> =
            lines.iter_mut().map(|l| l.as_object_mut().unwrap().remove("type").unwrap()).collect();
        let whole = serde_json::to_value(&report).unwrap();
        let mut verdict = whole["verdict"].clone();
        verdict["totals"] = whole["totals"].clone();
        let all = ["breaks", "findings", "connections"];
        let all = all.map(|key| whole[key].as_array().unwrap().clone()).concat();
        assert_eq!(lines, [vec![verdict], all].concat());
        assert_eq!(types.iter().filter(|t| *t == "finding").count(), report.findings.len());
        assert_eq!(types.iter().filter(|t| *t == "break").count(), report.breaks.len());
    }

    #[test]
    fn nothing_in_it_steers_a_terminal() {
        let text = json(&fixtures::hostile("\x1b[2J\u{9b}31m\u{202e}\u{e0001}\x7f"));
        assert!(!text.contains(|c| c != '\n' && is_unsafe(c)));
    }
}
