//! Changes of a list of frames after which most of it still means something: tunnels, quotes,
//! options, flags, fragments, clocks, hosts that move.

mod fix;
mod ip;
mod make;
mod payload;
mod tcp;
mod wrap;

use crate::frames::Frame;
use crate::rng::Rng;
use fix::fix;

/// Frames of an input, and bytes of a frame, so that changes do not grow for ever.
const MAX_FRAMES: usize = 300;
const MAX_BYTES: usize = 3000;

/// Values at which readers go wrong.
const EDGES: [u8; 31] = [
    0, 1, 2, 4, 5, 6, 8, 0x0f, 0x10, 0x20, 0x40, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xfe, 0xff, 17, 41,
    43, 44, 47, 50, 51, 58, 59, 60, 112, 132, 135,
];

/// One change.
pub fn change(rng: &mut Rng, frames: &mut Vec<Frame>) {
    if frames.is_empty() {
        frames.push(Frame { dt: 1, data: make::frame(rng) });
        return;
    }
    let at = rng.below(frames.len());
    match rng.below(18) {
        0 => wrap::tunnel(rng, &mut frames[at].data),
        1 => wrap::quote(rng, &mut frames[at].data),
        2 | 3 => payload::change(rng, &mut frames[at].data),
        4 | 5 => tcp::change(rng, &mut frames[at].data),
        6 | 7 => ip::change(rng, &mut frames[at].data),
        8 => {
            let copy = frames[at].clone();
            frames.insert(rng.below(frames.len() + 1), copy);
        }
        9 if frames.len() > 1 => drop(frames.remove(at)),
        10 => {
            let other = rng.below(frames.len());
            frames.swap(at, other);
        }
        11 => frames[at].dt = rng.byte(),
        12 => {
            let len = rng.below(frames[at].data.len() + 1);
            frames[at].data.truncate(len);
        }
        13 => {
            let data = make::frame(rng);
            frames.insert(at, Frame { dt: rng.byte() % 120, data });
        }
        14 => wrap::shim(rng, &mut frames[at].data),
        15 | 16 => bytes(rng, &mut frames[at].data),
        _ => move_host(rng, frames, at),
    }
    frames.truncate(MAX_FRAMES);
    for frame in frames {
        frame.data.truncate(MAX_BYTES);
    }
}

/// Any bytes.
fn bytes(rng: &mut Rng, data: &mut Vec<u8>) {
    if data.is_empty() {
        return;
    }
    for _ in 0..=rng.below(3) {
        let at = rng.below(data.len());
        data[at] = if rng.one_in(2) { rng.pick(&EDGES) } else { data[at] ^ 1 << rng.below(8) };
    }
    if rng.one_in(2) {
        fix(data);
    }
}

/// All frames between two MACs get another sender.
fn move_host(rng: &mut Rng, frames: &mut [Frame], at: usize) {
    let Some(macs) = frames[at].data.first_chunk::<12>().copied() else { return };
    let last = rng.byte();
    for frame in frames.iter_mut().filter(|frame| frame.data.starts_with(&macs)) {
        frame.data[11] = last;
    }
}
