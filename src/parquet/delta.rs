//! Numbers as differences to the one before, packed (Parquet, Encodings, DELTA_BINARY_PACKED).

use super::Fault;
use super::hybrid::Bits;
use super::thrift::{take_varint, unzigzag, varint, zigzag};

/// Differences that share a least one.
const BLOCK: usize = 128;
/// Of these, that share a width.
const MINI: usize = 32;
/// What readers are to take from others: block sizes and parts of a block.
const MOST: u64 = 1 << 16;

/// The difference of two, in as many bits as the column has.
fn difference(after: i64, before: i64, narrow: bool) -> i64 {
    if narrow {
        i64::from((after as i32).wrapping_sub(before as i32))
    } else {
        after.wrapping_sub(before)
    }
}

/// Appends numbers; `narrow` ones are of 32 bits.
pub(super) fn write(out: &mut Vec<u8>, values: &[i64], narrow: bool) {
    let number = |value: i64| if narrow { i64::from(value as i32) } else { value };
    varint(out, BLOCK as u64);
    varint(out, (BLOCK / MINI) as u64);
    varint(out, values.len() as u64);
    varint(out, zigzag(number(values.first().copied().unwrap_or(0))));
    for at in (1..values.len()).step_by(BLOCK) {
        // Each with the one before it.
        let pairs = &values[at - 1..values.len().min(at + BLOCK)];
        let mut above = [0; BLOCK];
        let deltas = &mut above[..pairs.len() - 1];
        for (delta, two) in deltas.iter_mut().zip(pairs.windows(2)) {
            *delta = difference(two[1], two[0], narrow);
        }
        let least = deltas.iter().copied().min().unwrap_or(0);
        varint(out, zigzag(least));
        let mask = if narrow { i64::from(u32::MAX) } else { -1 };
        deltas.iter_mut().for_each(|delta| *delta = delta.wrapping_sub(least) & mask);
        let (minis, _) = above.as_chunks::<MINI>();
        let widths = minis.iter().map(|mini| {
            (u64::BITS - (mini.iter().fold(0, |all, one| all | one) as u64).leading_zeros()) as u8
        });
        out.extend(widths.clone());
        // Those that are not there have no bits.
        let used = (pairs.len() - 1).div_ceil(MINI);
        for (mini, width) in minis.iter().zip(widths).take(used) {
            pack(out, mini, width);
        }
    }
}

/// Appends one part of a block: of each number as many bits.
fn pack(out: &mut Vec<u8>, values: &[i64; MINI], width: u8) {
    let (mut held, mut bits) = (0u128, 0u32);
    for value in values {
        held |= u128::from(*value as u64) << bits;
        bits += u32::from(width);
        if bits >= u64::BITS {
            out.extend_from_slice(&(held as u64).to_le_bytes());
            held >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
    // Thirty-two of any width end with a byte.
    out.extend_from_slice(&(held as u64).to_le_bytes()[..bits as usize / 8]);
}

/// Reads `count` numbers; the caller bounds `count`.
pub(super) fn read(mut from: &[u8], count: usize, narrow: bool) -> Result<Vec<i64>, Fault> {
    const CUT: Fault = Fault::Damaged("numbers are cut off");
    let (block, minis) = (take_varint(&mut from)?, take_varint(&mut from)?);
    let held = take_varint(&mut from)?;
    let mut value = unzigzag(take_varint(&mut from)?);
    if held != count as u64 || block > MOST || minis == 0 || minis > block {
        return Err(Fault::Damaged("numbers are miscounted"));
    }
    let (minis, each) = (minis as usize, (block / minis) as usize);
    if each % 8 != 0 || each == 0 {
        return Err(Fault::Damaged("numbers are packed in odd parts"));
    }
    let number = |value: i64| if narrow { i64::from(value as u32) } else { value };
    let mut values = Vec::new();
    if count > 0 {
        values.push(number(value));
    }
    while values.len() < count {
        let least = unzigzag(take_varint(&mut from)?);
        let (widths, rest) = from.split_at_checked(minis).ok_or(CUT)?;
        from = rest;
        for width in widths {
            if values.len() >= count {
                break;
            }
            if *width > 64 {
                return Err(Fault::Damaged("numbers are too wide"));
            }
            let (packed, rest) =
                from.split_at_checked(each / 8 * usize::from(*width)).ok_or(CUT)?;
            from = rest;
            for above in Bits::new(packed, *width).take(each.min(count - values.len())) {
                value = value.wrapping_add(least).wrapping_add(above as i64);
                values.push(number(value));
            }
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let wide = [0, 1, -1, i64::MAX, i64::MIN, 5, 5, 5, 1 << 40];
        let narrow = [0, u32::MAX, 1, 1 << 31, 7].map(i64::from);
        for (values, is_narrow) in [(&wide[..], false), (&narrow[..], true)] {
            let many: Vec<i64> = values.iter().cycle().take(700).copied().collect();
            for end in [0, 1, 2, 33, 128, 129, 130, 700] {
                let mut out = Vec::new();
                write(&mut out, &many[..end], is_narrow);
                assert_eq!(read(&out, end, is_narrow).unwrap(), many[..end]);
            }
        }
    }

    #[test]
    fn what_rises_evenly_takes_next_to_nothing() {
        let values: Vec<i64> = (0..12_800).map(|at| (1 << 50) + at * 3).collect();
        let mut out = Vec::new();
        write(&mut out, &values, false);
        assert!(out.len() < 700, "{}", out.len());
    }
}
