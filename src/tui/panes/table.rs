//! The connections: a table of which only the rows on the screen are made.

use super::super::action::Action;
use super::super::app::App;
use super::super::data::Data;
use super::super::roles::fate;
use super::super::rows::SORTS;
use super::super::screen::{highlight, owned, put, screen};
use super::super::theme::Paint;
use super::ladder::open_ladder;
use crate::ladder::Chosen;
use crate::render::Times;
use crate::render::measure::{cut_middle, pad_end, pad_start};
use crate::render::units::{clock, count, duration, since};
use crate::report::Connection;
use crate::report::story::explaining;
use crate::trace::ConnectionId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A column: its name, its width, its order, whether it is written to the right.
struct Column {
    name: &'static str,
    width: usize,
    sort: Option<usize>,
    right: bool,
}

/// Columns of the table on a screen of a width.
fn table_columns(app: &App, width: usize) -> Vec<Column> {
    let column = |name, width, sort, right| Column { name, width, sort, right };
    let wide = width >= 120;
    // IPv6 endpoints want more.
    let ends = if width >= 167 { 24 } else { 18 };
    let start = if app.times == Times::Absolute { if wide { 15 } else { 12 } } else { 12 };
    let mut all = vec![column("#", if wide { 8 } else { 6 }, None, true)];
    all.push(column("start", start, Some(0), app.times != Times::Absolute));
    all.push(column("client", ends.max(19), Some(1), false));
    if wide {
        all.push(column("service", ends, Some(2), false));
    }
    all.push(column("real server", ends, Some(3), false));
    if wide {
        all.push(column("fate", 8, Some(4), false));
    }
    all.push(column("outcome", 10, Some(4), false));
    all.push(column("duration", 10, Some(5), true));
    if wide {
        all.push(column("bytes", 11, Some(6), true));
        all.push(column("connect", 9, None, true));
    }
    all.push(column(
        if wide { "findings" } else { "find" },
        if wide { 12 } else { 5 },
        Some(7),
        false,
    ));
    // What the ladder shows too goes first where not all fit; how it ended stays.
    for name in ["connect", "bytes", "duration", "fate", "service", "real server", "start", "#"] {
        if all.iter().map(|column| column.width + 2).sum::<usize>() > width + 2 {
            all.retain(|column| column.name != name);
        }
    }
    all
}

/// Rows of the table that fit.
#[must_use]
pub fn height(app: &App) -> usize {
    usize::from(screen(app.size).body.height).saturating_sub(1)
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(data) = &app.data else { return };
    let theme = &app.config.theme;
    let columns_shown = table_columns(app, usize::from(area.width));
    let mut head = Vec::new();
    for column in &columns_shown {
        let sorted = column.sort == Some(app.table.sorted);
        let arrow = match (sorted, app.table.reverse) {
            (false, _) => "",
            (true, false) => "▾",
            (true, true) => "▴",
        };
        let name = format!("{}{arrow}", column.name);
        let name = cut_middle(&name, column.width);
        let text = if column.right {
            pad_start(&name, column.width)
        } else {
            pad_end(&name, column.width)
        };
        head.push((if sorted { Paint::Key } else { Paint::Strong }, format!("{text}  ")));
    }
    put(buf, area, 0, &owned(app, &head));
    let rows = &app.rows.ids;
    let top = app.table.list.top(rows.len(), height(app));
    let mut before = top.checked_sub(1).and_then(|at| rows.get(at)).copied();
    for (n, id) in rows.iter().skip(top).take(usize::from(area.height) - 1).enumerate() {
        let Some(connection) = data.connection(ConnectionId(*id)) else { continue };
        let since = app.times != Times::Absolute;
        let (start, _) = data.columns.times(*id);
        let from = match app.times {
            Times::Delta => before.map_or(start, |id| data.columns.times(id).0),
            _ => data.columns.span.0,
        };
        before = Some(*id);
        let shown = since.then(|| start.saturating_sub(from));
        let role = fate(&connection);
        let told = columns_shown.iter().any(|column| column.name == "fate");
        let mut parts = Vec::new();
        for column in &columns_shown {
            let text = match column.name {
                "outcome" if !told => became(&connection).to_owned(),
                _ => cell(column, &connection, shown),
            };
            let text = cut_middle(&text, column.width);
            let text = if column.right {
                pad_start(&text, column.width)
            } else {
                pad_end(&text, column.width)
            };
            let role = match column.name {
                "outcome" | "fate" => role,
                "find" | "findings" => Paint::Warn,
                _ if connection.ordinary.is_some() => Paint::Faint,
                _ => Paint::Plain,
            };
            parts.push((role, format!("{text}  ")));
        }
        if app.marked == Some(ConnectionId(*id))
            && let Some(first) = parts.first_mut()
        {
            *first = (Paint::Chosen, first.1.clone());
        }
        put(buf, area, n + 1, &owned(app, &parts));
        if top + n == app.table.list.at {
            highlight(app, buf, area, n + 1, true);
        }
    }
    if rows.is_empty() {
        let said = if data.columns.all.is_empty() {
            "the captures hold no connection"
        } else {
            "no connection fits the filter"
        };
        put(buf, area, 2, &theme.line(&[(Paint::Faint, said)]));
    }
}

