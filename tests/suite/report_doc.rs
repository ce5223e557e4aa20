//! What docs/report.md promises of the JSON: every sample's report fits the schema, and
//! the jq lines print something for it.
//!
//! jq is asked where it is installed, unless `LBDIAG_REQUIRE_TOOLS` is set.

use crate::support::check::{none, of_each};
use crate::support::expected::root;
use crate::support::program::{printed, run};
use crate::support::run::whole;
use crate::support::tools::tool;
use lbdiag::report::HostRef;
use std::process::Command;

#[test]
fn the_report_of_every_sample_fits_the_schema() {
    let schema = lbdiag::report::json_schema();
    none(of_each(|sample| {
        let report = serde_json::to_value(&whole(sample).report).unwrap();
        let all = jsonschema::validator_for(&schema).unwrap();
        all.iter_errors(&report).map(|error| error.to_string()).collect()
    }));
}

/// A director of many services has the VIPs of them all: they stand with the host, and with each service its own.
#[test]
fn a_service_names_its_director_without_the_vips_of_others() {
    none(of_each(|sample| {
        let report = &whole(sample).report;
        let mut wrong = Vec::new();
        for service in &report.services {
            for director in &service.directors {
                let same =
                    |other: &HostRef| other.own == director.own && other.macs == director.macs;
                let others = report.services.iter().filter(|s| s.directors.iter().any(same));
                let vips: Vec<&String> = others.map(|s| &s.vip).collect();
                let foreign = |ip: &&String| {
                    **ip != service.vip && director.own.as_ref() != Some(*ip) && vips.contains(ip)
                };
                let known = |ip: &&String| report.hosts.iter().any(|h| h.addresses.contains(ip));
                let all = || director.addresses.iter();
                wrong.extend(all().filter(foreign).map(|ip| format!("{ip} is another service's")));
                wrong.extend(all().filter(|ip| !known(ip)).map(|ip| format!("{ip} is no host's")));
            }
        }
        wrong
    }));
}

/// The commands of a page that begin with `jq`.
fn jq_lines(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::trim_end).filter(|block| block.starts_with("jq ")).collect()
}

#[test]
fn every_jq_line_of_the_page_prints_something() {
    if tool("jq").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    for (name, sample) in [("report.json", "rs-port-closed"), ("good.json", "healthy-nat")] {
        let sample = format!("samples/{sample}");
        run(&["-q", "--json", "--connections", "all", "-o", &path(name), &sample]);
    }
    let (good, bad, diff) = (path("good.json"), path("report.json"), path("diff.json"));
    printed(&["diff", "--format", "json", "-o", &diff, &good, &bad]);
    let page = std::fs::read_to_string(root().join("docs/report.md")).unwrap();
    let lines = jq_lines(&page);
    assert!(lines.len() >= 8, "{} lines", lines.len());
    for line in lines {
        let output =
            Command::new("sh").args(["-c", line]).current_dir(dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{line}: {said}");
        assert!(!output.stdout.is_empty(), "{line} prints nothing");
    }
}
