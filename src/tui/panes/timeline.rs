//! The timeline: time to the right, lanes below each other, findings above.
//!
//! Few connections in a lane are bars, whose form says how they ended; many are a density
//! with what failed in it. The cursor has a time, corrected, with what it can be wrong by.
//! A range of time that is chosen here narrows the other panes.

mod draw;
mod scale;

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::lanes::Ask;
use super::super::screen::screen;
use super::super::states::timeline::{LEAST, State};
use super::super::theme::Paint;
use super::super::work::Job;
use super::ladder::open_ladder;
use crate::ladder::Chosen;
use crate::report::story::explaining;
use crate::trace::ConnectionId;
pub use draw::draw;
use ratatui::layout::Rect;
pub use scale::range_text;
use scale::{areas, columns, moment, ns, top};
use std::sync::Arc;

/// Rows that the bars of a lane may take: as many as the screen has for it, within these.
const ROWS: std::ops::RangeInclusive<usize> = 6..=40;

/// Asks for the lanes, where what is to be shown is not what was asked for.
pub fn ask(app: &mut App) {
    if app.pane != Pane::Timeline || app.data.is_none() {
        return;
    }
    let columns = columns(app);
    let (from, per_column) = app.timeline.view(columns);
    let height = usize::from(areas(screen(app.size).body).lanes.height);
    let lanes = app.timeline.lanes.iter().filter(|lane| lane.count > 0).count();
    let rows = (height / lanes.max(1)).clamp(*ROWS.start(), *ROWS.end());
    let ask = Ask { by: app.timeline.by, from, per_column, columns, rows };
    if !app.timeline.stale && app.timeline.asked.as_ref() == Some(&ask) {
        return;
    }
    app.timeline.stale = false;
    app.timeline.asked = Some(ask.clone());
    let rows = Arc::clone(&app.rows);
    if let Some(n) = app.ask(|n| Job::Lanes(n, ask, rows)) {
        app.timeline.asked_n = n;
    }
}

/// Puts the cursor on a moment and moves the view there.
fn go(app: &mut App, at: i64) {
    let columns = columns(app);
    let state = &mut app.timeline;
    state.cursor = at.clamp(state.span.0, state.span.1);
    let (from, per) = state.view(columns);
    let column = state.column(state.cursor, columns);
    let last = i64::try_from(columns).unwrap_or(1) - 1;
    if column < 0 || column > last {
        let over = if column < 0 { column } else { column - last };
        state.zoom = Some((from.saturating_add(over.saturating_mul(per)), per));
    }
}

/// Shows `by` times the time, the moment `at` staying where it is.
fn zoom(app: &mut App, at: i64, inwards: bool) {
    let columns = columns(app);
    let all = State { zoom: None, span: app.timeline.span, ..State::default() }.view(columns);
    let (from, per) = app.timeline.view(columns);
    let new = if inwards { (per / 2).max(LEAST) } else { per.saturating_mul(2) };
    if new >= all.1 {
        app.timeline.zoom = None;
        return;
    }
    let column = at.saturating_sub(from).div_euclid(per);
    let from = at.saturating_sub(column.saturating_mul(new));
    let most = app.timeline.span.1.saturating_sub(new.saturating_mul(columns as i64));
    let from = from.clamp(app.timeline.span.0, most.max(app.timeline.span.0));
    app.timeline.zoom = Some((from, new));
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    let columns = columns(app);
    let (_, per) = app.timeline.view(columns);
    let half = per.saturating_mul(columns as i64 / 2);
    let height = usize::from(areas(screen(app.size).body).lanes.height).max(1);
    let last = app.timeline.lines().len().saturating_sub(1);
    let cursor = app.timeline.cursor;
    match action {
        Action::Left => go(app, cursor.saturating_sub(per)),
        Action::Right => go(app, cursor.saturating_add(per)),
        Action::HalfUp => go(app, cursor.saturating_sub(half)),
        Action::HalfDown => go(app, cursor.saturating_add(half)),
        Action::Top => go(app, app.timeline.span.0),
        Action::Bottom => go(app, app.timeline.span.1),
        Action::Up => app.timeline.row = app.timeline.row.min(last).saturating_sub(1),
        Action::Down => app.timeline.row = (app.timeline.row + 1).min(last),
        Action::PageUp => app.timeline.row = app.timeline.row.min(last).saturating_sub(height),
        Action::PageDown => app.timeline.row = (app.timeline.row + height).min(last),
        Action::ZoomIn => zoom(app, cursor, true),
        Action::ZoomOut => zoom(app, cursor, false),
        Action::ZoomAll => app.timeline.zoom = None,
        Action::Lanes => {
            app.timeline.by = app.timeline.by.next();
            app.timeline.row = 0;
        }
        Action::Select => match app.timeline.anchor.take() {
            Some(from) => choose(app, from, cursor),
            None => app.timeline.anchor = Some(cursor),
        },
        Action::Next | Action::Previous => next(app, action == Action::Next),
        Action::Back if app.timeline.anchor.is_some() => app.timeline.anchor = None,
        Action::Open => open(app, columns),
        Action::Mark => match app.timeline.bar(columns) {
            Some(bar) => {
                app.marked = Some(ConnectionId(bar.id));
                app.say(Paint::Plain, format!("connection {} is marked", bar.id + 1));
            }
            None => app.say(Paint::Plain, "no connection is under the cursor"),
        },
        _ => return false,
    }
    true
}

