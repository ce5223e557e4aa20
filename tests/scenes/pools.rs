//! Balancers and what they ask their servers: pools in which nobody passes, probes of a server
//! that is starting, checks whose answer takes nobody out.

use crate::places::*;
use crate::proxied::{Proxied, front, server};
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Talk, Who, step};
use std::net::Ipv4Addr;

const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 20\r\nConnection: close\r\n\r\nno available server\n";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// What a check of one of the two servers meets, on a port of its own.
fn check(stage: &mut Stage, n: u16, passes: bool) {
    for s in 0..2u16 {
        let (rs, rip) = server(s);
        let (there, back) = ([step(DIRECTOR_IN, rs)], [step(rs, DIRECTOR_IN)]);
        let mut talk = Talk::new(at(DIRECTOR_IN_IP, 51_000 + n * 4 + s), at(rip, 9090));
        let syn = talk.syn();
        stage.carry(&there, &syn);
        if passes {
            let syn_ack = talk.accept().syn_ack();
            stage.carry(&back, &syn_ack).carry(&there, &Talk::rst_for(&syn_ack));
        } else {
            stage.carry(&back, &Talk::refusal_of(&syn));
        }
        stage.wait_ms(20);
    }
}

/// How a balancer without a server meets a client.
#[derive(Clone, Copy, PartialEq)]
enum Without {
    Status,
    Reset,
}

/// Six rounds of checks five seconds apart, and a client in each.
fn pool(passes: bool, without: Without) -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..6u16 {
        let begun = stage.now;
        check(&mut stage, n, passes);
        stage.wait_ms(1300 + u64::from(n % 4) * 170);
        let (there, back) = front();
        if passes {
            Proxied::new(42_000 + n * 3, 61_000 + n, server(n)).whole(&mut stage);
        } else if without == Without::Reset {
            let syn = Talk::new(at(CLIENT_IP, 42_000 + n * 3), at(VIP, 80)).syn();
            stage.carry(&there, &syn).carry(&back, &Talk::refusal_of(&syn));
        } else {
            let mut talk = Talk::new(at(CLIENT_IP, 42_000 + n * 3), at(VIP, 80));
            talk.handshake(&mut stage, &there, &back);
            talk.exchange(&mut stage, (&there, &back), GET, UNAVAILABLE);
            talk.close(&mut stage, &there, &back);
        }
        stage.now = begun + 5_000_000;
    }
    stage
}

/// Every check is refused, and clients get 503.
pub fn nobody_passes() -> Stage {
    pool(false, Without::Status)
}

/// Every check is refused, and clients are reset.
pub fn nobody_passes_and_resets() -> Stage {
    pool(false, Without::Reset)
}

/// The checks pass, and clients are served.
pub fn all_pass() -> Stage {
    pool(true, Without::Status)
}

/// A proxy answers 503 to some by itself, while the checks pass: its queue is full, or it is told so.
pub fn says_so_though_all_pass() -> Stage {
    let mut stage = pool(true, Without::Status);
    let (there, back) = front();
    for n in 0..2u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), GET, UNAVAILABLE);
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(400);
    }
    stage
}

/// A pod and its node, which asks for its health and sends it clients.
const NODE: Nic = Nic::new("node", 0xa0);
const POD: Nic = Nic::new("pod", 0xb1);
const NODE_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 3, 1);
const POD_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 3, 14);
const CALLER_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 7, 9);

fn asks(agent: &str) -> Vec<u8> {
    format!("GET /ready HTTP/1.1\r\nHost: {POD_IP}:8080\r\nUser-Agent: {agent}\r\n\r\n")
        .into_bytes()
}

/// Ten probes of a pod, of which it refuses some; clients call while it listens.
fn probed(refuses: impl Fn(u16) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let (there, back) = ([step(NODE, POD)], [step(POD, NODE)]);
    for n in 0..10u16 {
        let mut talk = Talk::new(at(NODE_IP, 44_000 + n * 5), at(POD_IP, 8080));
        if refuses(n) {
            let syn = talk.syn();
            stage.carry(&there, &syn).carry(&back, &Talk::refusal_of(&syn));
        } else {
            talk.handshake(&mut stage, &there, &back);
            talk.exchange(&mut stage, (&there, &back), &asks("kube-probe/1.30"), OK);
            talk.close(&mut stage, &there, &back);
            stage.wait_ms(120);
            let caller = at(CALLER_IP, 38_000 + n * 7);
            Talk::new(caller, at(POD_IP, 8080)).whole(&mut stage, &there, &back);
        }
        stage.wait_ms(2000);
    }
    stage
}

