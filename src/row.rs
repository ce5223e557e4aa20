//! What the structs of this program look like as rows of tables: said once, for writing and for reading.
//!
//! A struct names its columns in [`Row::row`], each with its unit and meaning, beside the fields that hold
//! them; so fields stay private to their module. Whoever walks over them ([`Columns`]) takes values out
//! or puts values in, or only lists the columns. Nothing here knows a file.

use crate::parquet::Kind;
use crate::wire::{Ip, Mac};

/// The name of a column, in two parts, and what it holds.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its name, up to `suffix`.
    pub name: &'static str,
    /// `_frame`, `_time`, `_ns` or nothing.
    pub suffix: &'static str,
    /// Unit and meaning.
    pub what: &'static str,
}

/// A row of a table.
pub trait Row: Sized {
    /// The table.
    const TABLE: &'static str;
    /// What a row of it is.
    const ABOUT: &'static str;
    /// The column that numbers rows within their vantage, and what it says.
    const NUMBER: (&'static str, &'static str) =
        ("n", "place in the order in which they were seen");
    /// One that is yet to be filled.
    fn blank() -> Self;
    /// Walks over its columns, always the same in the same order.
    fn row<C: Columns>(&mut self, columns: &mut C);
}

/// Walks over the columns of rows: each method gives the value that the row is to have.
pub trait Columns {
    /// Columns from here on to [`Self::end`] have this before their names.
    fn begin(&mut self, prefix: &'static str);
    /// Ends what [`Self::begin`] began.
    fn end(&mut self);
    /// A number.
    fn number(
        &mut self,
        about: About,
        kind: Kind,
        optional: bool,
        value: Option<i64>,
    ) -> Option<i64>;
    /// An address.
    fn address(&mut self, about: About, optional: bool, value: Option<Ip>) -> Option<Ip>;
    /// A hardware address.
    fn hardware(&mut self, about: About, optional: bool, value: Option<Mac>) -> Option<Mac>;
    /// One of a few words.
    fn choice(&mut self, about: About, words: &'static [&'static str], at: usize) -> usize;
    /// Any text.
    fn text_of(&mut self, about: About, value: Option<&str>) -> Option<String>;
    /// Whether values come in; else they go out.
    fn comes_in(&self) -> bool;
    /// What came in makes no sense.
    fn refuse(&mut self, about: &'static str);

    /// A whole number or truth value.
    fn num<T: Whole>(&mut self, name: &'static str, what: &'static str, value: &mut T) {
        let about = About { name, suffix: "", what };
        let out = self.number(about, T::KIND, false, Some(value.out()));
        self.take(name, out, value);
    }

    /// The same where a row may have none.
    fn some<T: Whole>(&mut self, name: &'static str, what: &'static str, value: &mut Option<T>) {
        let about = About { name, suffix: "", what };
        let out = self.number(about, T::KIND, true, value.map(Whole::out));
        if !self.comes_in() {
            return;
        }
        *value = out.and_then(T::within);
        if out.is_some() != value.is_some() {
            self.refuse(name);
        }
    }

    /// Puts in a number, if it fits.
    fn take<T: Whole>(&mut self, name: &'static str, from: Option<i64>, value: &mut T) {
        if !self.comes_in() {
            return;
        }
        match from.and_then(T::within) {
            Some(taken) => *value = taken,
            None => self.refuse(name),
        }
    }

    /// A frame and its time, in two columns; neither where the frame is 0.
    fn moment(
        &mut self,
        name: &'static str,
        what: &'static str,
        (frame, time): (u32, i64),
    ) -> (u32, i64) {
        let set = frame != 0;
        let about = |suffix| About { name, suffix, what };
        let number = set.then_some(i64::from(frame));
        let number = self.number(about("_frame"), Kind::U32, true, number);
        let at = self.number(about("_time"), Kind::Time, true, set.then_some(time));
        if self.comes_in() && number.is_some() != at.is_some() {
            self.refuse(name);
        }
        let number = number.and_then(u32::within).unwrap_or(0);
        (number, at.filter(|_| number != 0).unwrap_or(0))
    }

    /// A frame, and how long after `start` it came, nanoseconds; neither where the frame is 0.
    #[inline]
    fn moment_after(
        &mut self,
        name: &'static str,
        what: &'static str,
        (frame, time): (u32, i64),
        start: i64,
    ) -> (u32, i64) {
        let set = frame != 0;
        let about = |suffix| About { name, suffix, what };
        let number = set.then_some(i64::from(frame));
        let number = self.number(about("_frame"), Kind::U32, true, number);
        let after = set.then_some(time.wrapping_sub(start));
        let after = self.number(about("_ns"), Kind::I64, true, after);
        if self.comes_in() && number.is_some() != after.is_some() {
            self.refuse(name);
        }
        let number = number.and_then(u32::within).unwrap_or(0);
        let at = after.map(|after| start.wrapping_add(after));
        (number, at.filter(|_| number != 0).unwrap_or(0))
    }

    /// A time, nanoseconds since the epoch.
    fn time(&mut self, name: &'static str, what: &'static str, value: &mut Option<i64>) {
        let out = self.number(About { name, suffix: "", what }, Kind::Time, true, *value);
        if self.comes_in() {
            *value = out;
        }
    }

    /// An address.
    fn ip(&mut self, name: &'static str, what: &'static str, value: &mut Ip) {
        match self.address(About { name, suffix: "", what }, false, Some(*value)) {
            Some(ip) => *value = ip,
            None => self.refuse(name),
        }
    }

    /// An address, or none.
    fn some_ip(&mut self, name: &'static str, what: &'static str, value: &mut Option<Ip>) {
        *value = self.address(About { name, suffix: "", what }, true, *value);
    }

    /// A hardware address.
    fn mac(&mut self, name: &'static str, what: &'static str, value: &mut Mac) {
        match self.hardware(About { name, suffix: "", what }, false, Some(*value)) {
            Some(mac) => *value = mac,
            None => self.refuse(name),
        }
    }

    /// A hardware address, or none.
    fn some_mac(&mut self, name: &'static str, what: &'static str, value: &mut Option<Mac>) {
        *value = self.hardware(About { name, suffix: "", what }, true, *value);
    }

    /// One of a few values, by its word.
    fn word<T: Word>(&mut self, name: &'static str, what: &'static str, value: &mut T) {
        let at = T::ALL.iter().position(|own| own == value).unwrap_or(0);
        let at = self.choice(About { name, suffix: "", what }, T::WORDS, at);
        match T::ALL.get(at) {
            Some(own) => *value = *own,
            None => self.refuse(name),
        }
    }

    /// Text.
    fn text(&mut self, name: &'static str, what: &'static str, value: &mut String) {
        if let Some(text) = self.any_text(name, what, value) {
            *value = text;
        }
    }

    /// Text that goes out as it is borrowed, or comes in.
    fn any_text(&mut self, name: &'static str, what: &'static str, value: &str) -> Option<String> {
        self.text_of(About { name, suffix: "", what }, Some(value))
    }

    /// Hardware addresses, apart by a space.
    fn macs(&mut self, name: &'static str, what: &'static str, value: &mut Vec<Mac>) {
        self.listed(name, what, value, |text| text.parse().ok());
    }

    /// Several values in one text, apart by a space.
    fn listed<T: ToString>(
        &mut self,
        name: &'static str,
        what: &'static str,
        value: &mut Vec<T>,
        parse: impl Fn(&str) -> Option<T>,
    ) {
        let all: Vec<String> = value.iter().map(T::to_string).collect();
        let Some(text) = self.any_text(name, what, &all.join(" ")) else { return };
        match text.split_whitespace().map(parse).collect() {
            Some(list) => *value = list,
            None => self.refuse(name),
        }
    }

    /// Columns with a prefix.
    fn within(&mut self, prefix: &'static str, fill: impl FnOnce(&mut Self))
    where
        Self: Sized,
    {
        self.begin(prefix);
        fill(self);
        self.end();
    }
}

/// A whole number or truth value.
pub trait Whole: Copy {
    /// Its kind of column.
    const KIND: Kind;
    /// As a column has it.
    fn out(self) -> i64;
    /// From a column, if it fits.
    fn within(value: i64) -> Option<Self>;
}

macro_rules! whole {
    ($($own:ty => $kind:ident),*) => {$(
        impl Whole for $own {
            const KIND: Kind = Kind::$kind;
            fn out(self) -> i64 {
                i64::from(self)
            }
            fn within(value: i64) -> Option<Self> {
                value.try_into().ok()
            }
        }
    )*};
}

whole!(u8 => U8, u16 => U16, u32 => U32, i64 => I64);

impl Whole for u64 {
    const KIND: Kind = Kind::U64;
    fn out(self) -> i64 {
        self.cast_signed()
    }
    fn within(value: i64) -> Option<Self> {
        Some(value.cast_unsigned())
    }
}

impl Whole for bool {
    const KIND: Kind = Kind::Bool;
    fn out(self) -> i64 {
        i64::from(self)
    }
    fn within(value: i64) -> Option<Self> {
        Some(value != 0)
    }
}

/// One of a few values that tables have as words.
pub trait Word: Copy + PartialEq + 'static {
    /// All of them.
    const ALL: &'static [Self];
    /// Their words, in the same order.
    const WORDS: &'static [&'static str];
}

