//! A router asks for addresses since somebody scans them.

use crate::packet::SYN;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who, step};
use crate::{diagnosed, ids};
use std::net::Ipv4Addr;

/// A client tries an address after the other, each once or again and again; the router asks for each of them, and
/// nobody has it.
fn tries(addresses: u8, again: u8) -> Stage {
    let mut stage = Stage::capturing(&["router"]);
    let to = |n: u8| Ipv4Addr::new(203, 0, 113, 100 + n);
    for n in 0..addresses {
        let mut talk = Talk::new(at(CLIENT_IP, 40_000 + u16::from(n)), at(to(n), 443));
        for _ in 0..again {
            let syn = talk.segment(Who::Client, SYN, &[]);
            stage.carry(&[step(CLIENT, ROUTER)], &syn);
            for _ in 0..3 {
                stage.ask(ROUTER_IN, ROUTER_IP, to(n), &LINK);
                stage.wait_ms(1010);
            }
        }
    }
    stage
}

#[test]
fn an_address_that_is_scanned_is_not_missing() {
    let (report, text) = diagnosed(&tries(24, 1));
    assert!(!ids(&report).contains(&"arp-unanswered"), "{text}");
    // One that is wanted is.
    let (report, text) = diagnosed(&tries(1, 3));
    assert!(text.contains("nobody answers ARP"), "{text}");
    assert!(!ids(&report).is_empty(), "{text}");
}

/// Somebody tries ports of a host that serves others, each once and refused; by one port of his own, or by another each.
fn knocks(ports: u16, by_one: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for n in 0..ports {
        let own = if by_one { 61_234 } else { 40_000 + n * 37 };
        let stranger = Ipv4Addr::new(192, 0, 2, 66);
        let syn = Talk::new(at(stranger, own), at(RS1_IP, 2_000 + n * 7)).syn();
        stage.carry(&there, &syn);
        stage.carry(&back, &Talk::refusal_of(&syn));
        Talk::new(at(CLIENT_IP, 43_000 + n), at(RS1_IP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(1_700);
    }
    stage
}

#[test]
fn who_knocks_by_one_port_of_his_own_is_no_client() {
    let (report, text) = diagnosed(&knocks(6, true));
    assert!(ids(&report).is_empty(), "{text}");
    // Of three nobody knows; nor of whom a kernel gives a port for each.
    for (ports, by_one) in [(3, true), (6, false)] {
        let (report, text) = diagnosed(&knocks(ports, by_one));
        assert!(!ids(&report).is_empty(), "{text}");
    }
}
