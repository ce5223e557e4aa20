//! A list of frames as the bytes that a fuzzer changes, and as a capture.
//!
//! A byte for the link type, then for each frame its length (two bytes, little-endian), a byte
//! for the time since the one before, and its bytes.

use lbdiag::capture::LinkType;

/// Frames that are taken of one input.
const MAX_FRAMES: usize = 400;

/// The link types that are decoded.
pub const LINKS: [LinkType; 12] = [
    LinkType::ETHERNET,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::RAW,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::PPP,
    LinkType::PPP_HDLC,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType(12),
    LinkType(14),
];

/// Most inputs are Ethernet.
pub fn link(byte: u8) -> LinkType {
    if byte < 200 { LinkType::ETHERNET } else { LINKS[usize::from(byte) % LINKS.len()] }
}

/// The byte that stands for a link type.
pub fn link_byte(link: LinkType) -> Option<u8> {
    let at = LINKS.iter().position(|l| *l == link)?;
    if at == 0 { Some(0) } else { (200..=255).find(|b| usize::from(*b) % LINKS.len() == at) }
}

/// A frame.
#[derive(Clone)]
pub struct Frame {
    /// Time since the one before, see [`step`].
    pub dt: u8,
    pub data: Vec<u8>,
}

pub fn unpack(bytes: &[u8]) -> (u8, Vec<Frame>) {
    let Some((&link, mut rest)) = bytes.split_first() else { return (0, Vec::new()) };
    let mut frames = Vec::new();
    while let [lo, hi, dt, tail @ ..] = rest
        && frames.len() < MAX_FRAMES
    {
        let len = usize::from(u16::from_le_bytes([*lo, *hi])).min(tail.len());
        frames.push(Frame { dt: *dt, data: tail[..len].to_vec() });
        rest = &tail[len..];
    }
    (link, frames)
}

pub fn pack(link: u8, frames: &[Frame]) -> Vec<u8> {
    let mut out = vec![link];
    for frame in frames {
        let len = frame.data.len().min(usize::from(u16::MAX));
        out.extend((len as u16).to_le_bytes());
        out.push(frame.dt);
        out.extend(&frame.data[..len]);
    }
    out
}

/// Nanoseconds: microseconds, milliseconds and seconds, and clocks that jump.
fn step(dt: u8) -> i64 {
    match i64::from(dt) {
        n @ 0..=99 => n * 10_000,
        n @ 100..=199 => (n - 100) * 1_000_000,
        n @ 200..=250 => (n - 200) * 1_000_000_000,
        251 => -1_000_000,
        252 => -3_600_000_000_000,
        253 => i64::from(u32::MAX) * 500_000_000,
        254 => 400_000_000_000,
        _ => 86_400_000_000_000,
    }
}

/// The frames as a pcap file with nanoseconds; some say that they were longer.
pub fn capture(link: LinkType, frames: &[Frame]) -> Vec<u8> {
    let mut out = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
    out.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    out.extend(u32::from(link.0).to_le_bytes());
    let mut time = 1_700_000_000_000_000_000_i64;
    for frame in frames {
        time = time.wrapping_add(step(frame.dt)).max(0);
        let len = frame.data.len() as u32;
        let wire = len + if frame.dt == 7 { 1000 } else { 0 };
        for word in [(time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32, len, wire] {
            out.extend(word.to_le_bytes());
        }
        out.extend(&frame.data);
    }
    out
}
