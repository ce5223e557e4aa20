//! What became of connections is the same number in every output: verdict, tables, breaks,
//! findings, JSON, lines of JSON, Markdown and the page, over every sample. (The same of the
//! screens of the TUI is among its own tests.)

use crate::support::check::{none, of_each};
use lbdiag::render::{self, Style};
use lbdiag::report::topology::topology;
use lbdiag::report::{self, ConnectionFilter, Report, Totals};
use lbdiag::topology::StatedRoles;
use lbdiag::{capture, diagnose, load};
use scraper::{Html, Selector};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// Texts in which line breaks and indents do not matter.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `1,204`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// What must stand beside a number of connections.
fn said(t: &Totals) -> String {
    let all = [
        (t.well, "did well"),
        (t.failed, "failed"),
        (t.suffered, "suffered"),
        (t.untold, "cannot be told"),
    ];
    let some = all.iter().filter(|(n, _)| *n > 0);
    some.map(|(n, what)| format!("{} {what}", grouped(*n))).collect::<Vec<_>>().join(", ")
}

fn name(server: &lbdiag::report::RealServer) -> String {
    match (&server.address, server.port) {
        (Some(ip), Some(port)) if ip.contains(':') => format!("[{ip}]:{port}"),
        (Some(ip), Some(port)) => format!("{ip}:{port}"),
        (Some(ip), None) => ip.clone(),
        (None, _) => server.mac.clone().unwrap_or_else(|| "not known".to_owned()),
    }
}

/// Diagnoses captures and holds every output against the report; gives the report as well.
pub fn in_every_output<P: AsRef<Path>>(captures: &[P]) -> (Report, Vec<String>) {
    let paths: Vec<String> =
        captures.iter().map(|path| path.as_ref().display().to_string()).collect();
    let inputs = capture::inputs(&paths).unwrap();
    let none = StatedRoles::default();
    let trace = load::load(&inputs.inputs, &none, &AtomicU64::new(0)).trace;
    let diagnosis = diagnose::diagnose(&trace);
    let options =
        report::Options { connections: ConnectionFilter::All, ..report::Options::default() };
    let report = report::build(&trace, &diagnosis, &options);
    let mut wrong = counted(&report);
    wrong.extend(headline(&report));
    wrong.extend(json(&report));
    wrong.extend(lines(&report));
    wrong.extend(text(&report));
    wrong.extend(markdown(&report));
    let topology = topology(&trace, &diagnosis.breaks);
    wrong.extend(page(&report, &render::html(&report, &topology, &BTreeMap::new())));
    (report, wrong)
}

#[test]
fn what_became_of_connections_is_the_same_in_every_output() {
    none(of_each(|sample| in_every_output(&sample.captures).1));
}

fn json(report: &Report) -> Option<String> {
    let read: Result<Report, _> = serde_json::from_str(&render::json(report));
    (read.ok().as_ref() != Some(report)).then(|| "JSON is not the report".to_owned())
}

/// The list of connections, and the breaks, against the totals.
fn counted(report: &Report) -> Vec<String> {
    let t = &report.totals;
    let fate = |name: &str| {
        let requests = report.connections.iter().filter(|c| c.ordinary.is_none());
        requests.filter(|c| c.fate == name).count() as u64
    };
    let broken = |fate: &str| -> u64 {
        let own = report.breaks.iter().filter(|b| b.fate == fate && b.packet != "health-check");
        own.map(|b| b.connections).sum()
    };
    let mut wrong = Vec::new();
    for (what, total, listed, broken) in [
        ("well", t.well, fate("well"), None),
        ("failed", t.failed, fate("failed"), Some(broken("failed"))),
        ("suffered", t.suffered, fate("suffered"), Some(broken("suffered"))),
        ("untold", t.untold, fate("untold"), None),
    ] {
        if listed != total || broken.is_some_and(|broken| broken != total) {
            wrong.push(format!("{total} {what}, {listed} listed, {broken:?} in breaks"));
        }
    }
    wrong
}

