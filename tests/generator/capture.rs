//! One capture file: classic pcap with nanosecond timestamps, written as the world goes on.

use super::world::Clock;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// LINKTYPE_ETHERNET.
pub const ETHERNET: u32 = 1;
/// LINKTYPE_LINUX_SLL2.
pub const SLL2: u32 = 276;
/// Bytes of a record header, which a frame's buffer begins with.
pub const RECORD: usize = 16;

/// A capture being written.
pub struct Capture {
    out: BufWriter<File>,
    path: PathBuf,
    name: String,
    clock: Clock,
    start_ns: u64,
    frames: u64,
    bytes: u64,
}

/// A finished capture.
#[derive(Clone, Debug)]
pub struct Written {
    /// Host: `client`, `director`, `rs1`, ...
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Frames in it.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The clock it was stamped with.
    pub clock: Clock,
}

impl Capture {
    /// Creates `name.pcap` in `folder` and writes the file header (draft-ietf-opsawg-pcap, section 4), little-endian,
    /// magic 0xa1b23c4d for nanoseconds, snapshot length 262144 as tcpdump has it.
    ///
    /// # Errors
    /// What creating and writing a file gives.
    pub fn create(
        folder: &Path,
        name: &str,
        link_type: u32,
        clock: Clock,
        start_ns: u64,
    ) -> io::Result<Self> {
        let path = folder.join(format!("{name}.pcap"));
        let mut out = BufWriter::with_capacity(1 << 18, File::create(&path)?);
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, link_type] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self { out, path, name: name.to_owned(), clock, start_ns, frames: 0, bytes: 24 })
    }

    /// Writes one record. `buf` holds [`RECORD`] bytes to be filled in, then the frame; `len` is the frame's length, and
    /// `at` the true time in nanoseconds after the start.
    ///
    /// # Errors
    /// What writing a file gives.
    pub fn write(&mut self, at: u64, buf: &mut [u8], len: usize) -> io::Result<()> {
        let stamp = self.stamp(at);
        let record = &mut buf[..RECORD + len];
        record[..4].copy_from_slice(&((stamp / 1_000_000_000) as u32).to_le_bytes());
        record[4..8].copy_from_slice(&((stamp % 1_000_000_000) as u32).to_le_bytes());
        record[8..12].copy_from_slice(&(len as u32).to_le_bytes());
        record[12..16].copy_from_slice(&(len as u32).to_le_bytes());
        self.frames += 1;
        self.bytes += record.len() as u64;
        self.out.write_all(record)
    }

    /// What this host's clock shows at `at`, nanoseconds since 1970; not before that.
    fn stamp(&self, at: u64) -> u64 {
        let drift = i128::from(at) * i128::from(self.clock.drift_ppm) / 1_000_000;
        let shown =
            i128::from(self.start_ns) + i128::from(at) + i128::from(self.clock.offset_ns) + drift;
        u64::try_from(shown).unwrap_or(0)
    }

    /// Writes out what is buffered and closes the file.
    ///
    /// # Errors
    /// What writing a file gives.
    pub fn finish(mut self) -> io::Result<Written> {
        self.out.flush()?;
        Ok(Written {
            name: self.name,
            path: self.path,
            frames: self.frames,
            bytes: self.bytes,
            clock: self.clock,
        })
    }
}
