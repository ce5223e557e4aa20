//! Pairs of directors of which the second is none, or took over from one that lives; addresses that change hands while
//! nobody looks; connections that lose their answers at one moment.

use crate::packet::{Body, Packet};
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Talk, Who, step};
use crate::{candidates, diagnosed};
use std::net::{IpAddr, Ipv4Addr};

fn verdict(stage: &Stage) -> String {
    diagnosed(stage).0["verdict"]["summary"].as_str().unwrap().to_owned()
}

/// An advertisement of VRRP for the VIP.
fn advertisement(priority: u8) -> Body {
    let mut bytes = vec![0x21, 51, priority, 1, 0, 1, 0, 0];
    bytes.extend(VIP.octets());
    bytes.extend([0; 8]);
    let sum = etherparse::checksum::Sum16BitWords::new().add_slice(&bytes).ones_complement();
    bytes[6..8].copy_from_slice(&sum.to_ne_bytes());
    Body::Raw(112, bytes)
}

/// A master that advertises to its peer, which turns down those of some seconds.
fn to_nobody(closed: std::ops::Range<u64>) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let (own, other): (IpAddr, IpAddr) = (DIRECTOR_IP.into(), RS2_IP.into());
    for s in 0..20u64 {
        stage.now = s * 1_000_000;
        let said = Packet::new(own, other, advertisement(150)).ttl(255).id(s as u16 + 1);
        stage.pass(DIRECTOR, RS2, &said);
        if closed.contains(&s) {
            stage.pass(RS2, DIRECTOR, &Packet::icmp_about(other, &said, 3, 2, 0));
        }
    }
    stage
}

#[test]
fn a_peer_without_a_daemon_is_no_standby() {
    let told = verdict(&to_nobody(0..20));
    assert!(told.contains("will not take over"), "{told}");
    let restarted = verdict(&to_nobody(4..9));
    assert!(!restarted.contains("will not take over"), "{restarted}");
}

const SECOND: Nic = Nic::new("second", 0x38);
const SECOND_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 6);

/// A backup that hears the master no more after half a minute, and takes over; the master goes on serving another.
fn unheard(lives: bool) -> Stage {
    let mut stage = Stage::capturing(&["second"]);
    let both = [DIRECTOR, SECOND, ROUTER_IN];
    for s in 0..60u64 {
        stage.now = s * 1_000_000 + 30_000;
        if s < 30 {
            stage.advertise((DIRECTOR, DIRECTOR_IP), (51, 101), &[VIP], &both);
        } else if s > 33 {
            stage.advertise((SECOND, SECOND_IP), (51, 100), &[VIP], &both);
        }
        if s % 5 == 0 && (s < 30 || lives) {
            let (there, back) = ([step(SECOND, DIRECTOR)], [step(DIRECTOR, SECOND)]);
            let mut talk = Talk::new(at(SECOND_IP, 41_000 + s as u16), at(DIRECTOR_IP, 9100));
            talk.whole(&mut stage, &there, &back);
        }
    }
    stage
}

#[test]
fn a_master_that_lives_and_is_heard_no_more_is_told() {
    let told = verdict(&unheard(true));
    assert!(told.contains("203.0.113.5 was heard no more"), "{told}");
    let dead = verdict(&unheard(false));
    assert!(!dead.contains("heard no more"), "{dead}");
}

/// A neighbour that calls an address which is now one machine's and now another's.
fn in_turn(changes: &[Nic]) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for (n, owner) in changes.iter().flat_map(|owner| [owner; 4]).enumerate() {
        let (there, back) = ([step(RS1, *owner)], [step(*owner, RS1)]);
        Talk::new(at(RS1_IP, 41_000 + n as u16), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn who_holds_an_address_in_turn_was_not_looked_at_without_vrrp() {
    let told = verdict(&in_turn(&[DIRECTOR, SECOND, DIRECTOR, SECOND]));
    assert!(told.contains("any VRRP"), "{told}");
    let once = verdict(&in_turn(&[DIRECTOR, SECOND]));
    assert!(!once.contains("any VRRP"), "{once}");
}

/// Connections to one server, of which those that stand get no answer from one moment on; new ones are answered.
fn forgotten(at_once: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    let mut old: Vec<Talk> =
        (0..6u16).map(|n| Talk::new(at(CLIENT_IP, 41_000 + n), at(VIP, 5432))).collect();
    for talk in &mut old {
        talk.handshake(&mut stage, &there, &back);
    }
    for _ in 0..5 {
        for talk in &mut old {
            talk.exchange(&mut stage, (&there, &back), &[3; 60], &[4; 90]);
        }
        stage.wait_ms(1_000);
    }
    let lost: Vec<Packet> = old.iter_mut().map(|talk| talk.data(Who::Client, &[3; 60])).collect();
    for (k, ms) in [(0u16, 0u64), (1, 210), (2, 630), (3, 1_470), (4, 3_150), (5, 6_510)] {
        let from = stage.now;
        for said in &lost {
            stage.carry_and_lose(&there, &said.clone().id(said.id + k), 1);
        }
        stage.now = from;
        stage.wait_ms(if k == 0 { 210 } else { ms });
    }
    for n in 0..12u16 {
        let port = if at_once { 42_000 } else { 41_000 } + 50 + n;
        Talk::new(at(CLIENT_IP, port), at(VIP, 5432)).whole(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn what_is_forgotten_at_one_moment_is_set_apart() {
    let (report, text) = diagnosed(&forgotten(true));
    assert_eq!(report["breaks"][0]["apart"][0]["what"], "stood-before", "{text}");
    assert!(candidates(&report["findings"][0]).contains(&"director-no-entry-rst"), "{text}");
    assert!(!text.contains("than one segment holds"), "{text}");
}

/// A server of which the director is a neighbour, told by an ICMP redirect to answer its client directly, or not.
fn redirected(told: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let client = Nic::new("neighbour", 0x51);
    let ip = Ipv4Addr::new(203, 0, 113, 90);
    for n in 0..5u16 {
        let mut talk = Talk::new(at(ip, 41_000 + n), at(RS1_IP, 80));
        let (syn, answer) = (talk.syn(), talk.syn_ack());
        for again in 0..3u16 {
            stage.pass(DIRECTOR, RS1, &syn.clone().id(syn.id + again));
            stage.pass(RS1, client, &answer);
            stage.pass(client, RS1, &Talk::rst_for(&answer));
            stage.wait_ms(1_000);
        }
        if told && n == 0 {
            let about = Packet::icmp_about(DIRECTOR_IP.into(), &answer, 5, 1, 0);
            stage.pass(DIRECTOR, RS1, &about);
        }
    }
    stage
}

#[test]
fn who_was_told_by_a_redirect_to_answer_past_the_director_is_told_so() {
    let (report, text) = diagnosed(&redirected(true));
    assert!(text.contains("send_redirects"), "{text}");
    assert_eq!(report["findings"][0]["confidence"], "likely", "{text}");
    let (_, text) = diagnosed(&redirected(false));
    assert!(!text.contains("send_redirects"), "{text}");
}
