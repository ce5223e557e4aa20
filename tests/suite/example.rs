//! The example in docs/report.md is what the program writes, shortened.
//!
//! After a wanted change, run with `INSTA_UPDATE=always`, as for snapshots, and read the
//! difference.

use crate::support::expected::root;
use crate::support::program::{parsed, printed};
use lbdiag::report::{Report, SCHEMA_VERSION};

const BEGIN: &str = "\n```json\n";
const END: &str = "\n```\n";

/// The first entries of every list: one, of the proof's frames two.
fn shortened() -> String {
    let text = printed(&["-q", "--json", "samples/hairpin-cloud-slb/*.pcap"]);
    let mut report: Report = serde_json::from_str(&text).unwrap();
    report.captures.truncate(1);
    report.hosts.truncate(1);
    report.services.truncate(1);
    report.services.iter_mut().for_each(|s| s.real_servers.truncate(1));
    report.connections.truncate(1);
    report.findings.truncate(1);
    for finding in &mut report.findings {
        finding.evidence.truncate(2);
        finding.fix.truncate(1);
    }
    report.coverage.truncate(1);
    serde_json::to_string_pretty(&report).unwrap()
}

#[test]
fn the_example_of_the_report_is_true() {
    let path = root().join("docs/report.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (example, after) = rest.split_once(END).unwrap();
    let now = shortened();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        std::fs::write(path, format!("{before}{BEGIN}{now}{END}{after}")).unwrap();
        return;
    }
    assert!(example == now, "docs/report.md must have:\n{now}");
}

#[test]
fn the_schema_names_its_version_and_holds_for_the_example() {
    let schema = parsed(&["schema"]);
    assert_eq!(schema["properties"]["schema_version"]["const"], SCHEMA_VERSION);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut example: serde_json::Value = serde_json::from_str(&shortened()).unwrap();
    assert!(validator.is_valid(&example));
    example["schema_version"] = "0".into();
    assert!(!validator.is_valid(&example));
}
