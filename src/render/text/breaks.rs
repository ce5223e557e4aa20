//! Where connections broke: a line each group, before any reason.
//!
//! What sets a group apart stands below its line. Groups beyond the bound are counted.

use super::super::Style;
use super::super::measure::hang;
use super::super::sanitise::clean;
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

/// The sentence, and the findings that hold its connections: `[1, 2]`.
fn line(broken: &Break) -> String {
    let said = clean(&broken.sentence()).into_owned();
    if broken.findings.is_empty() { said } else { format!("{said}  {}", findings(broken)) }
}

fn findings(broken: &Break) -> String {
    let numbers: Vec<String> = broken.findings.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(", "))
}
