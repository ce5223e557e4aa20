//! A copy of a stream that can be read only once, so that its frames can be read back by number.
//!
//! The first bytes stay in memory: what is no longer than [`IN_MEMORY`] needs no temporary folder.
//! More goes to an unnamed temporary file, which is gone with the last handle. Where there can be
//! no such file, or it cannot grow, the copy ends and the reading goes on: [`Spool::unkept`] says
//! from where on and why, and what was kept until then can still be read.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that are kept in memory before a file is made.
const IN_MEMORY: usize = 8 << 20;

/// The part of a stream that could not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    /// Bytes from the stream's beginning that were kept.
    pub kept: u64,
    /// What the operating system said.
    pub why: String,
    /// The folder that was to hold them.
    pub folder: PathBuf,
}

/// The copy.
#[derive(Debug)]
pub(in crate::capture) struct Spool {
    inner: Mutex<Inner>,
    in_memory: usize,
    folder: PathBuf,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    len: u64,
    fault: Option<String>,
}

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    File(File),
}

impl Spool {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self::within(IN_MEMORY, std::env::temp_dir())
    }

    /// One that keeps at most `in_memory` bytes outside of a file in `folder`.
    pub(super) fn within(in_memory: usize, folder: PathBuf) -> Self {
        let inner = Inner { store: Store::Memory(Vec::new()), len: 0, fault: None };
        Self { inner: Mutex::new(inner), in_memory, folder }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What could not be kept, if anything.
    pub(super) fn unkept(&self) -> Option<Unkept> {
        let inner = self.inner();
        let why = inner.fault.clone()?;
        Some(Unkept { kept: inner.len, why, folder: self.folder.clone() })
    }

    fn push(&self, bytes: &[u8]) {
        let mut inner = self.inner();
        if inner.fault.is_none()
            && let Err(fault) = inner.write(bytes, self.in_memory, &self.folder)
        {
            inner.fault = Some(said(&fault));
        }
    }
}

/// What the operating system said, without the name of a file that nobody chose.
fn said(fault: &io::Error) -> String {
    fault.raw_os_error().map_or_else(
        || match fault.kind() {
            io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            io::ErrorKind::PermissionDenied => "it may not be written".to_owned(),
            _ => fault.to_string(),
        },
        |code| io::Error::from_raw_os_error(code).to_string(),
    )
}

impl Inner {
    fn write(
        &mut self,
        bytes: &[u8],
        in_memory: usize,
        folder: &std::path::Path,
    ) -> io::Result<()> {
        if let Store::Memory(kept) = &mut self.store {
            if kept.len() + bytes.len() <= in_memory {
                kept.extend_from_slice(bytes);
                self.len = kept.len() as u64;
                return Ok(());
            }
            let mut file = tempfile::tempfile_in(folder)?;
            file.write_all(kept)?;
            self.store = Store::File(file);
        }
        if let Store::File(file) = &mut self.store {
            file.write_all(bytes)?;
            self.len += bytes.len() as u64;
        }
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = into.len().min(left);
        let into = &mut into[..n];
        if into.is_empty() {
            return Ok(0);
        }
        match &self.store {
            Store::Memory(kept) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let kept = kept.get(from..).unwrap_or(&[]);
                let mut into = into;
                into.write(kept)
            }
            Store::File(file) => read_at(file, into, offset),
        }
    }
}

/// Reads without moving a cursor that others may share.
pub(super) fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, into, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, into, offset);
}

/// Hands on what `inner` gives, and copies it.
pub(super) struct Tee<'p> {
    pub(super) inner: Box<dyn Read + 'p>,
    pub(super) spool: Arc<Spool>,
}

impl Read for Tee<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.spool.push(&into[..n]);
        Ok(n)
    }
}

/// Reads a copy from an offset on, as far as it was kept.
pub(super) struct Again {
    pub(super) spool: Arc<Spool>,
    pub(super) offset: u64,
}

impl Read for Again {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.spool.inner().read_at(into, self.offset)?;
        self.offset += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spooled(in_memory: usize, folder: PathBuf, bytes: &[u8]) -> Arc<Spool> {
        let spool = Arc::new(Spool::within(in_memory, folder));
        let mut tee = Tee { inner: Box::new(bytes), spool: Arc::clone(&spool) };
        let mut piece = [0; 7];
        while tee.read(&mut piece).unwrap() > 0 {}
        spool
    }

    fn again(spool: &Arc<Spool>, offset: u64) -> Vec<u8> {
        let mut out = Vec::new();
        Again { spool: Arc::clone(spool), offset }.read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn a_copy_reads_alike_from_memory_and_from_a_file() {
        let bytes: Vec<u8> = (0..100).collect();
        let folder = tempfile::tempdir().unwrap();
        for in_memory in [0, 10, 99, 100, 1000] {
            let spool = spooled(in_memory, folder.path().to_owned(), &bytes);
            assert_eq!(spool.unkept(), None);
            for offset in [0, 1, 9, 10, 11, 99, 100, 101, u64::MAX] {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                assert_eq!(again(&spool, offset), bytes.get(from..).unwrap_or(&[]), "{offset}");
            }
        }
    }

    #[test]
    fn without_a_folder_the_first_bytes_are_kept_and_the_rest_is_owned_up_to() {
        let bytes: Vec<u8> = (0..100).collect();
        let spool = spooled(30, PathBuf::from("/nowhere/at/all"), &bytes);
        let unkept = spool.unkept().unwrap();
        assert_eq!((unkept.kept, again(&spool, 0).len()), (28, 28));
        assert_eq!(again(&spool, 20), bytes[20..28]);
        assert!(!unkept.why.contains(".tmp"), "{}", unkept.why);
        assert_eq!(spooled(100, PathBuf::from("/nowhere"), &bytes).unkept(), None);
    }
}
