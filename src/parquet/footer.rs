//! The descriptions in a file: its footer, and the heads of pages (`parquet.thrift`).

use super::thrift::{Struct, Value};
use super::{Fault, Field, Kind};

/// How a file begins and ends.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";

pub(super) const PLAIN: i32 = 0;
pub(super) const RLE: i32 = 3;
pub(super) const DELTA: i32 = 5;
pub(super) const DICTIONARY: i32 = 8;
/// The older name of the same.
pub(super) const PLAIN_DICTIONARY: i32 = 2;

pub(super) const UNPACKED: i32 = 0;
pub(super) const ZSTD: i32 = 6;

pub(super) const DATA_PAGE: i32 = 0;
pub(super) const DICTIONARY_PAGE: i32 = 2;

const BOOLEAN: i32 = 0;
const INT32: i32 = 1;
const INT64: i32 = 2;
const BYTE_ARRAY: i32 = 6;

/// Physical type, converted type, and the logical type's number with bits of an integer.
fn types(kind: Kind) -> (i32, Option<i32>) {
    match kind {
        Kind::Bool => (BOOLEAN, None),
        Kind::U8 => (INT32, Some(11)),
        Kind::U16 => (INT32, Some(12)),
        Kind::U32 => (INT32, Some(13)),
        Kind::U64 => (INT64, Some(14)),
        Kind::I64 => (INT64, Some(18)),
        Kind::Time => (INT64, None),
        Kind::Text => (BYTE_ARRAY, Some(0)),
    }
}

fn logical(kind: Kind, s: &mut Struct<'_>) {
    let mut integer = |bits: u8, signed: bool| {
        s.nested(10, |s| {
            s.byte(1, bits);
            s.bool(2, signed);
        });
    };
    match kind {
        Kind::Bool => {}
        Kind::U8 => integer(8, false),
        Kind::U16 => integer(16, false),
        Kind::U32 => integer(32, false),
        Kind::U64 => integer(64, false),
        Kind::I64 => integer(64, true),
        Kind::Time => s.nested(8, |s| {
            s.bool(1, true);
            s.nested(2, |unit| unit.nested(3, |_| {}));
        }),
        Kind::Text => s.nested(1, |_| {}),
    }
}

fn kind(element: &Value<'_>) -> Option<Kind> {
    let logical = element.get(10);
    let converted = element.int(6);
    Some(match i32::try_from(element.int(1)?).ok()? {
        BOOLEAN => Kind::Bool,
        INT32 => match converted {
            Some(11) => Kind::U8,
            Some(12) => Kind::U16,
            Some(13) => Kind::U32,
            _ => return None,
        },
        INT64 if logical.is_some_and(|l| l.get(8).is_some()) => {
            let unit = logical?.get(8)?.get(2)?;
            unit.get(3).map(|_| Kind::Time)?
        }
        INT64 => match converted {
            Some(14) => Kind::U64,
            Some(18) | None => Kind::I64,
            _ => return None,
        },
        BYTE_ARRAY => Kind::Text,
        _ => return None,
    })
}

/// A column of a row group: where it lies.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunk {
    pub(super) codec: i32,
    pub(super) encodings: Vec<i32>,
    /// Rows, with those that have nothing.
    pub(super) values: u64,
    pub(super) unpacked: u64,
    pub(super) packed: u64,
    pub(super) data_at: u64,
    pub(super) dictionary_at: Option<u64>,
    pub(super) nulls: u64,
    /// Least and greatest value, in bytes.
    pub(super) bounds: Option<(Vec<u8>, Vec<u8>)>,
}

impl Chunk {
    /// Puts it to its place in the file.
    pub(super) fn place(&mut self, at: u64) {
        self.data_at += at;
        self.dictionary_at = self.dictionary_at.map(|own| own + at);
    }
}

/// A row group.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) rows: u64,
    pub(super) chunks: Vec<Chunk>,
}

/// All that the end of a file says.
#[derive(Debug, Default)]
pub(super) struct Footer {
    pub(super) fields: Vec<Field>,
    pub(super) groups: Vec<Group>,
    pub(super) facts: Vec<(String, String)>,
    /// Columns that rows are sorted by.
    pub(super) sorted: Vec<usize>,
}

impl Footer {
    pub(super) fn rows(&self) -> u64 {
        self.groups.iter().fold(0, |all, group| all.saturating_add(group.rows))
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Struct::write(&mut out, |s| {
            s.int(1, 2);
            let schema: Vec<Option<&Field>> =
                std::iter::once(None).chain(self.fields.iter().map(Some)).collect();
            s.structs(2, &schema, |field, s| self.element(*field, s));
            s.long(3, self.rows() as i64);
            s.structs(4, &self.groups, |group, s| self.group(group, s));
            s.structs(5, &self.facts, |(key, value), s| {
                s.bytes(1, key.as_bytes());
                s.bytes(2, value.as_bytes());
            });
            s.bytes(6, concat!("lbdiag version ", env!("CARGO_PKG_VERSION")).as_bytes());
            // Bounds are in the order of the types.
            s.structs(7, &self.fields, |_, s| s.nested(1, |_| {}));
        });
        out
    }

