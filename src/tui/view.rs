//! The screen: tabs, pane, status line, footer, and what lies over them.
//!
//! Drawing reads the state and changes nothing. Whatever a pane writes, no cell leaves
//! here that could steer the terminal.

use super::action::Action;
use super::app::{App, Overlay, PANES, Pane};
use super::panes::{findings, help, ladder, overview, path, save, table, timeline};
use super::screen::{Screen, owned, put, screen};
use super::theme::Paint;
use crate::query::Fault;
use crate::render::measure::{columns, cut};
use crate::render::sanitise::is_unsafe;
use crate::render::units::count;
use crate::report::Status;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns and rows below which nothing sensible can be drawn.
const LEAST: (u16, u16) = (40, 10);

/// Words that the completion shows at once.
const MAX_WORDS: usize = 8;

/// Draws everything.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buf = frame.buffer_mut();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let said = format!("too small: {} by {} at least", LEAST.0, LEAST.1);
        put(buf, area, 0, &app.config.theme.line(&[(Paint::Plain, &said)]));
    } else {
        let screen = screen((area.width, area.height));
        tabs(app, screen.tabs, buf);
        if app.data.is_some() {
            match app.pane {
                Pane::Overview => overview::draw(app, screen.body, buf),
                Pane::Timeline => timeline::draw(app, screen.body, buf),
                Pane::Connections => table::draw(app, screen.body, buf),
                Pane::Ladder => ladder::draw(app, screen.body, buf),
                Pane::Findings => findings::draw(app, screen.body, buf),
                Pane::Path => path::draw(app, screen.body, buf),
            }
        } else {
            loading(app, screen.body, buf);
        }
        status(app, screen.status, buf);
        footer(app, screen.footer, buf);
        match &app.overlay {
            Some(Overlay::Help(state)) => help::draw(app, state, screen.body, buf),
            Some(Overlay::Manual(state)) => help::draw_manual(app, state, screen.body, buf),
            Some(Overlay::Save(state)) => save::draw(app, state, screen.body, buf),
            None => {}
        }
        words(app, screen, buf);
    }
    for cell in &mut buf.content {
        if cell.symbol().contains(is_unsafe) {
            cell.set_symbol("?");
        }
    }
}

/// The tabs with the columns at which they begin; short names where long ones do not fit.
fn tab_names(app: &App) -> Vec<(Pane, u16, String)> {
    let keyed = |short: bool| -> Vec<(Pane, u16, String)> {
        let mut at = 8;
        let named = PANES.iter().map(|(pane, name, action)| {
            let key = app.config.keymap.key(*action).unwrap_or_default();
            let name: String = name.chars().take(if short { 4 } else { 99 }).collect();
            let text = format!(" {key} {name} ");
            let tab = (*pane, at, text.clone());
            at += columns(&text) as u16;
            tab
        });
        named.collect()
    };
    let long = keyed(false);
    let end = long.last().map_or(0, |(_, at, text)| at + columns(text) as u16);
    if end <= app.size.0 { long } else { keyed(true) }
}

/// The pane whose name stands in a column.
#[must_use]
pub fn tab_at(app: &App, x: u16) -> Option<Pane> {
    let tabs = tab_names(app);
    let (pane, ..) =
        tabs.iter().find(|(_, at, text)| (*at..at + columns(text) as u16).contains(&x))?;
    Some(*pane)
}

fn tabs(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.config.theme;
    buf.set_style(area, theme.style(Paint::Bar));
    put(buf, area, 0, &theme.line(&[(Paint::Bar, " lbdiag ")]));
    let mut end = 0;
    for (pane, at, text) in tab_names(app) {
        let role = if pane == app.pane { Paint::Chosen } else { Paint::Bar };
        let left = area.width.saturating_sub(at);
        buf.set_span(at, area.y, &theme.span(role, &text), left);
        end = at + columns(&text) as u16;
    }
    let Some(data) = &app.data else { return };
    let word = match data.report.verdict.status {
        Status::Healthy => "HEALTHY",
        Status::Degraded => "DEGRADED",
        Status::Failing => "FAILING",
        Status::Inconclusive => "INCONCLUSIVE",
    };
    let room = usize::from(area.width.saturating_sub(end)).saturating_sub(3 + word.len());
    let name = if room > 8 { cut(&data.name, room) } else { String::new() };
    let text = format!("{name}  {word} ");
    let wide = columns(&text) as u16;
    if end + wide <= area.width {
        buf.set_span(area.right() - wide, area.y, &theme.span(Paint::Bar, &text), wide);
    }
}

