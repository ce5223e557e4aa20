//! One column as the bytes of its pages.

use super::footer::{self, Chunk, DATA_PAGE, DICTIONARY_PAGE, Page, ZSTD};
use super::{Column, Field, Kind, Values, delta, hybrid};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::io;

/// How hard pages are packed: numbers that are packed already give little more to higher levels, which take
/// twice the time.
const LEVEL: i32 = 1;
/// Distinct numbers up to which a dictionary of them is tried.
const FEW: usize = 256;

/// Packs pages.
pub(super) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
}

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut zstd = zstd::bulk::Compressor::new(LEVEL)?;
        // What is damaged on a disk is to be told from what was written.
        zstd.include_checksum(true)?;
        Ok(Self { zstd })
    }

    /// Appends a page, packed where it is to be.
    fn page(
        &mut self,
        out: &mut Vec<u8>,
        chunk: &mut Chunk,
        head: Page,
        body: &[u8],
    ) -> io::Result<()> {
        let packed = self.zstd.compress(body)?;
        let begin = out.len();
        Page { unpacked: body.len() as u64, packed: packed.len() as u64, ..head }.write(out);
        chunk.unpacked += (out.len() - begin + body.len()) as u64;
        out.extend_from_slice(&packed);
        chunk.packed += (out.len() - begin) as u64;
        Ok(())
    }

    /// The bytes of a column, and their description, in which places count from the column's beginning.
    pub(super) fn column(
        &mut self,
        field: &Field,
        column: &Column,
    ) -> io::Result<(Vec<u8>, Chunk)> {
        let present = column.values.len();
        let rows = column.there.as_ref().map_or(present, Vec::len) as u64;
        let mut chunk = Chunk {
            codec: ZSTD,
            values: rows,
            nulls: rows - present as u64,
            bounds: bounds(field.kind, &column.values),
            ..Chunk::default()
        };
        let mut body = Vec::new();
        if field.optional {
            levels(&mut body, column.there.as_deref(), present);
        }
        let head =
            Page { kind: DATA_PAGE, unpacked: 0, packed: 0, values: rows, encoding: footer::PLAIN };
        let mut out = Vec::new();
        let (encoding, dictionary) = encode(field.kind, &column.values, &mut body);
        if let Some((values, count)) = dictionary {
            chunk.dictionary_at = Some(0);
            let head = Page { kind: DICTIONARY_PAGE, values: count as u64, ..head };
            self.page(&mut out, &mut chunk, head, &values)?;
        }
        chunk.data_at = out.len() as u64;
        chunk.encodings = vec![footer::RLE, encoding];
        if chunk.dictionary_at.is_some() {
            chunk.encodings.push(footer::PLAIN);
        }
        self.page(&mut out, &mut chunk, Page { encoding, ..head }, &body)?;
        Ok((out, chunk))
    }
}

impl Values {
    /// How many rows have one.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(_, of) => of.len(),
        }
    }

    /// Whether no row has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which rows have a value, with the length before it.
fn levels(out: &mut Vec<u8>, there: Option<&[bool]>, present: usize) {
    let levels: Vec<u32> = match there {
        Some(there) => there.iter().map(|there| u32::from(*there)).collect(),
        None => vec![1; present],
    };
    let mut runs = Vec::new();
    hybrid::write(&mut runs, &levels, 1);
    out.extend_from_slice(&(runs.len() as u32).to_le_bytes());
    out.append(&mut runs);
}

/// A dictionary's page, and how many it has.
type Dictionary = Option<(Vec<u8>, usize)>;

/// Appends values in the encoding that takes least.
fn encode(kind: Kind, values: &Values, body: &mut Vec<u8>) -> (i32, Dictionary) {
    let numbers = match values {
        Values::Texts(list, of) => {
            let mut dictionary = Vec::new();
            for text in list {
                dictionary.extend_from_slice(&(text.len() as u32).to_le_bytes());
                dictionary.extend_from_slice(text.as_bytes());
            }
            places(body, of, list.len());
            return (footer::DICTIONARY, Some((dictionary, list.len())));
        }
        Values::Numbers(numbers) => numbers,
    };
    if kind == Kind::Bool {
        let bits = numbers.chunks(8).map(|eight| {
            eight.iter().enumerate().fold(0, |all, (at, one)| all | ((*one as u8) & 1) << at)
        });
        body.extend(bits);
        return (footer::PLAIN, None);
    }
    let narrow = kind.is_narrow();
    let size = if narrow { 4 } else { 8 };
    let few = few(numbers);
    let mut deltas = Vec::new();
    // What is everywhere the same takes nothing beside itself.
    if few.as_ref().is_none_or(|(list, _)| list.len() > 1) {
        delta::write(&mut deltas, numbers, narrow);
    }
    if let Some((list, of)) = few {
        let width = usize::from(hybrid::width(list.len() as u32 - 1));
        if list.len() == 1 || list.len() * size + numbers.len() * width / 8 < deltas.len() {
            let mut dictionary = Vec::new();
            plain(&mut dictionary, &list, narrow);
            places(body, &of, list.len());
            return (footer::DICTIONARY, Some((dictionary, list.len())));
        }
    }
    if deltas.len() < numbers.len() * size {
        body.append(&mut deltas);
        return (footer::DELTA, None);
    }
    plain(body, numbers, narrow);
    (footer::PLAIN, None)
}

/// Appends places in a dictionary of `len`, with their width before them.
fn places(out: &mut Vec<u8>, of: &[u32], len: usize) {
    let width = hybrid::width((len as u32).saturating_sub(1));
    out.push(width);
    hybrid::write(out, of, width);
}

fn plain(out: &mut Vec<u8>, numbers: &[i64], narrow: bool) {
    for number in numbers {
        let bytes = number.to_le_bytes();
        out.extend_from_slice(if narrow { &bytes[..4] } else { &bytes });
    }
}

/// The distinct numbers, where they are few, and which of them each is.
fn few(numbers: &[i64]) -> Option<(Vec<i64>, Vec<u32>)> {
    let mut known: HashMap<i64, u32, RandomState> = HashMap::default();
    let mut list = Vec::new();
    let mut of = Vec::with_capacity(numbers.len());
    for run in numbers.chunk_by(|a, b| a == b) {
        let next = list.len() as u32;
        let at = *known.entry(run[0]).or_insert(next);
        if at == next {
            if list.len() == FEW {
                return None;
            }
            list.push(run[0]);
        }
        of.resize(of.len() + run.len(), at);
    }
    (!list.is_empty()).then_some((list, of))
}

/// Least and greatest value, in the bytes of plain ones.
fn bounds(kind: Kind, values: &Values) -> Option<(Vec<u8>, Vec<u8>)> {
    match values {
        Values::Numbers(numbers) => {
            let key = |n: &i64| if kind == Kind::U64 { *n ^ i64::MIN } else { *n };
            let least = *numbers.iter().min_by_key(|n| key(n))?;
            let greatest = *numbers.iter().max_by_key(|n| key(n))?;
            let bytes = |n: i64| match kind {
                Kind::Bool => vec![n as u8],
                _ if kind.is_narrow() => (n as u32).to_le_bytes().to_vec(),
                _ => n.to_le_bytes().to_vec(),
            };
            Some((bytes(least), bytes(greatest)))
        }
        Values::Texts(list, _) => {
            let (least, greatest) = (list.iter().min()?, list.iter().max()?);
            // Long ones help nobody to skip.
            let short = least.len().max(greatest.len()) <= 64;
            short.then(|| (least.clone().into_bytes(), greatest.clone().into_bytes()))
        }
    }
}
