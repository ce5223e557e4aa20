//! Reads a table, a column of a row group at a time.
//!
//! What bounds memory, whatever a file claims: a file has no more rows than a quarter of its bytes ([`ROW`]); a row group has at most [`GROUP`] rows; a page unpacks to no more
//! than its rows can take, a dictionary to [`EXPANDS`] times its bytes.

use super::footer::{self, Chunk, DATA_PAGE, DICTIONARY_PAGE, Footer, MAGIC, Page, UNPACKED, ZSTD};
use super::{Column, Fault, Field, GROUP, Kind, ROW, Values, delta, hybrid};
use rayon::prelude::*;
use std::io::{Read, Seek, SeekFrom};

/// How far a dictionary may expand.
const EXPANDS: u64 = 256;
/// Bytes that any page may have.
const SOME: u64 = 4096;
/// Bytes that a value takes at most, with its level: eight, and what packing in blocks adds.
const VALUE: u64 = 12;
/// Bytes of an end: length of the footer, magic.
const END: u64 = 8;

/// A table that is being read.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    bytes: u64,
    footer: Footer,
}

impl<R: Read + Seek> Reader<R> {
    /// Reads the description of a table.
    ///
    /// # Errors
    /// Where it is cut, damaged or of a form that is not read.
    pub fn open(mut from: R) -> Result<Self, Fault> {
        let bytes = from.seek(SeekFrom::End(0))?;
        if bytes < MAGIC.len() as u64 + END {
            return Err(Fault::Cut);
        }
        let mut end = [0; END as usize];
        from.seek(SeekFrom::Start(bytes - END))?;
        from.read_exact(&mut end)?;
        let [a, b, c, d, magic @ ..] = end;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        let begin = (bytes - END).checked_sub(length).filter(|at| *at >= MAGIC.len() as u64);
        let Some(begin) = begin.filter(|_| magic == *MAGIC) else { return Err(Fault::Cut) };
        let footer = Footer::read(&part(&mut from, begin, length)?)?;
        if footer.groups.iter().any(|group| group.rows > GROUP as u64) {
            return Err(Fault::Foreign("large row groups"));
        }
        if footer.rows() > bytes / ROW {
            return Err(Fault::Damaged("it claims more rows than it has room for"));
        }
        Ok(Self { from, bytes, footer })
    }

    /// Its columns.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.footer.fields
    }

    /// Rows of all groups.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.footer.rows()
    }

    /// Row groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.footer.groups.len()
    }

    /// Rows of one group.
    #[must_use]
    pub fn rows_of(&self, group: usize) -> usize {
        self.footer.groups.get(group).map_or(0, |group| group.rows as usize)
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the writer said of the table.
    #[must_use]
    pub fn fact(&self, key: &str) -> Option<&str> {
        self.footer.facts.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    /// The values of a column in a row group.
    ///
    /// # Errors
    /// Where there is none, or it is damaged or of a form that is not read.
    pub fn column(&mut self, group: usize, at: usize) -> Result<Column, Fault> {
        self.columns(group, &[at])?.pop().ok_or(Fault::Damaged("a column is missing"))
    }

    /// The values of some columns in a row group, in the order asked for.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn columns(&mut self, group: usize, wanted: &[usize]) -> Result<Vec<Column>, Fault> {
        let chunks = wanted.iter().map(|at| self.bytes_of(group, *at));
        let chunks = chunks.collect::<Result<Vec<_>, _>>()?;
        let fields = &self.footer.fields;
        let decoded = wanted
            .par_iter()
            .zip(chunks)
            .map(|(at, (chunk, bytes))| decode(&fields[*at], &chunk, &bytes));
        decoded.collect()
    }

    fn bytes_of(&mut self, group: usize, at: usize) -> Result<(Chunk, Vec<u8>), Fault> {
        const NONE: Fault = Fault::Damaged("a column is missing");
        let chunk = self.footer.groups.get(group).and_then(|g| g.chunks.get(at)).ok_or(NONE)?;
        let chunk = chunk.clone();
        let begin = chunk.dictionary_at.unwrap_or(chunk.data_at).min(chunk.data_at);
        if begin.checked_add(chunk.packed).is_none_or(|end| end > self.bytes) {
            return Err(Fault::Damaged("a column lies beyond the end"));
        }
        let bytes = part(&mut self.from, begin, chunk.packed)?;
        Ok((chunk, bytes))
    }
}

/// Bytes that are known to be there.
fn part<R: Read + Seek>(from: &mut R, begin: u64, length: u64) -> Result<Vec<u8>, Fault> {
    from.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(Fault::Cut) }
}

fn decode(field: &Field, chunk: &Chunk, mut from: &[u8]) -> Result<Column, Fault> {
    let rows = chunk.values;
    let mut column = Decoded::new(field.kind);
    let mut there = field.optional.then(Vec::new);
    let mut left = rows;
    while left > 0 {
        let head = Page::take(&mut from)?;
        let most = match head.kind {
            DICTIONARY_PAGE => head.packed.saturating_mul(EXPANDS) + SOME,
            _ => rows * VALUE + SOME,
        };
        let body = unpack(&mut from, chunk.codec, &head, most)?;
        let mut body = body.as_slice();
        if head.kind == DICTIONARY_PAGE {
            column.dictionary(body, &head)?;
            continue;
        }
        debug_assert_eq!(head.kind, DATA_PAGE);
        if head.values == 0 || head.values > left {
            return Err(Fault::Damaged("a page has more values than its column"));
        }
        left -= head.values;
        let mut present = head.values as usize;
        if let Some(there) = &mut there {
            let levels = levels(&mut body, present)?;
            present = levels.iter().filter(|level| **level == 1).count();
            there.extend(levels.into_iter().map(|level| level == 1));
        }
        column.values(body, present, head.encoding)?;
    }
    Ok(Column { values: column.finish(), there })
}

