//! Two machines for one address: masters of which one rejects the other's word, and connections that whoever took
//! the address over does not know.

use crate::moved_on::has_nothing_loud;
use crate::packet::{Body, Packet};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who};
use crate::{candidates, diagnosed, ids};
use std::net::IpAddr;

/// Two masters by unicast, of which the lower one rejects what the higher advertises; or it is silent.
fn two_masters(rejected: bool) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let peer = RS2;
    let body = |priority: u8| {
        let mut bytes = vec![0x21, 51, priority, 1, 0, 1, 0, 0];
        bytes.extend(VIP.octets());
        bytes.extend([0; 8]);
        let sum = etherparse::checksum::Sum16BitWords::new().add_slice(&bytes).ones_complement();
        bytes[6..8].copy_from_slice(&sum.to_ne_bytes());
        Body::Raw(112, bytes)
    };
    let (own, other): (IpAddr, IpAddr) = (DIRECTOR_IP.into(), RS2_IP.into());
    for s in 0..20u64 {
        stage.now = s * 1_000_000;
        let said = Packet::new(own, other, body(150)).ttl(255).id(s as u16 + 1);
        stage.pass(DIRECTOR, peer, &said);
        if rejected {
            stage.pass(peer, DIRECTOR, &Packet::icmp_about(other, &said, 3, 10, 0));
        }
        stage.wait_ms(400);
        stage.pass(peer, DIRECTOR, &Packet::new(other, own, body(100)).ttl(255).id(s as u16 + 1));
    }
    stage
}

#[test]
fn a_master_that_rejects_the_others_advertisements_is_told_so() {
    let (report, text) = diagnosed(&two_masters(true));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "vrrp-split-brain", "{text}");
    assert_eq!(finding["fix"][0]["host"], "203.0.113.12", "{text}");
    let told = finding["explanation"].as_str().unwrap();
    assert!(told.contains("203.0.113.12 rejects what 203.0.113.5 advertises"), "{told}");
    assert!(candidates(finding).is_empty(), "{text}");
    let (report, _) = diagnosed(&two_masters(false));
    let told = report["findings"][0]["explanation"].as_str().unwrap();
    assert!(!told.contains("rejects what"), "{told}");
}

/// Connections that stand when a host takes their address over: what they say next comes in there and ends, while
/// new ones are sent on; or it is sent on too.
fn taken_over(forgotten: bool) -> Stage {
    let mut stage = Stage::default().any("director");
    resolved_nat(&mut stage);
    let server = at(NAT_RS1_IP, 8080);
    let (there, back) = nat(RS1, server, at(VIP, 80));
    let mut old: Vec<Talk> =
        (0..3u16).map(|n| Talk::new(at(CLIENT_IP, 41_000 + n), at(VIP, 80))).collect();
    for talk in &mut old {
        talk.client.next = talk.client.next.wrapping_add(700);
        if !forgotten {
            talk.exchange(&mut stage, (&there, &back), &[3; 90], &[4; 90]);
            continue;
        }
        let said = talk.data(Who::Client, &[3; 90]);
        let begun = stage.now;
        for (k, ms) in [(0u16, 0u64), (1, 210), (2, 630), (3, 1_470), (4, 3_150)] {
            stage.now = begun + ms * 1_000;
            stage.carry_part(&there, &said.clone().id(said.id + k), 2);
        }
        stage.wait_ms(500);
    }
    for n in 0..5u16 {
        Talk::new(at(CLIENT_IP, 42_000 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn what_comes_in_and_is_not_sent_on_was_not_lost_on_the_way() {
    let (report, text) = diagnosed(&taken_over(true));
    let finding = &report["findings"][0];
    assert_eq!(ids(&report)[0], "request-unanswered", "{text}");
    assert_eq!(candidates(finding)[0], "director-no-entry-rst", "{text}");
    assert!(!candidates(finding).contains(&"packet-loss"), "{text}");
    has_nothing_loud(&taken_over(false));
}
