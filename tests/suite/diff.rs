//! `lbdiag diff`: what changed, from captures and from reports that were kept.

use crate::support::check::{none, of_each};
use crate::support::program::{code, parsed, printed, run, stderr};

fn sample(name: &str) -> String {
    format!("samples/{name}")
}

#[test]
fn captures_and_their_report_compare_alike() {
    let dir = tempfile::tempdir().unwrap();
    let kept = |name: &str| {
        let path = dir.path().join(format!("{name}.json")).display().to_string();
        printed(&["-q", "--json", "-o", &path, &sample(name)]);
        path
    };
    let (good, bad) = (kept("healthy-nat"), kept("rs-port-closed"));
    let of = |good: &str, bad: &str| {
        let mut value = parsed(&["diff", "--format", "json", good, bad]);
        for side in ["good", "bad"] {
            value[side]["name"] = "".into();
        }
        value
    };
    let compared = of(&good, &bad);
    assert_eq!(compared, of(&sample("healthy-nat"), &sample("rs-port-closed")));
    assert_eq!(compared["change"], "worse");
    let appeared = &compared["findings"][0];
    assert_eq!(
        (&appeared["change"], &appeared["id"]),
        (&"appeared".into(), &"connection-refused".into())
    );
    assert_eq!(of(&bad, &good)["change"], "better");
    let text = printed(&["diff", &good, &bad]);
    assert!(text.starts_with("WORSE   was healthy, is failing: connection-refused"), "{text}");
}

#[test]
fn a_capture_differs_from_itself_in_nothing() {
    none(of_each(|sample| {
        let path = sample.captures[0].parent().unwrap().display().to_string();
        let value = parsed(&["diff", "-q", "--format", "json", &path, &path]);
        (value["change"] != "same").then(|| value["summary"].to_string()).into_iter().collect()
    }));
}

#[test]
fn every_comparison_fits_the_schema() {
    let schema = parsed(&["schema", "diff"]);
    for (good, bad) in [
        ("healthy-nat", "rs-down"),
        ("healthy-dr", "slow-real-server"),
        ("rs-down", "healthy-l7-haproxy"),
    ] {
        let value = parsed(&["diff", "-q", "--format", "json", &sample(good), &sample(bad)]);
        assert!(jsonschema::is_valid(&schema, &value), "{good} {bad}");
    }
}

#[test]
fn redacted_comparisons_name_nobody() {
    let text = printed(&["diff", "-q", "--redact", &sample("healthy-nat"), &sample("rs-down")]);
    assert!(text.contains("rs-unreachable") && !text.contains("203.0.113.8"), "{text}");
    assert!(!text.contains("172.16.0.12") && !text.contains("samples"), "{text}");
}

#[test]
fn what_is_no_report_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.json").display().to_string();
    for (text, said) in [
        ("{\"schema_version\": \"9\"}", "has schema_version 9"),
        ("{\"a\": 1}", "it has no schema_version"),
        ("{\"schema_version\": \"1\"}", "is no report that lbdiag --json wrote"),
        ("{", "is no report that lbdiag --json wrote"),
    ] {
        std::fs::write(&path, text).unwrap();
        let output = run(&["diff", &path, &sample("rs-down")]);
        assert_eq!(code(&output), Some(2));
        assert!(stderr(&output).contains(said), "{text}: {}", stderr(&output));
    }
    let output = run(&["diff", "no-such", &sample("rs-down")]);
    assert_eq!(code(&output), Some(2));
}
