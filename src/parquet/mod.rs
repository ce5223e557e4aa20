//! Flat Parquet files, written and read: tables that people's own engines open.
//!
//! The part of the format that flat tables need (Apache Parquet, `parquet.thrift` and Encodings): one
//! list of columns of whole numbers, truth values, times and text, with or without nulls; data pages of
//! version 1, packed with zstd and its checksum; numbers as differences, as a dictionary or plain,
//! whichever is smallest, text as a dictionary; least and greatest value of each column of each row
//! group, by which engines skip. It is written out here, as capture formats are: a general library costs
//! the build a twelfth of its time, and allocates what a page header claims.
//!
//! Reading refuses what this module does not write: lists, other codecs and encodings are named
//! ([`Fault::Foreign`]), never guessed. No number in a file allocates: pages, rows and text are bounded
//! by bytes that the file really has ([`read`]).

mod delta;
mod encode;
mod footer;
mod growing;
mod hybrid;
mod list;
mod read;
mod thrift;
mod write;

pub use growing::Growing;
pub use read::Reader;
pub use write::Writer;

/// Rows of a row group, at most: what is held in memory of a table at one time.
pub const GROUP: usize = 1 << 16;

/// Bytes that a row takes at least, on disk, which bounds rows by the bytes that a file has.
const ROW: u64 = 4;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A truth value; as a number 0 or 1.
    Bool,
    /// A number of 8 bits.
    U8,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// A number of 64 bits; in memory its bits are those of an `i64`.
    U64,
    /// A signed number of 64 bits.
    I64,
    /// Nanoseconds since 1970-01-01, UTC.
    Time,
    /// UTF-8.
    Text,
}

impl Kind {
    /// The name that documents give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::Time => "timestamp",
            Self::Text => "string",
        }
    }

    /// Whether it takes 32 bits on disk.
    fn is_narrow(self) -> bool {
        matches!(self, Self::U8 | Self::U16 | Self::U32)
    }

    /// Whether a number is one of the kind.
    fn holds(self, value: i64) -> bool {
        let most = match self {
            Self::Bool => 1,
            Self::U8 => i64::from(u8::MAX),
            Self::U16 => i64::from(u16::MAX),
            Self::U32 => i64::from(u32::MAX),
            Self::U64 | Self::I64 | Self::Time | Self::Text => return true,
        };
        (0..=most).contains(&value)
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Rows may have nothing there.
    pub optional: bool,
}

/// The values of the rows that have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Numbers of any kind.
    Numbers(Vec<i64>),
    /// Text: distinct ones, and which of them each row has.
    Texts(Vec<String>, Vec<u32>),
}

/// A column of one row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The values, of rows that have one.
    pub values: Values,
    /// Which rows have one, where the column is optional.
    pub there: Option<Vec<bool>>,
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read at all.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It does not begin and end as such files do.
    #[error("it is cut off, or no Parquet file")]
    Cut,
    /// Something in it contradicts itself.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It is whole, and written in a way that is not read.
    #[error("it was written by another program, in a way that is not read ({0})")]
    Foreign(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn field(name: &str, kind: Kind, optional: bool) -> Field {
        Field { name: name.to_owned(), kind, optional }
    }

    fn columns(rows: usize) -> (Vec<Field>, Vec<Column>) {
        let fields = vec![
            field("n", Kind::U32, false),
            field("wide", Kind::U64, false),
            field("time", Kind::Time, true),
            field("flag", Kind::Bool, false),
            field("who", Kind::Text, true),
            field("few", Kind::U16, false),
        ];
        let there: Vec<bool> = (0..rows).map(|at| at % 3 != 1).collect();
        let some = there.iter().filter(|there| **there).count();
        let numbers = |of: &dyn Fn(usize) -> i64| Values::Numbers((0..rows).map(of).collect());
        let times = (0..some).map(|at| 1_700_000_000_000_000_000 + 1_000_003 * at as i64).collect();
        let texts = ["10.0.0.1", "", "2001:db8::1"].map(str::to_owned).to_vec();
        let columns = vec![
            Column { values: numbers(&|at| at as i64), there: None },
            Column {
                values: numbers(&|at| (at as i64).wrapping_mul(-0x1234_5678_9abc_def1)),
                there: None,
            },
            Column { values: Values::Numbers(times), there: Some(there.clone()) },
            Column { values: numbers(&|at| i64::from(at % 5 == 0)), there: None },
            Column {
                values: Values::Texts(texts, (0..some).map(|at| at as u32 % 3).collect()),
                there: Some(there),
            },
            Column { values: numbers(&|at| 1460 * (at as i64 % 3)), there: None },
        ];
        (fields, columns)
    }

    fn written(rows: usize) -> Vec<u8> {
        let (fields, columns) = columns(rows);
        let mut writer = Writer::new(Vec::new(), fields).unwrap();
        if rows > 0 {
            writer.group(&columns).unwrap();
        }
        writer.finish(&[("lbdiag.version", "1".to_owned())], &[0]).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        for rows in [0, 1, 2, 7, 8, 9, 127, 128, 129, 1000, 5000] {
            let bytes = written(rows);
            let mut reader = Reader::open(Cursor::new(&bytes)).unwrap();
            let (fields, columns) = columns(rows);
            assert_eq!(reader.fields(), fields);
            assert_eq!(reader.fact("lbdiag.version"), Some("1"));
            assert_eq!(reader.rows(), rows as u64);
            for group in 0..reader.groups() {
                for (at, column) in columns.iter().enumerate() {
                    assert_eq!(reader.column(group, at).unwrap(), *column, "{rows} {at}");
                }
            }
        }
    }

    /// Any byte may be wrong, and the file end anywhere.
    #[test]
    fn damage_is_said_and_costs_nothing() {
        let bytes = written(300);
        let read = |bytes: &[u8]| -> Result<(), Fault> {
            let mut reader = Reader::open(Cursor::new(bytes))?;
            for group in 0..reader.groups() {
                for at in 0..reader.fields().len() {
                    reader.column(group, at)?;
                }
            }
            Ok(())
        };
        read(&bytes).unwrap();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= change;
                // It may hit what nobody reads; it does not panic.
                let _ = read(&wrong);
            }
        }
    }
}
