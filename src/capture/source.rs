//! Where bytes come from: files, pipes and standard input, packed or not.
//!
//! What cannot be read twice (standard input, named pipes, `<(...)`) is copied while it is read
//! ([`Spool`]), so that frames can be read back by number.

mod gzip;
mod read_buffer;
mod spool;
mod utf16;

pub(super) use read_buffer::ReadBuffer;
pub use spool::Unkept;

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::CaptureError;
use super::sniff::{self, Packing};
use gzip::Gunzip;
use spool::{Again, Spool, Tee, read_at};
use utf16::Utf16;

/// Unpacked at a time; what a zstd stream loses at a break is at most this.
const UNPACK: usize = 4096;
/// Bytes read at a time where only some frames are wanted.
const AGAIN: usize = 256 << 10;
/// Compressed bytes read at a time.
const PACKED: usize = 256 << 10;

/// Where a capture is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or anything else with a name that can be opened and read.
    Path(PathBuf),
    /// A file that was unpacked from an archive.
    Unpacked(Arc<Unpacked>),
    /// Standard input, which can be read once.
    Stdin,
}

/// A file in a temporary folder, which is gone when the last of its files is.
#[derive(Debug)]
pub struct Unpacked {
    /// Where it lies.
    pub path: PathBuf,
    /// The archive with the name inside of it.
    pub shown: String,
    /// The folder.
    pub folder: Arc<tempfile::TempDir>,
}

impl PartialEq for Unpacked {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Unpacked {}

impl Source {
    /// Where it lies, if it is a file with a name.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Unpacked(file) => Some(&file.path),
            Self::Stdin => None,
        }
    }

    /// The name for display.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Unpacked(file) => file.shown.clone(),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    /// Bytes of a regular file, as far as they are known before it is read.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.path()?.metadata().ok().filter(|m| m.is_file()).map(|m| m.len())
    }

    /// Whether it can be looked into without taking bytes away from a later reader.
    pub(super) fn is_regular(&self) -> bool {
        self.path().is_some_and(|path| path.metadata().is_ok_and(|m| m.is_file()))
    }
}

/// Where the bytes of a capture can be read again.
#[derive(Clone, Debug)]
pub(super) enum Handle {
    Path(PathBuf),
    Unpacked(Arc<Unpacked>),
    Spool(Arc<Spool>),
    /// Nowhere here: only what was observed of it is known.
    Elsewhere,
}

impl Handle {
    /// The part of a stream that cannot be read again.
    pub(super) fn unkept(&self) -> Option<Unkept> {
        match self {
            Self::Path(_) | Self::Unpacked(_) | Self::Elsewhere => None,
            Self::Spool(spool) => spool.unkept(),
        }
    }
}

/// A source that was opened and seen through to the unpacked bytes.
pub(super) struct Opened<'p> {
    pub(super) window: ReadBuffer<'p>,
    pub(super) compression: Option<&'static str>,
    pub(super) handle: Handle,
    /// Bytes of it that were read so far, packed ones where it is packed.
    pub(super) taken: Arc<AtomicU64>,
}

/// Opens a source for a whole pass; `progress` counts the bytes of all files that are read beside each other.
pub(super) fn open<'p>(
    source: &Source,
    progress: &'p AtomicU64,
    chunk: usize,
) -> Result<Opened<'p>, CaptureError> {
    let name = source.name();
    let (raw, handle): (Box<dyn Read + 'p>, Handle) = match source {
        Source::Path(path) => {
            let file = File::open(path).map_err(|e| refused(path, &name, e))?;
            if source.is_regular() {
                (Box::new(file), Handle::Path(path.clone()))
            } else {
                spool(Box::new(file))
            }
        }
        Source::Unpacked(unpacked) => {
            let file = File::open(&unpacked.path).map_err(|e| refused(&unpacked.path, &name, e))?;
            (Box::new(file), Handle::Unpacked(Arc::clone(unpacked)))
        }
        Source::Stdin => spool(Box::new(io::stdin())),
    };
    counted(raw, progress, handle, &name, chunk)
}

fn counted<'p>(
    inner: Box<dyn Read + 'p>,
    progress: &'p AtomicU64,
    handle: Handle,
    name: &str,
    chunk: usize,
) -> Result<Opened<'p>, CaptureError> {
    let taken = Arc::new(AtomicU64::new(0));
    let raw = Counted { inner, progress, taken: Arc::clone(&taken) };
    let opened = unpack(Box::new(raw), handle, name, chunk)?;
    Ok(Opened { taken, ..opened })
}

