//! Answers that are errors of a service's own protocol, and what looks like them; SYN-ACKs that come and
//! do nothing; and advertisements of VRRP that nobody heeds.

use crate::packet::{Body, Packet};
use crate::places::*;
use crate::stage::{Stage, group, group6};
use crate::talk::{Step, Talk, Who, step};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const LAN: ([Step; 1], [Step; 1]) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
const STARTUP: &[u8] = b"\0\0\0\x11\0\x03\0\0user\0app\0\0";
const LET_IN: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const FULL: &[u8] = b"E\0\0\0\x35SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0";

/// What two servers in NAT answer to the same words; rs2's answers are `of_rs2`.
fn nat_answers(port: u16, asks: &[u8], well: &[u8], of_rs2: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let service = at(VIP, port);
        let (there, back) = nat(nic, at(ip, port), service);
        let mut talk = Talk::new(at(CLIENT_IP, 49_000 + 11 * n), service);
        talk.handshake(&mut stage, &there, &back);
        let answer = if n % 2 == 0 { well } else { of_rs2 };
        talk.exchange(&mut stage, (&there, &back), asks, answer);
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(300);
    }
    stage
}

/// PostgreSQL: rs2 has no connection left.
pub fn postgres_full() -> Stage {
    nat_answers(5432, STARTUP, LET_IN, FULL)
}

/// Both let everybody in.
pub fn postgres_well() -> Stage {
    nat_answers(5432, STARTUP, LET_IN, LET_IN)
}

/// A client's questions, each answered as told.
fn asked_of(port: u16, answers: &[(&[u8], &[u8])]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for (n, (asks, answer)) in answers.iter().enumerate() {
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + n as u16), at(VIP, port));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), asks, answer);
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(400);
    }
    stage
}

/// Requests that are answered with 400 are at fault themselves.
pub fn one_bad_request() -> Stage {
    let ok: (&[u8], &[u8]) = (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n");
    let bad: (&[u8], &[u8]) = (b"GET /% HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n");
    asked_of(80, &[ok, bad, ok, bad, ok, bad])
}

/// A statement is cancelled by PostgreSQL's own request, on a connection of its own that the server
/// closes without a byte.
pub fn postgres_cancelled() -> Stage {
    let mut stage = asked_of(5432, &[(STARTUP, LET_IN), (STARTUP, LET_IN)]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 47_100 + n), at(VIP, 5432));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let cancel = [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0x12, n as u8, 1, 2, 3, 4];
        stage.carry(&LAN.0, &talk.data(Who::Client, &cancel));
        stage.carry(&LAN.1, &talk.ack(Who::Server));
        talk.close_by_server(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(700);
    }
    stage
}

/// Names asked of a server by UDP, each of one letter; those of `fails` end in SERVFAIL.
fn resolves(names: &[u8], fails: fn(u8) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for (n, name) in (0u16..).zip(names) {
        let (client, server) = (at(CLIENT_IP, 46_000 + 7 * n), at(VIP, 53));
        stage.carry(&LAN.0, &Packet::udp(client, server, &dns(n, *name, [1, 0])));
        stage.wait_ms(4);
        let rcode = if fails(*name) { 2 } else { 3 };
        stage.carry(&LAN.1, &Packet::udp(server, client, &dns(n, *name, [0x81, 0x80 | rcode])));
        stage.wait_ms(500);
    }
    stage
}

/// A DNS message that asks for a name of one letter below `example`.
fn dns(id: u16, name: u8, flags: [u8; 2]) -> Vec<u8> {
    let id = (id * 77).to_be_bytes();
    let head = [&id[..], &flags, b"\0\x01\0\0\0\0\0\0\x01", &[name]].concat();
    [&head[..], b"\x07example\0\0\x01\0\x01"].concat()
}

/// The name server resolves nothing.
pub fn resolves_nothing() -> Stage {
    resolves(b"abcdef", |_| true)
}

/// One name is broken, others are not there, and are answered so.
pub fn one_broken_name() -> Stage {
    resolves(b"abacad", |name| name == b'a')
}

/// One name is broken, and is asked for again and again; nothing else is asked.
pub fn one_name_alone() -> Stage {
    resolves(b"aaaaaa", |_| true)
}

/// The same name asked of a balanced service, whose second server cannot find it out.
pub fn one_server_resolves_nothing() -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (client, service) = (at(CLIENT_IP, 46_000 + 7 * n), at(VIP, 53));
        let (there, back) = nat(nic, at(ip, 53), service);
        stage.carry(&there, &Packet::udp(client, service, &dns(n, b'a', [1, 0])).id(900 + n));
        stage.wait_ms(4);
        let rcode = if n % 2 == 0 { 0 } else { 2 };
        let answer = Packet::udp(service, client, &dns(n, b'a', [0x81, 0x80 | rcode]));
        stage.carry(&back, &answer.id(300 + n));
        stage.wait_ms(500);
    }
    stage
}

