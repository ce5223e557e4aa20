//! What `lbdiag extract` takes out: the frames of a finding, at their times, with its
//! evidence marked, in a file that other programs read and that shows the same finding.
//!
//! What needs tshark is skipped where it is not installed, unless
//! `LBDIAG_REQUIRE_TOOLS` is set.

use crate::support::check::none;
use crate::support::expected::root;
use crate::support::extracts::{NOT_ALONE, Taken, all, bytes_of, parsed, report_of, trace_of};
use crate::support::program::{code, parsed as json, run, stderr};
use crate::support::run::run_paths;
use crate::support::tools::tool;
use lbdiag::extract::{Options, Which};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

#[test]
fn every_extract_holds_the_evidence_in_order_and_nothing_is_left_to_guess() {
    let mut wrong = Vec::new();
    for taken in all() {
        let frames = parsed(&taken.bytes);
        if !frames.is_sorted_by_key(|frame| frame.ns) {
            wrong.push(format!("{}: not in order of time", taken.name()));
        }
        let start = format!("finding {}, {}: ", taken.finding.n, taken.finding.id);
        for proof in &taken.finding.evidence {
            let comment = format!("{start}{} ({} #{})", proof.note, proof.vantage, proof.frame);
            let ns: jiff::Timestamp = proof.time.parse().unwrap();
            let there = frames.iter().any(|frame| {
                frame.comments.contains(&comment)
                    && frame.interface == proof.vantage
                    && i128::from(frame.ns) == ns.as_nanosecond()
            });
            if !there {
                wrong.push(format!("{}: no frame with {comment} at {}", taken.name(), proof.time));
            }
        }
    }
    none(wrong);
}

#[test]
fn an_extract_shows_the_finding_that_it_is_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (n, taken) in all().iter().enumerate() {
        if NOT_ALONE.iter().any(|(id, _)| *id == taken.finding.id) {
            continue;
        }
        let path = dir.path().join(format!("{n}.pcapng"));
        std::fs::write(&path, &taken.bytes).unwrap();
        let run = run_paths(&[&path]);
        wrong.extend(run.failures);
        let again = run.report.findings.iter().any(|f| f.id == taken.finding.id);
        if !again {
            let found: Vec<&str> = run.report.findings.iter().map(|f| f.id.as_str()).collect();
            wrong.push(format!("{}: found again: {found:?}", taken.name()));
        }
    }
    none(wrong);
}

#[test]
fn times_are_corrected_to_one_clock_or_left_as_captured() {
    let captures: Vec<_> = ["director", "rs1", "rs2"]
        .map(|name| root().join(format!("samples/skew-hairpin/{name}.pcap")))
        .to_vec();
    let trace = trace_of(&captures);
    let of = |raw_times| {
        let options = Options { raw_times, all: false };
        parsed(&bytes_of(&trace, Which::Finding(0), options))
    };
    let (aligned, raw) = (of(false), of(true));
    let first = |frames: &[crate::support::extracts::Read], name: &str| {
        frames.iter().find(|f| f.interface == name).unwrap().ns.cast_signed()
    };
    let report = report_of(&trace);
    for capture in &report.captures {
        let name = &capture.vantages[0];
        let offset = first(&raw, name) - first(&aligned, name);
        let stated = capture.clock.offset_ns.unwrap_or(0);
        assert!((offset - stated).abs() < 1_000, "{name}: {offset} is not {stated}");
    }
}

/// A Lua script that prints, for each filter, the frames that it shows.
fn listeners(filters: &[String]) -> String {
    let mut script = String::new();
    for (n, filter) in filters.iter().enumerate() {
        let quoted = filter.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(
            script,
            "local t{n} = Listener.new(\"frame\", \"{quoted}\")\n\
             function t{n}.packet(p) print(\"shown {n} \" .. p.number) end"
        )
        .unwrap();
    }
    // A function has a limit on local variables; globals have none.
    script.replace("local ", "")
}

