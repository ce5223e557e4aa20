//! Types of pcapng blocks, and those that describe interfaces (draft-ietf-opsawg-pcapng, sections 4.2 and 4.6).
//!
//! pcap-parser walks the options. Their values are read here: its own accessors take 8-byte values
//! for little-endian in every file and refuse resolutions that are powers of two.

use pcap_parser::{PcapError, parse_option_be, parse_option_le};

use crate::capture::ticks::Ticks;
use crate::capture::{Interface, LinkType};

// Types of blocks, as the format calls them.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE: u32 = 1;
pub(super) const PACKET: u32 = 2;
pub(super) const SIMPLE: u32 = 3;
pub(super) const STATISTICS: u32 = 5;
pub(super) const ENHANCED: u32 = 6;
pub(super) const SECRETS: u32 = 10;

/// Longest name or description that is kept, in bytes.
const TEXT: usize = 256;

/// Reads a number of a section's byte order.
pub(super) fn word(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let b = bytes.get(at..)?.first_chunk::<4>()?;
    Some(if big { u32::from_be_bytes(*b) } else { u32::from_le_bytes(*b) })
}

/// The same for two bytes.
pub(super) fn half(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let b = bytes.get(at..)?.first_chunk::<2>()?;
    Some(if big { u16::from_be_bytes(*b) } else { u16::from_le_bytes(*b) })
}

fn long(bytes: &[u8], big: bool) -> Option<u64> {
    let b = bytes.first_chunk::<8>()?;
    Some(if big { u64::from_be_bytes(*b) } else { u64::from_le_bytes(*b) })
}

/// Calls `each` with code and value of every option up to the end, or to the first that is broken.
fn options(mut bytes: &[u8], big: bool, mut each: impl FnMut(u16, &[u8])) {
    loop {
        let parsed = if big {
            parse_option_be::<PcapError<&[u8]>>(bytes)
        } else {
            parse_option_le::<PcapError<&[u8]>>(bytes)
        };
        let Ok((rest, option)) = parsed else { return };
        // opt_endofopt
        if option.code.0 == 0 {
            return;
        }
        if let Ok(value) = option.as_bytes() {
            each(option.code.0, value);
        }
        bytes = rest;
    }
}

fn text(value: &[u8]) -> Option<String> {
    let value = value.split(|b| *b == 0).next().unwrap_or(value);
    let value = &value[..value.len().min(TEXT)];
    (!value.is_empty()).then(|| String::from_utf8_lossy(value).into_owned())
}

/// Interface Description Block: `body` is what lies between the two lengths. `None`: too short.
pub(super) fn description(body: &[u8], big: bool) -> Option<Interface> {
    let link_type = LinkType(half(body, 0, big)?);
    let snaplen = word(body, 4, big)?;
    let (mut name, mut description) = (None, None);
    let (mut resolution, mut offset) = (6, 0);
    options(&body[8..], big, |code, value| match code {
        2 => name = text(value),
        3 => description = text(value),
        9 => resolution = value.first().copied().unwrap_or(resolution),
        14 => offset = long(value, big).map_or(offset, u64::cast_signed),
        _ => {}
    });
    Some(Interface {
        name,
        description,
        link_type,
        snaplen,
        frames: 0,
        dropped: None,
        received: None,
        ticks: Ticks::new(resolution, offset),
    })
}

/// Interface Statistics Block: notes its counts in the interface. `body` begins with the interface.
pub(super) fn statistics(body: &[u8], big: bool, interface: &mut Interface) {
    let (mut received, mut by_interface, mut by_system) = (None, None, None);
    options(body.get(12..).unwrap_or_default(), big, |code, value| match code {
        4 => received = long(value, big),
        5 => by_interface = long(value, big),
        7 => by_system = long(value, big),
        _ => {}
    });
    if received.is_some() {
        interface.received = received;
    }
    // The counts are totals since the capture began, so the last block holds them all.
    if let (Some(a), b) | (b, Some(a)) = (by_interface, by_system) {
        interface.dropped = Some(a.saturating_add(b.unwrap_or(0)));
    }
}
