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