/// The second line, and the counts of lines that name one service.
fn headline(report: &Report) -> Vec<String> {
    let t = &report.totals;
    let mut wrong = Vec::new();
    let line = &report.verdict.accounts;
    if t.connections > 0
        && !(line.starts_with(&format!("{} connection", grouped(t.connections)))
            && line.contains(&format!(": {}", said(t))))
    {
        wrong.push(format!("{line:?} against {t:?}"));
    }
    for line in report.verdict.lines.iter().chain([&report.verdict.summary]) {
        let Some((n, rest)) = line.split_once(" of ") else { continue };
        let Some((of, rest)) = rest.split_once(" connection") else { continue };
        let rest = rest.trim_start_matches('s');
        let Some((to, what)) = rest.strip_prefix(" to ").and_then(|r| r.split_once(' ')) else {
            continue;
        };
        let service = report.services.iter().find(|s| {
            to == format!("{}:{}", s.vip, s.port) || to == format!("[{}]:{}", s.vip, s.port)
        });
        let Some(service) = service else { continue };
        let number = |text: &str| text.replace(',', "").parse::<u64>().ok();
        let most = match what.split([':', ' ']).next() {
            Some("fail" | "fails") => service.totals.failed,
            Some("suffer" | "suffers") => service.totals.suffered,
            Some("is" | "are") => service.totals.connections,
            // Several services.
            _ => continue,
        };
        if number(of) != Some(service.totals.connections) || number(n).is_none_or(|n| n > most) {
            wrong.push(format!("{line:?} against {:?}", service.totals));
        }
    }
    wrong
}

fn lines(report: &Report) -> Vec<String> {
    let text = render::report_ndjson(report);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|l| l["type"] == kind).count();
    let totals = serde_json::to_value(&report.totals).unwrap();
    let mut wrong = Vec::new();
    if lines[0]["type"] != "verdict" || lines[0]["totals"] != totals {
        wrong.push(format!("line 1 is {}", lines[0]));
    }
    if of("break") != report.breaks.len() || of("connection") != report.connections.len() {
        wrong.push("a break or a connection has no line".to_owned());
    }
    wrong
}

fn text(report: &Report) -> Vec<String> {
    let style = Style { verbose: true, width: 400, ..Style::default() };
    let text = render::text(report, None, &style);
    let flat = flowing(&text);
    let mut wrong = Vec::new();
    if !flat.contains(&flowing(&report.verdict.accounts)) {
        wrong.push("text without the sums".to_owned());
    }
    for broken in report.breaks.iter().take(20) {
        if !flat.contains(&flowing(&broken.sentence())) {
            wrong.push(format!("text without {:?}", broken.sentence()));
        }
    }
    for service in &report.services {
        let servers = &service.real_servers;
        for server in servers {
            let t = &server.totals;
            let some = |n: fn(&Totals) -> u64| servers.iter().any(|s| n(&s.totals) > 0);
            let mut row = vec![name(server)];
            row.extend([t.connections, t.well, t.failed].map(grouped));
            row.extend(some(|t| t.suffered).then(|| grouped(t.suffered)));
            row.extend(some(|t| t.untold).then(|| grouped(t.untold)));
            if !text.lines().map(flowing).any(|line| line.starts_with(&row.join(" "))) {
                wrong.push(format!("text without {row:?}"));
            }
        }
    }
    wrong
}

fn markdown(report: &Report) -> Vec<String> {
    let text = flowing(&render::markdown(report, None).replace(['`', '\\'], ""));
    let mut wrong = Vec::new();
    if !text.contains(&flowing(&report.verdict.accounts)) {
        wrong.push("markdown without the sums".to_owned());
    }
    for broken in report.breaks.iter().take(20) {
        if !text.contains(&flowing(&broken.sentence())) {
            wrong.push(format!("markdown without {:?}", broken.sentence()));
        }
    }
    for server in report.shown_services().0.iter().flat_map(|s| &s.real_servers) {
        let s = if server.connections == 1 { "" } else { "s" };
        let row = format!(
            "real server {}: {} connection{s}: {}",
            name(server),
            grouped(server.connections),
            said(&server.totals)
        );
        if !text.contains(&row) {
            wrong.push(format!("markdown without {row:?}"));
        }
    }
    wrong
}

