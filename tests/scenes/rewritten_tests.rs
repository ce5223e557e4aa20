//! What is said of the scenes of `rewritten.rs`, and of their healthy twins.

use crate::rewritten::*;
use crate::{candidates, diagnosed, ids};

#[test]
fn an_option_that_misleads_is_told_and_one_that_does_not_is_not() {
    for (router, says) in [
        (Router::Raises, "the MSS of SYNs is raised on the way, from 1360 to 1460"),
        (Router::Unscales, "the window scale of SYN-ACKs is changed on the way, from 7 to 0"),
    ] {
        let (report, text) = diagnosed(&through(router));
        let finding = &report["findings"][0];
        assert_eq!(finding["id"], "options-rewritten", "{text}");
        assert_eq!(finding["title"], says, "{text}");
        assert_eq!(finding["confidence"], "certain", "{text}");
    }
    for router in [Router::Clamps, Router::StripsBoth] {
        let (report, text) = diagnosed(&through(router));
        assert!(ids(&report).is_empty(), "{text}");
    }
}

#[test]
fn what_is_said_of_a_tunnels_packet_is_said_of_what_it_carries() {
    let (report, text) = diagnosed(&tunnel_refused());
    let loud = &report["findings"][0];
    assert!(
        ["icmp-unreachable", "tunnel-not-decapsulated"].contains(&loud["id"].as_str().unwrap()),
        "{text}"
    );
    assert_eq!(loud["affected"]["failed"], 4, "{text}");
    assert!(!text.contains("rs-silent: then"), "{text}");
    assert!(!text.contains("nobody listens"), "{text}");
}

#[test]
fn answers_in_another_vlan_are_answers() {
    let (report, text) = diagnosed(&answered_in_another_vlan());
    assert_eq!(ids(&report), ["handshake-incomplete"], "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "vlan-mismatch", "{text}");
    let tells = report["findings"][0]["candidates"][0]["tell_apart"].as_str().unwrap();
    assert!(tells.contains("in VLAN 100 and the SYN-ACKs go in VLAN 200"), "{text}");
}

#[test]
fn the_interface_of_the_answer_sets_apart() {
    let (report, text) = diagnosed(&one_leg_is_deaf());
    assert_eq!(report["findings"][0]["id"], "handshake-incomplete", "{text}");
    assert!(text.contains("answered by interface 3"), "{text}");
}
