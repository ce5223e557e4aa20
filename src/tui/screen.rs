//! Where things stand on the screen, and how a row of it is written.

use super::app::App;
use super::theme::Paint;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Where things stand.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Names of the panes.
    pub tabs: Rect,
    /// The pane.
    pub body: Rect,
    /// Filter, counts, remarks.
    pub status: Rect,
    /// Keys.
    pub footer: Rect,
}

/// Where things stand on a terminal of a size.
#[must_use]
pub fn screen((width, height): (u16, u16)) -> Screen {
    let row = |y: u16| Rect::new(0, y.min(height.saturating_sub(1)), width, height.min(1));
    Screen {
        tabs: row(0),
        body: Rect::new(0, 1.min(height), width, height.saturating_sub(3)),
        status: row(height.saturating_sub(2)),
        footer: row(height.saturating_sub(1)),
    }
}

/// Writes a line into row `row` of an area, if it has one.
pub fn put(buf: &mut Buffer, area: Rect, row: usize, line: &Line<'_>) {
    if let Some(y) = u16::try_from(row).ok().filter(|row| *row < area.height) {
        buf.set_line(area.x, area.y + y, line, area.width);
    }
}

/// Gives a whole row the style of the cursor.
pub fn highlight(app: &App, buf: &mut Buffer, area: Rect, row: usize, focused: bool) {
    if let Some(y) = u16::try_from(row).ok().filter(|row| *row < area.height) {
        let role = if focused { Paint::Cursor } else { Paint::Resting };
        let row = Rect::new(area.x, area.y + y, area.width, 1);
        buf.set_style(row, app.config.theme.style(role));
    }
}

/// A line of texts in roles.
#[must_use]
pub fn owned(app: &App, parts: &[(Paint, String)]) -> Line<'static> {
    let spans: Vec<Span<'static>> =
        parts.iter().map(|(role, text)| app.config.theme.span(*role, text)).collect();
    Line::from(spans)
}
