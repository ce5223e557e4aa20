//! Rows of tables as bytes: what of every table goes through the engine in one column.
//!
//! An engine joins and groups columns of one type, and there are some forty tables. So a row is packed as
//! soon as its table is read: which table, whose it is, its number, then its values in the order of
//! [`Row::row`], which is that of [`tables::schema`]. Unpacking walks the same way, so no list of columns
//! is needed twice. The bytes live as long as one question to the engine and are no format.

use crate::flow;
use crate::parquet::Kind;
use crate::row::{About, Columns, Row};
use crate::tables;
use crate::wire::{Ip, Mac};
use std::net::IpAddr;
use std::sync::OnceLock;

/// In the place of a vantage, with the number of its capture: a row of the whole capture.
pub(super) const OF_CAPTURE: u32 = 1 << 31;

/// What the rows of a table are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A capture, a vantage, its hosts: every part of the work has it.
    All,
    /// Streams, by their own number.
    Streams,
    /// Links, each of a stream, by their own number.
    Links,
    /// A stream.
    Stream,
    /// A link.
    Link,
}

/// A table as it is packed.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its columns with their types, in order; the first three are its number, the capture, the vantage.
    pub(super) columns: Vec<crate::parquet::Field>,
    pub(super) of: Of,
}

/// Tables that are not read: what they say is found anew.
const UNREAD: [&str; 1] = ["ties"];

/// All tables that are read.
pub(super) fn all() -> &'static [Table] {
    static ALL: OnceLock<Vec<Table>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read = tables::schema().into_iter().filter(|(name, ..)| !UNREAD.contains(name));
        let table = read.map(|(name, _, columns)| {
            let columns: Vec<_> = columns.into_iter().map(|column| column.field).collect();
            let first = columns.get(OWN).map(|field| field.name.as_str());
            let of = match (name, first) {
                ("streams", _) => Of::Streams,
                ("links", _) => Of::Links,
                (_, Some("stream")) => Of::Stream,
                (_, Some("link")) => Of::Link,
                _ => Of::All,
            };
            Table { name, columns, of }
        });
        table.collect()
    })
}

/// Columns that every table begins with.
pub(super) const OWN: usize = 3;

/// The place of a table among all.
pub(super) fn place_of(name: &str) -> Option<usize> {
    all().iter().position(|table| table.name == name)
}

/// Whether it is the table whose rows are the vantages.
pub(super) fn names_vantages(table: &str) -> bool {
    table == flow::VANTAGES
}

/// A packed row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// Place of its table.
    pub(super) table: usize,
    /// Number of its vantage in the fleet, or of its capture with [`OF_CAPTURE`].
    pub(super) vantage: u32,
    /// Its number within its vantage.
    pub(super) number: u32,
    /// Its values.
    pub(super) values: &'a [u8],
    /// All of it.
    pub(super) whole: &'a [u8],
}

/// What stands before the values.
pub(super) fn begin(out: &mut Vec<u8>, table: usize, vantage: u32, number: u32) {
    // There are fewer tables than a byte counts.
    out.push(table as u8);
    out.extend(vantage.to_le_bytes());
    out.extend(number.to_le_bytes());
}

/// Bytes before the values.
const HEAD: usize = 9;

/// Puts a row to others: its length, then its bytes.
pub(super) fn append(list: &mut Vec<u8>, row: &[u8]) {
    list.extend((row.len() as u32).to_le_bytes());
    list.extend(row);
}

/// The rows that were put together; ends where they do not make sense.
pub(super) fn entries(list: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (whole, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        entry(whole)
    })
}

/// One row.
pub(super) fn entry(whole: &[u8]) -> Option<Entry<'_>> {
    let (head, values) = whole.split_first_chunk::<HEAD>()?;
    let four = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let table = usize::from(head[0]);
    (table < all().len()).then(|| Entry { table, vantage: four(1), number: four(5), values, whole })
}

/// Packs a number or none: one bit says whether there is one, small ones take a byte.
pub(super) fn number(out: &mut Vec<u8>, value: Option<i64>) {
    let Some(value) = value else {
        out.push(0);
        return;
    };
    let folded = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let first = (folded as u8 & 0x3f) << 1 | 1;
    let mut rest = folded >> 6;
    out.push(if rest == 0 { first } else { first | 0x80 });
    while rest != 0 {
        let byte = rest as u8 & 0x7f;
        rest >>= 7;
        out.push(if rest == 0 { byte } else { byte | 0x80 });
    }
}

/// Packs a text or none.
pub(super) fn text(out: &mut Vec<u8>, value: Option<&str>) {
    number(out, value.map(|text| text.len() as i64));
    out.extend(value.unwrap_or_default().as_bytes());
}

/// The first number of a row's values.
pub(super) fn first_number(values: &[u8]) -> Option<u32> {
    Cursor::new(values, &[], &[]).number_next().and_then(|number| number.try_into().ok())
}

