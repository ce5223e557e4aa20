//! One host's own capture, and what it tells of others: a director whose servers come and go, a server that gets what
//! another one has, an address that goes to and fro, questions of one client alone that are dropped, the end of a
//! tunnel that is none.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Step, Talk, Who, step};
use crate::{candidates, diagnosed, ids};
use std::net::Ipv4Addr;

/// The director that takes over.
const SECOND: Nic = Nic::new("second", 0x35);

/// A director that answers port unreachable itself when it has nobody to send to.
fn without_servers(refuses: fn(u16) -> bool) -> Stage {
    let mut stage = Stage::default().any("director");
    resolved_nat(&mut stage);
    let (there, back) = nat(RS1, at(NAT_RS1_IP, 8080), at(VIP, 80));
    for n in 0..18u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80));
        if refuses(n) {
            let syn = talk.syn();
            stage.carry_part(&there, &syn, 2);
            let told = Packet::icmp_about(VIP.into(), &syn.ttl(63), 3, 3, 0);
            stage.carry(&[step(DIRECTOR, ROUTER_IN), step(ROUTER, CLIENT)], &told);
        } else {
            talk.whole(&mut stage, &there, &back);
        }
        stage.wait_ms(1_500);
    }
    stage
}

#[test]
fn a_director_without_servers_at_times_is_told_from_a_rule_for_some() {
    let (report, text) = diagnosed(&without_servers(|n| n % 6 > 2));
    assert_eq!(ids(&report)[0], "ipvs-no-destination", "{text}");
    assert!(text.contains("at times"), "{text}");
    let (report, text) = diagnosed(&without_servers(|n| n % 2 == 1));
    assert!(!ids(&report).contains(&"ipvs-no-destination"), "{text}");
}

/// A real server that gets segments of connections that it never opened, so long after its capture began.
fn gets_others(after_ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let back: [Step; 1] = [step(RS1, ROUTER_IN)];
    let own = |stage: &mut Stage, n: u16, by: Nic| {
        Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80)).whole(stage, &[step(by, RS1)], &back);
        stage.wait_ms(400);
    };
    own(&mut stage, 0, DIRECTOR);
    stage.wait_ms(after_ms);
    for n in 1..4u16 {
        own(&mut stage, n, SECOND);
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(VIP, 80));
        talk.accept().open();
        let said = talk.data(Who::Client, b"GET /poll HTTP/1.1\r\nHost: a\r\n\r\n");
        stage.pass(SECOND, RS1, &said);
        stage.pass(RS1, ROUTER_IN, &Talk::rst_for(&said));
    }
    stage
}

#[test]
fn what_a_server_never_opened_may_be_anothers() {
    let of = |stage: &Stage| {
        let (report, text) = diagnosed(stage);
        let first = report["findings"][0].clone();
        assert_eq!(first["id"], "rst-no-socket", "{text}");
        candidates(&first).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(&gets_others(9_000)), ["ecmp-rehash-wrong-server", "rs-lost-socket"]);
    // They may have begun just before.
    assert!(of(&gets_others(500)).is_empty());
}

/// An address that two announce in turn; connections that are open then are reset by whoever has it next, or go on.
fn to_and_fro(resets: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let ask = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    for n in 0..4u16 {
        let (holder, next) = if n % 2 == 0 { (DIRECTOR, SECOND) } else { (SECOND, DIRECTOR) };
        stage.announce(holder, VIP, &[CLIENT]);
        let (there, back) = ([step(CLIENT, holder)], [step(holder, CLIENT)]);
        let mut talk = Talk::new(at(CLIENT_IP, 45_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), ask, OK);
        if resets {
            stage.wait_ms(2_000);
            stage.announce(next, VIP, &[CLIENT]);
            let asked = talk.data(Who::Client, ask);
            stage.pass(CLIENT, next, &asked);
            stage.pass(next, CLIENT, &Talk::rst_for(&asked).ttl(63));
        } else {
            talk.close(&mut stage, &there, &back);
        }
        stage.wait_ms(9_000);
    }
    stage
}

