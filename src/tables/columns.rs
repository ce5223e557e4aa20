//! Rows into columns and out of them.

use crate::parquet::{Column, Kind, Values};
use crate::row::{About, Columns};
use crate::wire::{Ip, Mac};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;

/// What a text stands for, before it is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Term {
    Ip(Ip),
    Mac(Mac),
    Word(&'static str),
    Text(String),
}

/// A column that grows.
#[derive(Debug)]
pub(super) struct Growing {
    optional: bool,
    numbers: Vec<i64>,
    there: Vec<bool>,
    text: bool,
    terms: HashMap<Term, u32, RandomState>,
    last: Option<(Term, u32)>,
    list: Vec<String>,
    of: Vec<u32>,
}

impl Growing {
    pub(super) fn new(kind: Kind, optional: bool) -> Self {
        Self {
            optional,
            numbers: Vec::new(),
            there: Vec::new(),
            text: kind == Kind::Text,
            terms: HashMap::default(),
            last: None,
            list: Vec::new(),
            of: Vec::new(),
        }
    }

    fn number(&mut self, value: Option<i64>) {
        if self.optional {
            self.there.push(value.is_some());
        }
        self.numbers.extend(value);
    }

    fn term(&mut self, term: Option<Term>) {
        if self.optional {
            self.there.push(term.is_some());
        }
        let Some(term) = term else { return };
        // Rows are sorted: many have what the row before has.
        if let Some((last, at)) = &self.last
            && *last == term
        {
            self.of.push(*at);
            return;
        }
        if let Some(at) = self.terms.get(&term).copied() {
            self.of.push(at);
            self.last = Some((term, at));
            return;
        }
        let at = self.list.len() as u32;
        self.list.push(match &term {
            Term::Ip(ip) => ip.to_string(),
            Term::Mac(mac) => mac.to_string(),
            Term::Word(word) => (*word).to_owned(),
            Term::Text(text) => text.clone(),
        });
        self.terms.insert(term, at);
        self.of.push(at);
    }

    /// Takes back what was taken and is written: what grows next grows in the same memory, which the system
    /// need not clear again.
    pub(super) fn again(&mut self, column: Column) {
        if let Some(mut there) = column.there {
            there.clear();
            self.there = there;
        }
        match column.values {
            Values::Numbers(mut numbers) => {
                numbers.clear();
                self.numbers = numbers;
            }
            Values::Texts(mut list, mut of) => {
                list.clear();
                of.clear();
                (self.list, self.of) = (list, of);
            }
        }
    }

    /// What has grown so far, which begins anew.
    pub(super) fn take(&mut self) -> Column {
        self.terms.clear();
        self.last = None;
        let values = if self.text {
            Values::Texts(std::mem::take(&mut self.list), std::mem::take(&mut self.of))
        } else {
            Values::Numbers(std::mem::take(&mut self.numbers))
        };
        let there = std::mem::take(&mut self.there);
        Column { values, there: self.optional.then_some(there) }
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

    fn next(&mut self, fill: impl FnOnce(&mut Growing)) {
        // There are as many as the same walk listed.
        if let Some(column) = self.columns.next() {
            fill(column);
        }
    }

    /// The columns that every table has.
    pub(super) fn own(&mut self, number: u32, capture: &str, vantage: Option<&str>) {
        self.next(|column| column.number(Some(i64::from(number))));
        self.next(|column| column.same(Some(capture)));
        self.next(|column| column.same(vantage));
    }
}

impl Growing {
    /// A text that few rows in turn change.
    fn same(&mut self, text: Option<&str>) {
        if self.optional {
            self.there.push(text.is_some());
        }
        let Some(text) = text else { return };
        let last = self.of.last().copied();
        if let Some(at) = last.filter(|at| self.list[*at as usize] == text) {
            self.of.push(at);
            return;
        }
        if self.optional {
            self.there.pop();
        }
        self.term(Some(Term::Text(text.to_owned())));
    }
}

impl Columns for Outward<'_> {
    fn begin(&mut self, _: &'static str) {}

    fn end(&mut self) {}

    fn number(&mut self, _: About, _: Kind, _: bool, value: Option<i64>) -> Option<i64> {
        self.next(|column| column.number(value));
        value
    }

    fn address(&mut self, _: About, _: bool, value: Option<Ip>) -> Option<Ip> {
        self.next(|column| column.term(value.map(Term::Ip)));
        value
    }

    fn hardware(&mut self, _: About, _: bool, value: Option<Mac>) -> Option<Mac> {
        self.next(|column| column.term(value.map(Term::Mac)));
        value
    }

    fn choice(&mut self, _: About, words: &'static [&'static str], at: usize) -> usize {
        self.next(|column| column.term(words.get(at).map(|word| Term::Word(word))));
        at
    }

    fn text_of(&mut self, _: About, value: Option<&str>) -> Option<String> {
        self.next(|column| column.term(value.map(|text| Term::Text(text.to_owned()))));
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
