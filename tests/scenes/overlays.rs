//! What single hosts of clusters and overlays show, each with what comes close and is well: a
//! tunnel without room, a proxy that closes for an answer, greetings that are held, handshakes of
//! WireGuard, questions to an address of the link, pings.

use crate::packet::{Body, Packet};
use crate::places::{CLIENT_IP, ROUTER_IN, at};
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Rewrite, Talk, Who, rewritten, step};
use std::net::{IpAddr, Ipv4Addr};

const NODE: Nic = Nic::new("node", 0xa0);
const NODE_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 31);
/// The node's bridge, behind it a pod.
const BRIDGE: Nic = NODE.second(0xa1);
const POD: Nic = Nic::new("pod", 0xb1);
const POD_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 11);
const PEER: Nic = Nic::new("peer", 0xc1);
const PEER_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 32);
const EXTERNAL: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 80);
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// A node packs what comes for a service into a tunnel to its pod; answers pass it bare.
fn packed(heeds: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    let (outer, inner): (IpAddr, IpAddr) = (NODE_IP.into(), POD_IP.into());
    let there = [step(ROUTER_IN, NODE), rewritten(BRIDGE, POD, Rewrite::Wrap(outer, inner))];
    let back = [step(POD, BRIDGE), step(NODE, ROUTER_IN)];
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(EXTERNAL, 5201));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), b"hello", b"hi");
        let before = talk.clone();
        let large = talk.data(Who::Client, &[b'x'; 1448]);
        stage.carry_part(&there, &large, 1);
        let told = Packet::icmp_about(outer, &large, 3, 4, 1480);
        stage.carry(&back[1..], &told);
        if heeds {
            talk = before;
            for part in [&[b'x'; 1428][..], &[b'x'; 20]] {
                stage.carry(&there, &talk.data(Who::Client, part));
            }
            stage.carry(&back, &talk.ack(Who::Server));
            talk.close(&mut stage, &there, &back);
        } else {
            for wait in [220u64, 440, 880, 1760] {
                stage.wait_ms(wait);
                stage.carry_part(&there, &large.clone().id(9000 + wait as u16), 1);
                stage.carry(&back[1..], &told);
            }
        }
        stage.wait_ms(700);
    }
    stage
}

/// The client sends what does not fit again and again.
pub fn too_big_ignored() -> Stage {
    packed(false)
}

/// It sends smaller segments.
pub fn too_big_heeded() -> Stage {
    packed(true)
}

/// A server that takes what it is sent; who closes first, and how soon.
fn taken(server_closes_after_ms: Option<u64>) -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let ways = ([step(BRIDGE, POD)], [step(POD, BRIDGE)]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 45_000 + n), at(POD_IP, 8080));
        talk.handshake(&mut stage, &ways.0, &ways.1);
        stage.carry(&ways.0, &talk.data(Who::Client, b"\x01\x02\x07record"));
        stage.carry(&ways.1, &talk.ack(Who::Server));
        match server_closes_after_ms {
            Some(ms) => {
                stage.wait_ms(ms);
                stage.carry(&ways.1, &talk.fin(Who::Server));
                stage.carry(&ways.0, &talk.fin(Who::Client));
                stage.carry(&ways.1, &talk.ack(Who::Server));
            }
            None => {
                talk.close(&mut stage, &ways.0, &ways.1);
            }
        }
        stage.wait_ms(500);
    }
    stage
}

/// It closes at once, without a byte.
pub fn closes_for_an_answer() -> Stage {
    taken(Some(1))
}

/// It closes when nothing comes for a while, as who only takes does.
pub fn closes_when_idle() -> Stage {
    taken(Some(60_000))
}

/// It answers, and the capture lacks the frame.
pub fn answer_not_captured() -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let ways = ([step(BRIDGE, POD)], [step(POD, BRIDGE)]);
    let mut talk = Talk::new(at(CLIENT_IP, 45_100), at(POD_IP, 8080));
    talk.handshake(&mut stage, &ways.0, &ways.1);
    stage.carry(&ways.0, &talk.data(Who::Client, GET));
    let _ = talk.data(Who::Server, OK);
    stage.carry(&ways.0, &talk.ack(Who::Client));
    stage.carry(&ways.1, &talk.fin(Who::Server));
    stage.carry(&ways.0, &talk.fin(Who::Client));
    stage
}

