//! `lbdiag topology`: who is who, in every format.

use crate::support::program::{code, parsed, printed, run, stderr};
use serde_json::Value;
use std::collections::BTreeSet;

const HAIRPIN: &str = "samples/hairpin-cloud-slb";
const NAT: &str = "samples/nat-one-rs-gateway-wrong";

fn topology(sample: &str) -> Value {
    parsed(&["topology", "--format", "json", sample])
}

fn samples() -> Vec<String> {
    let all = std::fs::read_dir("samples").unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.join("expected.toml").is_file())
        .map(|path| path.to_str().unwrap().to_owned())
        .collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap()
}

#[test]
fn hosts_and_services_are_the_reports() {
    for sample in [HAIRPIN, NAT, "samples/healthy-dr", "samples/healthy-l7-haproxy"] {
        let (topology, report) = (topology(sample), parsed(&["--json", sample]));
        for host in list(&report, "hosts") {
            let same = |node: &&Value| {
                ["role", "addresses", "macs", "vantages"].iter().all(|key| node[key] == host[key])
            };
            assert!(list(&topology, "hosts").iter().any(|n| same(&n)), "{sample}: {host}");
        }
        for (pool, service) in list(&topology, "services").iter().zip(list(&report, "services")) {
            for (key, value) in service.as_object().unwrap() {
                assert_eq!(&pool[key], value, "{sample}: {key}");
            }
            let shares: f64 = list(pool, "shares").iter().map(|s| s.as_f64().unwrap()).sum();
            assert!((shares - 100.0).abs() < 0.5, "{sample}: {shares}");
        }
    }
}

#[test]
fn every_connection_took_one_way_and_every_hop_joins_known_hosts() {
    for sample in samples() {
        let topology = topology(&sample);
        let report = parsed(&["--json", "--connections", "none", &sample]);
        let ways = list(&topology, "ways");
        let taken: u64 = ways.iter().map(|w| w["totals"]["connections"].as_u64().unwrap()).sum();
        assert_eq!(taken, report["totals"]["connections"].as_u64().unwrap(), "{sample}");
        let hosts: BTreeSet<&str> =
            list(&topology, "hosts").iter().map(|h| h["id"].as_str().unwrap()).collect();
        for hop in ways.iter().flat_map(|w| list(w, "there").iter().chain(list(w, "back"))) {
            for end in [&hop["from"], &hop["to"]] {
                assert!(end.is_null() || hosts.contains(end.as_str().unwrap()), "{sample}: {hop}");
            }
        }
    }
}

#[test]
fn rewrites_stand_at_the_host_that_made_them() {
    let text = printed(&["topology", HAIRPIN]);
    assert!(text.contains("director 172.16.100.253: 203.0.113.8:80 > 172.16.100.11:80"), "{text}");
    assert!(text.contains("real server 172.16.100.11 > (over lo) real server"), "{text}");
    assert!(text.contains("50.0 %"), "{text}");
    let text = printed(&["topology", "samples/healthy-dr"]);
    assert!(text.contains("to MAC 52:54:00:56:b4:7b, addresses unchanged"), "{text}");
    let text = printed(&["topology", "samples/only-director-healthy-dr"]);
    assert!(text.contains("back   not seen"), "{text}");
}

#[test]
fn text_fits_the_screen() {
    for sample in samples() {
        for width in ["80", "120"] {
            let output = crate::support::program::lbdiag(&["topology", &sample])
                .env("COLUMNS", width)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let width: usize = width.parse().unwrap();
            assert!(text.lines().all(|l| l.chars().count() <= width), "{sample}: {text}");
        }
    }
}

#[test]
fn graphs_name_every_host_once_and_use_no_other() {
    for sample in samples() {
        let topology = topology(&sample);
        let dot = printed(&["topology", "--format", "dot", &sample]);
        let mermaid = printed(&["topology", "--format", "mermaid", &sample]);
        assert!(dot.starts_with("digraph lbdiag {\n") && dot.ends_with("}\n"), "{sample}");
        assert!(mermaid.starts_with("flowchart LR\n"), "{sample}");
        for host in list(&topology, "hosts") {
            let id = host["id"].as_str().unwrap();
            assert_eq!(dot.matches(&format!("\n  {id} [label=")).count(), 1, "{sample}: {dot}");
            let in_mermaid = |open: char| mermaid.matches(&format!("\n  {id}{open}\"")).count();
            assert_eq!(in_mermaid('[') + in_mermaid('('), 1, "{sample}: {mermaid}");
        }
        for link in list(&topology, "links") {
            let (from, to) = (link["from"].as_str().unwrap(), link["to"].as_str().unwrap());
            assert!(dot.contains(&format!("  {from} -> {to} [")), "{sample}: {dot}");
        }
    }
}

#[test]
fn names_of_captures_do_not_leave_their_labels() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let path = dir.path().join(name);
        std::fs::copy(format!("{HAIRPIN}/rs1.pcap"), &path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let odd = place("a\"]; x [label \"<b>`\u{202e}.pcap");
    let hostile = place("a\\\"] x\u{1b}[2J;`<script>|end.pcap");
    for format in ["dot", "mermaid", "text", "json"] {
        for name in [&odd, &hostile] {
            let output = run(&["topology", "--format", format, name]);
            assert_eq!(code(&output), Some(0), "{}", stderr(&output));
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.contains("script") || text.contains(" x "), "{text}");
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{format}: {text:?}");
            assert!(!text.contains('\u{202e}'), "{format}: {text:?}");
            let bare = text.replace("\\\\", "").replace("\\\"", "");
            if format == "dot" {
                assert!(bare.lines().all(|l| l.matches('"').count() % 2 == 0), "{text}");
            }
            if format == "mermaid" {
                let labels: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
                let safe = |l: &&str| !l.replace("<br/>", "").contains(['<', '`', '[', '"']);
                assert!(!labels.is_empty() && labels.iter().all(safe), "{text}");
            }
        }
    }
}

#[test]
fn nothing_to_draw_is_said() {
    let output = run(&["topology"]);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("no capture is given"), "{}", stderr(&output));
}
