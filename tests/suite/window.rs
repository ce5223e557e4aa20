//! `--since` and `--until`: which frames are taken in, and what stays as it was.

use crate::support::program::{code, lbdiag, parsed, run, stderr};
use lbdiag::capture::{self, Frame, Source};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;

const SAMPLE: &str = "samples/hairpin-cloud-slb";

/// Capture, frame number and time of every frame of proof.
fn proofs(report: &Value) -> BTreeSet<(String, u64, String)> {
    let findings = report["findings"].as_array().unwrap();
    let all = findings.iter().flat_map(|f| f["evidence"].as_array().unwrap());
    all.map(|e| {
        let text = |key: &str| e[key].as_str().unwrap().to_owned();
        (text("capture"), e["frame"].as_u64().unwrap(), text("time"))
    })
    .collect()
}

/// Time of every frame of a file by its number, nanoseconds.
fn frame_times(path: &str) -> BTreeMap<u64, i64> {
    let mut times = BTreeMap::new();
    let mut sink = |frame: &Frame<'_>| {
        times.insert(u64::from(frame.number), frame.time.0);
    };
    capture::read(&Source::Path(path.into()), &AtomicU64::new(0), &mut sink).unwrap();
    times
}

fn starts(report: &Value) -> Vec<String> {
    let all = report["connections"].as_array().unwrap();
    all.iter().map(|c| c["start"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn frames_outside_are_not_taken_in_and_the_others_keep_their_numbers() {
    let all = parsed(&["--json", "--connections", "all", SAMPLE]);
    // The second failing connection and what follows.
    let cut = parsed(&["--json", "--connections", "all", "--since", "07:41:53", SAMPLE]);
    assert_eq!(starts(&all).len(), 6);
    let later: Vec<String> =
        starts(&all).into_iter().filter(|s| s.as_str() >= "2026-11-20T07:41:53").collect();
    assert_eq!(starts(&cut).len(), later.len());
    assert_eq!(later.len(), 4);
    for capture in cut["captures"].as_array().unwrap() {
        let noted = capture["notes"].to_string();
        assert!(noted.contains("outside of the window since 2026-11-20 07:41:53.000"), "{noted}");
    }
    // The director's clock is the reference: the frame of that number has that time.
    let path = format!("{SAMPLE}/director.pcap");
    let times = frame_times(&path);
    let proved: Vec<_> = proofs(&cut).into_iter().filter(|p| p.0 == path).collect();
    assert!(!proved.is_empty());
    for (_, frame, time) in proved {
        let at: jiff::Timestamp = time.parse().unwrap();
        assert_eq!(times[&frame], i64::try_from(at.as_nanosecond()).unwrap(), "frame {frame}");
        assert!(time.as_str() >= "2026-11-20T07:41:53");
    }
    assert_eq!(cut["captures"][0]["frames"], all["captures"][0]["frames"]);
}

#[test]
fn one_proof_has_one_number_in_every_window_that_holds_it() {
    let whole = proofs(&parsed(&["--json", SAMPLE]));
    let first = parsed(&["--json", "--until", "07:41:53", SAMPLE]);
    let shown = proofs(&first);
    let of = |capture: &str, set: &BTreeSet<(String, u64, String)>| -> BTreeSet<u64> {
        set.iter().filter(|p| p.0.ends_with(capture)).map(|p| p.1).collect()
    };
    // The first connection proves the finding in both runs, by the same frames.
    for capture in ["director.pcap", "rs1.pcap"] {
        let common: Vec<u64> =
            of(capture, &whole).intersection(&of(capture, &shown)).copied().collect();
        assert!(!common.is_empty(), "{capture}: {whole:?} {shown:?}");
    }
    assert_eq!(starts(&first).len(), 1);
}

#[test]
fn times_may_be_whole_of_the_day_or_counted_from_either_end() {
    let count = |args: &[&str]| {
        let all = [&["--json", "--connections", "all", SAMPLE], args].concat();
        starts(&parsed(&all)).len()
    };
    assert_eq!(count(&["--since", "2026-11-20T07:41:53Z"]), 4);
    assert_eq!(count(&["--since", "2026-11-20T08:41:53+01:00"]), 4);
    assert_eq!(count(&["--since", "07:41:53"]), 4);
    // The captures span 07:41:50.351 to 07:41:59.567.
    assert_eq!(count(&["--since", "+2650ms"]), 4);
    assert_eq!(count(&["--since", "-6.566s"]), 4);
    assert_eq!(count(&["--since=07:41", "--until=07:42"]), 6);
}

#[test]
fn a_window_without_frames_states_the_span() {
    for window in [["--since", "09:00"], ["--until", "2026-11-19T00:00:00Z"], ["--since", "+1h"]] {
        let output = run(&[SAMPLE, window[0], window[1]]);
        assert_eq!(code(&output), Some(2));
        assert!(output.stdout.is_empty());
        let said = stderr(&output);
        assert!(said.contains("2026-11-20 07:41:50.351 to 2026-11-20 07:41:59.566 UTC"), "{said}");
    }
}

#[test]
fn windows_that_mean_nothing_are_refused() {
    for (args, needle) in [
        (&["--since", "07:42", "--until", "07:41"][..], "ends before it begins"),
        (&["--since", "yesterday"], "+10s (after the first frame)"),
        (&["--until", "10"], "give 07:41:51"),
    ] {
        let output = run(&[args, &[SAMPLE]].concat());
        assert_eq!(code(&output), Some(2), "{args:?}");
        assert!(stderr(&output).contains(needle), "{}", stderr(&output));
    }
}

#[test]
fn a_stream_counts_from_its_own_first_frame() {
    let open = || std::fs::File::open(format!("{SAMPLE}/director.pcap")).unwrap();
    let piped = |args: &[&str]| lbdiag(args).stdin(open()).output().unwrap();
    let cut = piped(&["--json", "--connections", "all", "--since", "+2s", "-"]);
    assert_eq!(code(&cut), Some(0), "{}", stderr(&cut));
    let cut: Value = serde_json::from_slice(&cut.stdout).unwrap();
    let file = format!("{SAMPLE}/director.pcap");
    let same = parsed(&["--json", "--connections", "all", "--since", "+2s", &file]);
    assert_eq!(starts(&cut), starts(&same));
    let last = piped(&["--since", "-2s", "-"]);
    assert_eq!(code(&last), Some(2));
    assert!(stderr(&last).contains("a stream is read only once"), "{}", stderr(&last));
}

#[test]
fn clocks_are_not_corrected_before_the_cut_and_a_capture_that_it_misses_says_so() {
    // Here rs2's clock is 0.4 s behind: its first frame, 07:41:51.341 by the reference
    // clock, is stamped 07:41:50.946.
    let cut = parsed(&["--json", "--until", "07:41:51", "samples/skew-hairpin"]);
    let notes = |name: &str| {
        let captures = cut["captures"].as_array().unwrap();
        let of = captures.iter().find(|c| c["path"].as_str().unwrap().ends_with(name)).unwrap();
        of["notes"].to_string()
    };
    let missed = notes("director.pcap");
    assert!(missed.contains("none of its 84 frames lies in the window until"), "{missed}");
    assert!(missed.contains("07:41:51.337 to 2026-11-20 07:41:59.621 by its own clock"));
    let touched = notes("rs2.pcap");
    assert!(touched.contains("of 35 frames lie outside of the window"), "{touched}");
}

#[test]
fn a_window_at_any_place_accuses_nothing_healthy() {
    for sample in ["samples/healthy-nat", "samples/healthy-dr", "samples/healthy-l7-haproxy"] {
        for window in [
            ["--since", "+500ms"],
            ["--since", "+1s"],
            ["--until", "+500ms"],
            ["--until", "+1s"],
            ["--until", "-250ms"],
            ["--since", "-750ms"],
        ] {
            let report = parsed(&["--json", window[0], window[1], sample]);
            let status = report["verdict"]["status"].as_str().unwrap();
            assert!(["healthy", "inconclusive"].contains(&status), "{sample} {window:?}");
        }
    }
}
