//! What is said of the scenes of `overlays.rs`, and what is not said of those that come close.

use crate::overlays::*;
use crate::stage::Stage;
use crate::{diagnosed, ids};

/// Findings that wake somebody.
fn loud(report: &serde_json::Value) -> Vec<&str> {
    let all = report["findings"].as_array().unwrap();
    let quiet = |f: &&serde_json::Value| f["severity"] != "info";
    all.iter().filter(quiet).map(|f| f["id"].as_str().unwrap()).collect()
}

fn is_well(stage: &Stage) -> String {
    let (report, text) = diagnosed(stage);
    assert!(loud(&report).is_empty(), "{text}");
    text
}

#[test]
fn a_gateway_that_packs_into_a_tunnel_says_too_big_and_is_not_heeded() {
    let (report, text) = diagnosed(&too_big_ignored());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "tun-mtu-blackhole", "{text}");
    let fix = finding["fix"][0]["command"].as_str().unwrap();
    assert!(fix.contains("-s 198.51.100.80") && fix.contains("--set-mss 1440"), "{text}");
    is_well(&too_big_heeded());
}

#[test]
fn who_closes_upon_a_question_has_not_answered_it() {
    let (report, text) = diagnosed(&closes_for_an_answer());
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
    assert!(text.contains("the server closes instead of an answer"), "{text}");
    is_well(&closes_when_idle());
    is_well(&sends_and_closes());
    is_well(&answer_not_captured());
}

#[test]
fn a_greeting_that_a_proxy_holds_is_late_and_one_of_a_mail_server_is_not() {
    let (report, text) = diagnosed(&greeting_held());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "slow-answer", "{text}");
    assert!(text.contains("somebody's timer"), "{text}");
    // Who waited has no listener.
    assert!(!finding["to_confirm"].to_string().contains("ss -ltn"), "{text}");
    is_well(&mail_greets_late());
    is_well(&greeting_slow());
}

#[test]
fn initiations_of_wireguard_are_questions() {
    let (report, text) = diagnosed(&handshakes_in_vain());
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    is_well(&handshakes_answered());
    is_well(&reports_of_one_length());
}

#[test]
fn a_nodes_resolver_at_an_address_of_the_link_is_a_service() {
    let (report, text) = diagnosed(&node_resolver_down());
    assert_eq!(ids(&report), ["icmp-unreachable"], "{text}");
    assert!(text.contains("datagrams are refused"), "{text}");
    let text = is_well(&node_resolver_up());
    assert!(text.contains("169.254.20.10:53/udp"), "{text}");
}

#[test]
fn pings_alone_are_said_and_accuse_nobody() {
    let text = is_well(&pings_in_vain());
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("5 echo requests (ping) 10.244.1.11 > 10.244.2.7"), "{text}");
    assert!(!is_well(&pings_answered()).contains("echo requests"));
}

#[test]
fn a_fix_speaks_of_ipvs_alone_only_where_ipvs_is_known() {
    let (report, text) = diagnosed(&neighbour_answers_itself());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "nat-same-subnet-client", "{text}");
    let fixes = finding["fix"].as_array().unwrap();
    let of = |word: &str| {
        let has = |f: &&serde_json::Value| f["command"].as_str().unwrap().contains(word);
        fixes.iter().find(has).unwrap_or_else(|| panic!("no {word}: {text}"))
    };
    assert!(of("-m ipvs")["host"].as_str().unwrap().contains("if IPVS translates"), "{text}");
    assert!(of("--ctorigdst")["host"].as_str().unwrap().contains("if netfilter does"), "{text}");
    assert_eq!(of("br_netfilter")["join"], "or", "{text}");
}

#[test]
fn who_answers_in_anothers_place_may_not_have_the_address_at_all() {
    let (report, text) = diagnosed(&neighbour_answers_datagrams());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "udp-reply-from-rip", "{text}");
    assert_eq!(finding["confidence"], "possible", "{text}");
    let candidates = finding["candidates"].to_string();
    assert!(candidates.contains("nat-same-subnet-client"), "{text}");
    let fix = finding["fix"][0]["host"].as_str().unwrap();
    assert!(fix.contains("if it has 10.96.0.10 itself"), "{text}");
    assert!(!text.contains("no packet reaches it"), "{text}");
}

#[test]
fn what_proxies_ask_for_clients_is_no_check_of_theirs() {
    let text = is_well(&proxies_and_checks());
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("4 connections: 4 did well; 4 health checks: 4 did well"), "{text}");
}
