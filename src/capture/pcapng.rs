//! The pcapng format (draft-ietf-opsawg-pcapng).
//!
//! Blocks are walked by the length that they state at both ends. Frames are in Enhanced, Simple and
//! (obsolete) Packet Blocks; blocks of other kinds describe interfaces or are skipped.

mod blocks;
mod packet;
mod resync;
mod secrets;
mod sections;

pub use secrets::{Secrets, read_secrets};
pub(super) use sections::Sections;

use super::collect::{BATCH, Collector, Sink};
use super::source::ReadBuffer;
use super::types::SecretsAt;
use super::{CaptureError, Frame, Timestamp};
use blocks::{
    ENHANCED, INTERFACE, PACKET, SECRETS, SECTION, SIMPLE, STATISTICS, description, half,
    statistics, word,
};
use packet::packet;
use resync::resync;

/// systemd journal entries, custom blocks and sysdig events: Wireshark numbers them like frames.
const NUMBERED: [u32; 9] = [9, 0xbad, 0x4000_0bad, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222];
/// Longest block that is held in memory.
pub(super) const LIMIT: u32 = super::pcap::HARD_LIMIT + 4096;
/// A longer block that goes beyond the end of the file is rather a wrong length.
const UNUSUAL: usize = 512 << 10;
/// Interfaces that are kept; frames of further ones are not read.
const INTERFACES: usize = 65_536;

/// Makes sure that the file has more than a magic number.
pub(super) fn open(window: &mut ReadBuffer<'_>, name: &str) -> Result<(), CaptureError> {
    if window.fill(28) {
        return Ok(());
    }
    let bytes = window.data().len() as u64;
    Err(CaptureError::HeaderCut { path: name.to_owned(), format: "pcapng", bytes })
}

