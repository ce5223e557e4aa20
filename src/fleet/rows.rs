//! Packed rows back to what was observed: a part of a fleet's streams, with all that is of every part.
//!
//! The same walk as from files ([`crate::flow::restore`]): all vantages of the fleet as one list, in which
//! streams and links are numbered anew, since a part has some of them.

use super::broadcast::Broadcast;
use super::packed::{Cursor, Entry, OF_CAPTURE, Of, all, entries, first_number, place_of};
use crate::capture::{self, Capture};
use crate::exchange;
use crate::flow;
use crate::load::Seen;
use crate::row::{NO_VANTAGE, Restore, Row};
use std::collections::HashSet;

/// Rows by their tables.
pub(super) struct Rows<'a> {
    tables: Vec<Vec<Entry<'a>>>,
    /// By vantage: the numbers of its streams and links, in order.
    streams: Vec<Vec<u32>>,
    links: Vec<Vec<u32>>,
    /// The capture whose own tables are asked for.
    capture: u32,
    broadcast: &'a Broadcast,
}

/// What cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    /// The capture, by its place.
    pub(super) capture: Option<usize>,
    /// What is wrong.
    pub(super) why: String,
}

impl<'a> Rows<'a> {
    /// Sorts the rows of several lists, of all captures or of one.
    pub(super) fn new(
        broadcast: &'a Broadcast,
        lists: &[&'a [u8]],
        only: Option<usize>,
    ) -> Result<Self, Unfit> {
        let mut tables: Vec<Vec<Entry<'a>>> = all().iter().map(|_| Vec::new()).collect();
        for entry in lists.iter().flat_map(|list| entries(list)) {
            if only.is_none_or(|only| broadcast.capture_of(entry.vantage) == Some(only)) {
                tables[entry.table].push(entry);
            }
        }
        for table in &mut tables {
            table.sort_by_key(|entry| (entry.vantage, entry.number));
        }
        let vantages = broadcast.vantages();
        let empty = || vec![Vec::new(); vantages];
        let mut rows = Self { tables, streams: empty(), links: empty(), capture: 0, broadcast };
        rows.streams = rows.numbers(Of::Streams)?;
        rows.drop_unrelated(Of::Links)?;
        rows.links = rows.numbers(Of::Links)?;
        rows.drop_unrelated(Of::Stream)?;
        rows.drop_unrelated(Of::Link)?;
        Ok(rows)
    }

    fn unfit(&self, vantage: u32, why: &str) -> Unfit {
        Unfit { capture: self.broadcast.capture_of(vantage), why: why.to_owned() }
    }

    fn numbers(&self, of: Of) -> Result<Vec<Vec<u32>>, Unfit> {
        let mut numbers = vec![Vec::new(); self.broadcast.vantages()];
        for (table, _) in self.tables.iter().zip(all()).filter(|(_, table)| table.of == of) {
            for entry in table {
                let list: &mut Vec<u32> = numbers
                    .get_mut(entry.vantage as usize)
                    .ok_or_else(|| self.unfit(entry.vantage, "a row is of no vantage"))?;
                if list.last() == Some(&entry.number) {
                    return Err(self.unfit(entry.vantage, "a row is there twice"));
                }
                list.push(entry.number);
            }
        }
        Ok(numbers)
    }

    /// Takes out rows about streams and links that are no part of this: a fault, unless a part was
    /// asked for.
    fn drop_unrelated(&mut self, of: Of) -> Result<(), Unfit> {
        let numbers = if of == Of::Link { &self.links } else { &self.streams };
        let mut lost = None;
        for (table, _) in self.tables.iter_mut().zip(all()).filter(|(_, table)| table.of == of) {
            table.retain(|entry| {
                // A link of no stream is of one that was let go.
                let Some(number) = first_number(entry.values) else { return of == Of::Links };
                let list = numbers.get(entry.vantage as usize).map_or(&[][..], Vec::as_slice);
                let there = list.binary_search(&number).is_ok();
                lost = lost.or((!there).then_some(entry.vantage));
                there
            });
        }
        match lost.filter(|_| !self.broadcast.how.part) {
            Some(vantage) => Err(self.unfit(vantage, "a row is about nothing that is there")),
            None => Ok(()),
        }
    }

    /// The number in its tables of a stream that is numbered anew.
    pub(super) fn stream(&self, vantage: usize, place: u32) -> Option<u32> {
        self.streams.get(vantage)?.get(place as usize).copied()
    }

    /// Hands over the rows of some streams, as they came, with all that is about them.
    pub(super) fn of_streams(&self, kept: &HashSet<(u32, u32)>, mut each: impl FnMut(&[u8])) {
        let mut links = HashSet::new();
        for of in [Of::Streams, Of::Links, Of::Stream, Of::Link] {
            for (table, _) in self.tables.iter().zip(all()).filter(|(_, table)| table.of == of) {
                for entry in table {
                    let about = if of == Of::Streams {
                        Some(entry.number)
                    } else {
                        first_number(entry.values)
                    };
                    let Some(about) = about else { continue };
                    let among = if of == Of::Link { &links } else { kept };
                    if among.contains(&(entry.vantage, about)) {
                        each(entry.whole);
                        if of == Of::Links {
                            links.insert((entry.vantage, entry.number));
                        }
                    }
                }
            }
        }
    }

    /// What was observed.
    pub(super) fn seen(&mut self) -> Result<Seen, Unfit> {
        let mut seen = Seen::default();
        let broadcast = self.broadcast;
        for (at, member) in broadcast.members.iter().enumerate() {
            self.capture = at as u32;
            seen.captures.push(self.own_capture(&member.label)?);
        }
        seen.vantages = flow::restore(self)?;
        let names = broadcast.members.iter().enumerate();
        let names = names.flat_map(|(at, m)| m.names.iter().map(move |name| (at, name)));
        for (own, (capture, name)) in seen.vantages.iter_mut().zip(names) {
            own.label.clone_from(name);
            own.capture = capture;
        }
        seen.heard = exchange::restore(self, &seen.vantages)?;
        Ok(seen)
    }

    /// One capture, without what was observed of it.
    pub(super) fn own_capture(&mut self, label: &str) -> Result<Capture, Unfit> {
        let (mut capture, _) = capture::restore(self)?;
        if capture.files.is_empty() {
            return Err(self.refuse("it says of no file"));
        }
        // Names steer no terminal, whoever wrote them.
        capture.label = match label {
            "" => capture::printable(capture.label),
            label => label.to_owned(),
        };
        capture.notes = capture.notes.into_iter().map(capture::printable).collect();
        Ok(capture)
    }
}

impl Restore for Rows<'_> {
    type Fault = Unfit;

