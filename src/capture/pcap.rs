//! The pcap format (draft-ietf-opsawg-pcap) and its old variants.
//!
//! The 16-byte record headers are read here: pcap-parser's record parsers do not know the byte-swapped
//! modified format, report a corrupt length as "more data needed", and leave the length to be read by
//! hand in that case anyway.
//!
//! Tolerated as libpcap and Wireshark do: lengths in the wrong order (version 2.2 and before, 2.3 at
//! times, 543.0), captured lengths above the snap length or above the wire length, microseconds of a
//! million and more, and the upper 16 bits of the link type (FCS length).

pub(super) mod header;
mod resync;

use super::collect::{BATCH, Collector, Sink};
use super::source::ReadBuffer;
use super::types::Mark;
use super::{CaptureError, Frame, Timestamp};
use header::{HEADER, Header, Lengths};
use resync::{Rules, resync};

/// What libpcap and Wireshark accept of any link type (`MAXIMUM_SNAPLEN`).
const USUAL_LIMIT: u32 = 262_144;
/// Nothing is accepted beyond, whatever the header says.
pub(super) const HARD_LIMIT: u32 = 64 << 20;

/// Reads the file header off the window.
pub(super) fn open(window: &mut ReadBuffer<'_>, name: &str) -> Result<Header, CaptureError> {
    window.fill(HEADER);
    let header = Header::parse(window.data()).ok_or_else(|| CaptureError::HeaderCut {
        path: name.to_owned(),
        format: "pcap",
        bytes: window.data().len() as u64,
    })?;
    window.consume(HEADER);
    Ok(header)
}

fn rules_of(header: &Header) -> Rules {
    Rules {
        big: header.big,
        header: if header.modified { 24 } else { 16 },
        limit: header.snaplen.clamp(USUAL_LIMIT, HARD_LIMIT),
        fraction: if header.nanoseconds { 1_000_000_000 } else { 1_000_000 },
        ordered: header.lengths == Lengths::Normal,
    }
}

/// Reads records to the end of the stream or of what the collector wants.
pub(super) fn records<F: Sink>(
    window: &mut ReadBuffer<'_>,
    header: &Header,
    collector: &mut Collector<'_, F>,
) {
    if header.big {
        walk::<true, F>(window, header, collector);
    } else {
        walk::<false, F>(window, header, collector);
    }
}

/// Why the inner loop stopped.
enum Stop {
    /// The record needs this many bytes in memory.
    Need(usize),
    /// The record claims this captured length, which cannot be.
    Absurd(u32),
    Done,
}

