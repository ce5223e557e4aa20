//! What a server says by itself to clients whose way has forgotten them, and datagrams whose answers a host that
//! translates keeps to itself; name servers of which the first is dead.

use crate::moved_on::has_nothing_loud;
use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Rewrite, Step, Talk, Who, rewritten, step};
use crate::{candidates, diagnosed, ids};

/// Clients that are silent for so long, seconds, before their server says a word: after more than `limit` a reset
/// answers it. `leaves`: they had closed.
fn pushed(silences_s: &[u64], limit_s: u64, leaves: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back): ([Step; 1], [Step; 1]) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for (n, s) in (0u16..).zip(silences_s) {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(RS1_IP, 8883));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), b"\x10\x0ehello broker 1", b"\x20\x02\0\0");
        if leaves {
            stage.carry(&there, &talk.fin(Who::Client));
            stage.carry(&back, &talk.ack(Who::Server));
        }
        stage.wait_ms(s * 1_000);
        let push = talk.data(Who::Server, b"\x30\x06\0\x01tnow");
        stage.carry(&back, &push);
        if *s > limit_s || leaves {
            stage.carry(&there, &Talk::rst_for(&push));
        } else {
            stage.carry(&there, &talk.ack(Who::Client));
            talk.close(&mut stage, &there, &back);
        }
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn a_word_that_a_reset_answers_after_a_silence_did_not_arrive() {
    let (report, text) = diagnosed(&pushed(&[120, 400, 200, 610, 500, 340], 350, false));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "lb-idle-timeout", "{text}");
    assert_eq!(finding["affected"]["connections"], 3, "{text}");
    let (report, text) = diagnosed(&pushed(&[3, 5, 4], 0, false));
    assert!(ids(&report).contains(&"connection-reset"), "without a contrast: {text}");
    has_nothing_loud(&pushed(&[3, 5, 4], 0, true));
}

fn name(n: u16, answer: bool) -> Vec<u8> {
    let head = [0, n as u8, if answer { 0x81 } else { 1 }, if answer { 0x80 } else { 0 }, 0, 1];
    [&head[..], &[0; 6], &[2, b'n', b'0' + n as u8], b"\x07example\0\0\x01\0\x01"].concat()
}

/// A node of which the pool asks on with an address of its own; it passes each `kept`th answer on to nobody.
fn masqueraded(kept: u16) -> Stage {
    let mut stage = Stage::default().any("director");
    let (vip, rs) = (at(VIP, 30_053), at(NAT_RS1_IP, 53));
    for n in 0..9u16 {
        let (client, own) = (at(CLIENT_IP, 46_000 + n), at(DIRECTOR_IN_IP, 41_000 + n));
        let asks = [step(ROUTER_IN, DIRECTOR), rewritten(DIRECTOR_IN, RS1, Rewrite::Both(own, rs))];
        let answers =
            [step(RS1, DIRECTOR_IN), rewritten(DIRECTOR, ROUTER_IN, Rewrite::Both(vip, client))];
        let keeps = kept > 0 && n % kept == 0;
        for again in 0..if keeps { 2 } else { 1 } {
            let id = n * 4 + again + 1;
            stage.carry(&asks, &Packet::udp(client, vip, &name(n, false)).id(id));
            let answer = Packet::udp(rs, own, &name(n, true)).id(id + 500);
            stage.carry_part(&answers, &answer, if keeps { 1 } else { 2 });
            stage.wait_ms(5_000);
        }
    }
    stage
}

#[test]
fn datagrams_that_are_masqueraded_are_one_connection_with_what_was_asked() {
    let text = has_nothing_loud(&masqueraded(0));
    assert!(text.contains("9 connections: 9 did well") && text.contains("10.20.0.11:53"), "{text}");
    let (report, text) = diagnosed(&masqueraded(3));
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert!(text.contains("not passed on to the clients"), "{text}");
    assert!(!candidates(&report["findings"][0]).contains(&"rs-silent"), "{text}");
    assert_eq!(report["findings"][0]["affected"]["connections"], 3, "{text}");
}

/// A client with two name servers, of which the first says nothing.
fn two_name_servers(waits_ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let (first, second) = (at(VIP, 53), at(RS1_IP, 53));
        let (a, b) = (at(CLIENT_IP, 46_000 + n), at(CLIENT_IP, 47_000 + n));
        stage.pass(CLIENT, ROUTER, &Packet::udp(a, first, &name(n, false)).id(n + 1));
        stage.wait_ms(waits_ms);
        stage.pass(CLIENT, ROUTER, &Packet::udp(b, second, &name(n, false)).id(n + 90));
        stage.now += 900;
        stage.pass(ROUTER, CLIENT, &Packet::udp(second, b, &name(n, true)).id(n + 1));
        stage.wait_ms(9_000);
    }
    stage
}

#[test]
fn who_asks_the_second_name_server_has_waited_for_the_first() {
    let (report, text) = diagnosed(&two_name_servers(5_000));
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert_eq!(report["verdict"]["status"], "degraded", "{text}");
    assert!(text.contains("asks another name server the same"), "{text}");
    has_nothing_loud(&two_name_servers(2));
}
