//! The library as another program uses it: the same report as the program's, errors instead of
//! exit codes.

use crate::support::expected::root;
use crate::support::program::{parsed, printed};
use lbdiag::{Analysis, AnalysisError};
use std::process::Command;

fn sample(name: &str) -> String {
    root().join("samples").join(name).display().to_string()
}

#[test]
fn one_call_gives_the_report_of_the_program() {
    let folder = sample("hairpin-cloud-slb");
    let analysis = Analysis::of([&folder]).unwrap();
    let json: serde_json::Value = serde_json::from_str(&analysis.json()).unwrap();
    assert_eq!(json, parsed(&["-q", "--json", &folder]));
    assert!(analysis.failures().is_empty());
    assert_eq!(analysis.markdown(), printed(&["-q", "--format", "markdown", &folder]));
    assert!(analysis.text().starts_with("FAILING "), "{}", analysis.text());
    assert!(analysis.html().starts_with("<!DOCTYPE html>"));
}

#[test]
fn what_is_known_beforehand_is_heeded() {
    let states = root().join("tests/states/dr-rs-without-vip");
    let options = Analysis::options().host_state(states).all_connections();
    let analysis = options.analyze([sample("dr-rs-without-vip")]).unwrap();
    let report = analysis.report();
    assert!(!report.host_states.is_empty());
    let affected = Analysis::of([sample("dr-rs-without-vip")]).unwrap();
    assert!(report.connections.len() > affected.report().connections.len());
    let vip = "192.0.2.99".parse().unwrap();
    let stated = Analysis::options().vip(vip).analyze([sample("healthy-nat")]).unwrap();
    assert!(stated.report().notes.iter().any(|note| note.contains("192.0.2.99")));
}

#[test]
fn what_cannot_be_read_is_an_error_or_a_failure_beside_the_others() {
    assert!(matches!(Analysis::of(["/nowhere.pcap"]), Err(AnalysisError::Input(_))));
    let text = root().join("README.md").display().to_string();
    assert!(matches!(Analysis::of([&text]), Err(AnalysisError::NothingRead(_))));
    let both = Analysis::of([text, sample("healthy-nat")]).unwrap();
    assert_eq!(both.failures().len(), 1);
    let state = Analysis::options().host_state("/nowhere").analyze([sample("healthy-nat")]);
    assert!(matches!(state, Err(AnalysisError::State(_))));
}

#[allow(clippy::print_stdout)]
#[test]
fn the_examples_say_what_they_promise() {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap().parent().unwrap().join("examples");
    if !folder.join("gate").is_file() && std::env::var_os("LBDIAG_REQUIRE_TOOLS").is_none() {
        println!("left out: the examples are not built; cargo test builds them");
        return;
    }
    let run =
        |name: &str, args: &[&str]| Command::new(folder.join(name)).args(args).output().unwrap();
    let healthy = run("gate", &[&sample("healthy-nat")]);
    assert_eq!(healthy.status.code(), Some(0), "{healthy:?}");
    let failing = run("gate", &[&sample("hairpin-cloud-slb")]);
    let said = String::from_utf8(failing.stdout).unwrap();
    assert_eq!(failing.status.code(), Some(1));
    assert!(said.contains("l4-self-access-hairpin") && said.contains("(rs1 #14)"), "{said}");
    let incident = tempfile::tempdir().unwrap();
    for file in ["client.pcap", "director.pcap"] {
        let from = root().join("samples/healthy-nat").join(file);
        std::fs::copy(from, incident.path().join(file)).unwrap();
    }
    let pages = run("pages", &[incident.path().to_str().unwrap()]);
    assert!(pages.status.success(), "{pages:?}");
    assert!(incident.path().join("report.html").is_file());
}
