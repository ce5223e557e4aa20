//! Dumps in hexadecimal digits below a packet: tcpdump's `-x`, `-X`, `-xx`, `-XX`, tshark's `-x` and
//! what Wireshark exports. They are the packet itself, so all of its fields are known.

use std::net::IpAddr;

use super::build::{self, Built};
use super::shown::{Body, Layer, Shown, Stamp};
use crate::capture::{Known, LinkType};

/// Bytes of a line at most.
const LINE: usize = 16;

/// A line of a dump: where its bytes stand, if it says so, and the bytes.
pub(super) fn line(text: &str) -> Option<(Option<usize>, Vec<u8>)> {
    let trimmed = text.trim_start();
    let indented = trimmed.len() < text.len();
    let (offset, rest) = match trimmed.strip_prefix("0x") {
        Some(after) => {
            let (digits, rest) = after.split_once(':')?;
            (Some(usize::from_str_radix(digits, 16).ok()?), rest)
        }
        None => match trimmed.split_once("  ").filter(|(o, _)| matches!(o.len(), 4..=8)) {
            Some((digits, rest)) if pair(rest.trim_start()) => {
                (Some(usize::from_str_radix(digits, 16).ok()?), rest)
            }
            _ if indented => (None, trimmed),
            _ => return None,
        },
    };
    let bytes = digits(rest, offset.is_none())?;
    Some((offset, bytes))
}

/// Two digits and a blank: a byte of tshark's.
fn pair(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() >= 2 && b[..2].iter().all(u8::is_ascii_hexdigit) && b.get(2).is_none_or(|b| *b == b' ')
}

/// Groups of digits up to the column with characters. A line without an offset may hold nothing
/// else (versions before 3.9).
fn digits(text: &str, alone: bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(LINE);
    let mut rest = text.trim_start();
    while bytes.len() < LINE {
        let n = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let ends = rest.as_bytes().get(n).is_none_or(|b| *b == b' ' || *b == b'\t');
        if !matches!(n, 2 | 4) || !ends {
            if alone && !rest.is_empty() {
                return None;
            }
            break;
        }
        for at in (0..n).step_by(2) {
            bytes.push(u8::from_str_radix(&rest[at..at + 2], 16).ok()?);
        }
        rest = &rest[n..];
        match rest.strip_prefix(' ') {
            // Two blanks come before the characters.
            Some(next) if !next.starts_with(' ') => rest = next,
            _ => break,
        }
    }
    (!bytes.is_empty() && (!alone || rest.trim().is_empty())).then_some(bytes)
}

/// The frame that a dump is of; `None` where it is of no kind that is known here.
pub(super) fn frame(shown: &Shown, bytes: &[u8], out: &mut Vec<u8>) -> Option<Built> {
    out.clear();
    let all = Known::ALL.and_if(true, Known::TIME);
    let all = if shown.stamp == Stamp::None { all.without(Known::TIME) } else { all };
    let (link_type, known) = match at_network(shown, bytes) {
        // Without the header of the link, which the line may tell.
        Some(ether_type) => {
            let link_type = build::link(shown, ether_type, out);
            let both = Known::SRC_MAC.and(Known::DST_MAC);
            (link_type, all.without(both).and(build::macs(shown, link_type)))
        }
        None => (kind(bytes)?, all),
    };
    let head = out.len() as u32;
    out.extend(bytes);
    let total = match link_type {
        LinkType::RAW => length(bytes),
        _ if head > 0 => head + length(bytes),
        _ => 0,
    };
    let wire_len = shown.frame_len.unwrap_or(total).max(out.len() as u32);
    Some(Built { link_type, known, wire_len })
}

/// Bytes of an IP packet by its own header; 0 for others.
fn length(bytes: &[u8]) -> u32 {
    let word = |at: usize| {
        bytes.get(at..at + 2).map_or(0, |b| u32::from(u16::from_be_bytes([b[0], b[1]])))
    };
    match bytes.first().map(|b| b >> 4) {
        Some(4) => word(2),
        Some(6) => word(4) + 40,
        _ => 0,
    }
}

/// The EtherType where the dump begins with the network header that the line is of.
fn at_network(shown: &Shown, bytes: &[u8]) -> Option<u16> {
    if let Body::Arp(_) = shown.body {
        return bytes.starts_with(&[0, 1, 8, 0, 6, 4]).then_some(0x0806);
    }
    match shown.layers.first() {
        Some(layer) => begins(layer, bytes),
        None if kind(bytes) == Some(LinkType::RAW) => {
            Some(if bytes[0] >> 4 == 6 { 0x86dd } else { 0x0800 })
        }
        None => None,
    }
}

fn begins(layer: &Layer, bytes: &[u8]) -> Option<u16> {
    let version = bytes.first()? >> 4;
    match (layer.src, layer.dst, version) {
        (IpAddr::V4(src), IpAddr::V4(dst), 4) => {
            let same = bytes.get(12..16) == Some(&src.octets())
                && bytes.get(16..20) == Some(&dst.octets());
            // Where names are printed the addresses are told by the dump.
            let named = src.octets()[0] >= 240 || dst.octets()[0] >= 240;
            (same || named || bytes.len() < 20).then_some(0x0800)
        }
        (IpAddr::V6(src), _, 6) => (bytes.get(8..24) == Some(&src.octets())).then_some(0x86dd),
        (_, _, 6) => Some(0x86dd),
        _ => None,
    }
}

/// The link type of a frame by its first bytes.
fn kind(bytes: &[u8]) -> Option<LinkType> {
    let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let known = |kind: Option<u16>, at: usize| match kind {
        Some(0x0800) => bytes.get(at).is_none_or(|b| b >> 4 == 4),
        Some(0x86dd) => bytes.get(at).is_none_or(|b| b >> 4 == 6),
        Some(0x0806 | 0x8100 | 0x88a8) => true,
        _ => false,
    };
    if known(word(12), 14) {
        Some(LinkType::ETHERNET)
    } else if word(0).is_some_and(|kind| kind <= 4) && known(word(14), 16) {
        Some(LinkType::LINUX_SLL)
    } else if known(word(0), 20) && word(2) == Some(0) {
        Some(LinkType::LINUX_SLL2)
    } else if matches!(bytes.first()?, 0x45..=0x4f) || bytes[0] >> 4 == 6 && bytes.len() >= 40 {
        Some(LinkType::RAW)
    } else if word(12).is_some_and(|kind| kind < 0x0600 || kind == 0x88cc) && bytes.len() >= 14 {
        Some(LinkType::ETHERNET)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines_of_all_programs_give_their_bytes() {
        let cases = [
            ("\t0x0010:  6414 0000 0000 0000 c633 6401            d........3d.", Some(16), 12),
            (
                "        0x0000:  4500 003c 1c46 4000 4006 b1e6 0a00 0001  E..<.F@.@.......",
                Some(0),
                16,
            ),
            ("0020  64 0b 00 00 00 00 00 00 ac 10 64 fd               d.........d.", Some(32), 12),
            ("\t\t\t 4500 003c 1c46 4000 4006 b1e6 ac10 0a63", None, 16),
            ("\t0x0040:  0a", Some(64), 1),
        ];
        for (text, offset, bytes) in cases {
            let (at, read) = line(text).unwrap();
            assert_eq!((at, read.len()), (offset, bytes), "{text}");
        }
        for text in
            ["deadbeef", "    10.0.0.1.80 > 10.0.0.2.90: x", "12:00:00.1 IP", "\tGET / HTTP"]
        {
            assert_eq!(line(text), None, "{text}");
        }
    }
}
