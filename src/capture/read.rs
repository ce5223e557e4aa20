//! The two passes over a capture: the whole of it once, then any of its frames again.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::collect::{Collector, STRIDE, Sink};
use super::pcap;
use super::pcapng;
use super::pcapng::Sections;
use super::peek::{Kind, begin, no_packet};
use super::source::{self, Opened};
use super::text::{self, Lines};
use super::types::Layout;
use super::{CaptureError, CaptureFile, Frame, Source, Timestamp};

/// Bytes in memory for a whole pass, to begin with: what is copied there is still in the cache of its
/// core when it is decoded, beside what the streams take.
const CHUNK: usize = 1 << 18;

/// Reads a whole capture once, in file order.
///
/// `progress` grows by the bytes of the file that are read (compressed bytes where it is
/// compressed). Damage inside the file is no error: what is whole goes to `sink`, the rest is
/// stated in [`CaptureFile::damage`].
///
/// # Errors
/// Where the source cannot be opened, or is no pcap or pcapng file.
pub fn read<F: FnMut(&Frame<'_>)>(
    source: &Source,
    progress: &AtomicU64,
    sink: &mut F,
) -> Result<CaptureFile, CaptureError> {
    read_near(source, None, progress, sink)
}

/// As [`read`]; a text without a date is taken to be of the day that brings it nearest to `near`,
/// a moment of another capture of the incident.
///
/// # Errors
/// As [`read`].
pub fn read_near<F: Sink>(
    source: &Source,
    near: Option<Timestamp>,
    progress: &AtomicU64,
    sink: &mut F,
) -> Result<CaptureFile, CaptureError> {
    let opened = source::open(source, progress, CHUNK)?;
    let taken = Arc::clone(&opened.taken);
    let mut file = whole(opened, source.name(), near, sink)?;
    file.bytes = taken.load(Ordering::Relaxed);
    Ok(file)
}

/// Reads what was opened.
pub(super) fn whole<F: Sink>(
    opened: Opened<'_>,
    name: String,
    near: Option<Timestamp>,
    sink: &mut F,
) -> Result<CaptureFile, CaptureError> {
    let Opened { mut window, compression, handle, .. } = opened;
    let kind = begin(&mut window, &name, compression, near)?;
    let mut collector = Collector::whole(sink, compression);
    let mut facts = None;
    let (format, interfaces, layout) = match kind {
        Kind::Pcap => {
            let header = pcap::open(&mut window, &name)?;
            pcap::records(&mut window, &header, &mut collector);
            let mut interface = header.interface();
            interface.frames = u64::from(collector.number);
            (header.format, vec![interface], Layout::Pcap(header))
        }
        Kind::PcapNg => {
            pcapng::open(&mut window, &name)?;
            let mut sections = Sections::new();
            pcapng::blocks(&mut window, &mut sections, &mut collector);
            ("pcapng", sections.interfaces, Layout::PcapNg)
        }
        Kind::Text(look) => {
            let timing = look.timing;
            let walked = text::walk(&mut window, timing, &mut collector, None);
            if walked.facts.packets == 0 {
                return Err(no_packet(name, &collector.damage, walked.facts.form()));
            }
            if let Some(fault) = window.take_fault() {
                collector.lost_rest(window.offset(), &format!("reading fails ({fault})"));
            }
            facts = Some(walked.facts);
            ("text", walked.interfaces, Layout::Text(timing))
        }
    };
    let (start, end) = collector.times();
    Ok(CaptureFile {
        path: name,
        format,
        compression,
        frames: collector.number - collector.others,
        last: collector.number,
        text: facts,
        interfaces,
        start,
        end,
        untimed: collector.untimed,
        damage: collector.damage,
        damage_omitted: collector.damage_omitted,
        bytes: 0,
        layout,
        index: collector.index,
        handle,
        secrets: collector.secrets,
    })
}

/// Reads frames of a capture again, those with a number in `range`.
///
/// An uncompressed file is read from the last mark of the index before them; a compressed one is
/// unpacked from its beginning.
///
/// # Errors
/// Where the file cannot be opened any more, or no longer holds frames that it held, or a stream
/// could not be kept as far.
pub fn read_range<F: FnMut(&Frame<'_>)>(
    file: &CaptureFile,
    range: RangeInclusive<u32>,
    sink: &mut F,
) -> Result<(), CaptureError> {
    let first = (*range.start()).max(1);
    let last = (*range.end()).min(file.last);
    if first > last {
        return Ok(());
    }
    let changed = || source::gone(&file.handle, &file.path);
    let stride = (first - 1) / STRIDE;
    let mark = file.index.get(stride as usize).ok_or_else(changed)?;
    let mut collector = Collector::range(sink, stride * STRIDE, first, last);
    let packed = file.compression.is_some();
    let mut window = source::reopen(&file.handle, &file.path, packed, mark.offset)?;
    match &file.layout {
        Layout::Pcap(header) => pcap::records(&mut window, header, &mut collector),
        Layout::PcapNg => {
            let mut sections = Sections::at(mark, &file.interfaces);
            pcapng::blocks(&mut window, &mut sections, &mut collector);
        }
        // Numbers count from beginnings that lie before: a text is walked from its own.
        Layout::Text(timing) => {
            collector.number = 0;
            text::walk(&mut window, *timing, &mut collector, None);
        }
    }
    if collector.number < last { Err(changed()) } else { Ok(()) }
}

