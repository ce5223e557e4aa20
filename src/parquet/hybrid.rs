//! Runs and packed bits in one stream: levels and places in a dictionary (Parquet, Encodings, RLE).

use super::Fault;
use super::thrift::{take_varint, varint};

/// Values that are packed together.
const TOGETHER: usize = 8;

/// Bits that the greatest of a list takes.
pub(super) fn width(greatest: u32) -> u8 {
    (u32::BITS - greatest.leading_zeros()) as u8
}

/// Appends numbers of `width` bits, the lowest first, in eights, of which the last is filled up.
fn pack<T: Copy + Into<u32>>(out: &mut Vec<u8>, values: &[T], width: u8) {
    let (mut held, mut bits) = (0u64, 0u32);
    for value in values {
        held |= u64::from((*value).into()) << bits;
        bits += u32::from(width);
        if bits >= u32::BITS {
            out.extend_from_slice(&(held as u32).to_le_bytes());
            held >>= u32::BITS;
            bits -= u32::BITS;
        }
    }
    // Eights of any width end with a byte.
    let filling = values.len().next_multiple_of(TOGETHER) - values.len();
    let rest = bits as usize + filling * usize::from(width);
    out.extend_from_slice(&held.to_le_bytes()[..(bits as usize).div_ceil(8)]);
    out.resize(out.len() + rest / 8 - (bits as usize).div_ceil(8), 0);
}

/// Appends one value many times.
pub(super) fn run(out: &mut Vec<u8>, value: u32, times: usize, width: u8) {
    varint(out, times as u64 * 2);
    out.extend_from_slice(&value.to_le_bytes()[..usize::from(width).div_ceil(8)]);
}

/// Appends values, each of `width` bits.
pub(super) fn write<T: Copy + Into<u32> + PartialEq>(out: &mut Vec<u8>, values: &[T], width: u8) {
    // Where those begin that are not written yet, in eights, and where the look at them stands.
    let (mut begin, mut at) = (0, 0);
    while at < values.len() {
        let one = values[at];
        let alike = values[at..].iter().take_while(|value| **value == one).count();
        // Only what fills eights may come before a run.
        let before = (at - begin).next_multiple_of(TOGETHER) - (at - begin);
        if alike >= before + TOGETHER {
            single(out, &values[begin..at + before], width);
            run(out, one.into(), alike - before, width);
            begin = at + alike;
        }
        at += alike;
    }
    single(out, &values[begin..], width);
}

/// Appends values that are not in runs.
fn single<T: Copy + Into<u32>>(out: &mut Vec<u8>, values: &[T], width: u8) {
    if !values.is_empty() {
        varint(out, values.len().div_ceil(TOGETHER) as u64 * 2 + 1);
        pack(out, values, width);
    }
}

/// Reads `count` values of `width` bits; the caller bounds `count`.
pub(super) fn read(mut from: &[u8], count: usize, width: u8) -> Result<Vec<u32>, Fault> {
    const CUT: Fault = Fault::Damaged("a run is cut off");
    if width > 32 {
        return Err(Fault::Damaged("values are too wide"));
    }
    let mut values = Vec::new();
    while values.len() < count {
        let left = count - values.len();
        let head = take_varint(&mut from)?;
        let length = usize::try_from(head >> 1).map_err(|_| CUT)?;
        if length == 0 {
            return Err(Fault::Damaged("a run has no length"));
        }
        if head & 1 == 0 {
            let (bytes, rest) = from.split_at_checked(usize::from(width).div_ceil(8)).ok_or(CUT)?;
            from = rest;
            let mut value = [0; 4];
            value[..bytes.len()].copy_from_slice(bytes);
            values.resize(values.len() + length.min(left), u32::from_le_bytes(value));
        } else {
            let bytes = length.checked_mul(usize::from(width)).ok_or(CUT)?;
            // The last run may end before its padding does.
            let (packed, rest) = from.split_at(bytes.min(from.len()));
            from = rest;
            let eights = length.saturating_mul(TOGETHER).min(left);
            if packed.len() * 8 < eights * usize::from(width) {
                return Err(CUT);
            }
            values.extend(Bits::new(packed, width).take(eights).map(|value| value as u32));
        }
    }
    Ok(values)
}

/// Numbers of up to 64 bits, the lowest first.
pub(super) struct Bits<'a> {
    from: &'a [u8],
    held: u128,
    bits: u32,
    width: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(from: &'a [u8], width: u8) -> Self {
        Self { from, held: 0, bits: 0, width }
    }
}

impl Iterator for Bits<'_> {
    type Item = u64;

    /// What lies beyond the end is zero.
    fn next(&mut self) -> Option<u64> {
        let width = u32::from(self.width);
        while self.bits < width {
            let [byte, rest @ ..] = self.from else { break };
            self.from = rest;
            self.held |= u128::from(*byte) << self.bits;
            self.bits += 8;
        }
        let value = (self.held & ((1 << width) - 1)) as u64;
        self.held >>= width;
        self.bits = self.bits.saturating_sub(width);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_single_values_come_back() {
        let mut values: Vec<u32> = vec![1; 100];
        values.extend([0, 1, 2, 3, 3, 3]);
        values.extend([7; 30]);
        values.push(5);
        for end in 0..values.len() {
            let mut out = Vec::new();
            write(&mut out, &values[..end], 3);
            assert_eq!(read(&out, end, 3).unwrap(), values[..end]);
        }
        let wide = [u32::MAX, 0, 1];
        let mut out = Vec::new();
        write(&mut out, &wide, 32);
        assert_eq!(read(&out, 3, 32).unwrap(), wide);
    }

    #[test]
    fn a_claimed_run_gives_no_more_than_was_asked() {
        let mut out = Vec::new();
        varint(&mut out, u64::from(u32::MAX) * 2);
        out.push(1);
        assert_eq!(read(&out, 5, 1).unwrap(), [1; 5]);
        assert!(read(&[0, 0, 0], 5, 1).is_err());
    }
}
