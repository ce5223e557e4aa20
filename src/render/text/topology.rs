//! What is served, by whom, and which host is which.
//!
//! Each service has a line and a table of its real servers; hosts are listed
//! where the reader needs them to follow the findings: who forwards, whose
//! capture it is, who is accused. Refuses to add up: every number is the
//! report's.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{blanks, columns, hang, wrap};
use super::super::units::{count, duration, plural};
use super::table::Grid;
use super::{MAX_ROWS, endpoint, list};
use crate::report::{Host, HostRef, RealServer, Report, Role, Segment, Service, Timing, Totals};

/// How to see services that are not shown.
const HINT: &str = "(--vip picks one, -v lists all)";

/// Columns by which further lines of a service stand in.
const CONTINUED: usize = 4;

/// Names of real servers longer than this need a terminal of [`ROOMY`] columns
/// to leave room for a remark beside the numbers.
const LONG_NAME: usize = 28;

/// See [`LONG_NAME`].
const ROOMY: usize = 110;

/// Outcomes in the order in which they are told; the rest follow by name.
const ORDER: [&str; 8] =
    ["refused", "unanswered", "unreachable", "reset", "incomplete", "open", "unknown", "completed"];

/// One section a service.
pub(crate) fn services(report: &Report, style: &Style) -> Vec<Vec<String>> {
    // Of many services those come alone that something is wrong with.
    let (shown, rest) = if style.verbose {
        (report.services.iter().collect(), None)
    } else {
        report.shown_services()
    };
    let mut sections: Vec<Vec<String>> =
        shown.iter().take(rows(style)).map(|s| section(s, &[], style)).collect();
    if let Some(more) = shown.len().checked_sub(sections.len()).filter(|n| *n > 0) {
        let said = format!("and {} with failures {HINT}", plural(more as u64, "more service"));
        sections.push(wrap(&said, style.prose()));
    }
    sections.extend(rest.map(|rest| wrap(&format!("{} {HINT}", rest.said), style.prose())));
    sections
}

/// Rows that a table may have.
pub(crate) fn rows(style: &Style) -> usize {
    if style.verbose { usize::MAX } else { MAX_ROWS }
}

/// A service's line and the table of its real servers, with a column for their
/// `shares` where there are any.
pub(super) fn section(service: &Service, shares: &[f64], style: &Style) -> Vec<String> {
    let port = (service.port > 0).then_some(service.port);
    let name = format!("{}/{}", endpoint(&service.vip, port), service.protocol);
    let mode = match service.mode.as_str() {
        "unknown" => "forwarding mode unknown",
        known => known,
    };
    let by = directors(&service.directors);
    let heading = format!("{mode}{by}");
    let whole = format!("{name}   {heading}");
    let mut lines = wrap(&whole, style.prose());
    if lines.len() > 1 {
        lines = wrap(&whole, style.prose() - CONTINUED);
    }
    for line in lines.iter_mut().skip(1) {
        line.insert_str(0, &blanks(CONTINUED));
    }
    if let Some(first) = lines.first_mut()
        && let Some(rest) = first.strip_prefix(name.as_str()).map(str::to_owned)
    {
        *first = format!("{}{rest}", style.ink().paint(Tone::Strong, &name));
    }
    if service.real_servers.is_empty() {
        let said = format!("no real server seen; {}", summary(&service.totals));
        lines.extend(hang("  ", &said, style.prose()));
        return lines;
    }
    lines.extend(real_servers(service, shares, style));
    lines
}

fn directors(directors: &[HostRef]) -> String {
    if directors.is_empty() {
        return String::new();
    }
    let names: Vec<String> = directors
        .iter()
        .map(|d| {
            let macs = list(d.macs.iter().map(String::as_str), 2);
            match d.own.as_ref().or(d.addresses.first().filter(|_| macs.is_empty())) {
                Some(address) if macs.is_empty() => address.clone(),
                Some(address) => format!("{address} ({macs})"),
                None => macs,
            }
        })
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(", by director {}", list(names.iter().map(String::as_str), 3))
}

/// `6 connections: 3 did well, 3 failed`.
fn summary(totals: &Totals) -> String {
    let split = totals.fates();
    let all = plural(totals.connections, "connection");
    if split.is_empty() { all } else { format!("{all}: {split}") }
}

/// `2 refused, 1 reset`, of the outcomes that `keep` keeps.
pub(crate) fn outcomes(totals: &Totals, keep: impl Fn(&str) -> bool) -> String {
    let rank = |name: &str| ORDER.iter().position(|o| *o == name).unwrap_or(ORDER.len());
    let mut kept: Vec<(&str, u64)> = totals
        .outcomes
        .iter()
        .map(|(name, n)| (name.as_str(), *n))
        .filter(|(name, n)| *n > 0 && keep(name))
        .collect();
    kept.sort_by_key(|(name, _)| rank(name));
    kept.iter().map(|(name, n)| format!("{} {name}", count(*n))).collect::<Vec<_>>().join(", ")
}

