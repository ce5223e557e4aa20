//! Files that are broken, odd or no captures at all: what is whole is used, what
//! is lost is said with its place, and the other files go on.

use crate::support::bytes::{Pcap, PcapNg, gzip};
use crate::support::frames::{CLIENT, Segment, VIP, exchange};
use crate::support::program::lbdiag;
use crate::support::run::{Run, run};
use lbdiag::report::{Capture, Report};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

/// Frames of an exchange, one a millisecond from `start` on.
fn frames(port: u16, start: u32) -> Vec<(u32, Vec<u8>)> {
    let segments = exchange((CLIENT.0, port), VIP, u32::from(port) * 9, 0).into_iter().enumerate();
    segments.map(|(n, (_, segment))| (start + n as u32, segment.ethernet())).collect()
}

/// Eight frames in a file.
fn good() -> Pcap {
    let mut pcap = Pcap::new(1);
    pcap.frames(&frames(40_000, 0));
    pcap
}

/// A folder with files in it.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// Diagnoses files of a folder; `{}` is the folder.
fn read(dir: &TempDir, args: &[&str]) -> Run {
    let root = dir.path().display().to_string();
    run(&args.iter().map(|a| a.replace("{}", &root)).collect::<Vec<_>>())
}

/// Diagnoses one file beside nothing else.
fn alone(name: &str, bytes: &[u8]) -> Run {
    read(&folder(&[(name, bytes)]), &[&format!("{{}}/{name}")])
}

fn only(report: &Report) -> &Capture {
    let [capture] = &report.captures[..] else { panic!("{:?}", report.captures) };
    capture
}

/// Frames that were kept, and the only note.
fn kept(run: &Run) -> (u64, &str) {
    let capture = only(&run.report);
    assert!(run.failures.is_empty(), "{:?}", run.failures);
    let [note] = &capture.notes[..] else { panic!("{:?}", capture.notes) };
    (capture.frames, note)
}

#[test]
fn a_whole_file_has_no_note() {
    let run = alone("x.pcap", &good().bytes);
    assert_eq!((only(&run.report).frames, &only(&run.report).notes), (8, &Vec::new()));
    assert_eq!(run.report.totals.connections, 1);
    assert_eq!(run.report.connections[0].outcome, "completed");
}

