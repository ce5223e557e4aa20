//! One line of the diagram: pieces laid over the lifelines.
//!
//! A piece hides the lifelines under it; everywhere else they are drawn.
//! Positions are columns, so wide characters stay in place. Refuses overlap:
//! a piece that begins before the last one ended is moved behind it.

use super::super::super::ink::{Ink, Tone};
use super::super::super::measure::{blanks, columns};

/// Text at a column.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// First column.
    pub(crate) at: usize,
    /// Clean text.
    pub(crate) text: String,
    /// Its paint.
    pub(crate) tone: Tone,
}

/// A line of the diagram.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    /// What lies over the lifelines.
    pub(crate) pieces: Vec<Piece>,
    /// Whether the lifelines are drawn dashed: time is left out here.
    pub(crate) dashed: bool,
}

impl Row {
    /// Adds `text` at column `at`.
    pub(crate) fn put(&mut self, at: usize, text: impl Into<String>, tone: Tone) {
        self.pieces.push(Piece { at, text: text.into(), tone });
    }

    /// First column behind all pieces.
    pub(crate) fn end(&self) -> usize {
        let ends = self.pieces.iter().map(|p| p.at + columns(&p.text));
        ends.max().unwrap_or(0)
    }

    /// The line, with lifelines at `xs` where nothing lies over them.
    pub(crate) fn draw(&self, xs: &[usize], ink: Ink) -> String {
        let mut out = String::new();
        for (tone, text) in self.runs(xs) {
            out.push_str(&ink.paint(tone, &text));
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// The same in runs of one tone.
    pub(crate) fn runs(&self, xs: &[usize]) -> Vec<(Tone, String)> {
        let line = if self.dashed { '┊' } else { '│' };
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        pieces.sort_by_key(|p| p.at);
        let mut runs = Vec::new();
        let mut at = 0;
        for piece in pieces {
            runs.push((Tone::Plain, between(at, piece.at, xs, line)));
            at = at.max(piece.at) + columns(&piece.text);
            runs.push((piece.tone, piece.text.clone()));
        }
        let end = xs.last().map_or(0, |x| x + 1);
        runs.push((Tone::Plain, between(at, end, xs, line)));
        runs.retain(|(_, text)| !text.is_empty());
        runs
    }
}

/// Blanks and lifelines from column `from` to before `to`.
fn between(from: usize, to: usize, xs: &[usize], line: char) -> String {
    let mut out = String::new();
    let mut at = from;
    for x in xs.iter().filter(|x| (from..to).contains(x)) {
        out.push_str(&blanks(x.saturating_sub(at)));
        out.push(line);
        at = x + 1;
    }
    out.push_str(&blanks(to.saturating_sub(at)));
    out
}

/// A frame as the right margin names it: `rs1 #14`.
pub(crate) fn frame((vantage, number): &(String, u64)) -> String {
    format!("{vantage} #{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hide_only_the_lifelines_under_them() {
        let mut row = Row::default();
        row.put(3, "├──▸", Tone::Plain);
        assert_eq!(row.draw(&[3, 7, 11], Ink::new(false)), "   ├──▸│   │");
        assert_eq!(Row::default().draw(&[1, 4], Ink::new(false)), " │  │");
    }

    #[test]
    fn a_piece_that_would_overlap_moves_behind() {
        let mut row = Row::default();
        row.put(0, "接口", Tone::Plain);
        row.put(2, "b", Tone::Plain);
        assert_eq!(row.draw(&[3, 6], Ink::new(false)), "接口b │");
    }
}