/// Why the inner loop stopped.
enum Stop {
    Need(usize),
    Bad(&'static str),
    Done,
}

/// Reads blocks to the end of the stream or of what the collector wants.
pub(super) fn blocks<F: Sink>(
    window: &mut ReadBuffer<'_>,
    sections: &mut Sections,
    collector: &mut Collector<'_, F>,
) {
    loop {
        collector.look_in(window);
        let (data, base) = (window.data(), window.offset());
        let mut at = 0;
        let mut batch = Vec::with_capacity(BATCH);
        let mut stop = loop {
            let rest = &data[at..];
            let Some(h) = rest.first_chunk::<12>() else {
                break Stop::Need(12);
            };
            let mut kind = u32::from_le_bytes([h[0], h[1], h[2], h[3]]);
            let mut big = sections.big;
            if kind == SECTION {
                big = match [h[8], h[9], h[10], h[11]] {
                    [0x1a, 0x2b, 0x3c, 0x4d] => true,
                    [0x4d, 0x3c, 0x2b, 0x1a] => false,
                    _ => break Stop::Bad("a section header has no known byte order"),
                };
            }
            let mut length = u32::from_le_bytes([h[4], h[5], h[6], h[7]]);
            if big {
                (kind, length) = (kind.swap_bytes(), length.swap_bytes());
            }
            if !(12..=LIMIT).contains(&length) {
                break Stop::Bad("a block claims a length that no block has");
            }
            // Some writers leave the padding of the data out of the length.
            let size = (length as usize).next_multiple_of(4);
            let Some(block) = rest.get(..size) else {
                break Stop::Need(size);
            };
            if word(block, size - 4, big) != Some(length) {
                break Stop::Bad("the two lengths of a block differ");
            }
            let body = &block[8..size - 4];
            let offset = base + at as u64;
            at += size;
            let place = (offset, batch.len());
            if kind == ENHANCED
                && !sections.foreign
                && let Some(frame) = enhanced(sections, body, place, collector)
            {
                batch.push(frame);
                if batch.len() == BATCH && !collector.frames(&mut batch) {
                    break Stop::Done;
                }
                continue;
            }
            if !collector.frames(&mut batch) {
                break Stop::Done;
            }
            if kind == SECTION {
                section(sections, body, big, offset, collector);
            } else if !sections.foreign && !take(sections, kind, body, offset, collector) {
                break Stop::Done;
            }
        };
        if !collector.frames(&mut batch) {
            stop = Stop::Done;
        }
        window.consume(at);
        match stop {
            Stop::Need(size) => {
                if window.fill(size) {
                    continue;
                }
                if size > UNUSUAL {
                    let what = "a block claims a length beyond the end of the file";
                    if resync(window, sections, collector, what) {
                        continue;
                    }
                    return;
                }
                let known = window.data().len() >= 12;
                collector.ended(window, "block", known.then_some(size));
                return;
            }
            Stop::Bad(what) => {
                if !resync(window, sections, collector, what) {
                    return;
                }
            }
            Stop::Done => return,
        }
    }
}

/// A Section Header Block begins: interfaces count from 0 again.
fn section<F: Sink>(
    sections: &mut Sections,
    body: &[u8],
    big: bool,
    offset: u64,
    collector: &mut Collector<'_, F>,
) {
    sections.big = big;
    sections.first = sections.interfaces.len();
    sections.excess = 0;
    let version = (half(body, 4, big), half(body, 6, big));
    // 1.2 is 1.0 by another name (draft-ietf-opsawg-pcapng, section 4.1).
    sections.foreign = !matches!(version, (Some(1), Some(0 | 2)));
    if sections.foreign {
        let what = match version {
            (Some(major), Some(minor)) => {
                format!("a section has the unknown version {major}.{minor}")
            }
            _ => "a section header is too short".to_owned(),
        };
        collector.damaged(offset, &what, "the sections before and after it were kept");
    }
}

/// The frame of an Enhanced Packet Block at an offset, after so many that wait; `None` where it holds
/// none that is whole.
#[inline(always)]
fn enhanced<'a, F: Sink>(
    sections: &mut Sections,
    body: &'a [u8],
    (offset, waiting): (u64, usize),
    collector: &mut Collector<'_, F>,
) -> Option<Frame<'a>> {
    let packet = packet(sections, ENHANCED, body)?;
    let index = sections.index(packet.interface)?;
    if collector.wants_mark(waiting) {
        collector.index.push(sections.mark(offset));
    }
    let interface = &mut sections.interfaces[index];
    interface.frames += 1;
    Some(Frame {
        number: collector.number + waiting as u32 + 1,
        time: interface.ticks.time(packet.count?),
        interface: u32::try_from(index).unwrap_or(u32::MAX),
        link_type: interface.link_type,
        wire_len: packet.wire.max(u32::try_from(packet.data.len()).unwrap_or(u32::MAX)),
        data: packet.data,
        known: super::Known::ALL,
    })
}

