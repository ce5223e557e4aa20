//! Control channels that name an endpoint: FTP through a director in NAT, with and without
//! `ip_vs_ftp`, and SIP requests with and without rport.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who, step};
use std::net::Ipv4Addr;

/// The port for data that the server names: 156 * 256 + its last byte.
const DATA: u16 = 39_936;

/// An FTP session up to PASV and its answer, which names an address.
fn session(stage: &mut Stage, n: u16, named: Ipv4Addr) -> (Talk, Ways) {
    let service = at(VIP, 21);
    let ways = nat(RS1, at(NAT_RS1_IP, 21), service);
    let mut talk = Talk::new(at(CLIENT_IP, 46_000 + 3 * n), service);
    talk.handshake(stage, &ways.0, &ways.1);
    let [a, b, c, d] = named.octets();
    let named = format!("227 Entering Passive Mode ({a},{b},{c},{d},156,{n}).\r\n");
    let lines: [(Who, &[u8]); 7] = [
        (Who::Server, b"220 files\r\n"),
        (Who::Client, b"USER web\r\n"),
        (Who::Server, b"331 Password\r\n"),
        (Who::Client, b"PASS web\r\n"),
        (Who::Server, b"230 Logged in\r\n"),
        (Who::Client, b"PASV\r\n"),
        (Who::Server, named.as_bytes()),
    ];
    for (who, line) in lines {
        stage.now += 4_000;
        let said = talk.data(who, line);
        let (way, other) = if who == Who::Client { (&ways.0, &ways.1) } else { (&ways.1, &ways.0) };
        stage.carry(way, &said);
        let ack = talk.ack(if who == Who::Client { Who::Server } else { Who::Client });
        stage.carry(other, &ack);
    }
    (talk, ways)
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// Without `ip_vs_ftp`: the 227 names the real server's own address, to which the client has
/// no way.
pub fn names_the_real_server() -> Stage {
    let mut stage = stage();
    for n in 1..=3 {
        let (mut talk, ways) = session(&mut stage, n, NAT_RS1_IP);
        let mut data = Talk::new(at(CLIENT_IP, 46_001 + 3 * n), at(NAT_RS1_IP, DATA + n));
        let begun = stage.now;
        let syn = data.syn();
        stage.sent_again(&syn, 4, |stage, syn| {
            stage.carry_and_lose(&[step(CLIENT, ROUTER)], syn, 1);
        });
        stage.now = begun + 10_000_000;
        talk.close(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(500);
    }
    stage
}

/// With it: the 227 names the VIP, and the director lets the data connection in.
pub fn names_the_service() -> Stage {
    let mut stage = stage();
    for n in 1..=3 {
        let (mut talk, ways) = session(&mut stage, n, VIP);
        let service = at(VIP, DATA + n);
        let data = nat(RS1, at(NAT_RS1_IP, DATA + n), service);
        Talk::new(at(CLIENT_IP, 46_001 + 3 * n), service).whole(&mut stage, &data.0, &data.1);
        talk.close(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(500);
    }
    stage
}

/// SIP at the server alone: the Via says port 5060, the request came from another.
fn registered(rport: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..3u16 {
        let (client, server) = (at(CLIENT_IP, 41_000 + n), at(RS1_IP, 5060));
        let via = if rport { ";rport" } else { "" };
        let request = format!(
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.0.23:5060{via};branch=z9hG4bK{n}\r\nCall-ID: {n}\r\nCSeq: 1 REGISTER\r\n\r\n"
        );
        let answer = format!("SIP/2.0 200 OK\r\nCall-ID: {n}\r\nCSeq: 1 REGISTER\r\n\r\n");
        let to = if rport { client } else { at(CLIENT_IP, 5060) };
        let begun = stage.now;
        let again: &[u64] = if rport { &[0] } else { &[0, 500, 1_500, 3_500] };
        for (k, ms) in again.iter().enumerate() {
            stage.now = begun + ms * 1_000;
            let asked = Packet::udp(client, server, request.as_bytes()).id(k as u16 + 1).ttl(57);
            stage.pass(ROUTER_IN, RS1, &asked);
            stage.now += 900;
            stage.pass(RS1, ROUTER_IN, &Packet::udp(server, to, answer.as_bytes()).id(k as u16));
        }
        stage.now = begun + 9_000_000;
    }
    let end = Packet::udp(at(CLIENT_IP, 9), at(RS1_IP, 9), b"end");
    stage.pass(ROUTER_IN, RS1, &end);
    stage
}

/// Answers go to the port that the Via names.
pub fn via_without_rport() -> Stage {
    registered(false)
}

/// Answers go where the request came from.
pub fn via_with_rport() -> Stage {
    registered(true)
}

/// TFTP at the client: the server answers from a port of its own, by the address that was
/// asked or by another.
fn transfers(from: Ipv4Addr) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let (client, service) = (at(CLIENT_IP, 2_070 + n), at(VIP, 69));
        let begun = stage.now;
        let translated = from == VIP;
        for k in 0..if translated { 1 } else { 3 } {
            stage.now = begun + k * 2_000_000;
            let asked =
                Packet::udp(client, service, b"\0\x01boot\0octet\0").id(n * 8 + k as u16 + 1);
            stage.pass(CLIENT, ROUTER, &asked);
            stage.now += 1_000;
            let block = [&[0, 3, 0, 1][..], &[7; 100]].concat();
            let own = at(from, 41_000 + n * 8 + k as u16);
            let answer = Packet::udp(own, client, &block).ttl(62);
            stage.pass(ROUTER, CLIENT, &answer);
            let reply = if translated {
                Packet::udp(client, own, &[0, 4, 0, 1])
            } else {
                Packet::icmp_about(CLIENT_IP.into(), &answer, 3, 3, 0)
            };
            stage.pass(CLIENT, ROUTER, &reply);
        }
        stage.now = begun + 9_000_000;
    }
    stage
}

/// The answers come from the real server's own address.
pub fn transfer_untranslated() -> Stage {
    transfers(NAT_RS1_IP)
}

/// The answers come from the address that was asked.
pub fn transfer_translated() -> Stage {
    transfers(VIP)
}
