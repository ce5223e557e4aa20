//! Rows into columns and out of them.

use crate::parquet::{self, Column, Kind, Values};
use crate::row::{About, Columns};
use crate::wire::{Ip, Mac};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::net::IpAddr;

/// A column that grows.
#[derive(Debug)]
pub(super) struct Growing {
    values: parquet::Growing,
    /// What its texts stand for; elsewhere, so that columns of numbers lie close together.
    terms: Box<Terms>,
}

/// What the texts of a column stand for.
#[derive(Debug, Default)]
struct Terms {
    /// Places of words by their number: of words that are given, and of vantages.
    words: Vec<Option<u32>>,
    ips: Places<Ip>,
    macs: Places<Mac>,
    texts: Places<String>,
}

/// The places of what stands in a column as text.
#[derive(Debug)]
struct Places<T> {
    last: Option<(T, u32)>,
    known: HashMap<T, u32, RandomState>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { last: None, known: HashMap::default() }
    }
}

impl<T: Copy + Eq + Hash + Display> Places<T> {
    fn place(&mut self, one: T, values: &mut parquet::Growing) -> u32 {
        // Rows are sorted: many have what the row before has.
        if let Some((last, place)) = self.last
            && last == one
        {
            return place;
        }
        let place = *self.known.entry(one).or_insert_with(|| values.add(one));
        self.last = Some((one, place));
        place
    }
}

impl<T> Places<T> {
    fn clear(&mut self) {
        self.last = None;
        self.known.clear();
    }
}

impl Growing {
    pub(super) fn new(kind: Kind, optional: bool) -> Self {
        Self { values: parquet::Growing::new(kind, optional), terms: Box::default() }
    }

    fn ip(&mut self, ip: Option<Ip>) {
        let Some(ip) = ip else { return self.values.nothing() };
        let place = self.terms.ips.place(ip, &mut self.values);
        self.values.text(place);
    }

    fn mac(&mut self, mac: Option<Mac>) {
        let Some(mac) = mac else { return self.values.nothing() };
        let place = self.terms.macs.place(mac, &mut self.values);
        self.values.text(place);
    }

    /// A word that its number tells.
    fn word(&mut self, number: usize, word: Option<&str>) {
        let Some(word) = word else { return self.values.nothing() };
        let place = match self.terms.words.get(number) {
            Some(Some(place)) => *place,
            _ => {
                self.terms.words.resize(self.terms.words.len().max(number + 1), None);
                *self.terms.words[number].insert(self.values.add(word))
            }
        };
        self.values.text(place);
    }

    fn text(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.values.nothing() };
        let latest = self.values.latest().filter(|(_, latest)| *latest == text);
        let known =
            latest.map(|(place, _)| place).or_else(|| self.terms.texts.known.get(text).copied());
        let place = known.unwrap_or_else(|| {
            let place = self.values.add(text);
            self.terms.texts.known.insert(text.to_owned(), place);
            place
        });
        self.values.text(place);
    }

    /// What has grown so far.
    pub(super) fn values(&self) -> &parquet::Growing {
        &self.values
    }

    /// Begins anew, in the same memory, which the system need not clear again.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        let Terms { words, ips, macs, texts } = &mut *self.terms;
        words.clear();
        ips.clear();
        macs.clear();
        texts.clear();
    }
}

/// Takes rows apart.
pub(super) struct Outward<'a> {
    columns: std::slice::IterMut<'a, Growing>,
}

impl<'a> Outward<'a> {
    pub(super) fn new(columns: &'a mut [Growing]) -> Self {
        Self { columns: columns.iter_mut() }
    }

    #[inline]
    fn next(&mut self, fill: impl FnOnce(&mut Growing)) {
        // There are as many as the same walk listed.
        if let Some(column) = self.columns.next() {
            fill(column);
        }
    }

    /// The columns that every table has: the row's number, the capture, and the vantage with its number.
    pub(super) fn own(&mut self, number: u32, capture: &str, vantage: (usize, Option<&str>)) {
        self.next(|column| column.values.number(Some(i64::from(number))));
        self.next(|column| column.word(0, Some(capture)));
        self.next(|column| column.word(vantage.0, vantage.1));
    }
}

impl Columns for Outward<'_> {
    fn begin(&mut self, _: &'static str) {}

    fn end(&mut self) {}

    // What it is about stands in the code of a hundred columns, and is not handed over for each of their rows.
    #[inline(always)]
    fn number(&mut self, _: About, _: Kind, _: bool, value: Option<i64>) -> Option<i64> {
        self.next(|column| column.values.number(value));
        value
    }

    fn address(&mut self, _: About, _: bool, value: Option<Ip>) -> Option<Ip> {
        self.next(|column| column.ip(value));
        value
    }

    fn hardware(&mut self, _: About, _: bool, value: Option<Mac>) -> Option<Mac> {
        self.next(|column| column.mac(value));
        value
    }

    fn choice(&mut self, _: About, words: &'static [&'static str], at: usize) -> usize {
        self.next(|column| column.word(at, words.get(at).copied()));
        at
    }

    fn text_of(&mut self, _: About, value: Option<&str>) -> Option<String> {
        self.next(|column| column.text(value));
        None
    }

    fn comes_in(&self) -> bool {
        false
    }

    fn refuse(&mut self, _: &'static str) {}
}

