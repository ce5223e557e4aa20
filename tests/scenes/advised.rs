//! What tells which advice fits: SYNs that say by themselves why they are lost, and a router
//! that takes none of the answers for an address.

use crate::packet::{ECN, SYN};
use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Talk, Who, step};

/// Windows NLB in multicast mode answers with such a MAC.
const GROUP: [u8; 6] = [0x03, 0xbf, 203, 0, 113, 80];

/// Three calls whose SYNs have `flags` and stay unanswered, and three plain ones that are served.
fn lost(flags: u8) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let begun = stage.now;
        let mut talk = Talk::new(at(CLIENT_IP, 42_000 + 7 * n), at(VIP, 80));
        let syn = talk.segment(Who::Client, flags, &[]);
        stage.sent_again(&syn, 3, |stage, syn| {
            stage.pass(CLIENT, ROUTER, syn);
        });
        stage.now = begun + 8_000_000;
        Talk::new(at(CLIENT_IP, 43_000 + 7 * n), at(VIP, 80)).whole(
            &mut stage,
            &[step(CLIENT, ROUTER)],
            &[step(ROUTER, CLIENT)],
        );
        stage.wait_ms(500);
    }
    stage
}

/// A firewall on the way drops SYNs that ask for ECN.
pub fn ecn_lost() -> Stage {
    lost(SYN | ECN)
}

/// As many are lost, and look like those that are served.
pub fn plain_lost() -> Stage {
    lost(SYN)
}

/// The router asks for the VIP at each SYN, and is answered with `mac`.
fn asked_again(mac: [u8; 6]) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    for n in 0..3u16 {
        let begun = stage.now;
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + 7 * n), at(VIP, 80));
        let syn = talk.syn();
        stage.sent_again(&syn, 3, |stage, syn| {
            stage.pass(CLIENT, ROUTER, syn);
            let question = arp(1, (ROUTER_IN, ROUTER_IP), ([0; 6], VIP));
            stage.flood(ROUTER_IN, &[RS1], [0xff; 6], question);
            let answer = arp(2, (Nic { mac, ..RS1 }, VIP), (ROUTER_IN.mac, ROUTER_IP));
            stage.unicast(RS1, ROUTER_IN, &answer, true);
        });
        stage.now = begun + 6_000_000;
    }
    stage
}

/// Each answer names a multicast MAC.
pub fn multicast_answers() -> Stage {
    asked_again(GROUP)
}

/// Each names the host's own.
pub fn own_answers() -> Stage {
    asked_again(RS1.mac)
}
