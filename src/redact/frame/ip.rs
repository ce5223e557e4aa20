//! IPv4 and IPv6 headers with what they lead to.

use super::address::{v4_at, v6_at};
use super::sum::{carry, sum};
use super::transport;
use super::{StandIns, copy};

/// Extension headers that are walked.
const MAX_EXTENSIONS: usize = 8;

pub(super) fn v4(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
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

pub(super) fn v6(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
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
