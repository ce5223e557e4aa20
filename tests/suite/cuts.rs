//! Captures that end anywhere, and captures with a wrong byte anywhere: nothing
//! panics, what came before stays, and every report holds together.

use crate::support::bytes::records;
use crate::support::check::{inconsistent, none, of_each};
use crate::support::expected::{Sample, samples};
use crate::support::run::{Run, run_paths};
use lbdiag::capture::{self, Frame, Source};
use rayon::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// A whole file is cut at each byte up to this size, a larger one at each 97th.
const EVERY_BYTE: usize = 2 << 10;
/// Reports that are made of one file, each of another number of frames.
const REPORTS: usize = 32;
/// Wrong bytes, over all samples.
const MUTATIONS: u64 = 1000;

/// A frame that can be compared: number, time, length on the wire, bytes.
type Seen = (u32, i64, u32, Vec<u8>);

fn frames(path: &Path) -> Result<Vec<Seen>, String> {
    let mut seen = Vec::new();
    let mut sink = |f: &Frame<'_>| seen.push((f.number, f.time.0, f.wire_len, f.data.to_vec()));
    let source = Source::Path(path.to_owned());
    capture::read(&source, &AtomicU64::new(0), &mut sink).map_err(|e| e.to_string())?;
    Ok(seen)
}

/// Diagnoses and holds the report against itself; a panic is a deviation, and
/// so is silence on a loss at `lost`.
fn survives(paths: &[PathBuf], lost: Option<usize>) -> Vec<String> {
    let Run { report, failures, .. } = match catch_unwind(AssertUnwindSafe(|| run_paths(paths))) {
        Ok(run) => run,
        Err(panic) => return vec![format!("panics: {}", words(panic.as_ref()))],
    };
    let mut wrong = inconsistent(&report);
    if let Some(lost) = lost {
        let mut notes = report.captures.iter().flat_map(|c| &c.notes);
        if failures.is_empty() && !notes.any(|n| n.contains(&format!("at byte {lost},"))) {
            wrong.push(format!("nothing is said of the loss at byte {lost}"));
        }
    }
    wrong
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
}

/// The captures of a sample, the smallest of them copied to where it may be
/// changed; the copy and its place come with it.
fn with_copy(sample: &Sample) -> (tempfile::TempDir, PathBuf, Vec<PathBuf>) {
    let size = |path: &&PathBuf| path.metadata().unwrap().len();
    let smallest = sample.captures.iter().min_by_key(size).unwrap();
    with_copy_of(sample, smallest)
}

fn with_copy_of(sample: &Sample, one: &Path) -> (tempfile::TempDir, PathBuf, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join(one.file_name().unwrap());
    std::fs::copy(one, &copy).unwrap();
    let all = sample.captures.iter();
    let paths = all.map(|p| if p == one { copy.clone() } else { p.clone() }).collect();
    (dir, copy, paths)
}

#[test]
fn a_capture_cut_at_any_byte_keeps_the_frames_before_the_cut() {
    none(of_each(|sample| {
        let (_dir, copy, paths) = with_copy(sample);
        let whole = frames(&copy).unwrap();
        let bytes = std::fs::read(&copy).unwrap();
        // A compressed file holds its records where only unpacking tells.
        let records = records(&bytes);
        let header = if bytes[0] == 0x0a { 28 } else { 24 };
        let step = if bytes.len() <= EVERY_BYTE { 1 } else { 97 };
        let file = std::fs::File::options().write(true).open(&copy).unwrap();
        let every = whole.len().div_ceil(REPORTS).max(1);
        let mut wrong = Vec::new();
        let mut before = None;
        for cut in (0..bytes.len()).rev().step_by(step) {
            file.set_len(cut as u64).unwrap();
            let kept = frames(&copy);
            let count = kept.as_ref().map_or(0, Vec::len);
            let whole_before = |r: &[(usize, usize)]| r.iter().filter(|r| r.1 <= cut).count();
            let right = match (&kept, &records) {
                (Err(_), Some(_)) => cut < header,
                (Ok(kept), Some(records)) => kept[..] == whole[..whole_before(records)],
                (Ok(kept), None) => whole.starts_with(kept),
                (Err(_), None) => true,
            };
            if !right {
                wrong.push(format!("cut at {cut}: not the frames before the cut: {count}"));
            }
            // Another cut inside a record leaves the same frames.
            if before != Some(count) && count.is_multiple_of(every) {
                let place = records.iter().flatten().find(|r| r.0 < cut && cut < r.1);
                let broken = survives(&paths, place.map(|r| r.0));
                wrong.extend(broken.into_iter().map(|line| format!("cut at {cut}: {line}")));
            }
            before = Some(count);
        }
        wrong
    }));
}

/// Numbers that are the same on each run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Changes one byte, adds one or takes one away, and says what it did.
fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) -> String {
    let at = numbers.below(bytes.len());
    let value = match numbers.below(4) {
        0 => 0,
        1 => 0xff,
        _ => numbers.next() as u8,
    };
    match numbers.below(4) {
        0 => {
            bytes.insert(at, value);
            format!("{value:#04x} inserted at {at}")
        }
        1 => {
            bytes.remove(at);
            format!("byte {at} removed")
        }
        2 => {
            bytes[at] ^= 1 << numbers.below(8);
            format!("a bit of byte {at} turned")
        }
        _ => {
            bytes[at] = value;
            format!("byte {at} set to {value:#04x}")
        }
    }
}

#[test]
fn a_wrong_byte_anywhere_breaks_no_report() {
    let samples = samples();
    let try_one = |n: u64| {
        let mut numbers = Numbers(n);
        let sample = &samples[n as usize % samples.len()];
        let one = &sample.captures[numbers.below(sample.captures.len())];
        let (_dir, copy, paths) = with_copy_of(sample, one);
        let mut bytes = std::fs::read(&copy).unwrap();
        let what = mutate(&mut bytes, &mut numbers);
        std::fs::write(&copy, &bytes).unwrap();
        let name = format!("{} {}", sample.name, one.file_name().unwrap().display());
        let broken = survives(&paths, None).into_iter();
        broken.map(|line| format!("{name}, {what}: {line}")).collect::<Vec<_>>()
    };
    none((0..MUTATIONS).into_par_iter().flat_map_iter(try_one).collect());
}
