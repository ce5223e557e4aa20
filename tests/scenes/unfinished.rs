//! What is asked for again, or never comes whole: at a client and at a server alone, and between
//! the ends of a tunnel.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Rewrite, Talk, Who, rewritten, step};

const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";
/// A full segment, as an MSS of 1460 and timestamps leave it.
const FULL: usize = 1448;

fn client_alone() -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    resolved(&mut stage);
    stage
}

fn answers(lost: bool) -> Stage {
    let mut stage = client_alone();
    for n in 0..4 {
        let (there, back) = dr(RS1);
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        stage.carry(&there, &talk.data(Who::Client, GET));
        stage.carry(&back, &talk.ack(Who::Server));
        // Every other answer is short.
        if n % 2 == 1 {
            stage.carry(&back, &talk.data(Who::Server, b"HTTP/1.1 204 No Content\r\n\r\n"));
            stage.carry(&there, &talk.ack(Who::Client));
            talk.close(&mut stage, &there, &back);
            stage.wait_ms(500);
            continue;
        }
        let mut before = talk.clone();
        let full = [talk.data(Who::Server, &[b'a'; FULL]), talk.data(Who::Server, &[b'b'; FULL])];
        let rest = talk.data(Who::Server, &[b'c'; 300]);
        stage.carry(&back, &rest);
        let same = before.ack(Who::Client);
        stage.carry(&there, &same);
        stage.wait_ms(220);
        if lost {
            // They do not fit on the way, however often they are sent.
            stage.wait_ms(12_000);
            let fin = before.fin(Who::Client);
            stage.carry(&there, &fin);
        } else {
            for packet in &full {
                stage.carry(&back, packet);
            }
            stage.carry(&there, &talk.ack(Who::Client));
            talk.close(&mut stage, &there, &back);
        }
        stage.wait_ms(500);
    }
    stage
}

/// Full segments of answers never come, the short one behind them does.
pub fn answers_with_a_hole() -> Stage {
    answers(true)
}

/// They come later than the short one.
pub fn answers_filled_up() -> Stage {
    answers(false)
}

fn repeats(times: &[u64]) -> Stage {
    let mut stage = client_alone();
    let (there, _) = dr(RS1);
    for n in 0..3 {
        let question = Packet::udp(at(CLIENT_IP, 44_000 + n), at(VIP, 27_015), b"\xff\xffinfo\0");
        let begun = stage.now;
        for (n, ms) in times.iter().enumerate() {
            stage.now = begun + ms * 1000;
            stage.carry(&there, &question.clone().id(7 + n as u16));
        }
        stage.wait_ms(9_000);
    }
    stage
}

/// A program asks again, each time after twice as long, and gives up.
pub fn asked_with_growing_waits() -> Stage {
    repeats(&[0, 1000, 3000, 7000])
}

/// A program says the same now and then.
pub fn said_now_and_then() -> Stage {
    repeats(&[0, 1500, 2400, 5000])
}

/// The server's own capture: its SYN-ACK again and again, each acknowledged.
fn asked_for_acks(speaks: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    resolved(&mut stage);
    for n in 0..3 {
        let (there, back) = dr(RS1);
        let mut talk = Talk::new(at(CLIENT_IP, 45_000 + n), at(VIP, 8443));
        talk.handshake(&mut stage, &there, &back);
        for ms in [1011, 2020, 4040] {
            stage.wait_ms(ms);
            let mut before = talk.clone();
            before.server.next = before.server.next.wrapping_sub(1);
            let syn_ack = before.syn_ack();
            talk.server.id = before.server.id;
            stage.carry(&back, &syn_ack);
            stage.carry(&there, &talk.ack(Who::Client));
        }
        if speaks {
            stage.wait_ms(500);
            talk.exchange(&mut stage, (&there, &back), GET, b"HTTP/1.1 200 OK\r\n\r\n");
            talk.close(&mut stage, &there, &back);
        }
        stage.wait_ms(1500);
    }
    stage
}

/// Nobody says anything, and nobody is let in.
pub fn never_taken_in() -> Stage {
    asked_for_acks(false)
}

/// Clients that speak late are served.
pub fn taken_in_late() -> Stage {
    asked_for_acks(true)
}

const NODE_A: Nic = Nic::new("node-a", 0x61);
const NODE_B: Nic = Nic::new("node-b", 0x62);

fn tunnelled(full: bool) -> Stage {
    let mut stage = Stage::capturing(&["node-a"]);
    let (pod, served) = ([10, 244, 1, 8], [10, 244, 2, 9]);
    let ends = [[192, 168, 8, 11], [192, 168, 8, 12]].map(std::net::IpAddr::from);
    let there = vec![rewritten(NODE_A, NODE_B, Rewrite::Wrap(ends[0], ends[1]))];
    let back = vec![rewritten(NODE_B, NODE_A, Rewrite::Wrap(ends[1], ends[0]))];
    for n in 0..4 {
        let mut talk = Talk::new(at(pod, 47_000 + n), at(served, 8080));
        talk.handshake(&mut stage, &there, &back);
        if n % 2 == 1 || !full {
            talk.exchange(&mut stage, (&there, &back), GET, b"HTTP/1.1 200 OK\r\n\r\n");
            talk.close(&mut stage, &there, &back);
            stage.wait_ms(300);
            continue;
        }
        let large = talk.data(Who::Client, &[b'p'; FULL]);
        for ms in [0, 210, 420, 840, 1700] {
            stage.wait_ms(ms);
            stage.carry(&there, &large.clone().id(9000 + ms as u16));
        }
        stage.wait_ms(4000);
    }
    stage
}

/// Requests that fill a segment are too long for the way under a tunnel, by its headers.
pub fn too_long_under_a_tunnel() -> Stage {
    tunnelled(true)
}

/// All of them are short.
pub fn short_in_a_tunnel() -> Stage {
    tunnelled(false)
}

/// Six connections that talk, of which two are reset at one moment from another distance.
fn spread(cut: bool) -> Stage {
    let mut stage = client_alone();
    let (there, back) = dr(RS1);
    let near = vec![step(ROUTER, CLIENT)];
    let mut talks: Vec<Talk> =
        (0..6).map(|n| Talk::new(at(CLIENT_IP, 48_000 + n), at(VIP, 80))).collect();
    for talk in &mut talks {
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), GET, b"HTTP/1.1 200 OK\r\n\r\n");
        stage.wait_ms(50);
    }
    for round in 0..2 {
        stage.wait_ms(2000);
        for (n, talk) in talks.iter_mut().enumerate() {
            let moved = cut && (n == 1 || n == 4);
            if moved && round == 0 {
                let ask = talk.data(Who::Client, GET);
                stage.carry(&there, &ask);
                // The host that gets it is one step nearer.
                stage.carry(&near, &Talk::rst_for(&ask));
            } else if !moved {
                talk.exchange(&mut stage, (&there, &back), GET, b"HTTP/1.1 200 OK\r\n\r\n");
            }
            stage.wait_ms(40);
        }
    }
    stage
}

/// A way or a server was chosen anew for two of them.
pub fn two_of_six_moved() -> Stage {
    spread(true)
}

/// All go on.
pub fn none_moved() -> Stage {
    spread(false)
}
