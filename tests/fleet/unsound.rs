//! What is wrong with a host's tables is said, and costs no other host.

use crate::columns::{Rows, files, put};
use crate::same::{in_parts, indexed, options, single};
use crate::support::expected::root;
use lbdiag::fleet::{self, Answer, FleetError, Options};
use lbdiag::parquet::Kind;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SAMPLE: &str = "nat-one-rs-gateway-wrong";

fn sample() -> TempDir {
    indexed(&[root().join("samples").join(SAMPLE)])
}

/// The folders of captures, in the order of their labels.
fn captures(of: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(of)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let text = fs::read_to_string(path.join("manifest.json")).unwrap();
            let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            (manifest["label"].as_str().unwrap().to_owned(), path)
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// The answers whole and in parts, of which each failure is in one line.
fn answers(folders: &[&Path]) -> [Answer; 2] {
    let args: Vec<String> = folders.iter().map(|path| path.display().to_string()).collect();
    [options(), in_parts()].map(|options| {
        let answer = fleet::diagnose(&args, options).unwrap();
        for failure in &answer.failures {
            assert!(!failure.to_string().contains('\n'), "{failure}");
        }
        answer
    })
}

/// One capture is not read, for this reason; the report is that of the others.
fn costs_one(folder: &Path, lost: &Path, why: &str) {
    let answers = answers(&[folder]);
    let beside = tempfile::tempdir().unwrap();
    fs::rename(lost, beside.path().join("lost")).unwrap();
    let (_, expected) = single(&folder.display().to_string());
    for answer in answers {
        let said: Vec<String> = answer.failures.iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].contains(why), "{why}: {said:?}");
        let name = lost.file_name().unwrap().to_str().unwrap();
        assert!(said[0].contains(name), "{said:?}");
        assert_eq!(answer.report.notes.first(), said.first());
        assert_eq!(answer.report.verdict, expected.verdict, "{why}");
        assert_eq!(answer.report.services, expected.services, "{why}");
        assert_eq!(answer.report.findings, expected.findings, "{why}");
    }
}

#[test]
fn another_version_is_said() {
    let tables = sample();
    let lost = &captures(tables.path())[1];
    let manifest = lost.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen("\"version\": 1", "\"version\": 7", 1)).unwrap();
    costs_one(tables.path(), lost, "version 7 of the schema");
}

#[test]
fn a_capture_that_is_there_twice_is_read_once() {
    let (tables, again) = (sample(), sample());
    let (_, expected) = single(&tables.path().display().to_string());
    for answer in answers(&[tables.path(), again.path()]) {
        assert_eq!(answer.failures.len(), captures(tables.path()).len());
        assert!(answer.failures.iter().all(|failure| failure.to_string().contains("there twice")));
        assert_eq!(answer.report.findings, expected.findings);
        assert_eq!(answer.report.totals, expected.totals);
    }
}

#[test]
fn a_file_that_is_cut_is_said() {
    let tables = sample();
    let lost = &captures(tables.path())[1];
    let file = files(lost).into_iter().find(|file| file.starts_with("streams/")).unwrap();
    let path = lost.join(file);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    costs_one(tables.path(), lost, "its manifest lists");
}

#[test]
fn a_file_that_is_missing_is_said() {
    let tables = sample();
    let lost = &captures(tables.path())[0];
    fs::remove_file(lost.join("hops.parquet")).unwrap();
    costs_one(tables.path(), lost, "hops.parquet is missing");
}

#[test]
fn a_file_with_other_bytes_is_said() {
    for table in ["streams/", "links/", "hops"] {
        let tables = sample();
        let lost = &captures(tables.path())[2];
        let file = files(lost).into_iter().find(|file| file.starts_with(table)).unwrap();
        let path = lost.join(file);
        let mut bytes = fs::read(&path).unwrap();
        // A column without any value is not read, and what is wrong with it costs nothing.
        let third = bytes.len() / 3;
        bytes[third..2 * third].fill(0x55);
        fs::write(&path, bytes).unwrap();
        costs_one(tables.path(), lost, "cannot be read");
    }
}