    fn element(&self, field: Option<&Field>, s: &mut Struct<'_>) {
        let Some(field) = field else {
            s.bytes(4, b"schema");
            s.int(5, self.fields.len() as i32);
            return;
        };
        let (physical, converted) = types(field.kind);
        s.int(1, physical);
        s.int(3, i32::from(field.optional));
        s.bytes(4, field.name.as_bytes());
        if let Some(converted) = converted {
            s.int(6, converted);
        }
        if field.kind != Kind::Bool {
            s.nested(10, |s| logical(field.kind, s));
        }
    }

    fn group(&self, group: &Group, s: &mut Struct<'_>) {
        let columns: Vec<(&Field, &Chunk)> = self.fields.iter().zip(&group.chunks).collect();
        s.structs(1, &columns, |(field, chunk), s| {
            s.long(2, 0);
            s.nested(3, |s| describe(field, chunk, s));
        });
        s.long(2, group.chunks.iter().map(|chunk| chunk.unpacked as i64).sum());
        s.long(3, group.rows as i64);
        s.structs(4, &self.sorted, |at, s| {
            s.int(1, *at as i32);
            s.bool(2, false);
            s.bool(3, true);
        });
    }

    pub(super) fn read(mut bytes: &[u8]) -> Result<Self, Fault> {
        let all = Value::take(&mut bytes)?;
        let mut fields = Vec::new();
        let schema = all.list(2);
        for element in schema.iter().skip(1) {
            if element.int(5).is_some() {
                return Err(Fault::Foreign("columns within columns"));
            }
            let optional = match element.int(3) {
                Some(0) => false,
                Some(1) => true,
                _ => return Err(Fault::Foreign("columns of lists")),
            };
            let name = element.text(4).ok_or(Fault::Damaged("a column has no name"))?.to_owned();
            let kind = kind(element).ok_or(Fault::Foreign("a type of column"))?;
            fields.push(Field { name, kind, optional });
        }
        let groups = all.list(4).iter().map(|group| read_group(group, fields.len()));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        let text = |one: &Value<'_>, id| one.text(id).unwrap_or_default().to_owned();
        let facts = all.list(5).iter().map(|fact| (text(fact, 1), text(fact, 2))).collect();
        Ok(Self { fields, groups, facts, sorted: Vec::new() })
    }
}

fn describe(field: &Field, chunk: &Chunk, s: &mut Struct<'_>) {
    s.int(1, types(field.kind).0);
    s.ints(2, &chunk.encodings);
    s.texts(3, &[&field.name]);
    s.int(4, chunk.codec);
    s.long(5, chunk.values as i64);
    s.long(6, chunk.unpacked as i64);
    s.long(7, chunk.packed as i64);
    s.long(9, chunk.data_at as i64);
    if let Some(at) = chunk.dictionary_at {
        s.long(11, at as i64);
    }
    s.nested(12, |s| {
        s.long(3, chunk.nulls as i64);
        if let Some((least, greatest)) = &chunk.bounds {
            s.bytes(5, greatest);
            s.bytes(6, least);
        }
    });
}

fn read_group(group: &Value<'_>, fields: usize) -> Result<Group, Fault> {
    const BAD: Fault = Fault::Damaged("a column is not described");
    let chunk = |column: &Value<'_>| -> Result<Chunk, Fault> {
        if column.text(1).is_some() {
            return Err(Fault::Foreign("columns in other files"));
        }
        let own = column.get(3).ok_or(BAD)?;
        Ok(Chunk {
            codec: own.int(4).and_then(|codec| i32::try_from(codec).ok()).ok_or(BAD)?,
            values: own.size(5).ok_or(BAD)?,
            packed: own.size(7).ok_or(BAD)?,
            data_at: own.size(9).ok_or(BAD)?,
            dictionary_at: own.size(11).filter(|at| *at > 0),
            ..Chunk::default()
        })
    };
    let chunks = group.list(1).iter().map(chunk).collect::<Result<Vec<_>, _>>()?;
    let rows = group.size(3).ok_or(BAD)?;
    if chunks.len() != fields || chunks.iter().any(|chunk| chunk.values != rows) {
        return Err(BAD);
    }
    Ok(Group { rows, chunks })
}

/// The head of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) kind: i32,
    pub(super) unpacked: u64,
    pub(super) packed: u64,
    pub(super) values: u64,
    pub(super) encoding: i32,
}

impl Page {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        Struct::write(out, |s| {
            s.int(1, self.kind);
            s.int(2, self.unpacked as i32);
            s.int(3, self.packed as i32);
            let id = if self.kind == DATA_PAGE { 5 } else { 7 };
            s.nested(id, |s| {
                s.int(1, self.values as i32);
                s.int(2, self.encoding);
                if self.kind == DATA_PAGE {
                    s.int(3, RLE);
                    s.int(4, RLE);
                }
            });
        });
    }

    pub(super) fn take(from: &mut &[u8]) -> Result<Self, Fault> {
        const BAD: Fault = Fault::Damaged("a page is not described");
        let all = Value::take(from)?;
        let kind = all.int(1).and_then(|kind| i32::try_from(kind).ok()).ok_or(BAD)?;
        let own = match kind {
            DATA_PAGE => all.get(5),
            DICTIONARY_PAGE => all.get(7),
            _ => return Err(Fault::Foreign("a kind of page")),
        }
        .ok_or(BAD)?;
        Ok(Self {
            kind,
            unpacked: all.size(2).ok_or(BAD)?,
            packed: all.size(3).ok_or(BAD)?,
            values: own.size(1).ok_or(BAD)?,
            encoding: own.int(2).and_then(|it| i32::try_from(it).ok()).ok_or(BAD)?,
        })
    }
}
