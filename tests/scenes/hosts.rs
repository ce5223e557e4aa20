//! Whose capture it is, and who is who: a director that shares its link with the client,
//! a server in front of it, and a cloud's proxy that calls its caller back.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Talk, Who, step};
use std::net::Ipv4Addr;

/// A client on the servers' own link.
const NEAR: Nic = Nic::new("client", 0x11);
const NEAR_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);
/// A cloud's fabric: one MAC for everybody.
const FABRIC: Nic = Nic::new("fabric", 0x99);
const CALLER_IP: Ipv4Addr = Ipv4Addr::new(10, 30, 0, 37);
const CLOUD_VIP: Ipv4Addr = Ipv4Addr::new(10, 30, 0, 38);
/// The proxy's own network (RFC 6598).
const PROXY_IP: Ipv4Addr = Ipv4Addr::new(100, 97, 134, 22);
/// Somebody else who calls the server.
const STRANGER_IP: Ipv4Addr = Ipv4Addr::new(10, 30, 4, 9);

/// Packets go on as they are: DR lowered no TTL before Linux 4.16.
fn kept(stage: &mut Stage, way: &[(Nic, Nic)], packet: &Packet) {
    for (from, to) in way {
        stage.pass(*from, *to, packet);
    }
}

/// One request and its answer, with all packets on one way there and one back.
fn kept_talk(
    stage: &mut Stage,
    port: u16,
    client: Ipv4Addr,
    there: &[(Nic, Nic)],
    back: &[(Nic, Nic)],
) {
    let mut talk = Talk::new(at(client, port), at(VIP, 80));
    let (syn, syn_ack, ack) = (talk.syn(), talk.syn_ack(), talk.ack(Who::Client));
    kept(stage, there, &syn);
    kept(stage, back, &syn_ack);
    kept(stage, there, &ack);
    let ask = talk.data(Who::Client, b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\n");
    kept(stage, there, &ask);
    let answer = talk.data(Who::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    kept(stage, back, &answer);
    let fin = talk.fin(Who::Client);
    kept(stage, there, &fin);
    let fin = talk.fin(Who::Server);
    kept(stage, back, &fin);
    let ack = talk.ack(Who::Client);
    kept(stage, there, &ack);
    stage.wait_ms(300);
}

fn near_client(stage: &mut Stage) {
    for n in 0..4u16 {
        let rs = [RS1, RS2][usize::from(n % 2)];
        kept_talk(stage, 42_000 + n, NEAR_IP, &[(NEAR, DIRECTOR), (DIRECTOR, rs)], &[(rs, NEAR)]);
    }
}

/// A DR director alone, with its client on its own link and no ARP in the capture.
pub fn director_beside_its_client() -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    near_client(&mut stage);
    stage
}

/// The same with `-i any`.
pub fn director_beside_its_client_any() -> Stage {
    let mut stage = Stage::default().any("director");
    near_client(&mut stage);
    stage
}

/// Frames for the VIP go to a server that keeps none of them and passes them on.
pub fn passing_server() -> Stage {
    let mut stage = Stage::capturing(&["director", "rs1", "rs2"]);
    for n in 0..4u16 {
        let there = [(ROUTER_IN, RS1), (RS1, DIRECTOR), (DIRECTOR, RS2)];
        kept_talk(&mut stage, 43_000 + n, CLIENT_IP, &there, &[(RS2, ROUTER_IN)]);
    }
    stage
}

/// A router stands where that server stood: it links two networks and lowers the TTL.
pub fn router_in_front() -> Stage {
    let inner = RS1.second(0x43);
    let mut stage = Stage::capturing(&["director", "rs2"]).any("rs1");
    for n in 0..4u16 {
        let there = [step(CLIENT, RS1), step(inner, DIRECTOR), step(DIRECTOR, RS2)];
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80));
        talk.whole(&mut stage, &there, &[step(RS2, inner), step(RS1, CLIENT)]);
        stage.wait_ms(300);
    }
    stage
}

