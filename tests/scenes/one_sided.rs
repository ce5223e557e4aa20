//! What people have: one host's capture, of which no balancer is. A real server that answers
//! past its balancer, a director that is none any more, servers that greet late, questions
//! that nobody answers, and what is healthy and looks like it.

use crate::packet::{ACK, Packet, SYN};
use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Talk, Who, step};
use std::net::Ipv4Addr;

/// Another gateway than the balancer, on the real servers' link.
const GATEWAY: Nic = Nic::new("gateway", 0x77);
/// The director that takes over.
const SECOND: Nic = Nic::new("second", 0x35);
const SECOND_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 6);

/// SYNs by the balancer, SYN-ACKs by the gateway; the client knows of no such connection.
pub fn answers_by_a_gateway() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 38_000 + 7 * n), at(NAT_RS1_IP, 8080));
        let begun = stage.now;
        let syn = talk.syn();
        let mut accepted = talk.clone();
        accepted.accept();
        for (k, s) in [(0u16, 0u64), (1, 1), (2, 3)] {
            stage.now = begun + s * 1_000_000;
            stage.pass(DIRECTOR_IN, RS1, &syn.clone().id(syn.id + k).ttl(62));
            let syn_ack = accepted.syn_ack();
            stage.pass(RS1, GATEWAY, &syn_ack);
            stage.now += 8_000;
            stage.pass(GATEWAY, RS1, &Talk::rst_for(&syn_ack).ttl(62));
        }
        stage.now = begun + 6_000_000;
    }
    stage
}

/// The same ways in DR: the client has the connection that it asked for.
pub fn answers_by_a_router() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(DIRECTOR, RS1)], [step(RS1, GATEWAY)]);
    for n in 0..3u16 {
        Talk::new(at(CLIENT_IP, 38_000 + 7 * n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    stage
}

/// The other director advertises the VIP, and the router sends here as before.
fn old_master(from: Nic) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let link = [ROUTER_IN, DIRECTOR, SECOND];
    for s in 0..14u64 {
        stage.now = s * 1_000_000;
        stage.advertise((SECOND, SECOND_IP), (51, 90), &[VIP], &link);
    }
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 39_000 + n), at(VIP, 80));
        let syn = talk.syn();
        for (k, s) in [(0u16, 0u64), (1, 1), (2, 3), (3, 7)] {
            stage.now = (1 + s) * 1_000_000 + u64::from(n) * 200_000;
            stage.pass(from, DIRECTOR, &syn.clone().id(syn.id + k).ttl(62));
        }
    }
    stage
}

/// From the router.
pub fn still_sent_to_the_old_master() -> Stage {
    old_master(ROUTER_IN)
}

/// The other director took the VIP over and knows none of the open connections.
fn taken_over(knows: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let by = |nic| ([step(CLIENT, nic)], [step(nic, CLIENT)]);
    let ask = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let mut open = Vec::new();
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 45_000 + n), at(VIP, 80));
        let (there, back) = by(DIRECTOR);
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), ask, ok);
        open.push(talk);
        stage.wait_ms(300);
    }
    stage.announce(SECOND, VIP, &[CLIENT]);
    stage.wait_ms(400);
    for talk in &mut open {
        let (there, back) = by(SECOND);
        if knows {
            talk.exchange(&mut stage, (&there, &back), ask, ok);
            talk.close(&mut stage, &there, &back);
        } else {
            let asked = talk.data(Who::Client, ask);
            stage.carry(&there, &asked);
            stage.carry(&back, &Talk::rst_for(&asked));
        }
        stage.wait_ms(300);
    }
    for n in 0..2u16 {
        let (there, back) = by(SECOND);
        Talk::new(at(CLIENT_IP, 45_100 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(300);
    }
    stage
}

/// Its kernel resets them.
pub fn reset_by_the_new_master() -> Stage {
    taken_over(false)
}

/// It goes on with them.
pub fn gone_on_by_the_new_master() -> Stage {
    taken_over(true)
}

/// SMTP at the client: the server greets after so long.
fn greeted(ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(VIP, 25));
        talk.handshake(&mut stage, &there, &back);
        stage.wait_ms(ms);
        for (who, line) in [
            (Who::Server, &b"220 mx.example ESMTP\r\n"[..]),
            (Who::Client, b"QUIT\r\n"),
            (Who::Server, b"221 Bye\r\n"),
        ] {
            let said = talk.data(who, line);
            stage.carry(if who == Who::Client { &there } else { &back }, &said);
            stage.now += 800;
        }
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(1_500);
    }
    stage
}

/// After twenty seconds, when a resolver gives up.
pub fn greeted_late() -> Stage {
    greeted(20_000)
}

/// After five, as mail servers do on purpose.
pub fn greeted_after_a_pause() -> Stage {
    greeted(5_000)
}

/// DNS at the client, asked again and again.
pub fn asked_in_vain() -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let question = [
            &n.to_be_bytes()[..],
            &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'a', b'p', b'p', 0, 0, 1, 0, 1],
        ]
        .concat();
        for k in 0..3u16 {
            let asked = Packet::udp(at(CLIENT_IP, 50_000 + n), at(VIP, 53), &question);
            stage.pass(CLIENT, ROUTER, &asked.id(8 * n + k + 1));
            stage.wait_ms(5_000);
        }
    }
    stage
}

