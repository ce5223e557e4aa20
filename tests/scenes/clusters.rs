//! Nodes of a cluster by their own captures, where no balancer is in sight: what a node
//! translates, refuses, drops, puts into an overlay, or sends back.

use crate::packet::{ACK, Body, PSH, Packet};
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Rewrite, Step, Talk, Who, rewritten, step};
use std::net::Ipv4Addr;

/// A node, its side towards pods, and two pods of it.
const NODE: Nic = Nic::new("node", 0x51);
const NODE_IN: Nic = NODE.second(0x51);
const NODE_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 31);
const POD: Nic = Nic::new("pod", 0x71);
const POD_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 17);
const CALLER: Nic = Nic::new("caller", 0x72);
const CALLER_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 40);
/// Another node, and the gateways of both in the overlay.
const OTHER: Nic = Nic::new("other", 0x52);
const OTHER_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 32);
const OVERLAY: [[u8; 6]; 2] = [[0x66, 0xab, 0, 0, 0, 0x51], [0x66, 0xab, 0, 0, 0, 0x52]];
/// An address that the balancer of a cloud was to answer for.
const BALANCED: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 200);

/// A caller of the node reaches a pod by a service address.
fn inside(service: Ipv4Addr, port: u16) -> Ways {
    let there =
        vec![step(CALLER, NODE_IN), rewritten(NODE_IN, POD, Rewrite::Dst(at(POD_IP, 8080)))];
    let back =
        vec![step(POD, NODE_IN), rewritten(NODE_IN, CALLER, Rewrite::Src(at(service, port)))];
    (there, back)
}

/// One served call as the pod's host sees its addresses.
fn served(stage: &mut Stage, port: u16, service: Ipv4Addr, on: u16) {
    let (there, back) = inside(service, on);
    let mut talk = Talk::new(at(CALLER_IP, port), at(service, on));
    talk.handshake(stage, &there, &pods(&back));
    talk.exchange(stage, (&there, &pods(&back)), b"GET / HTTP/1.1\r\n\r\n", OK);
    talk.close(stage, &there, &pods(&back));
    stage.wait_ms(700);
}

/// The way back begins with the pod's own address.
fn pods(back: &[Step]) -> Vec<Step> {
    let mut back = back.to_vec();
    back[0].rewrite = Some(Rewrite::Src(at(POD_IP, 8080)));
    back
}

fn kube_ipvs(with_https: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..4u16 {
        served(&mut stage, 38_300 + n, BALANCED, 80);
        if with_https {
            served(&mut stage, 38_100 + n, BALANCED, 443);
            continue;
        }
        let mut talk = Talk::new(at(CALLER_IP, 38_100 + n), at(BALANCED, 443));
        let syn = talk.syn();
        stage.pass(CALLER, NODE_IN, &syn);
        stage.pass(NODE_IN, CALLER, &Talk::refusal_of(&syn));
        stage.wait_ms(800);
    }
    if !with_https {
        let mut talk = Talk::new(at(BALANCED, 41_000), at(BALANCED, 443));
        let syn = talk.syn();
        stage.loopback(NODE, &syn).loopback(NODE, &Talk::refusal_of(&syn));
        stage.wait_ms(900);
    }
    stage
}

/// The node has a balancer's address for port 80 and refuses port 443 itself.
pub fn address_for_one_port() -> Stage {
    kube_ipvs(false)
}

/// It has services on both.
pub fn address_for_both_ports() -> Stage {
    kube_ipvs(true)
}

/// The router that brings packets for a service address to the node.
fn announced(stage: &mut Stage, n: u16) {
    let mut talk = Talk::new(at(CLIENT_IP, 51_000 + n), at(VIP, 22));
    let (there, back) = (
        [step(CLIENT, ROUTER), step(ROUTER_IN, NODE)],
        [step(NODE, ROUTER_IN), step(ROUTER, CLIENT)],
    );
    talk.whole(stage, &there, &back);
    stage.wait_ms(900);
}

/// A service address is announced to the router; the node serves port 22 of it and sends
/// everything else back.
pub fn other_ports_go_round() -> Stage {
    let mut stage = Stage::capturing(&["node"]);
    for n in 0..2 {
        announced(&mut stage, n);
    }
    for n in 0..2u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 49_400 + n), at(VIP, 23));
        let mut syn = talk.syn().ttl(63);
        while syn.ttl > 2 {
            stage.pass(ROUTER_IN, NODE, &syn);
            syn.ttl -= 1;
            stage.pass(NODE, ROUTER_IN, &syn);
            syn.ttl -= 1;
        }
        stage.wait_ms(3000);
    }
    stage
}

/// It serves all that is asked for.
pub fn announced_and_served() -> Stage {
    let mut stage = Stage::capturing(&["node"]);
    for n in 0..4 {
        announced(&mut stage, n);
    }
    stage
}

/// Where the node translates a service to, in its own network.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 3);
const ASKS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 2);

/// The node's address towards its pods, and two of them that are gone.
const NODE_IN_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 1);
const GONE: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 81);
const GONE_TOO: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 82);