/// What becomes of SYN-ACKs at a client that resets them.
#[derive(Clone, Copy)]
pub enum Odd {
    /// They come so long after the SYN, milliseconds.
    After(u64),
    /// They acknowledge another number.
    Number,
}

/// Every second connection is answered so.
pub fn odd_syn_acks(odd: Odd) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80));
        if n % 2 == 0 {
            talk.whole(&mut stage, &LAN.0, &LAN.1);
            stage.wait_ms(300);
            continue;
        }
        let syn = talk.syn();
        stage.carry(&LAN.0, &syn);
        talk.accept();
        match odd {
            Odd::After(ms) => stage.wait_ms(ms),
            Odd::Number => stage.wait_ms(8),
        };
        if let Odd::Number = odd {
            talk.client.next = talk.client.next.wrapping_add(0x0123_4567);
        }
        let syn_ack = talk.syn_ack();
        stage.carry(&LAN.1, &syn_ack);
        stage.carry(&LAN.0, &Talk::rst_for(&syn_ack));
        if !matches!(odd, Odd::After(900..)) {
            stage.wait_ms(900);
            stage.carry(&LAN.0, &syn.id(9000 + n));
            stage.carry(&LAN.1, &syn_ack);
            stage.carry(&LAN.0, &Talk::rst_for(&syn_ack));
        }
        stage.wait_ms(900);
    }
    stage
}

/// A server whose packets leave with a TTL of 1: clients on its own link get them, and no others.
pub fn used_up() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (far, near) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 42_000 + n), at(RS1_IP, 80));
        let syn = talk.syn();
        let answer = talk.accept().syn_ack().ttl(1);
        for (k, s) in [0u64, 1, 3].into_iter().enumerate() {
            stage.now = (u64::from(n) * 5 + s) * 1_000_000;
            stage.carry(&far, &syn.clone().id(100 + k as u16).ttl(63));
            let answer = answer.clone().id(k as u16);
            stage.carry(&near, &answer);
            stage.carry(&far, &Packet::icmp_about(ROUTER_IP.into(), &answer, 11, 0, 0));
        }
    }
    stage
}

/// An advertisement of version 3, its checksum of another source if that is told.
fn advert3(src: IpAddr, summed: IpAddr, priority: u8, vip: &[u8]) -> Packet {
    let all: IpAddr = match src {
        IpAddr::V4(_) => Ipv4Addr::new(224, 0, 0, 18).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12).into(),
    };
    let mut bytes = vec![0x31, 51, priority, 1, 0, 100, 0, 0];
    bytes.extend(vip);
    let mut words = etherparse::checksum::Sum16BitWords::new();
    let words = match (summed, all) {
        (IpAddr::V4(s), IpAddr::V4(d)) => words.add_4bytes(s.octets()).add_4bytes(d.octets()),
        (IpAddr::V6(s), IpAddr::V6(d)) => words.add_16bytes(s.octets()).add_16bytes(d.octets()),
        _ => words,
    };
    let len = bytes.len() as u8;
    let sum = words.add_2bytes([0, 112]).add_2bytes([0, len]).add_slice(&bytes).ones_complement();
    bytes[6..8].copy_from_slice(&sum.to_ne_bytes());
    Packet::new(src, all, Body::Raw(112, bytes)).ttl(255)
}

/// A master whose advertisements come with a source that was changed after their sum was made.
pub fn summed_before_translated() -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let (own, other) = (IpAddr::from(DIRECTOR_IP), IpAddr::from(RS2_IP));
    let elsewhere = IpAddr::from([10, 9, 0, 2]);
    for s in 0..12u64 {
        for (nic, src, summed, priority) in
            [(DIRECTOR, own, own, 101), (RS2, other, elsewhere, 100)]
        {
            stage.now = s * 1_000_000 + u64::from(priority) * 3_000;
            let advert = advert3(src, summed, priority, &VIP.octets());
            let all = group(Ipv4Addr::new(224, 0, 0, 18));
            stage.flood(nic, &[DIRECTOR, RS2], all, (0x0800, advert.bytes()));
        }
    }
    stage
}

/// One router is master of one identifier in both families.
pub fn both_families() -> Stage {
    let mut stage = Stage::capturing(&["rs2"]);
    let (four, six) = (IpAddr::from(DIRECTOR_IP), Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 5));
    let vip6 = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x80).octets();
    for s in 0..12u64 {
        stage.now = s * 1_000_000;
        let advert = advert3(four, four, 101, &VIP.octets());
        let all = group(Ipv4Addr::new(224, 0, 0, 18));
        stage.flood(DIRECTOR, &[RS2], all, (0x0800, advert.bytes()));
        let advert = advert3(six.into(), six.into(), 101, &vip6);
        let all = group6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));
        stage.flood(DIRECTOR, &[RS2], all, (0x86dd, advert.bytes()));
    }
    stage
}