/// Any other block. `false`: no further frame is wanted.
#[inline]
fn take<F: Sink>(
    sections: &mut Sections,
    kind: u32,
    body: &[u8],
    offset: u64,
    collector: &mut Collector<'_, F>,
) -> bool {
    let big = sections.big;
    match kind {
        ENHANCED | PACKET | SIMPLE => {
            let Some(packet) = packet(sections, kind, body) else {
                let what = "a packet block is shorter than the frame that it claims to hold";
                collector.damaged(offset, what, "the frames before and after it were kept");
                return true;
            };
            let Some(index) = sections.index(packet.interface) else {
                let what = if sections.excess > 0 {
                    "a frame belongs to one of too many interfaces"
                } else {
                    "a frame names an interface that the file does not describe"
                };
                collector.damaged(offset, what, "the frames before and after it were kept");
                return true;
            };
            if collector.wants_mark(0) {
                collector.index.push(sections.mark(offset));
            }
            let interface = &mut sections.interfaces[index];
            interface.frames += 1;
            let time = packet.count.map_or(Timestamp(0), |count| interface.ticks.time(count));
            let frame = Frame {
                number: collector.number + 1,
                time,
                interface: u32::try_from(index).unwrap_or(u32::MAX),
                link_type: interface.link_type,
                wire_len: packet.wire.max(u32::try_from(packet.data.len()).unwrap_or(u32::MAX)),
                data: packet.data,
                known: super::Known::ALL,
            };
            collector.frame(&frame, packet.count.is_some())
        }
        INTERFACE => {
            match description(body, big) {
                Some(_) if sections.interfaces.len() >= INTERFACES => {
                    sections.excess += 1;
                    let what = "the file describes too many interfaces";
                    collector.damaged(offset, what, "those before it were kept");
                }
                Some(interface) => sections.interfaces.push(interface),
                None => {
                    let what = "an interface description is too short";
                    collector.damaged(offset, what, "the frames before and after it were kept");
                }
            }
            true
        }
        STATISTICS => {
            let index = word(body, 0, big).and_then(|id| sections.index(id));
            if let Some(interface) = index.and_then(|at| sections.interfaces.get_mut(at)) {
                statistics(body, big, interface);
            }
            true
        }
        SECRETS => {
            // Type and lengths of the block, which `body` leaves out.
            collector.secrets(SecretsAt { offset, size: body.len() + 12, big });
            true
        }
        _ if NUMBERED.contains(&kind) => {
            if collector.wants_mark(0) {
                collector.index.push(sections.mark(offset));
            }
            collector.no_frame()
        }
        // Name resolution, decryption secrets, and what nobody knows.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::testkit::{Ng, Order, payload, run};

    #[test]
    fn drops_are_those_of_the_last_statistics() {
        for big in [false, true] {
            let order = Order(big);
            let mut ng = Ng::new(big);
            ng.interface(1, 0, &[]).interface(1, 0, &[]);
            for (received, dropped) in [(10, 1), (90, 4)] {
                let mut body = [order.u32(1), [0; 4], [0; 4]].concat();
                let (a, b, c) = (order.u64(received), order.u64(dropped), order.u64(2));
                body.extend(ng.options(&[(4, &a), (5, &b), (7, &c)]));
                ng.block(5, &body);
            }
            let (file, _) = run(&ng.bytes).unwrap();
            let counts: Vec<_> = file.interfaces.iter().map(|i| (i.received, i.dropped)).collect();
            assert_eq!(counts, [(None, None), (Some(90), Some(6))]);
        }
    }

    #[test]
    fn other_blocks_are_skipped_and_those_that_wireshark_numbers_are_counted() {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[]).enhanced(0, 1, b"a");
        ng.block(4, &[0; 4]).block(10, &[0; 8]).block(0x8000_0123, b"what").block(0x77, &[0; 40]);
        ng.enhanced(0, 2, b"b").block(0xbad, &[0; 8]).block(9, b"MESSAGE=x\n").enhanced(0, 3, b"c");
        let (file, seen) = run(&ng.bytes).unwrap();
        assert!(file.damage.is_empty());
        assert_eq!(seen.iter().map(|f| f.number).collect::<Vec<_>>(), [1, 2, 5]);
        assert_eq!((file.frames, file.last, file.interfaces[0].frames), (3, 5, 3));
    }

    #[test]
    fn damaged_lengths_cost_what_they_cover() {
        for wrong in [0u32, 7, 48, 1 << 20, u32::MAX] {
            for at_end in [false, true] {
                let mut ng = Ng::new(false);
                ng.interface(1, 0, &[]);
                for n in 0..9 {
                    ng.enhanced(0, u64::from(n), &payload(n, 40));
                }
                let (from, to) = (ng.ends[4], ng.ends[5]);
                let at = if at_end { to - 4 } else { from + 4 };
                ng.bytes[at..at + 4].copy_from_slice(&wrong.to_le_bytes());
                let (file, seen) = run(&ng.bytes).unwrap();
                let times: Vec<i64> = seen.iter().map(|f| f.time / 1000).collect();
                assert_eq!(times, [0, 1, 2, 4, 5, 6, 7, 8], "{wrong} {:?}", file.damage);
                assert_eq!((file.damage.len(), file.damage[0].byte), (1, from as u64));
            }
        }
    }

    #[test]
    fn told_damage_is_limited() {
        let mut ng = Ng::new(false);
        for n in 0..100 {
            ng.enhanced(n, 0, b"");
        }
        let (file, _) = run(&ng.bytes).unwrap();
        assert_eq!((file.damage.len(), file.damage_omitted, file.frames), (32, 68, 0));
    }
}
