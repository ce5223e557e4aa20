//! The samples as poorer tools would have captured them: the headers alone, a clock of
//! milliseconds, frames of two queues out of order. What no longer shows must not be made up, nor
//! be called well.

use crate::support::check::{none, of_each, overconfident, quiet};
use crate::support::expected::Sample;
use crate::support::rewrite::{Record, rewritten};
use crate::support::run::run_paths;
use lbdiag::report::{Report, Status};

/// tcpdump's own snapshot length for decades: Ethernet, IPv4, TCP with time stamps, two bytes.
const HEADERS: usize = 68;
/// Frames that follow each other this soon may change places, nanoseconds.
const NEAR_NS: u64 = 60_000;

fn changed(sample: &Sample, change: impl Fn(&mut Vec<Record>)) -> Option<Report> {
    let folder = tempfile::tempdir().unwrap();
    let files = sample.captures.iter().map(|file| rewritten(file, folder.path(), &change));
    let files: Option<Vec<_>> = files.collect();
    Some(run_paths(&files?).report)
}

/// Neither made up nor called well.
fn wrong(sample: &Sample, report: &Report) -> Vec<String> {
    let mut lines = overconfident(report, &sample.expected);
    lines.extend(quiet(report, &sample.expected));
    if report.verdict.status == Status::Healthy && !sample.expected.is_healthy() {
        lines.push(format!("is called well: {}", report.verdict.summary));
    }
    lines
}

#[test]
fn headers_alone_call_nothing_well_that_is_not() {
    none(of_each(|sample| {
        let cut = |records: &mut Vec<Record>| {
            records.iter_mut().for_each(|record| record.data.truncate(HEADERS));
        };
        changed(sample, cut).map_or_else(Vec::new, |report| wrong(sample, &report))
    }));
}

#[test]
fn a_clock_of_milliseconds_makes_nothing_up() {
    none(of_each(|sample| {
        let coarse = |records: &mut Vec<Record>| {
            records.iter_mut().for_each(|record| record.ns -= record.ns % 1_000_000);
        };
        changed(sample, coarse).map_or_else(Vec::new, |report| wrong(sample, &report))
    }));
}

#[test]
fn frames_of_two_queues_that_changed_places_make_nothing_up() {
    none(of_each(|sample| {
        let swapped = |records: &mut Vec<Record>| {
            let mut at = 0;
            let mut draw = 7_u32;
            while at + 1 < records.len() {
                draw = draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let near = records[at + 1].ns.saturating_sub(records[at].ns) < NEAR_NS;
                if near && draw >> 29 == 0 {
                    let (a, b) = (records[at].ns, records[at + 1].ns);
                    records.swap(at, at + 1);
                    (records[at].ns, records[at + 1].ns) = (a, b);
                    at += 1;
                }
                at += 1;
            }
        };
        changed(sample, swapped).map_or_else(Vec::new, |report| wrong(sample, &report))
    }));
}

/// Nothing is held of what they say, but that it ends in a report: their waits are centuries.
#[test]
fn damaged_stamps_end_in_a_report() {
    const STAMPS: [u64; 3] = [0, 0x7fff_ffff, 0xffff_ffff];
    none(of_each(|sample| {
        let reports = (2..7).map(|every| {
            changed(sample, |records| {
                for (n, record) in records.iter_mut().enumerate().filter(|(n, _)| n % every == 1) {
                    record.ns = STAMPS[n / every % STAMPS.len()] * 1_000_000_000;
                }
            })
        });
        let empty = reports.flatten().filter(|report| report.captures.is_empty());
        empty.map(|_| "has no capture".to_owned()).collect()
    }));
}
