//! The packed rows of parts while they are gathered: in memory as far as there is room, else in a file.
//!
//! An engine hands over all parts at one time, row by row, and only at the end is each tied. What a fleet
//! has does not fit into memory. So where all that wait here hold more than [`ROOM`], each writes what it
//! holds of every part to its file, once, and reads it back part by part. An engine that spills groups
//! itself writes and reads all of them together, however large each one is.

use super::options::FleetError;
use super::packed::append;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that all lists of this process hold in memory.
const ROOM: usize = 1 << 30;
/// Whoever holds less leaves the writing to others.
const LEAST: usize = 16 << 20;

/// Bytes that all hold.
static HELD: AtomicUsize = AtomicUsize::new(0);
/// Where files are.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Has files written into this folder, instead of that for temporary ones; the first one counts.
pub(super) fn work_in(folder: &Path) -> Result<(), FleetError> {
    tempfile::tempfile_in(folder).map_err(|e| {
        let shown = folder.display();
        FleetError::Engine(format!("{shown} cannot be written ({e}); name another folder: --work"))
    })?;
    let _ = FOLDER.set(folder.to_owned());
    Ok(())
}

/// The rows of one part.
#[derive(Debug, Default)]
struct List {
    /// Those in memory.
    held: Vec<u8>,
    /// Those in the file: from where, how many bytes.
    written: Vec<(u64, usize)>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Lists {
    lists: Vec<List>,
    /// Bytes in memory.
    held: usize,
    file: Option<File>,
    /// Bytes in the file.
    end: u64,
    /// Bytes that all may hold, and below which this one writes nothing.
    bounds: [usize; 2],
}

impl Default for Lists {
    fn default() -> Self {
        Self::bounded([ROOM, LEAST])
    }
}

impl Lists {
    fn bounded(bounds: [usize; 2]) -> Self {
        Self { lists: Vec::new(), held: 0, file: None, end: 0, bounds }
    }

    /// Makes room for so many parts.
    pub(super) fn room(&mut self, parts: usize) {
        if self.lists.len() < parts {
            self.lists.resize_with(parts, List::default);
        }
    }

    /// Bytes in memory.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Adds a row to a part.
    pub(super) fn push(&mut self, part: usize, row: &[u8]) -> io::Result<()> {
        self.add(part, |held| append(held, row))
    }

    /// Adds rows to a part.
    pub(super) fn extend(&mut self, part: usize, rows: &[u8]) -> io::Result<()> {
        self.add(part, |held| held.extend(rows))
    }

    fn add(&mut self, part: usize, add: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let list = &mut self.lists[part].held;
        let before = list.len();
        add(list);
        let more = list.len() - before;
        self.held += more;
        let all = HELD.fetch_add(more, Ordering::Relaxed) + more;
        if all > self.bounds[0] && self.held >= self.bounds[1] { self.write() } else { Ok(()) }
    }

    /// Writes all that is in memory to the file.
    fn write(&mut self) -> io::Result<()> {
        let mut file = match (self.file.take(), FOLDER.get()) {
            (Some(file), _) => file,
            (None, Some(folder)) => tempfile::tempfile_in(folder)?,
            (None, None) => tempfile::tempfile()?,
        };
        file.seek(SeekFrom::Start(self.end))?;
        let mut out = BufWriter::with_capacity(1 << 20, &mut file);
        for list in self.lists.iter_mut().filter(|list| !list.held.is_empty()) {
            let rows = std::mem::take(&mut list.held);
            out.write_all(&rows)?;
            list.written.push((self.end, rows.len()));
            self.end += rows.len() as u64;
        }
        out.flush()?;
        drop(out);
        self.file = Some(file);
        self.let_go(self.held);
        Ok(())
    }

    fn let_go(&mut self, bytes: usize) {
        self.held -= bytes;
        HELD.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Hands over the rows of the first so many parts, of one after the other; those after them move up.
    pub(super) fn take<E: From<io::Error>>(
        &mut self,
        parts: usize,
        mut each: impl FnMut(Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let rest = self.lists.split_off(parts.min(self.lists.len()));
        for list in std::mem::replace(&mut self.lists, rest) {
            let held = list.held.len();
            let mut rows = Vec::new();
            for (from, bytes) in list.written {
                let none = || io::Error::from(io::ErrorKind::NotFound);
                let file = self.file.as_mut().ok_or_else(none)?;
                file.seek(SeekFrom::Start(from))?;
                let begin = rows.len();
                rows.resize(begin + bytes, 0);
                file.read_exact(&mut rows[begin..])?;
            }
            if rows.is_empty() {
                rows = list.held;
            } else {
                rows.extend(list.held);
            }
            self.let_go(held);
            each(rows)?;
        }
        Ok(())
    }

    /// Parts.
    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        self.let_go(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(lists: &mut Lists, parts: usize) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut each = |rows| {
            all.push(rows);
            io::Result::Ok(())
        };
        lists.take(parts, &mut each).unwrap();
        all
    }

    #[test]
    fn what_is_written_comes_back_in_order() {
        let of = |bounds| {
            let mut lists = Lists::bounded(bounds);
            for row in 0..100u8 {
                lists.room(1 + usize::from(row % 7));
                lists.push(usize::from(row % 7), &[row; 5]).unwrap();
            }
            lists.extend(3, b"more").unwrap();
            lists
        };
        let (mut there, mut here) = (of([0, 64]), of([usize::MAX, 0]));
        assert!(there.file.is_some() && there.held() < 64 + 9);
        assert!(here.file.is_none() && here.held() == 100 * 9 + 4);
        assert_eq!(taken(&mut there, 2), taken(&mut here, 2));
        // Parts that come after some were taken are numbered from there.
        for lists in [&mut there, &mut here] {
            lists.push(0, b"late").unwrap();
        }
        assert_eq!(taken(&mut there, usize::MAX), taken(&mut here, usize::MAX));
        assert_eq!((there.held(), here.held(), there.len()), (0, 0, 0));
    }
}