/// Syslog, which nobody answers, the same line again and again.
pub fn said_and_not_answered() -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..12u16 {
        let line = Packet::udp(at(CLIENT_IP, 514), at(VIP, 514), b"<34>host app: alive");
        stage.pass(CLIENT, ROUTER, &line.id(n + 1));
        stage.wait_ms(5_000);
    }
    stage
}

/// SYNs at the server alone, from one network with a checksum that is not theirs.
fn summed(bad: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let there = [step(CLIENT, ROUTER), step(ROUTER_IN, RS1)];
    let back = [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)];
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 42_000 + n), at(RS1_IP, 80));
        let begun = stage.now;
        let syn = talk.syn();
        for (k, s) in [(0u16, 0u64), (1, 1), (2, 3)] {
            stage.now = begun + s * 1_000_000;
            let syn = Packet { bad_checksum: bad, ..syn.clone().id(syn.id + k) };
            if bad || k == 0 {
                stage.carry(&there, &syn);
            }
        }
        if bad {
            stage.now = begun + 5_000_000;
            let other = Ipv4Addr::new(192, 0, 2, 9);
            Talk::new(at(other, 42_100 + n), at(RS1_IP, 80)).whole(&mut stage, &there, &back);
        } else {
            stage.now = begun + 200;
            // What leaves is left to the network card to sum.
            let left = |packet: Packet| Packet { bad_checksum: true, ..packet };
            let syn_ack = left(talk.accept().syn_ack());
            stage.carry(&back, &syn_ack);
            stage.carry(&there, &talk.open().ack(Who::Client));
            stage.carry(&there, &talk.data(Who::Client, b"GET / HTTP/1.1\r\n\r\n"));
            let told =
                left(talk.data(Who::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
            stage.carry(&back, &told);
            talk.close(&mut stage, &there, &back);
        }
        stage.wait_ms(900);
    }
    stage
}

/// They come in with it, and are dropped.
pub fn sums_wrong_on_arrival() -> Stage {
    summed(true)
}

/// Only what leaves has it, as offload leaves it.
pub fn sums_left_to_the_card() -> Stage {
    summed(false)
}

/// HTTP at the client: what a proxy answers whose servers are gone, or all is well.
fn answered(status: &'static str) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        talk.exchange(&mut stage, (&there, &back), b"GET / HTTP/1.1\r\n\r\n", answer.as_bytes());
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(400);
    }
    stage
}

/// 502 by a proxy that nobody captured.
pub fn bad_gateway() -> Stage {
    answered("502 Bad Gateway")
}

/// 404, which is an answer.
pub fn not_found() -> Stage {
    answered("404 Not Found")
}

/// The last step of the handshake is ignored: the server asks for it again, and what the
/// client sends meanwhile is not acknowledged.
pub fn queue_full_at_client() -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_000 + n), at(VIP, 80));
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(300);
            continue;
        }
        let begun = stage.now;
        talk.handshake(&mut stage, &there, &back);
        let mut before = talk.clone();
        before.server.next = before.server.next.wrapping_sub(1);
        let asked = talk.segment(Who::Client, ACK | crate::packet::PSH, b"GET / HTTP/1.1\r\n\r\n");
        for (k, ms) in [0u64, 200, 600, 1_400, 3_000, 6_200].into_iter().enumerate() {
            stage.now = begun + 1_000 + ms * 1_000;
            stage.carry(&there, &asked.clone().id(asked.id + k as u16));
        }
        for s in [1u64, 3, 7] {
            stage.now = begun + s * 1_000_000 + 30_000;
            let syn_ack = before.segment(Who::Server, SYN | ACK, &[]);
            stage.carry(&back, &syn_ack);
            let ack = before.clone().open().ack(Who::Client);
            stage.carry(&there, &ack);
        }
        stage.now = begun + 9_000_000;
    }
    stage
}

/// Advertisements that arrive and do not fit: another password.
pub fn passwords_differ() -> Stage {
    let mut stage = Stage::capturing(&["second"]);
    for s in 0..12u64 {
        for (nic, ip, priority, word) in [
            (DIRECTOR, DIRECTOR_IP, 101, b"old\0\0\0\0\0"),
            (SECOND, SECOND_IP, 100, b"new\0\0\0\0\0"),
        ] {
            stage.now = s * 1_000_000 + u64::from(priority) * 3_000;
            stage.advertise_as((nic, ip), (51, priority), &[VIP], (1, word), &[DIRECTOR, SECOND]);
        }
    }
    stage
}

/// One master, and a backup that hears it.
pub fn one_master() -> Stage {
    let mut stage = Stage::capturing(&["second"]);
    for s in 0..12u64 {
        stage.now = s * 1_000_000;
        let word = (1, b"old\0\0\0\0\0");
        stage.advertise_as((DIRECTOR, DIRECTOR_IP), (51, 101), &[VIP], word, &[DIRECTOR, SECOND]);
    }
    stage.flood(SECOND, &[DIRECTOR], [0xff; 6], arp(1, (SECOND, SECOND_IP), ([0; 6], ROUTER_IP)));
    stage
}
