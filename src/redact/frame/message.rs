//! ICMP, ICMPv6 with neighbour discovery, and VRRP.

use super::address::{Around, v4_at, v6_at};
use super::sum::{carry, sum};
use super::{StandIns, copy, mac_at, packet};

/// ICMP (RFC 792): errors with what they quote; of all else the header.
pub(super) fn icmp(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    if !copy(old, new, 0, 8) {
        return;
    }
    match old[0] {
        3 | 4 | 11 | 12 => packet(with, &old[8..], &mut new[8..], depth + 1),
        5 => {
            v4_at(with, new, 4);
            packet(with, &old[8..], &mut new[8..], depth + 1);
        }
        _ => {}
    }
    carry(old, new, 2, (0, 0));
}

/// ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861).
pub(super) fn icmpv6(
    with: &mut impl StandIns,
    old: &[u8],
    new: &mut [u8],
    around: Around,
    depth: u8,
) {
    if !copy(old, new, 0, 8) {
        return;
    }
    // Where the addresses of a message end and its options begin.
    let fixed = match old[0] {
        1..=4 => {
            packet(with, &old[8..], &mut new[8..], depth + 1);
            None
        }
        133 => Some(8),
        134 => {
            copy(old, new, 8, 8);
            Some(16)
        }
        130..=132 => {
            addresses(with, old, new, 1);
            None
        }
        135 | 136 => Some(addresses(with, old, new, 1)),
        137 => Some(addresses(with, old, new, 2)),
        _ => None,
    };
    if let Some(at) = fixed {
        options(with, old, new, at, depth);
    }
    carry(old, new, 2, around);
}

/// Addresses behind the header; where they end.
fn addresses(with: &mut impl StandIns, old: &[u8], new: &mut [u8], count: usize) -> usize {
    for at in (0..count).map(|n| 8 + n * 16) {
        if at + 16 <= old.len() {
            copy(old, new, at, 16);
            v6_at(with, new, at);
        }
    }
    8 + count * 16
}

/// Options of neighbour discovery (RFC 4861, section 4.6).
fn options(with: &mut impl StandIns, old: &[u8], new: &mut [u8], mut at: usize, depth: u8) {
    while let Some([kind, len, ..]) = old.get(at..) {
        let size = usize::from(*len) * 8;
        if size == 0 || at + size > old.len() {
            return;
        }
        copy(old, new, at, 2);
        match kind {
            1 | 2 if size == 8 => {
                copy(old, new, at, 8);
                mac_at(with, new, at + 2);
            }
            3 if size == 32 => {
                copy(old, new, at, 32);
                v6_at(with, new, at + 16);
            }
            4 => packet(with, &old[at + 8..at + size], &mut new[at + 8..at + size], depth + 1),
            5 => {
                copy(old, new, at, 8);
            }
            _ => {}
        }
        at += size;
    }
}

/// VRRP versions 2 and 3 (RFC 3768, RFC 5798); the password of version 2 is not copied.
pub(super) fn vrrp(with: &mut impl StandIns, old: &[u8], new: &mut [u8], around: Around) {
    if !copy(old, new, 0, 8) {
        return;
    }
    let count = usize::from(old[3]);
    let is_v6 = old[0] >> 4 == 3 && old.len() >= 8 + count * 16;
    let size = if is_v6 { 16 } else { 4 };
    for at in (0..count).map(|n| 8 + n * size) {
        if at + size > old.len() {
            break;
        }
        copy(old, new, at, size);
        if is_v6 { v6_at(with, new, at) } else { v4_at(with, new, at) }
    }
    // keepalived sums version 3 over IPv4 with a pseudo header, others without.
    let alone = sum(old) == 0xffff;
    carry(old, new, 6, if alone { (0, 0) } else { around });
}
