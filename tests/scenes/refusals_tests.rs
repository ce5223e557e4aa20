//! What is said of the scenes of `refusals.rs`, and of their healthy twins.

use crate::refusals::*;
use crate::stage::Stage;
use crate::{candidates, diagnosed, ids};

/// Nothing loud is said of it, and nobody failed.
fn is_quiet(stage: &Stage) {
    let (report, text) = diagnosed(stage);
    assert!(ids(&report).is_empty(), "{text}");
    let status = report["verdict"]["status"].as_str().unwrap();
    assert!(matches!(status, "healthy" | "inconclusive"), "{text}");
}

#[test]
fn a_service_that_says_that_it_cannot_is_told_and_named() {
    let (report, text) = diagnosed(&postgres_full());
    assert_eq!(ids(&report), ["service-error"], "{text}");
    let finding = &report["findings"][0];
    assert_eq!(finding["subjects"][0]["address"], "10.20.0.12", "{text}");
    assert_eq!(finding["affected"]["failed"], 4, "{text}");
    assert!(text.contains("53300 (too many connections)"), "{text}");
    is_quiet(&postgres_well());
    is_quiet(&postgres_cancelled());
}

#[test]
fn what_one_server_answers_to_all_is_its_own_and_what_it_answers_to_some_is_theirs() {
    is_quiet(&one_bad_request());
    let (report, text) = diagnosed(&resolves_nothing());
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["failed"], 6, "{text}");
    let (report, text) = diagnosed(&one_server_resolves_nothing());
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["failed"], 4, "{text}");
    assert_eq!(report["findings"][0]["subjects"][0]["address"], "10.20.0.12", "{text}");
}

#[test]
fn a_name_that_cannot_be_resolved_is_told_and_fails_nobody() {
    for (stage, says) in [
        (one_broken_name(), "so the server resolves names"),
        (one_name_alone(), "Nothing else was asked there"),
    ] {
        let (report, text) = diagnosed(&stage);
        assert_eq!(ids(&report), ["service-error"], "{text}");
        let finding = &report["findings"][0];
        assert_eq!(finding["severity"], "info", "{text}");
        assert_eq!(finding["title"], "1 name cannot be resolved: DNS SERVFAIL", "{text}");
        assert!(finding["explanation"].as_str().unwrap().contains(says), "{text}");
        assert_ne!(report["verdict"]["status"], "failing", "{text}");
    }
}

#[test]
fn syn_acks_that_are_reset_say_themselves_why() {
    for (odd, says, offers) in [
        (Odd::After(1300), "when the client has given up", "network-latency"),
        (Odd::Number, "a number that the SYN did not have", "stateful-device-half-path"),
    ] {
        let (report, text) = diagnosed(&odd_syn_acks(odd));
        assert_eq!(ids(&report), ["handshake-incomplete"], "{text}");
        let finding = &report["findings"][0];
        assert!(finding["title"].as_str().unwrap().contains(says), "{text}");
        assert_eq!(candidates(finding), [offers], "{text}");
    }
    // One that comes in time and is reset all the same may have gone round the balancer.
    let (report, text) = diagnosed(&odd_syn_acks(Odd::After(20)));
    assert!(candidates(&report["findings"][0]).contains(&"nat-return-bypasses-director"), "{text}");
}

#[test]
fn a_ttl_that_is_used_up_is_no_loop_and_no_filter() {
    let (report, text) = diagnosed(&used_up());
    assert_eq!(ids(&report), ["handshake-incomplete"], "{text}");
    let finding = &report["findings"][0];
    assert!(finding["title"].as_str().unwrap().contains("TTL 1"), "{text}");
    assert!(candidates(finding).is_empty(), "{text}");
    assert!(text.contains("203.0.113.1 says by ICMP"), "{text}");
}

#[test]
fn a_wrong_sum_is_why_advertisements_are_not_heeded() {
    let (report, text) = diagnosed(&summed_before_translated());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "vrrp-split-brain", "{text}");
    assert!(finding["explanation"].as_str().unwrap().contains("wrong checksum"), "{text}");
    assert!(text.contains("iptables -t nat -I POSTROUTING -p 112 -j ACCEPT"), "{text}");
    assert!(!text.contains("-I INPUT"), "{text}");
    is_quiet(&both_families());
}
