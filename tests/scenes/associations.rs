//! SCTP: associations that stand, that nobody answers, and that are turned down.

use crate::moved_on::has_nothing_loud;
use crate::places::*;
use crate::stage::Stage;
use crate::{diagnosed, ids};
use std::net::Ipv4Addr;

/// A packet of one chunk between two hosts' ports, over IPv4.
fn packet(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), kind: u8, value: &[u8]) -> (u16, Vec<u8>) {
    let mut chunk = vec![kind, 0];
    chunk.extend((4 + value.len() as u16).to_be_bytes());
    chunk.extend(value);
    let len = 20 + 12 + chunk.len() as u16;
    let mut bytes = vec![0x45, 2];
    bytes.extend(len.to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 63, 132, 0, 0]);
    bytes.extend(from.0.octets());
    bytes.extend(to.0.octets());
    let words = bytes.chunks_exact(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let sum = words.sum::<u32>();
    let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend(from.1.to_be_bytes());
    bytes.extend(to.1.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(chunk);
    (0x0800, bytes)
}

/// What answers each INIT: a chunk, or nothing. Client and server use one port, as Diameter and S1AP do.
fn asked(answer: Option<u8>) -> Stage {
    const INIT: [u8; 16] = [0, 0, 0, 9, 0, 1, 0xa0, 0, 0, 10, 0, 10, 0, 0, 0, 7];
    let mut stage = Stage::capturing(&["client"]);
    let (client, server) = ((CLIENT_IP, 36_412), (VIP, 36_412));
    for wait in [3_000, 6_000, 12_000, 24_000] {
        stage.unicast(CLIENT, ROUTER, &packet(client, server, 1, &INIT), true);
        if let Some(kind) = answer {
            stage.unicast(ROUTER, CLIENT, &packet(server, client, kind, &INIT), true);
        }
        if answer == Some(2) {
            for (kind, back) in [(10, 11), (0, 3), (4, 5)] {
                stage.unicast(CLIENT, ROUTER, &packet(client, server, kind, &INIT), true);
                stage.unicast(ROUTER, CLIENT, &packet(server, client, back, &INIT), true);
                stage.wait_ms(300);
            }
            break;
        }
        stage.wait_ms(wait);
    }
    stage
}

#[test]
fn associations_that_nobody_takes_are_told() {
    let (report, text) = diagnosed(&asked(None));
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert!(text.contains("36412"), "{text}");
    let (report, text) = diagnosed(&asked(Some(6)));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("SCTP ABORT"), "{text}");
    let text = has_nothing_loud(&asked(Some(2)));
    assert!(text.contains("1 connection did well"), "{text}");
}
