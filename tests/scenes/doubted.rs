//! What looks broken and is not, as a check that asks for a role; and what looks well and is not, as answers that
//! bring nothing, web sockets that end by the clock, and answers that wait for somebody else's timer.

use crate::moved_on::{LAN, has_nothing_loud};
use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Step, Talk, Who, step};
use crate::{diagnosed, ids};
use std::net::Ipv4Addr;

/// What the verdict says where nothing is loud.
fn said(stage: &Stage) -> String {
    has_nothing_loud(stage);
    diagnosed(stage).0["verdict"]["summary"].as_str().unwrap().to_owned()
}

/// One check in HTTP: what is asked, and the status that answers.
fn check(stage: &mut Stage, (rs, ip): (Nic, Ipv4Addr), port: u16, ask: &[u8], status: &str) {
    let ways: ([Step; 1], [Step; 1]) = ([step(DIRECTOR, rs)], [step(rs, DIRECTOR)]);
    let mut talk = Talk::new(at(DIRECTOR_IP, port), at(ip, 8008));
    talk.handshake(stage, &ways.0, &ways.1);
    let answer = format!("HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n");
    talk.exchange(stage, (&ways.0, &ways.1), ask, answer.as_bytes());
    talk.close_by_server(stage, &ways.0, &ways.1);
}

/// Checks of two servers, at their balancer.
fn checks(ask: &[u8], first: &str) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    for n in 0..8u16 {
        check(&mut stage, (RS1, RS1_IP), 46_000 + n, ask, first);
        check(&mut stage, (RS2, RS2_IP), 47_000 + n, ask, "503 Service Unavailable");
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn who_has_another_role_than_is_asked_for_has_not_failed() {
    let ask = b"OPTIONS /primary HTTP/1.0\r\n\r\n";
    let text = has_nothing_loud(&checks(ask, "200 OK"));
    assert!(text.contains("16 health checks: 16 did well"), "{text}");
    let (report, text) = diagnosed(&checks(ask, "503 Service Unavailable"));
    assert_eq!(ids(&report), ["health-check-failing"], "nobody leads: {text}");
    let (report, _) = diagnosed(&checks(b"GET /orders HTTP/1.0\r\n\r\n", "200 OK"));
    assert_eq!(ids(&report)[0], "http-5xx");
}

/// Datagrams of one client to a port of SIP, one each twenty seconds, beside a question that is answered.
fn keeps_open(payload: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    let options = |from| {
        format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1\r\nCSeq: 1 OPTIONS\r\n\r\n"
        )
    };
    for n in 0..8u16 {
        let (asks, server) = (at(ROUTER_IP, 5060), at(RS1_IP, 5060));
        stage.carry(&there, &Packet::udp(asks, server, options(asks).as_bytes()).id(n + 1));
        let answer = format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {asks};branch=z9hG4bK1\r\n\r\n");
        stage.carry(&back, &Packet::udp(server, asks, answer.as_bytes()).id(n + 1));
        let phone = at(CLIENT_IP, 5060);
        let asked = if payload.is_empty() { options(phone).into_bytes() } else { payload.to_vec() };
        stage.carry(&there, &Packet::udp(phone, server, &asked).id(n + 900));
        stage.wait_ms(20_000);
    }
    stage
}

#[test]
fn what_keeps_a_way_open_is_no_question() {
    has_nothing_loud(&keeps_open(b"\r\n\r\n"));
    let (report, _) = diagnosed(&keeps_open(b""));
    assert_eq!(ids(&report), ["datagram-unanswered"]);
}

/// Answers of a time server to a client that keeps its port: those from the `set`th on are of a clock that is set.
fn times(set: u16) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..8u16 {
        let (client, server) = (at(CLIENT_IP, 123), at(VIP, 123));
        let head: &[u8] = if n < set { &[0xe4, 16, 6, 0xe9] } else { &[0x24, 2, 6, 0xe9] };
        let answer = [head, &[0; 12], &[n as u8; 32]].concat();
        let asked = [&[0x23, 0, 6, 0xe9][..], &[0; 12], &[n as u8; 32]].concat();
        stage.pass(CLIENT, ROUTER, &Packet::udp(client, server, &asked).id(n + 1));
        stage.now += 900;
        stage.pass(ROUTER, CLIENT, &Packet::udp(server, client, &answer).id(n + 1));
        stage.wait_ms(16_000);
    }
    stage
}

#[test]
fn a_time_server_whose_own_clock_is_not_set_is_told_unless_it_has_just_begun() {
    let (report, text) = diagnosed(&times(8));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("its own clock is not set"), "{text}");
    has_nothing_loud(&times(2));
}

