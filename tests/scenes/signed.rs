//! Peers that sign their segments, both of them or one (TCP MD5, RFC 2385).

use crate::packet::{Body, Packet};
use crate::places::at;
use crate::stage::{Nic, Stage};
use crate::talk::{Step, Talk, Who, step};
use crate::{candidates, diagnosed, ids};
use std::net::Ipv4Addr;

const TOR: Nic = Nic::new("tor", 0x71);
const SPINE: Nic = Nic::new("spine", 0x72);
const TOR_IP: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);
const SPINE_IP: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 2);
const OUT: [Step; 1] = [step(TOR, SPINE)];
const IN: [Step; 1] = [step(SPINE, TOR)];
const BGP: u16 = 179;

/// The segment with a signature; what it is made of does not show.
fn signed(packet: Packet) -> Packet {
    let mut packet = packet;
    if let Body::Tcp { options, .. } = &mut packet.body {
        options.extend([19, 18]);
        options.extend([0xd5; 16]);
    }
    packet
}

/// Whose segments are signed.
#[derive(Clone, Copy)]
pub struct Signs {
    tor: bool,
    spine: bool,
}

/// Each calls the other, three times, and nothing comes back.
pub fn call_each_other(signs: Signs) -> Stage {
    let mut stage = Stage::capturing(&["tor"]);
    stage.resolve((TOR, TOR_IP), (SPINE, SPINE_IP), &[TOR, SPINE]);
    for n in 0..3u16 {
        for (from, to, way, is_signed) in
            [(TOR_IP, SPINE_IP, OUT, signs.tor), (SPINE_IP, TOR_IP, IN, signs.spine)]
        {
            let mut talk = Talk::new(at(from, 40_000 + n), at(to, BGP)).without_timestamps();
            let syn = talk.syn();
            let syn = if is_signed { signed(syn) } else { syn };
            stage.sent_again(&syn, 4, |stage, syn| {
                stage.carry(&way, syn);
            });
            stage.wait_ms(20_000);
        }
    }
    stage
}

/// One signs and the other does not.
pub fn one_side() -> Stage {
    call_each_other(Signs { tor: true, spine: false })
}

/// A call whose SYN is signed and is answered without a signature, or with one; the handshake ends in the latter case.
fn answered(with: bool) -> Stage {
    let mut stage = Stage::capturing(&["tor"]);
    stage.resolve((TOR, TOR_IP), (SPINE, SPINE_IP), &[TOR, SPINE]);
    let mut talk = Talk::new(at(TOR_IP, 40_100), at(SPINE_IP, BGP)).without_timestamps();
    let syn = signed(talk.syn());
    let syn_ack = talk.accept().syn_ack();
    let syn_ack = if with { signed(syn_ack) } else { syn_ack };
    if with {
        stage.carry(&OUT, &syn).carry(&IN, &syn_ack);
        let ack = signed(talk.open().ack(Who::Client));
        stage.carry(&OUT, &ack);
        let open = [&[0xff; 16][..], &[0, 29, 1, 4, 0xfd, 0xe9, 0, 180, 10, 66, 0, 1, 0]].concat();
        for who in [Who::Client, Who::Server] {
            let says = signed(talk.data(who, &open));
            stage.carry(if who == Who::Client { &OUT } else { &IN }, &says);
        }
        return stage;
    }
    stage.sent_again(&syn, 4, |stage, syn| {
        stage.carry(&OUT, syn).carry(&IN, &syn_ack);
    });
    stage.wait_ms(20_000);
    stage
}

#[test]
fn a_signature_on_one_side_alone_is_told() {
    let (report, text) = diagnosed(&one_side());
    assert_eq!(ids(&report), ["tcp-signature-mismatch", "syn-unanswered"], "{text}");
    let finding = &report["findings"][0];
    assert_eq!(finding["confidence"], "likely", "{text}");
    assert_eq!(finding["affected"]["failed"], 6, "{text}");
    assert!(
        text.contains("10.66.0.1 signs its segments (TCP MD5), and 10.66.0.2 does not"),
        "{text}"
    );
    let (report, text) = diagnosed(&answered(false));
    assert_eq!(ids(&report)[0], "tcp-signature-mismatch", "{text}");
    assert_eq!(report["findings"][0]["confidence"], "likely", "{text}");
}

#[test]
fn signatures_on_both_sides_and_on_none_are_not_told_apart() {
    // Keys do not show, so other keys stay possible.
    let (report, text) = diagnosed(&call_each_other(Signs { tor: true, spine: true }));
    assert_eq!(ids(&report), ["syn-unanswered"], "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "tcp-signature-mismatch", "{text}");
    let (report, text) = diagnosed(&call_each_other(Signs { tor: false, spine: false }));
    assert_eq!(ids(&report), ["syn-unanswered"], "{text}");
    let offered = candidates(&report["findings"][0]);
    assert!(!offered.contains(&"tcp-signature-mismatch"), "{text}");
    let (report, text) = diagnosed(&answered(true));
    assert!(ids(&report).is_empty(), "{text}");
}
