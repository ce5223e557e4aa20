//! Frames that wait on disk until their order is known.
//!
//! Memory holds an index of 48 bytes a frame; the bytes are in an unnamed temporary
//! file that is gone with the value.

use crate::capture::Timestamp;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// A frame that was kept, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When, on the clock that was asked for.
    pub time: Timestamp,
    /// Index into [`Extract::interfaces`](super::Extract::interfaces).
    pub interface: u32,
    /// Length on the wire.
    pub wire_len: u32,
    /// What it shows, for frames of evidence.
    pub comments: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    offset: u64,
    len: u32,
}

/// Frames with their bytes.
#[derive(Debug)]
pub struct Spool {
    file: BufWriter<File>,
    entries: Vec<Entry>,
    end: u64,
}

impl Spool {
    /// An empty one.
    ///
    /// # Errors
    /// Where no temporary file can be made.
    pub fn new() -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 18, tempfile::tempfile()?);
        Ok(Self { file, entries: Vec::new(), end: 0 })
    }

    /// Keeps a frame.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn push(&mut self, kept: Kept, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)?;
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { kept, offset: self.end, len });
        self.end += u64::from(len);
        Ok(())
    }

    /// Puts frames in order of time; those of one time stay as they came.
    pub(super) fn sort(&mut self) {
        self.entries.sort_by_key(|entry| entry.kept.time);
    }

    /// Frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Frames that are evidence.
    #[must_use]
    pub fn commented(&self) -> usize {
        self.entries.iter().filter(|entry| !entry.kept.comments.is_empty()).count()
    }

    /// Calls `each` with every frame, in order.
    ///
    /// # Errors
    /// Where `each` fails, or the temporary file cannot be read.
    pub fn each(
        &mut self,
        mut each: impl FnMut(&Kept, &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.file.flush()?;
        let mut reader = BufReader::with_capacity(1 << 16, self.file.get_ref());
        let mut at = 0u64;
        reader.seek(SeekFrom::Start(0))?;
        let mut data = Vec::new();
        for entry in &self.entries {
            // Relative seeks keep what is buffered.
            let step = entry.offset.cast_signed().wrapping_sub(at.cast_signed());
            reader.seek_relative(step)?;
            data.resize(entry.len as usize, 0);
            reader.read_exact(&mut data)?;
            at = entry.offset + u64::from(entry.len);
            each(&entry.kept, &mut data)?;
        }
        drop(reader);
        self.file.get_mut().seek(SeekFrom::Start(self.end))?;
        Ok(())
    }
}

impl Spool {
    /// Changes every frame in place; `change` must leave its length as it is.
    ///
    /// # Errors
    /// Where the temporary file cannot be read or written, or a length has changed.
    pub fn rewrite(&mut self, mut change: impl FnMut(&mut Kept, &mut Vec<u8>)) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        let mut data = Vec::new();
        for entry in &mut self.entries {
            data.resize(entry.len as usize, 0);
            file.seek(SeekFrom::Start(entry.offset))?;
            file.read_exact(&mut data)?;
            change(&mut entry.kept, &mut data);
            if data.len() != entry.len as usize {
                return Err(io::Error::other("a frame has changed its length"));
            }
            file.seek(SeekFrom::Start(entry.offset))?;
            file.write_all(&data)?;
        }
        file.seek(SeekFrom::Start(self.end))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_in_order_of_time_as_often_as_asked() {
        let mut spool = Spool::new().unwrap();
        for (time, data) in [(5, "five"), (1, "one"), (5, "again"), (3, "")] {
            let comments = if time == 1 { vec!["x".to_owned()] } else { Vec::new() };
            let kept = Kept { time: Timestamp(time), interface: 0, wire_len: 9, comments };
            spool.push(kept, data.as_bytes()).unwrap();
        }
        spool.sort();
        assert_eq!((spool.len(), spool.commented(), spool.is_empty()), (4, 1, false));
        for _ in 0..2 {
            let mut seen = Vec::new();
            let mut take = |kept: &Kept, data: &mut Vec<u8>| {
                seen.push((kept.time.0, String::from_utf8_lossy(data).into_owned()));
                Ok(())
            };
            spool.each(&mut take).unwrap();
            let seen: Vec<_> = seen.iter().map(|(t, s)| (*t, s.as_str())).collect();
            assert_eq!(seen, [(1, "one"), (3, ""), (5, "five"), (5, "again")]);
        }
    }
}
