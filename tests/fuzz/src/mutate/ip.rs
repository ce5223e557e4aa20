//! IP headers: fragments, TTLs, options, extension headers, odd addresses.

use super::EDGES;
use super::fix::{fix, ip_at, is_v6, put};
use crate::rng::Rng;

const V4: [[u8; 4]; 6] = [
    [0, 0, 0, 0],
    [255, 255, 255, 255],
    [127, 0, 0, 1],
    [224, 0, 0, 18],
    [169, 254, 0, 1],
    [10, 0, 0, 1],
];
const V6: [u128; 7] = [
    0,
    1,
    u128::MAX,
    0xfe80 << 112 | 1,
    0xff02 << 112 | 1,
    0xffff << 32 | 0x0a00_0001,
    0x64_ff9b << 96 | 0x0a00_0001,
];

pub(super) fn change(rng: &mut Rng, data: &mut Vec<u8>) {
    let Some(ip) = ip_at(data) else { return };
    if is_v6(data, ip) && data.len() >= ip + 40 {
        v6(rng, data, ip);
    } else if !is_v6(data, ip) && data.len() >= ip + 20 {
        v4(rng, data, ip);
    }
    if !rng.one_in(3) {
        fix(data);
    }
}

fn v4(rng: &mut Rng, data: &mut Vec<u8>, ip: usize) {
    match rng.below(6) {
        0 => put(data, ip + 6, rng.pick(&[0x2000, 0x2001, 1, 0x1fff, 0x3fff, 0x4000])),
        1 => data[ip + 8] = rng.pick(&EDGES),
        2 if data[ip] & 15 == 5 => {
            let words = 1 + rng.below(10);
            let options: Vec<u8> = (0..words * 4)
                .map(|_| rng.pick(&[0, 1, 7, 68, 131, 137, 4, 3, 0xff, 40]))
                .collect();
            data.splice(ip + 20..ip + 20, options);
            data[ip] = 0x45 + words as u8;
        }
        3 => {
            let at = ip + 12 + 4 * rng.below(2);
            data[at..at + 4].copy_from_slice(&rng.pick(&V4));
        }
        4 => data[ip + 9] = rng.pick(&EDGES),
        _ => put(data, ip + 4, rng.number() as u16),
    }
}

fn v6(rng: &mut Rng, data: &mut Vec<u8>, ip: usize) {
    match rng.below(4) {
        0 => extensions(rng, data, ip),
        1 => data[ip + 6] = rng.pick(&EDGES),
        2 => {
            let at = ip + 8 + 16 * rng.below(2);
            data[at..at + 16].copy_from_slice(&rng.pick(&V6).to_be_bytes());
        }
        _ => data[ip + 7] = rng.pick(&EDGES),
    }
}

/// A chain of extension headers, fragments and authentication among them.
fn extensions(rng: &mut Rng, data: &mut Vec<u8>, ip: usize) {
    let last = data[ip + 6];
    let kinds: Vec<u8> = (0..=rng.below(12)).map(|_| rng.pick(&[0, 43, 44, 60, 51, 135])).collect();
    let mut chain = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        let next = kinds.get(at + 1).copied().unwrap_or(last);
        match kind {
            44 => chain.extend([next, 0, rng.byte() & 7, rng.byte() & 0xf9, 1, 2, 3, 4]),
            51 => chain.extend([next, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
            _ => chain.extend([next, 0, 1, 4, 0, 0, 0, 0]),
        }
    }
    data[ip + 6] = kinds[0];
    data.splice(ip + 40..ip + 40, chain);
}