    fn table<R: Row>(
        &mut self,
        mut each: impl FnMut(usize, u32, R) -> Result<(), &'static str>,
    ) -> Result<(), Unfit> {
        let Some(place) = place_of(R::TABLE) else { return Ok(()) };
        let (mut last, mut next) = (u32::MAX, 0);
        for entry in &self.tables[place] {
            let of_capture = entry.vantage & OF_CAPTURE != 0;
            if of_capture && entry.vantage & !OF_CAPTURE != self.capture {
                continue;
            }
            let number = if entry.vantage == last { next } else { 0 };
            (last, next) = (entry.vantage, number + 1);
            let at = entry.vantage as usize;
            let streams = self.streams.get(at).map_or(&[][..], Vec::as_slice);
            let links = self.links.get(at).map_or(&[][..], Vec::as_slice);
            let row = Cursor::new(entry.values, streams, links).row::<R>().map_err(|column| {
                let why = format!(
                    "its table {} has no column {column}, or one that holds what this lbdiag does not write",
                    R::TABLE
                );
                Unfit { capture: self.broadcast.capture_of(entry.vantage), why }
            })?;
            let vantage = if of_capture { NO_VANTAGE } else { at };
            each(vantage, number, row).map_err(|why| self.unfit(entry.vantage, why))?;
        }
        Ok(())
    }

    fn rows<R: Row>(&self) -> u64 {
        place_of(R::TABLE).map_or(0, |place| self.tables[place].len() as u64)
    }

    fn refuse(&self, why: &'static str) -> Unfit {
        Unfit { capture: Some(self.capture as usize), why: why.to_owned() }
    }
}
