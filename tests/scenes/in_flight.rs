//! What is not acknowledged when a capture ends, or when a client has gone: on its way, or lost; and connections of which
//! one side had closed in order before they were reset.

use crate::moved_on::{LAN, has_nothing_loud};
use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Talk, Who};
use crate::{candidates, diagnosed, ids};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const ASKS: &[u8] = b"GET /large HTTP/1.1\r\nHost: app.example\r\n\r\n";
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n";
/// A close_notify of TLS, encrypted.
const LEAVES: &[u8] = &[
    21, 3, 3, 0, 26, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
];

fn failed(stage: &Stage) -> (u64, String) {
    let (report, text) = diagnosed(stage);
    (report["services"][0]["totals"]["failed"].as_u64().unwrap(), text)
}

/// A client of port 443, or another, that stands.
fn stands(stage: &mut Stage, n: u16, port: u16) -> Talk {
    let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, port));
    talk.handshake(stage, &LAN.0, &LAN.1);
    talk
}

/// Two segments of a transfer are sent again and arrive; at the end of the capture others are on their way. `again`: one
/// of those is sent again, too, and again.
fn transfer(again: u16) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let mut talk = stands(&mut stage, 1, 80);
    stage.carry(&LAN.0, &talk.data(Who::Client, ASKS));
    let mut parts: Vec<Packet> = vec![talk.data(Who::Server, HEAD)];
    parts.extend((0..3).map(|_| talk.data(Who::Server, &[b'x'; 1_000])));
    for part in &parts {
        stage.carry(&LAN.1, part);
    }
    for part in &parts[1..3] {
        stage.wait_ms(4);
        stage.carry(&LAN.1, &part.clone().id(part.id + 9));
    }
    stage.carry(&LAN.0, &talk.ack(Who::Client));
    let open = talk.data(Who::Server, &[b'y'; 1_000]);
    stage.carry(&LAN.1, &open);
    stage.carry(&LAN.1, &talk.data(Who::Server, &[b'z'; 1_000]));
    for n in 0..again {
        stage.wait_ms(400 << n);
        stage.carry(&LAN.1, &open.clone().id(open.id + 40 + n));
    }
    stage
}

#[test]
fn what_is_on_its_way_when_a_capture_ends_is_not_lost() {
    assert_eq!(failed(&transfer(0)).0, 0, "{}", failed(&transfer(0)).1);
    assert_eq!(failed(&transfer(3)).0, 1, "{}", failed(&transfer(3)).1);
}

/// An answer is whole; the client closes (`leaves`) or not; the server's last words are sent again in vain.
fn farewell(leaves: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let mut talk = stands(&mut stage, 1, 443);
    talk.exchange(&mut stage, (&LAN.0, &LAN.1), ASKS, OK);
    if leaves {
        stage.carry(&LAN.0, &talk.fin(Who::Client));
    }
    let last = talk.data(Who::Server, LEAVES);
    stage.carry(&LAN.1, &last);
    stage.carry(&LAN.1, &talk.fin(Who::Server));
    for n in 0..4 {
        stage.wait_ms(400 << n);
        stage.carry(&LAN.1, &last.clone().id(last.id + 40 + n));
    }
    stage
}

#[test]
fn last_words_to_a_client_that_has_gone_harm_nobody() {
    has_nothing_loud(&farewell(true));
    let (failed, text) = failed(&farewell(false));
    assert_eq!(failed, 1, "{text}");
}

#[test]
fn repeats_to_a_client_that_has_reset_harm_nobody() {
    let mut stage = Stage::capturing(&["client"]);
    let mut talk = stands(&mut stage, 1, 80);
    talk.exchange(&mut stage, (&LAN.0, &LAN.1), ASKS, HEAD);
    stage.carry(&LAN.0, &talk.fin(Who::Client));
    let more = talk.data(Who::Server, &[b'x'; 1_000]);
    stage.carry(&LAN.1, &more);
    stage.carry(&LAN.0, &Talk::rst_for(&more));
    for n in 0..3 {
        stage.wait_ms(400 << n);
        stage.carry(&LAN.1, &more.clone().id(more.id + 40 + n));
    }
    has_nothing_loud(&stage);
}

#[test]
fn a_request_that_never_comes_to_a_server_that_has_closed_is_lost() {
    let mut stage = Stage::capturing(&["client"]);
    let mut talk = stands(&mut stage, 1, 80);
    stage.carry(&LAN.1, &talk.data(Who::Server, OK));
    stage.carry(&LAN.1, &talk.fin(Who::Server));
    let asks = talk.data(Who::Client, &[ASKS, &[b'c'; 200]].concat());
    stage.sent_again(&asks, 5, |stage, asks| {
        stage.carry_and_lose(&LAN.0, asks, 1);
    });
    let closes = talk.fin(Who::Client);
    stage.carry_and_lose(&LAN.0, &closes, 1);
    stage.wait_ms(3_000);
    let (report, text) = diagnosed(&stage);
    assert_eq!(report["services"][0]["totals"]["failed"], 1, "{text}");
    assert!(text.contains("never acknowledged"), "{text}");
}

