//! Servers that say no in their own protocol, or by a reset or a close upon the first words, and clients that
//! vanish with all that they had asked for.

use crate::moved_on::{LAN, has_nothing_loud};
use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who};
use crate::{diagnosed, ids};

fn bgp(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0xff; 16][..], &[0, 19 + body.len() as u8, kind], body].concat()
}

/// Sessions of BGP that the neighbour ends with a NOTIFICATION.
fn sessions(code: u8, sub: u8) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 179));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let open = bgp(1, &[4, 0xff, 0x32, 0, 180, 10, 0, 0, 1, 0]);
        let answer = [open.clone(), bgp(3, &[code, sub])].concat();
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), &open, &answer);
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn a_neighbour_that_ends_each_session_with_a_notification_is_told() {
    let (report, text) = diagnosed(&sessions(2, 2));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("BGP NOTIFICATION 2/2 (bad peer AS)"), "{text}");
    // An operator's word, and the choice between two sessions.
    has_nothing_loud(&sessions(6, 2));
    has_nothing_loud(&sessions(6, 7));
}

/// Questions for the time, of which so many are answered by a kiss code.
fn times(kissed: u16) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..8u16 {
        let (client, server) = (at(CLIENT_IP, 46_000 + n), at(VIP, 123));
        let head: &[u8] = if n < kissed { &[0xe4, 0, 10, 0xe9] } else { &[0x24, 2, 6, 0xe9] };
        let id: &[u8] = if n < kissed { b"RATE" } else { b"GPS\0" };
        let answer = [head, &[0; 8], id, &[n as u8; 32]].concat();
        let asked = [&[0x23, 0, 6, 0xe9][..], &[0; 12], &[n as u8; 32]].concat();
        stage.pass(CLIENT, ROUTER, &Packet::udp(client, server, &asked).id(n + 1));
        stage.now += 900;
        stage.pass(ROUTER, CLIENT, &Packet::udp(server, client, &answer).id(n + 1));
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn a_server_that_turns_clients_away_for_asking_too_often_is_told() {
    let (report, text) = diagnosed(&times(5));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("NTP kiss code RATE"), "{text}");
    has_nothing_loud(&times(1));
}

/// Connections that are reset upon the first words, or served.
fn turned_down(all: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 8000));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        stage.carry(&LAN.0, &talk.data(Who::Client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        if !all && n == 0 {
            stage.carry(
                &LAN.1,
                &talk.data(Who::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            );
            talk.close(&mut stage, &LAN.0, &LAN.1);
        } else {
            stage.carry(&LAN.1, &talk.ack(Who::Server));
            stage.carry(&LAN.1, &talk.rst_ack(Who::Server));
        }
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn what_is_turned_down_upon_its_first_words_is_told_so() {
    for (all, says) in [(true, "nobody is answered there"), (false, "others are answered there")] {
        let (report, _) = diagnosed(&turned_down(all));
        assert_eq!(ids(&report), ["connection-reset"]);
        let told = report["findings"][0]["explanation"].as_str().unwrap();
        assert!(told.contains("upon the client's first words") && told.contains(says), "{told}");
    }
}

/// A balancer's checks in HTTP of a server that closes without a word, or answers.
fn checked(answers: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let ways = ([crate::talk::step(DIRECTOR, RS1)], [crate::talk::step(RS1, DIRECTOR)]);
    for n in 0..8u16 {
        let mut talk = Talk::new(at(DIRECTOR_IP, 46_000 + n), at(RS1_IP, 9092));
        talk.handshake(&mut stage, &ways.0, &ways.1);
        let ask = b"GET / HTTP/1.0\r\nUser-Agent: ELB-HealthChecker/1.0\r\n\r\n";
        if answers {
            let ok = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
            talk.exchange(&mut stage, (&ways.0, &ways.1), ask, ok);
        } else {
            stage.carry(&ways.0, &talk.data(Who::Client, ask));
        }
        talk.close_by_server(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(10_000);
    }
    stage
}

#[test]
fn a_check_that_is_closed_upon_its_question_has_failed() {
    let (report, text) = diagnosed(&checked(false));
    assert_eq!(ids(&report), ["health-check-failing"], "{text}");
    let told = report["findings"][0]["explanation"].as_str().unwrap();
    assert!(told.contains("closed without an answer"), "{told}");
    let summary = report["verdict"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("8 health checks of 203.0.113.11:9092 fail; "), "{summary}");
    has_nothing_loud(&checked(true));
}

#[test]
fn a_farewell_that_nobody_answers_harms_nobody() {
    let mut stage = Stage::capturing(&["rs1"]);
    let ways = ([crate::talk::step(ROUTER_IN, RS1)], [crate::talk::step(RS1, ROUTER_IN)]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(RS1_IP, 80));
        talk.handshake(&mut stage, &ways.0, &ways.1);
        let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        talk.exchange(&mut stage, (&ways.0, &ways.1), ask, ok);
        let fin = talk.fin(Who::Server);
        let begun = stage.now;
        for (k, ms) in [(0u16, 0u64), (1, 300), (2, 900), (3, 2_100), (4, 4_500)] {
            stage.now = begun + ms * 1_000;
            stage.carry(&ways.1, &fin.clone().id(fin.id + k));
        }
        stage.wait_ms(5_000);
    }
    has_nothing_loud(&stage);
}
