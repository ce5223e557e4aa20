//! The findings: a list, and of one all that is known, with places that lead on.

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::theme::Role;
use super::super::view::{highlight, put};
use super::stops::{Page, labelled, moves, paragraph, rule};
use crate::ladder;
use crate::render::measure::{columns, cut, verbatim};
use crate::render::units::{count, since, span};
use crate::report::{Finding, Fix, ToConfirm};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns from which on the list stands beside the text.
const BESIDE: u16 = 110;

/// Where the cursor is.
#[derive(Debug, Default)]
pub struct State {
    /// Index of the finding.
    pub at: usize,
    /// The stop in its text.
    pub stop: usize,
    /// The keys move in the text.
    pub inside: bool,
}

impl State {
    /// Number of the finding that is shown.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.at as u32 + 1
    }

    /// Shows a finding by its number.
    pub fn show(&mut self, n: u32) {
        self.at = (n as usize).saturating_sub(1);
        self.stop = 0;
        self.inside = true;
    }
}

/// What a place leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    /// A frame of the proof.
    Frame(usize),
    /// A text to copy, and what it is.
    Copy(String, &'static str),
    /// A detector's page.
    Manual(String),
    /// Another finding.
    Finding(u32),
    /// The connections that it concerns.
    Connections,
    /// Nothing.
    Here,
}

/// The role of a severity.
#[must_use]
pub fn severity(name: &str) -> Role {
    match name {
        "critical" => Role::Bad,
        "warning" => Role::Warn,
        _ => Role::Unsure,
    }
}

/// List and text.
fn parts(app: &App, area: Rect) -> (Rect, Rect) {
    let all = app.data.as_ref().map_or(0, |data| data.report.findings.len()) as u16;
    if area.width >= BESIDE {
        let left = (area.width / 3).min(56);
        (
            Rect { width: left, ..area },
            Rect { x: area.x + left + 1, width: area.width - left - 1, ..area },
        )
    } else {
        let rows = all.clamp(1, (area.height / 4).max(2)) + 1;
        (
            Rect { height: rows - 1, ..area },
            Rect { y: area.y + rows - 1, height: area.height.saturating_sub(rows - 1), ..area },
        )
    }
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(data) = &app.data else { return };
    let theme = &app.config.theme;
    if data.report.findings.is_empty() {
        put(buf, area, 1, &theme.line(&[(Role::Good, " nothing was found")]));
        let said = " what could be checked, and what not: lbdiag --coverage CAPTURE...";
        put(buf, area, 2, &theme.line(&[(Role::Faint, said)]));
        return;
    }
    let (list, text) = parts(app, area);
    let height = usize::from(list.height);
    let top = app.findings.at.saturating_sub(height.saturating_sub(1));
    let explained: Vec<u32> =
        data.report.findings.iter().flat_map(|f| f.explains.clone()).collect();
    for (row, finding) in data.report.findings.iter().skip(top).take(height).enumerate() {
        let indent = if explained.contains(&finding.n) { "└ " } else { "" };
        let lead = format!("{:>2} {indent}", finding.n);
        let room = usize::from(list.width).saturating_sub(columns(&lead));
        let said = if area.width >= BESIDE {
            cut(&finding.id, room)
        } else {
            cut(&format!("{}  {}", finding.id, finding.title), room)
        };
        put(
            buf,
            list,
            row,
            &theme.line(&[(severity(&finding.severity), &lead), (Role::Plain, &said)]),
        );
        if top + row == app.findings.at {
            highlight(app, buf, list, row, !app.findings.inside);
        }
    }
    if area.width >= BESIDE {
        for y in area.y..area.bottom() {
            buf.set_span(text.x - 1, y, &theme.span(Role::Frame, "│"), 1);
        }
        let text = Rect { x: text.x + 1, width: text.width - 1, ..text };
        page(app, usize::from(text.width)).draw(
            app,
            app.findings.stop,
            app.findings.inside,
            text,
            buf,
        );
    } else {
        put(
            buf,
            text,
            0,
            &rule(app, &format!("finding {}", app.findings.number()), usize::from(text.width)),
        );
        let text = Rect { y: text.y + 1, height: text.height.saturating_sub(1), ..text };
        page(app, usize::from(text.width)).draw(
            app,
            app.findings.stop,
            app.findings.inside,
            text,
            buf,
        );
    }
}

