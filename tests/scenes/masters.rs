//! Two directors of one virtual router: which of them is master when.

use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Talk, step};
use std::net::Ipv4Addr;

const SECOND: Nic = Nic::new("second", 0x38);
const SECOND_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 6);
const BOTH: [Nic; 3] = [DIRECTOR, SECOND, ROUTER_IN];
/// Advertisements of one term.
const TERM: u64 = 6;

/// The first one is master in every other term, and gives up at its end.
fn terms(terms: u64) -> Stage {
    let mut stage = Stage::capturing(&["second"]).any("router");
    stage.resolve((ROUTER_IN, ROUTER_IP), (DIRECTOR, DIRECTOR_IP), &BOTH);
    for term in 0..terms {
        let first = term % 2 == 0;
        let (nic, ip, priority) =
            if first { (DIRECTOR, DIRECTOR_IP, 101) } else { (SECOND, SECOND_IP, 100) };
        stage.now = (term * TERM + 1) * 1_000_000 + 20_000;
        stage.announce(nic, VIP, &BOTH);
        for s in 0..TERM {
            stage.now = (term * TERM + s + 1) * 1_000_000 + 30_000;
            stage.advertise((nic, ip), (51, priority), &[VIP], &BOTH);
        }
        stage.now = (term * TERM + 3) * 1_000_000 + 500_000;
        let (there, back) = (
            [step(CLIENT, ROUTER), step(ROUTER_IN, nic)],
            [step(nic, ROUTER_IN), step(ROUTER, CLIENT)],
        );
        let client = at(CLIENT_IP, 41_000 + term as u16);
        Talk::new(client, at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.now = (term + 1) * TERM * 1_000_000 + 30_000;
        // The other stands back when it is there again.
        if first && term + 1 < terms {
            stage.now += 400_000;
            stage.advertise((nic, ip), (51, 0), &[VIP], &BOTH);
        }
    }
    stage
}

/// What the first one tracks fails every few seconds.
pub fn flapping() -> Stage {
    terms(8)
}

/// It is taken down for maintenance, and comes back.
pub fn maintained() -> Stage {
    terms(3)
}
