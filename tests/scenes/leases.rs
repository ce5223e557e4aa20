//! Relays that ask for addresses by DHCP in the name of machines on their links (RFC 2131, section 4.1; RFC 1542).

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Step, step};
use crate::{diagnosed, ids};
use std::net::Ipv4Addr;

const RELAY: Nic = Nic::new("relay", 0x61);
const RELAY_IP: Ipv4Addr = Ipv4Addr::new(10, 33, 0, 1);
const SERVERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 33, 9, 67), Ipv4Addr::new(10, 33, 9, 68)];
const OUT: [Step; 1] = [step(RELAY, ROUTER)];
const IN: [Step; 1] = [step(ROUTER, RELAY)];

/// A message of a machine: operation, type, and for how long it has asked.
fn message(operation: u8, kind: u8, machine: u8, seconds: u16) -> Vec<u8> {
    let mut bytes = vec![operation, 1, 6, 1, 0x5c, 0, 0, machine];
    bytes.extend(seconds.to_be_bytes());
    bytes.extend([0; 14]);
    bytes.extend(RELAY_IP.octets());
    bytes.extend([0x52, 0x54, 0, 0x5c, 9, machine]);
    bytes.extend([0; 202]);
    bytes.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind, 255]);
    bytes
}

/// Machines that ask for an address; of the servers the first answers, or none.
fn asked(servers: &[Ipv4Addr], answers: bool) -> Stage {
    let mut stage = Stage::capturing(&["relay"]);
    stage.resolve((RELAY, RELAY_IP), (ROUTER, ROUTER_OUT_IP), &[RELAY, ROUTER]);
    for machine in 0..3u8 {
        for seconds in [0u16, 4, 12, 28] {
            let begun = stage.now;
            for (n, server) in servers.iter().enumerate() {
                let (from, to) = (at(RELAY_IP, 67), at(*server, 67));
                stage.carry(&OUT, &Packet::udp(from, to, &message(1, 1, machine, seconds)));
                if answers && n == 0 {
                    stage.wait_ms(1);
                    stage.carry(&IN, &Packet::udp(to, from, &message(2, 2, machine, 0)));
                }
            }
            if answers {
                break;
            }
            stage.now = begun + (u64::from(seconds) + 4) * 1_000_000;
        }
        stage.wait_ms(15_000);
    }
    stage
}

#[test]
fn machines_that_get_no_address_are_told() {
    for servers in [&SERVERS[..1], &SERVERS[..]] {
        let (report, text) = diagnosed(&asked(servers, false));
        assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
        assert_eq!(report["verdict"]["status"], "failing", "{text}");
    }
}

#[test]
fn a_server_that_leaves_the_answer_to_its_partner_is_not() {
    for servers in [&SERVERS[..1], &SERVERS[..]] {
        let (report, text) = diagnosed(&asked(servers, true));
        assert!(ids(&report).is_empty(), "{text}");
    }
}
