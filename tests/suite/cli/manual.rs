//! What the program says of itself: pages, completions, schema.

use super::sample;
use crate::support::program::{code, run, stderr, stdout};

#[test]
fn schema_is_json_and_the_report_follows_it() {
    let schema: serde_json::Value = serde_json::from_slice(&run(&["schema"]).stdout).unwrap();
    assert!(schema["properties"]["findings"].is_object());
    let output = run(&["--json", &sample("healthy-nat")]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema_version"], "1");
    assert!(jsonschema::is_valid(&schema, &report));
    assert!(!jsonschema::is_valid(&schema, &serde_json::json!({"schema_version": 1})));
    let same = run(&["--format", "json", &sample("healthy-nat")]);
    assert_eq!(same.stdout, output.stdout);
    let later = run(&["--json", "--format", "text", &sample("healthy-nat")]);
    assert!(stdout(&later).contains("HEALTHY"));
}

#[test]
fn explain_prints_a_page_or_all_ids() {
    let page = run(&["explain", "dr-arp-problem"]);
    assert_eq!(code(&page), Some(0));
    assert!(stdout(&page).starts_with("dr-arp-problem\n"));
    let all = run(&["explain"]);
    assert_eq!(code(&all), Some(0));
    let line = stdout(&all).lines().find(|l| l.starts_with("dr-arp-problem ")).map(str::to_owned);
    assert!(line.is_some_and(|l| l.contains("A real server")));
}

#[test]
fn explain_understands_a_slip() {
    let output = run(&["explain", "dr-apr-problem"]);
    assert_eq!(code(&output), Some(2));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("did you mean dr-arp-problem?"), "{}", stderr(&output));
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), Some(0));
        assert!(stdout(&output).contains("fail-on"), "{shell}");
    }
    assert!(stdout(&run(&["completions", "bash"])).contains("complete -F _lbdiag"));
}

#[test]
fn manual_pages_are_roff() {
    let page = stdout(&run(&["man"]));
    assert!(page.contains(".TH lbdiag 1") && page.contains(r"\-\-fail\-on"), "{page}");
    assert!(stdout(&run(&["man", "explain"])).contains(".TH lbdiag-explain 1"));
}