/// The text's area without its frame.
fn inner(app: &App, area: Rect) -> Rect {
    let (_, text) = parts(app, area);
    if area.width >= BESIDE {
        Rect { x: text.x + 1, width: text.width - 1, ..text }
    } else {
        Rect { y: text.y + 1, height: text.height.saturating_sub(1), ..text }
    }
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    let Some(data) = app.loaded_data() else { return false };
    let count = data.report.findings.len();
    if count == 0 {
        return false;
    }
    let area = super::super::view::screen(app.size).body;
    let (list, _) = parts(app, area);
    let text = inner(app, area);
    match action {
        Action::Next | Action::Previous => {
            let step = if action == Action::Next { 1 } else { count - 1 };
            app.findings.at = (app.findings.at + step) % count;
            app.findings.stop = 0;
            return true;
        }
        Action::Back | Action::Left if app.findings.inside => {
            app.findings.inside = false;
            return true;
        }
        _ => {}
    }
    if !app.findings.inside {
        if moves(&mut app.findings.at, count, 2 * usize::from(list.height), action) {
            app.findings.stop = 0;
            return true;
        }
        if matches!(action, Action::Open | Action::Right) {
            app.findings.inside = true;
            return true;
        }
    }
    let page = page(app, usize::from(text.width));
    if moves(&mut app.findings.stop, page.stops.len(), usize::from(text.height), action) {
        return true;
    }
    let to = page.stops.get(app.findings.stop).cloned();
    match action {
        Action::Open => match to {
            Some(To::Frame(n)) => open_frame(app, n),
            Some(To::Copy(text, what)) => app.copy(&text, what),
            Some(To::Manual(id)) => app.open_manual(&id),
            Some(To::Finding(n)) => app.findings.show(n),
            Some(To::Connections) => {
                let n = app.findings.number();
                app.narrow(&format!("finding {n}"));
                app.open(Pane::Connections);
            }
            Some(To::Here) | None => {}
        },
        Action::Copy => {
            let first = page.stops.iter().find_map(|stop| match stop {
                To::Copy(text, what) => Some((text.clone(), *what)),
                _ => None,
            });
            let here = match to {
                Some(To::Copy(text, what)) if app.findings.inside => Some((text, what)),
                _ => first,
            };
            match here {
                Some((text, what)) => app.copy(&text, what),
                None => app.say(Role::Plain, "there is nothing to copy here"),
            }
        }
        _ => return false,
    }
    true
}

/// Draws the connection that shows a frame of the proof, the frame under the cursor.
fn open_frame(app: &mut App, n: usize) {
    let Some(data) = app.loaded_data() else { return };
    let index = app.findings.at;
    let frame = data.report.findings.get(index).and_then(|f| f.evidence.get(n));
    let frame = frame.map(|e| (e.vantage.clone(), e.frame));
    let chosen = ladder::of_proof(&data.trace, &data.diagnosis, index, n)
        .or_else(|| ladder::of_finding(&data.trace, &data.diagnosis, index));
    match chosen {
        Some(chosen) => app.open_ladder(chosen, frame),
        None => app.say(Role::Plain, "this frame belongs to no connection; open it in Wireshark"),
    }
}

/// Chooses what was clicked; on what is chosen, opens it.
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) {
    let Some(data) = app.loaded_data() else { return };
    let (list, _) = parts(app, area);
    let text = inner(app, area);
    if list.contains((x, y).into()) {
        let height = usize::from(list.height);
        let top = app.findings.at.saturating_sub(height.saturating_sub(1));
        let to = top + usize::from(y - list.y);
        if to < data.report.findings.len() {
            app.findings.inside = app.findings.at == to;
            app.findings.at = to;
            app.findings.stop = 0;
        }
    } else if text.contains((x, y).into()) {
        let page = page(app, usize::from(text.width));
        let top = page.top(app.findings.stop, usize::from(text.height));
        if let Some(stop) = page.stop_at(top + usize::from(y - text.y)) {
            let again = app.findings.inside && app.findings.stop == stop;
            app.findings.inside = true;
            app.findings.stop = stop;
            if again {
                app.act(Action::Open);
            }
        }
    }
}

/// Keys for the footer.
pub fn hints(app: &App) -> Vec<(Action, &'static str)> {
    let open = if app.findings.inside { "go there" } else { "read" };
    vec![
        (Action::Open, open),
        (Action::Next, "next finding"),
        (Action::Copy, "copy fix"),
        (Action::Manual, "manual"),
    ]
}

