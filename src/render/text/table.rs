//! Small tables without borders.
//!
//! comfy-table decides the widths; cells that do not fit are wrapped inside
//! their column. The first column keeps its words whole as long as it can.
//! Refuses rows beyond the cap it is given: it counts them.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{columns, cut};
use super::super::sanitise::clean;
use super::super::units::count;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Columns by which a table stands in.
const INDENT: usize = 2;

/// A table to be drawn.
pub(crate) struct Grid {
    /// Headings; `>` at the beginning of one sets its column flush right.
    pub(crate) header: Vec<&'static str>,
    /// Cells, row by row.
    pub(crate) rows: Vec<Vec<String>>,
    /// Rows shown.
    pub(crate) cap: usize,
    /// What a row is, in the plural, for the line that counts the rest.
    pub(crate) noun: &'static str,
}

impl Grid {
    /// The lines, heading first, then "and N more".
    pub(crate) fn lines(&self, style: &Style) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let ink = style.ink();
        let room = style.columns().saturating_sub(INDENT);
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(room).unwrap_or(u16::MAX))
            .set_header(self.header.iter().map(|h| h.trim_start_matches('>')));
        for row in self.rows.iter().take(self.cap) {
            table.add_row(row.iter().map(|cell| clean(cell.trim()).into_owned()));
        }
        for (n, heading) in self.header.iter().enumerate() {
            if let Some(column) = table.column_mut(n) {
                column.set_padding((0, 2));
                if heading.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        // A name broken over two lines cannot be searched for.
        let share = if room >= 78 { room / 2 } else { room / 4 };
        let least = (self.widest(0) + 2).min(share);
        if let Some(first) = table.column_mut(0) {
            let least = u16::try_from(least).unwrap_or(u16::MAX);
            first.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
        let mut lines: Vec<String> = table
            .lines()
            .enumerate()
            .map(|(n, line)| {
                // Where the columns cannot be made small enough, the line is cut.
                let line = cut(line.trim_end(), room);
                let tone = if n == 0 { Tone::Faint } else { Tone::Plain };
                format!("  {}", ink.paint(tone, &line))
            })
            .collect();
        if let Some(more) = self.rows.len().checked_sub(self.cap).filter(|n| *n > 0) {
            lines.push(format!("  and {} more {}", count(more as u64), self.noun));
        }
        lines
    }

    fn widest(&self, column: usize) -> usize {
        self.rows
            .iter()
            .take(self.cap)
            .filter_map(|row| row.get(column))
            .map(|cell| columns(&clean(cell)))
            .max()
            .unwrap_or(0)
    }
}
