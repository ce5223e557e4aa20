//! What the timeline shows, and where its cursor is.

use super::super::lanes::{Ask, Bar, By, Lane, Shown};

/// Least nanoseconds that a column stands for; captures rarely tell less apart.
pub const LEAST: i64 = 1_000;

/// Rows of a lane's density.
pub const DENSITY: usize = 2;

/// What is shown and where the cursor is.
#[derive(Debug, Default)]
pub struct State {
    /// What the lanes are.
    pub by: By,
    /// First moment and nanoseconds a column; everything where absent.
    pub zoom: Option<(i64, i64)>,
    /// The moment of the cursor.
    pub cursor: i64,
    /// The row of the cursor.
    pub row: usize,
    /// Where the range that is being chosen begins.
    pub anchor: Option<i64>,
    /// The mouse chooses it.
    pub dragging: bool,
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// What they were asked with.
    pub shown: Option<Ask>,
    /// What was asked for last.
    pub asked: Option<Ask>,
    /// The last request.
    pub asked_n: u64,
    /// The last answer.
    pub shown_n: u64,
    /// The rows have changed since.
    pub stale: bool,
    /// First and last moment of all connections.
    pub span: (i64, i64),
}

impl State {
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
    #[must_use]
    pub fn view(&self, columns: usize) -> (i64, i64) {
        self.zoom.unwrap_or_else(|| {
            let width = self.span.1.saturating_sub(self.span.0);
            let columns = i64::try_from(columns.max(1)).unwrap_or(1);
            (self.span.0, (width / columns + 1).max(LEAST))
        })
    }

    /// Lane and row within it of every line.
    #[must_use]
    pub fn lines(&self) -> Vec<(usize, usize)> {
        let rows = |lane: &Lane| match &lane.shown {
            Shown::Bars(rows) => rows.len().max(1),
            Shown::Density(_) => DENSITY,
        };
        let shown = self.lanes.iter().enumerate().filter(|(_, lane)| lane.count > 0);
        shown.flat_map(|(n, lane)| (0..rows(lane)).map(move |row| (n, row))).collect()
    }

    /// The column of a moment.
    #[must_use]
    pub fn column(&self, at: i64, columns: usize) -> i64 {
        let (from, per) = self.view(columns);
        at.saturating_sub(from).div_euclid(per)
    }

    /// The bar under the cursor.
    #[must_use]
    pub fn bar(&self, columns: usize) -> Option<Bar> {
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