/// A column that was read, a value a row.
#[derive(Debug)]
pub(super) struct Taken {
    numbers: Vec<i64>,
    list: Vec<String>,
    ips: Vec<Option<Ip>>,
    macs: Vec<Option<Mac>>,
    of: Vec<u32>,
    there: Option<Vec<bool>>,
}

/// In the place of a value, where a row has none.
const NONE: u32 = u32::MAX;

impl Taken {
    /// `None` where the column has not a value for each row that it says has one.
    pub(super) fn new(column: Column, rows: usize) -> Option<Self> {
        let there = column.there;
        let present = there.as_ref().map_or(rows, |there| there.iter().filter(|t| **t).count());
        if column.values.len() != present || there.as_ref().is_some_and(|t| t.len() != rows) {
            return None;
        }
        let mut own = Self {
            numbers: Vec::new(),
            list: Vec::new(),
            ips: Vec::new(),
            macs: Vec::new(),
            of: Vec::new(),
            there: None,
        };
        match column.values {
            Values::Numbers(numbers) => own.numbers = spread(numbers, there.as_deref(), 0),
            Values::Texts(list, of) => {
                own.of = spread(of, there.as_deref(), NONE);
                own.list = list;
            }
        }
        own.there = there;
        Some(own)
    }

    fn number(&self, row: usize) -> Option<i64> {
        let there = self.there.as_ref().is_none_or(|there| there.get(row) == Some(&true));
        self.numbers.get(row).copied().filter(|_| there)
    }

    fn place(&self, row: usize) -> Option<usize> {
        self.of.get(row).filter(|at| **at != NONE).map(|at| *at as usize)
    }

    /// The text of a row.
    pub(super) fn text(&self, row: usize) -> Option<&str> {
        self.list.get(self.place(row)?).map(String::as_str)
    }

    /// The number of a row that every table begins with.
    pub(super) fn own(&self, row: usize) -> u32 {
        self.number(row).and_then(|number| number.try_into().ok()).unwrap_or(0)
    }

    /// What texts stand for is asked once for each.
    fn ip(&mut self, row: usize) -> Option<Option<Ip>> {
        if self.ips.is_empty() {
            let parse = |text: &String| text.parse::<IpAddr>().ok().map(Ip::from);
            self.ips = self.list.iter().map(parse).collect();
        }
        self.place(row).map(|at| self.ips.get(at).copied().flatten())
    }

    fn mac(&mut self, row: usize) -> Option<Option<Mac>> {
        if self.macs.is_empty() {
            self.macs = self.list.iter().map(|text| text.parse().ok()).collect();
        }
        self.place(row).map(|at| self.macs.get(at).copied().flatten())
    }
}

/// A value for each row.
fn spread<T: Copy>(values: Vec<T>, there: Option<&[bool]>, none: T) -> Vec<T> {
    let Some(there) = there else { return values };
    let mut values = values.into_iter();
    there.iter().map(|there| if *there { values.next().unwrap_or(none) } else { none }).collect()
}

/// Puts rows together.
pub(super) struct Inward<'a> {
    columns: std::slice::IterMut<'a, Taken>,
    row: usize,
    /// Bytes of text that may yet be given out: one that stands once in a file may be in many rows.
    room: &'a mut u64,
    /// The column in which something makes no sense.
    pub(super) fault: Option<&'static str>,
}

impl<'a> Inward<'a> {
    pub(super) fn new(columns: &'a mut [Taken], row: usize, room: &'a mut u64) -> Self {
        Self { columns: columns.iter_mut(), row, room, fault: None }
    }
}

impl Columns for Inward<'_> {
    fn begin(&mut self, _: &'static str) {}

    fn end(&mut self) {}

    fn number(&mut self, _: About, _: Kind, _: bool, _: Option<i64>) -> Option<i64> {
        self.columns.next()?.number(self.row)
    }

    fn address(&mut self, about: About, _: bool, _: Option<Ip>) -> Option<Ip> {
        let found = self.columns.next()?.ip(self.row);
        if found == Some(None) {
            self.refuse(about.name);
        }
        found.flatten()
    }

    fn hardware(&mut self, about: About, _: bool, _: Option<Mac>) -> Option<Mac> {
        let found = self.columns.next()?.mac(self.row);
        if found == Some(None) {
            self.refuse(about.name);
        }
        found.flatten()
    }

    fn choice(&mut self, about: About, words: &'static [&'static str], _: usize) -> usize {
        let text = self.columns.next().and_then(|column| column.text(self.row));
        let at = text.and_then(|text| words.iter().position(|word| *word == text));
        if at.is_none() {
            self.refuse(about.name);
        }
        at.unwrap_or(0)
    }

    fn text_of(&mut self, about: About, _: Option<&str>) -> Option<String> {
        let text = self.columns.next()?.text(self.row)?;
        let Some(room) = self.room.checked_sub(text.len() as u64) else {
            self.fault = self.fault.or(Some(about.name));
            return None;
        };
        *self.room = room;
        Some(text.to_owned())
    }

    fn comes_in(&self) -> bool {
        true
    }

    fn refuse(&mut self, about: &'static str) {
        self.fault = self.fault.or(Some(about));
    }
}
