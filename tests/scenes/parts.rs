//! Captures that show a part, or each packet more than once: those that end while somebody waits, those of which a
//! filter left ARP out, and those of hosts whose interfaces are stacked or bridged. What is well is not accused, and
//! what still shows is not called well.

use crate::moved_on::has_nothing_loud;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, Who, step};
use crate::{diagnosed, ids};

const ASK: &[u8] = b"GET /status HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// Three clients of a server that end their own direction as soon as they have asked, and a capture that goes on for
/// so long, milliseconds.
fn half_closed(ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back): ([Step; 1], [Step; 1]) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(RS1_IP, 80));
        talk.handshake(&mut stage, &there, &back);
        stage.carry(&there, &talk.data(Who::Client, ASK));
        stage.carry(&there, &talk.fin(Who::Client));
        stage.carry(&back, &talk.ack(Who::Server));
        stage.wait_ms(10);
    }
    stage.wait_ms(ms);
    stage.resolve((ROUTER_IN, ROUTER_IP), (RS1, RS1_IP), &LINK);
    stage
}

#[test]
fn who_ends_his_own_direction_waits_as_long_as_the_capture_goes_on() {
    has_nothing_loud(&half_closed(40));
    let (report, text) = diagnosed(&half_closed(6_000));
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
}

#[test]
fn a_probe_that_resets_what_it_is_offered_is_no_failure_at_the_captures_end() {
    let mut stage = Stage::capturing(&["director"]);
    let (there, back): ([Step; 1], [Step; 1]) = ([step(DIRECTOR, RS1)], [step(RS1, DIRECTOR)]);
    for n in 0..2u16 {
        let mut talk = Talk::new(at(DIRECTOR_IP, 51_000 + n * 7), at(RS1_IP, 9090));
        stage.carry(&there, &talk.syn());
        let syn_ack = talk.accept().syn_ack();
        stage.carry(&back, &syn_ack).carry(&there, &Talk::rst_for(&syn_ack));
        stage.wait_ms(25_000 * (1 - u64::from(n)));
    }
    has_nothing_loud(&stage);
}

/// A service whose servers speak first, on a port that says nothing; `greets` says which do.
fn greeted(greets: fn(u16) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (there, back) = nat(nic, at(ip, 31_001), at(VIP, 31_001));
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(VIP, 31_001));
        talk.handshake(&mut stage, &there, &back);
        if greets(n) {
            stage.carry(&back, &talk.data(Who::Server, b"220 ready\r\n"));
            talk.exchange(&mut stage, (&there, &back), b"QUIT\r\n", b"221 Bye\r\n");
        } else {
            stage.wait_ms(12_000);
        }
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn a_server_that_does_not_greet_is_told_by_those_that_do_whatever_its_port() {
    let (report, text) = diagnosed(&greeted(|n| n % 2 == 0));
    assert_eq!(ids(&report), ["no-greeting"], "{text}");
    has_nothing_loud(&greeted(|_| true));
    // Nobody greets: so a service is that waits for its clients.
    has_nothing_loud(&greeted(|_| false));
}

/// Connections that are reset on both sides of a translator after an idle time, seen from mirror ports on either side.
fn cut_on_both_sides() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    let (there, back) = nat(RS1, at(NAT_RS1_IP, 8443), at(VIP, 8443));
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 52_000 + n * 3), at(VIP, 8443));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), ASK, OK);
        stage.wait_ms(300_000);
        let (to_client, to_server) = (talk.rst_ack(Who::Server), talk.rst_ack(Who::Client));
        stage.carry(&back[2..], &to_client.from(at(VIP, 8443)));
        stage.carry(&there[2..], &to_server);
        stage.wait_ms(1_000);
    }
    stage
}

#[test]
fn resets_in_either_sides_name_come_from_between_them() {
    let (report, text) = diagnosed(&cut_on_both_sides());
    assert_eq!(ids(&report), ["lb-idle-timeout"], "{text}");
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
}

/// A director in NAT that gets the answers of its servers and keeps them.
fn kept() -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..4u16 {
        let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (there, back) = nat(nic, at(ip, 8080), at(VIP, 80));
        let mut talk = Talk::new(at(CLIENT_IP, 45_000 + n), at(VIP, 80));
        let syn = talk.syn();
        talk.accept();
        stage.sent_again(&syn, 3, |stage, syn| {
            stage.carry(&there, syn);
            stage.carry_part(&back, &talk.syn_ack(), 1);
        });
        stage.wait_ms(4_500);
    }
    stage
}

#[test]
fn a_bond_and_its_member_are_one_way_out() {
    for stage in [kept(), kept().doubled("director", 100, false)] {
        let (report, text) = diagnosed(&stage);
        assert_eq!(ids(&report)[0], "nat-director-not-forwarding", "{text}");
    }
}

#[test]
fn what_a_bridge_hands_on_is_said_once_and_is_not_its_hosts() {
    let mut stage = Stage::capturing(&["client"]).any("director").any("rs1").any("rs2");
    resolved_nat(&mut stage);
    for n in 0..6u16 {
        let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (there, back) = nat(nic, at(ip, 8080), at(VIP, 80));
        Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(200);
    }
    let stage = stage.doubled("rs1", 100, true).doubled("rs2", 100, true);
    let text = has_nothing_loud(&stage);
    assert!(text.contains("10.20.0.11") && text.contains("10.20.0.12"), "{text}");
}

/// DR without a frame of ARP, for so many seconds.
fn without_arp(seconds: u64) -> Stage {
    let mut stage = Stage::capturing(&["client", "director", "rs1", "rs2"]);
    for n in 0..6u16 {
        let (there, back) = dr([RS1, RS2][usize::from(n % 2)]);
        Talk::new(at(CLIENT_IP, 47_000 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(seconds * 200);
    }
    stage
}

#[test]
fn who_answers_for_the_vip_is_not_checked_where_no_arp_was_captured() {
    let (report, text) = diagnosed(&without_arp(10));
    assert_eq!(report["verdict"]["status"], "healthy", "{text}");
    assert!(report["verdict"]["summary"].as_str().unwrap().contains("by ARP was not looked at"));
    let (report, text) = diagnosed(&without_arp(300));
    assert_eq!(report["verdict"]["status"], "inconclusive", "{text}");
}