fn loading(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.config.theme;
    let progress = app.progress;
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    let wide = usize::from(area.width).saturating_sub(4).min(60);
    let all = progress.total.is_some_and(|total| progress.read >= total);
    let (what, done) = match progress.total {
        _ if all => ("joining connections and looking for causes".to_owned(), wide),
        Some(total) => {
            let share =
                (progress.read.min(total) as f64 / total.max(1) as f64 * wide as f64) as usize;
            (format!("reading {:.0} of {:.0} MiB", mib(progress.read), mib(total)), share)
        }
        None => (format!("reading standard input, {:.1} MiB so far", mib(progress.read)), 0),
    };
    let turning = ["|", "/", "-", "\\"][progress.ticks / 2 % 4];
    put(buf, area, 1, &theme.line(&[(Paint::Strong, "  "), (Paint::Strong, &app.name)]));
    put(buf, area, 3, &theme.line(&[(Paint::Plain, &format!("  {turning} {what}"))]));
    if progress.total.is_some() {
        let bar = format!("  {}{}", "█".repeat(done), "░".repeat(wide.saturating_sub(done)));
        put(buf, area, 4, &theme.line(&[(Paint::Unsure, &bar)]));
    }
}

fn status(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.config.theme;
    if let Some(typing) = &app.filter.typing {
        let role = match &typing.fault {
            None => Paint::Good,
            Some(Fault { unfinished: true, .. }) => Paint::Warn,
            Some(_) => Paint::Bad,
        };
        let mut parts = vec![(Paint::Key, "filter: ".to_owned()), (role, typing.line.text.clone())];
        let said = typing.fault.as_ref().map_or("Enter applies", |fault| fault.message.as_str());
        parts.push((Paint::Faint, format!("   {said}")));
        put(buf, area, 0, &owned(app, &parts));
        let head = typing.line.text.get(..typing.line.cursor).unwrap_or_default();
        let at = area.x.saturating_add(8 + columns(&crate::render::sanitise::clean(head)) as u16);
        if at < area.right() {
            buf.set_style(Rect::new(at, area.y, 1, 1), theme.style(Paint::Cursor));
        }
        return;
    }
    if let Some((role, text)) = &app.remark {
        put(buf, area, 0, &theme.line(&[(Paint::Plain, " "), (*role, text)]));
        return;
    }
    let Some(data) = &app.data else { return };
    let account = app.rows.account;
    let (shown, of) = (account.all(), data.diagnosis.breaks.accounts.requests.all());
    let mut parts = Vec::new();
    if shown == of {
        parts.push((Paint::Plain, format!(" {} connections", count(of))));
    } else {
        parts.push((Paint::Plain, format!(" {} of {} connections", count(shown), count(of))));
    }
    parts.push((Paint::Faint, format!(", {} failed", count(account.failed))));
    for (n, what) in [(account.suffered, "suffered"), (account.untold, "untold")] {
        if n > 0 {
            parts.push((Paint::Faint, format!(", {} {what}", count(n))));
        }
    }
    // Health checks, scans and floods are in the list and in no count.
    let others = (app.rows.ids.len() as u64).saturating_sub(shown);
    if others > 0 {
        parts.push((Paint::Faint, format!("; {} of no client", count(others))));
    }
    if app.rows_wait() {
        parts.push((Paint::Warn, "  working".to_owned()));
    }
    if let Some((from, to)) = app.range {
        parts.push((Paint::Key, "   time ".to_owned()));
        parts.push((Paint::Good, timeline::range_text(from, to)));
    }
    if !app.filter.text.is_empty() {
        parts.push((Paint::Key, "   filter ".to_owned()));
        parts.push((Paint::Good, app.filter.text.clone()));
    }
    if app.range.is_some() || !app.filter.text.is_empty() {
        let key = app.config.keymap.key(Action::ClearFilter).unwrap_or_default();
        parts.push((Paint::Faint, format!("   {key} clears")));
    }
    if let Some(id) = app.marked {
        parts.push((Paint::Key, "   marked ".to_owned()));
        parts.push((Paint::Plain, format!("#{}", id.0 + 1)));
    }
    put(buf, area, 0, &owned(app, &parts));
}

