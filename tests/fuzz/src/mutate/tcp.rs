//! TCP headers: flags, numbers at their edges, options, windows, ends that change places.

use super::fix::{fix, ip_at, is_v6, put, transport_at};
use crate::rng::Rng;

pub(super) fn change(rng: &mut Rng, data: &mut Vec<u8>) {
    let Some(ip) = ip_at(data) else { return };
    let Some((tcp, 6)) = transport_at(data, ip) else { return };
    if data.len() < tcp + 20 {
        return;
    }
    let number = tcp + 4 + 4 * rng.below(2);
    match rng.below(8) {
        0 => data[tcp + 13] = rng.byte(),
        1 => {
            let edge = rng.pick(&[0_u32, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, 0xffff_fff0]);
            data[number..number + 4].copy_from_slice(&edge.to_be_bytes());
        }
        2 => {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&data[number..number + 4]);
            let by = rng.pick(&[1, 2, 1460, u32::MAX, 0x8000_0000, 100_000]);
            let moved = u32::from_be_bytes(bytes).wrapping_add(by);
            data[number..number + 4].copy_from_slice(&moved.to_be_bytes());
        }
        3 => options(rng, data, tcp),
        4 => data[tcp + 12] = rng.byte() & 0xf0,
        5 => put(data, tcp + 14, rng.pick(&[0, 1, 65_535])),
        6 => turn_round(data, ip, tcp),
        _ => {
            let port = rng.pick(&[0, 53, 80, 443, 65_535, 6081, 4789]);
            put(data, tcp + 2 * rng.below(2), port);
        }
    }
    if !rng.one_in(4) {
        fix(data);
    }
}

fn options(rng: &mut Rng, data: &mut Vec<u8>, tcp: usize) {
    let len = 4 * (1 + rng.below(10));
    let mut options: Vec<u8> = Vec::new();
    while options.len() < len {
        match rng.below(9) {
            0 => options.push(1),
            1 => options.push(0),
            2 => options.extend([2, 4, 5, 180]),
            3 => options.extend([3, 3, rng.byte()]),
            4 => options.extend([4, 2]),
            5 => {
                options.extend([8, 10]);
                options.extend(rng.number().to_be_bytes());
            }
            6 => {
                options.extend([5, 10 + 8 * rng.below(4) as u8]);
                options.extend(rng.number().to_be_bytes());
            }
            7 => {
                options.extend([254, 8]);
                options.extend((rng.number() as u32).to_be_bytes());
                options.extend([0, 80]);
            }
            _ => options.extend([rng.byte(), rng.byte()]),
        }
    }
    options.truncate(len);
    data.splice(tcp + 20..tcp + 20, options);
    data[tcp + 12] = ((20 + len) / 4) as u8 * 16;
}

/// The same frame the other way.
fn turn_round(data: &mut [u8], ip: usize, tcp: usize) {
    let mut swap = |at: usize, len: usize| {
        for n in at..at + len {
            data.swap(n, n + len);
        }
    };
    swap(0, 6);
    swap(tcp, 2);
    if is_v6(data, ip) {
        (ip + 8..ip + 24).for_each(|at| data.swap(at, at + 16));
    } else {
        (ip + 12..ip + 16).for_each(|at| data.swap(at, at + 4));
    }
}
