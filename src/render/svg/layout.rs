//! Where everything stands in the SVG, pixels from the top left.
//!
//! Columns are as far apart as the widest label between neighbours needs, within
//! bounds; a longer label stands out over its arrow.

use super::super::drawing::{self, Times};
use super::super::measure::columns;
use super::super::sanitise::clean;
use crate::report::ladder::{Ladder, StepKind};

/// Width of a character of the fixed-pitch font at 13 pixels, and somewhat more:
/// fonts differ.
pub(super) const CHAR: i64 = 8;

/// Least and most distance of two lifelines.
const DISTANCE: (i64, i64) = (190, 420);

/// The places.
pub(super) struct Layout {
    /// Left edge of the times.
    pub(super) left: i64,
    /// Lifelines.
    pub(super) xs: Vec<i64>,
    /// Width of a heading.
    pub(super) heading: i64,
    /// Left edge of the frames.
    pub(super) right: i64,
    /// Their width.
    pub(super) frames: i64,
}

/// Width of a text, pixels.
pub(super) fn width(text: &str) -> i64 {
    columns(&clean(text.trim())) as i64 * CHAR
}

impl Layout {
    pub(super) fn new(ladder: &Ladder, times: Times) -> Self {
        let left = 24;
        let time = (0..ladder.steps.len()).map(|n| width(&drawing::time(ladder, n, times)));
        let names = ladder.columns.iter().flat_map(|c| [width(&c.name), width(&c.role)]);
        let heading = names.max().unwrap_or(0) + 2 * CHAR;
        let labels = ladder.steps.iter().filter(|s| s.kind != StepKind::Remark).map(|s| {
            let span = s.from.abs_diff(s.to).max(1) as i64;
            (width(&s.label) + 6 * CHAR) / span
        });
        let distance = labels.max().unwrap_or(0).clamp(DISTANCE.0, DISTANCE.1);
        let distance = distance.max(heading + 2 * CHAR);
        let first = (left + 14 + time.max().unwrap_or(0) + 30).max(left + heading / 2);
        let xs: Vec<i64> = (0..ladder.columns.len() as i64).map(|n| first + n * distance).collect();
        let last = xs.last().copied().unwrap_or(first);
        let loops = ladder.steps.iter().filter(|s| {
            s.to + 1 >= ladder.columns.len() && (s.kind == StepKind::ToSelf || s.from == s.to)
        });
        let loops = loops.map(|s| 44 + width(&s.label)).max().unwrap_or(0);
        let right = last + (heading / 2).max(loops) + 2 * CHAR;
        let frames = (0..ladder.steps.len()).map(|n| {
            let step = &ladder.steps[n];
            let all: i64 =
                step.frames.iter().map(|(v, number)| width(&format!("{v} #{number}, "))).sum();
            let error = drawing::error(ladder, n, times).map_or(0, |e| width(&e) + 2 * CHAR);
            all + CHAR * step.frames.len() as i64 + error
        });
        Self { left, xs, heading, right, frames: frames.max().unwrap_or(0) }
    }

    /// First lifeline.
    pub(super) fn first(&self) -> i64 {
        self.xs.first().copied().unwrap_or(self.left + 100)
    }

    /// Last lifeline.
    pub(super) fn last(&self) -> i64 {
        self.xs.last().copied().unwrap_or(self.first())
    }

    /// Where a text begins that belongs to the host at `x`: right of its lifeline,
    /// further left where it would leave the sheet.
    pub(super) fn beside(&self, x: i64, text: &str) -> i64 {
        let most = self.right + self.frames - width(text);
        (x + 8).min(most.max(self.left))
    }

    /// Width of the sheet: what is drawn, the title and the legend.
    pub(super) fn width_for(&self, ladder: &Ladder, times: Times) -> i64 {
        let legend = drawing::with_errors(ladder, times, "●");
        let lines = legend.iter().map(|line| width(line)).max().unwrap_or(0);
        let remarks = ladder.steps.iter().filter(|s| s.kind == StepKind::Remark);
        let centre = (self.first() + self.last()) / 2;
        let remarks = remarks.map(|s| centre + width(&s.label) / 2).max().unwrap_or(0);
        // The title's letters are larger.
        let text = lines.max(width(&ladder.title) * 5 / 4) + self.left;
        (self.right + self.frames).max(text).max(remarks) + 24
    }
}