#[test]
fn an_address_that_goes_to_and_fro_is_why_connections_are_reset() {
    let (report, text) = diagnosed(&to_and_fro(true));
    assert_eq!(ids(&report)[0], "director-no-entry-rst", "{text}");
    let told = report["findings"][0]["explanation"].as_str().unwrap();
    assert!(told.contains("to and fro") && told.contains("somebody behind it"), "{told}");
    let (report, text) = diagnosed(&to_and_fro(false));
    assert!(!ids(&report).contains(&"director-no-entry-rst"), "{text}");
}

/// Questions of two clients to one name server, of which it answers those of one.
fn one_client_dropped() -> Stage {
    let mut stage = Stage::default().any("rs1");
    for n in 0..16u16 {
        let client = Ipv4Addr::new(198, 51, 100 + n as u8 % 2, 20);
        let (from, server) = (at(client, 50_000 + n), at(VIP, 53));
        let name = [3, b'a', b'p', b'p', 0, 0, 1, 0, 1];
        let said = |flags: [u8; 2]| {
            [&n.to_be_bytes()[..], &flags, &[0, 1, 0, 0, 0, 0, 0, 0], &name].concat()
        };
        for k in 0..2u16 {
            let asks = Packet::udp(from, server, &said([1, 0])).id(n * 8 + k + 1);
            stage.pass(ROUTER_IN, RS1, &asks);
            if n % 2 == 0 {
                stage.now += 700;
                stage.pass(RS1, ROUTER_IN, &Packet::udp(server, from, &said([0x81, 0x83])));
                break;
            }
            stage.wait_ms(5_000);
        }
        stage.wait_ms(800);
    }
    stage
}

#[test]
fn questions_of_one_client_that_are_dropped_are_a_rules() {
    let (report, text) = diagnosed(&one_client_dropped());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "datagram-unanswered", "{text}");
    assert_eq!(candidates(finding)[0], "forward-rule-drop", "{text}");
    assert!(text.contains("198.51.101.0/24") && !text.contains("in order"), "{text}");
}

/// A server gets a tunnel's packets and says that nobody takes them; it says nothing else.
fn no_end(told: bool) -> Stage {
    let mut stage = Stage::default().any("rs1");
    for n in 0..4u16 {
        let syn = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80)).syn();
        stage.sent_again(&syn, 3, |stage, syn| {
            let outer = syn.clone().within(DIRECTOR_IP.into(), RS1_IP.into());
            stage.pass(DIRECTOR, RS1, &outer);
            if told {
                stage.pass(RS1, DIRECTOR, &Packet::icmp_about(RS1_IP.into(), &outer, 3, 2, 0));
            }
        });
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn who_says_that_a_tunnel_ends_nowhere_needs_no_other_name() {
    let (report, text) = diagnosed(&no_end(true));
    assert_eq!(ids(&report)[0], "tunnel-not-decapsulated", "{text}");
    let (report, text) = diagnosed(&no_end(false));
    assert!(!ids(&report).contains(&"tunnel-not-decapsulated"), "{text}");
}

/// A balancer's PROXY header of version 2 before a server of MySQL, which has greeted and cannot read it.
#[test]
fn a_header_that_mysql_cannot_read_is_told() {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    let packet =
        |number: u8, content: &[u8]| [&[content.len() as u8, 0, 0, number][..], content].concat();
    for n in 0..4u16 {
        let mut talk = Talk::new(at(ROUTER_IP, 43_000 + n), at(RS1_IP, 3306));
        talk.handshake(&mut stage, &there, &back);
        let ends = [&CLIENT_IP.octets()[..], &VIP.octets(), &[0xab, n as u8, 0x0c, 0xea]].concat();
        let header = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &ends].concat();
        let said = talk.data(Who::Client, &header);
        stage.carry(&there, &said);
        let greets =
            talk.data(Who::Server, &packet(0, b"\x0a8.0.36\0\x07\0\0\0abcdefgh\0\xff\xf7"));
        stage.carry(&back, &greets);
        let says = packet(1, b"\xff\x84\x04#08S01Got packets out of order");
        let refuses = talk.data(Who::Server, &says);
        stage.carry(&back, &refuses);
        talk.close_by_server(&mut stage, &there, &back);
        stage.wait_ms(2_000);
    }
    let (report, text) = diagnosed(&stage);
    assert_eq!(ids(&report)[0], "proxy-protocol-mismatch", "{text}");
    let told = report["findings"][0]["explanation"].as_str().unwrap();
    assert!(told.contains("does not understand what it is sent"), "{told}");
}
