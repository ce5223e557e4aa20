//! New frames among few hosts: ARP, VRRP, neighbour discovery, TCP.

use super::fix::fix;
use crate::rng::Rng;

pub(super) fn frame(rng: &mut Rng) -> Vec<u8> {
    let mut data = [mac(rng), mac(rng)].concat();
    match rng.below(4) {
        0 => {
            data.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, rng.below(4) as u8]);
            data.extend(mac(rng));
            data.extend(address(rng));
            data.extend(mac(rng));
            data.extend(address(rng));
        }
        1 => vrrp(rng, &mut data),
        2 => neighbour(rng, &mut data),
        _ => segment(rng, &mut data),
    }
    fix(&mut data);
    data
}

fn mac(rng: &mut Rng) -> [u8; 6] {
    match rng.below(4) {
        0 => [0xff; 6],
        1 => [0, 0, 0x5e, 0, 1, rng.below(4) as u8],
        n => [2, 0, 0, 0, 0, n as u8],
    }
}

fn address(rng: &mut Rng) -> [u8; 4] {
    match rng.below(5) {
        0 => [0; 4],
        1 => [255; 4],
        _ => [10, 0, 0, rng.below(5) as u8],
    }
}

fn vrrp(rng: &mut Rng, data: &mut Vec<u8>) {
    data.extend([8, 0, 0x45, 0xc0, 0, 40, 0, 0, 0, 0, 255, 112, 0, 0]);
    data.extend(address(rng));
    data.extend([224, 0, 0, 18]);
    let addresses = rng.below(4) as u8;
    data.extend([rng.pick(&[0x21, 0x31, 0x11, 0x22]), rng.below(4) as u8, rng.byte(), addresses]);
    data.extend([rng.below(3) as u8, 1, 0, 0]);
    for _ in 0..addresses {
        data.extend(address(rng));
    }
    if rng.one_in(2) {
        data.extend(b"passw0rd");
    }
}

fn neighbour(rng: &mut Rng, data: &mut Vec<u8>) {
    data.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]);
    data.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    data.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 1]);
    data.extend([rng.pick(&[135, 136, 133, 134, 137]), 0, 0, 0, rng.byte(), 0, 0, 0]);
    data.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, rng.below(4) as u8]);
    data.extend([rng.pick(&[1, 2, 14]), rng.below(3) as u8]);
    data.extend(mac(rng));
}

fn segment(rng: &mut Rng, data: &mut Vec<u8>) {
    data.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0]);
    data.extend(address(rng));
    data.extend(address(rng));
    data.extend([0x9c, rng.below(8) as u8, 0, 80]);
    data.extend((rng.below(3) as u32 * 1000).to_be_bytes());
    data.extend((rng.below(3) as u32).to_be_bytes());
    let flags = rng.pick(&[2, 0x12, 0x10, 0x18, 0x11, 4, 0x14]);
    data.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
}
