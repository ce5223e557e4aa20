//! Endpoints that a service names in its answers: brokers, members, masters, referrals, routes, and where a call
//! wants its media; dialled in vain, or reached.

use crate::moved_on::{LAN, has_nothing_loud, sent_on};
use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::Talk;
use crate::{diagnosed, ids};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An answer to Metadata, version 1, that names one broker.
fn metadata(host: &str, port: u16) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0];
    body.extend((host.len() as u16).to_be_bytes());
    body.extend(host.as_bytes());
    body.extend(u32::from(port).to_be_bytes());
    body.extend([0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

/// An answer to `hello` that names one member.
fn hello(member: &str) -> Vec<u8> {
    let mut body = vec![0; 20];
    body.extend(b"\x04hosts\0\x20\0\0\0\x020\0");
    body.extend((member.len() as u32 + 1).to_le_bytes());
    body.extend(member.as_bytes());
    body.extend(b"\0\0\0");
    let len = (16 + body.len()) as u32;
    [&len.to_le_bytes()[..], &[9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], &body].concat()
}

fn referral(url: &str) -> Vec<u8> {
    let value = [&[4, url.len() as u8][..], url.as_bytes()].concat();
    let op = [&[0x73, value.len() as u8][..], &value].concat();
    [&[0x30, op.len() as u8 + 3, 2, 1, 2][..], &op].concat()
}

fn routing(host: &str, port: u16) -> Vec<u8> {
    let name: Vec<u8> = host.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let [low, high] = port.to_le_bytes();
    let value = [&[0, low, high, host.len() as u8, 0][..], &name].concat();
    let token = [&[0xe3, 40, 0, 20, value.len() as u8, 0][..], &value].concat();
    let len = (8 + token.len() as u16).to_be_bytes();
    [&[4, 1][..], &len, &[0, 0, 1, 0], &token].concat()
}

#[test]
fn who_names_an_address_that_clients_do_not_reach_is_told() {
    let sentinel = b"*2\r\n$10\r\n10.20.0.11\r\n$4\r\n6379\r\n".to_vec();
    for (asked, answer, port, says) in [
        (9092, metadata("10.20.0.11", 9092), 9092, "advertised.listeners"),
        (30017, hello("10.20.0.11:27017"), 27017, "rs.reconfig"),
        (26379, sentinel, 6379, "replica-announce-ip"),
        (389, referral("ldap://10.20.0.11/dc=a"), 389, "REFERRALS off"),
        (1433, routing("10.20.0.11", 11003), 11003, "READ_ONLY_ROUTING_URL"),
    ] {
        let to = at(NAT_RS1_IP, port);
        let (report, text) = diagnosed(&sent_on(asked, &answer, to, false));
        assert_eq!(ids(&report)[0], "control-channel-address", "{text}");
        assert_eq!(report["findings"][0]["affected"]["failed"], 3, "{text}");
        assert!(text.contains(says), "{text}");
        has_nothing_loud(&sent_on(asked, &answer, to, true));
    }
}

/// A client of Kafka is sent to a name, for which it asks; then it may reach another host.
fn by_name(known: bool, elsewhere: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 9092));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let answer = metadata("kafka-0.kafka", 9092);
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), b"\0\0\0\x08\0\x03\0\x01\0\0\0\x02", &answer);
        let (client, server) = (at(CLIENT_IP, 47_000 + n), at(ROUTER_OUT_IP, 53));
        let name = b"\x07kafka-0\x05kafka\0\0\x01\0\x01";
        let message =
            |flags: [u8; 2]| [&[7, n as u8], &flags[..], &[0, 1, 0, 0, 0, 0, 0, 0], name].concat();
        stage.pass(CLIENT, ROUTER, &Packet::udp(client, server, &message([1, 0])).id(n + 1));
        let told = message([0x81, if known { 0x80 } else { 0x83 }]);
        stage.pass(ROUTER, CLIENT, &Packet::udp(server, client, &told).id(n + 1));
        if elsewhere {
            let other = at(RS1_IP, 9092);
            Talk::new(at(CLIENT_IP, 48_000 + n), other).whole(&mut stage, &LAN.0, &LAN.1);
        }
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn names_that_clients_do_not_find_are_told() {
    let (report, text) = diagnosed(&by_name(false, false));
    assert_eq!(ids(&report), ["control-channel-address"], "{text}");
    assert!(text.contains("NXDOMAIN"), "{text}");
    has_nothing_loud(&by_name(true, false));
    has_nothing_loud(&by_name(false, true));
}

#[test]
fn a_broker_that_names_its_clients_own_host_is_told() {
    let to = at(RS1_IP, 9092);
    let (report, text) = diagnosed(&sent_on(9092, &metadata("localhost", 9092), to, true));
    assert_eq!(ids(&report), ["control-channel-address"], "{text}");
    // A driver may be told to keep to the member that it was given.
    has_nothing_loud(&sent_on(27017, &hello("localhost:27017"), to, true));
}

/// A call to a server, whose caller names a private address for media; they go there, or to where the caller's
/// come from.
fn called(symmetric: bool, named: Ipv4Addr) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (caller, server) = (at(CLIENT_IP, 5060), at(RS1_IP, 5060));
    let message = |head: &str, address: IpAddr, port: u16| {
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        );
        format!(
            "{head}\r\nVia: SIP/2.0/UDP a;rport\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n{body}"
        )
    };
    let invite = message("INVITE sip:b@example SIP/2.0", named.into(), 14_264);
    let trying = "SIP/2.0 100 Trying\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";
    let accepted = message("SIP/2.0 200 OK", RS1_IP.into(), 20_010);
    stage.pass(ROUTER_IN, RS1, &Packet::udp(caller, server, invite.as_bytes()).id(1));
    for (k, answer) in [trying, &accepted].into_iter().enumerate() {
        stage.pass(RS1, ROUTER_IN, &Packet::udp(server, caller, answer.as_bytes()).id(k as u16));
    }
    let to: SocketAddr = if symmetric { at(CLIENT_IP, 33_412) } else { at(named, 14_264) };
    for n in 0..60u16 {
        stage.now += 20_000;
        let speech = |k: u8| [&[0x80, 0, n as u8, k][..], &[k; 168]].concat();
        stage.pass(RS1, ROUTER_IN, &Packet::udp(at(RS1_IP, 20_010), to, &speech(1)).id(n));
        if symmetric {
            stage.pass(ROUTER_IN, RS1, &Packet::udp(to, at(RS1_IP, 20_010), &speech(2)).id(n));
        }
    }
    stage
}

#[test]
fn media_that_go_to_an_address_nobody_reaches_are_told() {
    let private = Ipv4Addr::new(10, 1, 33, 103);
    let (report, text) = diagnosed(&called(false, private));
    assert_eq!(ids(&report), ["control-channel-address"], "{text}");
    assert_eq!(report["findings"][0]["severity"], "warning", "{text}");
    has_nothing_loud(&called(true, private));
    // Where all can be called, media may go one way by choice.
    has_nothing_loud(&called(false, RS2_IP));
}
