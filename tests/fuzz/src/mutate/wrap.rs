//! Frames in tunnels, in ICMP errors, behind tags and shims.

use super::fix::{fix, ip_at, is_v6};
use crate::rng::Rng;

/// Tags, a PPPoE session or labels behind the MACs.
pub(super) fn shim(rng: &mut Rng, data: &mut Vec<u8>) {
    let Some(ip) = ip_at(data) else { return };
    match rng.below(4) {
        0 => {
            let len = (data.len() - ip) as u16 + 2;
            let protocol = if is_v6(data, ip) { 0x57 } else { 0x21 };
            let [hi, lo] = len.to_be_bytes();
            data.splice(ip - 2..ip, [0x88, 0x64, 0x11, 0, 0, rng.byte(), hi, lo, 0, protocol]);
        }
        1 => {
            let mut labels = vec![0x88, 0x47];
            for _ in 0..rng.below(4) {
                labels.extend([rng.byte(), rng.byte(), rng.byte() & 0xfe, 64]);
            }
            labels.extend([0, 1, 1, 64]);
            data.splice(ip - 2..ip, labels);
        }
        _ => {
            for _ in 0..=rng.below(4) {
                data.splice(12..12, [0x81, 0, rng.byte(), rng.byte()]);
            }
        }
    }
}

pub(super) fn tunnel(rng: &mut Rng, data: &mut Vec<u8>) {
    let Some(ip) = ip_at(data) else { return };
    let six = is_v6(data, ip);
    let (inner, whole) = (data[ip..].to_vec(), data.clone());
    let own = if six { 41 } else { 4 };
    let (protocol, head, inside): (u8, Vec<u8>, Vec<u8>) = match rng.below(8) {
        0 | 1 => (own, Vec::new(), inner),
        2 => (47, gre(rng, six), inner),
        3 => (47, vec![0, 0, 0x65, 0x58], whole),
        4 => (47, vec![0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 2, 0, 0, 0, 3], whole),
        5 => (17, vec![0xc0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 9, 0], whole),
        6 => {
            let options = rng.below(64) as u8;
            let mut head =
                vec![0xc0, 0, 0x17, 0xc1, 0, 0, 0, 0, options, 0, 0x65, 0x58, 0, 0, 9, 0];
            head.extend(vec![rng.byte(); usize::from(options) * 4]);
            (17, head, whole)
        }
        _ => {
            let mut head = vec![0xc0, 0];
            head.extend(rng.pick(&[6080_u16, 5555, 9737, 19523, 2152]).to_be_bytes());
            head.extend([0; 4]);
            if rng.one_in(2) {
                head.extend([rng.byte() & 0x3f, own, 0, 0]);
            }
            (17, head, inner)
        }
    };
    let mut out = data[..ip - 2].to_vec();
    if rng.one_in(4) {
        out.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, protocol, 64]);
        out.extend([[0xfd; 15].as_slice(), &[1], &[0xfd; 15], &[2]].concat());
    } else {
        out.extend([8, 0, 0x45, 0, 0, 0, 0, 1, 0, 0, 63, protocol, 0, 0, 10, 9, 0, 1, 10, 9, 0]);
        out.push(rng.below(4) as u8);
    }
    out.extend(head);
    out.extend(inside);
    *data = out;
    fix(data);
}

/// GRE with any of checksum, key and sequence number.
fn gre(rng: &mut Rng, six: bool) -> Vec<u8> {
    let flags = rng.pick(&[0_u8, 0x80, 0x20, 0x10, 0xa0, 0xb0, 0x30]);
    let mut head = vec![flags, 0];
    head.extend(if six { [0x86, 0xdd] } else { [8, 0] });
    head.extend(vec![0; 4 * flags.count_ones() as usize]);
    head
}

/// An ICMP error that quotes the frame's packet.
pub(super) fn quote(rng: &mut Rng, data: &mut Vec<u8>) {
    let Some(ip) = ip_at(data) else { return };
    let inner = &data[ip..];
    let inner = inner[..inner.len().min(28 + rng.below(64))].to_vec();
    let mut out = data[..ip - 2].to_vec();
    if is_v6(data, ip) {
        out.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 58, 64]);
        out.extend([0xfd; 16]);
        out.extend(inner.get(8..24).unwrap_or(&[0xfd; 16]));
        out.extend([rng.below(5) as u8, rng.below(8) as u8, 0, 0, 0, 0, 5, 0]);
    } else {
        out.extend([8, 0, 0x45, 0, 0, 0, 0, 1, 0, 0, 63, 1, 0, 0, 10, 9, 0, 1]);
        out.extend(inner.get(12..16).unwrap_or(&[10, 0, 0, 1]));
        out.extend([rng.pick(&[3, 3, 3, 5, 11, 12, 4]), rng.below(16) as u8, 0, 0, 0, 0, 5, 0]);
    }
    out.extend(inner);
    *data = out;
    fix(data);
}
