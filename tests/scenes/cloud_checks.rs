//! What asks a server of a cloud for its health, and what it is told: checks of
//! the server's own address, from the balancer's networks, or under a prober's name.

use crate::places::{CLIENT, ROUTER, ROUTER_IN, at};
use crate::pods::{PROBER_IP, SERVER, SERVER_IP, in_vain};
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, step};
use std::net::Ipv4Addr;

/// A server behind a balancer that nobody captured and that leaves its own address, `VIP`, in
/// what it passes on; checks ask the server's own.
fn passthrough(has_address: bool) -> Stage {
    let mut stage = Stage::capturing(&["server"]);
    let vip = Ipv4Addr::new(198, 51, 100, 7);
    let ways = ([step(ROUTER_IN, SERVER)], [step(SERVER, ROUTER_IN)]);
    for n in 0..4u16 {
        let mut check = Talk::new(at(PROBER_IP, 40_000 + n * 11), at(SERVER_IP, 443));
        check.handshake(&mut stage, &ways.0, &ways.1);
        check.close(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(600);
        let mut talk = Talk::new(at(Ipv4Addr::new(192, 0, 2, 10 + n as u8), 52_000), at(vip, 443));
        if has_address {
            talk.whole(&mut stage, &ways.0, &ways.1);
        } else {
            in_vain(&mut stage, &mut talk, &ways.0, 1);
        }
        stage.wait_ms(600);
    }
    stage
}

/// The server lacks the balancer's address.
pub fn passthrough_without_address() -> Stage {
    passthrough(false)
}

/// It has it.
pub fn passthrough_with_address() -> Stage {
    passthrough(true)
}

/// Checks of a cloud's balancer beside neighbours' requests, at the server.
fn checked(stage: &mut Stage, check: impl Fn(&mut Stage, &mut Talk, (&[Step], &[Step]))) {
    let ways = (
        [step(CLIENT, ROUTER), step(ROUTER_IN, SERVER)],
        [step(SERVER, ROUTER_IN), step(ROUTER, CLIENT)],
    );
    for n in 0..5u16 {
        let mut talk = Talk::new(at(PROBER_IP, 41_000 + n * 13), at(SERVER_IP, 80));
        check(stage, &mut talk, (&ways.0, &ways.1));
        stage.wait_ms(900);
        let neighbour = at(Ipv4Addr::new(203, 0, 113, 50), 50_300 + n);
        Talk::new(neighbour, at(SERVER_IP, 80)).whole(stage, &ways.0, &ways.1);
        stage.wait_ms(400);
    }
}

/// The server's own firewall drops the checks and nobody else.
pub fn checks_dropped() -> Stage {
    let mut stage = Stage::capturing(&["server"]);
    checked(&mut stage, |stage, talk, (there, _)| in_vain(stage, talk, there, 2));
    stage
}

/// They are answered.
pub fn checks_answered() -> Stage {
    let mut stage = Stage::capturing(&["server"]);
    checked(&mut stage, |stage, talk, (there, back)| {
        talk.handshake(stage, there, back);
        talk.close(stage, there, back);
    });
    stage
}

/// They open a connection half and reset it: a SYN-ACK is all that they want.
pub fn checks_half_open() -> Stage {
    let mut stage = Stage::capturing(&["server"]);
    checked(&mut stage, |stage, talk, (there, back)| {
        stage.carry(there, &talk.syn());
        let syn_ack = talk.accept().syn_ack();
        stage.carry(back, &syn_ack);
        stage.carry(there, &Talk::rst_for(&syn_ack));
    });
    stage
}

/// Nobody listens where they ask.
pub fn checks_refused() -> Stage {
    let mut stage = Stage::capturing(&["server"]);
    checked(&mut stage, |stage, talk, (there, back)| {
        let port = at(SERVER_IP, 8080);
        let mut talk = Talk::new(talk.client.at, port);
        let syn = talk.syn();
        stage.carry(there, &syn).carry(back, &Talk::refusal_of(&syn));
    });
    stage
}

/// What a program that calls itself a prober asks, and what it is told.
fn readiness(agent: &str, answer: &[u8]) -> Stage {
    let mut stage = Stage::default().any("server");
    let ways = ([step(ROUTER_IN, SERVER)], [step(SERVER, ROUTER_IN)]);
    let ask = format!("GET /ready HTTP/1.1\r\nHost: {SERVER_IP}\r\nUser-Agent: {agent}\r\n\r\n");
    for n in 0..4u16 {
        let prober = at(Ipv4Addr::new(203, 0, 113, 61 + n as u8 % 2), 33_000 + n * 5);
        let mut talk = Talk::new(prober, at(SERVER_IP, 8080));
        talk.handshake(&mut stage, &ways.0, &ways.1);
        talk.exchange(&mut stage, (&ways.0, &ways.1), ask.as_bytes(), answer);
        talk.close(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(1500);
    }
    stage
}

const UNREADY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nwaiting\n";

/// The application is not ready, and says so to the balancer's checks.
pub fn checks_told_503() -> Stage {
    readiness("ELB-HealthChecker/2.0", UNREADY)
}

/// It is ready.
pub fn checks_told_200() -> Stage {
    readiness("ELB-HealthChecker/2.0", OK)
}

/// It tells users so.
pub fn users_told_503() -> Stage {
    readiness("Mozilla/5.0", UNREADY)
}

/// What they ask for is not there, which is no fault of a server's.
pub fn users_told_404() -> Stage {
    readiness("Mozilla/5.0", b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n")
}
