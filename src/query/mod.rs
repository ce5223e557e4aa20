//! A small language that chooses connections: `client 10.0.0.1 and outcome reset`.
//!
//! [`parse()`] reads a text into an [`Expr`], [`Filter::bind`] resolves its names against
//! a trace, [`Filter::fits`] asks one connection, and [`complete()`] says what could be
//! typed next. It knows nothing of screens. It refuses what it does not understand, with
//! the place: a filter that silently means something else hides the very connection that
//! is looked for.

mod broken;
mod complete;
mod eval;
mod field;
mod parse;
mod value;
mod words;

pub use complete::{Completion, complete};
pub use eval::Filter;
pub use field::{About, FIELDS, Field};
pub use parse::{Expr, Op, Term, parse};
pub use words::Vocabulary;

use std::ops::Range;

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The bytes that are wrong.
    pub at: Range<usize>,
    /// One sentence.
    pub message: String,
    /// More text could make it right.
    pub unfinished: bool,
}

impl Fault {
    fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), unfinished: false }
    }

    fn unfinished(at: usize, message: impl Into<String>) -> Self {
        Self { at: at..at, message: message.into(), unfinished: true }
    }
}

#[cfg(test)]
mod tests;
