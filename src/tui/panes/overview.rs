//! The overview: verdict, services with shares and outcomes, findings, captures.

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::roles::severity;
use super::super::screen::{owned, screen};
use super::super::theme::Paint;
use super::stops::{Page, labelled, paragraph, rule};
use crate::render::measure::{columns, cut, cut_middle, hang, pad_end, pad_start, wrap};
use crate::render::units::{count, duration};
use crate::report::{CoverageStatus, RealServer, Report, Service, Status};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Lines below the headline.
const MAX_LINES: usize = 8;

/// Columns of the bar of a real server.
const BAR: usize = 12;

/// What a line leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    /// The connections that fit a filter.
    Connections(String),
    /// A finding, by its number.
    Finding(u32),
    /// Nothing; it can be read.
    Here,
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    page(app, usize::from(area.width)).draw(app, app.overview.at, true, area, buf);
}

/// Puts the cursor on the most important finding.
pub fn begin(app: &mut App) {
    let page = page(app, usize::from(app.size.0));
    let first = page.stops.iter().position(|stop| matches!(stop, To::Finding(_)));
    app.overview.at = first.unwrap_or(0);
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    let page = page(app, usize::from(app.size.0));
    let height = usize::from(app.size.1).saturating_sub(3);
    if page.moves(&mut app.overview.at, height, action) {
        return true;
    }
    match action {
        Action::Open | Action::Right => match page.stops.get(app.overview.at).cloned() {
            Some(To::Connections(filter)) => {
                app.narrow(&filter);
                app.open(Pane::Connections);
            }
            Some(To::Finding(n)) => {
                app.findings.show(n);
                app.open(Pane::Findings);
            }
            _ => {}
        },
        Action::Next | Action::Previous => {
            let is = |at: &usize| matches!(page.stops.get(*at), Some(To::Finding(_)));
            let all: Vec<usize> = (0..page.stops.len()).filter(is).collect();
            let now = app.overview.at;
            let found = if action == Action::Next {
                all.iter().find(|at| **at > now).or(all.first())
            } else {
                all.iter().rev().find(|at| **at < now).or(all.last())
            };
            app.overview.at = found.copied().unwrap_or(now);
        }
        _ => return false,
    }
    true
}

/// Puts the cursor on what was clicked; `true`: it was there, and is to be opened.
#[must_use]
pub fn click(app: &mut App, area: Rect, y: u16) -> bool {
    let page = page(app, usize::from(area.width));
    let top = page.top(app.overview.at, usize::from(area.height));
    if let Some(stop) = page.stop_at(top + usize::from(y - area.y)) {
        if app.overview.at == stop {
            return true;
        }
        app.overview.at = stop;
    }
    false
}

/// Keys for the footer.
pub fn hints() -> Vec<(Action, &'static str)> {
    vec![
        (Action::Down, "move"),
        (Action::Open, "open"),
        (Action::Next, "next finding"),
        (Action::Filter, "filter"),
        (Action::Save, "save"),
    ]
}

/// The page: services before findings, where the verdict and the first finding are on one screen so.
fn page(app: &App, width: usize) -> Page<To> {
    let page = ordered(app, width, false);
    let height = usize::from(screen(app.size).body.height);
    let first = page.stops.iter().position(|stop| matches!(stop, To::Finding(_)));
    match first {
        Some(stop) if page.top(stop, height) > 0 => ordered(app, width, true),
        _ => page,
    }
}

fn ordered(app: &App, width: usize, findings_first: bool) -> Page<To> {
    let mut page = Page::default();
    let Some(data) = &app.data else { return page };
    let report = &data.report;
    verdict(app, report, width, &mut page);
    page.gap();
    if findings_first {
        findings(app, report, width, &mut page);
        page.gap();
    }
    let (shown, rest) = report.shown_services();
    for service in shown {
        self::service(app, service, width, &mut page);
        page.gap();
    }
    if let Some(rest) = rest {
        for line in wrap(&rest.said, width) {
            page.line(app.config.theme.line(&[(Paint::Faint, &line)]));
        }
        page.gap();
    }
    if report.services.is_empty() {
        page.line(app.config.theme.line(&[(Paint::Faint, "no service was seen")]));
        page.gap();
    }
    if !findings_first {
        findings(app, report, width, &mut page);
        page.gap();
    }
    captures(app, report, width, &mut page);
    page
}

