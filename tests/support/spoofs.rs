//! Frames by the hundred thousand: one template, of which addresses and numbers are changed.

use super::frames::{End, Segment};
use std::path::Path;

pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// Bare TCP segments between two stations.
#[derive(Debug)]
pub struct Spoofs {
    there: Vec<u8>,
    back: Vec<u8>,
}

impl Spoofs {
    pub fn new(from: [u8; 6], to: [u8; 6]) -> Self {
        Self::with_ttls(from, to, (64, 64))
    }

    /// With the TTLs that frames there and back have.
    pub fn with_ttls(from: [u8; 6], to: [u8; 6], (there, back): (u8, u8)) -> Self {
        let end = ([0; 4], 0);
        let frame = |from, to, ttl| Segment::new(end, end, 0).on(from, to, ttl).ethernet();
        Self { there: frame(from, to, there), back: frame(to, from, back) }
    }

    /// A segment there; `numbers`: sequence and acknowledgment number.
    pub fn frame(&mut self, src: End, dst: End, numbers: (u32, u32), flags: u8) -> &[u8] {
        fill(&mut self.there, src, dst, numbers, flags)
    }

    /// A segment back.
    pub fn answer(&mut self, src: End, dst: End, numbers: (u32, u32), flags: u8) -> &[u8] {
        fill(&mut self.back, src, dst, numbers, flags)
    }
}

/// Fills in what differs, and counts the identification on.
fn fill(frame: &mut [u8], src: End, dst: End, numbers: (u32, u32), flags: u8) -> &[u8] {
    let id = u16::from_be_bytes([frame[18], frame[19]]).wrapping_add(1);
    frame[18..20].copy_from_slice(&id.to_be_bytes());
    frame[26..30].copy_from_slice(&src.0);
    frame[30..34].copy_from_slice(&dst.0);
    frame[34..36].copy_from_slice(&src.1.to_be_bytes());
    frame[36..38].copy_from_slice(&dst.1.to_be_bytes());
    frame[38..42].copy_from_slice(&numbers.0.to_be_bytes());
    frame[42..46].copy_from_slice(&numbers.1.to_be_bytes());
    frame[47] = flags;
    frame
}

/// A capture file in memory, a frame every ten microseconds.
#[derive(Debug, Default)]
pub struct File {
    records: Vec<u8>,
    frames: u32,
}

impl File {
    pub fn add(&mut self, frame: &[u8]) {
        let us = 1_700_000_000_000_000 + u64::from(self.frames) * 10;
        let length = frame.len() as u32;
        for word in [(us / 1_000_000) as u32, (us % 1_000_000) as u32, length, length] {
            self.records.extend(word.to_le_bytes());
        }
        self.records.extend(frame);
        self.frames += 1;
    }

    /// As pcap.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24 + self.records.len());
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1] {
            bytes.extend(u32::to_le_bytes(word));
        }
        bytes.extend(&self.records);
        bytes
    }

    /// Writes it as pcap.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}
