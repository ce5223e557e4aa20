//! Senders who are told that their packets are too big, and neighbours that answered once.

use crate::moved_on::has_nothing_loud;
use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Rewrite, Step, Talk, Who, rewritten, step};
use crate::{diagnosed, ids};
use std::net::{IpAddr, Ipv6Addr};

const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
const VIP_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x99);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 77, 0, 0, 0, 0, 5);

/// A client is told by a router that its segments are too big, and heeds it or not.
fn told(heeds: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("client");
    let ways: ([Step; 1], [Step; 1]) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    let router: IpAddr = ROUTER_OUT_IP.into();
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &ways.0, &ways.1);
        let large = talk.data(Who::Client, &[b'x'; 1_448]);
        let begun = stage.now;
        let times: &[u64] = if heeds { &[0] } else { &[0, 250, 700, 1_600, 3_400, 7_000] };
        for (k, ms) in times.iter().enumerate() {
            stage.now = begun + ms * 1_000;
            stage.lose(CLIENT, ROUTER, &large.clone().id(900 + k as u16));
            stage.pass(ROUTER, CLIENT, &Packet::icmp_about(router, &large, 3, 4, 1_400));
        }
        if heeds {
            let whole = large.clone();
            let crate::packet::Body::Tcp { seq, .. } = whole.body else { panic!("TCP") };
            for (from, len) in [(0u32, 1_348usize), (1_348, 100)] {
                let mut part = large.clone().id(950 + from as u16);
                if let crate::packet::Body::Tcp { seq: at, payload, .. } = &mut part.body {
                    (*at, *payload) = (seq + from, vec![b'x'; len]);
                }
                stage.carry(&ways.0, &part);
            }
            stage.carry(
                &ways.1,
                &talk.data(Who::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            );
            talk.close(&mut stage, &ways.0, &ways.1);
        }
        stage.wait_ms(9_000);
    }
    stage
}

#[test]
fn who_is_told_of_a_size_and_goes_on_is_told_from_who_heeds_it() {
    let (report, text) = diagnosed(&told(false));
    assert_eq!(ids(&report)[0], "tun-mtu-blackhole", "{text}");
    assert_eq!(report["findings"][0]["confidence"], "certain", "{text}");
    assert!(text.contains("1400"), "{text}");
    has_nothing_loud(&told(true));
}

/// "Too big" about answers of a service in NAT comes to its director, which translates it or not.
fn at_director(sent_on: bool) -> Stage {
    let mut stage = Stage::capturing(&[]).any("director");
    resolved_nat(&mut stage);
    let (server, service) = (at(NAT_RS1_IP, 8080), at(VIP, 80));
    let there = [step(ROUTER_IN, DIRECTOR), rewritten(DIRECTOR_IN, RS1, Rewrite::Dst(server))];
    let back = [
        rewritten(RS1, DIRECTOR_IN, Rewrite::Src(server)),
        rewritten(DIRECTOR, ROUTER_IN, Rewrite::Src(service)),
    ];
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), service);
        talk.handshake(&mut stage, &there, &back);
        stage.carry(&there, &talk.data(Who::Client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        stage.carry(&back, &talk.ack(Who::Server));
        let large = talk.data(Who::Server, &[b'x'; 1_448]);
        let begun = stage.now;
        for (k, ms) in [(0u16, 0u64), (1, 250), (2, 700), (3, 1_600)] {
            stage.now = begun + ms * 1_000;
            stage.carry(&back, &large.clone().id(large.id + k));
            let outside = large.clone().from(service);
            let router: IpAddr = ROUTER_IP.into();
            stage.pass(ROUTER_IN, DIRECTOR, &Packet::icmp_about(router, &outside, 3, 4, 1_400));
            if sent_on {
                let inside = large.clone().from(server);
                stage.pass(DIRECTOR_IN, RS1, &Packet::icmp_about(router, &inside, 3, 4, 1_400));
            }
        }
        stage.wait_ms(4_000);
    }
    stage
}

#[test]
fn a_message_that_a_director_in_nat_keeps_is_told_from_one_that_it_sends_on() {
    let (report, text) = diagnosed(&at_director(false));
    assert_eq!(ids(&report)[0], "pmtud-icmp-misdelivered", "{text}");
    let (report, text) = diagnosed(&at_director(true));
    assert!(!ids(&report).contains(&"pmtud-icmp-misdelivered"), "{text}");
}

/// A router asks for the service's address, which answers always or only at first.
fn asked(answered: u64) -> Stage {
    let mut stage = Stage::capturing(&["router"]);
    for n in 0..3u16 {
        let talk = (at(FAR_V6, 46_000 + n), at(VIP_V6, 443));
        let way = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
        stage.resolve6((ROUTER_IN, ROUTER_V6), (RS1, VIP_V6), &[RS1]);
        Talk::new(talk.0, talk.1).whole(&mut stage, &way.0, &way.1);
        stage.wait_ms(30_000);
    }
    for n in 0..12 {
        if n < answered {
            stage.resolve6((ROUTER_IN, ROUTER_V6), (RS1, VIP_V6), &[RS1]);
        } else {
            stage.ask6(ROUTER_IN, ROUTER_V6, VIP_V6, &[]);
        }
        stage.wait_ms(1_000);
    }
    stage
}

#[test]
fn an_address_that_is_answered_for_no_more_is_told() {
    let (report, text) = diagnosed(&asked(0));
    assert_eq!(ids(&report), ["arp-unanswered"], "{text}");
    assert!(text.contains("any more") && text.contains("MLD snooping"), "{text}");
    has_nothing_loud(&asked(12));
    has_nothing_loud(&asked(10));
}
