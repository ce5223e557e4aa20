//! Answers that come from a port that nobody called, to a host whose they are not, or to a node that keeps them, each
//! beside its like.

use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, Who, step};
use crate::{candidates, diagnosed};
use std::net::{Ipv4Addr, SocketAddr};

const THERE: [Step; 1] = [step(ROUTER_IN, RS1)];
const BACK: [Step; 1] = [step(RS1, ROUTER_IN)];

/// SYN-ACKs that leave in another name, and that their callers reset.
fn answered_as(name: SocketAddr) -> (serde_json::Value, String) {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..5u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 45_000 + n), at(RS1_IP, 10_250));
        let syn = talk.syn();
        let answer = talk.accept().syn_ack().from(name);
        for wait in [1_000, 2_000, 1_000] {
            stage.carry(&THERE, &syn);
            stage.carry(&BACK, &answer);
            stage.carry(&THERE, &Talk::rst_for(&answer));
            stage.wait_ms(wait);
        }
    }
    diagnosed(&stage)
}

#[test]
fn answers_from_another_port_of_the_address_that_was_called_are_no_other_way() {
    let (report, text) = answered_as(at(RS1_IP, 53_811));
    let told = candidates(&report["findings"][0]);
    assert!(text.contains("from port 53811 where 10250 was asked for"), "{text}");
    assert!(!told.contains(&"nat-return-bypasses-director"), "{text}");
    let (_, text) = answered_as(at(RS2_IP, 10_250));
    assert!(!text.contains("was asked for: then that host itself"), "{text}");
}

/// SYN-ACKs come in for an address; the host serves one call of its own.
fn come_for(address: Ipv4Addr) -> String {
    let mut stage = Stage::capturing(&["rs1"]).any("rs1");
    Talk::new(at(CLIENT_IP, 45_900), at(RS1_IP, 80)).whole(&mut stage, &THERE, &BACK);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(address, 46_000 + n), at(CLIENT_IP, 443));
        let answer = talk.accept().syn_ack();
        for wait in [1_000, 2_000, 4_000] {
            stage.carry(&THERE, &answer);
            stage.wait_ms(wait);
        }
    }
    diagnosed(&stage).0.to_string()
}

#[test]
fn answers_for_an_address_that_has_moved_on_say_so() {
    let moved = "nowhere as its own";
    let text = come_for(Ipv4Addr::new(203, 0, 113, 77));
    assert!(text.contains(moved), "{text}");
    let text = come_for(RS1_IP);
    assert!(!text.contains(moved), "{text}");
}

/// A node that translates gets every other answer so late, and keeps it.
fn late_at_node(ms: u64) -> (serde_json::Value, String) {
    let mut stage = Stage::capturing(&["director"]).any("director");
    let server = at(NAT_RS1_IP, 8080);
    let (there, back) = nat(RS1, server, at(VIP, 80));
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        let asks =
            talk.data(Who::Client, b"POST /train HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        stage.carry(&there, &asks);
        let heard = talk.ack(Who::Server);
        stage.carry(&back, &heard);
        if n % 2 == 0 {
            stage.wait_ms(ms);
            let answer = talk.data(Who::Server, OK);
            stage.sent_again(&answer, 5, |stage, answer| {
                stage.carry_part(&back, answer, 1);
            });
        } else {
            stage.wait_ms(20);
            let answer = talk.data(Who::Server, OK);
            stage.carry(&back, &answer);
            talk.close(&mut stage, &there, &back);
        }
        stage.wait_ms(1_000);
    }
    diagnosed(&stage)
}

#[test]
fn answers_that_a_node_keeps_after_a_silence_point_at_its_table() {
    let (report, text) = late_at_node(360_000);
    let told = candidates(&report["findings"][0]);
    assert!(told.contains(&"lb-idle-timeout"), "{text}");
    assert!(!told.contains(&"slow-real-server") && !told.contains(&"packet-loss"), "{text}");
    assert!(!text.contains("ip route get"), "{text}");
    // No silence went before.
    let (report, text) = late_at_node(200);
    assert!(!candidates(&report["findings"][0]).contains(&"lb-idle-timeout"), "{text}");
}