#[test]
fn rows_that_contradict_each_other_are_said() {
    let tables = sample();
    let lost = &captures(tables.path())[1];
    let file = files(lost).into_iter().find(|file| file.starts_with("links/")).unwrap();
    let mut rows = Rows::read(&lost.join(&file));
    rows.change(|name, _, row, value| if name == "hop" && row == 0 { 9_999 } else { value });
    put(lost, &file, &rows);
    let answer = fleet::diagnose(&[tables.path().display().to_string()], options()).unwrap();
    let said: Vec<String> = answer.failures.iter().map(ToString::to_string).collect();
    assert!(said.len() == 1 && said[0].contains("a link is on no hop"), "{said:?}");
    // A capture whose rows are of a vantage that it has not.
    let lost = &captures(tables.path())[2];
    let file = files(lost).into_iter().find(|file| file.starts_with("streams/")).unwrap();
    let mut rows = Rows::read(&lost.join(&file));
    rows.rename(|name, text| if name == "vantage" { "../x".to_owned() } else { text.to_owned() });
    put(lost, &file, &rows);
    let answer = fleet::diagnose(&[tables.path().display().to_string()], options()).unwrap();
    let said: Vec<String> = answer.failures.iter().map(ToString::to_string).collect();
    assert!(said.len() == 2 && said.iter().any(|s| s.contains("no vantage")), "{said:?}");
}

/// The clocks of hosts may be far apart: the report says by how much, as that of one machine does.
#[test]
fn a_clock_that_is_an_hour_off_is_found() {
    let tables = sample();
    let off = &captures(tables.path())[1];
    for file in files(off) {
        let mut rows = Rows::read(&off.join(&file));
        rows.change(|_, kind, _, value| match kind {
            Kind::Time => value + 3_600_000_000_000,
            _ => value,
        });
        put(off, &file, &rows);
    }
    let (_, expected) = single(&tables.path().display().to_string());
    let hour = |offset: Option<i64>| {
        offset.is_some_and(|ns| (ns.abs() - 3_600_000_000_000).abs() < 1_000_000_000)
    };
    assert!(expected.captures.iter().any(|capture| hour(capture.clock.offset_ns)), "{expected:?}");
    for answer in answers(&[tables.path()]) {
        assert!(answer.failures.is_empty());
        assert_eq!(answer.report.captures, expected.captures);
        assert_eq!(answer.report.findings, expected.findings);
        assert_eq!(answer.report.verdict, expected.verdict);
    }
}

/// A host that sent nothing leaves a gap, which the report shows as that of one machine does.
#[test]
fn a_host_that_is_missing_changes_nothing_else() {
    for at in 0..captures(sample().path()).len() {
        let tables = sample();
        fs::remove_dir_all(&captures(tables.path())[at]).unwrap();
        let (_, expected) = single(&tables.path().display().to_string());
        let [whole, parts] = answers(&[tables.path()]);
        assert!(whole.failures.is_empty());
        assert_eq!(whole.report, expected);
        assert_eq!(parts.report.verdict, expected.verdict);
    }
}

#[test]
fn where_nothing_can_be_read_that_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    let error = fleet::diagnose(&[empty.path().display().to_string()], Options::default());
    assert!(matches!(error, Err(FleetError::NothingRead(list)) if list.len() == 1));
}

#[test]
fn a_part_of_the_time_and_one_service_are_asked_for() {
    let tables = sample();
    let arg = [tables.path().display().to_string()];
    let (_, whole) = single(&arg[0]);
    let service = &whole.services[0];
    let of = |vip: &str| Options {
        vips: vec![vip.parse::<std::net::IpAddr>().unwrap().into()],
        ..options()
    };
    let answer = fleet::diagnose(&arg, of(&service.vip)).unwrap();
    assert_eq!(answer.report.services[0].totals, service.totals);
    assert_eq!(answer.report.findings.len(), whole.findings.len());
    let answer = fleet::diagnose(&arg, of("192.0.2.77")).unwrap();
    assert_eq!(answer.report.totals.connections, 0);
    // Of connections one after another those that began later are left out.
    let later = Options { since: Some("+2s".parse().unwrap()), ..options() };
    let answer = fleet::diagnose(&arg, later).unwrap();
    let all = whole.totals.connections;
    assert!((1..all).contains(&answer.report.totals.connections), "{:?}", answer.report.totals);
    let earlier = Options { until: Some("+2s".parse().unwrap()), ..options() };
    let rest = fleet::diagnose(&arg, earlier).unwrap();
    assert_eq!(answer.report.totals.connections + rest.report.totals.connections, all);
}
