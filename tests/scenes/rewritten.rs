//! Options that a router changes on the way, tunnels that the host at their end refuses, and answers in
//! another VLAN or by another interface than those that are heard.

use crate::packet::{ACK, Body, PSH, Packet};
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Step, Talk, Who, step};

const ASK: [Step; 1] = [step(CLIENT, ROUTER)];
const ON: [Step; 1] = [step(ROUTER_IN, RS1)];
const BACK: [Step; 2] = [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)];
const GET: &[u8] = b"GET /long HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// What the router makes of a SYN's options.
#[derive(Clone, Copy)]
pub enum Router {
    /// It sets the MSS that a client with less room announces to that of Ethernet.
    Raises,
    /// It lowers it, as it should.
    Clamps,
    /// It sets the window scale of SYN-ACKs to 0.
    Unscales,
    /// It takes the window scale out of SYNs, so that the server sends none.
    StripsBoth,
}

/// Bytes of an option in place of others.
fn changed(packet: &Packet, kind: u8, value: &[u8]) -> Packet {
    let mut packet = packet.clone();
    if let Body::Tcp { options, .. } = &mut packet.body {
        let len = value.len() as u8 + 2;
        let at = options.windows(2).position(|w| w == [kind, len]).unwrap() + 2;
        options[at..at + value.len()].copy_from_slice(value);
    }
    packet
}

/// The window scale is gone: nops are in its place.
fn unscaled(packet: &Packet) -> Packet {
    let mut packet = packet.clone();
    if let Body::Tcp { options, .. } = &mut packet.body {
        let at = options.windows(2).position(|w| w == [3, 3]).unwrap();
        options[at..at + 3].copy_from_slice(&[1, 1, 1]);
    }
    packet
}

/// Calls through the router, captured on the client and on the server. Where the MSS was raised, long
/// answers are lost.
pub fn through(router: Router) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 41_000 + n), at(RS1_IP, 80));
        let syn = changed(&talk.syn(), 2, &1360u16.to_be_bytes());
        stage.carry(&ASK, &syn);
        let syn = syn.ttl(63);
        let arrives = match router {
            Router::Raises => changed(&syn, 2, &1460u16.to_be_bytes()),
            Router::Clamps => changed(&syn, 2, &1300u16.to_be_bytes()),
            Router::StripsBoth => unscaled(&syn),
            Router::Unscales => syn,
        };
        stage.carry(&ON, &arrives);
        let syn_ack = talk.accept().syn_ack();
        let syn_ack = if let Router::StripsBoth = router { unscaled(&syn_ack) } else { syn_ack };
        stage.carry(&BACK[..1], &syn_ack);
        let syn_ack = syn_ack.ttl(63);
        let comes = match router {
            Router::Unscales => changed(&syn_ack, 3, &[0]),
            _ => syn_ack,
        };
        stage.carry(&BACK[1..], &comes);
        let ack = talk.open().ack(Who::Client);
        let there = [ASK[0], ON[0]];
        stage.carry(&there, &ack);
        let lost = matches!(router, Router::Raises) && n % 2 == 0;
        if lost {
            stage.carry(&there, &talk.data(Who::Client, GET));
            let begun = stage.now;
            let long = talk.segment(Who::Server, PSH | ACK, &[b'x'; 1448]);
            for (k, ms) in [3u64, 210, 640, 1500, 3200].into_iter().enumerate() {
                stage.now = begun + ms * 1000;
                stage.carry_and_lose(&BACK, &long.clone().id(7000 + k as u16), 1);
            }
            stage.wait_ms(3000);
        } else {
            talk.exchange(&mut stage, (&there, &BACK), GET, b"HTTP/1.1 200 OK\r\n\r\n");
            talk.close(&mut stage, &there, &BACK);
            stage.wait_ms(300);
        }
    }
    stage
}

/// The sample.
pub fn mss_raised() -> Stage {
    through(Router::Raises)
}

/// A director sends into tunnels to two real servers; rs1 has none and says so by ICMP, about the packet
/// around. The director alone is captured.
pub fn tunnel_refused() -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    resolved(&mut stage);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 42_000 + n), at(VIP, 80));
        let (there, _) = tun(RS1, RS1_IP);
        let syn = talk.syn();
        let begun = stage.now;
        for (k, s) in [0u64, 1, 3].into_iter().enumerate() {
            stage.now = begun + s * 1_000_000;
            let syn = syn.clone().id(50 + k as u16);
            stage.carry(&there, &syn);
            let outer = syn.ttl(62).within(DIRECTOR_IP.into(), RS1_IP.into());
            let error = Packet::icmp_about(RS1_IP.into(), &outer, 3, 2, 0);
            stage.carry(&[step(RS1, DIRECTOR)], &error);
        }
        stage.wait_ms(1500);
    }
    stage
}

/// Connections on a trunk; every second SYN-ACK goes out in another VLAN, where nobody takes it.
pub fn answered_in_another_vlan() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let tagged = |vlan: u16| (ROUTER_IN.tagged(vlan), RS1.tagged(vlan));
    for n in 0..8u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(RS1_IP, 80));
        let (router, rs) = tagged(100);
        let there = [step(CLIENT, ROUTER), step(router, rs)];
        let back = [step(rs, router), step(ROUTER, CLIENT)];
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(300);
            continue;
        }
        let (router, rs) = tagged(200);
        let syn = talk.syn();
        let syn_ack = talk.accept().syn_ack();
        let begun = stage.now;
        for (k, s) in [0u64, 1, 3].into_iter().enumerate() {
            stage.now = begun + s * 1_000_000;
            stage.carry(&there, &syn.clone().id(60 + k as u16));
            stage.carry(&[step(rs, router)], &syn_ack.clone().id(0));
        }
        stage.wait_ms(1500);
    }
    stage
}

/// A server with two interfaces of one bond: what leaves by the second is never heard.
pub fn one_leg_is_deaf() -> Stage {
    let mut stage = Stage::default().any("rs1");
    let second: Nic = Nic { index: 3, ..RS1 };
    for n in 0..16u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(RS1_IP, 80));
        if n % 2 == 0 {
            talk.whole(&mut stage, &[step(ROUTER_IN, RS1)], &[step(RS1, ROUTER_IN)]);
            stage.wait_ms(300);
            continue;
        }
        let syn = talk.syn();
        let syn_ack = talk.accept().syn_ack();
        let begun = stage.now;
        for (k, s) in [0u64, 1, 3].into_iter().enumerate() {
            stage.now = begun + s * 1_000_000;
            stage.carry(&[step(ROUTER_IN, RS1)], &syn.clone().id(60 + k as u16));
            stage.carry_and_lose(&[step(second, ROUTER_IN)], &syn_ack.clone().id(0), 1);
        }
        stage.wait_ms(1500);
    }
    stage
}
