//! Clients whom a balancer keeps at a server that is gone, and connections that stand when another host takes their
//! address over.

use crate::places::*;
use crate::stage::{Stage, arp};
use crate::talk::{Step, Talk, Who, step};
use crate::{candidates, diagnosed};
use std::net::Ipv4Addr;

/// A DR director alone: an office's clients go to one server, others to the other. That one is dead, or is not.
fn kept(dead: bool) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    stage.resolve((DIRECTOR, DIRECTOR_IP), (RS1, RS1_IP), &LINK);
    stage.resolve((DIRECTOR, DIRECTOR_IP), (RS2, RS2_IP), &LINK);
    for n in 0..16u16 {
        let office = n % 2 == 1;
        let rs = if office { RS2 } else { RS1 };
        let client = if office {
            Ipv4Addr::new(192, 0, 2, 40 + n as u8)
        } else {
            Ipv4Addr::new(198, 51, n as u8, 7)
        };
        let mut talk = Talk::new(at(client, 52_000 + n), at(VIP, 443));
        let there = [step(ROUTER_IN, DIRECTOR), step(DIRECTOR, rs)];
        let syn = talk.syn();
        if office && dead {
            stage.sent_again(&syn, 4, |stage, syn| {
                stage.carry(&there, syn);
            });
        } else {
            stage.carry(&there, &syn);
            talk.accept();
            let ack = talk.open().ack(Who::Client);
            stage.carry(&there, &ack);
            let asks = talk.data(Who::Client, b"\x16\x03\x01\0\x05hello");
            stage.carry(&there, &asks);
            let ends = talk.fin(Who::Client);
            stage.carry(&there, &ends);
        }
        stage.wait_ms(1_500);
    }
    stage
}

#[test]
fn a_network_that_is_kept_at_one_server_is_told_with_it() {
    let (report, text) = diagnosed(&kept(true));
    let apart = report["breaks"][0]["apart"].as_array().unwrap();
    let traits: Vec<&str> = apart.iter().map(|a| a["what"].as_str().unwrap()).collect();
    assert!(traits.contains(&"client-network"), "{text}");
    assert!(traits.contains(&"next-mac") || traits.contains(&"real-server"), "{text}");
    let found = candidates(&report["findings"][0]);
    assert!(found.contains(&"ipvs-reuse-to-dead-backend"), "{text}");
    let (report, text) = diagnosed(&kept(false));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
    assert!(!text.contains("persistence"), "{text}");
}

const THERE: [Step; 1] = [step(CLIENT, RS1)];
const BACK: [Step; 1] = [step(RS1, CLIENT)];

/// A long connection, whose address another host takes over; that one says nothing to it, or the first keeps it.
fn moved(to_other: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    stage.resolve((CLIENT, CLIENT_IP), (RS1, VIP), &[CLIENT, RS1, RS2]);
    let mut talk = Talk::new(at(CLIENT_IP, 833), at(VIP, 2049));
    talk.handshake(&mut stage, &THERE, &BACK);
    for _ in 0..5 {
        talk.exchange(&mut stage, (&THERE, &BACK), &[1; 148], &[2; 128]);
        stage.wait_ms(400);
    }
    let new = if to_other { RS2 } else { RS1 };
    if to_other {
        stage.flood(RS2, &[CLIENT, RS1], [0xff; 6], arp(1, (RS2, VIP), ([0; 6], VIP)));
    }
    let (there, back) = ([step(CLIENT, new)], [step(new, CLIENT)]);
    if to_other {
        let asks = talk.data(Who::Client, &[1; 148]);
        stage.sent_again(&asks, 6, |stage, asks| {
            stage.carry(&there, asks);
        });
        let gives_up = talk.rst_ack(Who::Client);
        stage.carry(&there, &gives_up);
    } else {
        talk.exchange(&mut stage, (&there, &back), &[1; 148], &[2; 128]);
        talk.close(&mut stage, &there, &back);
    }
    let mut next = Talk::new(at(CLIENT_IP, 834), at(VIP, 2049));
    next.handshake(&mut stage, &there, &back);
    next.exchange(&mut stage, (&there, &back), &[1; 148], &[2; 128]);
    next.close(&mut stage, &there, &back);
    stage
}

#[test]
fn who_took_an_address_over_and_says_nothing_is_asked_for_its_entries() {
    let (report, text) = diagnosed(&moved(true));
    let finding = &report["findings"][0];
    assert_eq!(candidates(finding)[0], "director-no-entry-rst", "{text}");
    assert!(text.contains("since 52:54:00:5c:00:42 has the address"), "{text}");
    let (report, text) = diagnosed(&moved(false));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
}