fn footer(app: &App, area: Rect, buf: &mut Buffer) {
    let mut hints: Vec<(Action, &str)> = match (&app.overlay, app.data.is_some()) {
        (Some(Overlay::Save(_)), _) => vec![(Action::Open, "save"), (Action::Back, "close")],
        (Some(_), _) => vec![(Action::Down, "scroll"), (Action::Back, "close")],
        (None, false) => vec![(Action::Quit, "quit")],
        (None, true) => match app.pane {
            Pane::Overview => overview::hints(),
            Pane::Timeline => timeline::hints(app),
            Pane::Connections => table::hints(app),
            Pane::Ladder => ladder::hints(app),
            Pane::Findings => findings::hints(app),
            Pane::Path => path::hints(),
        },
    };
    let mut parts = Vec::new();
    if app.filter.typing.is_some() {
        for (key, what) in
            [("Tab", "complete"), ("↑", "older"), ("Enter", "apply"), ("Esc", "leave")]
        {
            parts.push((Paint::Key, format!(" {key}")));
            parts.push((Paint::Plain, format!(" {what} ")));
        }
        put(buf, area, 0, &owned(app, &parts));
        return;
    }
    if app.overlay.is_none() && app.data.is_some() {
        if !app.trail.is_empty() && !hints.iter().any(|(action, _)| *action == Action::Back) {
            hints.push((Action::Back, "back"));
        }
        hints.extend([(Action::NextPane, "pane"), (Action::Help, "help"), (Action::Quit, "quit")]);
    }
    let mut room = usize::from(area.width);
    // Help and quit are shown in any case.
    let kept = hints.len().saturating_sub(2);
    let wide = |(action, what): &(Action, &str)| {
        app.config.keymap.key(*action).map_or(0, |key| columns(&key) + columns(what) + 3)
    };
    let last: usize = hints.iter().skip(kept).map(wide).sum();
    room = room.saturating_sub(last);
    for (n, hint) in hints.iter().enumerate() {
        let Some(key) = app.config.keymap.key(hint.0) else { continue };
        if n < kept {
            let Some(left) = room.checked_sub(wide(hint)) else { continue };
            room = left;
        }
        parts.push((Paint::Key, format!(" {key}")));
        parts.push((Paint::Plain, format!(" {} ", hint.1)));
    }
    put(buf, area, 0, &owned(app, &parts));
}

/// The words that could follow, above the line that is typed.
fn words(app: &App, screen: Screen, buf: &mut Buffer) {
    let Some(typing) = &app.filter.typing else { return };
    let Some(completion) = typing.completion.as_ref().filter(|c| !c.words.is_empty()) else {
        return;
    };
    let shown = completion.words.len().min(MAX_WORDS).min(usize::from(screen.body.height));
    let first = typing.chosen.map_or(0, |at| (at + 1).saturating_sub(shown));
    let listed: Vec<&String> = completion.words.iter().skip(first).take(shown).collect();
    let wide = listed.iter().map(|word| columns(word)).max().unwrap_or(0).min(40) as u16 + 2;
    let head = typing.line.text.get(..completion.replace.start).unwrap_or_default();
    let x = (8 + columns(head) as u16).min(screen.body.width.saturating_sub(wide));
    for (n, word) in listed.iter().enumerate() {
        let y = screen.status.y - (shown - n) as u16;
        let role = if typing.chosen == Some(first + n) { Paint::Chosen } else { Paint::Bar };
        let area = Rect::new(x, y, wide.min(screen.body.width), 1);
        let text = format!(" {} ", cut(word, usize::from(wide) - 2));
        for column in area.x..area.right() {
            if let Some(cell) = buf.cell_mut((column, y)) {
                cell.set_symbol(" ");
            }
        }
        buf.set_style(area, app.config.theme.style(role));
        put(buf, area, 0, &app.config.theme.line(&[(role, &text)]));
    }
}
