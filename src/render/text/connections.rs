//! Connections as a table.
//!
//! Refuses to choose: which connections a report holds was decided when it was
//! built.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::cut;
use super::super::units::{count, duration, instant};
use super::table::Grid;
use super::{MAX_ROWS, endpoint, list};
use crate::report::{Connection, Endpoint, Report};
use std::collections::HashMap;

/// Columns from which the start of a connection has room too.
const WIDE: usize = 100;

/// The first of them, for the long report.
pub(crate) fn section(report: &Report, style: &Style) -> Vec<String> {
    let listed = report.connections.len() as u64;
    let mut lines = tables(report, MAX_ROWS, style);
    if listed > 0 && report.totals.connections > listed {
        lines.push(format!("  of {} connections in all", count(report.totals.connections)));
    }
    lines
}

/// One table a service, in the order in which the services come up.
fn tables(report: &Report, cap: usize, style: &Style) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&Connection>)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for c in &report.connections {
        let at = *known.entry(c.service.as_str()).or_insert_with(|| {
            groups.push((c.service.as_str(), Vec::new()));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(at) {
            group.push(c);
        }
    }
    let mut lines = Vec::new();
    for (service, group) in groups {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let heading = cut(&format!("connections to {service}"), style.columns());
        lines.push(style.ink().paint(Tone::Strong, &heading));
        lines.extend(grid(&group, cap, style).lines(style));
    }
    lines
}

fn grid(group: &[&Connection], cap: usize, style: &Style) -> Grid {
    let wide = style.columns() >= WIDE;
    // Rows beyond the cap are only counted, so their cells are not made.
    let rows = group
        .iter()
        .enumerate()
        .map(|(n, c)| if n < cap { row(c, wide) } else { Vec::new() })
        .collect();
    let mut header = vec!["client", ">id", "real server", "outcome", ">lasted"];
    if wide {
        header.push("start (UTC)");
    }
    header.push("finding");
    Grid { header, rows, cap, noun: "(lbdiag connections lists them)" }
}

/// The real server, without the port where it is `plain`.
pub(crate) fn server(c: &Connection, plain: Option<u16>) -> String {
    let first = c.real_server.as_ref().and_then(|server| end(server, plain));
    let server = first.unwrap_or_else(|| "-".to_owned());
    match c.real_servers.len() {
        0 | 1 => server,
        n => format!("{server} and {} more", n - 1),
    }
}

/// An end by its address, without the port where it is `plain`, else by its MAC.
pub(crate) fn end(end: &Endpoint, plain: Option<u16>) -> Option<String> {
    let address = end.address.as_deref();
    let address = address.map(|a| endpoint(a, end.port.filter(|port| Some(*port) != plain)));
    address.or_else(|| end.mac.clone())
}

/// Numbers of the findings, and what the connection is if nobody's request.
fn findings(c: &Connection) -> String {
    let numbers: Vec<String> = c.findings.iter().map(u32::to_string).collect();
    let numbers = list(numbers.iter().map(String::as_str), 4);
    match c.ordinary.as_deref() {
        Some(kind) if numbers.is_empty() => kind.to_owned(),
        Some(kind) if !kind.is_empty() => format!("{kind}; {numbers}"),
        _ => numbers,
    }
}

fn row(c: &Connection, wide: bool) -> Vec<String> {
    let mut cells = vec![
        c.client.clone(),
        c.id.to_string(),
        server(c, None),
        c.ended(),
        duration(c.duration_ns),
    ];
    if wide {
        cells.push(instant(&c.start));
    }
    cells.push(findings(c));
    cells
}
