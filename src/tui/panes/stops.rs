//! Text in which the cursor stops at what can be opened.
//!
//! Several panes are pages of text with places that lead somewhere. A page is built anew
//! for each drawing from the report; the cursor is the number of a stop.

use super::super::action::Action;
use super::super::app::App;
use super::super::list::List;
use super::super::screen::{highlight, put};
use super::super::theme::Paint;
use crate::render::measure::{blanks, columns, hang, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// A page; `T` is what a stop leads to.
#[derive(Debug)]
pub struct Page<T> {
    /// Lines with the stop that they belong to.
    pub lines: Vec<(Line<'static>, Option<usize>)>,
    /// What the stops lead to.
    pub stops: Vec<T>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), stops: Vec::new() }
    }
}

impl<T> Page<T> {
    /// Adds a line that leads nowhere.
    pub fn line(&mut self, line: Line<'static>) {
        self.lines.push((line, None));
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|(line, _)| !line.spans.is_empty()) {
            self.lines.push((Line::default(), None));
        }
    }

    /// Adds lines that are one stop.
    pub fn stop(&mut self, to: T, lines: impl IntoIterator<Item = Line<'static>>) {
        let at = self.stops.len();
        self.stops.push(to);
        self.lines.extend(lines.into_iter().map(|line| (line, Some(at))));
    }

    /// Index of the first line of a stop.
    #[must_use]
    pub fn line_of(&self, stop: usize) -> usize {
        self.lines.iter().position(|(_, at)| *at == Some(stop)).unwrap_or(0)
    }

    /// The stop in a row of the screen, where `top` is the first line shown.
    #[must_use]
    pub fn stop_at(&self, line: usize) -> Option<usize> {
        self.lines.get(line).and_then(|(_, stop)| *stop)
    }

    /// The first line shown: all is shown from its beginning for as long as the stop lies
    /// in the upper two thirds, then the page follows it.
    #[must_use]
    pub fn top(&self, stop: usize, height: usize) -> usize {
        let own = self.lines.iter().filter(|(_, at)| *at == Some(stop)).count();
        let end = self.line_of(stop) + own.min(height / 2);
        let most = self.lines.len().saturating_sub(height);
        (end + height / 3).saturating_sub(height).min(most)
    }

    /// Draws what fits, the stop under the cursor marked.
    pub fn draw(&self, app: &App, cursor: usize, focused: bool, area: Rect, buf: &mut Buffer) {
        let top = self.top(cursor, usize::from(area.height));
        for (row, (line, stop)) in self.lines.iter().skip(top).enumerate() {
            if row >= usize::from(area.height) {
                break;
            }
            put(buf, area, row, line);
            if stop.is_some() && *stop == Some(cursor) {
                highlight(app, buf, area, row, focused);
            }
        }
        let left = self.lines.len().saturating_sub(top + usize::from(area.height));
        if left > 0 && area.height > 0 && area.width > 4 {
            let mark = app.config.theme.span(Paint::Key, " ▾");
            buf.set_span(area.right() - 2, area.bottom() - 1, &mark, 2);
        }
    }

    /// Moves a cursor over its stops; a screen up or down turns the text by one, however
    /// many stops that are. False for other commands.
    pub fn moves(&self, cursor: &mut usize, height: usize, action: Action) -> bool {
        let last = self.stops.len().saturating_sub(1);
        let top = self.top(*cursor, height);
        let turned = height.saturating_sub(2).max(1);
        // The page follows its cursor at two thirds of its height.
        let follows = height - height / 3;
        let to = match action {
            Action::PageDown => {
                let line = (top + turned + follows).min(self.lines.len());
                (*cursor..=last).find(|stop| self.line_of(*stop) + 1 >= line).unwrap_or(last)
            }
            Action::PageUp => {
                let line = (top + follows).saturating_sub(turned);
                (0..=*cursor).rev().find(|stop| self.line_of(*stop) < line).unwrap_or(0)
            }
            _ => return moves(cursor, self.stops.len(), height, action),
        };
        *cursor = to;
        true
    }
}

/// Columns of a page in an area: the last ones are for the mark that there is more.
#[must_use]
pub fn text_width(area: Rect) -> usize {
    usize::from(area.width).saturating_sub(2)
}

/// Moves a cursor over the entries of a list; false for other commands.
pub fn moves(cursor: &mut usize, count: usize, height: usize, action: Action) -> bool {
    let mut list = List::at(*cursor);
    let taken = list.act(action, count, height / 2);
    *cursor = list.at;
    taken
}

/// A paragraph behind a label: the label once, the text aligned under its first word.
#[must_use]
pub fn labelled(
    app: &App,
    label: &str,
    role: Paint,
    text: &str,
    width: usize,
) -> Vec<Line<'static>> {
    const LABEL: usize = 10;
    let lead = format!("{label:<LABEL$}");
    hang(&blanks(LABEL), text, width)
        .into_iter()
        .enumerate()
        .map(|(n, line)| {
            let rest = line.get(LABEL..).unwrap_or_default().to_owned();
            let lead = if n == 0 { lead.clone() } else { blanks(LABEL) };
            app.config.theme.line(&[(Paint::Faint, &lead), (role, &rest)])
        })
        .collect()
}

/// A paragraph.
#[must_use]
pub fn paragraph(app: &App, role: Paint, text: &str, width: usize) -> Vec<Line<'static>> {
    wrap(text, width).iter().map(|line| app.config.theme.line(&[(role, line)])).collect()
}

/// A rule with a title in it.
#[must_use]
pub fn rule(app: &App, title: &str, width: usize) -> Line<'static> {
    let title = format!("── {title} ");
    let rest = "─".repeat(width.saturating_sub(columns(&title)));
    app.config.theme.line(&[
        (Paint::Frame, "── "),
        (Paint::Strong, title.strip_prefix("── ").unwrap_or(&title)),
        (Paint::Frame, &rest),
    ])
}
