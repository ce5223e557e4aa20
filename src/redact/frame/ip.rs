//! IPv4 and IPv6 headers with what they lead to.

use super::sum::{carry, sum};
use super::transport;
use super::{MAX_DEPTH, StandIns, copy};
use crate::wire::Ip;

/// Extension headers that are walked.
const MAX_EXTENSIONS: usize = 8;

/// Sums of the pseudo headers (RFC 9293, section 3.1; RFC 8200, section 8.1), as far as
/// they change: of the addresses, before and after.
pub(super) type Around = (u16, u16);

/// A packet of either version.
pub(super) fn packet(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    match old.first().map(|byte| byte >> 4) {
        _ if depth > MAX_DEPTH => {}
        Some(4) => v4(with, old, new, depth),
        Some(6) => v6(with, old, new, depth),
        _ => {}
    }
}

/// Puts a stand-in in the place of an IPv4 address.
pub(super) fn v4_at(with: &mut impl StandIns, bytes: &mut [u8], at: usize) {
    if let Some(bytes) = bytes.get_mut(at..at + 4)
        && let Some(octets) = bytes.first_chunk::<4>()
    {
        let to = with.ip(Ip::v4(*octets));
        if let std::net::IpAddr::V4(to) = to.addr() {
            bytes.copy_from_slice(&to.octets());
        }
    }
}

/// The same for IPv6, also for an address that holds an IPv4 one.
pub(super) fn v6_at(with: &mut impl StandIns, bytes: &mut [u8], at: usize) {
    if let Some(bytes) = bytes.get_mut(at..at + 16)
        && let Some(octets) = bytes.first_chunk::<16>()
    {
        let octets = match with.ip(Ip::v6(*octets)).addr() {
            std::net::IpAddr::V4(to) => to.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(to) => to.octets(),
        };
        bytes.copy_from_slice(&octets);
    }
}

fn v4(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    let header = usize::from(old[0] & 0xf) * 4;
    if header < 20 || !copy(old, new, 0, 20) {
        new.fill(0);
        return;
    }
    v4_at(with, new, 12);
    v4_at(with, new, 16);
    let header = header.min(old.len());
    // Options hold routes; NOPs take as much room (RFC 791, section 3.1).
    new[20..header].fill(1);
    carry(&old[..header], &mut new[..header], 10, (0, 0));
    let total = match usize::from(u16::from_be_bytes([old[2], old[3]])) {
        // Segmentation offload leaves the field 0.
        0 => old.len(),
        total => total.clamp(header, old.len()),
    };
    let is_later = u16::from_be_bytes([old[6], old[7]]) & 0x1fff != 0;
    let around = (sum(&old[12..20]), sum(&new[12..20]));
    if !is_later {
        let (inner, new) = (&old[header..total], &mut new[header..total]);
        transport::payload(with, old[9], inner, new, around, depth);
    }
}

fn v6(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    if !copy(old, new, 0, 40) {
        new.fill(0);
        return;
    }
    v6_at(with, new, 8);
    v6_at(with, new, 24);
    let around = (sum(&old[8..40]), sum(&new[8..40]));
    let total = match usize::from(u16::from_be_bytes([old[4], old[5]])) {
        0 => old.len(),
        payload => (40 + payload).min(old.len()),
    };
    let (mut next, mut at) = (old[6], 40);
    for _ in 0..MAX_EXTENSIONS {
        let Some([following, len, ..]) = old.get(at..total).filter(|rest| rest.len() >= 8) else {
            break;
        };
        let len = usize::from(*len);
        let (size, is_later) = match next {
            // Options become Pad1, which is a zero.
            0 | 60 => {
                copy(old, new, at, 2);
                (8 + len * 8, false)
            }
            43 => {
                let size = 8 + len * 8;
                copy(old, new, at, 8);
                for segment in (at + 8..(at + size).min(total)).step_by(16) {
                    if segment + 16 <= total {
                        copy(old, new, segment, 16);
                        v6_at(with, new, segment);
                    }
                }
                (size, false)
            }
            44 => {
                copy(old, new, at, 8);
                (8, u16::from_be_bytes([old[at + 2], old[at + 3]]) & 0xfff8 != 0)
            }
            _ => break,
        };
        if is_later || at + size > total {
            return;
        }
        next = *following;
        at += size;
    }
    transport::payload(with, next, &old[at..total], &mut new[at..total], around, depth);
}