/// Opens any reader as if it were standard input.
#[cfg(test)]
pub(super) fn open_stream<'p>(
    reader: Box<dyn Read + 'p>,
    progress: &'p AtomicU64,
) -> Result<Opened<'p>, CaptureError> {
    let (raw, handle) = spool(reader);
    counted(raw, progress, handle, "standard input", 1 << 16)
}

/// Opens a handle again at `offset` of its unpacked bytes.
pub(super) fn reopen(
    handle: &Handle,
    name: &str,
    packed: bool,
    offset: u64,
) -> Result<ReadBuffer<'static>, CaptureError> {
    let again = |offset| -> Result<Box<dyn Read>, CaptureError> {
        let open = |path: &Path| File::open(path).map_err(|e| refused(path, name, e));
        Ok(match handle {
            Handle::Path(path) => Box::new(At { file: open(path)?, offset }),
            Handle::Unpacked(unpacked) => Box::new(At { file: open(&unpacked.path)?, offset }),
            Handle::Spool(spool) => Box::new(Again { spool: Arc::clone(spool), offset }),
            Handle::Elsewhere => return Err(gone(handle, name)),
        })
    };
    if !packed {
        return Ok(ReadBuffer::new(again(offset)?, offset, AGAIN));
    }
    let mut window = unpack(again(0)?, handle.clone(), name, PACKED)?.window;
    if window.skip_to(offset) { Ok(window) } else { Err(gone(handle, name)) }
}

/// Why frames that were read once cannot be read again.
pub(super) fn gone(handle: &Handle, name: &str) -> CaptureError {
    let path = name.to_owned();
    if matches!(handle, Handle::Elsewhere) {
        return CaptureError::Elsewhere { path };
    }
    match handle.unkept() {
        Some(Unkept { why, folder, .. }) => CaptureError::Spool { path, why, folder },
        None => CaptureError::Changed { path },
    }
}

fn refused(path: &Path, name: &str, source: io::Error) -> CaptureError {
    if source.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() {
        CaptureError::Missing { path: name.to_owned() }
    } else {
        CaptureError::Io { path: name.to_owned(), source }
    }
}

fn spool<'p>(inner: Box<dyn Read + 'p>) -> (Box<dyn Read + 'p>, Handle) {
    let spool = Arc::new(Spool::new());
    let tee = Tee { inner, spool: Arc::clone(&spool) };
    (Box::new(tee), Handle::Spool(spool))
}

/// Looks at the packing and puts the decoder in between.
fn unpack<'p>(
    mut raw: Box<dyn Read + 'p>,
    handle: Handle,
    name: &str,
    chunk: usize,
) -> Result<Opened<'p>, CaptureError> {
    let head =
        head(&mut raw).map_err(|source| CaptureError::Io { path: name.to_owned(), source })?;
    let packing = sniff::packing(&head);
    let whole = Cursor::new(head).chain(raw);
    let (window, compression) = match packing {
        Packing::Plain => (ReadBuffer::new(Box::new(whole), 0, chunk), None),
        Packing::Gzip => {
            let gunzip = Gunzip::new(BufReader::with_capacity(PACKED.min(chunk), whole));
            (ReadBuffer::new(Box::new(gunzip), 0, chunk), Some("gzip"))
        }
        Packing::Zstd => {
            let packed = BufReader::with_capacity(PACKED.min(chunk), whole);
            let zstd = zstd::stream::read::Decoder::with_buffer(packed).map_err(|source| {
                CaptureError::Unpack { path: name.to_owned(), compression: "zstd", source }
            })?;
            (ReadBuffer::new(Box::new(Small(zstd)), 0, chunk), Some("zstd"))
        }
        Packing::Utf16(big) => {
            let text = Utf16::new(BufReader::with_capacity(PACKED.min(chunk), whole), big);
            (ReadBuffer::new(Box::new(text), 0, chunk), Some("UTF-16"))
        }
        Packing::Other(what, command) => {
            return Err(CaptureError::OtherPacking { path: name.to_owned(), what, command });
        }
    };
    Ok(Opened { window, compression, handle, taken: Arc::default() })
}

/// The first bytes, as many as are looked at.
fn head(raw: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    raw.by_ref().take(sniff::LOOK as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Counts what passes.
struct Counted<'p> {
    inner: Box<dyn Read + 'p>,
    progress: &'p AtomicU64,
    taken: Arc<AtomicU64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.progress.fetch_add(n as u64, Ordering::Relaxed);
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Reads small pieces: a decoder that loses what it made in the call that fails loses little.
struct Small<R>(R);

impl<R: Read> Read for Small<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = into.len().min(UNPACK);
        self.0.read(&mut into[..n])
    }
}

/// Reads a file from an offset on.
struct At {
    file: File,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = read_at(&self.file, into, self.offset)?;
        self.offset += n as u64;
        Ok(n)
    }
}
