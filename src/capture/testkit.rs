//! Captures built byte by byte, for tests.

use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::source::open_stream;
use super::{CaptureError, CaptureFile, Frame, Source, read};

/// Gzip of some bytes.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Zstandard of some bytes.
pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = zstd::Encoder::new(Vec::new(), 3).unwrap();
    out.include_checksum(true).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A frame's bytes, which differ by `n`.
pub(super) fn payload(n: u32, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i as u32 * 7 + n * 13) as u8).collect()
}

/// Numbers in one of the two byte orders.
#[derive(Copy, Clone)]
pub(super) struct Order(pub(super) bool);

impl Order {
    pub(super) fn u16(self, n: u16) -> [u8; 2] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub(super) fn u32(self, n: u32) -> [u8; 4] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub(super) fn u64(self, n: u64) -> [u8; 8] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }
}

/// Builds a pcap file.
pub(super) struct Pcap {
    pub(super) bytes: Vec<u8>,
    order: Order,
    modified: bool,
    /// Offsets at which a record ends, the file header first.
    pub(super) ends: Vec<usize>,
}

impl Pcap {
    pub(super) fn new() -> Self {
        Self::with(false, 0xa1b2_c3d4, 4, 65_535, 1)
    }

    pub(super) fn with(big: bool, magic: u32, minor: u16, snaplen: u32, network: u32) -> Self {
        let order = Order(big);
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(2));
        bytes.extend(order.u16(minor));
        bytes.extend([0; 8]);
        bytes.extend(order.u32(snaplen));
        bytes.extend(order.u32(network));
        Self { bytes, order, modified: magic == 0xa1b2_cd34, ends: vec![24] }
    }

    /// A record with header fields as they are given.
    pub(super) fn raw(&mut self, header: [u32; 4], data: &[u8]) -> &mut Self {
        for n in header {
            self.bytes.extend(self.order.u32(n));
        }
        if self.modified {
            self.bytes.extend([0; 8]);
        }
        self.bytes.extend(data);
        self.ends.push(self.bytes.len());
        self
    }

    pub(super) fn frame(&mut self, seconds: u32, fraction: u32, data: &[u8]) -> &mut Self {
        let len = data.len() as u32;
        self.raw([seconds, fraction, len, len], data)
    }

    /// `count` frames, one a millisecond from 1,700,000,000 s on.
    pub(super) fn frames(&mut self, count: u32) -> &mut Self {
        for n in 0..count {
            let second = 1_700_000_000 + n / 1000;
            self.frame(second, n % 1000 * 1000, &payload(n, 20 + n as usize % 50));
        }
        self
    }
}

/// Builds a pcapng file.
pub(super) struct Ng {
    pub(super) bytes: Vec<u8>,
    pub(super) order: Order,
    /// Offsets at which a block ends.
    pub(super) ends: Vec<usize>,
}

impl Ng {
    /// A file with one section and no interface.
    pub(super) fn new(big: bool) -> Self {
        let mut ng = Self { bytes: Vec::new(), order: Order(big), ends: Vec::new() };
        ng.section(big, 1);
        ng
    }

    pub(super) fn section(&mut self, big: bool, major: u16) -> &mut Self {
        self.order = Order(big);
        let mut body = self.order.u32(0x1a2b_3c4d).to_vec();
        body.extend(self.order.u16(major));
        body.extend([0; 2]);
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub(super) fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let padded = body.len().next_multiple_of(4);
        let length = self.order.u32(padded as u32 + 12);
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(length);
        self.ends.push(self.bytes.len());
        self
    }

    pub(super) fn options(&self, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (code, value) in options {
            out.extend(self.order.u16(*code));
            out.extend(self.order.u16(value.len() as u16));
            out.extend(*value);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            out.extend([0; 4]);
        }
        out
    }

    pub(super) fn interface(
        &mut self,
        link: u16,
        snaplen: u32,
        options: &[(u16, &[u8])],
    ) -> &mut Self {
        let mut body = self.order.u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.order.u32(snaplen));
        body.extend(self.options(options));
        self.block(1, &body)
    }

    pub(super) fn enhanced(&mut self, interface: u32, count: u64, data: &[u8]) -> &mut Self {
        let mut body = Vec::new();
        let len = data.len() as u32;
        for n in [interface, (count >> 32) as u32, count as u32, len, len] {
            body.extend(self.order.u32(n));
        }
        body.extend(data);
        self.block(6, &body)
    }
}

/// A frame as a value that can be kept and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) number: u32,
    pub(super) time: i64,
    pub(super) interface: u32,
    pub(super) link: u16,
    pub(super) wire: u32,
    pub(super) data: Vec<u8>,
}

impl From<&Frame<'_>> for Seen {
    fn from(f: &Frame<'_>) -> Self {
        let (number, time, interface) = (f.number, f.time.0, f.interface);
        Self {
            number,
            time,
            interface,
            link: f.link_type.0,
            wire: f.wire_len,
            data: f.data.to_vec(),
        }
    }
}

/// Reads bytes as if they came from standard input.
pub(super) fn run(bytes: &[u8]) -> Result<(CaptureFile, Vec<Seen>), CaptureError> {
    let progress = AtomicU64::new(0);
    let opened = open_stream(Box::new(bytes), &progress)?;
    let seen = RefCell::new(Vec::new());
    let mut sink = |f: &Frame<'_>| seen.borrow_mut().push(Seen::from(f));
    let file = super::read::whole(opened, "test".to_owned(), None, &mut sink)?;
    Ok((file, seen.into_inner()))
}

/// Reads a file.
pub(super) fn run_path(path: &Path) -> Result<(CaptureFile, Vec<Seen>), CaptureError> {
    let mut seen = Vec::new();
    let mut sink = |f: &Frame<'_>| seen.push(Seen::from(f));
    let file = read(&Source::Path(path.to_owned()), &AtomicU64::new(0), &mut sink)?;
    Ok((file, seen))
}
