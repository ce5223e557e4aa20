//! What sets connections that fail apart from those that do well: the client's port, the client among others of its
//! network, a side that is ended early.

use crate::diagnosed;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, Who, step};
use std::net::Ipv4Addr;

const THERE: [Step; 1] = [step(ROUTER_IN, RS1)];
const BACK: [Step; 1] = [step(RS1, ROUTER_IN)];

/// Connections of clients of one network; the answers to some are lost.
fn called(clients: &[(u8, u16, bool)]) -> (serde_json::Value, String) {
    let mut stage = Stage::capturing(&["rs1"]);
    for (host, port, lost) in clients {
        let client = Ipv4Addr::new(198, 51, 100, *host);
        let mut talk = Talk::new(at(client, *port), at(RS1_IP, 8080));
        if *lost {
            let syn = talk.syn();
            let answer = talk.accept().syn_ack();
            for wait in [1_000, 2_000, 500] {
                stage.carry(&THERE, &syn);
                stage.carry_and_lose(&BACK, &answer, 1);
                stage.wait_ms(wait);
            }
        } else {
            talk.whole(&mut stage, &THERE, &BACK);
        }
        stage.wait_ms(300);
    }
    diagnosed(&stage)
}

fn sentences(report: &serde_json::Value) -> String {
    report["breaks"][0]["apart"].to_string()
}

#[test]
fn ports_below_a_bound_that_rules_have_are_told() {
    let port = |n: u16| 2_000 + (u32::from(n) * 7_919 % 60_000) as u16;
    let by_port = |bound: u16| -> Vec<(u8, u16, bool)> {
        (0..24).map(|n| (20 + n as u8 % 5, port(n), port(n) < bound)).collect()
    };
    let (report, text) = called(&by_port(32_768));
    assert!(sentences(&report).contains("have a client port below 32768"), "{text}");
    // As many that fail for no reason of their port.
    let any: Vec<(u8, u16, bool)> =
        (0..24).map(|n| (20 + n as u8 % 5, port(n), n % 7 < 3)).collect();
    let (report, text) = called(&any);
    assert!(!sentences(&report).contains("client port"), "{text}");
}

#[test]
fn one_client_among_others_of_its_network_is_told() {
    let of = |fails: fn(u16) -> bool| -> Vec<(u8, u16, bool)> {
        (0..24).map(|n| (20 + n as u8 % 4, 40_000 + n * 3, fails(n))).collect()
    };
    let (report, text) = called(&of(|n| n % 4 == 1));
    assert!(sentences(&report).contains("come from 198.51.100.21"), "{text}");
    let (report, text) = called(&of(|n| n < 6));
    assert!(!sentences(&report).contains("come from"), "{text}");
}

#[test]
fn a_side_that_is_ended_with_the_request_is_told() {
    const ERROR: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..16u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 42_000 + n * 3), at(RS1_IP, 80));
        talk.handshake(&mut stage, &THERE, &BACK);
        let asks = talk.data(Who::Client, b"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n");
        stage.carry(&THERE, &asks);
        let early = n % 3 == 0;
        if early {
            let closes = talk.fin(Who::Client);
            stage.carry(&THERE, &closes);
        }
        stage.now += 900;
        let answer = talk.data(Who::Server, if early { ERROR } else { OK });
        stage.carry(&BACK, &answer);
        if !early {
            let closes = talk.fin(Who::Client);
            stage.carry(&THERE, &closes);
        }
        let closes = talk.fin(Who::Server);
        stage.carry(&BACK, &closes);
        let last = talk.ack(Who::Client);
        stage.carry(&THERE, &last);
        stage.wait_ms(400);
    }
    let (report, text) = diagnosed(&stage);
    assert!(sentences(&report).contains("end their own side as soon as they have asked"), "{text}");
}
