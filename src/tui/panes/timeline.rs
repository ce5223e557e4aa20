//! The timeline: time to the right, lanes below each other, findings above.
//!
//! Few connections in a lane are bars, whose form says how they ended; many are a density
//! with what failed in it. The cursor has a time, corrected, with what it can be wrong by.
//! A range of time that is chosen here narrows the other panes.

mod draw;

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::lanes::{Ask, Bar, By, Lane, Shown};
use super::super::theme::Paint;
use super::super::view::screen;
use super::super::work::Job;
use crate::ladder::Chosen;
use crate::report::rfc3339;
use crate::report::story::explaining;
use crate::trace::ConnectionId;
pub use draw::draw;
use ratatui::layout::Rect;
use std::sync::Arc;

/// Least nanoseconds that a column stands for; captures rarely tell less apart.
const LEAST: i64 = 1_000;

/// Rows that the bars of a lane may take: as many as the screen has for it, within these.
const ROWS: std::ops::RangeInclusive<usize> = 6..=40;

/// Rows of a lane's density.
const DENSITY: usize = 2;

/// What is shown and where the cursor is.
#[derive(Debug, Default)]
pub struct State {
    /// What the lanes are.
    pub by: By,
    /// First moment and nanoseconds a column; everything where absent.
    zoom: Option<(i64, i64)>,
    /// The moment of the cursor.
    pub cursor: i64,
    /// The row of the cursor.
    pub row: usize,
    /// Where the range that is being chosen begins.
    pub anchor: Option<i64>,
    /// The mouse chooses it.
    dragging: bool,
    lanes: Vec<Lane>,
    shown: Option<Ask>,
    asked: Option<Ask>,
    asked_n: u64,
    shown_n: u64,
    stale: bool,
    span: (i64, i64),
}

/// Where things stand.
struct Areas {
    /// Names of the lanes.
    names: Rect,
    /// The lanes.
    lanes: Rect,
}

impl State {
    /// The rows have changed.
    pub fn stale(&mut self) {
        self.stale = true;
    }

    /// Whether lanes are awaited.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.shown_n < self.asked_n
    }

    /// Lanes have come.
    pub fn done(&mut self, n: u64, ask: Ask, lanes: Vec<Lane>) {
        if n >= self.asked_n {
            self.shown_n = n;
            self.lanes = lanes;
            self.shown = Some(ask);
        }
    }

    /// First moment and nanoseconds a column, for so many columns.
    fn view(&self, columns: usize) -> (i64, i64) {
        self.zoom.unwrap_or_else(|| {
            let width = self.span.1.saturating_sub(self.span.0);
            let columns = i64::try_from(columns.max(1)).unwrap_or(1);
            (self.span.0, (width / columns + 1).max(LEAST))
        })
    }

    /// Lane and row within it of every line.
    fn lines(&self) -> Vec<(usize, usize)> {
        let rows = |lane: &Lane| match &lane.shown {
            Shown::Bars(rows) => rows.len().max(1),
            Shown::Density(_) => DENSITY,
        };
        let shown = self.lanes.iter().enumerate().filter(|(_, lane)| lane.count > 0);
        shown.flat_map(|(n, lane)| (0..rows(lane)).map(move |row| (n, row))).collect()
    }

    /// The column of a moment.
    fn column(&self, at: i64, columns: usize) -> i64 {
        let (from, per) = self.view(columns);
        at.saturating_sub(from).div_euclid(per)
    }

    /// The bar under the cursor.
    fn bar(&self, columns: usize) -> Option<Bar> {
        let (lane, row) = *self.lines().get(self.row)?;
        let Shown::Bars(rows) = &self.lanes.get(lane)?.shown else { return None };
        let column = self.column(self.cursor, columns);
        rows.get(row)?.iter().find(|bar| (bar.from..=bar.to).contains(&column)).copied()
    }
}

/// Shows everything between two moments.
pub fn fit(state: &mut State, span: (i64, i64)) {
    *state = State { by: state.by, span, cursor: span.0, stale: true, ..State::default() };
}

fn areas(area: Rect) -> Areas {
    let names = if area.width >= 120 { 30 } else { 22 };
    // Heading and findings above; axis, cursor, legend below.
    let height = area.height.saturating_sub(5);
    Areas {
        names: Rect { y: area.y + 2, width: names, height, ..area },
        lanes: Rect {
            x: area.x + names,
            y: area.y + 2,
            width: area.width.saturating_sub(names),
            height,
        },
    }
}

fn columns(app: &App) -> usize {
    usize::from(areas(screen(app.size).body).lanes.width).max(1)
}

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
            app.open_ladder(chosen, None);
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

/// Nanoseconds of a time of the report.
fn ns(rfc3339: &str) -> Option<i64> {
    i64::try_from(rfc3339.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok()
}

/// A range as the status line has it.
#[must_use]
pub fn range_text(from: i64, to: i64) -> String {
    let width = to.saturating_sub(from);
    // Six digits where milliseconds would not tell the ends apart.
    let digits = if width < 100_000_000 { 15 } else { 12 };
    let text = |at| clock(at).get(..digits).map(str::to_owned).unwrap_or_default();
    format!("{} to {}", text(from), text(to))
}

/// Time of day to the microsecond.
fn clock(at: i64) -> String {
    rfc3339(crate::capture::Timestamp(at)).get(11..26).unwrap_or_default().to_owned()
}

/// The moment of a column of the screen.
fn moment(app: &App, x: u16) -> i64 {
    let area = areas(screen(app.size).body).lanes;
    let (from, per) = app.timeline.view(columns(app));
    let column = i64::from(x.saturating_sub(area.x).min(area.width.saturating_sub(1)));
    from.saturating_add(per.saturating_mul(column))
}

/// The first line shown.
fn top(state: &State, height: usize) -> usize {
    let len = state.lines().len();
    state.row.saturating_sub(height / 2).min(len.saturating_sub(height))
}

/// Puts the cursor on what was clicked; on a bar under the cursor, draws it.
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) {
    let areas = areas(area);
    if !areas.lanes.contains((x, y).into()) && !areas.names.contains((x, y).into()) {
        return;
    }
    let row = top(&app.timeline, usize::from(areas.lanes.height)) + usize::from(y - areas.lanes.y);
    let row = row.min(app.timeline.lines().len().saturating_sub(1));
    let at = moment(app, x);
    let before = (app.timeline.row, app.timeline.column(app.timeline.cursor, columns(app)));
    app.timeline.row = row;
    if areas.names.contains((x, y).into()) {
        return;
    }
    app.timeline.cursor = at.clamp(app.timeline.span.0, app.timeline.span.1);
    app.timeline.anchor = None;
    if before == (row, app.timeline.column(at, columns(app))) {
        app.act(Action::Open);
    }
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
