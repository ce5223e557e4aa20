//! What transport shows by itself: talk that one side drops, connections that are used after their end,
//! servers that say in their first word that nothing comes of it, and hosts on the way that keep what they
//! should pass on.

use crate::packet::{ACK, PSH, Packet};
use crate::places::*;
use crate::proxied::{Proxied, behind, front, say};
use crate::stage::Stage;
use crate::talk::{Rewrite, Step, Talk, Who, rewritten, step};
use std::net::{IpAddr, Ipv4Addr};

const GET: &[u8] = b"GET /e HTTP/1.1\r\nHost: app.example\r\n\r\n";
const LAN: ([Step; 1], [Step; 1]) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
/// Through a router whose both links are captured.
const ROUTED: ([Step; 2], [Step; 2]) =
    ([step(CLIENT, ROUTER), step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)]);

/// What becomes of a server's words at a phone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Acknowledged,
    Nothing,
    /// The program has ended, and the phone's kernel says so.
    Gone,
}

/// A phone calls; the server says it has answered, again and again unless that is acknowledged.
fn call(heard: Heard) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..3u16 {
        let (client, server) = (at(CLIENT_IP, 41_000 + n), at(RS1_IP, 5060));
        let say = |text: &str| format!("{text} call {n}").into_bytes();
        let invite = Packet::udp(client, server, &say("INVITE sip:b@example.net SIP/2.0"));
        stage.carry(&ROUTED.0, &invite);
        let trying = Packet::udp(server, client, &say("SIP/2.0 100 Trying"));
        stage.carry(&ROUTED.1, &trying);
        stage.wait_ms(2000);
        let taken = Packet::udp(server, client, &say("SIP/2.0 200 OK"));
        let begun = stage.now;
        for (k, ms) in [0u64, 500, 1500, 3500, 7500].into_iter().enumerate() {
            stage.now = begun + ms * 1000;
            stage.carry(&ROUTED.1, &taken.clone().id(n * 32 + k as u16));
            if heard == Heard::Gone {
                let gone = Packet::icmp_about(CLIENT_IP.into(), &taken, 3, 3, 0);
                stage.carry(&ROUTED.0, &gone);
            }
            if heard == Heard::Acknowledged {
                let ack = Packet::udp(client, server, &say("ACK sip:b@example.net SIP/2.0"));
                stage.carry(&ROUTED.0, &ack.id(n * 32 + 1));
                break;
            }
        }
        stage.wait_ms(9000);
        let bye = Packet::udp(server, client, &say("BYE sip:a@example.net SIP/2.0"));
        stage.carry(&ROUTED.1, &bye.id(n * 32 + 20));
        let done = Packet::udp(client, server, &say("SIP/2.0 200 OK for the BYE"));
        stage.carry(&ROUTED.0, &done.id(n * 32 + 21));
        stage.wait_ms(700);
    }
    stage
}

/// Nothing acknowledges it, and what comes after is answered.
pub fn answer_unacknowledged() -> Stage {
    call(Heard::Nothing)
}

/// It is acknowledged at once.
pub fn answer_acknowledged() -> Stage {
    call(Heard::Acknowledged)
}

/// Its program is gone, as its kernel says: what a server goes on sending is for nobody.
pub fn answer_for_nobody() -> Stage {
    call(Heard::Gone)
}

/// QUIC: questions and answers, then one side goes on alone.
fn quic(tail: &[u64]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (client, server) = (at(CLIENT_IP, 42_000), at(VIP, 443));
    for n in 0..4u16 {
        stage
            .carry(&LAN.0, &Packet::udp(client, server, &[0x41, n as u8, 1, 2, 3, 4, 5]).id(n + 1));
        stage.carry(&LAN.1, &Packet::udp(server, client, &[0x42, n as u8, 9, 9, 9, 9]).id(n + 1));
        stage.wait_ms(300);
    }
    let begun = stage.now;
    for (k, ms) in tail.iter().enumerate() {
        stage.now = begun + ms * 1000;
        let probe = Packet::udp(client, server, &[0x43, k as u8, 7, 7, 7, 7, 7]);
        stage.carry(&LAN.0, &probe.id(100 + k as u16));
    }
    stage.wait_ms(20_000);
    // The capture goes on.
    Talk::new(at(CLIENT_IP, 42_001), at(VIP, 80)).whole(&mut stage, &LAN.0, &LAN.1);
    stage
}

/// Probes at doubled distances, without an answer.
pub fn quic_probes_in_vain() -> Stage {
    quic(&[0, 600, 1800])
}