/// Eight questions to a name server, answered with a code each.
fn names(codes: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for (n, code) in (0u16..).zip(codes) {
        let (client, server) = (at(CLIENT_IP, 46_000 + n), at(VIP, 53));
        let message = |flags: u8, code: u8| {
            let head = [0, n as u8, flags, code, 0, 1, 0, 0, 0, 0, 0, 0, 2, b'n', b'0' + n as u8];
            [&head[..], b"\x07example\0\0\x01\0\x01"].concat()
        };
        stage.pass(CLIENT, ROUTER, &Packet::udp(client, server, &message(1, 0)).id(n + 1));
        stage.now += 900;
        stage.pass(ROUTER, CLIENT, &Packet::udp(server, client, &message(0x81, *code)).id(n + 1));
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn a_name_server_that_refuses_all_is_told_and_one_that_finds_nothing_is_not_called_well() {
    let (report, text) = diagnosed(&names(&[5; 6]));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("It refuses 6 names"), "{text}");
    has_nothing_loud(&names(&[5, 5, 5, 0x80, 0x80]));
    assert!(said(&names(&[0x83; 6])).contains("does not exist (DNS NXDOMAIN), of 6 names"));
    assert!(!said(&names(&[0x83, 0x83, 0x83, 0x83, 0x80])).contains("NXDOMAIN"));
}

/// Clients of PostgreSQL that ask for TLS, are told no, and leave or go on.
fn asks_for_tls(goes_on: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 5432));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], b"N");
        if goes_on {
            let login = b"\0\0\0\x15\0\x03\0\0user\0app\0\0\0\0\0";
            talk.exchange(&mut stage, (&LAN.0, &LAN.1), login, b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
        }
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn a_client_that_takes_nothing_but_tls_and_gets_none_is_told() {
    let (report, text) = diagnosed(&asks_for_tls(false));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("PostgreSQL N"), "{text}");
    has_nothing_loud(&asks_for_tls(true));
}

/// Clients of a mail server that greets in plain text: their first words, and what they are told.
fn greeted(first: &[u8], told: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 587));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        stage.carry(&LAN.1, &talk.data(Who::Server, b"220 mx1.example.net ESMTP\r\n"));
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), first, told);
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn tls_to_a_server_that_greets_in_plain_text_is_told() {
    let mut hello = vec![22, 3, 1, 0, 49, 1, 0, 0, 45, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 0, 0]);
    let (report, text) = diagnosed(&greeted(&hello, b"500 5.5.2 Error: bad syntax\r\n"));
    assert_eq!(ids(&report), ["tls-refused"], "{text}");
    assert!(text.contains("STARTTLS"), "{text}");
    has_nothing_loud(&greeted(b"EHLO a.example\r\n", b"250 mx1.example.net\r\n"));
}

/// Web sockets that the server's side ends after so long a silence, with a last frame or none.
fn sockets(silences_s: &[u64], last: Option<&[u8]>) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for (n, s) in (0u16..).zip(silences_s) {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let ask =
            b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
        let changes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), ask, changes);
        let says = [0x81, 0x82, 1, 2, 3, 4, 105, 107];
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), &says, &[0x81, 2, b'o', b'k']);
        stage.wait_ms(s * 1_000);
        if let Some(last) = last {
            stage.carry(&LAN.1, &talk.data(Who::Server, last));
        }
        talk.close_by_server(&mut stage, &LAN.0, &LAN.1);
    }
    stage
}

#[test]
fn web_sockets_that_end_by_the_clock_are_not_called_well() {
    let says = |stage: &Stage| said(stage).contains("went on as web sockets");
    assert!(says(&sockets(&[60; 5], None)));
    assert!(!says(&sockets(&[60; 5], Some(&[0x88, 2, 3, 0xe8]))), "they are closed in order");
    assert!(!says(&sockets(&[40, 60, 90, 41, 70], None)), "by no clock");
}

/// Calls of one kind, each answered after so many milliseconds.
fn answered(after_ms: &[u64]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for (n, ms) in (0u16..).zip(after_ms) {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        stage.carry(&LAN.0, &talk.data(Who::Client, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"));
        stage.carry(&LAN.1, &talk.ack(Who::Server));
        stage.wait_ms(*ms);
        let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stage.carry(&LAN.1, &talk.data(Who::Server, ok));
        stage.carry(&LAN.0, &talk.ack(Who::Client));
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn answers_that_wait_for_a_timer_are_not_called_well() {
    let says = |stage: &Stage| said(stage).contains("to requests of one kind");
    assert!(says(&answered(&[4, 5_004, 3, 5_010, 5, 5_002, 4, 5_006])));
    assert!(!says(&answered(&[4, 5_004, 3, 7_010, 5, 9_002, 4, 12_006])), "heavy ones");
    assert!(!says(&answered(&[4, 30_004, 3, 30_010, 5, 30_002])), "who waits for events");
}

/// Clients of QUIC that nobody answers; they go on by TCP or give up.
fn unanswered_quic(by_tcp: bool) -> Stage {
    let mut stage = Stage::default().any("client");
    for n in 0..3u16 {
        let (client, server) = (at(CLIENT_IP, 46_000 + n), at(VIP, 443));
        let began = stage.now;
        for (k, ms) in [(0u16, 0), (1, 300), (2, 900), (3, 2_100)] {
            stage.now = began + ms * 1_000;
            let initial = [&[0xc3, 0, 0, 0, 1, 8][..], &[k as u8 + 1; 1_194]].concat();
            stage.pass(CLIENT, ROUTER, &Packet::udp(client, server, &initial).id(n * 9 + k + 1));
        }
        if by_tcp {
            Talk::new(at(CLIENT_IP, 47_000 + n), server).whole(&mut stage, &LAN.0, &LAN.1);
        }
        stage.wait_ms(9_000);
    }
    stage
}

#[test]
fn who_goes_on_by_tcp_where_quic_is_not_answered_is_served() {
    let (report, text) = diagnosed(&unanswered_quic(true));
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert_eq!(report["verdict"]["status"], "degraded", "{text}");
    assert!(text.contains("RFC 9114"), "{text}");
    let (report, text) = diagnosed(&unanswered_quic(false));
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
}
