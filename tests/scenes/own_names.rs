//! Servers that ask a name server before they answer: answers that wait for one that does not answer, and answers that
//! are slow for another reason.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, Who, step};
use crate::{diagnosed, ids};
use std::net::Ipv4Addr;

const THERE: [Step; 1] = [step(ROUTER_IN, RS1)];
const BACK: [Step; 1] = [step(RS1, ROUTER_IN)];
const RESOLVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 53);
const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// A question for the name of an address.
fn question(n: u16, answer: bool) -> Vec<u8> {
    let mut bytes = n.to_be_bytes().to_vec();
    bytes.extend(if answer { [0x81, 0x83] } else { [1, 0] });
    bytes.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    for label in ["20", "100", "51", "198", "in-addr", "arpa"] {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.extend([0, 0, 12, 0, 1]);
    bytes
}

/// Requests at a server that asks for its client's name first; the name server answers, or does not, and then it
/// gives up after so many questions. `asks` may be somewhere else in time.
fn lookups(questions: u64, answered: bool, asked_late: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    stage.resolve((RS1, RS1_IP), (ROUTER_IN, ROUTER_IP), &[RS1, ROUTER_IN]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(RS1_IP, 8080));
        talk.handshake(&mut stage, &THERE, &BACK);
        let asks = talk.data(Who::Client, GET);
        stage.carry(&THERE, &asks);
        let has = talk.ack(Who::Server);
        stage.carry(&BACK, &has);
        let begun = stage.now;
        if asked_late {
            stage.wait_ms(2_600);
        }
        for k in 0..questions {
            let from = at(RS1_IP, 33_000 + n);
            let asks =
                Packet::udp(from, at(RESOLVER, 53), &question(n, false)).id(n * 8 + k as u16);
            stage.carry(&BACK, &asks);
            if answered {
                stage.wait_ms(3);
                stage.carry(&THERE, &Packet::udp(at(RESOLVER, 53), from, &question(n, true)));
                break;
            }
            stage.wait_ms(5_000);
        }
        if answered && questions > 1 {
            stage.now = begun + 5_000_000 * questions;
        }
        let answer = talk.data(Who::Server, OK);
        stage.carry(&BACK, &answer);
        let has = talk.ack(Who::Client);
        stage.carry(&THERE, &has);
        talk.close(&mut stage, &THERE, &BACK);
        stage.wait_ms(9_000);
    }
    stage
}

#[test]
fn answers_that_wait_for_the_servers_own_name_server_are_told() {
    for questions in [1, 2] {
        let (report, text) = diagnosed(&lookups(questions, false, false));
        assert!(ids(&report).contains(&"slow-answer"), "{text}");
        assert!(text.contains("203.0.113.53"), "{text}");
        let services = report["services"].as_array().unwrap();
        let web = services.iter().find(|s| s["port"] == 8080).unwrap();
        assert_eq!(web["totals"]["suffered"], 4, "{text}");
    }
}

#[test]
fn answers_that_wait_for_something_else_are_not_laid_to_it() {
    // The name server answers, and the program takes as long.
    let (report, text) = diagnosed(&lookups(2, true, false));
    assert!(!ids(&report).contains(&"slow-answer"), "{text}");
    let (report, text) = diagnosed(&lookups(1, true, false));
    assert!(!ids(&report).contains(&"slow-answer"), "{text}");
}