/// One last datagram, the farewell, and sparse ones that keep a mapping alive.
pub fn quic_ends() -> [Stage; 2] {
    [quic(&[0]), quic(&[0, 5000, 10_000, 15_000])]
}

/// What a client does with its last words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Waits,
    Closes,
    Resets,
}

/// A server closes what is idle; its client finds that out later, and says `last`, and what more.
fn used_later(last: &[u8], then: Then) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 6379));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let get = b"*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n";
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), get, b"$3\r\nbar\r\n");
        stage.wait_ms(30_000);
        stage.carry(&LAN.1, &talk.fin(Who::Server));
        stage.carry(&LAN.0, &talk.ack(Who::Client));
        stage.wait_ms(6000);
        let more = talk.data(Who::Client, last);
        stage.carry(&LAN.0, &more);
        match then {
            Then::Waits => {}
            Then::Closes => {
                stage.carry(&LAN.0, &talk.fin(Who::Client));
            }
            Then::Resets => {
                stage.carry(&LAN.0, &talk.rst_ack(Who::Client));
            }
        }
        stage.carry(&LAN.1, &Talk::rst_for(&more));
        stage.wait_ms(900);
    }
    stage
}

/// It sends its next question.
pub fn asked_on_a_closed_one() -> Stage {
    used_later(b"*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n", Then::Waits)
}

/// It takes its leave.
pub fn farewell_on_a_closed_one() -> [Stage; 3] {
    let long = b"a longer word of farewell\r\n";
    [
        used_later(b"*1\r\n$4\r\nQUIT\r\n", Then::Waits),
        used_later(long, Then::Closes),
        // As TLS takes its leave with an alert, and lets go at once.
        used_later(long, Then::Resets),
    ]
}

/// A database that greets with `hello`.
fn greets(hello: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(VIP, 3306));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(3);
        stage.carry(&LAN.1, &talk.data(Who::Server, hello));
        stage.carry(&LAN.0, &talk.ack(Who::Client));
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(500);
    }
    stage
}

/// Its first word is error 1129.
pub fn greets_with_an_error() -> Stage {
    let text = b"Host 'lb' is blocked because of many connection errors";
    let head = [text.len() as u8 + 3, 0, 0, 0, 0xff, 0x69, 0x04];
    greets(&[&head[..], text].concat())
}

/// Its first word is a greeting.
pub fn greets_well() -> Stage {
    greets(b"\x0a\x00\x00\x00\x0a8.0.36\x00ab")
}

/// Calls in HTTP/2 of two servers in NAT; `speaks` says which answer in it.
fn http2(speaks: fn(u16) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let service = at(VIP, 50_051);
        let (there, back) = nat(nic, at(ip, 50_051), service);
        let mut talk = Talk::new(at(CLIENT_IP, 48_000 + 11 * n), service);
        talk.handshake(&mut stage, &there, &back);
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let settings = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
        let refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let answer: &[u8] = if speaks(n) { settings } else { refusal };
        talk.exchange(&mut stage, (&there, &back), preface, answer);
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(300);
    }
    stage
}

/// rs2 speaks HTTP/1 alone.
pub fn http2_refused() -> Stage {
    http2(|n| n % 2 == 0)
}

/// Both speak it.
pub fn http2_spoken() -> Stage {
    http2(|_| true)
}

/// A router is captured on both links; answers take another way. `keeps`: it drops what follows SYNs.
fn one_way(keeps: bool) -> Stage {
    let mut stage = Stage::default().any("router");
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 45_000 + n), at(RS1_IP, 443));
        stage.carry(&ROUTED.0, &talk.syn());
        talk.accept();
        talk.open();
        stage.wait_ms(1);
        let steps = if keeps { 1 } else { 2 };
        let ack = talk.ack(Who::Client);
        stage.carry_part(&ROUTED.0, &ack, steps);
        let begun = stage.now;
        if keeps {
            for (k, ms) in [0u64, 210, 630, 1500, 3200, 6600].into_iter().enumerate() {
                stage.now = begun + ms * 1000;
                let ask = talk.segment(Who::Client, PSH | ACK, GET);
                stage.carry_part(&ROUTED.0, &ask.id(7000 + n * 16 + k as u16), 1);
            }
        } else {
            stage.carry(&ROUTED.0, &talk.data(Who::Client, GET));
            talk.server.next = talk.server.next.wrapping_add(40);
            stage.wait_ms(2);
            for packet in [talk.ack(Who::Client), talk.fin(Who::Client)] {
                stage.carry(&ROUTED.0, &packet);
            }
        }
        stage.wait_ms(2000);
    }
    stage
}

