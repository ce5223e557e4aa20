//! A column that is being written: it grows by what each row has there.

use super::list::List;
use super::{Column, Kind, Values};
use std::fmt::{Display, Write};

/// A column of the rows that are written next, which grows row by row.
#[derive(Debug, Clone)]
pub struct Growing {
    /// Which rows have a value, where the column is optional.
    pub(super) there: Option<List<bool>>,
    pub(super) held: Held,
}

/// The values of the rows that have one.
#[derive(Debug, Clone)]
pub(super) enum Held {
    Numbers(List<i64>),
    // Elsewhere, so that columns of numbers lie close together: each row touches them all.
    Texts(Box<Texts>),
}

impl Held {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.of.len(),
        }
    }
}

/// Distinct texts, and which of them each row has.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    /// One behind the other.
    all: String,
    ends: Vec<usize>,
    pub(super) of: List<u32>,
}

impl Texts {
    fn add(&mut self, text: impl Display) {
        // A string takes everything.
        let _ = write!(self.all, "{text}");
        self.ends.push(self.all.len());
    }

    /// How many are distinct.
    pub(super) fn distinct(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, at: usize) -> Option<&str> {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.all.get(begin..*self.ends.get(at)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.distinct()).filter_map(|at| self.get(at))
    }

    fn clear(&mut self) {
        self.all.clear();
        self.ends.clear();
        self.of.clear();
    }
}

impl Growing {
    /// One without rows.
    #[must_use]
    pub fn new(kind: Kind, optional: bool) -> Self {
        let held = match kind {
            Kind::Text => Held::Texts(Box::default()),
            _ => Held::Numbers(List::default()),
        };
        Self { there: optional.then(List::default), held }
    }

    /// The next row has this number, or none.
    #[inline(never)]
    pub fn number(&mut self, value: Option<i64>) {
        self.next(value.is_some());
        if let (Held::Numbers(list), Some(value)) = (&mut self.held, value) {
            list.push(value);
        }
    }

    /// The next row has nothing.
    pub fn nothing(&mut self) {
        self.next(false);
    }

    /// The next row has the text of this place among those that were added.
    #[inline]
    pub fn text(&mut self, place: u32) {
        self.next(true);
        if let Held::Texts(texts) = &mut self.held {
            texts.of.push(place);
        }
    }

    /// The place of a text that is new here.
    pub fn add(&mut self, text: impl Display) -> u32 {
        let Held::Texts(texts) = &mut self.held else { return 0 };
        texts.add(text);
        texts.distinct() as u32 - 1
    }

    /// The text of the latest row that had one, and its place.
    #[must_use]
    pub fn latest(&self) -> Option<(u32, &str)> {
        let Held::Texts(texts) = &self.held else { return None };
        let place = texts.of.last()?;
        Some((place, texts.get(place as usize)?))
    }

    /// Begins anew, in the same memory.
    pub fn clear(&mut self) {
        if let Some(there) = &mut self.there {
            there.clear();
        }
        match &mut self.held {
            Held::Numbers(list) => list.clear(),
            Held::Texts(texts) => texts.clear(),
        }
    }

    #[inline]
    fn next(&mut self, is_there: bool) {
        if let Some(there) = &mut self.there {
            there.push(is_there);
        }
    }
}

impl From<&Column> for Growing {
    fn from(column: &Column) -> Self {
        let held = match &column.values {
            Values::Numbers(numbers) => Held::Numbers(numbers.iter().copied().collect()),
            Values::Texts(list, of) => {
                let of = of.iter().copied().collect();
                let mut texts = Box::new(Texts { of, ..Texts::default() });
                list.iter().for_each(|text| texts.add(text));
                Held::Texts(texts)
            }
        };
        Self { there: column.there.as_ref().map(|there| there.iter().copied().collect()), held }
    }
}
