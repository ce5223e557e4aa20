//! Types of pcapng blocks, and those that describe interfaces (draft-ietf-opsawg-pcapng, sections 4.2 and 4.6).
//!
//! pcap-parser walks the options. Their values are read here: its own accessors take 8-byte values
//! for little-endian in every file and refuse resolutions that are powers of two.

use pcap_parser::{PcapError, parse_option_be, parse_option_le};

use crate::capture::{Interface, LinkType, Timestamp};

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

/// How an interface counts time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::capture) struct Ticks {
    unit: Unit,
    /// Seconds to add (`if_tsoffset`).
    offset: i64,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Unit {
    /// A tick is this many nanoseconds.
    Times(u64),
    /// A nanosecond is this many ticks.
    Over(u64),
    /// A second is two to the power of this many ticks.
    Binary(u32),
}

impl Default for Ticks {
    /// Microseconds, as pcapng has it without `if_tsresol`.
    fn default() -> Self {
        Self { unit: Unit::Times(1000), offset: 0 }
    }
}

impl Ticks {
    /// From the values of `if_tsresol` and `if_tsoffset`.
    pub(in crate::capture) fn new(resolution: u8, offset: i64) -> Self {
        let power = u32::from(resolution & 0x7f);
        let unit = if resolution & 0x80 != 0 {
            Unit::Binary(power)
        } else if power <= 9 {
            Unit::Times(10u64.pow(9 - power))
        } else {
            // Finer than a 64-bit count can hold even one nanosecond of: time stands still.
            Unit::Over(10u64.checked_pow(power - 9).unwrap_or(u64::MAX))
        };
        Self { unit, offset }
    }

    /// The time that a count stands for.
    #[inline]
    pub(in crate::capture) fn time(self, count: u64) -> Timestamp {
        let nanoseconds = match self.unit {
            Unit::Times(n) => count.checked_mul(n).and_then(|n| i64::try_from(n).ok()),
            Unit::Over(n) => i64::try_from(count / n).ok(),
            Unit::Binary(power) => {
                let n = (u128::from(count) * 1_000_000_000) >> power;
                i64::try_from(n).ok()
            }
        };
        let nanoseconds = nanoseconds.unwrap_or(i64::MAX);
        if self.offset == 0 {
            return Timestamp(nanoseconds);
        }
        Timestamp(nanoseconds.saturating_add(self.offset.saturating_mul(1_000_000_000)))
    }
}

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

#[cfg(test)]
mod tests {
    use super::{Ticks, Timestamp};

    #[test]
    fn powers_of_ten_and_of_two_become_nanoseconds() {
        assert_eq!(Ticks::default().time(1_500_000), Timestamp(1_500_000_000));
        assert_eq!(Ticks::new(9, 0).time(7), Timestamp(7));
        assert_eq!(Ticks::new(0, 0).time(7), Timestamp(7_000_000_000));
        assert_eq!(Ticks::new(12, 0).time(7_999), Timestamp(7));
        assert_eq!(Ticks::new(0x80 | 10, 0).time(1024 + 512), Timestamp(1_500_000_000));
        assert_eq!(Ticks::new(6, -1).time(1_500_000), Timestamp(500_000_000));
    }

    #[test]
    fn absurd_scales_are_clamped() {
        assert_eq!(Ticks::new(0, 0).time(u64::MAX), Timestamp(i64::MAX));
        assert_eq!(Ticks::new(127, 0).time(u64::MAX >> 1), Timestamp(0));
        assert_eq!(Ticks::new(0xff, 0).time(u64::MAX), Timestamp(0));
        assert_eq!(Ticks::new(6, i64::MIN).time(0), Timestamp(i64::MIN));
    }
}