/// The node asks for the address to which it translates, and nobody has it.
pub fn translated_to_nobody() -> Stage {
    let mut stage = Stage::default().any("node");
    for (n, port) in [443, 80, 443].into_iter().enumerate() {
        let mut talk = Talk::new(at(CLIENT_IP, 40_100 + n as u16), at(NODE_IP, port));
        let begun = stage.now;
        for second in [0u64, 1, 3, 7] {
            stage.now = begun + second * 1_000_000;
            let syn = talk.syn();
            stage.pass(ROUTER_IN, NODE, &syn);
            for _ in 0..3 {
                stage.ask(NODE, ASKS, NOWHERE, &[NODE]).wait_ms(330);
            }
        }
        stage.wait_ms(5000);
    }
    stage
}

/// Two services of the node go to two pods that are gone, each with a SYN in the same tenth of a second; nobody
/// else's SYN is nearer to the question that each made it ask. `together`: both SYNs come before both questions.
pub fn two_are_gone(together: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..3u16 {
        let begun = stage.now;
        let mut talks = [(443u16, GONE), (80, GONE_TOO)].map(|(port, pod)| {
            (Talk::new(at(CLIENT_IP, 40_300 + n * 2 + port % 2), at(NODE_IP, port)), pod)
        });
        for second in [0u64, 1, 3] {
            stage.now = begun + second * 1_000_000;
            for (talk, pod) in &mut talks {
                let syn = talk.syn();
                stage.pass(ROUTER_IN, NODE, &syn);
                if !together {
                    stage.ask(NODE, NODE_IN_IP, *pod, &[NODE]).wait_ms(60);
                }
            }
            for _ in 0..2 {
                for (_, pod) in &talks {
                    stage.ask(NODE, NODE_IN_IP, *pod, &[NODE]);
                }
                stage.wait_ms(400);
            }
        }
        stage.wait_ms(5000);
    }
    stage
}

/// The node serves its clients and asks in vain for somebody who has nothing to do with
/// them, each time just after a SYN came.
pub fn asks_for_a_stranger() -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 40_200 + n), at(NODE_IP, 443));
        let (there, back) = ([step(ROUTER_IN, NODE)], [step(NODE, ROUTER_IN)]);
        talk.handshake(&mut stage, &there, &back);
        for _ in 0..3 {
            stage.ask(NODE, NODE_IP, Ipv4Addr::new(203, 0, 113, 99), &[NODE]).wait_ms(100);
        }
        talk.exchange(&mut stage, (&there, &back), b"GET / HTTP/1.1\r\n\r\n", OK);
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(2000);
    }
    stage
}

/// A packet in VXLAN (RFC 7348) from one node to the other, with a UDP checksum.
fn vxlan(packet: &Packet, forth: bool, sum: [u8; 2]) -> Packet {
    let (macs, ips) = if forth {
        (OVERLAY, [NODE_IP, OTHER_IP])
    } else {
        ([OVERLAY[1], OVERLAY[0]], [OTHER_IP, NODE_IP])
    };
    let mut inside = vec![8, 0, 0, 0, 0, 0, 1, 0];
    inside.extend([macs[1], macs[0]].concat());
    inside.extend([8, 0]);
    inside.extend(packet.bytes());
    let port = 26_000 + (packet.ends().0.port() & 0x3ff);
    let mut udp: Vec<u8> =
        [port, 8472, inside.len() as u16 + 8].into_iter().flat_map(u16::to_be_bytes).collect();
    udp.extend(sum);
    udp.extend(inside);
    Packet::new(ips[0].into(), ips[1].into(), Body::Raw(17, udp)).id(packet.id)
}

fn across(stage: &mut Stage, packet: &Packet, forth: bool, sum: [u8; 2]) {
    let (from, to) = if forth { (NODE, OTHER) } else { (OTHER, NODE) };
    stage.pass(from, to, &vxlan(packet, forth, sum));
}

/// Callers on one node reach a pod on the other; those whose SYNs have a wrong sum around
/// them are answered when a repeat has none.
fn sums(wrong: bool) -> Stage {
    let mut stage = Stage::capturing(&["node", "other"]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CALLER_IP, 39_200 + n), at(POD_IP, 80));
        let begun = stage.now;
        if wrong && n % 2 == 0 {
            for second in [0u64, 1, 3, 7, 15, 31] {
                stage.now = begun + second * 1_000_000;
                let syn = talk.syn();
                across(&mut stage, &syn, true, [0xff, 0xff]);
            }
            stage.now = begun + 63_000_000;
        }
        let none = [0, 0];
        let syn = talk.syn();
        across(&mut stage, &syn, true, none);
        let syn_ack = talk.accept().syn_ack();
        across(&mut stage, &syn_ack, false, none);
        let ack = talk.open().ack(Who::Client);
        across(&mut stage, &ack, true, none);
        let ask = talk.data(Who::Client, b"GET / HTTP/1.1\r\n\r\n");
        across(&mut stage, &ask, true, none);
        let answer = talk.data(Who::Server, OK);
        across(&mut stage, &answer, false, none);
        for who in [Who::Client, Who::Server] {
            let fin = talk.fin(who);
            across(&mut stage, &fin, who == Who::Client, none);
        }
        let ack = talk.ack(Who::Client);
        across(&mut stage, &ack, true, none);
        stage.wait_ms(900);
    }
    stage
}

