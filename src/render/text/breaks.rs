//! Where connections broke: a line each group, before any reason.
//!
//! What sets a group apart stands below its line. Groups beyond the bound are counted.

use super::super::Style;
use super::super::measure::hang;
use super::super::sanitise::clean;
use super::super::units::plural;
use super::MAX_ROWS;
use crate::report::{Break, Report};

/// The section; empty where nothing broke.
pub(crate) fn section(report: &Report, style: &Style) -> Vec<String> {
    if report.breaks.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["where it breaks".to_owned()];
    for broken in report.breaks.iter().take(MAX_ROWS) {
        lines.extend(hang("  ", &line(broken), style.prose()));
        for apart in &broken.apart {
            lines.extend(hang(
                "      ",
                &format!("apart: {}", clean(&apart.sentence)),
                style.prose(),
            ));
        }
    }
    if report.breaks.len() > MAX_ROWS {
        lines.push(format!("  and {} more", report.breaks.len() - MAX_ROWS));
    }
    lines
}

/// `3 to 203.0.113.8:80 fail: SYN-ACK  rs1 out #31 ✓ → lb in ✗ (captured, not there)  [1]`.
fn line(broken: &Break) -> String {
    let verb = match (broken.fate.as_str(), broken.connections) {
        ("failed", 1) => "fails",
        ("failed", _) => "fail",
        (_, 1) => "suffers",
        _ => "suffer",
    };
    let numbers: Vec<String> = broken.findings.iter().map(ToString::to_string).collect();
    let findings =
        if numbers.is_empty() { String::new() } else { format!("  [{}]", numbers.join(", ")) };
    let n = plural(broken.connections, "connection");
    format!("{n} to {} {verb}: {}{findings}", clean(&broken.service), clean(&broken.line))
}
