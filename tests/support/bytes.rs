//! Capture files as bytes: pcap and pcapng written and walked here, apart from
//! the code that reads them, so that each can be held against the other.

/// The second of the first frame of files that are made here.
pub const EPOCH: u32 = 1_700_000_000;

/// Builds a little-endian pcap file with microseconds.
#[derive(Debug, Clone)]
pub struct Pcap {
    pub bytes: Vec<u8>,
}

impl Pcap {
    /// A file header for this link type.
    pub fn new(link_type: u32) -> Self {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend(2_u16.to_le_bytes());
        bytes.extend(4_u16.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(262_144_u32.to_le_bytes());
        bytes.extend(link_type.to_le_bytes());
        Self { bytes }
    }

    /// A record with any header: milliseconds since [`EPOCH`], captured length,
    /// length on the wire.
    pub fn record(&mut self, ms: u32, captured: u32, wire: u32, data: &[u8]) -> &mut Self {
        for n in [EPOCH + ms / 1000, ms % 1000 * 1000, captured, wire] {
            self.bytes.extend(n.to_le_bytes());
        }
        self.bytes.extend(data);
        self
    }

    /// A whole frame.
    pub fn frame(&mut self, ms: u32, data: &[u8]) -> &mut Self {
        self.record(ms, data.len() as u32, data.len() as u32, data)
    }

    /// All frames, at their milliseconds.
    pub fn frames(&mut self, frames: &[(u32, Vec<u8>)]) -> &mut Self {
        for (ms, data) in frames {
            self.frame(*ms, data);
        }
        self
    }
}

/// Builds a little-endian pcapng file.
#[derive(Debug, Clone)]
pub struct PcapNg {
    pub bytes: Vec<u8>,
}

impl PcapNg {
    /// One section without interfaces.
    pub fn new() -> Self {
        let mut ng = Self { bytes: Vec::new() };
        let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
        body.extend([1, 0, 0, 0]);
        body.extend([0xff; 8]);
        ng.block(0x0a0d_0d0a, &body);
        ng
    }

    /// A block of any type.
    pub fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let padded = body.len().next_multiple_of(4);
        let length = (padded as u32 + 12).to_le_bytes();
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(length);
        self
    }

    /// An interface with its name.
    pub fn interface(&mut self, link_type: u16, name: &str) -> &mut Self {
        let mut body = link_type.to_le_bytes().to_vec();
        body.extend([0; 6]);
        body.extend(2_u16.to_le_bytes());
        body.extend((name.len() as u16).to_le_bytes());
        body.extend(name.as_bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend([0; 4]);
        self.block(1, &body)
    }

    /// A frame on an interface, milliseconds since [`EPOCH`].
    pub fn frame(&mut self, interface: u32, ms: u32, data: &[u8]) -> &mut Self {
        let micros = u64::from(EPOCH) * 1_000_000 + u64::from(ms) * 1000;
        let len = data.len() as u32;
        let mut body = Vec::new();
        for n in [interface, (micros >> 32) as u32, micros as u32, len, len] {
            body.extend(n.to_le_bytes());
        }
        body.extend(data);
        self.block(6, &body)
    }
}

/// Compresses as gzip does.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Offsets at which each frame's record begins and ends, in a whole pcap or
/// pcapng file; `None` for anything else.
pub fn records(bytes: &[u8]) -> Option<Vec<(usize, usize)>> {
    let big = match bytes.get(..4)? {
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => false,
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => true,
        [0x0a, 0x0d, 0x0d, 0x0a] if bytes[8] == 0x4d => return Some(blocks(bytes)),
        _ => return None,
    };
    let mut found = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let captured = word(bytes, at + 8, big);
        found.push((at, at + 16 + captured));
        at += 16 + captured;
    }
    Some(found)
}

/// The Enhanced Packet Blocks of a little-endian pcapng file.
fn blocks(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + word(bytes, at + 4, false);
        if word(bytes, at, false) == 6 {
            found.push((at, end));
        }
        at = end;
    }
    found
}

fn word(bytes: &[u8], at: usize, big: bool) -> usize {
    let word = *bytes[at..].first_chunk::<4>().unwrap();
    (if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }) as usize
}
