//! VLANs of a trunk, captured with their tags.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Rewrite, Talk, rewritten, step};
use std::net::Ipv4Addr;

/// The servers' VLAN, the one in which the director is by mistake, and that of VRRP.
const SERVERS: u16 = 110;
const WRONG: u16 = 120;
const HEARTBEAT: u16 = 199;

/// Who mirrors the trunk.
const TRUNK: Nic = Nic::new("trunk", 0x77);

/// A frame of a VLAN passes the trunk, and its mirror with it.
fn pass(stage: &mut Stage, from: Nic, to: Nic, packet: &Packet) {
    stage.overheard(TRUNK.tagged(SERVERS), from, to, packet);
    stage.pass(from, to, packet);
}

/// The director was moved to a port of another VLAN: it is master and announces the VIP
/// there, and the router asks for it in the servers'. What needs no director works.
pub fn mismatch() -> Stage {
    let mut stage = Stage::capturing(&["client", "trunk"]);
    let (right, wrong) = (TRUNK.tagged(SERVERS), TRUNK.tagged(WRONG));
    stage.resolve((CLIENT, CLIENT_IP), (ROUTER, ROUTER_OUT_IP), &[CLIENT, ROUTER]);
    stage.ask(ROUTER_IN, ROUTER_IP, RS1_IP, &[right]);
    let answer = arp(2, (RS1, RS1_IP), (ROUTER_IN.mac, ROUTER_IP));
    stage.overheard_frame(right, RS1, ROUTER_IN, &answer);
    let mut next = stage.now;
    for n in 0..6u16 {
        // The master advertises once a second, and announces the VIP when it takes over.
        while next <= stage.now {
            let now = std::mem::replace(&mut stage.now, next);
            stage.advertise((DIRECTOR, DIRECTOR_IP), (51, 150), &[VIP], &[wrong]);
            if next < 2_000_000 {
                stage.announce(DIRECTOR, VIP, &[wrong]);
            }
            stage.now = now.max(stage.now);
            next += 1_000_000;
        }
        if n % 3 == 0 {
            direct(&mut stage, 42_000 + n);
        } else {
            in_vain(&mut stage, 40_000 + n);
        }
        stage.wait_ms(400);
    }
    stage
}

/// A connection to a real server's own address, by the router alone.
fn direct(stage: &mut Stage, port: u16) {
    let mut talk = Talk::new(at(CLIENT_IP, port), at(RS1_IP, 8443));
    let there = |stage: &mut Stage, packet: Packet| {
        stage.pass(CLIENT, ROUTER, &packet);
        pass(stage, ROUTER_IN, RS1, &packet.ttl(63));
    };
    let back = |stage: &mut Stage, packet: Packet| {
        pass(stage, RS1, ROUTER_IN, &packet);
        stage.pass(ROUTER, CLIENT, &packet.ttl(63));
    };
    use crate::talk::Who::{Client, Server};
    there(stage, talk.syn());
    back(stage, talk.accept().syn_ack());
    there(stage, talk.open().ack(Client));
    there(stage, talk.data(Client, b"GET /health HTTP/1.1\r\nHost: rs1\r\n\r\n"));
    stage.now += 900;
    back(stage, talk.data(Server, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"));
    there(stage, talk.ack(Client));
    there(stage, talk.fin(Client));
    back(stage, talk.fin(Server));
    there(stage, talk.ack(Client));
}

/// A SYN for the VIP, for which the router asks three times and then gives up.
fn in_vain(stage: &mut Stage, port: u16) {
    let mut talk = Talk::new(at(CLIENT_IP, port), at(VIP, 80));
    let begin = stage.now;
    let syn = talk.syn();
    stage.pass(CLIENT, ROUTER, &syn);
    for ask in 0..3 {
        stage.now = begin + 150 + ask * 1_024_000;
        stage.ask(ROUTER_IN, ROUTER_IP, VIP, &[TRUNK.tagged(SERVERS)]);
        if ask == 0 {
            stage.now = begin + 1_010_000;
            let syn = talk.syn();
            stage.pass(CLIENT, ROUTER, &syn);
        }
    }
    stage.now = begin + 3_075_000;
    let told = Packet::icmp_about(ROUTER_OUT_IP.into(), &syn, 3, 1, 0);
    stage.pass(ROUTER, CLIENT, &told);
}

/// NAT by a director on a stick: one interface, one MAC, the VIP in one VLAN and the real
/// servers in another, VRRP in a third. Its capture is of the trunk.
pub fn on_a_stick() -> Stage {
    let mut stage = Stage::capturing(&["client", "director", "rs1", "rs2"]);
    let (outer, inner) = (DIRECTOR.tagged(SERVERS), DIRECTOR.tagged(WRONG));
    stage.resolve((CLIENT, CLIENT_IP), (ROUTER, ROUTER_OUT_IP), &[CLIENT, ROUTER]);
    stage.resolve((ROUTER_IN, ROUTER_IP), (outer, VIP), &[ROUTER_IN, outer]);
    for (rs, ip) in [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)] {
        stage.resolve((inner, DIRECTOR_IN_IP), (rs, ip), &[inner, RS1, RS2]);
    }
    let service = at(VIP, 80);
    for n in 0..6u16 {
        let heartbeat = Ipv4Addr::new(10, 199, 0, 5);
        stage.advertise((DIRECTOR.tagged(HEARTBEAT), heartbeat), (51, 150), &[VIP], &[]);
        let (rs, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let server = at(ip, 8080);
        let there = [
            step(CLIENT, ROUTER),
            step(ROUTER_IN, outer),
            rewritten(inner, rs, Rewrite::Dst(server)),
        ];
        let back = [
            rewritten(rs, inner, Rewrite::Src(server)),
            rewritten(outer, ROUTER_IN, Rewrite::Src(service)),
            step(ROUTER, CLIENT),
        ];
        Talk::new(at(CLIENT_IP, 40_000 + n), service).whole(&mut stage, &there, &back);
        stage.wait_ms(900);
    }
    stage
}