fn page(app: &App, width: usize) -> Page<To> {
    let mut page = Page::default();
    let data = app.data.as_ref();
    let Some(f) = data.and_then(|data| data.report.findings.get(app.findings.at)) else {
        return page;
    };
    let theme = &app.config.theme;
    let head = format!("{} · {} · {}", f.severity, f.confidence, f.kind);
    page.line(
        theme
            .line(&[(severity(&f.severity), &format!("{}  {head}  ", f.n)), (Role::Strong, &f.id)]),
    );
    for line in paragraph(app, Role::Strong, &f.title, width) {
        page.line(line);
    }
    // The page begins at the first stop, so long text must be stops itself.
    for line in paragraph(app, Role::Plain, &f.explanation, width) {
        page.stop(To::Here, [line]);
    }
    page.gap();
    affected(app, f, width, &mut page);
    proof(app, f, width, &mut page);
    for (n, fix) in f.fix.iter().enumerate() {
        self::fix(app, fix, if n == 0 { "fix" } else { "or" }, width, &mut page);
    }
    doubt(app, f, width, &mut page);
    for n in &f.explains {
        if let Some(other) = data.and_then(|data| data.finding(*n)) {
            let said = format!("{n} {}: {}", other.id, other.title);
            page.stop(To::Finding(*n), labelled(app, "explains", Role::Plain, &said, width));
        }
    }
    let by = data.into_iter().flat_map(|data| &data.report.findings);
    for other in by.filter(|other| other.explains.contains(&f.n)) {
        let said = format!("{} {}", other.n, other.id);
        page.stop(To::Finding(other.n), labelled(app, "because of", Role::Plain, &said, width));
    }
    if let Some(filter) = &f.wireshark_filter {
        let lines = labelled(app, "Wireshark", Role::Plain, filter, width);
        page.stop(To::Copy(filter.clone(), "filter"), lines);
    }
    let said = format!("what every capture shows of {}, and how to tell it apart", f.id);
    page.stop(To::Manual(f.id.clone()), labelled(app, "manual", Role::Plain, &said, width));
    page
}

fn affected(app: &App, f: &Finding, width: usize, page: &mut Page<To>) {
    let affected = &f.affected;
    if affected.connections > 0 {
        let mut said =
            format!("{} of {} connections", count(affected.connections), count(affected.of));
        let by: Vec<String> = affected
            .by_real_server
            .iter()
            .map(|(name, n)| format!("{name} {}", count(*n)))
            .collect();
        if !by.is_empty() {
            said.push_str(&format!(" (real server {})", by.join(", ")));
        }
        page.stop(To::Connections, labelled(app, "affects", Role::Plain, &said, width));
    }
    if let (Some(first), Some(last)) = (&affected.first_seen, &affected.last_seen) {
        for line in labelled(app, "", Role::Faint, &span(first, last), width) {
            page.line(line);
        }
    }
}

fn proof(app: &App, f: &Finding, width: usize, page: &mut Page<To>) {
    for (n, evidence) in f.evidence.iter().enumerate() {
        let frame = format!("{} #{}", evidence.vantage, evidence.frame);
        let way = if evidence.direction.is_empty() {
            String::new()
        } else {
            format!(" {}", evidence.direction)
        };
        let said = format!("{frame}  {}{way}  {}", since(evidence.since_first_ns), evidence.note);
        let label = if n == 0 { "proof" } else { "" };
        page.stop(To::Frame(n), labelled(app, label, Role::Plain, &said, width));
    }
}

fn fix(app: &App, fix: &Fix, label: &str, width: usize, page: &mut Page<To>) {
    let role = if fix.effect == "safe" { Role::Good } else { Role::Warn };
    let said = format!("on {}, {}", fix.host, fix.effect);
    for line in labelled(app, label, role, &said, width) {
        page.line(line);
    }
    page.stop(To::Copy(fix.command.clone(), "command"), command(app, &fix.command, width));
    if !fix.undo.trim().is_empty() {
        for line in labelled(app, "", Role::Faint, "undo:", width) {
            page.line(line);
        }
        page.stop(To::Copy(fix.undo.clone(), "undo"), command(app, &fix.undo, width));
    }
}

/// A command's lines, wrapped for the eye; what is copied is whole.
fn command(app: &App, text: &str, width: usize) -> Vec<Line<'static>> {
    let lines = verbatim(text);
    let wrapped = lines.iter().flat_map(|line| labelled(app, "", Role::Key, line, width));
    wrapped.collect()
}

fn doubt(app: &App, f: &Finding, width: usize, page: &mut Page<To>) {
    for (n, candidate) in f.candidates.iter().enumerate() {
        let said = format!("{}: {}", candidate.id, candidate.tell_apart);
        let label = if n == 0 { "or it is" } else { "" };
        let lines = labelled(app, label, Role::Plain, &said, width);
        page.stop(To::Manual(candidate.id.clone()), lines);
    }
    for ToConfirm { host, command: text, why } in &f.to_confirm {
        for line in labelled(app, "confirm", Role::Plain, &format!("on {host}: {why}"), width) {
            page.line(line);
        }
        page.stop(To::Copy(text.clone(), "command"), command(app, text, width));
    }
}