fn open(app: &mut App, columns: usize) {
    if let Some(from) = app.timeline.anchor.take() {
        let cursor = app.timeline.cursor;
        choose(app, from, cursor);
        return;
    }
    let Some(data) = app.loaded_data() else { return };
    match app.timeline.bar(columns) {
        Some(bar) => {
            let id = ConnectionId(bar.id);
            let chosen = Chosen { connection: id, finding: explaining(&data.diagnosis, id) };
            open_ladder(app, chosen, None);
        }
        None => {
            // Into the density, until its connections stand apart.
            let cursor = app.timeline.cursor;
            zoom(app, cursor, true);
            zoom(app, cursor, true);
        }
    }
}

/// Narrows everything else to what lies between two moments, columns included.
fn choose(app: &mut App, from: i64, to: i64) {
    let (_, per) = app.timeline.view(columns(app));
    let (from, to) = (from.min(to), from.max(to).saturating_add(per - 1));
    app.narrow_time(Some((from, to)));
}

/// Goes to where the next finding begins.
fn next(app: &mut App, forward: bool) {
    let Some(data) = app.loaded_data() else { return };
    let mut begins: Vec<i64> =
        data.report.findings.iter().filter_map(|f| ns(f.affected.first_seen.as_deref()?)).collect();
    begins.sort_unstable();
    let at = app.timeline.cursor;
    let found = if forward {
        begins.iter().find(|t| **t > at)
    } else {
        begins.iter().rev().find(|t| **t < at)
    };
    match found {
        Some(found) => go(app, *found),
        None => app.say(Paint::Plain, "no further finding"),
    }
}

/// Puts the cursor on what was clicked; `true`: it was there, and is to be opened.
#[must_use]
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) -> bool {
    let areas = areas(area);
    if !areas.lanes.contains((x, y).into()) && !areas.names.contains((x, y).into()) {
        return false;
    }
    let row = top(&app.timeline, usize::from(areas.lanes.height)) + usize::from(y - areas.lanes.y);
    let row = row.min(app.timeline.lines().len().saturating_sub(1));
    let at = moment(app, x);
    let before = (app.timeline.row, app.timeline.column(app.timeline.cursor, columns(app)));
    app.timeline.row = row;
    if areas.names.contains((x, y).into()) {
        return false;
    }
    app.timeline.cursor = at.clamp(app.timeline.span.0, app.timeline.span.1);
    app.timeline.anchor = None;
    before == (row, app.timeline.column(at, columns(app)))
}

/// Chooses a range.
pub fn drag(app: &mut App, x: u16) {
    if !app.timeline.dragging {
        app.timeline.dragging = true;
        app.timeline.anchor = Some(app.timeline.cursor);
    }
    let at = moment(app, x);
    app.timeline.cursor = at.clamp(app.timeline.span.0, app.timeline.span.1);
}

/// Ends the choosing.
pub fn release(app: &mut App) {
    if std::mem::take(&mut app.timeline.dragging)
        && let Some(from) = app.timeline.anchor.take()
    {
        let cursor = app.timeline.cursor;
        choose(app, from, cursor);
    }
}

/// Zooms where the mouse is.
pub fn wheel(app: &mut App, x: u16, inwards: bool) {
    let at = moment(app, x);
    app.timeline.cursor = at.clamp(app.timeline.span.0, app.timeline.span.1);
    zoom(app, at, inwards);
}

/// Keys for the footer.
pub fn hints(app: &App) -> Vec<(Action, &'static str)> {
    if app.timeline.anchor.is_some() {
        return vec![
            (Action::Right, "widen"),
            (Action::Select, "narrow to it"),
            (Action::Back, "leave"),
        ];
    }
    vec![
        (Action::Right, "time"),
        (Action::ZoomIn, "zoom in"),
        (Action::ZoomOut, "out"),
        (Action::Open, "ladder"),
        (Action::Lanes, "lanes"),
        (Action::Select, "range"),
        (Action::Next, "next finding"),
    ]
}