fn verdict(app: &App, report: &Report, width: usize, page: &mut Page<To>) {
    let (word, role) = match report.verdict.status {
        Status::Healthy => ("HEALTHY", Paint::Good),
        Status::Degraded => ("DEGRADED", Paint::Warn),
        Status::Failing => ("FAILING", Paint::Bad),
        Status::Inconclusive => ("INCONCLUSIVE", Paint::Unsure),
    };
    let lead = format!("{word}   ");
    for (n, line) in hang(&lead, &report.verdict.summary, width).iter().enumerate() {
        let rest = line.get(lead.len()..).unwrap_or_default();
        let head = if n == 0 { lead.clone() } else { " ".repeat(columns(&lead)) };
        page.line(app.config.theme.line(&[(role, &head), (Paint::Plain, rest)]));
    }
    for (n, line) in report.verdict.others().take(MAX_LINES) {
        for line in hang(&format!("  {n}. "), line, width) {
            page.line(app.config.theme.line(&[(Paint::Plain, &line)]));
        }
    }
    if !report.verdict.accounts.is_empty() {
        for line in hang("  ", &report.verdict.accounts, width) {
            page.line(app.config.theme.line(&[(Paint::Faint, &line)]));
        }
    }
}

fn service(app: &App, service: &Service, width: usize, page: &mut Page<To>) {
    let name = endpoint(&service.vip, Some(service.port));
    let mode = match service.mode.as_str() {
        "unknown" => "forwarding mode unknown",
        known => known,
    };
    let mut by: Vec<String> = Vec::new();
    for director in &service.directors {
        by.extend(director.name().cloned());
    }
    let by = if by.is_empty() { String::new() } else { format!(", by director {}", by.join(", ")) };
    let said = format!("  {mode}{by}");
    let head = format!("{name}/{}", service.protocol);
    let said = cut(&said, width.saturating_sub(columns(&head)));
    page.stop(
        To::Connections(format!("service {name}")),
        [app.config.theme.line(&[(Paint::Strong, &head), (Paint::Plain, &said)])],
    );
    let rows = service.rows();
    let names: Vec<String> = rows.iter().map(server_name).collect();
    let wide = names.iter().map(|n| columns(n)).max().unwrap_or(0).clamp(11, (width / 3).max(15));
    if service.real_servers.is_empty() {
        page.line(app.config.theme.line(&[(Paint::Faint, "  no real server was seen")]));
    } else {
        let head = format!(
            "  {}  {}  connections  share  failed{}",
            pad_end("real server", wide),
            pad_end("", BAR),
            if service.totals.suffered > 0 { "  suffered" } else { "" }
        );
        let times = if width >= 100 { "    connect  first byte" } else { "" };
        page.line(app.config.theme.line(&[(Paint::Faint, &format!("{head}{times}"))]));
    }
    for (server, full) in rows.iter().zip(&names) {
        let filter = match (&server.address, &server.mac) {
            (Some(address), _) => endpoint(address, server.port),
            (None, Some(mac)) => mac.clone(),
            (None, None) => "none".to_owned(),
        };
        let line = real_server(app, server, &cut_middle(full, wide), wide, service, width);
        page.stop(To::Connections(format!("service {name} and rs {filter}")), [line]);
    }
}

/// The name of a real server: its address, else its MAC.
fn server_name(server: &RealServer) -> String {
    match (&server.address, &server.mac) {
        (Some(address), _) => endpoint(address, server.port),
        (None, Some(mac)) => mac.clone(),
        (None, None) => "not known".to_owned(),
    }
}