/// The program ends, and its probes are refused from then on.
pub fn probes_refused_since() -> Stage {
    probed(|n| n >= 5)
}

/// It is starting: probes are refused until it listens.
pub fn probes_refused_before() -> Stage {
    probed(|n| n < 5)
}

/// Twelve checks that are told 401; then clients come, or do not.
fn unauthorised(clients: bool) -> Stage {
    const NO: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let mut stage = Stage::capturing(&["pod"]);
    let (there, back) = ([step(NODE, POD)], [step(POD, NODE)]);
    for n in 0..14u16 {
        let mut talk = Talk::new(at(NODE_IP, 44_000 + n * 5), at(POD_IP, 8080));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), &asks("ELB-HealthChecker/2.0"), NO);
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(1100);
        if clients {
            let caller = at(CALLER_IP, 38_000 + n * 7);
            Talk::new(caller, at(POD_IP, 8080)).whole(&mut stage, &there, &back);
        }
        stage.wait_ms(900);
    }
    stage
}

/// Checks are told 401, and nobody is sent.
pub fn checks_told_401() -> Stage {
    unauthorised(false)
}

/// They are, and clients are sent all along: the balancer takes that for a good answer.
pub fn checks_told_401_and_clients_sent() -> Stage {
    unauthorised(true)
}

/// Answers of a server as its own capture shows them: those of one full segment and more, of which
/// some transmissions are lost, beside short ones.
fn answers(lost: impl Fn(u16) -> u32, short: usize) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for n in 0..8u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n * 3), at(RS1_IP, 80));
        talk.handshake(&mut stage, &there, &back);
        stage.carry(&there, &talk.data(Who::Client, GET));
        stage.carry(&back, &talk.ack(Who::Server));
        let begun = stage.now;
        let large = n % 2 == 0;
        let (first, rest) = if large { (1448, short) } else { (short, 0) };
        let times = if large { lost(n) } else { 0 };
        let segment = talk.server;
        for time in 0..=times.min(4) {
            stage.now = begun + u64::from((1u32 << time) - 1) * 300_000;
            talk.server.next = segment.next;
            let head = talk.data(Who::Server, &vec![b'x'; first]);
            if time < times {
                stage.lose(RS1, ROUTER_IN, &head);
            } else {
                stage.carry(&back, &head);
            }
            if time == 0 && rest > 0 {
                let tail = talk.data(Who::Server, &vec![b'y'; rest]);
                stage.carry(&back, &tail);
                // What came is acknowledged up to the hole, or whole.
                let whole = std::mem::replace(&mut talk.server.next, segment.next);
                if times == 0 {
                    talk.server.next = whole;
                }
                stage.carry(&there, &talk.ack(Who::Client));
            }
        }
        if times <= 4 {
            talk.server.next = segment.next.wrapping_add((first + rest) as u32);
            stage.carry(&there, &talk.ack(Who::Client));
            talk.close(&mut stage, &there, &back);
        } else {
            stage.wait_ms(700);
            talk.server.next = segment.next;
            stage.carry(&there, &talk.fin(Who::Client));
        }
        stage.wait_ms(2500);
    }
    stage
}

/// Full segments never arrive, short ones do.
pub fn full_segments_lost() -> Stage {
    answers(|_| 5, 300)
}

/// A full segment is lost now and then, and its repeat arrives.
pub fn full_segments_lost_by_chance() -> Stage {
    answers(|n| u32::from(n % 4 == 0), 300)
}

/// They are lost and so is whatever else that the server says to these clients.
pub fn all_answers_lost() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n * 3), at(RS1_IP, 80));
        talk.handshake(&mut stage, &there, &back);
        let before = talk.client.next;
        let begun = stage.now;
        let mut answered = None;
        for time in 0..5u32 {
            stage.now = begun + u64::from((1u32 << time) - 1) * 300_000;
            talk.client.next = before;
            stage.carry(&there, &talk.data(Who::Client, GET));
            let head = *answered.get_or_insert(talk.server.next);
            talk.server.next = head;
            let answer = talk.data(Who::Server, &[b'x'; 1448]);
            stage.lose(RS1, ROUTER_IN, &answer);
            talk.server.next = head;
        }
        stage.wait_ms(2500);
    }
    stage
}
