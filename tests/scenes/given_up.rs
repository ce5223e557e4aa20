//! Openings that end early and that nobody misses: a client that has connected elsewhere meanwhile,
//! a scan, a frame that the capture lacks. Who waits asks again, and that is a failure.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who, step};
use crate::{diagnosed, ids};
use serde_json::Value;

/// Four conversations at a real server alone, and between them openings that `begin` plays.
fn at_the_server(begin: impl Fn(&mut Stage, &mut Talk)) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(DIRECTOR, RS1)], [step(RS1, DIRECTOR)]);
    for n in 0..4u16 {
        Talk::new(at(CLIENT_IP, 46_000 + n), at(NAT_RS1_IP, 8080)).whole(&mut stage, &there, &back);
        let mut talk = Talk::new(at(CLIENT_IP, 47_001 + 31 * n), at(NAT_RS1_IP, 8080));
        begin(&mut stage, &mut talk);
        stage.wait_ms(5_000);
    }
    Talk::new(at(CLIENT_IP, 46_100), at(NAT_RS1_IP, 8080)).whole(&mut stage, &there, &back);
    stage
}

fn asked(stage: &mut Stage, packet: &Packet) {
    stage.pass(DIRECTOR, RS1, packet);
}

fn answered(stage: &mut Stage, packet: &Packet) {
    stage.pass(RS1, DIRECTOR, packet);
}

fn failed(report: &Value) -> u64 {
    let services = report["services"].as_array().unwrap().iter();
    services.map(|service| service["totals"]["failed"].as_u64().unwrap()).sum()
}

#[track_caller]
fn nobody_misses(stage: &Stage) {
    let (report, text) = diagnosed(stage);
    assert_eq!(failed(&report), 0, "{text}");
    let loud = report["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info");
    assert_eq!(loud.count(), 0, "{text}");
}

#[test]
fn a_client_that_has_connected_elsewhere_resets_what_was_accepted() {
    nobody_misses(&at_the_server(|stage, talk| {
        asked(stage, &talk.syn());
        let accepted = talk.syn_ack();
        answered(stage, &accepted);
        asked(stage, &Talk::rst_for(&accepted));
    }));
}

#[test]
fn a_client_that_asks_again_did_not_want_to_reset() {
    let (report, text) = diagnosed(&at_the_server(|stage, talk| {
        let syn = talk.syn();
        asked(stage, &syn);
        let accepted = talk.syn_ack();
        answered(stage, &accepted);
        asked(stage, &Talk::rst_for(&accepted));
        stage.wait_ms(1_000);
        asked(stage, &syn.clone().id(syn.id + 1));
        answered(stage, &accepted);
        asked(stage, &Talk::rst_for(&accepted));
    }));
    assert_eq!(failed(&report), 4, "{text}");
}

#[test]
fn a_server_that_asks_no_second_time_was_answered() {
    nobody_misses(&at_the_server(|stage, talk| {
        asked(stage, &talk.syn());
        answered(stage, &talk.syn_ack());
    }));
    let (report, text) = diagnosed(&at_the_server(|stage, talk| {
        asked(stage, &talk.syn());
        let accepted = talk.syn_ack();
        for wait in [1_000, 2_000, 4_000] {
            answered(stage, &accepted);
            stage.wait_ms(wait);
        }
    }));
    assert_eq!(failed(&report), 4, "{text}");
    assert_eq!(ids(&report)[0], "handshake-incomplete", "{text}");
}

#[test]
fn who_resets_an_opening_has_got_an_answer_to_it() {
    nobody_misses(&at_the_server(|stage, talk| {
        asked(stage, &talk.syn());
        let accepted = talk.syn_ack();
        stage.wait_ms(24);
        asked(stage, &Talk::rst_for(&accepted));
    }));
}

/// Questions of one host to a resolver, a second apart, that no capture shows an answer to; before them
/// a conversation of which the capture has both sides, or what the host sends.
fn unanswered_questions(both: bool) -> Stage {
    let mut stage = Stage::default().any("client");
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    // Of another address of its own it shows both ways.
    Talk::new(at(SECOND_IP, 48_200), at(VIP, 443)).whole(&mut stage, &there, &back);
    let mut talk = Talk::new(at(CLIENT_IP, 48_000), at(VIP, 443));
    talk.open();
    for _ in 0..4 {
        stage.carry(&there, &talk.data(Who::Client, b"one more"));
        let said = talk.data(Who::Server, b"one more answer");
        if both {
            stage.carry(&back, &said);
        }
        stage.wait_ms(40);
    }
    for (n, kind) in [(0_u16, b'a'), (1, b'b'), (2, b'c')] {
        let name =
            [&[n as u8, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, 1, 0, 1][..]].concat();
        let question = Packet::udp(at(CLIENT_IP, 49_000 + n), at(RESOLVER, 53), &name);
        stage.pass(CLIENT, ROUTER, &question.id(900 + n));
        stage.wait_ms(700);
    }
    let other = Talk::new(at(CLIENT_IP, 48_100), at(VIP, 443)).syn();
    stage.wait_ms(3_000);
    stage.pass(CLIENT, ROUTER, &other);
    stage
}

const SECOND_IP: std::net::Ipv4Addr = std::net::Ipv4Addr::new(198, 51, 100, 21);
const RESOLVER: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 0, 2, 53);

#[test]
fn who_hears_nobody_in_the_capture_may_have_been_answered() {
    let (report, text) = diagnosed(&unanswered_questions(false));
    assert!(!ids(&report).contains(&"datagram-unanswered"), "{text}");
    let (report, text) = diagnosed(&unanswered_questions(true));
    assert!(ids(&report).contains(&"datagram-unanswered"), "{text}");
}
