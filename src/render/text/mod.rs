//! The report for a terminal and for pasting into a ticket.
//!
//! The order is that of a reader in a hurry: the verdict, what is served by
//! whom, what is wrong with proof and remedy, the drawing of one connection,
//! and last what the captures could not tell. Each part is a file of its own
//! that gives lines; here they are put together. Refuses to judge: what is
//! shown first is decided by the report's order.

mod breaks;
pub(crate) mod comparison;
pub(crate) mod connections;
mod finding;
mod findings;
#[cfg(test)]
pub(crate) mod fixtures;
mod footer;
pub(crate) mod ladder;
pub(crate) mod listing;
pub(crate) mod network;
pub(crate) mod plan;
pub(crate) mod story;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod topology;
mod verdict;

use super::Style;
use crate::report::Report;
use crate::report::ladder::Ladder;

/// Rows that a table shows before it only counts.
pub(crate) const MAX_ROWS: usize = 20;

/// The whole report as text of `style.width` columns. Only commands and
/// Wireshark filters may be wider, so that they can be pasted. Ends with a line
/// feed.
#[must_use]
pub fn text(report: &Report, ladder: Option<&Ladder>, style: &Style) -> String {
    let mut sections = vec![verdict::lines(report, style)];
    let mut network = topology::services(report, style);
    network.push(topology::hosts(report, style));
    let mut wrong = vec![breaks::section(report, style)];
    wrong.extend(findings::sections(report, style));
    // What is wrong comes first where the tables would stand in its way.
    if report.is_crowded() {
        sections.extend(wrong);
        sections.extend(network);
    } else {
        sections.extend(network);
        sections.extend(wrong);
    }
    if style.verbose {
        sections.push(connections::section(report, style));
    }
    if let Some(drawn) = ladder {
        sections.push(ladder::lines(drawn, style));
    }
    sections.push(footer::captures(report, style));
    if style.coverage {
        sections.push(footer::coverage(report, style));
    }
    sections.push(footer::last(report, style));
    joined(&sections)
}

/// Sections with an empty line between them; empty ones are left out.
fn joined(sections: &[Vec<String>]) -> String {
    let mut out = String::new();
    for section in sections.iter().filter(|s| !s.is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        for line in section {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// `host:port`, with brackets around an IPv6 address.
pub(crate) fn endpoint(address: &str, port: Option<u16>) -> String {
    match port {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.to_owned(),
    }
}

/// The first `show` of `items` joined by commas, and how many more there are.
pub(crate) fn list<'a>(items: impl IntoIterator<Item = &'a str>, show: usize) -> String {
    let items: Vec<&str> = items.into_iter().collect();
    let mut out = items.iter().take(show).copied().collect::<Vec<_>>().join(", ");
    if items.len() > show {
        out.push_str(&format!(" and {} more", items.len() - show));
    }
    out
}
