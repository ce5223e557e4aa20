//! Captures that come as a stream: what cannot be kept for a second reading is said, and what was
//! read once is worth what it shows.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A sample with a proxy, whose requests are read a second time.
fn proxied() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(root.join("samples/healthy-l7-nginx/director.pcap")).unwrap()
}

/// The same behind `bytes` of frames of a protocol for experiments, more than memory keeps.
fn behind(bytes: usize) -> Vec<u8> {
    let sample = proxied();
    let (head, records) = sample.split_at(24);
    let mut frame = vec![0x02; 12];
    frame.extend([0x88, 0xb5]);
    frame.resize(60_000, 0);
    let mut stream = head.to_vec();
    while stream.len() < bytes {
        stream.extend(&records[..8]);
        stream.extend([60_000_u32.to_le_bytes(), 60_000_u32.to_le_bytes()].concat());
        stream.extend(&frame);
    }
    stream.extend(records);
    stream
}

/// Verdict and notes of the report on a stream, with temporary files in `folder`.
fn report(stream: &[u8], folder: &Path) -> (String, String, Vec<String>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
        .args(["--json", "-"])
        .env("TMPDIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stream).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let notes = report["captures"][0]["notes"].as_array().unwrap().iter().map(text).collect();
    (text(&report["verdict"]["status"]), text(&report["verdict"]["summary"]), notes)
}

const MANY: usize = 9 << 20;

#[test]
fn a_stream_that_cannot_be_kept_is_read_once_and_the_report_says_what_is_missing() {
    let nowhere = PathBuf::from("/nowhere/at all");
    let (status, summary, notes) = report(&behind(MANY), &nowhere);
    assert_eq!(status, "inconclusive", "{summary}");
    assert!(summary.contains("could not be read again"), "{summary}");
    let notes = notes.join("\n");
    assert!(notes.contains("could be kept (") && notes.contains("TMPDIR"), "{notes}");
    assert!(notes.contains("in '/nowhere/at all'"), "the folder is quoted: {notes}");
}

#[test]
fn a_stream_that_is_kept_is_worth_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (status, summary, _) = report(&behind(MANY), folder.path());
    assert_eq!(status, "healthy", "{summary}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_small_stream_needs_no_temporary_folder() {
    let (status, summary, notes) = report(&proxied(), Path::new("/nowhere"));
    assert_eq!(status, "healthy", "{summary}");
    assert!(!notes.join("\n").contains("TMPDIR"), "{notes:?}");
}
