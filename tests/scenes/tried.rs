//! What is tried in vain: servers that do not answer a proxy's SYNs, what of its own connections is lost, a
//! port that refuses some, a node that a cluster names, and answers that do not come.

use crate::packet::{Packet, SYN};
use crate::places::*;
use crate::proxied::{Proxied, behind, front, say, server};
use crate::stage::Stage;
use crate::talk::{OK, Talk, Who, step};

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const TIMEOUT: &[u8] =
    b"HTTP/1.1 504 Gateway Time-out\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

pub fn proxy() -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// A SYN to the second server and its repeat a second later, which nothing answers; a second more.
fn tried(stage: &mut Stage, port: u16) {
    let (rs, rip) = server(1);
    let mut talk = Talk::new(at(DIRECTOR_IN_IP, port), at(rip, 8080));
    for _ in 0..2 {
        let syn = talk.segment(Who::Client, SYN, &[]);
        stage.carry_and_lose(&behind(rs).0, &syn, 1);
        stage.wait_ms(1000);
    }
}

/// The request goes to the first server at last, and the client gets its answer.
pub fn served(stage: &mut Stage, one: &mut Proxied) {
    let (there, back) = behind(one.rs);
    one.back.handshake(stage, &there, &back);
    let forwarded = one.forwarded();
    say(&mut one.back, stage, Who::Client, (&there, &back), &forwarded);
    stage.now += 900;
    say(&mut one.back, stage, Who::Server, (&back, &there), OK);
    one.answer(stage, OK);
    one.back.close(stage, &there, &back);
    let (there, back) = front();
    one.front.close(stage, &there, &back);
}

/// Every third client is meant for the second server, which is dead: it is served by the first one two
/// seconds later.
pub fn redispatched() -> Stage {
    let mut stage = proxy();
    for n in 0..9u16 {
        let mut one = Proxied::new(42_000 + n * 3, 61_000 + n, server(0));
        if n % 3 == 2 {
            one.ask(&mut stage);
            tried(&mut stage, 63_000 + n);
            served(&mut stage, &mut one);
        } else {
            one.whole(&mut stage);
        }
        stage.wait_ms(700);
    }
    stage
}

/// Its twin: the second server answers the repeat of a SYN whose first was lost.
pub fn answered_at_the_repeat() -> Stage {
    let mut stage = proxy();
    for n in 0..9u16 {
        let mut one = Proxied::new(42_000 + n * 3, 61_000 + n, server(n));
        if n == 4 {
            one.ask(&mut stage);
            let syn = one.back.syn();
            stage.carry_and_lose(&behind(one.rs).0, &syn, 1);
            stage.wait_ms(200);
            served(&mut stage, &mut one);
        } else {
            one.whole(&mut stage);
        }
        stage.wait_ms(700);
    }
    stage
}

/// Clients come while others wait for the dead server: each of those gets 503, the others are served.
pub fn several_wait_at_once() -> Stage {
    let mut stage = proxy();
    let mut waiting: Vec<Proxied> = Vec::new();
    for n in 0..12u16 {
        let mut one = Proxied::new(42_000 + n * 3, 61_000 + n, server(0));
        if n % 3 == 2 {
            one.ask(&mut stage);
            let (rs, rip) = server(1);
            let mut talk = Talk::new(at(DIRECTOR_IN_IP, 63_000 + n), at(rip, 8080));
            let syn = talk.segment(Who::Client, SYN, &[]);
            stage.carry_and_lose(&behind(rs).0, &syn, 1);
            waiting.push(one);
        } else {
            one.whole(&mut stage);
        }
        stage.wait_ms(300);
    }
    stage.wait_ms(2000);
    for mut one in waiting {
        one.answer(&mut stage, UNAVAILABLE);
        let (there, back) = front();
        one.front.close(&mut stage, &there, &back);
        stage.wait_ms(900);
    }
    stage
}