/// A server calls a service of a cloud, and is called meanwhile by somebody.
fn called_back(stage: &mut Stage, from: Ipv4Addr, asked: &str, answer: &[u8]) {
    let (out, back) = ([step(RS1, FABRIC)], [step(FABRIC, RS1)]);
    let mut front = Talk::new(at(CALLER_IP, 60_120), at(CLOUD_VIP, 8080));
    let mut behind = Talk::new(at(from, 10_064), at(CALLER_IP, 80));
    front.handshake(stage, &out, &back);
    let ask = b"GET /list HTTP/1.1\r\nHost: api.example\r\n\r\n";
    let request = front.data(Who::Client, ask);
    stage.carry(&out, &request);
    // What comes from beyond the fabric has a lower TTL than what it answers itself.
    let far = [step(DIRECTOR, ROUTER), step(ROUTER, FABRIC), step(FABRIC, RS1)];
    behind.handshake(stage, &far, &out);
    behind.exchange(stage, (&far, &out), asked.as_bytes(), answer);
    behind.close(stage, &far, &out);
    let whole = b"HTTP/1.1 200 OK\r\nETag: \"71a\"\r\nContent-Length: 24\r\n\r\n{\"items\":[1,2,3,4,5,6]}\n";
    let response = front.data(Who::Server, whole);
    stage.carry(&back, &response);
    front.close(stage, &out, &back);
    stage.wait_ms(500);
}

/// A cloud's proxy chooses its own caller: it answers as the VIP and calls from elsewhere.
pub fn proxy_calls_back() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let asked = "GET /list HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nETag: \"71a\"\r\nContent-Length: 24\r\n\r\n{\"items\":[1,2,3,4,5,6]}\n";
    called_back(&mut stage, PROXY_IP, asked, answer);
    stage
}

/// The same times and the same question, but of somebody else, who gets another answer.
pub fn stranger_calls_meanwhile() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let asked = "GET /list HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nETag: \"0c\"\r\nContent-Length: 3\r\n\r\n[]\n";
    called_back(&mut stage, STRANGER_IP, asked, answer);
    stage
}

/// A DR server calls the VIP, which it takes by a redirect rule and has on no interface;
/// the director sends every other call of it back to it.
pub fn called_itself() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..4u16 {
        let there = [(ROUTER_IN, DIRECTOR), (DIRECTOR, RS1)];
        kept_talk(&mut stage, 44_000 + n, CLIENT_IP, &there, &[(RS1, ROUTER_IN)]);
    }
    for n in 0..2u16 {
        let mut talk = Talk::new(at(RS1_IP, 45_000 + n), at(VIP, 80));
        let syn = talk.syn();
        for wait in [1000, 2000, 4000] {
            kept(&mut stage, &[(RS1, DIRECTOR), (DIRECTOR, RS1)], &syn);
            stage.wait_ms(wait);
        }
        let there = [(RS1, DIRECTOR), (DIRECTOR, RS2)];
        kept_talk(&mut stage, 46_000 + n, RS1_IP, &there, &[(RS2, RS1)]);
    }
    stage
}

/// The same calls, all served by the other server.
pub fn called_the_other() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..4u16 {
        let there = [(ROUTER_IN, DIRECTOR), (DIRECTOR, RS1)];
        kept_talk(&mut stage, 44_000 + n, CLIENT_IP, &there, &[(RS1, ROUTER_IN)]);
        let there = [(RS1, DIRECTOR), (DIRECTOR, RS2)];
        kept_talk(&mut stage, 46_000 + n, RS1_IP, &there, &[(RS2, RS1)]);
    }
    stage
}

/// A fabric brings many callers of several networks to a server that never answers but
/// with ICMP; its MAC is nobody's, and the capture is the server's.
pub fn many_behind_one_mac() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..6u8 {
        let ip = Ipv4Addr::new(10, 40 + n % 3, 7, 20 + n);
        let (there, back) = ([(FABRIC, RS1)], [(RS1, FABRIC)]);
        kept_talk(&mut stage, 47_000 + u16::from(n), ip, &there, &back);
    }
    stage
}
