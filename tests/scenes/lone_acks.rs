//! Acknowledgments alone, as pf's log has them that it drops: of connections of which nothing else is known, and before
//! requests that come again.

use crate::support::run::{Run, run_paths};

/// What pf's log is diagnosed as.
fn logged(lines: &[&str]) -> (serde_json::Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pf.txt");
    let head = "# tcpdump -n -e -i pflog0\n";
    std::fs::write(&path, format!("{head}{}\n", lines.join("\n"))).unwrap();
    let Run { report, text, .. } = run_paths(&[path.as_path()]);
    (serde_json::to_value(&report).unwrap(), text)
}

const LONE: [&str; 2] = [
    "10:00:00.000000 rule 3/0(match): block in on vtnet1: 192.168.1.20.51514 > 10.0.0.80.443: Flags [.], ack 3872001021, win 513, length 0",
    "10:00:01.100000 rule 3/0(match): block in on vtnet1: 192.168.1.21.51515 > 10.0.0.80.443: Flags [.], ack 2872001021, win 513, length 0",
];

#[test]
fn of_acknowledgments_alone_it_is_not_told_what_became() {
    let (report, text) = logged(&LONE);
    assert_eq!(report["services"][0]["totals"]["well"], 0, "{text}");
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
    assert!(!text.contains("did well"), "{text}");
}

#[test]
fn a_request_that_pf_drops_again_and_again_failed() {
    let data = |at: &str| {
        format!(
            "{at} rule 3/0(match): block in on vtnet1: 192.168.1.20.51514 > 10.0.0.80.443: Flags [P.], seq 1:518, ack 1, win 513, length 517"
        )
    };
    let again = [data("10:00:00.000112"), data("10:00:00.301112"), data("10:00:00.901112")];
    let lines: Vec<&str> = [LONE[0]].into_iter().chain(again.iter().map(String::as_str)).collect();
    let (report, text) = logged(&lines);
    assert_eq!(report["services"][0]["totals"]["failed"], 1, "{text}");
    assert_eq!(report["findings"][0]["id"], "request-unanswered", "{text}");
    let says = report["findings"][0]["explanation"].as_str().unwrap();
    assert!(says.contains("was dropped by pf, rule 3"), "{text}");
}
