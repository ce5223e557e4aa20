//! The keys, and the detectors' manual pages: text that lies over the panes.

use super::super::action::{ALL, Action};
use super::super::app::{App, Overlay};
use super::super::keymap::Keymap;
use super::super::list::List;
use super::super::screen::put;
use super::super::states::help::{Manual, State};
use super::super::theme::Paint;
use crate::render::measure::{columns, hang, pad_end};
use crate::render::{self, Style};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

/// Columns of a page.
const PAGE: u16 = 92;

/// What to know beside the keys.
const ABOUT: [&str; 13] = [
    "Overview    what is wrong, who serves what, findings ranked",
    "Timeline    connections over time; v or a drag narrows all to a range",
    "Connections the table; / filters, > sorts, Enter draws one as a ladder",
    "Ladder      packets between hosts; Enter shows one at every capture",
    "            * proof, ✗ lost, ≈ order not certain, ± what clocks leave open",
    "Findings    why, the frames that prove it (Enter goes there), the fix",
    "Path        the hosts, and the way of the selected connection",
    "",
    "Filter      client 10.0.0.1 and outcome reset and rs 10.0.0.12",
    "            fields: client service rs host port outcome finding start",
    "            duration bytes mode proto seen kind id; and, or, not, ( )",
    "Mouse       click chooses, click again opens, the wheel scrolls or zooms",
    "",
];

/// Shows a detector's page.
pub fn open_manual(app: &mut App, id: &str) {
    match Manual::new(id) {
        Some(manual) => app.overlay = Some(Overlay::Manual(manual)),
        None => app.say(Paint::Bad, format!("{id} has no page")),
    }
}

/// Scrolls what is open as a command asks.
pub fn act(app: &mut App, action: Action) {
    let size = app.size;
    match &mut app.overlay {
        Some(Overlay::Help(state)) => {
            let len = lines_of(&app.config.keymap, inner(size.0)).len();
            scroll(&mut state.top, action, len, size);
        }
        Some(Overlay::Manual(manual)) => {
            let len = lines_of_page(manual.page, inner(size.0)).len();
            scroll(&mut manual.top, action, len, size);
        }
        Some(Overlay::Save(_)) | None => {}
    }
}

fn lines_of_page(page: &str, width: u16) -> Vec<String> {
    let style = Style { width: usize::from(width), ..Style::default() };
    render::page(page, &style).lines().map(str::to_owned).collect()
}

/// Columns of the text in a window on a screen of so many columns.
fn inner(width: u16) -> u16 {
    // The frame, and a blank beside it on each side.
    PAGE.min(width.saturating_sub(4)).saturating_sub(4)
}

fn scroll(top: &mut usize, action: Action, len: usize, (_, rows): (u16, u16)) {
    let height = usize::from(rows).saturating_sub(5);
    let mut list = List::at(*top);
    let last = len.saturating_sub(height);
    list.act(action, last + 1, height);
    *top = list.at;
}

/// Columns of what a line of the help is about, and of keys.
const SUBJECT: usize = 12;
const KEYS: usize = 22;

/// The lines of the help at a width: what each is about, and the text.
fn lines_of(map: &Keymap, width: u16) -> Vec<(Paint, String, String)> {
    let mut lines = Vec::new();
    let mut add = |role: Paint, lead: &str, at: usize, text: &str| {
        for (n, line) in hang(&pad_end("", at), text, usize::from(width)).iter().enumerate() {
            let lead = pad_end(if n == 0 { lead } else { "" }, at);
            lines.push((role, lead, line.get(at..).unwrap_or_default().to_owned()));
        }
    };
    for line in ABOUT {
        let (subject, text) = line.split_at_checked(SUBJECT).unwrap_or((line, ""));
        add(Paint::Strong, subject, SUBJECT, text);
    }
    for about in ALL {
        add(Paint::Key, &map.keys(about.action).join("  "), KEYS, about.help);
    }
    add(Paint::Plain, "", 0, "");
    let file = "Keys and colours: ~/.config/lbdiag/tui.toml; the names are in docs/tui.md";
    add(Paint::Plain, "", 0, file);
    lines
}

/// Draws the keys.
pub fn draw(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = &app.config.theme;
    let lines: Vec<Line<'static>> = lines_of(&app.config.keymap, inner(area.width))
        .iter()
        .map(|(role, lead, text)| theme.line(&[(*role, lead), (Paint::Plain, text)]))
        .collect();
    window(app, "help", &lines, state.top, area, buf);
}

/// Draws a page.
pub fn draw_manual(app: &App, state: &Manual, area: Rect, buf: &mut Buffer) {
    let lines: Vec<Line<'static>> = lines_of_page(state.page, inner(area.width))
        .iter()
        .map(|line| {
            let role = if line.starts_with(' ') { Paint::Plain } else { Paint::Strong };
            app.config.theme.line(&[(role, line)])
        })
        .collect();
    window(app, &state.id, &lines, state.top, area, buf);
}

/// A framed window in the middle of an area; gives what is inside.
pub fn frame(app: &App, title: &str, size: (u16, u16), area: Rect, buf: &mut Buffer) -> Rect {
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    let window = Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    );
    Clear.render(window, buf);
    let theme = &app.config.theme;
    let block = Block::bordered()
        .border_style(theme.style(Paint::Frame))
        .title(theme.line(&[(Paint::Strong, &format!(" {title} "))]));
    let inside = block.inner(window);
    block.render(window, buf);
    inside
}

fn window(
    app: &App,
    title: &str,
    lines: &[Line<'static>],
    top: usize,
    area: Rect,
    buf: &mut Buffer,
) {
    let most = lines.iter().map(|l| l.width()).max().unwrap_or(0).max(columns(title) + 2);
    let width = PAGE.min(area.width.saturating_sub(4)).min(most as u16 + 4).max(20);
    let height = (lines.len() as u16).saturating_add(2).min(area.height);
    let inside = frame(app, title, (width, height), area, buf);
    let text = Rect { x: inside.x + 1, width: inside.width.saturating_sub(1), ..inside };
    let top = top.min(lines.len().saturating_sub(usize::from(text.height)));
    for (row, line) in lines.iter().skip(top).take(usize::from(text.height)).enumerate() {
        put(buf, text, row, line);
    }
    if lines.len() > top + usize::from(text.height) && inside.width > 4 {
        let more = app.config.theme.span(Paint::Key, " ▾ more ");
        buf.set_span(inside.right().saturating_sub(9), inside.bottom(), &more, 8);
    }
}
