//! Redaction as a user asks for it: every command, names of files, and a map that is kept.

use super::Originals;
use crate::support::expected::root;
use crate::support::program::{printed, run, stderr};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Copies of a sample under names that people would give.
fn named(dir: &std::path::Path) -> PathBuf {
    let folder = dir.join("acme-corp");
    std::fs::create_dir(&folder).unwrap();
    for (from, to) in
        [("client", "acme-frontend"), ("director", "acme-lb"), ("rs1", "acme-10.1.2.3")]
    {
        let sample = root().join(format!("samples/nat-rs-gateway-bypasses-director/{from}.pcap"));
        std::fs::copy(sample, folder.join(format!("{to}.pcap"))).unwrap();
    }
    folder
}

#[test]
fn every_command_redacts_and_no_file_name_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let folder = named(dir.path());
    let originals =
        Originals::of(&[folder.join("acme-lb.pcap"), folder.join("acme-frontend.pcap")]);
    let path = folder.display().to_string();
    let state = root().join("tests/states/nat-rs-gateway-bypasses-director").display().to_string();
    let of = |args: &[&str]| printed(&[args, &["--redact", &path]].concat());
    let mut all = vec![of(&["-v", "--coverage"]), of(&["-v", "--host-state", &state])];
    for format in ["json", "ndjson", "markdown"] {
        all.push(of(&["--format", format, "--host-state", &state]));
    }
    for format in ["text", "svg", "mermaid", "plantuml"] {
        all.push(of(&["ladder", "--format", format]));
    }
    for format in ["text", "json"] {
        all.push(of(&["why", "--format", format, "188.88.88.10"]));
        all.push(of(&["connections", "--format", format]));
    }
    for format in ["text", "dot", "mermaid", "json"] {
        all.push(of(&["topology", "--format", format]));
    }
    for text in &all {
        assert!(!text.contains("acme") && !text.contains(&state), "{text}");
        assert_eq!(originals.within(text), Vec::<String>::new(), "{text}");
    }
    let out = dir.path().join("out.pcapng").display().to_string();
    run(&["extract", "--redact", "-w", &out, &path]);
    let bytes = std::fs::read(&out).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("acme"));
    // A label that was typed is meant to be read, one that is an address is not.
    let capture = |label: &str| format!("{label}={path}/acme-lb.pcap");
    assert!(printed(&["--redact", &capture("edge")]).contains("edge"));
    assert!(!printed(&["--redact", &capture("10-1-2-3")]).contains("10-1-2-3"));
}

#[test]
fn a_map_is_kept_and_tickets_agree() {
    let dir = tempfile::tempdir().unwrap();
    let map = dir.path().join("map.json").display().to_string();
    let sample = |name: &str| format!("samples/nat-rs-gateway-bypasses-director/{name}.pcap");
    let of = |capture: &str, map: &str| {
        printed(&["--json", "--redact", "--redact-map", map, &sample(capture)])
    };
    let first = of("rs1", &map);
    let kept: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&map).unwrap()).unwrap();
    let addresses = kept["addresses"].as_object().unwrap();
    assert!(!addresses.is_empty());
    let stands: BTreeSet<&str> = addresses.values().map(|v| v.as_str().unwrap()).collect();
    assert_eq!(stands.len(), addresses.len(), "two became one");
    of("director", &map);
    assert_eq!(of("rs1", &map), first, "the same capture has the same stand-ins");
    let grown: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&map).unwrap()).unwrap();
    for (from, to) in addresses {
        assert_eq!(grown["addresses"][from], *to);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&map).unwrap().permissions().mode() & 0o77, 0);
    }
    let output = run(&["--redact", "--redact-map", "Cargo.toml", &sample("rs1")]);
    assert!(stderr(&output).contains("is no map that --redact-map wrote"), "{}", stderr(&output));
}
