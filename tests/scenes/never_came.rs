//! Answers of which nothing reaches their client, who waits and closes, and few segments from the middle of something.

use crate::diagnosed;
use crate::packet::{ACK, PSH};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who, step};
use serde_json::Value;

fn totals(report: &Value) -> [u64; 4] {
    ["well", "failed", "suffered", "untold"].map(|fate| {
        let services = report["services"].as_array().unwrap().iter();
        services.map(|service| service["totals"][fate].as_u64().unwrap_or(0)).sum()
    })
}

/// Conversations at a real server alone, and one whose answer is sent three times, before its client closes; `taken`:
/// the last of them arrives.
fn answered(taken: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(DIRECTOR, RS1)], [step(RS1, DIRECTOR)]);
    for n in 0..3 {
        Talk::new(at(CLIENT_IP, 46_000 + n), at(NAT_RS1_IP, 8080)).whole(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    let mut talk = Talk::new(at(CLIENT_IP, 47_000), at(NAT_RS1_IP, 8080));
    talk.handshake(&mut stage, &there, &back);
    stage.pass(DIRECTOR, RS1, &talk.data(Who::Client, b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n"));
    stage.pass(RS1, DIRECTOR, &talk.ack(Who::Server));
    let answer =
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1400\r\n\r\n".to_vec(), vec![b'x'; 1400]].concat();
    for (n, ms) in [(0, 220), (1, 450), (2, 2_000)] {
        let segment = talk.segment(Who::Server, PSH | ACK, &answer);
        let id = segment.id;
        stage.pass(RS1, DIRECTOR, &segment.id(id.wrapping_add(n)));
        stage.wait_ms(ms);
    }
    if taken {
        talk.data(Who::Server, &answer);
    }
    stage.pass(DIRECTOR, RS1, &talk.fin(Who::Client));
    stage.pass(RS1, DIRECTOR, &talk.ack(Who::Server));
    stage
}

#[test]
fn a_client_that_closes_without_a_byte_of_its_answer_was_not_served() {
    let (report, text) = diagnosed(&answered(false));
    assert_eq!(totals(&report), [3, 1, 0, 0], "{text}");
    let (report, text) = diagnosed(&answered(true));
    assert_eq!(totals(&report)[1], 0, "{text}");
}

#[test]
fn of_lone_requests_it_is_not_told_what_became() {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..3 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_000 + n), at(NAT_RS1_IP, 8080));
        stage.pass(DIRECTOR, RS1, &talk.data(Who::Client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        stage.wait_ms(300);
    }
    let (report, text) = diagnosed(&stage);
    assert_eq!(totals(&report), [0, 0, 0, 3], "{text}");
}

/// Candidates of all findings.
fn candidates(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    let lists = findings.filter_map(|finding| finding["candidates"].as_array());
    lists.flatten().filter_map(|candidate| candidate["id"].as_str()).collect()
}

/// Some that connect and hear nothing for long, at a server that greets others first, or greets nobody.
fn silent_for(stage: &mut Stage, greeted: u16) {
    let (there, back) = ([step(DIRECTOR, RS1)], [step(RS1, DIRECTOR)]);
    for n in 0..greeted {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(NAT_RS1_IP, 25));
        talk.handshake(stage, &there, &back);
        stage.pass(RS1, DIRECTOR, &talk.data(Who::Server, b"220 mx.example ESMTP\r\n"));
        stage.pass(DIRECTOR, RS1, &talk.data(Who::Client, b"QUIT\r\n"));
        stage.pass(RS1, DIRECTOR, &talk.data(Who::Server, b"221 bye\r\n"));
        talk.close(stage, &there, &back);
        stage.wait_ms(500);
    }
    for n in 0..2 {
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + n), at(NAT_RS1_IP, 25));
        talk.handshake(stage, &there, &back);
        stage.wait_ms(20_000);
        stage.pass(DIRECTOR, RS1, &talk.fin(Who::Client));
        stage.pass(RS1, DIRECTOR, &talk.ack(Who::Server));
    }
}

#[test]
fn a_server_that_greets_others_waits_for_no_word() {
    let waits = ["defer-accept-waits", "proxy-protocol-mismatch"];
    for (greeted, offered) in [(4, false), (0, true)] {
        let mut stage = Stage::capturing(&["rs1"]);
        silent_for(&mut stage, greeted);
        let (report, text) = diagnosed(&stage);
        let found = candidates(&report);
        assert_eq!(waits.iter().any(|id| found.contains(id)), offered, "{greeted}: {text}");
        assert!(found.contains(&"accept-queue-overflow"), "{text}");
    }
}
