//! What the text report must hold, whatever the report.

mod comparisons;
mod drawings;
mod properties;
mod words;

use super::super::Style;

fn at(width: usize) -> Style {
    Style { width, ..Style::default() }
}