/// Gives each variant its word.
macro_rules! words {
    ($own:ty { $($variant:expr => $word:literal),* $(,)? }) => {
        impl $crate::row::Word for $own {
            const ALL: &'static [Self] = &[$($variant),*];
            const WORDS: &'static [&'static str] = &[$($word),*];
        }
    };
}
pub(crate) use words;

/// In the place of a vantage, for rows that are of the whole capture.
pub const NO_VANTAGE: usize = usize::MAX;

/// Takes the tables of one capture.
pub trait Store {
    /// Why it cannot.
    type Fault;
    /// Takes a table: rows with the vantage and their number there.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn table<R: Row>(
        &mut self,
        rows: impl Iterator<Item = (usize, u32, R)>,
    ) -> Result<(), Self::Fault>;
    /// Takes a table of one vantage, which is kept by day: rows with a time each, in its order of days.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn by_day<R: Row>(
        &mut self,
        vantage: usize,
        rows: impl Iterator<Item = (i64, u32, R)>,
    ) -> Result<(), Self::Fault>;
}

/// Gives the tables of one capture back.
pub trait Restore {
    /// Why it cannot.
    type Fault;
    /// Gives the rows of a table, with the vantage and their number there; `each` says what is wrong
    /// with one.
    ///
    /// # Errors
    /// Where it cannot be read, or one is wrong.
    fn table<R: Row>(
        &mut self,
        each: impl FnMut(usize, u32, R) -> Result<(), &'static str>,
    ) -> Result<(), Self::Fault>;
    /// Rows that a table may have, which its files have room for.
    fn rows<R: Row>(&self) -> u64;
    /// What tables contradict.
    fn refuse(&self, why: &'static str) -> Self::Fault;
}

/// Is shown every table.
pub trait TableVisitor {
    /// One of them.
    fn table<R: Row>(&mut self);
}

/// The day of a time, counted from 1970-01-01, UTC.
#[must_use]
pub fn day(ns: i64) -> i64 {
    ns.div_euclid(86_400_000_000_000)
}