#[test]
fn what_is_no_capture_is_named_and_left_out() {
    for (bytes, said) in [
        (&b""[..], "the file is empty"),
        (b"10:27:01 IP 192.0.2.7 > 192.0.2.8: Flags [S]\n", "this is a text without a packet"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "ends after 6 bytes, inside its pcap file header"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", "of no capture format that lbdiag knows"),
        (b"snoop\0\0\0\0\0\0\x02\0\0\0\x04", "convert it with: editcap"),
        (b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0", "unpack it first"),
    ] {
        let run = alone("x.pcap", bytes);
        let [failure] = &run.failures[..] else { panic!("{said}: {:?}", run.failures) };
        assert!(failure.contains(said) && failure.contains("x.pcap"), "{failure}");
        assert!(run.report.captures.is_empty(), "{said}");
    }
}

#[test]
fn a_capture_without_frames_says_so() {
    let run = alone("x.pcap", &Pcap::new(1).bytes);
    assert_eq!(kept(&run), (0, "holds no frames"));
    let run = alone("x.pcapng", &PcapNg::new().bytes);
    assert_eq!(kept(&run), (0, "holds no frames"));
}

#[test]
fn a_cut_gzip_file_gives_what_could_be_unpacked() {
    let mut pcap = Pcap::new(1);
    for port in 0..200 {
        pcap.frames(&frames(10_000 + port, u32::from(port) * 100));
    }
    let packed = gzip(&pcap.bytes);
    assert_eq!(only(&alone("x.pcap.gz", &packed).report).frames, 1600);
    let run = alone("x.pcap.gz", &packed[..packed.len() / 2]);
    let (count, note) = kept(&run);
    assert!((200..1600).contains(&count), "{count}");
    assert!(
        note.starts_with("at byte ") && note.contains(&format!("after frame {count}")),
        "{note}"
    );
    assert!(note.contains("gzip"), "{note}");
    assert!(run.report.totals.connections >= count / 8);
}

#[test]
fn a_pcapng_block_with_a_wrong_length_costs_itself() {
    let mut ng = PcapNg::new();
    ng.interface(1, "eth0");
    let all = frames(40_000, 0);
    let mut at = 0;
    for (n, (ms, data)) in all.iter().enumerate() {
        if n == 3 {
            at = ng.bytes.len();
        }
        ng.frame(0, *ms, data);
    }
    for (length, frames) in [(7_u32, 7), (u32::MAX, 7), (1 << 31, 7), (0, 7)] {
        let mut bytes = ng.bytes.clone();
        bytes[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
        let run = alone("x.pcapng", &bytes);
        let (count, note) = kept(&run);
        assert_eq!(count, frames, "length {length}: {note}");
        assert!(note.starts_with(&format!("at byte {at}, after frame 3: ")), "{note}");
    }
}

#[test]
fn a_pcap_record_with_an_absurd_length_is_said_with_its_place() {
    for captured in [262_145, 1 << 30, u32::MAX] {
        let mut pcap = good();
        let at = pcap.bytes.len();
        pcap.record(9, captured, captured, b"");
        let run = alone("x.pcap", &pcap.bytes);
        let (count, note) = kept(&run);
        assert_eq!(count, 8);
        assert!(note.starts_with(&format!("at byte {at}, after frame 8: ")), "{note}");
        assert!(note.contains(&format!("{captured} bytes")), "{note}");
        // What follows is found again.
        pcap.frames(&frames(40_001, 100));
        let run = alone("x.pcap", &pcap.bytes);
        assert_eq!(kept(&run).0, 16);
        assert_eq!(run.report.totals.connections, 2);
    }
}

#[test]
fn a_link_type_that_is_not_decoded_is_named_with_its_frames() {
    let mut pcap = Pcap::new(127);
    pcap.frames(&frames(40_000, 0));
    let run = alone("wifi.pcap", &pcap.bytes);
    let (count, note) = kept(&run);
    assert_eq!(count, 8);
    assert_eq!(note, "8 frames of link type IEEE 802.11 with radiotap header were not decoded");
    assert_eq!(only(&run.report).link_type, "IEEE 802.11 with radiotap header");
    let mut pcap = Pcap::new(147);
    pcap.frame(0, b"whatever").frame(1, b"more");
    let run = alone("x.pcap", &pcap.bytes);
    assert_eq!(kept(&run), (2, "2 frames of link type unknown (147) were not decoded"));
}

#[test]
fn a_folder_means_the_captures_in_it() {
    let good = good().bytes;
    let files: [(&str, &[u8]); 4] =
        [("b.pcap", &good), ("a.txt", b"notes\n"), ("c.pcap", &good), ("d.pcap", b"")];
    let run = read(&folder(&files), &["{}"]);
    let names: Vec<&str> = run.report.captures.iter().map(|c| c.vantages[0].as_str()).collect();
    assert_eq!(names, ["b", "c"]);
    // A text lies beside captures everywhere; an empty capture was meant to be one.
    let notes = run.report.notes.join("\n");
    assert!(notes.contains("d.pcap (empty)") && !notes.contains("a.txt"), "{notes}");
}

#[test]
fn one_unreadable_file_stops_no_other() {
    let cut = &good().bytes[..good().bytes.len() - 5];
    let dir = folder(&[("good.pcap", &good().bytes), ("text", b"text\n"), ("cut.pcap", cut)]);
    let run = read(&dir, &["{}/text", "{}/cut.pcap", "{}/good.pcap"]);
    let counts: Vec<u64> = run.report.captures.iter().map(|c| c.frames).collect();
    assert_eq!(counts, [7, 8]);
    assert_eq!((run.failures.len(), run.report.totals.connections), (1, 1));
    assert!(run.report.notes.iter().any(|n| n.contains("/text: this is a text without a packet")));
    let notes = &run.report.captures[0].notes;
    assert!(notes.len() == 1 && notes[0].contains("after frame 7"), "{notes:?}");
    // The second vantage is not thrown off by the missing first.
    assert_eq!(run.report.captures[1].vantages, ["good"]);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let dir = folder(&[("x.pcap", &good().bytes)]);
    let run = read(&dir, &["{}/x.pcap", "{}/./x.pcap", "{}"]);
    assert_eq!(only(&run.report).frames, 8);
    assert_eq!(run.report.totals.connections, 1);
    assert!(run.report.notes.iter().any(|n| n.contains("named more than once")));
}

#[test]
fn two_files_with_like_frames_are_two_views_of_one_connection() {
    let dir = folder(&[("x.pcap", &good().bytes), ("y.pcap", &good().bytes)]);
    let run = read(&dir, &["{}"]);
    assert_eq!((run.report.captures.len(), run.report.totals.connections), (2, 1));
}

#[test]
fn labels_name_vantages() {
    let dir = folder(&[("x.pcap", &good().bytes), ("a=b.pcap", &good().bytes)]);
    let run = read(&dir, &["client={}/x.pcap", "lb={}/a=b.pcap"]);
    let names: Vec<_> = run.report.captures.iter().map(|c| c.vantages.clone()).collect();
    assert_eq!(names, [["client"], ["lb"]]);
}

/// SYNs of one client without an answer, in files that follow each other; the
/// fault is in the second.
fn rotated() -> [Vec<u8>; 3] {
    let mut files = [Pcap::new(1), Pcap::new(1), Pcap::new(1)];
    files[0].frames(&frames(40_000, 0));
    files[1].frames(&frames(40_001, 60_000));
    for (n, ms) in [70_000, 71_000, 73_000, 77_000].into_iter().enumerate() {
        let syn = Segment::syn((CLIENT.0, 40_002), VIP, 777).id(n as u16 + 1);
        files[1].frame(ms, &syn.ethernet());
    }
    files[2].frames(&frames(40_003, 120_000));
    files.map(|file| file.bytes)
}

#[test]
fn evidence_from_a_rotated_capture_names_the_right_file_and_frame() {
    let [a, b, c] = rotated();
    for (names, args) in [
        (["lb.pcap", "lb.pcap1", "lb.pcap2"], vec!["{}"]),
        (["x", "y", "z"], vec!["lb={}/z", "lb={}/x", "lb={}/y"]),
    ] {
        let dir = folder(&[(names[0], &a), (names[1], &b), (names[2], &c)]);
        let run = read(&dir, &args);
        let files: Vec<(&str, u64)> = run
            .report
            .captures
            .iter()
            .map(|c| (Path::new(&c.path).file_name().unwrap().to_str().unwrap(), c.frames))
            .collect();
        assert_eq!(files, [(names[0], 8), (names[1], 12), (names[2], 8)]);
        assert!(run.report.captures.iter().all(|c| c.vantages == ["lb"]));
        assert_eq!(run.report.totals.connections, 4);
        let finding = run.report.findings.iter().find(|f| f.id == "syn-unanswered").unwrap();
        assert!(!finding.evidence.is_empty());
        for e in &finding.evidence {
            let file = Path::new(&e.capture).file_name().unwrap().to_str().unwrap();
            assert_eq!((file, e.vantage.as_str()), (names[1], "lb"));
            assert!((9..=12).contains(&e.frame), "{e:?}");
        }
    }
}

#[test]
fn a_broken_part_of_a_rotated_capture_shifts_no_frame_number() {
    let [a, b, c] = rotated();
    let dir = folder(&[("x", &a[..a.len() - 3]), ("y", &b), ("t", b"text\n"), ("z", &c)]);
    let run = read(&dir, &["lb={}/x", "lb={}/y", "lb={}/z", "lb={}/t"]);
    let frames: Vec<u64> = run.report.captures.iter().map(|c| c.frames).collect();
    assert_eq!((frames, run.failures.len()), (vec![7, 12, 8], 1));
    let finding = run.report.findings.iter().find(|f| f.id == "syn-unanswered").unwrap();
    for e in &finding.evidence {
        assert!(e.capture.ends_with("/y") && (9..=12).contains(&e.frame), "{e:?}");
    }
}

#[test]
fn interfaces_of_one_file_are_vantages_of_their_own() {
    let mut ng = PcapNg::new();
    ng.interface(1, "eth0").interface(1, "eth1").interface(127, "wlan0");
    for (ms, data) in frames(40_000, 0) {
        ng.frame(0, ms, &data).frame(1, ms, &data);
    }
    ng.frame(2, 99, b"whatever");
    let run = alone("lb.pcapng", &ng.bytes);
    let capture = only(&run.report);
    assert_eq!(capture.vantages, ["lb#eth0", "lb#eth1", "lb#wlan0"]);
    assert_eq!((capture.frames, capture.link_type.as_str()), (17, "mixed"));
    assert_eq!(run.report.totals.connections, 1);
}

/// The program with a file as its standard input.
fn piped(path: &PathBuf, args: &[&str]) -> (Option<i32>, serde_json::Value, String) {
    let output =
        lbdiag(args).stdin(Stdio::from(std::fs::File::open(path).unwrap())).output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), report, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn standard_input_may_be_packed_cut_or_no_capture() {
    let cut = &good().bytes[..good().bytes.len() - 5];
    let packed = gzip(&good().bytes);
    let dir = folder(&[("cut", cut), ("packed", &packed), ("text", b"text\n"), ("empty", b"")]);
    let at = |name: &str| dir.path().join(name);

    let (code, report, said) = piped(&at("packed"), &["--json", "-"]);
    assert_eq!((code, &report["captures"][0]["frames"]), (Some(0), &8.into()), "{said}");
    assert_eq!(report["captures"][0]["vantages"][0], "stdin");

    let (code, report, said) = piped(&at("cut"), &["--json", "lb=-"]);
    assert_eq!((code, &report["captures"][0]["frames"]), (Some(0), &7.into()), "{said}");
    let note = report["captures"][0]["notes"][0].as_str().unwrap();
    assert!(note.starts_with("at byte ") && note.contains("after frame 7"), "{note}");

    for (name, needle) in
        [("text", "standard input: this is a text without a packet"), ("empty", "empty")]
    {
        let (code, report, said) = piped(&at(name), &["--json", "-"]);
        assert_eq!((code, report), (Some(2), serde_json::Value::Null), "{said}");
        assert!(said.contains(needle), "{said}");
    }
}