fn walk<const BIG: bool, F: Sink>(
    window: &mut ReadBuffer<'_>,
    header: &Header,
    collector: &mut Collector<'_, F>,
) {
    let rules = rules_of(header);
    let scale = if header.nanoseconds { 1 } else { 1000 };
    let read = |b: [u8; 4]| {
        if BIG { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
    };
    let mut seconds = None;
    loop {
        collector.look_in(window);
        let (data, base) = (window.data(), window.offset());
        let mut at = 0;
        let mut batch = Vec::with_capacity(BATCH);
        let mut stop = loop {
            let rest = &data[at..];
            let Some(h) = rest.first_chunk::<16>() else {
                break Stop::Need(rules.header);
            };
            let first = read([h[8], h[9], h[10], h[11]]);
            let second = read([h[12], h[13], h[14], h[15]]);
            let (captured, wire) = match header.lengths {
                Lengths::Swapped => (second, first),
                Lengths::Either if first > second => (second, first),
                _ => (first, second),
            };
            if captured > rules.limit {
                break Stop::Absurd(captured);
            }
            let size = rules.header + captured as usize;
            let Some(bytes) = rest.get(rules.header..size) else {
                break Stop::Need(size);
            };
            if collector.wants_mark(batch.len()) {
                collector.index.push(Mark { offset: base + at as u64, ..Mark::default() });
            }
            let second = read([h[0], h[1], h[2], h[3]]);
            seconds = Some(second);
            let fraction = i64::from(read([h[4], h[5], h[6], h[7]])) * scale;
            batch.push(Frame {
                number: collector.number + batch.len() as u32 + 1,
                time: Timestamp(i64::from(second) * 1_000_000_000 + fraction),
                interface: 0,
                link_type: header.link_type,
                wire_len: wire.max(captured),
                data: bytes,
                known: super::Known::ALL,
            });
            at += size;
            if batch.len() == BATCH && !collector.frames(&mut batch) {
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
                // A length that few frames have, beyond the end of the file, is rather wrong.
                if size > rules.header + USUAL_LIMIT as usize {
                    let what = format!("a record claims {size} bytes, more than the file has left");
                    if resync(window, &rules, seconds, collector, &what) {
                        continue;
                    }
                    return;
                }
                let known = window.data().len() >= rules.header;
                collector.ended(window, "record", known.then_some(size));
                return;
            }
            Stop::Absurd(captured) => {
                let what = format!("a record claims {captured} bytes, which no frame has");
                if !resync(window, &rules, seconds, collector, &what) {
                    return;
                }
            }
            Stop::Done => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::testkit::{Pcap, payload, run};

    const MICRO: u32 = 0xa1b2_c3d4;
    const NANO: u32 = 0xa1b2_3c4d;
    const MODIFIED: u32 = 0xa1b2_cd34;

    #[test]
    fn all_variants_and_byte_orders_read_alike() {
        for big in [false, true] {
            for (magic, format, unit) in [
                (MICRO, "pcap", 1000),
                (NANO, "pcap (nanoseconds)", 1),
                (MODIFIED, "pcap (modified)", 1000),
            ] {
                let mut pcap = Pcap::with(big, magic, 4, 96, 276);
                pcap.frame(5, 7, b"one").raw([6, 8, 3, 1500], b"two");
                let (file, seen) = run(&pcap.bytes).unwrap();
                assert_eq!((file.format, file.damage.len()), (format, 0));
                assert_eq!((file.interfaces[0].snaplen, file.interfaces[0].frames), (96, 2));
                assert_eq!((seen[0].number, seen[0].time), (1, 5_000_000_000 + 7 * unit));
                assert_eq!((seen[1].wire, seen[1].link), (1500, 276));
                assert_eq!((&seen[0].data[..], &seen[1].data[..]), (&b"one"[..], &b"two"[..]));
            }
        }
    }

    #[test]
    fn old_versions_have_their_lengths_the_other_way_round() {
        let mut old = Pcap::with(false, MICRO, 2, 65_535, 1);
        old.raw([1, 0, 1500, 3], b"abc");
        let mut sometimes = Pcap::with(false, MICRO, 3, 65_535, 1);
        sometimes.raw([1, 0, 1500, 3], b"abc").raw([1, 0, 3, 1500], b"abc");
        for bytes in [old.bytes, sometimes.bytes] {
            let (file, seen) = run(&bytes).unwrap();
            assert!(file.damage.is_empty());
            assert!(seen.iter().all(|f| f.wire == 1500 && f.data == b"abc"), "{seen:?}");
        }
    }

    #[test]
    fn small_lies_are_tolerated() {
        let mut pcap = Pcap::with(false, MICRO, 4, 10, 0x3400_0001);
        pcap.raw([1, 2_500_000, 40, 20], &payload(1, 40));
        let (file, seen) = run(&pcap.bytes).unwrap();
        assert!(file.damage.is_empty());
        assert_eq!((seen[0].link, seen[0].wire, seen[0].data.len()), (1, 40, 40));
        assert_eq!(seen[0].time, 3_500_000_000);
    }

    #[test]
    fn a_length_that_no_frame_has_is_damage_and_allocates_nothing() {
        for length in [262_145, 1 << 30, u32::MAX] {
            let mut pcap = Pcap::new();
            pcap.frames(3).raw([1_700_000_000, 0, length, length], b"");
            let (file, _) = run(&pcap.bytes).unwrap();
            assert_eq!((file.frames, file.damage.len()), (3, 1));
            assert_eq!((file.damage[0].frame_after, file.damage[0].byte), (3, pcap.ends[3] as u64));
            assert!(file.damage[0].what.ends_with("the 3 frames before it were kept"));
        }
    }

    #[test]
    fn a_huge_snap_length_allows_large_frames_only_as_bytes_arrive() {
        let mut pcap = Pcap::with(false, MICRO, 4, u32::MAX, 249);
        let large = payload(1, 3 << 20);
        pcap.frame(1, 0, &large).raw([1, 0, 60 << 20, 60 << 20], b"little");
        let (file, seen) = run(&pcap.bytes).unwrap();
        assert_eq!((file.frames, &seen[0].data), (1, &large));
        assert!(file.damage[0].what.contains("62914576 bytes, more than the file has left"));
    }

    #[test]
    fn garbage_in_the_middle_costs_what_it_covers() {
        let mut pcap = Pcap::new();
        pcap.frames(20);
        let (from, to) = (pcap.ends[7], pcap.ends[9]);
        for filler in [0xff, 0x55] {
            let mut bytes = pcap.bytes.clone();
            bytes[from..to].fill(filler);
            let (file, seen) = run(&bytes).unwrap();
            assert_eq!((file.frames, file.damage.len()), (18, 1), "{:?}", file.damage);
            assert_eq!((file.damage[0].byte, file.damage[0].frame_after), (from as u64, 7));
            let times: Vec<i64> = seen.iter().map(|f| f.time / 1_000_000 % 1000).collect();
            assert_eq!(times, (0..7).chain(9..20).collect::<Vec<i64>>());
        }
    }
}
