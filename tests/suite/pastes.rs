//! Single pastes of trouble with a balancer, as people print it with `tcpdump -nn`: each names
//! what is broken, or offers it as a candidate, and has a twin that looks alike and is well.

mod clusters;
mod datagrams;
mod handshakes;
mod moves;
mod unheard;

use crate::support::run::{Run, run_paths};
use lbdiag::report::{Finding, Severity};
use std::fmt::Write as _;

const CLIENT: &str = "10.7.0.20.40112";
const SERVICE: &str = "10.7.0.80.8088";
const POD: &str = "10.42.3.9.8080";

fn told(text: &str) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("paste.txt");
    std::fs::write(&file, text).unwrap();
    run_paths(&[file])
}

fn loud(run: &Run) -> Vec<&Finding> {
    let quiet = |f: &&Finding| f.severity == Severity::Info;
    run.report.findings.iter().filter(|f| !quiet(f)).collect()
}

/// The finding of an id, and its candidates.
fn found<'a>(run: &'a Run, id: &str) -> (&'a Finding, Vec<&'a str>) {
    let finding = run.report.findings.iter().find(|f| f.id == id);
    let finding = finding.unwrap_or_else(|| panic!("no {id}:\n{}", run.text));
    (finding, finding.candidates.iter().map(|c| c.id.as_str()).collect())
}

fn is_well(text: &str) {
    let run = told(text);
    assert!(loud(&run).is_empty(), "{}", run.text);
}

/// A line at so many milliseconds; `place` is what `-i any` prints before it.
fn line(out: &mut String, ms: u64, place: &str, rest: &str) {
    let (s, ms) = (ms / 1000, ms % 1000);
    writeln!(out, "12:00:{s:02}.{ms:03}000 {place}IP {rest}").unwrap();
}

fn syn(from: &str, to: &str, tsval: u64) -> String {
    format!(
        "{from} > {to}: Flags [S], seq 5000000, win 64240, options [mss 1460,sackOK,TS val {tsval} ecr 0,nop,wscale 7], length 0"
    )
}

fn syn_ack(from: &str, to: &str) -> String {
    format!(
        "{from} > {to}: Flags [S.], seq 9000000, ack 5000001, win 65160, options [mss 1460,sackOK,TS val 700 ecr 1,nop,wscale 7], length 0"
    )
}

fn ack(from: &str, to: &str) -> String {
    format!(
        "{from} > {to}: Flags [.], ack 1, win 502, options [nop,nop,TS val 2 ecr 700], length 0"
    )
}

fn data(from: &str, to: &str, from_to: (u32, u32), ack: u32) -> String {
    let (a, b) = from_to;
    format!(
        "{from} > {to}: Flags [P.], seq {a}:{b}, ack {ack}, win 502, options [nop,nop,TS val 3 ecr 701], length {}",
        b - a
    )
}

/// A node with `-i any`: in by eth0, out by a pod's device.
fn at_node(out: &mut String, ms: u64, device: &str, there: impl Fn(&str) -> String) {
    line(out, ms, "eth0  In  ", &there(SERVICE));
    line(out, ms, &format!("{device} Out "), &there(POD));
}

fn back_at_node(out: &mut String, ms: u64, device: &str, back: impl Fn(&str) -> String) {
    line(out, ms, &format!("{device} In  "), &back(POD));
    line(out, ms, "eth0  Out ", &back(SERVICE));
}
