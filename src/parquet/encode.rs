//! One column as the bytes of its pages.

use super::footer::{self, Chunk, DATA_PAGE, DICTIONARY_PAGE, Page, ZSTD};
use super::growing::Held;
use super::list::List;
use super::{Field, Growing, Kind, Values, delta, hybrid};
use std::io;

/// How hard pages are packed: numbers that are packed already give little more to higher levels, which take
/// twice the time.
const LEVEL: i32 = 1;
/// Distinct numbers up to which a dictionary of them is tried.
const FEW: usize = 256;

/// Packs columns, each in the memory of the one before.
pub(super) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
    body: Vec<u8>,
    dictionary: Vec<u8>,
    deltas: Vec<u8>,
    few: Few,
}

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut zstd = zstd::bulk::Compressor::new(LEVEL)?;
        // What is damaged on a disk is to be told from what was written.
        zstd.include_checksum(true)?;
        let (body, dictionary, deltas) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { zstd, body, dictionary, deltas, few: Few::new() })
    }

    /// Appends a page, packed.
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
        column: &Growing,
    ) -> io::Result<(Vec<u8>, Chunk)> {
        let present = column.held.len();
        let rows = column.there.as_ref().map_or(present, List::len) as u64;
        let mut chunk = Chunk {
            codec: ZSTD,
            values: rows,
            nulls: rows - present as u64,
            bounds: bounds(field.kind, &column.held),
            ..Chunk::default()
        };
        self.body.clear();
        self.dictionary.clear();
        if let Some(there) = &column.there {
            levels(&mut self.body, there);
        }
        let head =
            Page { kind: DATA_PAGE, unpacked: 0, packed: 0, values: rows, encoding: footer::PLAIN };
        let mut out = Vec::new();
        let (encoding, distinct) = match &column.held {
            Held::Texts(texts) => {
                for text in texts.iter() {
                    self.dictionary.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    self.dictionary.extend_from_slice(text.as_bytes());
                }
                let (of, distinct) = (&texts.of, texts.distinct());
                places(&mut self.body, of.values(), of.len(), distinct);
                (footer::DICTIONARY, Some(distinct))
            }
            Held::Numbers(numbers) => self.numbers(field.kind, numbers),
        };
        let (body, dictionary) =
            (std::mem::take(&mut self.body), std::mem::take(&mut self.dictionary));
        if let Some(distinct) = distinct {
            chunk.dictionary_at = Some(0);
            let head = Page { kind: DICTIONARY_PAGE, values: distinct as u64, ..head };
            self.page(&mut out, &mut chunk, head, &dictionary)?;
        }
        chunk.data_at = out.len() as u64;
        chunk.encodings = vec![footer::RLE, encoding];
        if chunk.dictionary_at.is_some() {
            chunk.encodings.push(footer::PLAIN);
        }
        self.page(&mut out, &mut chunk, Page { encoding, ..head }, &body)?;
        (self.body, self.dictionary) = (body, dictionary);
        Ok((out, chunk))
    }

    /// Appends numbers to the page in the encoding that takes least; with how many there are in the
    /// dictionary, where they have one.
    fn numbers(&mut self, kind: Kind, numbers: &List<i64>) -> (i32, Option<usize>) {
        let narrow = kind.is_narrow();
        let all = match numbers.values() {
            Ok(one) if kind == Kind::Bool => {
                bits(&mut self.body, &vec![one; numbers.len()]);
                return (footer::PLAIN, None);
            }
            // What is everywhere the same takes nothing beside itself.
            Ok(one) => {
                plain(&mut self.dictionary, &[one], narrow);
                places(&mut self.body, Ok(0), numbers.len(), 1);
                return (footer::DICTIONARY, Some(1));
            }
            Err(all) if kind == Kind::Bool => {
                bits(&mut self.body, all);
                return (footer::PLAIN, None);
            }
            Err([]) => return (footer::PLAIN, None),
            Err(all) => all,
        };
        let size = if narrow { 4 } else { 8 };
        self.deltas.clear();
        delta::write(&mut self.deltas, all, narrow);
        if self.few.find(all) {
            let Few { list, of, .. } = &self.few;
            let width = usize::from(hybrid::width((list.len() as u32).saturating_sub(1)));
            if list.len() * size + all.len() * width / 8 < self.deltas.len() {
                plain(&mut self.dictionary, list, narrow);
                places(&mut self.body, Err(of), of.len(), list.len());
                return (footer::DICTIONARY, Some(list.len()));
            }
        }
        if self.deltas.len() < all.len() * size {
            self.body.extend_from_slice(&self.deltas);
            return (footer::DELTA, None);
        }
        plain(&mut self.body, all, narrow);
        (footer::PLAIN, None)
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
fn levels(out: &mut Vec<u8>, there: &List<bool>) {
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    match there.values() {
        Ok(one) => hybrid::run(out, one.into(), there.len(), 1),
        Err(each) => hybrid::write(out, each, 1),
    }
    let length = (out.len() - begin - 4) as u32;
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
}

/// Appends places in a dictionary of `distinct`, with their width before them.
fn places(out: &mut Vec<u8>, of: Result<u32, &[u32]>, count: usize, distinct: usize) {
    let width = hybrid::width((distinct as u32).saturating_sub(1));
    out.push(width);
    match of {
        Ok(one) => hybrid::run(out, one, count, width),
        Err(each) => hybrid::write(out, each, width),
    }
}

fn bits(out: &mut Vec<u8>, numbers: &[i64]) {
    out.extend(numbers.chunks(8).map(|eight| {
        eight.iter().enumerate().fold(0, |all, (at, one)| all | ((*one as u8) & 1) << at)
    }));
}

fn plain(out: &mut Vec<u8>, numbers: &[i64], narrow: bool) {
    if narrow {
        out.extend(numbers.iter().flat_map(|number| (*number as u32).to_le_bytes()));
    } else {
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
}

/// The distinct numbers, where they are few, and which of them each is.
struct Few {
    list: Vec<i64>,
    of: Vec<u32>,
    /// By what numbers hash to: the place in the list, and one more.
    slots: Box<[u16; Self::SLOTS]>,
}

impl Few {
    /// Four for each number: most stand where they hash to.
    const SLOTS: usize = 4 * FEW;

    fn new() -> Self {
        Self { list: Vec::new(), of: Vec::new(), slots: Box::new([0; Self::SLOTS]) }
    }

    /// Whether there are few. It ends at the first that is too many, and so costs little where they are not.
    fn find(&mut self, numbers: &[i64]) -> bool {
        self.list.clear();
        self.of.clear();
        self.slots.fill(0);
        for run in numbers.chunk_by(|a, b| a == b) {
            let Some(place) = self.place(run[0]) else { return false };
            self.of.resize(self.of.len() + run.len(), place);
        }
        true
    }

    /// The place of a number; `None` where it is one too many.
    fn place(&mut self, number: i64) -> Option<u32> {
        // The upper bits of a product depend on all of a number (Knuth, multiplicative hashing).
        let hash = number.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        let mut slot = hash as usize % Self::SLOTS;
        loop {
            match usize::from(self.slots[slot]) {
                0 if self.list.len() == FEW => return None,
                0 => {
                    self.list.push(number);
                    self.slots[slot] = self.list.len() as u16;
                    return Some(self.list.len() as u32 - 1);
                }
                place if self.list[place - 1] == number => return Some(place as u32 - 1),
                _ => slot = (slot + 1) % Self::SLOTS,
            }
        }
    }
}

/// Least and greatest value, in the bytes of plain ones.
fn bounds(kind: Kind, values: &Held) -> Option<(Vec<u8>, Vec<u8>)> {
    match values {
        Held::Numbers(numbers) => {
            let (least, greatest) = match numbers.values() {
                Ok(one) => (one, one),
                Err(all) if kind == Kind::U64 => {
                    let unsigned = |n: &&i64| n.cast_unsigned();
                    (*all.iter().min_by_key(unsigned)?, *all.iter().max_by_key(unsigned)?)
                }
                Err(all) => (*all.iter().min()?, *all.iter().max()?),
            };
            let bytes = |n: i64| match kind {
                Kind::Bool => vec![n as u8],
                _ if kind.is_narrow() => (n as u32).to_le_bytes().to_vec(),
                _ => n.to_le_bytes().to_vec(),
            };
            Some((bytes(least), bytes(greatest)))
        }
        Held::Texts(texts) => {
            let (least, greatest) = (texts.iter().min()?, texts.iter().max()?);
            // Long ones help nobody to skip.
            let short = least.len().max(greatest.len()) <= 64;
            short.then(|| (least.as_bytes().to_vec(), greatest.as_bytes().to_vec()))
        }
    }
}
