//! Tables in place of captures: the same report byte for byte, from all samples; what is wrong with
//! tables is said in one line, and costs no other capture; other engines read them.

mod page;
mod refused;

use crate::support::check::none;
use crate::support::each::of_each;
use crate::support::expected::root;
use crate::support::program::{code, printed, run, stderr, stdout};
use lbdiag::capture::{self, Capture};
use lbdiag::flow::Observations;
use lbdiag::load::{self, How, Origin, Seen};
use lbdiag::report::{self, ConnectionFilter, Options};
use lbdiag::topology::StatedRoles;
use lbdiag::window::Window;
use lbdiag::{diagnose, render, tables};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use tempfile::TempDir;

fn args(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

fn origins(args: &[String]) -> Vec<Origin> {
    let sorted = load::sort_out(args);
    assert!(sorted.faults.is_empty(), "{:?}", sorted.faults);
    let inputs = match sorted.captures.is_empty() {
        true => Vec::new(),
        false => capture::inputs(&sorted.captures).unwrap().inputs,
    };
    sorted.origins(&inputs, 0)
}

/// The report of captures and tables, all connections in it, and what could not be read.
fn report(args: &[String]) -> (String, Vec<String>) {
    let how = How { stated: &StatedRoles::default(), window: &Window::default(), align: true };
    let loaded = load::load_all(&origins(args), &how, &AtomicU64::new(0));
    let diagnosis = diagnose::diagnose(&loaded.trace);
    let options = Options { connections: ConnectionFilter::All, notes: Vec::new() };
    let report = report::build(&loaded.trace, &diagnosis, &options);
    let failures = loaded.failures.iter().map(ToString::to_string).collect();
    (render::json(&report), failures)
}

/// The captures with what was observed of them.
fn seen(args: &[String]) -> (Vec<Capture>, Vec<Observations>) {
    let Seen { captures, vantages, .. } =
        load::see(&origins(args), &Window::default(), &AtomicU64::new(0));
    (captures, vantages)
}

/// Writes tables of captures into a folder of its own.
fn indexed(args: &[String]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (captures, vantages) = seen(args);
    let written = tables::write(folder.path(), &captures, vantages).unwrap();
    assert_eq!(written.len(), captures.len());
    folder
}

/// The folders of single captures, by their labels.
fn folders(of: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .map(|path| {
            let text = fs::read_to_string(path.join("manifest.json")).unwrap();
            let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            (
                manifest["place"].as_u64().unwrap(),
                manifest["label"].as_str().unwrap().to_owned(),
                path,
            )
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, label, path)| (label, path)).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn every_sample_gives_the_report_of_its_captures_byte_for_byte() {
    none(of_each(|sample| {
        let own = args(&sample.captures);
        let folder = indexed(&own);
        let (from_tables, failures) = report(&[text(folder.path())]);
        let (from_captures, _) = report(&own);
        let mut wrong = failures;
        if from_tables != from_captures {
            wrong.push("the report is another one".to_owned());
        }
        wrong
    }));
}

#[test]
fn tables_of_one_capture_stand_in_for_it_among_the_others() {
    none(of_each(|sample| {
        let own = args(&sample.captures);
        if own.len() < 2 {
            return Vec::new();
        }
        let folder = indexed(&own);
        let expected = report(&own).0;
        let single = folders(folder.path());
        if single.len() != own.len() {
            // Some captures are of several files, or of none.
            return Vec::new();
        }
        // The first, then the last.
        let places = [0, own.len() - 1];
        let wrong = places.into_iter().filter_map(|at| {
            let mut mixed = own.clone();
            mixed[at] = text(&single[at].1);
            let (given, failures) = report(&mixed);
            (given != expected || !failures.is_empty())
                .then(|| format!("{} from tables: {failures:?}", own[at]))
        });
        wrong.collect()
    }));
}

/// As a fleet does it: each host indexes its own captures and knows no other.
#[test]
fn captures_that_were_indexed_apart_give_the_same_report() {
    none(of_each(|sample| {
        let own = args(&sample.captures);
        let apart: Vec<TempDir> = capture::inputs(&own)
            .unwrap()
            .inputs
            .iter()
            .map(|input| {
                let folder = tempfile::tempdir().unwrap();
                let origin = Origin::captures(std::slice::from_ref(input));
                let seen = load::see(&origin, &Window::default(), &AtomicU64::new(0));
                tables::write(folder.path(), &seen.captures, seen.vantages).unwrap();
                folder
            })
            .collect();
        let folders: Vec<String> = apart.iter().map(|folder| text(folder.path())).collect();
        let folders: Vec<String> = folders
            .into_iter()
            .filter(|folder| fs::read_dir(folder).unwrap().count() > 0)
            .collect();
        let (given, failures) = report(&folders);
        let mut wrong = failures;
        if given != report(&own).0 {
            wrong.push("the report is another one".to_owned());
        }
        wrong
    }));
}

/// A sample with tables of it.
fn sample(name: &str) -> (String, TempDir) {
    let folder = root().join("samples").join(name).display().to_string();
    let tables = indexed(std::slice::from_ref(&folder));
    (folder, tables)
}

#[test]
fn a_capture_that_is_there_twice_is_read_once() {
    let (folder, tables) = sample("healthy-nat");
    let again = indexed(std::slice::from_ref(&folder));
    let expected = report(std::slice::from_ref(&folder)).0;
    let (given, failures) = report(&[text(tables.path()), text(again.path())]);
    assert_eq!(failures.len(), folders(tables.path()).len(), "{failures:?}");
    assert!(failures.iter().all(|f| f.contains("is there twice")), "{failures:?}");
    assert!(given == expected);
    // A capture beside its own tables, too.
    let (given, failures) = report(&[folder.clone(), text(tables.path())]);
    assert!(failures.iter().all(|f| f.contains("is there twice")), "{failures:?}");
    assert!(given == expected);
}

#[test]
fn a_part_of_the_time_is_not_taken_of_tables() {
    let (_, tables) = sample("healthy-nat");
    let output = run(&["--since", "+1s", &text(tables.path())]);
    assert_eq!(code(&output), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("index it with --since"), "{}", stderr(&output));
}

#[test]
fn captures_are_added_to_tables_and_nothing_half_done_is_read() {
    let to = tempfile::tempdir().unwrap();
    let out = text(to.path());
    let own = root().join("samples/healthy-nat");
    let one = |file: &str| text(&own.join(file));
    let index = |file: &str| {
        let output = run(&["index", &one(file), "-o", &out]);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
        stderr(&output)
    };
    assert!(index("client.pcap").contains("1 capture written"));
    assert!(index("director.pcap").contains("1 capture written"));
    assert!(index("client.pcap").contains("1 capture had tables there already"));
    // What a program that was killed left.
    let left = to.path().join(".lbdiag-abc.tmp");
    let whole = folders(to.path()).first().unwrap().1.join("captures.parquet");
    fs::create_dir_all(&left).unwrap();
    fs::copy(whole, left.join("captures.parquet")).unwrap();
    let report = printed(&["--json", "-q", &out]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["captures"].as_array().unwrap().len(), 2);
}

#[test]
fn what_needs_frames_says_where_they_are() {
    let (folder, tables) = sample("hairpin-cloud-slb");
    let output = run(&[&text(tables.path())]);
    assert_eq!(code(&output), Some(0));
    assert!(stderr(&output).contains("nothing is drawn"), "{}", stderr(&output));
    // All else is what captures give.
    let whole = printed(&["-q", &folder]);
    let given = stdout(&output);
    let lines = given.lines().filter(|line| !whole.contains(line.trim())).count();
    assert_eq!(lines, 0, "{given}");
    let extract = run(&["extract", "-w", "/dev/null", &text(tables.path())]);
    assert_eq!(code(&extract), Some(2));
    assert!(stderr(&extract).contains("name captures in place of their tables"));
}