fn unpack(from: &mut &[u8], codec: i32, head: &Page, most: u64) -> Result<Vec<u8>, Fault> {
    let (packed, rest) = usize::try_from(head.packed)
        .ok()
        .and_then(|packed| from.split_at_checked(packed))
        .ok_or(Fault::Damaged("a page is cut off"))?;
    *from = rest;
    if head.unpacked > most {
        return Err(Fault::Damaged("a page claims to be larger than its rows"));
    }
    let size = head.unpacked as usize;
    let body = match codec {
        UNPACKED => packed.to_vec(),
        ZSTD => zstd::bulk::decompress(packed, size)
            .map_err(|_| Fault::Damaged("a page cannot be unpacked"))?,
        _ => return Err(Fault::Foreign("another compression than zstd")),
    };
    if body.len() == size { Ok(body) } else { Err(Fault::Damaged("a page has another size")) }
}

fn levels(body: &mut &[u8], count: usize) -> Result<Vec<u32>, Fault> {
    const CUT: Fault = Fault::Damaged("a page is cut off");
    let (length, rest) = body.split_first_chunk::<4>().ok_or(CUT)?;
    let (runs, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(CUT)?;
    *body = rest;
    hybrid::read(runs, count, 1)
}

/// The values of a column, as far as its pages were read.
struct Decoded {
    kind: Kind,
    numbers: Vec<i64>,
    list: Vec<i64>,
    texts: Vec<String>,
    of: Vec<u32>,
}

impl Decoded {
    fn new(kind: Kind) -> Self {
        Self { kind, numbers: Vec::new(), list: Vec::new(), texts: Vec::new(), of: Vec::new() }
    }

    fn finish(self) -> Values {
        match self.kind {
            Kind::Text => Values::Texts(self.texts, self.of),
            _ => Values::Numbers(self.numbers),
        }
    }

    fn dictionary(&mut self, mut body: &[u8], head: &Page) -> Result<(), Fault> {
        if !self.list.is_empty() || !self.texts.is_empty() || !self.of.is_empty() {
            return Err(Fault::Damaged("a column has two dictionaries"));
        }
        if !matches!(head.encoding, footer::PLAIN | footer::PLAIN_DICTIONARY) {
            return Err(Fault::Foreign("an encoding of dictionaries"));
        }
        if self.kind == Kind::Text {
            while !body.is_empty() {
                const CUT: Fault = Fault::Damaged("a text is cut off");
                let (length, rest) = body.split_first_chunk::<4>().ok_or(CUT)?;
                let length = u32::from_le_bytes(*length) as usize;
                let (text, rest) = rest.split_at_checked(length).ok_or(CUT)?;
                let text = std::str::from_utf8(text);
                let text = text.map_err(|_| Fault::Damaged("a text is not UTF-8"))?;
                self.texts.push(text.to_owned());
                body = rest;
            }
        } else {
            let count = body.len() / if self.kind.is_narrow() { 4 } else { 8 };
            self.list = self.plain(body, count)?;
        }
        let count = self.texts.len().max(self.list.len());
        if count as u64 == head.values && count <= GROUP {
            Ok(())
        } else {
            Err(Fault::Damaged("a dictionary is miscounted"))
        }
    }

    fn plain(&self, body: &[u8], count: usize) -> Result<Vec<i64>, Fault> {
        const CUT: Fault = Fault::Damaged("numbers are cut off");
        if self.kind == Kind::Bool {
            let bits = body.get(..count.div_ceil(8)).ok_or(CUT)?;
            return Ok((0..count).map(|at| i64::from(bits[at / 8] >> (at % 8) & 1)).collect());
        }
        if self.kind.is_narrow() {
            let bytes = body.get(..count * 4).ok_or(CUT)?;
            let (words, _) = bytes.as_chunks::<4>();
            return Ok(words.iter().map(|word| i64::from(u32::from_le_bytes(*word))).collect());
        }
        let (words, _) = body.get(..count * 8).ok_or(CUT)?.as_chunks::<8>();
        Ok(words.iter().map(|word| i64::from_le_bytes(*word)).collect())
    }

    fn values(&mut self, body: &[u8], count: usize, encoding: i32) -> Result<(), Fault> {
        if matches!(encoding, footer::DICTIONARY | footer::PLAIN_DICTIONARY) {
            let known = self.texts.len().max(self.list.len()) as u32;
            let (width, runs) = body.split_first().unwrap_or((&0, &[]));
            let of = hybrid::read(runs, count, *width)?;
            if of.iter().any(|at| *at >= known) {
                return Err(Fault::Damaged("a value is in no dictionary"));
            }
            if self.kind == Kind::Text {
                self.of.extend(of);
            } else {
                self.numbers.extend(of.into_iter().map(|at| self.list[at as usize]));
            }
            return Ok(());
        }
        let numbers = match encoding {
            _ if self.kind == Kind::Text => return Err(Fault::Foreign("an encoding of text")),
            footer::PLAIN => self.plain(body, count)?,
            footer::DELTA => delta::read(body, count, self.kind.is_narrow())?,
            _ => return Err(Fault::Foreign("an encoding of numbers")),
        };
        if numbers.iter().any(|number| !self.kind.holds(*number)) {
            return Err(Fault::Damaged("a number is too large for its column"));
        }
        self.numbers.extend(numbers);
        Ok(())
    }
}
