//! Servers behind a director in NAT of which one accepts and says nothing, lets datagrams
//! lie, or fails the checks that it is asked.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Rewrite, Talk, Who, rewritten, step};

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    stage
}

fn rs(n: u16, port: u16) -> (crate::stage::Nic, std::net::SocketAddr) {
    let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
    (nic, at(ip, port))
}

const HELLO: &[u8] = b"220 mail.example ESMTP\r\n";

/// Calls of a mail service; `greets` says which servers speak.
fn mail(greets: fn(u16) -> bool) -> Stage {
    let mut stage = stage();
    for n in 0..8u16 {
        let (nic, server) = rs(n, 25);
        let (there, back) = nat(nic, server, at(VIP, 25));
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(VIP, 25));
        talk.handshake(&mut stage, &there, &back);
        if greets(n) {
            stage.wait_ms(4);
            stage.carry(&back, &talk.data(Who::Server, HELLO));
            talk.exchange(&mut stage, (&there, &back), b"QUIT\r\n", b"221 Bye\r\n");
        } else {
            stage.wait_ms(12_000);
        }
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    stage
}

/// rs2 accepts and never greets.
pub fn no_greeting() -> Stage {
    mail(|n| n % 2 == 0)
}

/// Questions over UDP; `answers` says which are answered.
fn questions(answers: fn(u16) -> bool) -> Stage {
    let mut stage = stage();
    for n in 0..10u16 {
        let (nic, server) = rs(n, 1812);
        let client = at(CLIENT_IP, 46_000 + n * 3);
        let service = at(VIP, 1812);
        let there = [
            step(CLIENT, ROUTER),
            step(ROUTER_IN, DIRECTOR),
            rewritten(DIRECTOR_IN, nic, Rewrite::Dst(server)),
        ];
        let back = [
            step(nic, DIRECTOR_IN),
            rewritten(DIRECTOR, ROUTER_IN, Rewrite::Src(service)),
            step(ROUTER, CLIENT),
        ];
        let ask: Vec<u8> = (0..60).map(|k| (k as u8).wrapping_mul(n as u8 + 3)).collect();
        for again in 0..3u16 {
            let question = Packet::udp(client, service, &ask).id(n * 16 + again + 1);
            stage.carry(&there, &question);
            if answers(n) {
                stage.wait_ms(3);
                let answer = Packet::udp(server, client, &[2, n as u8, 0, 20]).id(n * 8 + 5);
                stage.carry(&back, &answer);
                break;
            }
            stage.wait_ms(2000);
        }
        stage.wait_ms(700);
    }
    stage
}

/// rs2 lets them lie.
pub fn datagrams_unanswered() -> Stage {
    questions(|n| n % 2 == 0)
}

/// Requests that all do well, and checks of both servers; `lives` says which accept them.
fn checked(lives: fn(u16) -> bool) -> Stage {
    let mut stage = stage();
    for n in 0..8u16 {
        for server in 0..2u16 {
            let (nic, to) = rs(server, 8081);
            let mut talk = Talk::new(at(DIRECTOR_IN_IP, 50_000 + n * 2 + server), to);
            let (there, back) = ([step(DIRECTOR_IN, nic)], [step(nic, DIRECTOR_IN)]);
            talk.handshake(&mut stage, &there, &back);
            if lives(server) {
                talk.close(&mut stage, &there, &back);
            } else {
                stage.carry(&back, &talk.rst_ack(Who::Server));
            }
            stage.wait_ms(50);
        }
        let (nic, server) = rs(n, 8080);
        let (there, back) = nat(nic, server, at(VIP, 80));
        Talk::new(at(CLIENT_IP, 40_000 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(1900);
    }
    stage
}

/// rs2 accepts its checks and resets them at once.
pub fn checks_reset() -> Stage {
    checked(|server| server == 0)
}
