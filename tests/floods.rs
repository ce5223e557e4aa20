//! Floods other than of bare SYNs are bounded as well.

#![allow(clippy::unwrap_used)]

mod support;

use etherparse::PacketBuilder;
use lbdiag::flow::MAX_EMBRYOS;
use support::frames::*;

const FLOOD: u32 = 200_000;

fn spoofed(n: u32) -> End {
    let [_, a, b, c] = n.to_be_bytes();
    ([11, a, b, c], 1024)
}

/// Streams that are kept of a flood.
fn kept(name: &str, packets: impl Fn(u32) -> Vec<Vec<u8>>) {
    let mut vantage = Vantage::default();
    for n in 0..FLOOD {
        for frame in packets(n) {
            vantage.frame(i64::from(n) * 10, &frame);
        }
    }
    let seen = vantage.finish();
    assert!(
        seen.streams.len() <= MAX_EMBRYOS + 2,
        "{name}: {} streams are kept",
        seen.streams.len()
    );
}

#[test]
fn datagrams() {
    kept("UDP, one datagram each", |n| {
        let builder =
            PacketBuilder::ethernet2(CLIENT_MAC, DIRECTOR_MAC).ipv4(spoofed(n).0, VIP.0, 64);
        let mut bytes = Vec::new();
        builder.udp(1024, 53).write_to_vec(&mut bytes, b"query").unwrap();
        vec![bytes]
    });
}

#[test]
fn acknowledgments() {
    kept("TCP, one ACK each", |n| vec![Segment::ack(spoofed(n), VIP, n, 7).ethernet()]);
}

#[test]
fn syns_with_answers_that_are_repeated() {
    kept("SYN, SYN-ACK, SYN-ACK", |n| {
        let answer = Segment { ack: Some(n + 1), ..Segment::syn(VIP, spoofed(n), 99) };
        vec![
            Segment::syn(spoofed(n), VIP, n).ethernet(),
            answer.clone().id(1).ethernet(),
            answer.id(2).ethernet(),
        ]
    });
}
