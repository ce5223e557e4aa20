//! Servers that call somebody before they answer, in vain; handshakes of TLS that are slow; servers whose errors a proxy
//! hides from its clients.

use crate::moved_on::has_nothing_loud;
use crate::places::*;
use crate::proxied::{Proxied, behind, front, say};
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, Who, step};
use crate::{diagnosed, ids, tls};
use std::net::Ipv4Addr;

const THERE: [Step; 1] = [step(ROUTER_IN, RS1)];
const BACK: [Step; 1] = [step(RS1, ROUTER_IN)];
const CALLED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// What becomes of what a server calls meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    InVain,
    Refused,
    None,
}

/// Requests at a server that answers each after so long, and calls somebody as soon as it has them.
fn calls(call: Call, waits_ms: &[u64]) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    stage.resolve((RS1, RS1_IP), (ROUTER_IN, ROUTER_IP), &[RS1, ROUTER_IN]);
    for (n, wait) in (0u16..).zip(waits_ms) {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(RS1_IP, 8080));
        talk.handshake(&mut stage, &THERE, &BACK);
        let asks = talk.data(Who::Client, GET);
        stage.carry(&THERE, &asks);
        let has = talk.ack(Who::Server);
        stage.carry(&BACK, &has);
        let begun = stage.now;
        let syn = Talk::new(at(RS1_IP, 52_000 + n), at(CALLED, 80)).syn();
        match call {
            Call::InVain => {
                stage.sent_again(&syn, 3, |stage, syn| {
                    stage.carry(&BACK, syn);
                });
            }
            Call::Refused => {
                stage.carry(&BACK, &syn);
                stage.carry(&THERE, &Talk::refusal_of(&syn));
            }
            Call::None => {}
        }
        stage.now = begun + wait * 1_000;
        let answer = talk.data(Who::Server, OK);
        stage.carry(&BACK, &answer);
        let has = talk.ack(Who::Client);
        stage.carry(&THERE, &has);
        talk.close(&mut stage, &THERE, &BACK);
        stage.wait_ms(7_000);
    }
    stage
}

#[test]
fn answers_that_wait_for_a_call_in_vain_are_told() {
    let (report, text) = diagnosed(&calls(Call::InVain, &[10_000, 10_010, 10_020, 10_030]));
    assert!(ids(&report).contains(&"slow-answer"), "{text}");
    assert!(text.contains("answers wait up to 10.0 s for 192.0.2.80:80"), "{text}");
    let services = report["services"].as_array().unwrap();
    let web = services.iter().find(|s| s["port"] == 8080).unwrap();
    assert_eq!(web["totals"]["suffered"], 4, "{text}");
}

#[test]
fn answers_that_wait_for_something_else_are_not_laid_to_it() {
    for stage in [
        calls(Call::InVain, &[10_000, 9_000, 4_100, 7_000]),
        calls(Call::Refused, &[10_000, 10_010, 10_020, 10_030]),
        calls(Call::None, &[10_000, 10_010, 10_020, 10_030]),
    ] {
        let (report, text) = diagnosed(&stage);
        assert!(!ids(&report).contains(&"slow-answer"), "{text}");
    }
}

#[test]
fn first_answers_that_come_when_a_resolver_gives_up_are_no_praise() {
    let told = said(&calls(Call::None, &[5_003, 5_010, 5_004, 5_100, 5_008]));
    assert!(told.contains("the first answer on each of 5 connections"), "{told}");
    for waits in [[5_003, 5_010, 5_004, 5_100, 40], [4_700, 4_710, 4_720, 4_730, 4_740]] {
        assert!(!said(&calls(Call::None, &waits)).contains("the first answer on each"));
    }
}

/// Eight handshakes, of which a part waits so long for the server's first word.
fn hellos(slow: u16, wait_ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..8u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(RS1_IP, 443));
        talk.handshake(&mut stage, &THERE, &BACK);
        let asks = talk.data(Who::Client, &tls::hello(n));
        stage.carry(&THERE, &asks);
        let has = talk.ack(Who::Server);
        stage.carry(&BACK, &has);
        stage.wait_ms(if n < slow { wait_ms + u64::from(n) * 90 } else { 3 });
        let said = [&[22, 3, 3, 0, 60, 2, 0, 0, 56, 3, 3][..], &[7; 54]].concat();
        say(&mut talk, &mut stage, Who::Server, (&BACK, &THERE), &said);
        let sealed = [&[23, 3, 3, 0, 90][..], &[9; 90]].concat();
        say(&mut talk, &mut stage, Who::Client, (&THERE, &BACK), &sealed);
        say(&mut talk, &mut stage, Who::Server, (&BACK, &THERE), &sealed);
        talk.close(&mut stage, &THERE, &BACK);
        stage.wait_ms(900);
    }
    stage
}

/// What the verdict says where nothing is loud.
fn said(stage: &Stage) -> String {
    has_nothing_loud(stage);
    diagnosed(stage).0["verdict"]["summary"].as_str().unwrap().to_owned()
}

#[test]
fn handshakes_of_tls_that_wait_for_seconds_are_no_praise() {
    let told = said(&hellos(4, 2_000));
    assert!(told.contains("in 4 of 8 TLS handshakes") && told.contains("2.0 to 2.3 s"), "{told}");
    assert!(said(&hellos(8, 2_000)).contains("in 8 of 8 TLS handshakes"));
    for stage in [hellos(0, 0), hellos(2, 2_000), hellos(4, 300)] {
        assert!(!said(&stage).contains("TLS handshakes"));
    }
}

/// Clients of a proxy of which the first few are served only by the second server that it asks: the first answers so.
fn asked_again(n: u16, status: &str) -> Stage {
    let mut stage = Stage::default().any("director");
    resolved_nat(&mut stage);
    for k in 0..6u16 {
        let mut one = Proxied::new(44_000 + k, 33_000 + k, (RS1, NAT_RS1_IP));
        if k >= n {
            one.whole(&mut stage);
            stage.wait_ms(400);
            continue;
        }
        one.ask(&mut stage);
        let (there, back) = behind(RS2);
        let mut first = Talk::new(at(DIRECTOR_IN_IP, 34_000 + k), at(NAT_RS2_IP, 8080));
        first.handshake(&mut stage, &there, &back);
        let passed_on = one.forwarded();
        say(&mut first, &mut stage, Who::Client, (&there, &back), &passed_on);
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno");
        say(&mut first, &mut stage, Who::Server, (&back, &there), answer.as_bytes());
        first.close(&mut stage, &there, &back);
        let (there, back) = behind(RS1);
        one.back.handshake(&mut stage, &there, &back);
        say(&mut one.back, &mut stage, Who::Client, (&there, &back), &passed_on);
        say(&mut one.back, &mut stage, Who::Server, (&back, &there), OK);
        one.answer(&mut stage, OK);
        one.back.close(&mut stage, &there, &back);
        let (there, back) = front();
        one.front.close(&mut stage, &there, &back);
        stage.wait_ms(400);
    }
    stage
}

#[test]
fn errors_that_a_proxy_hides_from_its_clients_are_no_praise() {
    let told = said(&asked_again(4, "503 Service Unavailable"));
    assert!(told.contains("10.20.0.12:8080 answers 4 of 4"), "{told}");
    for stage in [asked_again(2, "503 Service Unavailable"), asked_again(0, "")] {
        assert!(!said(&stage).contains("asks another server"));
    }
}