fn real_server(
    app: &App,
    server: &RealServer,
    name: &str,
    wide: usize,
    service: &Service,
    width: usize,
) -> Line<'static> {
    let all = service.totals.connections;
    let suffered = service.totals.suffered > 0;
    let share = server.connections as f64 / all.max(1) as f64;
    let filled =
        ((share * BAR as f64).round() as usize).clamp(usize::from(server.connections > 0), BAR);
    let failed = server.totals.failed as f64 / server.connections.max(1) as f64;
    let bad = ((failed * filled as f64).ceil() as usize).min(filled);
    let mut said: Vec<String> = server
        .totals
        .outcomes
        .iter()
        .filter(|(name, n)| **n > 0 && *name != "completed")
        .map(|(name, n)| format!("{} {name}", count(*n)))
        .collect();
    said.extend(server.remark.clone());
    let mut parts = vec![
        (Paint::Plain, format!("  {}  ", pad_end(name, wide))),
        (Paint::Good, "█".repeat(filled - bad)),
        (Paint::Bad, "╳".repeat(bad)),
        (Paint::Plain, " ".repeat(BAR - filled)),
        (Paint::Plain, format!("  {}", pad_start(&count(server.connections), 11))),
        (Paint::Plain, format!("  {:>3.0} %", share * 100.0)),
        (
            if server.totals.failed > 0 { Paint::Bad } else { Paint::Plain },
            format!("  {}", pad_start(&count(server.totals.failed), 6)),
        ),
    ];
    if suffered {
        let role = if server.totals.suffered > 0 { Paint::Warn } else { Paint::Plain };
        parts.push((role, format!("  {}", pad_start(&count(server.totals.suffered), 8))));
    }
    if width >= 100 {
        let timing = server.timing.clone().unwrap_or_default();
        let shown = |ns: Option<i64>| ns.map_or_else(String::new, duration);
        let times =
            (pad_start(&shown(timing.connect_ns), 9), pad_start(&shown(timing.first_byte_ns), 10));
        parts.push((Paint::Plain, format!("  {}  {}", times.0, times.1)));
    }
    let taken: usize = parts.iter().map(|(_, text)| columns(text)).sum();
    let room = width.saturating_sub(taken + 2);
    parts.push((Paint::Faint, format!("  {}", cut(&said.join(", "), room))));
    owned(app, &parts)
}

fn findings(app: &App, report: &Report, width: usize, page: &mut Page<To>) {
    page.line(rule(app, &format!("findings: {}", report.findings.len()), width));
    if report.findings.is_empty() {
        page.line(app.config.theme.line(&[(Paint::Good, "nothing was found")]));
    }
    let explained: Vec<u32> = report.findings.iter().flat_map(|f| f.explains.clone()).collect();
    for finding in &report.findings {
        let role = severity(finding.severity);
        let indent = if explained.contains(&finding.n) { "  └ " } else { "" };
        let lead =
            format!("{:>2}  {indent}{} · {}  ", finding.n, finding.severity, finding.confidence);
        let room = width.saturating_sub(columns(&lead));
        let name = format!("{}  ", finding.id);
        let title = cut(&finding.title, room.saturating_sub(columns(&name)));
        page.stop(
            To::Finding(finding.n),
            [app.config.theme.line(&[
                (role, &lead),
                (Paint::Strong, &name),
                (Paint::Plain, &title),
            ])],
        );
    }
    let clean = report.coverage.iter().filter(|c| c.status == CoverageStatus::Clean).count();
    let not = report.coverage.iter().filter(|c| c.status == CoverageStatus::NotCheckable).count();
    let said = format!("checked and clean: {clean}, could not check: {not}");
    page.line(app.config.theme.line(&[(Paint::Faint, &said)]));
}

fn captures(app: &App, report: &Report, width: usize, page: &mut Page<To>) {
    page.line(rule(app, "captures", width));
    for capture in &report.captures {
        let clock = &capture.clock;
        let offset = match (clock.offset_ns, clock.error_ns, clock.at.is_some()) {
            (_, _, false) if clock.offset_ns == Some(0) => "reference clock".to_owned(),
            (Some(ns), Some(error), _) if ns.abs() <= error => {
                format!("clock agrees within {}", duration(ns.abs().saturating_add(error)))
            }
            (Some(ns), Some(error), _) => {
                let way = if ns < 0 { "behind" } else { "ahead" };
                format!("clock {} {way} ±{}", duration(ns), duration(error))
            }
            _ => "clock not compared".to_owned(),
        };
        let frames = format!("{} frames, {}, {offset}", count(capture.frames), capture.link_type);
        let path = cut_middle(&capture.path, width.saturating_sub(columns(&frames) + 3).max(12));
        page.stop(
            To::Here,
            [app.config
                .theme
                .line(&[(Paint::Plain, &path), (Paint::Faint, &format!("   {frames}"))])],
        );
        for note in &capture.notes {
            page.stop(To::Here, labelled(app, "", Paint::Faint, note, width));
        }
    }
    for note in &report.notes {
        page.stop(To::Here, paragraph(app, Paint::Faint, note, width));
    }
}

/// `ip:port`, `[ip]:port`.
pub fn endpoint(address: &str, port: Option<u16>) -> String {
    match port.filter(|port| *port > 0) {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.to_owned(),
    }
}
