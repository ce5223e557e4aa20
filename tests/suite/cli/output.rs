//! Where results go: files, devices, pipes, and what is said when they cannot be written.

use super::{sample, scratch, text};
use crate::support::program::{code, lbdiag, run, stderr, stdout};
use std::path::Path;
use std::process::Stdio;

#[test]
fn a_file_gets_what_its_name_says() {
    let (dir, _) = scratch("x");
    let path = dir.path().join("ticket.md");
    let output = run(&["-q", "-o", text(&path), &sample("healthy-nat")]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("## Healthy"));
}

#[test]
fn connections_are_written_as_csv_and_ladders_as_json() {
    let folder = sample("nat-one-rs-gateway-wrong");
    let csv = stdout(&run(&["connections", "-q", "--format", "csv", &folder]));
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&run(&["connections", "-q", "--format", "json", &folder])))
            .unwrap();
    let list = json["connections"].as_array().unwrap();
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), list.len() + 1);
    for (line, connection) in lines[1..].iter().zip(list) {
        assert_eq!(line.len(), lines[0].len(), "{line:?}");
        assert_eq!(line[1], connection["client"].as_str().unwrap());
        assert_eq!(line[5], connection["outcome"].as_str().unwrap());
        assert_eq!(line[8], connection["duration_ns"].to_string());
    }
    let ladder: serde_json::Value =
        serde_json::from_str(&stdout(&run(&["ladder", "-q", "--format", "json", &folder])))
            .unwrap();
    assert!(!ladder["steps"].as_array().unwrap().is_empty());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let healthy = &sample("healthy-nat");
    for args in [
        &[healthy.as_str()][..],
        &["--json", healthy],
        &["schema"],
        &["explain"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = lbdiag(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(code(&output), Some(0), "{args:?}");
        assert!(!stderr(&output).contains("error"), "{args:?}: {}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = lbdiag(&["schema"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("give a file with -o"));
}

#[test]
fn the_result_goes_to_a_file() {
    let (dir, path) = scratch("report.txt");
    let healthy = &sample("healthy-nat");
    let output = run(&["-o", text(&path), healthy]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let plain = run(&[healthy]);
    assert_eq!(std::fs::read(&path).unwrap(), plain.stdout);
    assert_eq!(run(&["-o", "-", healthy]).stdout, plain.stdout);
    assert_eq!(dir.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_be_written_is_said_and_captures_are_not_overwritten() {
    let (dir, path) = scratch("director.pcap");
    let healthy = &sample("healthy-nat");
    std::fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/healthy-nat/director.pcap"),
        &path,
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    for (place, needle) in [
        (text(&path), "would be lost"),
        (text(dir.path()), "is a folder"),
        (&format!("{}/no/report.txt", dir.path().display()), "mkdir -p"),
    ] {
        let output = run(&["-o", place, healthy]);
        assert_eq!(code(&output), Some(2), "{place}");
        assert!(stderr(&output).contains(needle), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn devices_are_written_directly() {
    let output = run(&["-o", "/dev/null", &sample("healthy-nat")]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
}

#[test]
fn colour_follows_the_option_then_the_environment() {
    let coloured = |args: &[&str], vars: &[(&str, &str)]| {
        let output = lbdiag(args).envs(vars.iter().copied()).output().unwrap();
        assert_eq!(code(&output), Some(0));
        stdout(&output).contains('\x1b')
    };
    let healthy = &sample("healthy-nat");
    for what in [&["explain", "rs-silent"][..], &[healthy.as_str()]] {
        let with = |extra: &'static str| [what, &[extra]].concat();
        assert!(!coloured(what, &[]));
        assert!(coloured(what, &[("FORCE_COLOR", "1")]));
        assert!(!coloured(what, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
        assert!(coloured(&with("--color=always"), &[("NO_COLOR", "1")]));
        assert!(!coloured(&with("--color=never"), &[("FORCE_COLOR", "1")]));
    }
}

#[test]
fn columns_set_the_width() {
    let width = |columns: &str| {
        let output = lbdiag(&["explain"]).env("COLUMNS", columns).output().unwrap();
        stdout(&output).lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(width("70") <= 70 && width("150") > 80 && width("no number") <= 80);
}