/// Whether a frame of a capture is read again without those before it: neither unpacked nor printed from the
/// beginning.
#[must_use]
pub fn is_read_anywhere(file: &CaptureFile) -> bool {
    file.compression.is_none() && !matches!(file.layout, Layout::Text(_))
}

/// The lines of a text that frames come from: number of the frame, number of the line, and what is
/// printed of the packet. None where the capture is no text, or cannot be read any more.
#[must_use]
pub fn lines(file: &CaptureFile, mut frames: Vec<u32>) -> Vec<(u32, u64, String)> {
    frames.sort_unstable();
    frames.dedup();
    let (Layout::Text(timing), Some(last)) = (&file.layout, frames.last().copied()) else {
        return Vec::new();
    };
    let packed = file.compression.is_some();
    let Ok(mut window) = source::reopen(&file.handle, &file.path, packed, 0) else {
        return Vec::new();
    };
    let mut lines = Lines { wanted: frames, found: Vec::new() };
    let mut sink = |_: &Frame<'_>| {};
    let mut collector = Collector::range(&mut sink, 0, 1, last);
    text::walk(&mut window, *timing, &mut collector, Some(&mut lines));
    lines.found
}

#[cfg(test)]
mod tests {
    use super::{read, read_range};
    use crate::capture::testkit::{Ng, Pcap, Seen, gzip, payload, run, run_path, zstd};
    use crate::capture::{CaptureError, CaptureFile, Frame, Source};
    use std::ops::RangeInclusive;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn sample_ng(frames: u32) -> Ng {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[(2, b"eth0")]);
        for n in 0..frames {
            if n == frames / 2 {
                ng.section(true, 1).interface(276, 0, &[(9, &[9])]).interface(1, 0, &[]);
            }
            ng.enhanced(
                u32::from(n > frames / 2 && n % 3 == 0),
                u64::from(n),
                &payload(n, 5 + n as usize % 30),
            );
        }
        ng
    }

    fn again(file: &CaptureFile, range: RangeInclusive<u32>) -> Vec<Seen> {
        let mut seen = Vec::new();
        read_range(file, range, &mut |f: &Frame<'_>| seen.push(Seen::from(f))).unwrap();
        seen
    }

    #[test]
    fn a_pcap_cut_anywhere_keeps_the_whole_records_before_the_cut() {
        let mut pcap = Pcap::new();
        pcap.frames(12);
        let (_, all) = run(&pcap.bytes).unwrap();
        for cut in 0..=pcap.bytes.len() {
            let result = run(&pcap.bytes[..cut]);
            if cut < 24 {
                assert!(result.is_err(), "{cut}");
                continue;
            }
            let (file, seen) = result.unwrap();
            let whole = pcap.ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(seen, all[..whole], "{cut}");
            let at_boundary = pcap.ends.contains(&cut);
            assert_eq!(file.damage.is_empty(), at_boundary, "{cut}");
            if let Some(damage) = file.damage.first() {
                let place = (damage.byte, damage.frame_after as usize);
                assert_eq!(place, (pcap.ends[whole] as u64, whole), "{cut}");
            }
        }
    }

    #[test]
    fn a_pcapng_cut_anywhere_keeps_the_whole_blocks_before_the_cut() {
        let ng = sample_ng(12);
        let (_, all) = run(&ng.bytes).unwrap();
        for cut in 0..=ng.bytes.len() {
            let result = run(&ng.bytes[..cut]);
            if cut < 28 {
                assert!(result.is_err(), "{cut}");
                continue;
            }
            let (file, seen) = result.unwrap();
            let blocks = ng.ends.iter().filter(|end| **end <= cut).count();
            // Two blocks come before the first frame, three before the seventh.
            let whole = if blocks < 9 {
                blocks.saturating_sub(2).min(6)
            } else {
                blocks.saturating_sub(5).max(6)
            };
            assert_eq!(seen, all[..whole], "{cut}");
            assert_eq!(file.damage.is_empty(), ng.ends.contains(&cut), "{cut}");
        }
    }

    #[test]
    fn any_byte_may_be_wrong() {
        let mut pcap = Pcap::new();
        pcap.frames(6);
        for bytes in [pcap.bytes, sample_ng(6).bytes] {
            for at in 0..bytes.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut wrong = bytes.clone();
                    wrong[at] = value;
                    if let Ok((file, seen)) = run(&wrong) {
                        assert!(seen.len() <= 6, "{at}");
                        assert!(seen.windows(2).all(|w| w[0].number < w[1].number));
                        assert_eq!(file.frames, seen.last().map_or(0, |f| f.number));
                    }
                }
            }
        }
    }

    #[test]
    fn compressed_captures_read_like_plain_ones() {
        let mut pcap = Pcap::new();
        pcap.frames(3000);
        let (_, all) = run(&pcap.bytes).unwrap();
        let (front, back) = pcap.bytes.split_at(5000);
        let members = [gzip(front), gzip(back)].concat();
        let frames = [zstd(front), zstd(back)].concat();
        for (bytes, name) in [
            (gzip(&pcap.bytes), "gzip"),
            (members, "gzip"),
            (zstd(&pcap.bytes), "zstd"),
            (frames, "zstd"),
        ] {
            let (file, seen) = run(&bytes).unwrap();
            assert_eq!((file.compression, file.damage.len()), (Some(name), 0));
            assert!(seen == all, "{name}");
            assert_eq!(again(&file, 2000..=2002), all[1999..2002]);
        }
    }

    #[test]
    fn a_broken_compressed_stream_keeps_what_was_unpacked() {
        let mut pcap = Pcap::new();
        let mut state = 1u32;
        for n in 0..3000 {
            // Bytes that do not compress, so that the stream has many blocks.
            let mut next = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            pcap.frame(n, 0, &(0..200).map(&mut next).collect::<Vec<u8>>());
        }
        let (_, all) = run(&pcap.bytes).unwrap();
        for bytes in [gzip(&pcap.bytes), zstd(&pcap.bytes)] {
            let cut = &bytes[..bytes.len() / 2];
            let mut wrong = bytes.clone();
            let middle = wrong.len() / 2;
            wrong[middle..middle + 40].fill(0xa5);
            let (file, seen) = run(cut).unwrap();
            assert!(!seen.is_empty() && seen.len() < 3000 && seen == all[..seen.len()]);
            assert_eq!((file.damage.len(), file.damage[0].frame_after), (1, file.frames));
            // A wrong byte is found late, if at all before the checksum; then frames come and one damage.
            let (file, seen) = run(&wrong).unwrap();
            assert!(!seen.is_empty() && !file.damage.is_empty());
        }
    }

    #[test]
    fn a_range_is_read_back_from_files_and_from_streams() {
        let mut pcap = Pcap::new();
        pcap.frames(5000);
        let ng = sample_ng(5000);
        let folder = tempfile::tempdir().unwrap();
        for bytes in [&pcap.bytes, &ng.bytes] {
            let path = folder.path().join("x");
            std::fs::write(&path, bytes).unwrap();
            let (from_file, all) = run_path(&path).unwrap();
            let (from_stream, _) = run(bytes).unwrap();
            for file in [from_file, from_stream] {
                assert_eq!(file.index.len(), 5);
                for (first, last) in [(1, 1), (1024, 1026), (2400, 3100), (4999, 9000), (1, 5000)] {
                    let end = (last as usize).min(5000);
                    assert!(again(&file, first..=last) == all[first as usize - 1..end], "{first}");
                }
                assert_eq!(again(&file, 5001..=6000), []);
                assert_eq!(again(&file, RangeInclusive::new(7, 3)), []);
            }
        }
    }

    #[test]
    fn a_file_that_changed_since_is_told() {
        let mut pcap = Pcap::new();
        pcap.frames(2000);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pcap");
        std::fs::write(&path, &pcap.bytes).unwrap();
        let (file, _) = run_path(&path).unwrap();
        std::fs::write(&path, &pcap.bytes[..1000]).unwrap();
        let result = read_range(&file, 1990..=2000, &mut |_: &Frame<'_>| {});
        assert!(matches!(result, Err(CaptureError::Changed { .. })));
    }

    #[test]
    fn progress_is_the_bytes_of_the_file() {
        let mut pcap = Pcap::new();
        pcap.frames(500);
        let folder = tempfile::tempdir().unwrap();
        for bytes in [pcap.bytes.clone(), gzip(&pcap.bytes)] {
            let path = folder.path().join("x");
            std::fs::write(&path, &bytes).unwrap();
            let progress = AtomicU64::new(5);
            // Another file is read meanwhile.
            let mut first = true;
            let mut other = |_: &Frame<'_>| {
                progress.fetch_add(u64::from(std::mem::take(&mut first)) * 7, Ordering::Relaxed);
            };
            let file = read(&Source::Path(path), &progress, &mut other).unwrap();
            assert_eq!(progress.load(Ordering::Relaxed), bytes.len() as u64 + 5 + 7);
            assert_eq!(file.bytes, bytes.len() as u64);
        }
    }
}
