//! Connections that lose no byte and bring nothing all the same, each beside one that looks like it and is well.

use crate::packet::{ACK, Body, Packet};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Step, Talk, Who, step};
use crate::{candidates, diagnosed, ids};

const THERE: [Step; 1] = [step(CLIENT, ROUTER)];
const BACK: [Step; 1] = [step(ROUTER, CLIENT)];

/// A keep-alive of Linux: one byte before what was sent last, and none of it.
fn keep_alive(talk: &mut Talk) -> Packet {
    let mut before = talk.clone();
    before.client.next = before.client.next.wrapping_sub(1);
    let packet = before.segment(Who::Client, ACK, &[]);
    talk.client.id = before.client.id;
    packet
}

/// A client's connections that are idle for a minute, three of them; what it does then.
fn idle(then: impl Fn(&mut Stage, &mut Talk)) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_000 + n), at(VIP, 9042));
        talk.handshake(&mut stage, &THERE, &BACK);
        talk.exchange(&mut stage, (&THERE, &BACK), b"\x05\0\0\0\x05", b"\x85\0\0\0\x06");
        stage.wait_ms(60_000);
        then(&mut stage, &mut talk);
    }
    stage
}

#[test]
fn keep_alives_that_nothing_answers_are_no_end_that_is_well() {
    let (report, text) = diagnosed(&idle(|stage, talk| {
        for _ in 0..9 {
            let asks = keep_alive(talk);
            stage.carry(&THERE, &asks);
            stage.wait_ms(10_000);
        }
        let gives_up = talk.rst_ack(Who::Client);
        stage.carry(&THERE, &gives_up);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 3, "{text}");
    assert!(!ids(&report).is_empty(), "{text}");
    assert!(text.contains("nothing answers") || text.contains("forgotten on the way"), "{text}");
    assert!(!ids(&report).contains(&"packet-loss"), "{text}");
}

#[test]
fn keep_alives_that_are_answered_and_an_idle_connection_that_is_let_go_are_well() {
    let (report, text) = diagnosed(&idle(|stage, talk| {
        let asks = keep_alive(talk);
        stage.carry(&THERE, &asks);
        let answer = talk.ack(Who::Server);
        stage.carry(&BACK, &answer);
        stage.wait_ms(60_000);
        let lets_go = talk.rst_ack(Who::Client);
        stage.carry(&THERE, &lets_go);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn a_client_that_is_gone_harms_nobody() {
    let (report, text) = diagnosed(&idle(|stage, talk| {
        for _ in 0..3 {
            let mut before = talk.clone();
            before.server.next = before.server.next.wrapping_sub(1);
            let asks = before.segment(Who::Server, ACK, &[]);
            stage.carry(&BACK, &asks);
            stage.wait_ms(10_000);
        }
        let gives_up = talk.rst_ack(Who::Server);
        stage.carry(&BACK, &gives_up);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
    assert!(ids(&report).is_empty(), "{text}");
}

/// Logins at a port where the server speaks first; every third is `otherwise`.
fn logins(port: u16, otherwise: impl Fn(&mut Stage, &mut Talk)) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..9u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_100 + n), at(VIP, port));
        talk.handshake(&mut stage, &THERE, &BACK);
        stage.wait_ms(10);
        if n % 3 == 1 {
            otherwise(&mut stage, &mut talk);
        } else {
            let hello = talk.data(Who::Server, b"SSH-2.0-OpenSSH_9.6\r\n");
            stage.carry(&BACK, &hello);
            talk.exchange(&mut stage, (&THERE, &BACK), b"SSH-2.0-OpenSSH_9.2\r\n", &[7; 400]);
            talk.close(&mut stage, &THERE, &BACK);
        }
        stage.wait_ms(1_000);
    }
    stage
}

#[test]
fn who_is_told_a_word_and_shut_out_was_turned_away() {
    let (report, text) = diagnosed(&logins(22, |stage, talk| {
        let word = talk.data(Who::Server, b"Too busy, come back later\r\n");
        stage.carry(&BACK, &word);
        let closes = talk.fin(Who::Server);
        stage.carry(&BACK, &closes);
        let closes = talk.fin(Who::Client);
        stage.carry(&THERE, &closes);
        let last = talk.ack(Who::Server);
        stage.carry(&BACK, &last);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 3, "{text}");
    assert_eq!(ids(&report), ["no-greeting"], "{text}");
    assert!(text.contains("turns callers away"), "{text}");
    assert!(candidates(&report["findings"][0]).is_empty(), "{text}");
}

#[test]
fn a_check_that_leaves_after_the_greeting_and_a_login_that_times_out_were_not() {
    let greet = |stage: &mut Stage, talk: &mut Talk| {
        let hello = talk.data(Who::Server, b"SSH-2.0-OpenSSH_9.6\r\n");
        stage.carry(&BACK, &hello);
    };
    let (report, text) = diagnosed(&logins(22, |stage, talk| {
        greet(stage, talk);
        talk.close(stage, &THERE, &BACK);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
    let (report, text) = diagnosed(&logins(22, |stage, talk| {
        greet(stage, talk);
        stage.wait_ms(120_000);
        let closes = talk.fin(Who::Server);
        stage.carry(&BACK, &closes);
        let closes = talk.fin(Who::Client);
        stage.carry(&THERE, &closes);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
}

/// The same segment with another window.
fn windowed(packet: Packet, size: u16) -> Packet {
    let mut packet = packet;
    if let Body::Tcp { window, .. } = &mut packet.body {
        *window = size;
    }
    packet
}

/// A server behind the router.
const FAR: [Step; 2] = [step(CLIENT, ROUTER), step(ROUTER_IN, RS1)];
const FROM_FAR: [Step; 2] = [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)];

/// An upload through a router; the service takes no more, for so long.
fn upload(shut_ms: &[u64]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let mut talk = Talk::new(at(CLIENT_IP, 48_200), at(VIP, 6514));
    talk.handshake(&mut stage, &FAR, &FROM_FAR);
    let bytes = talk.data(Who::Client, &[7; 1400]);
    stage.carry(&FAR, &bytes);
    for ms in shut_ms {
        let full = windowed(talk.ack(Who::Server), 0);
        stage.carry(&FROM_FAR, &full);
        stage.wait_ms(*ms);
        let probe = keep_alive(&mut talk);
        stage.carry(&FAR, &probe);
    }
    let open = talk.ack(Who::Server);
    stage.carry(&FROM_FAR, &open);
    let bytes = talk.data(Who::Client, &[7; 1400]);
    stage.carry(&FAR, &bytes);
    let taken = talk.ack(Who::Server);
    stage.carry(&FROM_FAR, &taken);
    stage
}

#[test]
fn a_service_behind_a_router_that_does_not_read_is_told() {
    let (report, text) = diagnosed(&upload(&[210, 420, 840, 1_680, 3_360]));
    assert_eq!(ids(&report), ["zero-window"], "{text}");
    let title = report["findings"][0]["title"].as_str().unwrap();
    assert!(title.starts_with("the host that answers for 203.0.113.80"), "{text}");
    // Nobody changes settings on a service's address.
    assert!(report["findings"][0]["fix"].as_array().is_none_or(Vec::is_empty), "{text}");
    let (report, text) = diagnosed(&upload(&[210]));
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn a_syn_ack_that_came_through_again_was_dropped_by_no_rule() {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_300 + n), at(VIP, 80));
        if n == 3 {
            let syn = talk.syn();
            stage.carry(&there, &syn);
            let answer = talk.clone().accept().syn_ack();
            stage.carry(&back, &answer);
            stage.wait_ms(1_000);
        }
        talk.whole(&mut stage, &there, &back);
        stage.wait_ms(2_000);
    }
    let (report, text) = diagnosed(&stage);
    let late = report["findings"].as_array().unwrap();
    let late = late.iter().find(|f| f["id"] == "slow-connect").unwrap_or_else(|| panic!("{text}"));
    assert_eq!(candidates(late), ["packet-loss"], "{text}");
}

/// A client asks three things on one connection; before the end of it `waits` passes, after an answer or none.
fn asked(answered: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let get = |n: u8| format!("GET /{n} HTTP/1.1\r\nHost: app.example\r\n\r\n");
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_400 + n), at(VIP, 80));
        talk.handshake(&mut stage, &THERE, &BACK);
        let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
        talk.exchange(&mut stage, (&THERE, &BACK), get(1).as_bytes(), ok);
        if answered {
            talk.exchange(&mut stage, (&THERE, &BACK), get(2).as_bytes(), ok);
        } else {
            let asks = talk.data(Who::Client, get(2).as_bytes());
            stage.carry(&THERE, &asks);
            let has_it = talk.ack(Who::Server);
            stage.carry(&BACK, &has_it);
        }
        stage.wait_ms(60_000);
        talk.close(&mut stage, &THERE, &BACK);
    }
    stage
}

#[test]
fn a_later_question_that_is_not_answered_is_no_end_that_is_well() {
    let (report, text) = diagnosed(&asked(false));
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
    assert_eq!(report["services"][0]["totals"]["failed"], 3, "{text}");
    let found = candidates(&report["findings"][0]);
    assert_eq!(found, ["slow-real-server", "l7-backend-silent"], "{text}");
    // Who was answered and leaves after as long had nothing to wait for.
    let (report, text) = diagnosed(&asked(true));
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn an_answer_that_stops_in_the_middle_is_told_and_a_download_that_is_broken_off_is_not() {
    let midway = |waits_ms: u64| {
        let mut stage = Stage::capturing(&["client"]);
        for n in 0..3u16 {
            let mut talk = Talk::new(at(CLIENT_IP, 48_500 + n), at(VIP, 80));
            talk.handshake(&mut stage, &THERE, &BACK);
            let asks = talk.data(Who::Client, b"GET /big HTTP/1.1\r\nHost: app.example\r\n\r\n");
            stage.carry(&THERE, &asks);
            let begins = [b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", &[7; 1000][..]];
            let part = talk.data(Who::Server, &begins.concat());
            stage.carry(&BACK, &part);
            let taken = talk.ack(Who::Client);
            stage.carry(&THERE, &taken);
            stage.wait_ms(waits_ms);
            let leaves = talk.rst_ack(Who::Client);
            stage.carry(&THERE, &leaves);
        }
        diagnosed(&stage)
    };
    let (report, text) = midway(40_000);
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
    assert!(text.contains("answers stop in the middle"), "{text}");
    let (report, text) = midway(2_000);
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn what_is_said_in_another_protocol_is_due_no_answer() {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_600 + n), at(VIP, 80));
        talk.handshake(&mut stage, &THERE, &BACK);
        let upgrade = b"GET /ws HTTP/1.1\r\nHost: app.example\r\nUpgrade: websocket\r\n\r\n";
        let switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        talk.exchange(&mut stage, (&THERE, &BACK), upgrade, switched);
        let tells = talk.data(Who::Client, b"\x82\x84\0\0\0\0news");
        stage.carry(&THERE, &tells);
        let has_it = talk.ack(Who::Server);
        stage.carry(&BACK, &has_it);
        stage.wait_ms(60_000);
        talk.close(&mut stage, &THERE, &BACK);
    }
    let (report, text) = diagnosed(&stage);
    assert!(ids(&report).is_empty(), "{text}");
}
