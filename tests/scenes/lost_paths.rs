//! Packets that a host or a device on the way keeps for itself.

use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::Rewrite;
use crate::talk::{Step, Talk, Who, rewritten, step};
use std::net::Ipv4Addr;

/// Seconds after the first at which a client repeats its SYN, and a server its
/// SYN-ACK (Linux, `tcp_syn_retries` with the linear part off).
const RETRIES: [u64; 3] = [1, 3, 7];

/// A client whose SYNs come to an end after some steps of their way.
pub fn unanswered(stage: &mut Stage, talk: &mut Talk, there: &[Step], steps: usize) {
    let begin = stage.now;
    for after in [0].into_iter().chain(RETRIES) {
        stage.now = begin + after * 1_000_000;
        let syn = talk.syn();
        stage.carry_part(there, &syn, steps);
    }
}

/// Healthy connections, one every 150 ms.
pub fn healthy(stage: &mut Stage, ports: std::ops::Range<u16>, ways: impl Fn(u16) -> Ways) {
    for n in ports {
        let (there, back) = ways(n);
        Talk::new(at(CLIENT_IP, 40_000 + n), at(VIP, 80)).whole(stage, &there, &back);
        stage.wait_ms(150);
    }
}

/// A client on the VIP's own subnet, and its address.
const NEAR: Nic = Nic::new("near", 0x51);
const NEAR_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);
/// Clients elsewhere, behind the same router.
const FAR_IPS: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 21), Ipv4Addr::new(192, 0, 2, 33)];

/// DR for a client of the servers' own link.
fn dr_near(rs: Nic) -> Ways {
    (vec![step(NEAR, DIRECTOR), step(DIRECTOR, rs)], vec![step(rs, NEAR)])
}

fn wide_mask(stage: &mut Stage) {
    resolved(stage);
    stage.resolve((NEAR, NEAR_IP), (DIRECTOR, VIP), &[NEAR, ROUTER_IN, DIRECTOR, RS1, RS2]);
    for n in 0..6u16 {
        let (there, back) = dr([RS1, RS2][usize::from(n / 2 % 2)]);
        let client = at(FAR_IPS[usize::from(n % 2)], 41_000 + n);
        Talk::new(client, at(VIP, 80)).whole(stage, &there, &back);
        stage.wait_ms(200);
    }
    for n in 0..4u16 {
        let rs = [RS1, RS2][usize::from(n % 2)];
        let (there, back) = dr_near(rs);
        let mut talk = Talk::new(at(NEAR_IP, 42_000 + n), at(VIP, 80));
        if rs == RS2 {
            stage.resolve((RS2, RS2_IP), (NEAR, NEAR_IP), &[NEAR, ROUTER_IN, DIRECTOR, RS1, RS2]);
            talk.whole(stage, &there, &back);
            continue;
        }
        unanswered(stage, &mut talk, &there, there.len());
    }
}

/// The VIP stands on lo of rs1 as a /24, and the source check drops the SYN of a client in
/// there: rs1 is silent.
pub fn dr_vip_wide_mask_silent() -> Stage {
    let mut stage = Stage::capturing(&["client", "near", "director", "rs1", "rs2"]);
    wide_mask(&mut stage);
    stage
}

/// A connection whose later segments end after some steps of the way in.
fn half(stage: &mut Stage, talk: &mut Talk, there: &[Step], back: &[Step], steps: usize) {
    talk.handshake_half(stage, there, back, steps);
    let begin = stage.now;
    let request = b"GET /status HTTP/1.1\r\nHost: app.example\r\n\r\n";
    let mut first = true;
    // The server repeats its SYN-ACK, the client its request: milliseconds after it.
    for (ms, who) in [
        (1, Who::Client),
        (205, Who::Client),
        (630, Who::Client),
        (1000, Who::Server),
        (1480, Who::Client),
        (3000, Who::Server),
        (3180, Who::Client),
        (6600, Who::Client),
        (7000, Who::Server),
    ] {
        stage.now = begin + ms * 1000;
        if who == Who::Server {
            let mut again = talk.clone();
            again.server.next = again.server.next.wrapping_sub(1);
            again.client.next = again.client.next.wrapping_sub(request.len() as u32);
            let syn_ack = again.syn_ack();
            talk.server.id = talk.server.id.wrapping_add(1);
            stage.carry(back, &syn_ack);
            let ack = talk.ack(Who::Client);
            stage.carry_part(there, &ack, steps);
            continue;
        }
        if !std::mem::take(&mut first) {
            talk.client.next = talk.client.next.wrapping_sub(request.len() as u32);
        }
        let data = talk.data(Who::Client, request);
        stage.carry_part(there, &data, steps);
    }
}

impl Talk {
    /// A handshake whose last segment goes some steps only.
    fn handshake_half(&mut self, stage: &mut Stage, there: &[Step], back: &[Step], steps: usize) {
        let syn = self.syn();
        stage.carry(there, &syn);
        let syn_ack = self.accept().syn_ack();
        stage.carry(back, &syn_ack);
        let ack = self.open().ack(Who::Client);
        stage.carry_part(there, &ack, steps);
    }
}

/// The director's own firewall drops what it takes for invalid.
pub fn half_path_at_director() -> Stage {
    let mut stage = Stage::capturing(&["client", "director", "rs1", "rs2"]);
    resolved(&mut stage);
    for n in 0..4u16 {
        let (there, back) = dr([RS1, RS2][usize::from(n % 2)]);
        let mut talk = Talk::new(at(CLIENT_IP, 40_000 + n), at(VIP, 80));
        half(&mut stage, &mut talk, &there, &back, 2);
        stage.wait_ms(300);
    }
    stage
}

/// The way of TUN as a real server's `any` capture shows it: the packet once more as it
/// comes out of tunl0.
pub fn tun_opened(rs: Nic, rip: Ipv4Addr) -> Vec<Step> {
    let mut there = tun(rs, rip).0;
    there.push(rewritten(rs, rs, Rewrite::Unwrap));
    there
}