/// It never saw the SYN-ACKs, and drops ACKs and requests.
pub fn acks_kept() -> Stage {
    one_way(true)
}

/// It passes all on that comes this way.
pub fn answers_elsewhere() -> Stage {
    one_way(false)
}

/// A router with its own address in the clients' place. `new`: whether calls after the first ones leave it,
/// by client.
fn translated(new: fn(u16) -> bool) -> Stage {
    let mut stage = Stage::default().any("router");
    let service = at(RS1_IP, 443);
    for n in 0..10u16 {
        let client = at(Ipv4Addr::new(198, 51, 100, 30 + n as u8), 46_000);
        let own = at(ROUTER_IP, 1024 + n);
        let there = [step(CLIENT, ROUTER), rewritten(ROUTER_IN, RS1, Rewrite::Src(own))];
        let back = [
            rewritten(RS1, ROUTER_IN, Rewrite::Dst(own)),
            rewritten(ROUTER, CLIENT, Rewrite::Dst(client)),
        ];
        let mut talk = Talk::new(client, service);
        if n < 4 || new(n) {
            talk.whole(&mut stage, &there, &back);
        } else {
            let begun = stage.now;
            for (k, s) in [0u64, 1, 3].into_iter().enumerate() {
                stage.now = begun + s * 1_000_000;
                let syn = talk.syn();
                stage.carry_part(&there, &syn.id(8000 + n * 8 + k as u16), 1);
            }
        }
        stage.wait_ms(400);
    }
    stage
}

/// From one moment on no new connection leaves it.
pub fn no_port_left() -> Stage {
    translated(|_| false)
}

/// Some clients' never do, others' do meanwhile.
pub fn some_clients_kept() -> Stage {
    translated(|n| n % 2 == 0)
}

/// rs2 takes each request and closes; `heads`: nobody of the pool answers without a PROXY header.
pub fn one_breaks_off(others_answer: bool) -> Stage {
    let mut stage = Stage::default().any("director");
    for n in 0..8u16 {
        let (rs, ip) = crate::proxied::server(n);
        let mut call = Proxied::new(47_000 + n, 21_000 + n, (rs, ip));
        if n % 2 == 0 && others_answer {
            call.whole(&mut stage);
        } else if n % 2 == 1 {
            call.ask(&mut stage);
            let (there, back) = behind(rs);
            call.back.handshake(&mut stage, &there, &back);
            let forwarded = call.forwarded();
            say(&mut call.back, &mut stage, Who::Client, (&there, &back), &forwarded);
            stage.now += 900;
            let fin = call.back.fin(Who::Server);
            stage.carry(&back, &fin);
            let fin = call.back.fin(Who::Client);
            stage.carry(&there, &fin);
            call.answer(&mut stage, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            let (there, back) = front();
            call.front.close(&mut stage, &there, &back);
        }
        stage.wait_ms(500);
    }
    stage
}

/// Routers say that a SYN's time was up.
pub fn time_is_up() -> Stage {
    let mut stage = Stage::default().any("client");
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 49_000 + n), at(VIP, 443));
        let syn = talk.syn();
        let begun = stage.now;
        for s in [0u64, 1, 3] {
            stage.now = begun + s * 1_000_000;
            stage.carry(&LAN.0, &syn);
            let router: IpAddr = Ipv4Addr::new(192, 0, 2, 1 + (n % 2) as u8).into();
            let told = Packet::icmp_about(router, &syn.clone().ttl(1), 11, 0, 0);
            stage.wait_ms(20);
            stage.carry(&LAN.1, &told);
        }
        stage.wait_ms(4000);
    }
    stage
}

/// Requests that are closed without an answer after `ms` each.
fn closed_after(ms: fn(u16) -> u64) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 50_000 + n), at(VIP, 9000));
        if n % 2 == 0 {
            talk.whole(&mut stage, &LAN.0, &LAN.1);
        } else {
            talk.handshake(&mut stage, &LAN.0, &LAN.1);
            stage.carry(&LAN.0, &talk.data(Who::Client, GET));
            stage.carry(&LAN.1, &talk.ack(Who::Server));
            stage.wait_ms(ms(n));
            stage.carry(&LAN.1, &talk.fin(Who::Server));
            stage.carry(&LAN.0, &talk.fin(Who::Client));
        }
        stage.wait_ms(1500);
    }
    stage
}

/// Each after one minute.
pub fn closed_by_a_limit() -> Stage {
    closed_after(|_| 60_000)
}

/// Each after another time.
pub fn closed_by_and_by() -> Stage {
    closed_after(|n| 9000 * u64::from(n))
}
