//! Where the lanes stand, and which moment a column is.

use super::super::super::app::App;
use super::super::super::screen::screen;
use super::super::super::states::timeline::State;
use crate::report::rfc3339;
use ratatui::layout::Rect;

/// Where things stand.
pub(super) struct Areas {
    /// Names of the lanes.
    pub(super) names: Rect,
    /// The lanes.
    pub(super) lanes: Rect,
}

/// Names and lanes on a pane of this size.
pub(super) fn areas(area: Rect) -> Areas {
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

/// Columns of the lanes.
pub(super) fn columns(app: &App) -> usize {
    usize::from(areas(screen(app.size).body).lanes.width).max(1)
}

/// Nanoseconds of a time of the report.
pub(super) fn ns(rfc3339: &str) -> Option<i64> {
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
pub(super) fn clock(at: i64) -> String {
    rfc3339(crate::capture::Timestamp(at)).get(11..26).unwrap_or_default().to_owned()
}

/// The moment of a column of the screen.
pub(super) fn moment(app: &App, x: u16) -> i64 {
    let area = areas(screen(app.size).body).lanes;
    let (from, per) = app.timeline.view(columns(app));
    let column = i64::from(x.saturating_sub(area.x).min(area.width.saturating_sub(1)));
    from.saturating_add(per.saturating_mul(column))
}

/// The first line shown.
pub(super) fn top(state: &State, height: usize) -> usize {
    let len = state.lines().len();
    state.row.saturating_sub(height / 2).min(len.saturating_sub(height))
}