fn cell(column: &Column, connection: &Connection, since_ns: Option<i64>) -> String {
    match column.name {
        "#" => connection.id.to_string(),
        "start" => since_ns.map_or_else(|| clock(&connection.start, column.width), since),
        "client" => connection.client.clone(),
        "service" => connection.service.clone(),
        "real server" => match &connection.real_server {
            None => "-".to_owned(),
            Some(end) => match (&end.address, &end.mac) {
                (Some(address), _) => super::overview::endpoint(address, end.port),
                (None, mac) => mac.clone().unwrap_or_else(|| "-".to_owned()),
            },
        },
        "outcome" => connection.outcome.clone(),
        "fate" => connection.fate.clone(),
        "duration" => duration(connection.duration_ns),
        "bytes" => {
            let bytes = |sent: &crate::report::Sent| sent.bytes;
            match (bytes(&connection.from_client), bytes(&connection.from_server)) {
                (Some(a), Some(b)) => count(a.saturating_add(b)),
                _ => String::new(),
            }
        }
        "connect" => connection
            .timing
            .as_ref()
            .and_then(|timing| timing.connect_ns)
            .map_or_else(String::new, duration),
        _ => {
            let more = connection.findings.len().saturating_sub(1);
            match (connection.findings.first(), &connection.ordinary) {
                (None, Some(kind)) => kind.clone(),
                (None, None) => String::new(),
                (Some(n), _) if more == 0 => n.to_string(),
                (Some(n), _) => format!("{n} +{more}"),
            }
        }
    }
}

/// How a connection ended, where it has one column: by its outcome, unless that does not
/// tell that it failed or suffered.
fn became(connection: &Connection) -> &str {
    let said = connection.ended() == connection.outcome;
    if said { &connection.outcome } else { &connection.fate }
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    let Some(data) = app.loaded_data() else { return false };
    let height = height(app);
    let rows = std::sync::Arc::clone(&app.rows);
    if app.table.list.act(action, rows.ids.len(), height) {
        return true;
    }
    match action {
        Action::Open => {
            if let Some(id) = app.selected() {
                let chosen = Chosen { connection: id, finding: explaining(&data.diagnosis, id) };
                open_ladder(app, chosen, None);
            }
        }
        Action::SortNext | Action::Right | Action::SortPrevious | Action::Left => {
            let forward = matches!(action, Action::SortNext | Action::Right);
            let step = if forward { 1 } else { SORTS.len() - 1 };
            sort(app, (app.table.sorted + step) % SORTS.len());
        }
        Action::Reverse => {
            app.table.reverse = !app.table.reverse;
            app.ask_rows();
        }
        Action::Next | Action::Previous => next(app, &data, &rows.ids, action == Action::Next),
        _ => return false,
    }
    true
}

fn sort(app: &mut App, by: usize) {
    app.table.sorted = by;
    app.table.reverse = false;
    app.ask_rows();
}

/// Goes to the next connection that a finding concerns or that failed.
fn next(app: &mut App, data: &Data, ids: &[u32], forward: bool) {
    let is = |id: &u32| data.columns.first_finding(*id) > 0 || data.failed(ConnectionId(*id));
    let at = app.table.list.at;
    let found = if forward {
        ids.iter().skip(at + 1).position(is).map(|n| at + 1 + n)
    } else {
        ids.get(..at.min(ids.len())).and_then(|before| before.iter().rposition(is))
    };
    match found {
        Some(found) => {
            let height = height(app);
            app.table.list.go(found, ids.len(), height);
        }
        None => app.say(Paint::Plain, "no further connection that failed or has a finding"),
    }
}

/// A click on a heading sorts, one on a row chooses it; gives what one on what is chosen asks for.
#[must_use]
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) -> Option<Action> {
    let row = usize::from(y - area.y);
    if row == 0 {
        let mut at = 0;
        let columns_shown = table_columns(app, usize::from(area.width));
        let under = columns_shown.iter().find(|column| {
            at += column.width + 2;
            usize::from(x - area.x) < at
        });
        if let Some(by) = under.and_then(|column| column.sort) {
            if by == app.table.sorted {
                return Some(Action::Reverse);
            }
            sort(app, by);
        }
        return None;
    }
    let (len, height) = (app.rows.ids.len(), height(app));
    let to = app.table.list.top(len, height) + row - 1;
    if to >= len {
        return None;
    }
    if to == app.table.list.at {
        return Some(Action::Open);
    }
    app.table.list.go(to, len, height);
    None
}

/// Keys for the footer.
pub fn hints(app: &App) -> Vec<(Action, &'static str)> {
    let mut hints = vec![
        (Action::Open, "ladder"),
        (Action::Filter, "filter"),
        (Action::SortNext, "sort"),
        (Action::Next, "next failed"),
        (Action::Mark, "mark"),
        (Action::TimeMode, "times"),
    ];
    if app.marked.is_some() {
        hints.insert(1, (Action::Compare, "compare"));
    }
    hints
}