/// The client closes.
pub fn sends_and_closes() -> Stage {
    taken(None)
}

/// A database that speaks first, so long after the connection stands.
fn greeted(port: u16, ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let ways = ([step(POD, BRIDGE)], [step(BRIDGE, POD)]);
    for n in 0..4u16 {
        let service = at(Ipv4Addr::new(10, 96, 7, 9), port);
        let mut talk = Talk::new(at(POD_IP, 46_000 + n), service);
        talk.handshake(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(ms);
        stage.carry(&ways.1, &talk.data(Who::Server, b"\x0a8.0.36\0caching_sha2_password\0"));
        stage.carry(&ways.0, &talk.ack(Who::Client));
        talk.exchange(&mut stage, (&ways.0, &ways.1), b"login", b"fine");
        talk.close(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(500);
    }
    stage
}

/// A proxy between holds it for five seconds.
pub fn greeting_held() -> Stage {
    greeted(3306, 5003)
}

/// A mail server that greets late on purpose.
pub fn mail_greets_late() -> Stage {
    greeted(25, 5003)
}

/// A database under load.
pub fn greeting_slow() -> Stage {
    greeted(3306, 900)
}

/// One datagram between two nodes.
fn between(stage: &mut Stage, asks: bool, port: u16, payload: &[u8]) {
    let (node, peer) = (at(NODE_IP, port), at(PEER_IP, port));
    let (from, to, src, dst) =
        if asks { (NODE, PEER, node, peer) } else { (PEER, NODE, peer, node) };
    stage.pass(from, to, &Packet::udp(src, dst, payload));
}

/// A message of WireGuard: its type, and bytes that differ each time.
fn message(kind: u8, length: usize, n: u8) -> Vec<u8> {
    let mut bytes = vec![n.wrapping_mul(37).wrapping_add(11); length];
    bytes[..4].copy_from_slice(&[kind, 0, 0, 0]);
    bytes
}

fn wireguard(answered: bool) -> Stage {
    let mut stage = Stage::capturing(&["node"]);
    for n in 0..6u8 {
        between(&mut stage, true, 51_820, &message(1, 148, n));
        if answered {
            between(&mut stage, false, 51_820, &message(2, 92, n));
            between(&mut stage, true, 51_820, &message(4, 32, n));
        }
        stage.wait_ms(if answered { 120_000 } else { 5_000 + 40 * u64::from(n) });
    }
    stage
}

/// No initiation is answered.
pub fn handshakes_in_vain() -> Stage {
    wireguard(false)
}

/// Each is.
pub fn handshakes_answered() -> Stage {
    wireguard(true)
}

/// Meters of one length, reported at a pace of WireGuard's.
pub fn reports_of_one_length() -> Stage {
    let mut stage = Stage::capturing(&["node"]);
    for n in 0..6u8 {
        between(&mut stage, true, 8125, &message(b'm', 150, n));
        stage.wait_ms(5_100);
    }
    stage
}

/// A pod asks the resolver of its node, at an address of the link.
fn asks_its_node(listens: bool) -> Stage {
    let mut stage = Stage::default().any("pod");
    let resolver = at(Ipv4Addr::new(169, 254, 20, 10), 53);
    for n in 0..4u16 {
        let asker = at(POD_IP, 40_100 + n);
        let name = b"\x03api\x04shop\x03svc\x07cluster\x05local\0\0\x01\0\x01";
        let head = [&[0x10, n as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], name].concat();
        let question = Packet::udp(asker, resolver, &head).id(700 + n);
        stage.pass(POD, BRIDGE, &question);
        if listens {
            let mut said = head.clone();
            said[2..4].copy_from_slice(&[0x81, 0x83]);
            stage.pass(BRIDGE, POD, &Packet::udp(resolver, asker, &said));
        } else {
            let told = Packet::icmp_about(resolver.ip(), &question, 3, 3, 0);
            stage.pass(BRIDGE, POD, &told);
        }
        stage.wait_ms(900);
    }
    stage
}

/// Nobody listens there.
pub fn node_resolver_down() -> Stage {
    asks_its_node(false)
}

/// It answers.
pub fn node_resolver_up() -> Stage {
    asks_its_node(true)
}

/// A pod pings another, and sends nothing else.
fn pinged(answered: bool) -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let (own, other): (IpAddr, IpAddr) = (POD_IP.into(), Ipv4Addr::new(10, 244, 2, 7).into());
    for n in 0..5u8 {
        let rest = [&[0, 9, 0, n][..], &[b'p'; 56]].concat();
        let ask = Body::Icmp { kind: 8, code: 0, rest: rest.clone() };
        stage.pass(POD, BRIDGE, &Packet::new(own, other, ask));
        if answered {
            let reply = Body::Icmp { kind: 0, code: 0, rest };
            stage.pass(BRIDGE, POD, &Packet::new(other, own, reply));
        }
        stage.wait_ms(1000);
    }
    stage
}

/// In vain.
pub fn pings_in_vain() -> Stage {
    pinged(false)
}

/// Answered.
pub fn pings_answered() -> Stage {
    pinged(true)
}

/// A pod calls a service whose pod is its neighbour on one bridge; its own capture.
pub fn neighbour_answers_itself() -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let other = Nic::new("other", 0xb2);
    let service = at(Ipv4Addr::new(10, 96, 7, 9), 7800);
    let server = at(Ipv4Addr::new(10, 244, 1, 12), 7800);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(POD_IP, 47_000 + n), service);
        let syn = talk.syn();
        stage.carry(&[step(POD, BRIDGE)], &syn);
        let syn_ack = talk.accept().syn_ack().from(server);
        stage.carry(&[step(other, POD)], &syn_ack);
        stage.carry(&[step(POD, other)], &Talk::rst_for(&syn_ack));
        stage.wait_ms(900);
    }
    stage
}

