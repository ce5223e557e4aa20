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
        block(out, pairs, narrow);
    }
}

/// Appends the differences of numbers that follow each other.
fn block(out: &mut Vec<u8>, pairs: &[i64], narrow: bool) {
    let mut deltas = [0; BLOCK];
    // Parts that are not there have no bits.
    let used = (pairs.len() - 1).div_ceil(MINI);
    let mut spans = [(i64::MAX, i64::MIN); BLOCK / MINI];
    for (at, span) in spans[..used].iter_mut().enumerate() {
        let pairs = &pairs[at * MINI..pairs.len().min((at + 1) * MINI + 1)];
        for (delta, two) in deltas[at * MINI..].iter_mut().zip(pairs.windows(2)) {
            // Differences wrap around in as many bits as the column has.
            let all = two[1].wrapping_sub(two[0]);
            *delta = if narrow { i64::from(all as i32) } else { all };
            *span = (span.0.min(*delta), span.1.max(*delta));
        }
    }
    let spans = &spans[..used];
    let least = base(spans, narrow);
    varint(out, zigzag(least));
    let mut widths = [0; BLOCK / MINI];
    for (width, span) in widths.iter_mut().zip(spans) {
        *width = width_above(*span, least, narrow);
    }
    out.extend_from_slice(&widths);
    deltas[pairs.len() - 1..].fill(least);
    let (parts, _) = deltas.as_chunks::<MINI>();
    for (part, width) in parts.iter().zip(widths).take(used) {
        pack(out, part, least, width);
    }
}

/// Bits for differences of this span above a base; those below it wrap around and take all there are.
fn width_above((least, most): (i64, i64), base: i64, narrow: bool) -> u8 {
    if least < base {
        return if narrow { 32 } else { 64 };
    }
    (u64::BITS - most.wrapping_sub(base).cast_unsigned().leading_zeros()) as u8
}

/// What all differences of a block are counted from, so that it takes least: the least one as a rule, but
/// one leap back, where rows go on to another service, would widen all others.
fn base(spans: &[(i64, i64)], narrow: bool) -> i64 {
    let bits = |base: i64| -> u32 {
        spans.iter().map(|span| u32::from(width_above(*span, base, narrow))).sum()
    };
    spans.iter().map(|span| span.0).min_by_key(|least| (bits(*least), *least)).unwrap_or(0)
}

/// Appends one part of a block: how far each number is above `least`, in as many bits.
fn pack(out: &mut Vec<u8>, values: &[i64; MINI], least: i64, width: u8) {
    let mask = u64::MAX.checked_shr(u64::BITS - u32::from(width)).unwrap_or(0);
    let above = values.map(|value| value.wrapping_sub(least).cast_unsigned() & mask);
    // Thirty-two of any width end with a byte, and those of half of a word with four.
    if width <= 32 {
        let (mut held, mut bits) = (0u64, 0u32);
        for value in above {
            held |= value << bits;
            bits += u32::from(width);
            if bits >= u32::BITS {
                out.extend_from_slice(&(held as u32).to_le_bytes());
                held >>= u32::BITS;
                bits -= u32::BITS;
            }
        }
        return;
    }
    let (mut held, mut bits) = (0u128, 0u32);
    for value in above {
        held |= u128::from(value) << bits;
        bits += u32::from(width);
        if bits >= u64::BITS {
            out.extend_from_slice(&(held as u64).to_le_bytes());
            held >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
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

    /// As frame numbers of rows that are sorted by service: eight bits, but for one leap of twenty.
    #[test]
    fn a_leap_back_widens_only_what_lies_beside_it() {
        let values: Vec<i64> = (0..1280).map(|at| 1000 * (at % 700) + at * at % 100).collect();
        let size = |values: &[i64], narrow| {
            let mut out = Vec::new();
            write(&mut out, values, narrow);
            assert_eq!(read(&out, values.len(), narrow).unwrap(), values);
            out.len()
        };
        let evenly = size(&values[..640], true) * 2;
        assert!(size(&values, true) < evenly + 110, "{}", size(&values, true) - evenly);
        // Of 64 bits such a part takes more than it spares.
        assert!(size(&values, false) < evenly + 200, "{}", size(&values, false) - evenly);
    }

    #[test]
    fn what_rises_evenly_takes_next_to_nothing() {
        let values: Vec<i64> = (0..12_800).map(|at| (1 << 50) + at * 3).collect();
        let mut out = Vec::new();
        write(&mut out, &values, false);
        assert!(out.len() < 700, "{}", out.len());
    }
}
