//! `lbdiag connections`: which it lists, and that its formats agree with the report.

use crate::support::program::{code, parsed, printed, run, stderr};
use serde_json::Value;

const HAIRPIN: &str = "samples/hairpin-cloud-slb";
const NAT: &str = "samples/nat-one-rs-gateway-wrong";

fn listed(args: &[&str]) -> Vec<Value> {
    let all = [&["connections", "--format", "json"], args].concat();
    parsed(&all)["connections"].as_array().unwrap().clone()
}

#[test]
fn the_objects_are_the_reports() {
    for sample in [HAIRPIN, NAT, "samples/healthy-dr", "samples/healthy-l7-haproxy"] {
        let report = parsed(&["--json", "--connections", "all", sample]);
        assert_eq!(&listed(&[sample]), report["connections"].as_array().unwrap(), "{sample}");
        let lines = printed(&["connections", "--format", "ndjson", sample]);
        let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines, listed(&[sample]), "{sample}");
    }
}

#[test]
fn text_has_a_line_for_each_and_a_healthy_sample_names_no_finding() {
    for sample in [HAIRPIN, NAT, "samples/healthy-dr", "samples/rs-port-closed"] {
        let text = printed(&["connections", sample]);
        for connection in listed(&[sample]) {
            let client = connection["client"].as_str().unwrap();
            let outcome = connection["outcome"].as_str().unwrap();
            let row = text.lines().find(|l| l.trim_start().starts_with(client)).unwrap();
            assert!(row.contains(outcome), "{row}");
        }
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        assert_eq!(text.contains("findings\n"), sample != "samples/healthy-dr", "{text}");
    }
}

#[test]
fn filters_choose() {
    let all = listed(&[HAIRPIN]);
    let is = |key: &str, wanted: &str| -> Vec<Value> {
        all.iter().filter(|c| c[key] == wanted).cloned().collect()
    };
    assert_eq!(listed(&["--outcome", "incomplete", HAIRPIN]), is("outcome", "incomplete"));
    assert_eq!(listed(&["--outcome", "failed", HAIRPIN]), is("outcome", "incomplete"));
    assert_eq!(listed(&["--outcome", "completed", "--outcome", "failed", HAIRPIN]), all);
    assert_eq!(
        listed(&["--from", "172.16.100.11:59780", HAIRPIN]),
        is("client", "172.16.100.11:59780")
    );
    assert_eq!(listed(&["--from", "172.16.100.11", HAIRPIN]), all);
    assert_eq!(listed(&["--to", "203.0.113.8:80", HAIRPIN]), all);
    assert!(listed(&["--to", "203.0.113.8:81", HAIRPIN]).is_empty());
    let served = listed(&["--served-by", "172.16.101.11", HAIRPIN]);
    assert!(served.iter().all(|c| c["real_server"]["address"] == "172.16.101.11"));
    assert_eq!(served.len(), 3);
    // The same host by its MAC, and together with an outcome that it never had.
    assert_eq!(listed(&["--served-by", "52:54:00:8e:bd:58", HAIRPIN]), served);
    assert_eq!(listed(&["--served-by", "172.16.101.11:80", HAIRPIN]), served);
    assert!(listed(&["--served-by", "172.16.101.11", "--outcome", "failed", HAIRPIN]).is_empty());
    let first = listed(&["--limit", "2", HAIRPIN]);
    assert_eq!(first, all[..2]);
    let cut = parsed(&["connections", "--format", "json", "--limit", "2", HAIRPIN]);
    assert_eq!((&cut["totals"]["connections"], &cut["of"]), (&6.into(), &6.into()));
}

#[test]
fn a_filter_in_the_words_of_the_tui_chooses() {
    let failed = listed(&["--outcome", "failed", NAT]);
    assert_eq!(listed(&["--where", "failed", NAT]), failed);
    assert_eq!(listed(&["--where", "break syn-ack or break syn", NAT]), failed);
    assert_eq!(listed(&["--where", "fate well", "--outcome", "failed", NAT]), [] as [Value; 0]);
    let wrong = run(&["connections", "--where", "fate good", NAT]);
    assert_eq!(code(&wrong), Some(2));
    assert!(stderr(&wrong).contains("good is no fate"), "{}", stderr(&wrong));
}

#[test]
fn findings_choose_by_number_and_by_id() {
    let by_number = listed(&["--finding", "1", NAT]);
    assert_eq!(by_number.len(), 3);
    assert!(by_number.iter().all(|c| c["findings"].as_array().unwrap().contains(&1.into())));
    assert_eq!(listed(&["--finding", "nat-return-bypasses-director", NAT]), by_number);
    assert_eq!(listed(&["--finding", "NAT_return_bypasses_director", NAT]), by_number);
    // Known, and not found in these captures: no error, and nothing listed.
    assert!(listed(&["--finding", "dr-arp-problem", NAT]).is_empty());
    assert!(printed(&["connections", "--finding", "dr-arp-problem", NAT]).contains("none of 6"));
}

#[test]
fn stated_roles_do_not_choose() {
    assert_eq!(listed(&["--client", "172.16.100.12", HAIRPIN]).len(), 6);
}

#[test]
fn windows_and_streams_work_as_in_the_diagnosis() {
    assert_eq!(listed(&["--since", "07:41:53", HAIRPIN]).len(), 4);
    let output = run(&["connections", "--since", "12:00", HAIRPIN]);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("the captures span"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_next_step() {
    for (args, needle) in [
        (&["--finding", "9", NAT][..], "there are 1 to "),
        (&["--finding", "1", "samples/healthy-nat"], "nothing was found here"),
        (&["--finding", "dr-apr-problem", NAT], "did you mean dr-arp-problem?"),
        (&["--from", "web1", NAT], "198.51.100.7:40112"),
        (&["--served-by", "web1", NAT], "52:54:00:0d:47:99"),
        (&["--outcome", "broken", NAT], "broken"),
        (&[], "no capture is given"),
        (&["no-such.pcap"], "no-such.pcap"),
    ] {
        let output = run(&[&["connections"], args].concat());
        assert_eq!(code(&output), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(stderr(&output).contains(needle), "{args:?}: {}", stderr(&output));
    }
}