/// The same of questions: the answer comes from the neighbour's own address.
pub fn neighbour_answers_datagrams() -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let other = Nic::new("other", 0xb2);
    let service = at(Ipv4Addr::new(10, 96, 0, 10), 53);
    let server = at(Ipv4Addr::new(10, 244, 1, 12), 53);
    for n in 0..3u16 {
        let asker = at(POD_IP, 48_000 + n);
        for again in 0..2u16 {
            let question =
                [&[0x20, n as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x01a\0\0\x01\0\x01"];
            let question = Packet::udp(asker, service, &question.concat()).id(30 + n * 2 + again);
            stage.pass(POD, BRIDGE, &question);
            let answer =
                [&[0x20, n as u8, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x01a\0\0\x01\0\x01"];
            stage.pass(other, POD, &Packet::udp(server, asker, &answer.concat()));
            stage.wait_ms(5000);
        }
    }
    stage
}

/// What Google's proxies ask a server for clients, beside its checks, from the same networks.
pub fn proxies_and_checks() -> Stage {
    let mut stage = Stage::capturing(&["pod"]);
    let ways = ([step(BRIDGE, POD)], [step(POD, BRIDGE)]);
    for n in 0..4u16 {
        for (agent, last) in [("GoogleHC/1.0", 60), ("curl/8.5.0", 90)] {
            let from = at(Ipv4Addr::new(35, 191, 8, last), 40_000 + n * 11);
            let mut talk = Talk::new(from, at(POD_IP, 8080));
            talk.handshake(&mut stage, &ways.0, &ways.1);
            let ask = format!("GET / HTTP/1.1\r\nUser-Agent: {agent}\r\n\r\n");
            talk.exchange(&mut stage, (&ways.0, &ways.1), ask.as_bytes(), OK);
            talk.close(&mut stage, &ways.0, &ways.1);
            stage.wait_ms(700);
        }
    }
    stage
}
