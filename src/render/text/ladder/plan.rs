//! Where the columns of the diagram stand.
//!
//! The lifelines are spread as far as the labels want and the width allows;
//! what is left goes to the right margin. Refuses (gives none) where an arrow
//! would have no room between two lifelines.

use super::super::super::Style;
use super::super::super::drawing::{TIME_COLUMNS, time};
use super::super::super::ink::Tone;
use super::super::super::measure::{columns, cut, cut_middle, wrap};
use super::super::super::sanitise::clean;
use super::row::{Row, frame};
use crate::report::ladder::{Ladder, StepKind};

/// Least distance of two lifelines; with less, the steps are better listed.
const MIN_GAP: usize = 8;

/// Below this distance frames leave the right margin for the line below.
const TIGHT_GAP: usize = 13;

/// Distance of two lifelines when nothing asks for more.
const EASY_GAP: usize = 16;

/// The same for two hosts alone, which have the width to themselves.
const PAIR_GAP: usize = 30;

/// Distance beyond which an arrow only gets longer.
const MAX_GAP: usize = 44;

/// Lines that a role may take in the heading.
const ROLE_LINES: usize = 2;

/// Columns of the diagram, all counted from 0.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Columns of the times.
    pub(crate) time_w: usize,
    /// Lifelines.
    pub(crate) xs: Vec<usize>,
    /// Where the right margin begins.
    pub(crate) right: usize,
}

/// The headings, and which names had to be cut.
pub(crate) struct Headings {
    /// Names, then roles.
    pub(crate) rows: Vec<Row>,
    /// Columns whose name is cut.
    pub(crate) cut: Vec<usize>,
}

impl Plan {
    /// The plan for the style's width; none where the hosts do not fit.
    pub(crate) fn new(ladder: &Ladder, style: &Style) -> Option<Self> {
        let width = style.columns();
        let hosts = ladder.columns.len();
        let time_w = (0..ladder.steps.len())
            .map(|n| columns(&time(ladder, n, style.times)))
            .max()
            .unwrap_or(0)
            .clamp(5, TIME_COLUMNS);
        // ` * 0.27 ├`
        let first = time_w + 4;
        let frames = ladder
            .steps
            .iter()
            .filter_map(|s| s.frames.first())
            .map(|first| columns(&clean(&frame(first))))
            .max()
            .unwrap_or(0)
            .min(width / 4);
        let gaps = hosts.checked_sub(1)?;
        if gaps == 0 {
            return Some(Self { width, time_w, xs: vec![first], right: first + width / 2 });
        }
        let room = width.saturating_sub(first + 1);
        let beside = if frames == 0 { 0 } else { frames + 2 };
        let wanted = wanted(ladder, gaps);
        let with_frames = wanted.min(room.saturating_sub(beside) / gaps);
        let gap = if with_frames < TIGHT_GAP { wanted.min(room / gaps) } else { with_frames };
        (gap >= MIN_GAP).then(|| Self {
            width,
            time_w,
            xs: (0..hosts).map(|n| first + n * gap).collect(),
            right: first + gaps * gap + 3,
        })
    }

    /// First lifeline.
    pub(crate) fn first(&self) -> usize {
        self.xs.first().copied().unwrap_or(0)
    }

    /// Last lifeline.
    pub(crate) fn last(&self) -> usize {
        self.xs.last().copied().unwrap_or(0)
    }

    /// Names and roles, each centred on its lifeline as far as its neighbours
    /// and the edges allow. Names that would touch stand on two lines in turn.
    pub(crate) fn headings(&self, ladder: &Ladder) -> Headings {
        let names: Vec<String> =
            ladder.columns.iter().map(|c| clean(c.name.trim()).into_owned()).collect();
        let tight = |n: usize| {
            let (from, to) = self.heading_room(n, 1);
            names.get(n).is_some_and(|name| columns(name) > to - from)
        };
        let turns = if (0..names.len()).any(tight) { 2 } else { 1 };
        let mut upper = vec![Row::default(); turns];
        let mut roles = vec![Row::default(); ROLE_LINES];
        let mut cut_names = Vec::new();
        for (n, (column, full)) in ladder.columns.iter().zip(&names).enumerate() {
            let (from, to) = self.heading_room(n, turns);
            let name = cut_middle(full, to - from);
            if *full != name {
                cut_names.push(n);
            }
            // The first host's name stands lowest, next to its role.
            if let Some(row) = upper.get_mut((n + 1) % turns) {
                row.put(self.centre(n, &name, from, to), name, Tone::Strong);
            }
            let (from, to) = self.heading_room(n, 1);
            let mut lines = wrap(&column.role, to - from);
            if lines.len() > ROLE_LINES {
                let rest = lines.split_off(ROLE_LINES - 1).join(" ");
                lines.push(rest);
            }
            for (line, row) in lines.iter().zip(&mut roles) {
                let line = cut(line, to - from);
                row.put(self.centre(n, &line, from, to), line, Tone::Plain);
            }
        }
        let rows = upper.into_iter().chain(roles);
        Headings { rows: rows.filter(|row| !row.pieces.is_empty()).collect(), cut: cut_names }
    }

    /// First column and end of the room for heading `n`: half way to the
    /// neighbours `step` lifelines away, one blank kept.
    fn heading_room(&self, n: usize, step: usize) -> (usize, usize) {
        let at = |n: usize| self.xs.get(n).copied();
        let x = at(n).unwrap_or(0);
        let from = match n.checked_sub(step).and_then(at) {
            Some(before) => (before + x) / 2 + 1,
            None => 1,
        };
        let to = match at(n + step) {
            Some(after) => (x + after) / 2,
            None => self.width,
        };
        (from, to.max(from))
    }

    fn centre(&self, n: usize, text: &str, from: usize, to: usize) -> usize {
        let x = self.xs.get(n).copied().unwrap_or(0);
        let width = columns(text);
        x.saturating_sub(width / 2).min(to.saturating_sub(width)).max(from)
    }
}

/// The distance that labels and headings would like.
fn wanted(ladder: &Ladder, gaps: usize) -> usize {
    let labels =
        ladder.steps.iter().filter(|s| matches!(s.kind, StepKind::Arrow | StepKind::Lost)).map(
            |s| {
                let span = s.from.abs_diff(s.to).clamp(1, gaps);
                (columns(&clean(&s.label)) + 9).div_ceil(span)
            },
        );
    let names = ladder.columns.iter().map(|c| columns(&clean(&c.name)) + 3);
    let least = if gaps == 1 { PAIR_GAP } else { EASY_GAP };
    labels.chain(names).max().unwrap_or(0).clamp(least, MAX_GAP)
}