/// The real server's capture shows the answer leave, again and again, and the proxy's shows none: the client
/// gets 504.
pub fn answer_lost_behind() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        let mut one = Proxied::new(42_000 + n * 3, 61_000 + n, server(0));
        if n % 2 == 0 {
            one.whole(&mut stage);
        } else {
            one.ask(&mut stage);
            let (there, back) = behind(one.rs);
            one.back.handshake(&mut stage, &there, &back);
            let forwarded = one.forwarded();
            say(&mut one.back, &mut stage, Who::Client, (&there, &back), &forwarded);
            let answer = one.back.data(Who::Server, OK);
            for wait in [200, 400, 800, 1600] {
                stage.carry_and_lose(&back, &answer, 1);
                stage.wait_ms(wait);
            }
            one.answer(&mut stage, TIMEOUT);
            let (there, back) = front();
            one.front.close(&mut stage, &there, &back);
        }
        stage.wait_ms(700);
    }
    stage
}

/// One server of a director in NAT refuses every other connection and accepts the rest.
pub fn refused_now_and_then() -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("director");
    resolved_nat(&mut stage);
    let service = at(VIP, 80);
    for n in 0..8u16 {
        let (there, back) = nat(RS1, at(NAT_RS1_IP, 8080), service);
        let mut talk = Talk::new(at(CLIENT_IP, 42_000 + n * 3), service);
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
        } else {
            let syn = talk.syn();
            let refusal = Talk::refusal_of(&syn);
            stage.carry(&there, &syn).carry(&back, &refusal);
        }
        stage.wait_ms(400);
    }
    stage
}

/// A node of a Redis cluster sends its client on to another, which answers or does not.
pub fn sent_to_another_node(reached: bool) -> Stage {
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 42_000 + n * 3), at(VIP, 6379));
        talk.handshake(&mut stage, &there, &back);
        let asks = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
        let moved = b"-MOVED 8002 10.20.0.12:6379\r\n";
        talk.exchange(&mut stage, (&there, &back), asks, moved);
        let mut node = Talk::new(at(CLIENT_IP, 52_000 + n * 3), at(NAT_RS2_IP, 6379));
        if reached {
            node.handshake(&mut stage, &there, &back);
            node.exchange(&mut stage, (&there, &back), asks, b"$2\r\nok\r\n");
            node.close(&mut stage, &there, &back);
        } else {
            for wait in [1000, 2000, 500] {
                let syn = node.segment(Who::Client, SYN, &[]);
                stage.carry_and_lose(&there, &syn, 1);
                stage.wait_ms(wait);
            }
        }
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(400);
    }
    stage
}

/// Questions to a name server whose longer answers leave it and never come to who asks.
pub fn datagrams_answered_in_vain() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    let (client, server) = (CLIENT_IP, RS1_IP);
    let (there, back) = (
        [step(CLIENT, ROUTER), step(ROUTER_IN, RS1)],
        [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)],
    );
    for n in 0..6u16 {
        let (from, to) = (at(client, 42_000 + n), at(server, 53));
        let head = |flags: u16| {
            [&[0, n as u8 + 1][..], &flags.to_be_bytes(), b"\0\x01\0\0\0\0\0\0"].concat()
        };
        let name = b"\x01a\0\0\x01\0\x01";
        let question = [&head(0x0100)[..], name].concat();
        let answer = [&head(0x8180)[..], name, &[7; 900]].concat();
        let lost = n % 2 == 1;
        for again in 0..if lost { 3 } else { 1 } {
            stage.carry(&there, &Packet::udp(from, to, &question).id(n * 16 + again + 1));
            stage.now += 800;
            let answer = Packet::udp(to, from, &answer).id(n * 16 + again + 9);
            if lost {
                stage.carry_and_lose(&back, &answer, 1);
            } else {
                stage.carry(&back, &answer);
            }
            stage.wait_ms(5000);
        }
    }
    stage
}
