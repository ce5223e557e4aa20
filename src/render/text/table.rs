//! Small tables without borders.
//!
//! comfy-table decides the widths; cells that do not fit are wrapped inside
//! their column. The first column keeps its words whole as long as it can. On a narrow
//! terminal a table that would break words is written row below row instead.
//! Refuses rows beyond the cap it is given: it counts them.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{columns, cut, wrap};
use super::super::sanitise::clean;
use super::super::units::count;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Columns by which a table stands in.
const INDENT: usize = 2;

/// Columns between two columns of a table.
const GAP: u16 = 2;

/// Columns below which a table whose words do not fit is written row below row.
const NARROW: usize = 62;

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
        let room = style.columns().saturating_sub(INDENT);
        let mut lines = if room < NARROW && self.least() > room {
            self.stacked(style, room)
        } else {
            self.drawn(style, room)
        };
        if let Some(more) = self.rows.len().checked_sub(self.cap).filter(|n| *n > 0) {
            lines.push(format!("  and {} more {}", count(more as u64), self.noun));
        }
        lines
    }

    /// As columns.
    fn drawn(&self, style: &Style, room: usize) -> Vec<String> {
        let ink = style.ink();
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(room).unwrap_or(u16::MAX))
            .set_header(self.header.iter().map(|h| h.trim_start_matches('>')));
        for row in self.rows.iter().take(self.cap) {
            table.add_row(row.iter().map(|cell| clean(cell.trim()).into_owned()));
        }
        // A figure that is cut is wrong; a heading may take two lines.
        let tight = self.untouched() > room;
        for (n, heading) in self.header.iter().enumerate() {
            if let Some(column) = table.column_mut(n) {
                column.set_padding((0, GAP));
                if heading.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                    column.set_constraint(if tight {
                        let width = u16::try_from(self.column_least(n)).unwrap_or(u16::MAX);
                        ColumnConstraint::Absolute(Width::Fixed(width))
                    } else {
                        ColumnConstraint::ContentWidth
                    });
                }
            }
        }
        // A name broken over two lines cannot be searched for.
        let share = if room >= 78 { room / 2 } else { room / 4 };
        let least = (self.widest(0) + usize::from(GAP)).min(share);
        if let Some(first) = table.column_mut(0) {
            let least = u16::try_from(least).unwrap_or(u16::MAX);
            first.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
        table
            .lines()
            .enumerate()
            .map(|(n, line)| {
                // Where the columns cannot be made small enough, the line is cut.
                let line = cut(line.trim_end(), room);
                let tone = if n == 0 { Tone::Faint } else { Tone::Plain };
                format!("  {}", ink.paint(tone, &line))
            })
            .collect()
    }

    /// Columns that are needed so that no word is broken.
    fn least(&self) -> usize {
        (0..self.header.len())
            .map(|n| self.column_least(n))
            .sum::<usize>()
            .saturating_sub(usize::from(GAP))
    }

    /// Those of one column, with the gap behind it: headings may be broken between words,
    /// figures may not.
    fn column_least(&self, n: usize) -> usize {
        let word = |text: &str| text.split_whitespace().map(columns).max().unwrap_or(0);
        let heading = self.header.get(n).copied().unwrap_or_default();
        let right = heading.starts_with('>');
        let cells = self.rows.iter().take(self.cap).filter_map(|row| row.get(n));
        let widest =
            cells.map(|cell| if right { columns(&clean(cell)) } else { word(&clean(cell)) });
        widest.max().unwrap_or(0).max(word(heading.trim_start_matches('>'))) + usize::from(GAP)
    }

    /// Columns that are needed so that no heading is broken either.
    fn untouched(&self) -> usize {
        let headings = self.header.iter().map(|h| h.trim_start_matches('>'));
        let least = |(n, heading)| self.column_least(n).max(columns(heading) + usize::from(GAP));
        headings.enumerate().map(least).sum::<usize>().saturating_sub(usize::from(GAP))
    }

    /// Row below row, each cell behind its heading: no word is broken where there is room for it.
    fn stacked(&self, style: &Style, room: usize) -> Vec<String> {
        let ink = style.ink();
        let mut lines = Vec::new();
        for row in self.rows.iter().take(self.cap) {
            for (n, (heading, cell)) in self.header.iter().zip(row).enumerate() {
                let cell = clean(cell.trim());
                let heading = heading.trim_start_matches('>');
                if cell.is_empty() {
                    continue;
                }
                let (indent, text) = match (n, heading) {
                    (0, _) => (INDENT, cell.into_owned()),
                    (_, "") => (2 * INDENT, cell.into_owned()),
                    _ => (2 * INDENT, format!("{heading}  {cell}")),
                };
                let wrapped = wrap(&text, (room + INDENT).saturating_sub(indent).max(1));
                for line in wrapped {
                    let tone = if n == 0 { Tone::Strong } else { Tone::Plain };
                    lines.push(format!("{}{}", " ".repeat(indent), ink.paint(tone, &line)));
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_breaks_no_word() {
        let row = |n: u8| {
            vec![
                format!("172.16.100.{n}:80"),
                "3".to_owned(),
                "0".to_owned(),
                "3 incomplete; the caller itself".to_owned(),
            ]
        };
        let grid = Grid {
            header: vec!["real server", ">connections", ">failed", ""],
            rows: vec![row(11), row(12)],
            cap: 1,
            noun: "servers",
        };
        for width in [40, 44, 60] {
            let lines = grid.lines(&Style { width, ..Style::default() });
            assert!(lines.iter().all(|line| columns(line) <= width), "{lines:?}");
            let text = lines.join("\n");
            for word in ["172.16.100.11:80", "connections", "incomplete;", "itself"] {
                assert!(text.contains(word), "{word} is broken at {width}: {text}");
            }
            assert!(text.ends_with("and 1 more servers"), "{text}");
        }
        let wide = grid.lines(&Style { width: 80, ..Style::default() });
        assert_eq!(wide.len(), 3, "{wide:?}");
    }

    #[test]
    fn where_all_columns_do_not_fit_headings_are_wrapped_and_no_figure_is_cut() {
        let grid = Grid {
            header: vec![
                "real server",
                ">connections",
                ">did well",
                ">failed",
                ">suffered",
                ">connect",
                ">first byte",
            ],
            rows: vec![
                ["172.30.165.77:8080", "8", "4", "0", "4", "0.25 ms", "2.20 ms"]
                    .map(str::to_owned)
                    .to_vec(),
            ],
            cap: 9,
            noun: "servers",
        };
        let lines = grid.lines(&Style { width: 80, ..Style::default() });
        let text = lines.join("\n");
        assert!(lines.iter().all(|line| columns(line) <= 80), "{text}");
        assert!(text.contains("172.30.165.77:8080") && text.contains("2.20 ms"), "{text}");
        assert!(!text.contains('…'), "{text}");
    }
}