fn real_servers(service: &Service, shares: &[f64], style: &Style) -> Vec<String> {
    let all = service.rows();
    let mut servers: Vec<Vec<String>> = all.iter().map(row).collect();
    let mut header =
        vec!["real server", ">connections", ">did well", ">failed", ">suffered", ">untold", ""];
    // Columns of what happened to none are left out.
    for (at, of) in [(5, (|t| t.untold) as fn(&Totals) -> u64), (4, |t| t.suffered)] {
        if all.iter().all(|server| of(&server.totals) == 0) {
            header.remove(at);
            servers.iter_mut().for_each(|row| drop(row.remove(at)));
        }
    }
    if shares.is_empty() {
        timed(&all, style, &mut header, &mut servers);
    } else {
        header.insert(2, ">share");
        let shares = shares.iter().map(|share| format!("{share:.1} %"));
        for (row, share) in servers.iter_mut().zip(shares.chain(std::iter::repeat(String::new()))) {
            row.insert(2, share);
        }
    }
    let mut below = Vec::new();
    // Long addresses leave remarks no room beside the numbers.
    let long = |row: &Vec<String>| row.first().is_some_and(|name| columns(name) > LONG_NAME);
    if style.columns() < ROOMY && servers.iter().take(rows(style)).any(long) {
        header.pop();
        for row in servers.iter_mut().take(rows(style)) {
            let said = row.pop().unwrap_or_default();
            if let Some(name) = row.first().filter(|_| !said.is_empty()) {
                below.extend(hang("  ", &format!("{name}: {said}"), style.prose()));
            }
        }
    }
    let mut lines =
        Grid { header, rows: servers, cap: rows(style), noun: "real servers (-v lists them)" }
            .lines(style);
    lines.extend(below);
    if style.verbose {
        lines.extend(service.real_servers.iter().filter_map(|s| path(s, style)).flatten());
    }
    lines
}

/// Puts the usual times before the last column, where there is room.
fn timed(
    all: &[RealServer],
    style: &Style,
    header: &mut Vec<&'static str>,
    rows: &mut [Vec<String>],
) {
    let timing = |server: &RealServer| server.timing.clone().unwrap_or_default();
    let known = all.iter().any(|s| timing(s).connect_ns.is_some());
    let quiet = rows.iter().all(|row| row.last().is_none_or(String::is_empty));
    if !known || !(quiet || style.columns() >= ROOMY) {
        return;
    }
    let last = header.len() - 1;
    header.splice(last..last, [">connect", ">first byte"]);
    for (row, server) in rows.iter_mut().zip(all) {
        let timing = timing(server);
        let shown =
            [timing.connect_ns, timing.first_byte_ns].map(|t| t.map_or_else(String::new, duration));
        row.splice(last..last, shown);
    }
}

/// Where the time of a real server's usual connection goes.
fn path(server: &RealServer, style: &Style) -> Option<Vec<String>> {
    let timing = server.timing.as_ref()?;
    let name = row(server).swap_remove(0);
    let spent = spent(timing);
    let said = format!("{name}, usual time: {spent}");
    (!spent.is_empty()).then(|| hang("  ", &said, style.prose()))
}

/// `client to director and back 0.18 ms, server 1.88 ms`; empty where one vantage alone
/// saw it and no answer.
pub(crate) fn spent(timing: &Timing) -> String {
    let segment =
        |s: &Segment| format!("{} to {} and back {}", s.from, s.to, duration(s.round_trip_ns));
    let mut parts: Vec<String> = timing.segments.iter().map(segment).collect();
    parts.extend(timing.server_ns.map(|ns| format!("server {}", duration(ns))));
    parts.join(", ")
}

/// Name, numbers, and what else is to say.
fn row(server: &RealServer) -> Vec<String> {
    let name = match (&server.address, &server.mac) {
        (Some(address), _) => endpoint(address, server.port),
        (None, Some(mac)) => mac.clone(),
        (None, None) => "not known".to_owned(),
    };
    let totals = &server.totals;
    let mut said = outcomes(&server.totals, |name| name != "completed");
    if let Some(remark) = server.remark.as_deref().filter(|r| !r.is_empty()) {
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(remark);
    }
    vec![
        name,
        count(server.connections),
        count(totals.well),
        count(totals.failed),
        count(totals.suffered),
        count(totals.untold),
        said,
    ]
}

/// The hosts that a reader of the findings needs.
pub(crate) fn hosts(report: &Report, style: &Style) -> Vec<String> {
    let shown: Vec<&Host> =
        report.hosts.iter().filter(|host| style.verbose || needed(host, report)).collect();
    let mut lines = host_table(&shown, rows(style), style);
    if style.verbose && !lines.is_empty() {
        lines.push(String::new());
        for host in shown.iter().filter(|h| !h.evidence.is_empty()) {
            let name = host.name();
            let said =
                format!("{} {}: {}", host.role, name.map_or("", String::as_str), host.evidence);
            lines.extend(hang("  ", &said, style.prose()));
        }
    }
    lines
}

/// Hosts with their addresses, at most `cap` of them.
pub(super) fn host_table(hosts: &[&Host], cap: usize, style: &Style) -> Vec<String> {
    let row = |host: &&Host| {
        let joined = |items: &[String]| list(items.iter().map(String::as_str), 3);
        vec![
            host.role.to_string(),
            joined(&host.addresses),
            joined(&host.macs),
            joined(&host.vantages),
        ]
    };
    Grid {
        header: vec!["host", "addresses", "MAC", "capture"],
        rows: hosts.iter().map(row).collect(),
        cap,
        noun: "hosts (-v lists them)",
    }
    .lines(style)
}

/// Whether a host forwards, was captured, or is what a finding is about.
pub(crate) fn needed(host: &Host, report: &Report) -> bool {
    let accused = || {
        report.findings.iter().flat_map(|f| &f.subjects).any(|s| {
            s.address.as_ref().is_some_and(|a| host.addresses.contains(a))
                || s.mac.as_ref().is_some_and(|m| host.macs.contains(m))
        })
    };
    !host.vantages.is_empty() || matches!(host.role, Role::Director | Role::Router) || accused()
}