/// The client that a row of `named_clients` names.
pub(super) fn named_client(values: &[u8]) -> Option<(Ip, u16)> {
    let mut cursor = Cursor::new(values, &[], &[]);
    cursor.number_next()?;
    let ip = cursor.text_next()?.parse::<IpAddr>().ok()?;
    Some((ip.into(), cursor.number_next()?.try_into().ok()?))
}

/// Walks over the values of a packed row and puts them into a struct.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Numbers of the streams and links of the vantage that are there, in order: numbers in the struct
    /// are their places.
    streams: &'a [u32],
    links: &'a [u32],
    /// The column in which something makes no sense.
    pub(super) fault: Option<&'static str>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(values: &'a [u8], streams: &'a [u32], links: &'a [u32]) -> Self {
        Self { rest: values, streams, links, fault: None }
    }

    /// Unpacks a row, or names the column that is not what lbdiag writes.
    pub(super) fn row<R: Row>(mut self) -> Result<R, &'static str> {
        let mut row = R::blank();
        row.row(&mut self);
        self.fault.map_or(Ok(row), Err)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number_next(&mut self) -> Option<i64> {
        let first = self.byte()?;
        if first & 1 == 0 {
            return None;
        }
        let mut folded = u64::from(first >> 1 & 0x3f);
        let (mut shift, mut more) = (6, first & 0x80 != 0);
        while more && shift < 64 {
            let byte = self.byte()?;
            folded |= u64::from(byte & 0x7f) << shift;
            more = byte & 0x80 != 0;
            shift += 7;
        }
        Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    fn text_next(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number_next()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }
}

impl Columns for Cursor<'_> {
    fn begin(&mut self, _: &'static str) {}

    fn end(&mut self) {}

    fn number(&mut self, about: About, _: Kind, _: bool, _: Option<i64>) -> Option<i64> {
        let number = self.number_next()?;
        let numbers = match about.name {
            "stream" => self.streams,
            "link" => self.links,
            _ => return Some(number),
        };
        let place = u32::try_from(number).ok().and_then(|n| numbers.binary_search(&n).ok());
        if place.is_none() {
            self.refuse(about.name);
        }
        place.map(|place| place as i64)
    }

    fn address(&mut self, about: About, _: bool, _: Option<Ip>) -> Option<Ip> {
        let text = self.text_next()?;
        let ip = text.parse::<IpAddr>().ok().map(Ip::from);
        if ip.is_none() {
            self.refuse(about.name);
        }
        ip
    }

    fn hardware(&mut self, about: About, _: bool, _: Option<Mac>) -> Option<Mac> {
        let text = self.text_next()?;
        let mac = text.parse().ok();
        if mac.is_none() {
            self.refuse(about.name);
        }
        mac
    }

    fn choice(&mut self, about: About, words: &'static [&'static str], _: usize) -> usize {
        let text = self.text_next();
        let at = text.and_then(|text| words.iter().position(|word| *word == text));
        if at.is_none() {
            self.refuse(about.name);
        }
        at.unwrap_or(0)
    }

    fn text_of(&mut self, _: About, _: Option<&str>) -> Option<String> {
        self.text_next().map(str::to_owned)
    }

    fn comes_in(&self) -> bool {
        true
    }

    fn refuse(&mut self, about: &'static str) {
        self.fault = self.fault.or(Some(about));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back() {
        let numbers = [0, 1, -1, 31, 32, 63, 64, -64, 1 << 40, i64::MAX, i64::MIN];
        let mut out = Vec::new();
        for value in numbers {
            number(&mut out, Some(value));
            number(&mut out, None);
            text(&mut out, Some("lb"));
            text(&mut out, None);
        }
        let mut cursor = Cursor::new(&out, &[], &[]);
        for value in numbers {
            assert_eq!(cursor.number_next(), Some(value));
            assert_eq!(cursor.number_next(), None);
            assert_eq!(cursor.text_next(), Some("lb"));
            assert_eq!(cursor.text_next(), None);
        }
        assert!(cursor.rest.is_empty());
    }

    #[test]
    fn bytes_that_make_no_sense_end_the_rows() {
        for bytes in [&[1u8, 0, 0, 0][..], &[255, 255, 255, 255, 1], &[1, 0, 0, 0, 9]] {
            assert_eq!(entries(bytes).count(), 0);
        }
        assert_eq!(Cursor::new(&[0x81, 0x80], &[], &[]).number_next(), None);
        assert_eq!(Cursor::new(&[0x21, b'a'], &[], &[]).text_next(), None);
    }

    #[test]
    fn who_names_a_stream_or_a_link_does_so_first() {
        for table in all() {
            for (at, column) in table.columns.iter().enumerate().skip(OWN) {
                let refers = column.name == "stream" || column.name == "link";
                assert!(!refers || at == OWN, "{}: {}", table.name, column.name);
            }
        }
        assert!(all().len() < 256);
    }
}