#[test]
fn tshark_reads_every_extract_and_its_filters_show_the_evidence() {
    let Some(tshark) = tool("tshark") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.pcapng");
    let taken: Vec<Taken> = all();
    // Sections may follow each other: one start of tshark reads all.
    let bytes: Vec<u8> = taken.iter().flat_map(|t| t.bytes.iter().copied()).collect();
    std::fs::write(&path, bytes).unwrap();
    let filters: Vec<String> =
        taken.iter().filter_map(|t| t.finding.wireshark_filter.clone()).collect();
    let bare = taken.iter().filter(|t| t.finding.wireshark_filter.is_none());
    let bare: Vec<_> = bare.map(|t| t.finding.id.as_str()).collect();
    assert_eq!(bare, [""; 0], "every finding has a filter");
    let script = dir.path().join("filters.lua");
    std::fs::write(&script, listeners(&filters)).unwrap();
    let output = Command::new(&tshark)
        .args(["-n", "-r"])
        .arg(&path)
        .arg("-X")
        .arg(format!("lua_script:{}", script.display()))
        .args(["-T", "fields", "-E", "separator=/t", "-E", "aggregator=\u{1}"])
        .args(["-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.comment"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("Lua"), "{said}");
    assert!(!said.contains("cut short") && !said.contains("isn't"), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();

    let (shown, rows): (Vec<&str>, Vec<&str>) =
        printed.lines().partition(|line| line.starts_with("shown "));
    let shown: BTreeSet<(usize, usize)> = shown
        .iter()
        .map(|line| {
            let mut words = line.split(' ').skip(1).map(|word| word.parse().unwrap());
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    let (mut wrong, mut hidden) = (Vec::new(), Vec::new());
    let mut number = 0;
    for (n, taken) in taken.iter().enumerate() {
        let start = format!("finding {}, {}: ", taken.finding.n, taken.finding.id);
        for frame in parsed(&taken.bytes) {
            let row: Vec<&str> = rows[number].split('\t').collect();
            number += 1;
            let seconds = format!("{}.{:09}", frame.ns / 1_000_000_000, frame.ns % 1_000_000_000);
            let expected = [number.to_string(), seconds, frame.comments.join("\u{1}")];
            if row != expected {
                wrong.push(format!("{}: {row:?} is not {expected:?}", taken.name()));
            }

            let proves = frame.comments.iter().any(|comment| comment.starts_with(&start));
            if proves && !shown.contains(&(n, number)) {
                hidden.push((n, number, format!("{}: {:?}", taken.name(), frame.comments)));
            }
        }
    }
    assert_eq!(rows.len(), number, "tshark reads as many frames as were written");
    // Frames that a snapshot length cut reach no listener: asked one by one.
    for (n, number, what) in hidden {
        let filter = format!("({}) && frame.number == {number}", filters[n]);
        let output = Command::new(&tshark).args(["-n", "-Y", &filter, "-r"]).arg(&path).output();
        if output.unwrap().stdout.is_empty() {
            wrong.push(format!("{} hides {what}", filters[n]));
        }
    }
    none(wrong);
}

#[test]
fn tshark_names_the_vantages() {
    let Some(tshark) = tool("tshark") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.pcapng");
    let trace = trace_of(&[root().join("samples/vrrp-split-brain")]);
    let bytes = bytes_of(&trace, Which::Finding(0), Options::default());
    std::fs::write(&path, &bytes).unwrap();
    let output = Command::new(tshark)
        .args(["-n", "-T", "fields", "-e", "frame.interface_name", "-r"])
        .arg(&path)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let written: Vec<String> = parsed(&bytes).into_iter().map(|f| f.interface).collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), written);
    let names: BTreeSet<&str> = written.iter().map(String::as_str).collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["client", "director", "director2", "router", "rs1", "rs2"]
    );
}

#[test]
fn the_command_writes_a_file_and_says_what_it_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.pcapng").display().to_string();
    let sample = "samples/scheduler-imbalance";
    for _ in 0..2 {
        // An extract may be replaced by the next one.
        let output = run(&["extract", "--finding", "1", "-w", &path, sample]);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("are left out; --all takes them"), "{}", stderr(&output));
    }
    let few = json(&["--json", &path])["captures"][0]["frames"].as_u64().unwrap();
    let output = run(&["extract", "--finding", "1", "--all", "-q", "-w", &path, sample]);
    assert_eq!((code(&output), stderr(&output).as_str()), (Some(0), ""));
    let all = json(&["--json", &path])["captures"][0]["frames"].as_u64().unwrap();
    assert!(few < all, "{few} of {all}");
}

#[test]
fn keys_go_along_and_stay_behind_where_payload_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let from = path("from.pcapng");
    run(&["extract", "-q", "--connection", "1", "-w", &from, "samples/healthy-nat"]);
    let mut bytes = std::fs::read(&from).unwrap();
    let keys = b"CLIENT_RANDOM 00 11\n";
    let secrets = [0x544c_534b_u32, keys.len() as u32].map(u32::to_le_bytes).concat();
    let block = [secrets.as_slice(), keys].concat();
    let size = (block.len() as u32 + 12).to_le_bytes();
    bytes.extend([&10u32.to_le_bytes(), &size[..], &block, &size].concat());
    std::fs::write(&from, bytes).unwrap();
    let of = |args: &[&str]| {
        let to = path("to.pcapng");
        let output = run(&[&["extract", "-q", "--connection", "1", "-w", &to], args].concat());
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        let bytes = std::fs::read(to).unwrap();
        bytes.windows(keys.len()).any(|window| window == keys)
    };
    assert!(of(&[&from]));
    assert!(!of(&["--redact", &from]));
}

#[test]
fn what_cannot_be_done_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.pcapng").display().to_string();
    let told = |args: &[&str]| {
        let output = run(args);
        assert_eq!(code(&output), Some(2), "{args:?}");
        stderr(&output)
    };
    let healthy = "samples/healthy-nat";
    assert!(told(&["extract", "-w", &path, healthy]).contains("nothing was found here"));
    let told_of = told(&["extract", "--finding", "9", "-w", &path, "samples/rs-down"]);
    assert!(told_of.contains("there is no finding 9: there are 1 to"), "{told_of}");
    assert!(
        told(&["extract", "--from", "192.0.2.99", "-w", &path, healthy]).contains("192.0.2.99")
    );
    let capture = "samples/healthy-nat/client.pcap";
    assert!(
        told(&["extract", "--connection", "1", "-w", capture, healthy]).contains("is a capture")
    );
    assert!(!std::path::Path::new(&path).exists());
}