/// Half of the SYNs go in datagrams with a wrong UDP checksum.
pub fn outer_sum_wrong() -> Stage {
    sums(true)
}

/// None does.
pub fn outer_sum_left_out() -> Stage {
    sums(false)
}

/// The node translates what comes from the router and sends it to the other in VXLAN.
fn uploads(size: usize, fits: bool) -> Stage {
    let mut stage = Stage::capturing(&["node"]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 61_000 + n), at(VIP, 443));
        let none = [0, 0];
        let forth = |stage: &mut Stage, packet: &Packet, passes: bool| {
            let packet = packet.clone().ttl(60);
            stage.pass(ROUTER_IN, NODE, &packet);
            if passes {
                let on = packet.to(at(POD_IP, 8443)).ttl(59);
                across(stage, &on, true, none);
            }
        };
        let back = |stage: &mut Stage, packet: &Packet| {
            let from_pod = packet.clone().from(at(POD_IP, 8443)).ttl(63);
            across(stage, &from_pod, false, none);
            stage.pass(NODE, ROUTER_IN, &packet.clone().ttl(62));
        };
        let syn = talk.syn();
        forth(&mut stage, &syn, true);
        let syn_ack = talk.accept().syn_ack();
        back(&mut stage, &syn_ack);
        let ack = talk.open().ack(Who::Client);
        forth(&mut stage, &ack, true);
        let head = talk.data(Who::Client, b"POST /up HTTP/1.1\r\nContent-Length: 1408\r\n\r\n");
        forth(&mut stage, &head, true);
        let ack = talk.ack(Who::Server);
        back(&mut stage, &ack);
        if n % 2 == 1 || fits {
            let body = talk.data(Who::Client, &vec![0x61; if n % 2 == 1 { 200 } else { size }]);
            forth(&mut stage, &body, true);
            let answer = talk.data(Who::Server, OK);
            back(&mut stage, &answer);
            for who in [Who::Client, Who::Server] {
                let fin = talk.fin(who);
                if who == Who::Client {
                    forth(&mut stage, &fin, true);
                } else {
                    back(&mut stage, &fin);
                }
            }
            let ack = talk.ack(Who::Client);
            forth(&mut stage, &ack, true);
        } else {
            let begun = stage.now;
            for ms in [0, 210, 640, 1500, 3200, 6700] {
                stage.now = begun + ms * 1000;
                let body = talk.segment(Who::Client, PSH | ACK, &vec![0x61; size]);
                forth(&mut stage, &body, false);
            }
        }
        stage.wait_ms(1200);
    }
    stage
}

/// Full segments are not put into the overlay.
pub fn full_segments_kept() -> Stage {
    uploads(1408, false)
}

/// They fit.
pub fn full_segments_fit() -> Stage {
    uploads(1358, true)
}

/// The node's own capture of what pods of it answer, filtered by ports: requests come in a
/// tunnel that the filter leaves out.
fn answers_directly(whole: bool) -> Stage {
    let mut stage = Stage::capturing(&["node"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 55_830 + n), at(OTHER_IP, 31_852));
        let _ = talk.syn();
        let aged = |packet: Packet| packet.ttl(63);
        let syn_ack = talk.accept().syn_ack();
        stage.pass(NODE, ROUTER_IN, &aged(syn_ack));
        let _ = talk.open().ack(Who::Client);
        let ack = talk.ack(Who::Server);
        if whole {
            stage.pass(NODE, ROUTER_IN, &aged(ack));
            let answer = talk.data(Who::Server, OK);
            stage.pass(NODE, ROUTER_IN, &aged(answer));
        } else {
            let stray = ack.from(at(NODE_IP, 9898));
            stage.pass(NODE, ROUTER_IN, &aged(stray.clone()));
            stage.pass(ROUTER_IN, NODE, &Talk::rst_for(&stray));
        }
        stage.wait_ms(2000);
    }
    stage
}

/// Only the SYN-ACK has the address that was called.
pub fn half_translated() -> Stage {
    answers_directly(false)
}

/// All answers have it.
pub fn wholly_translated() -> Stage {
    answers_directly(true)
}

/// An address of a service on which the node drops what comes from outside, though a pod of
/// it answers calls from inside.
pub fn drops_what_comes_from_outside() -> Stage {
    let mut stage = Stage::default().any("node");
    stage.resolve((ROUTER_IN, ROUTER_IP), (NODE, VIP), &[ROUTER_IN, NODE]);
    for n in 0..3u16 {
        served(&mut stage, 36_100 + n, Ipv4Addr::new(10, 108, 2, 154), 80);
        let mut talk = Talk::new(at(CLIENT_IP, 47_300 + n), at(VIP, 80));
        let begun = stage.now;
        for second in [0u64, 1, 3, 7] {
            stage.now = begun + second * 1_000_000;
            let syn = talk.syn();
            stage.pass(ROUTER_IN, NODE, &syn);
        }
        stage.wait_ms(2000);
    }
    stage
}
