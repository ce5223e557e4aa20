//! `lbdiag why`: which connection it chooses, and what it says of it.

use crate::support::program::{code, parsed, printed, run, stderr};
use serde_json::Value;

const HAIRPIN: &str = "samples/hairpin-cloud-slb";
const NAT: &str = "samples/nat-one-rs-gateway-wrong";

/// The text with its line breaks and indents taken out.
fn flowing(args: &[&str]) -> String {
    printed(args).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_hairpin_is_told_from_syn_to_fix() {
    let text = flowing(&["why", "172.16.100.11:59780", HAIRPIN]);
    for needle in [
        "INCOMPLETE 172.16.100.11:59780 to 203.0.113.8:80, nat, real server 172.16.100.11:80",
        "reached the director 172.16.100.253, which rewrote 203.0.113.8:80 to 172.16.100.11:80",
        "to itself, over lo; it never left the host",
        "answered (rs1 #16)",
        "finding 1, l4-self-access-hairpin (critical, certain)",
        "fix on the director 172.16.100.253, safe:",
        "SYN-ACK, over lo",
    ] {
        assert!(text.contains(needle), "{needle}\n{text}");
    }
}

#[test]
fn an_answer_around_the_director_is_told() {
    let text = flowing(&["why", "188.88.88.10", NAT]);
    assert!(text.contains("It did not pass the director 172.16.0.2"), "{text}");
    assert!(text.contains("came from 172.16.0.12:80 where 203.0.113.8:80 is expected"), "{text}");
}

#[test]
fn a_healthy_connection_is_told_without_a_finding() {
    let text = flowing(&["why", "188.88.88.10", "samples/healthy-dr"]);
    assert!(text.starts_with("COMPLETED 188.88.88.10:41182 to 172.16.0.8:80, dr"), "{text}");
    assert!(text.contains("which sent it on unchanged to the MAC 52:54:00:56:b4:7b"), "{text}");
    assert!(text.contains("the client sent 80 bytes, the server 272"), "{text}");
    assert!(!text.contains("finding") && !text.contains(" fix "), "{text}");
}

#[test]
fn what_no_capture_shows_is_said_not_to_be_known() {
    let director = "samples/only-director-nat-rs-gateway-bypasses-director";
    let text = flowing(&["why", "188.88.88.10", director]);
    assert!(text.contains("sent it on; no capture shows to whom it came"), "{text}");
    assert!(text.contains("nothing was captured on the real server 172.16.0.12"), "{text}");
    assert!(text.contains("nothing was captured on the client 188.88.88.10"), "{text}");
    assert!(text.contains("tcpdump -i any"), "{text}");
    let text = flowing(&["why", "188.88.88.10", "samples/only-director-healthy-dr"]);
    assert!(text.contains("No capture shows an answer, but the client went on"), "{text}");
    assert!(!text.contains("where it arrived"), "{text}");
}

#[test]
fn of_several_the_one_that_failed_is_told_and_the_others_are_counted() {
    let story = parsed(&["why", "--format", "json", "172.16.100.11", HAIRPIN]);
    assert_eq!(story["connection"]["outcome"], "incomplete");
    assert_eq!(story["finding"]["id"], "l4-self-access-hairpin");
    assert_eq!(story["others"]["connections"], 5);
    let commands = story["see_others"].as_str().unwrap();
    for command in commands.lines() {
        let args: Vec<&str> = command.split(' ').skip(1).collect();
        assert_eq!(code(&run(&args)), Some(0), "{command}");
    }
    let list = parsed(&["connections", "--format", "json", HAIRPIN]);
    let same: Vec<&Value> = list["connections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["id"] == story["connection"]["id"])
        .collect();
    assert_eq!(same, [&story["connection"]]);
    assert_eq!(story["ladder"]["connection"], story["connection"]["id"]);
}

#[test]
fn a_time_picks_the_one_alive_then() {
    let at = |time: &str| {
        let story = parsed(&["why", "--format", "json", "172.16.100.11", "--at", time, HAIRPIN]);
        (story["connection"]["client"].as_str().unwrap().to_owned(), story["others"].clone())
    };
    // 59780 lives from 07:41:51.529 to 07:41:52.560, 59772 from .283 for 40 ms.
    assert_eq!(at("07:41:52").0, "172.16.100.11:59780");
    assert_eq!(at("07:41:51.290").0, "172.16.100.11:59772");
    assert_eq!(at("2026-11-20T07:41:54.240Z").0, "172.16.100.11:48616");
    assert_eq!(at("07:41:51").1["connections"], 1);
}

#[test]
fn the_clients_port_as_the_real_server_sees_it_leads_there_too() {
    let list =
        parsed(&["why", "--format", "json", "172.16.0.2", "samples/fullnat-port-exhaustion"]);
    assert_eq!(list["connection"]["mode"], "fullnat");
}

#[test]
fn every_sample_has_a_story_that_fits_the_screen() {
    for entry in std::fs::read_dir("samples").unwrap() {
        let path = entry.unwrap().path();
        if !path.join("expected.toml").is_file() {
            continue;
        }
        let sample = path.to_str().unwrap();
        let list = parsed(&["connections", "--format", "json", "--limit", "1", sample]);
        let Some(first) = list["connections"].as_array().unwrap().first().cloned() else {
            continue;
        };
        let text = printed(&["why", first["client"].as_str().unwrap(), sample]);
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(steers), "{sample}");
        // Commands are whole, however long.
        let long = |l: &&str| l.chars().count() > 80 && !l.starts_with("             ");
        assert!(!text.lines().any(|l| long(&l)), "{sample}: {text}");
        assert!(text.contains("  there "), "{text}");
    }
}

#[test]
fn no_match_ends_in_a_next_step() {
    for (args, needle) in [
        (&["188.88.88.11"][..], "the nearest clients here: 188.88.88.10 (6 connections)"),
        (&["203.0.113.8"], "connections --to 203.0.113.8 samples/"),
        (&["172.16.0.12"], "connections --served-by 172.16.0.12"),
        (&["188.88.88.10:1"], "188.88.88.10:39272 (incomplete)"),
        (&["188.88.88.10", "--at", "07:00"], "lived from 2026-11-20 07:44:00.328"),
    ] {
        let output = run(&[&["why", "-q"], args, &[NAT]].concat());
        assert_eq!(code(&output), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        let said = stderr(&output);
        assert!(said.contains(needle) && said.contains("lbdiag "), "{args:?}: {said}");
    }
    let output = run(&["why", NAT]);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("the client comes first"), "{}", stderr(&output));
}

#[test]
fn captures_that_need_quotes_are_pasted_in_quotes() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a b$(x).pcap");
    std::fs::copy(format!("{NAT}/client.pcap"), &odd).unwrap();
    let text = printed(&["why", "188.88.88.10", odd.to_str().unwrap()]);
    let quoted = format!("lbdiag connections --from 188.88.88.10 '{}'\n", odd.display());
    assert!(text.contains(&quoted), "{text}");
}