fn page(report: &Report, page: &str) -> Vec<String> {
    let html = Html::parse_document(page);
    let words = |selector: &str| -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let texts = html.select(&selector).map(|e| e.text().collect::<Vec<_>>().join(" "));
        texts.map(|text| flowing(&text)).collect()
    };
    let mut wrong = Vec::new();
    if !words("header").concat().contains(&flowing(&report.verdict.accounts)) {
        wrong.push("page without the sums".to_owned());
    }
    let breaks = words("#breaks li");
    for broken in &report.breaks {
        if !breaks.iter().any(|entry| entry.contains(&flowing(&broken.sentence()))) {
            wrong.push(format!("page without {:?}", broken.sentence()));
        }
    }
    let rows = words("#services tbody tr");
    for server in report.services.iter().take(40).flat_map(|s| s.real_servers.iter().take(200)) {
        let t = &server.totals;
        let row = [t.connections, t.well, t.failed, t.suffered, t.untold].map(grouped).join(" ");
        let name = server.address.as_ref().or(server.mac.as_ref()).cloned().unwrap_or_default();
        if !rows.iter().any(|shown| shown.contains(&name) && shown.contains(&row)) {
            wrong.push(format!("page without {name} {row}"));
        }
    }
    wrong
}

#[test]
fn a_dead_server_has_its_row() {
    let report = crate::support::program::parsed(&["--json", "samples/rs-down"]);
    let servers = report["services"][0]["real_servers"].as_array().unwrap();
    let dead = servers.iter().find(|s| s["address"] == "172.16.0.12").unwrap();
    assert_eq!((&dead["connections"], &dead["totals"]["failed"]), (&2.into(), &2.into()));
    let all: u64 = servers.iter().map(|s| s["connections"].as_u64().unwrap()).sum();
    assert_eq!(all, report["totals"]["connections"].as_u64().unwrap());
}

/// What tcpdump prints of sources that each try five dark ports, and of a client that is
/// refused on one of them.
fn scanned() -> String {
    let mut text = String::new();
    let mut tries: Vec<(String, String)> = (1..=8u32)
        .flat_map(|source| (0..5).map(move |n| (source, source * 5 + n)))
        .map(|(source, n)| {
            let service = format!("203.0.113.{}.{}", 10 + n % 4, 100 + n);
            (format!("192.0.2.{source}.{}", 40_000 + n), service)
        })
        .collect();
    tries.extend(
        (0..3).map(|n| (format!("198.51.100.7.{}", 50_000 + n), "203.0.113.11.105".into())),
    );
    for (n, (client, service)) in tries.iter().enumerate() {
        let (at, seq) = (n * 7_000, 1_000 + n);
        let stamp = |us: usize| format!("10:00:{:02}.{:06}", us / 1_000_000, us % 1_000_000);
        text.push_str(&format!(
            "{} IP {client} > {service}: Flags [S], seq {seq}, win 1024, length 0\n\
             {} IP {service} > {client}: Flags [R.], seq 0, ack {}, win 0, length 0\n",
            stamp(at),
            stamp(at + 90),
            seq + 1
        ));
    }
    text
}

#[test]
fn scans_are_said_in_the_second_line_and_a_refused_client_is_not_among_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("border.txt");
    std::fs::write(&file, scanned()).unwrap();
    let report = crate::support::program::parsed(&["--json", file.to_str().unwrap()]);
    let scans = &report["beside"]["scans"];
    assert_eq!((&scans["connections"], &scans["sources"]), (&40.into(), &8.into()), "{scans}");
    assert_eq!((&scans["ports"], &scans["addresses"]), (&40.into(), &4.into()), "{scans}");
    let line = report["verdict"]["accounts"].as_str().unwrap();
    assert!(
        line.contains(
            "40 connections of scans, in no count: 8 sources tried 40 ports of 4 addresses"
        ),
        "{line}"
    );
    assert_eq!(report["totals"]["failed"], 3, "{line}");
    assert_eq!(report["services"].as_array().unwrap().len(), 1);
    assert_eq!(report["verdict"]["status"], "failing");
}
