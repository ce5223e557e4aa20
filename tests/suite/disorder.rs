//! What busy hosts do to captures: frames of one moment stand in another order, as where several queues are
//! read, and some are missing ("dropped by kernel"). Neither changes what was wrong on the network.

use crate::support::check::{none, of_each};
use crate::support::rewrite::{Record, rewritten};
use crate::support::run::{run_paths, whole};
use lbdiag::report::{Report, Severity, Status};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Nanoseconds within which frames change places.
const MOMENT_NS: u64 = 100_000;
/// Of a thousand frames these many are missing.
const MISSING: [u64; 3] = [40, 120, 300];
/// From so many on a capture shows that it lacks them.
const MUCH: u64 = 300;

/// Where frames in another order show another thing beside the cause, which stays named: an answer that stands
/// before what it answers is nobody's.
const ORDER_TELLS: &[(&str, &str)] = &[
    ("ecmp-rehash-among-servers", "connection-reset"),
    ("ecmp-rehash-among-servers", "rst-no-socket"),
    ("l7-requests-wait-in-queue", "http-5xx"),
    ("two-tiers-one-server-500", "health-check-failing"),
];
/// Where what is missing cannot be told from what never was: a segment with numbers of its own whose neighbours are
/// gone, the check that was the tenth, an address that its other owner announced, a question that is asked
/// again for its twin's sake.
const CANNOT_BE_TOLD: &[&str] =
    &["arp-flux-director", "healthy-l7-400", "healthy-nat-invalid-dropped", "nat-dns-aaaa-ignored"];

/// Where nothing shows that a capture lacks frames: what is left of each connection is whole.
const LOOKS_WHOLE: &[&str] = &["synproxy-turns-away"];

/// Numbers that look drawn, the same ones in every run (splitmix64).
struct Drawn(u64);

impl Drawn {
    fn of(name: &str) -> Self {
        Self(name.bytes().fold(7, |all, b| all.wrapping_mul(31).wrapping_add(u64::from(b))))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// All captures of a sample, changed; `None` where one is of a form that is not written here.
fn changed(
    captures: &[PathBuf],
    folder: &Path,
    change: &mut impl FnMut(&mut Vec<Record>),
) -> Option<Vec<PathBuf>> {
    captures.iter().map(|capture| rewritten(capture, folder, &mut *change)).collect()
}

/// What a report says that is wrong.
fn loud(report: &Report) -> BTreeSet<String> {
    let loud = report.findings.iter().filter(|finding| finding.severity != Severity::Info);
    loud.map(|finding| finding.id.clone()).collect()
}

#[test]
fn frames_of_one_moment_in_another_order_say_the_same() {
    none(of_each(|sample| {
        let folder = tempfile::tempdir().unwrap();
        let mut drawn = Drawn::of(&sample.name);
        let mut shuffle = |records: &mut Vec<Record>| {
            records.sort_by_cached_key(|record| record.ns + drawn.below(MOMENT_NS));
        };
        let Some(paths) = changed(&sample.captures, folder.path(), &mut shuffle) else {
            return Vec::new();
        };
        let (before, after) = (&whole(sample).report, &run_paths(&paths).report);
        let tells = |id: &String| ORDER_TELLS.contains(&(sample.name.as_str(), id));
        let (told, tells_now) = (loud(before), loud(after));
        let mut wrong: Vec<String> =
            told.symmetric_difference(&tells_now).filter(|id| !tells(id)).cloned().collect();
        if before.verdict.status != after.verdict.status {
            wrong.push(format!("{:?} becomes {:?}", before.verdict.status, after.verdict.status));
        }
        wrong
    }));
}

#[test]
fn captures_that_lack_frames_accuse_nobody_and_reassure_nobody() {
    none(of_each(|sample| {
        let is_bad =
            |report: &Report| matches!(report.verdict.status, Status::Failing | Status::Degraded);
        let was_bad = is_bad(&whole(sample).report);
        if !was_bad && CANNOT_BE_TOLD.contains(&&*sample.name) {
            return Vec::new();
        }
        let mut wrong = Vec::new();
        for missing in MISSING {
            let folder = tempfile::tempdir().unwrap();
            let mut drawn = Drawn::of(&sample.name);
            let mut drop = |records: &mut Vec<Record>| {
                records.retain(|_| drawn.below(1000) >= missing);
            };
            let Some(paths) = changed(&sample.captures, folder.path(), &mut drop) else { break };
            let report = run_paths(&paths).report;
            // Of a tenth and more nobody can say that nothing went wrong.
            let healthy = missing >= MUCH && report.verdict.status == Status::Healthy;
            if !was_bad && is_bad(&report)
                || was_bad && healthy && !LOOKS_WHOLE.contains(&&*sample.name)
            {
                wrong.push(format!("{missing} of 1000 missing: {:?}", report.verdict.lines));
            }
        }
        wrong
    }));
}
