//! The Internet checksum (RFC 1071), carried over by what has changed (RFC 1624).

/// The one's complement sum of bytes, in 16 bits.
pub(super) fn sum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    fold(words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>() + last)
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

pub(super) fn add(a: u16, b: u16) -> u16 {
    fold(u64::from(a) + u64::from(b))
}

/// The checksum over what sums to `new`, where it was `checksum` over what summed to
/// `old` (RFC 1624, equation 3). Both sums are without the checksum.
pub(super) fn carried(checksum: u16, old: u16, new: u16) -> u16 {
    !add(add(!checksum, !old), new)
}

/// Carries the checksum at `at` over, where both slices have it. `around` are the sums
/// of what it covers besides: pseudo headers.
pub(super) fn carry(old: &[u8], new: &mut [u8], at: usize, around: (u16, u16)) {
    let Some(word) = old.get(at..).and_then(<[u8]>::first_chunk::<2>) else { return };
    if new.get(at..at + 2).is_none() {
        return;
    }
    let checksum = u16::from_be_bytes(*word);
    new[at..at + 2].fill(0);
    let before = add(add(sum(old), !checksum), around.0);
    let after = add(sum(new), around.1);
    new[at..at + 2].copy_from_slice(&carried(checksum, before, after).to_be_bytes());
}

/// The same for TCP, whose checksum may be left to a network card: then it is the sum of
/// the pseudo header (RFC 9293, section 3.1), which is no wrong checksum, and stays so.
pub(super) fn carry_tcp(old: &[u8], new: &mut [u8], addresses: (u16, u16)) {
    let (Ok(length), Some(word)) =
        (u16::try_from(old.len()), old.get(16..).and_then(<[u8]>::first_chunk::<2>))
    else {
        return;
    };
    let pseudo = |addresses| add(add(addresses, 6), length);
    if u16::from_be_bytes(*word) == pseudo(addresses.0) && new.len() == old.len() {
        new[16..18].copy_from_slice(&pseudo(addresses.1).to_be_bytes());
    } else {
        carry(old, new, 16, addresses);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_right(bytes: &[u8]) -> bool {
        sum(bytes) == 0xffff
    }

    #[test]
    fn a_sum_that_was_left_to_the_card_is_left_to_it() {
        let mut old = [7u8; 20];
        old[16..18].copy_from_slice(&(0x1234u16 + 6 + 20).to_be_bytes());
        let mut new = [0u8; 20];
        carry_tcp(&old, &mut new, (0x1234, 0x4321));
        assert_eq!(new[16..18], (0x4321u16 + 6 + 20).to_be_bytes());
        old[16] ^= 1;
        carry_tcp(&old, &mut new, (0x1234, 0x4321));
        assert_ne!(new[16..18], (0x4321u16 + 6 + 20).to_be_bytes());
    }

    #[test]
    fn right_stays_right_and_wrong_stays_wrong() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for len in [20usize, 21, 60] {
            for _ in 0..500 {
                let mut old: Vec<u8> = (0..len).map(|_| next()).collect();
                old[10..12].fill(0);
                let right = !sum(&old);
                let wrong = u16::from(next()) % 3 * 7;
                old[10..12].copy_from_slice(&right.wrapping_add(wrong).to_be_bytes());
                let was = is_right(&old);
                let mut new: Vec<u8> = old.iter().map(|byte| byte / 2).collect();
                carry(&old, &mut new, 10, (0, 0));
                assert_eq!(is_right(&new), was, "{old:?}");
            }
        }
    }
}
