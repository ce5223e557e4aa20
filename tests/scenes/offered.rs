//! What may be behind a break that one capture shows, told by what else its frames say: who asks
//! again and who does not, what came to the client itself, what leaves a host in no form that is
//! read, what is translated beside what is not.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Rewrite, Talk, rewritten, step};
use crate::{candidates, diagnosed, ids};
use std::net::Ipv4Addr;

const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 44);
const OWN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 31);
const INNER: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 11);
const NODE: Nic = Nic::new("node", 0xa0);
const VETH: Nic = NODE.second(0xa1);
const POD: Nic = Nic::new("pod1", 0xb1);

fn question(n: u16) -> Vec<u8> {
    let tail = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'a', b'p', b'p', 0, 0, 1, 0, 1];
    [&n.to_be_bytes()[..], &tail].concat()
}

/// A server repeats its SYN-ACK; the client asks once, or again and again.
fn unacknowledged(again: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 38_000 + 7 * n), at(RS1_IP, 80));
        let begun = stage.now;
        let syn = talk.syn();
        let mut accepted = talk.clone();
        accepted.accept();
        for (k, s) in [(0u16, 0u64), (1, 1), (2, 3), (3, 7)] {
            stage.now = begun + s * 1_000_000;
            if k == 0 || again {
                stage.pass(ROUTER_IN, RS1, &syn.clone().id(syn.id + k).ttl(62));
            }
            stage.pass(RS1, ROUTER_IN, &accepted.syn_ack());
        }
        stage.now = begun + 12_000_000;
    }
    stage
}

#[test]
fn a_client_that_asks_once_has_its_answer() {
    let (report, text) = diagnosed(&unacknowledged(false));
    assert_eq!(ids(&report), ["handshake-incomplete"], "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "stateful-device-half-path", "{text}");
    assert!(text.contains("sends its SYN once"), "{text}");
    let (report, text) = diagnosed(&unacknowledged(true));
    assert_eq!(ids(&report)[0], "handshake-incomplete", "{text}");
    assert!(!text.contains("sends its SYN once"), "{text}");
}

/// The first SYN-ACK acknowledges what was never sent; the client resets it and comes again.
#[test]
fn what_came_to_the_client_was_not_lost_on_the_way() {
    let mut stage = Stage::capturing(&["client"]);
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 41_000 + n), at(VIP, 443));
        let begun = stage.now;
        let syn = talk.syn();
        let mut strange = talk.clone();
        strange.client.next = strange.client.next.wrapping_add(5_000_000);
        strange.server.next = strange.server.next.wrapping_add(99_999_999);
        let wrong = strange.syn_ack();
        stage.carry(&there, &syn).carry(&back, &wrong).carry(&there, &Talk::rst_for(&wrong));
        stage.now = begun + 1_030_000;
        talk.whole(&mut stage, &there, &back);
        stage.wait_ms(900);
    }
    let (report, text) = diagnosed(&stage);
    assert_eq!(ids(&report)[0], "slow-connect", "{text}");
    assert_eq!(candidates(&report["findings"][0]), ["synproxy-side-effects"], "{text}");
}

/// Questions from a new port each, of which none is answered.
fn asked(times: u16) -> Stage {
    let mut stage = Stage::default().any("client");
    for n in 0..times {
        let asked = Packet::udp(at(CLIENT_IP, 50_000 + n), at(VIP, 53), &question(n));
        stage.pass(CLIENT, ROUTER, &asked.id(8 * n + 1));
        stage.wait_ms(2_000);
        let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
        Talk::new(at(CLIENT_IP, 51_000 + n), at(FAR, 80)).whole(&mut stage, &there, &back);
    }
    stage
}

#[test]
fn none_of_several_answers_is_a_fault_where_every_question_has_one() {
    let (report, text) = diagnosed(&asked(5));
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert!(!text.contains("0.0 ms"), "{text}");
    let (report, text) = diagnosed(&asked(2));
    assert!(ids(&report).is_empty(), "{text}");
}

/// A pod asks a name server beyond its node, which sends that on as it is, and calls others, whom
/// the node calls with an address of its own or does not.
fn sent_on(masquerades: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..4u16 {
        for k in 0..3u16 {
            let asked = Packet::udp(at(INNER, 50_000 + n), at(FAR, 53), &question(n));
            let way = [step(POD, VETH), step(NODE, ROUTER_IN)];
            stage.carry(&way, &asked.id(8 * n + k + 1));
            stage.wait_ms(2_000);
        }
        let (pod, own) = (at(INNER, 38_900 + n * 2), at(OWN, 60_100 + n));
        let mut there = [step(POD, VETH), step(NODE, ROUTER_IN)];
        let mut back = [step(ROUTER_IN, NODE), step(VETH, POD)];
        if masquerades {
            there[1] = rewritten(NODE, ROUTER_IN, Rewrite::Src(own));
            back = [
                rewritten(ROUTER_IN, NODE, Rewrite::Dst(own)),
                rewritten(VETH, POD, Rewrite::Dst(pod)),
            ];
        }
        Talk::new(pod, at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(700);
    }
    stage
}

#[test]
fn what_leaves_untranslated_beside_what_is_translated_may_lack_a_rule() {
    let (report, text) = diagnosed(&sent_on(true));
    assert_eq!(ids(&report)[0], "datagram-unanswered", "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "masquerade-missing", "{text}");
    let (report, text) = diagnosed(&sent_on(false));
    assert!(!candidates(&report["findings"][0]).contains(&"masquerade-missing"), "{text}");
}

/// A gateway whose capture shows nothing of what it sends on; some calls are answered.
#[test]
fn what_leaves_in_no_form_that_is_read_was_not_dropped_here() {
    let mut stage = Stage::default().any("node");
    for n in 0..6u16 {
        let mut talk = Talk::new(at(INNER, 45_000 + n), at(FAR, 443));
        if n < 3 {
            let (there, back) = ([step(POD, VETH)], [step(ROUTER_IN, NODE), step(VETH, POD)]);
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(500);
            continue;
        }
        let begun = stage.now;
        for s in [0u64, 1, 3, 7] {
            stage.now = begun + s * 1_000_000;
            let syn = talk.syn();
            stage.carry(&[step(POD, VETH)], &syn);
        }
        stage.wait_ms(700);
    }
    let (report, text) = diagnosed(&stage);
    assert_eq!(ids(&report)[0], "syn-unanswered", "{text}");
    let offered = candidates(&report["findings"][0]);
    for here in ["accept-queue-overflow", "conntrack-table-full", "rp-filter-drop"] {
        assert!(!offered.contains(&here), "{here}: {text}");
    }
}
