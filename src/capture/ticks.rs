//! How captures count time: the units of pcapng interfaces (draft-ietf-opsawg-pcapng, section 4.2:
//! `if_tsresol`, `if_tsoffset`), in which a pcap file and a text tell theirs too.

use super::Timestamp;

/// How an interface counts time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticks {
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
    pub(super) fn new(resolution: u8, offset: i64) -> Self {
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
    pub(super) fn time(self, count: u64) -> Timestamp {
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