#[test]
fn a_client_that_leaves_without_an_answer_is_not_reset() {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3 {
        let mut talk = stands(&mut stage, n, 80);
        stage.carry(&LAN.0, &talk.data(Who::Client, ASKS));
        stage.carry(&LAN.1, &talk.ack(Who::Server));
        stage.wait_ms(2_000);
        stage.carry(&LAN.0, &talk.fin(Who::Client));
        stage.carry(&LAN.1, &talk.ack(Who::Server));
        stage.wait_ms(60_000);
        stage.carry(&LAN.0, &talk.rst_ack(Who::Client));
    }
    let (report, text) = diagnosed(&stage);
    assert_eq!(report["services"][0]["totals"]["failed"], 3, "{text}");
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
}

/// A server of files closes as soon as a connection stands, and the client's word meets nobody; or it greets before.
fn at_once(greets: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3 {
        let mut talk = stands(&mut stage, n, 21);
        stage.wait_ms(3);
        if greets {
            stage.carry(&LAN.1, &talk.data(Who::Server, b"220 ready\r\n"));
            stage.carry(&LAN.0, &talk.data(Who::Client, b"QUIT\r\n"));
            talk.close_by_server(&mut stage, &LAN.0, &LAN.1);
        } else {
            stage.carry(&LAN.1, &talk.fin(Who::Server));
            let quits = talk.data(Who::Client, b"QUIT\r\n");
            stage.carry(&LAN.0, &quits);
            stage.carry(&LAN.1, &Talk::rst_for(&quits));
        }
        stage.wait_ms(700 << n);
    }
    stage.wait_ms(5_000);
    stage
}

#[test]
fn a_server_that_is_to_speak_first_and_closes_at_once_lets_nobody_in() {
    let (report, text) = diagnosed(&at_once(false));
    assert_eq!(report["services"][0]["totals"]["failed"], 3, "{text}");
    assert_eq!(ids(&report), ["no-greeting"], "{text}");
    assert!(text.contains("close at once, without a word"), "{text}");
    let (failed, text) = failed(&at_once(true));
    assert_eq!(failed, 0, "{text}");
}

#[test]
fn of_two_answers_to_a_syn_the_words_tell_which_one_holds() {
    let mut stage = Stage::capturing(&["client"]);
    for (n, other) in [(1, 0x0800_0000_u32), (2, 0xf800_0000)] {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        stage.carry(&LAN.0, &talk.syn());
        stage.carry(&LAN.1, &talk.accept().syn_ack());
        talk.server.next = talk.server.next.wrapping_add(other);
        stage.carry(&LAN.1, &talk.syn_ack());
        stage.carry(&LAN.0, &talk.open().ack(Who::Client));
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), ASKS, OK);
        stage.wait_ms(4_000);
        talk.close(&mut stage, &LAN.0, &LAN.1);
    }
    has_nothing_loud(&stage);
}

/// A host calls itself by IPv6, is refused, and by IPv4 after some time.
fn by_the_other(ms: u64) -> Stage {
    let mut stage = Stage::default().any("client");
    let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
    let v4 = IpAddr::from([127, 0, 0, 1]);
    for n in 0..3 {
        let own = |ip, port| SocketAddr::new(ip, port);
        let mut first = Talk::new(own(v6, 47_000 + n), own(v6, 8_080));
        let syn = first.syn();
        stage.loopback(CLIENT, &syn);
        stage.loopback(CLIENT, &Talk::refusal_of(&syn));
        stage.wait_ms(ms);
        let mut next = Talk::new(own(v4, 48_000 + n), own(v4, 8_080));
        for packet in [next.syn(), next.accept().syn_ack(), next.open().ack(Who::Client)] {
            stage.loopback(CLIENT, &packet);
        }
        for packet in [next.data(Who::Client, ASKS), next.data(Who::Server, OK)] {
            stage.loopback(CLIENT, &packet);
        }
        for packet in [next.ack(Who::Client), next.fin(Who::Client), next.fin(Who::Server)] {
            stage.loopback(CLIENT, &packet);
        }
        stage.wait_ms(9_000);
    }
    stage
}

#[test]
fn who_is_refused_by_one_family_and_served_by_the_other_is_served() {
    let (report, text) = diagnosed(&by_the_other(1));
    assert_eq!(report["verdict"]["status"], "degraded", "{text}");
    assert!(text.contains("goes on by IPv4"), "{text}");
    let (report, text) = diagnosed(&by_the_other(5_000));
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
}

#[test]
fn a_name_that_is_not_found_out_is_told_as_that_and_nothing_was_lost() {
    let message = |flags: [u8; 2]| {
        [
            &[7, 7, flags[0], flags[1], 0, 1, 0, 0, 0, 0, 0, 0, 3][..],
            b"www\x07example\0\0\x01\0\x01",
        ]
        .concat()
    };
    let (asks, answers) = (message([1, 0]), message([0x81, 0x82]));
    let (client, server) = (at(CLIENT_IP, 46_001), at(VIP, 53));
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3 {
        stage.carry(&LAN.0, &Packet::udp(client, server, &asks).id(20 + n));
        stage.wait_ms(2_000);
    }
    for n in 0..3 {
        stage.carry(&LAN.1, &Packet::udp(server, client, &answers).id(50 + n));
    }
    stage.wait_ms(3_000);
    let (report, text) = diagnosed(&stage);
    assert!(text.contains("SERVFAIL"), "{text}");
    assert!(candidates(&report["findings"][0]).is_empty(), "{text}");
    assert_eq!(report["verdict"]["status"], "degraded", "{text}");
}
