//! What IP carries: TCP, UDP, tunnels; ICMP and VRRP are in `message`.

use super::address::{Around, v4_at, v6_at};
use super::sum::{carry, carry_tcp};
use super::{StandIns, copy, ethernet, message, packet, payload as said};

/// Puts what is known of a protocol into `new`; nothing of another.
pub(super) fn payload(
    with: &mut impl StandIns,
    protocol: u8,
    old: &[u8],
    new: &mut [u8],
    around: Around,
    depth: u8,
) {
    match protocol {
        1 => message::icmp(with, old, new, depth),
        4 | 41 => packet(with, old, new, depth + 1),
        6 => tcp(with, old, new, around),
        17 => udp(with, old, new, around, depth),
        47 => gre(with, old, new, depth),
        58 => message::icmpv6(with, old, new, around, depth),
        112 => message::vrrp(with, old, new, around),
        _ => {}
    }
}

/// TCP (RFC 9293); what an ICMP error quotes of it may be its first eight bytes.
fn tcp(with: &mut impl StandIns, old: &[u8], new: &mut [u8], around: Around) {
    if !copy(old, new, 0, 20) {
        return;
    }
    let header = (usize::from(old[12] >> 4) * 4).clamp(20, old.len());
    options(with, &old[20..header], &mut new[20..header]);
    said::tcp(with, &old[header..], &mut new[header..]);
    carry_tcp(old, new, around);
}

/// TCP options: those of the handshake, SACK and timestamps as they are, the client's
/// address replaced, of all others their kind and length.
fn options(with: &mut impl StandIns, old: &[u8], new: &mut [u8]) {
    let mut at = 0;
    while let Some(&kind) = old.get(at) {
        new[at] = kind;
        let len = match kind {
            0 => return,
            1 => 1,
            _ => match old.get(at + 1).map(|len| usize::from(*len)) {
                Some(len) if len >= 2 && at + len <= old.len() => len,
                // Cut or malformed: what is left cannot be told apart.
                _ => return,
            },
        };
        match (kind, len) {
            (1, _) => {}
            (2..=5 | 8 | 28, _) => {
                copy(old, new, at, len);
            }
            // A balancer's: port, then address (see `TcpOptions::toa`).
            (252..=254, 8) => {
                copy(old, new, at, len);
                v4_at(with, new, at + 4);
            }
            (252..=254, 20 | 22) => {
                copy(old, new, at, len);
                v6_at(with, new, at + 4);
                new[(at + 20).min(at + len)..at + len].fill(0);
            }
            _ => {
                copy(old, new, at, 2);
            }
        }
        at += len;
    }
}

/// UDP (RFC 768), with tunnels where the port is one of theirs.
fn udp(with: &mut impl StandIns, old: &[u8], new: &mut [u8], around: Around, depth: u8) {
    if !copy(old, new, 0, 8) {
        return;
    }
    let (inner, inside) = (&old[8..], &mut new[8..]);
    match u16::from_be_bytes([old[2], old[3]]) {
        4789 | 8472 if copy(inner, inside, 0, 8) => {
            ethernet(with, &inner[8..], &mut inside[8..], depth + 1);
        }
        6081 => geneve(with, inner, inside, depth),
        6080 | 5555 | 9737 | 9886 | 19523 => gue(with, inner, inside, depth),
        _ => {}
    }
    // A checksum of 0 is none; one that comes out as 0 is written as its complement.
    if old[6..8] != [0, 0] {
        carry(old, new, 6, around);
        if new[6..8] == [0, 0] {
            new[6..8].fill(0xff);
        }
    }
}

/// Geneve (RFC 8926); options keep their class, type and length.
fn geneve(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    if !copy(old, new, 0, 8) {
        return;
    }
    let end = 8 + usize::from(old[0] & 0x3f) * 4;
    let mut at = 8;
    while at + 4 <= end && copy(old, new, at, 4) {
        at += 4 + usize::from(old[at + 3] & 0x1f) * 4;
    }
    inside(with, u16::from_be_bytes([old[2], old[3]]), old, new, end, depth);
}

/// GUE and FOU (draft-ietf-intarea-gue).
fn gue(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    match old.first().map(|byte| byte >> 6) {
        Some(0) if copy(old, new, 0, 4) => {
            let at = 4 + usize::from(old[0] & 0x1f) * 4;
            if let (Some(inner), Some(inside)) = (old.get(at..), new.get_mut(at..)) {
                match old[1] {
                    4 | 41 => packet(with, inner, inside, depth + 1),
                    47 => gre(with, inner, inside, depth),
                    _ => {}
                }
            }
        }
        Some(1) => packet(with, old, new, depth + 1),
        _ => {}
    }
}

/// GRE (RFC 2784, RFC 2890) and what mirrors put in it (draft-foschiano-erspan).
fn gre(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    if !copy(old, new, 0, 4) || old[0] & 0x4c != 0 || old[1] & 7 != 0 {
        new.fill(0);
        return;
    }
    let has = |bit: u8| usize::from(old[0] & bit != 0) * 4;
    let at = 4 + has(0x80) + has(0x20) + has(0x10);
    if !copy(old, new, 4, at - 4) {
        return;
    }
    let kind = u16::from_be_bytes([old[2], old[3]]);
    let extra = match kind {
        0x88be if has(0x10) > 0 => 8,
        0x22eb => 12 + usize::from(old.get(at + 11).is_some_and(|b| b & 1 == 1)) * 8,
        _ => 0,
    };
    copy(old, new, at, extra);
    inside(with, kind, old, new, at + extra, depth);
    if has(0x80) > 0 {
        carry(old, new, 4, (0, 0));
    }
}

/// What an EtherType in a tunnel's header says is at `at`.
fn inside(with: &mut impl StandIns, kind: u16, old: &[u8], new: &mut [u8], at: usize, depth: u8) {
    let (Some(old), Some(new)) = (old.get(at..), new.get_mut(at..)) else { return };
    match kind {
        0x0800 | 0x86dd => packet(with, old, new, depth + 1),
        0x6558 | 0x88be | 0x22eb => ethernet(with, old, new, depth + 1),
        _ => {}
    }
}
