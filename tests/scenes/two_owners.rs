//! Two machines with one address, where no ARP was captured, and a host that announces one and does not answer for it.

use crate::packet::{ACK, Packet, SYN};
use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Talk, Who, step};
use crate::{candidates, diagnosed, ids};
use std::net::Ipv4Addr;

/// A machine that has no part in the service.
const STRANGER: Nic = Nic::new("stranger", 0x66);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);

/// A client on the service's own link calls it; every second call goes to `other`, which refuses it.
fn refused_by(other: Nic) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..8u16 {
        let mut talk = Talk::new(at(NEIGHBOUR, 45_000 + n), at(VIP, 8080));
        if n % 2 == 0 {
            talk.whole(&mut stage, &[step(CLIENT, RS1)], &[step(RS1, CLIENT)]);
        } else {
            let syn = talk.syn();
            stage.carry(&[step(CLIENT, other)], &syn);
            stage.carry(&[step(other, CLIENT)], &Talk::refusal_of(&syn));
        }
        stage.wait_ms(2_000);
    }
    stage
}

fn refusal(stage: &Stage) -> (Vec<String>, String) {
    let (report, text) = diagnosed(stage);
    let found = report["findings"].as_array().unwrap();
    let found = found.iter().find(|f| f["id"] == "syn-refused").unwrap_or_else(|| panic!("{text}"));
    (candidates(found).into_iter().map(str::to_owned).collect(), text)
}

#[test]
fn calls_that_another_machine_refuses_are_told_by_whom_they_were_sent_to() {
    let (told, text) = refusal(&refused_by(RS2));
    assert_eq!(told[0], "vip-arp-conflict", "{text}");
    assert!(text.contains("52:54:00:5c:00:42"), "{text}");
    let (told, text) = refusal(&refused_by(RS1));
    assert_eq!(told[0], "connection-refused", "{text}");
    assert!(!told.iter().any(|id| id == "vip-arp-conflict"), "{text}");
    assert!(told.iter().any(|id| id == "ipvs-no-destination"), "{text}");
}

#[test]
fn a_syn_that_two_hosts_accept_names_both() {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..5u16 {
        let mut talk = Talk::new(at(NEIGHBOUR, 46_000 + n), at(VIP, 3389)).without_timestamps();
        let mut other = talk.clone();
        other.server.next = other.server.next.wrapping_add(77_000_000);
        let syn = talk.syn();
        stage.carry(&[step(CLIENT, RS1)], &syn);
        other.client = talk.client;
        let first = talk.accept().syn_ack();
        stage.carry(&[step(RS1, CLIENT)], &first);
        let second: Packet = other.accept().segment(Who::Server, SYN | ACK, &[]);
        stage.carry(&[step(RS2, CLIENT)], &second);
        let ack = talk.open().ack(Who::Client);
        stage.carry(&[step(CLIENT, RS1)], &ack);
        let reset = Talk::rst_for(&ack);
        stage.carry(&[step(RS2, CLIENT)], &reset);
        stage.wait_ms(2_000);
    }
    let (report, text) = diagnosed(&stage);
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
    let told = report["findings"].to_string();
    assert!(told.contains("two SYN-ACKs with numbers of their own from 52:54:00"), "{text}");
}

/// A node announces an address and is then asked for it by its router, in rounds of three; it answers for its own.
fn announced(answers: bool) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let link = [ROUTER_IN, DIRECTOR];
    stage.announce(DIRECTOR, VIP, &link);
    for _ in 0..3 {
        stage.wait_ms(6_000);
        for _ in 0..if answers { 1 } else { 3 } {
            stage.ask(ROUTER_IN, ROUTER_IP, VIP, &link);
            if answers {
                let answer = arp(2, (DIRECTOR, VIP), (ROUTER_IN.mac, ROUTER_IP));
                stage.unicast(DIRECTOR, ROUTER_IN, &answer, true);
            }
            stage.wait_ms(1_000);
        }
        stage.ask(ROUTER_IN, ROUTER_IP, DIRECTOR_IP, &link);
        let answer = arp(2, (DIRECTOR, DIRECTOR_IP), (ROUTER_IN.mac, ROUTER_IP));
        stage.unicast(DIRECTOR, ROUTER_IN, &answer, true);
    }
    stage
}

#[test]
fn who_announces_an_address_and_does_not_answer_for_it_is_told() {
    let (report, text) = diagnosed(&announced(false));
    assert!(ids(&report).contains(&"arp-unanswered"), "{text}");
    let (report, text) = diagnosed(&announced(true));
    assert!(ids(&report).is_empty(), "{text}");
}

/// A director in NAT asks for its real server again and again. A stranger answers as well, where `two`, and every
/// second call goes to him and dies there.
fn server_resolved(two: bool) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        stage.ask(DIRECTOR_IN, DIRECTOR_IN_IP, NAT_RS1_IP, &[DIRECTOR_IN, RS1, STRANGER]);
        for nic in [Some(RS1), two.then_some(STRANGER)].into_iter().flatten() {
            let answer = arp(2, (nic, NAT_RS1_IP), (DIRECTOR_IN.mac, DIRECTOR_IN_IP));
            stage.unicast(nic, DIRECTOR_IN, &answer, true);
        }
        let (server, service) = (at(NAT_RS1_IP, 80), at(VIP, 80));
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + n), service);
        if two && n % 2 == 1 {
            let (there, _) = nat(STRANGER, server, service);
            let syn = talk.syn();
            for wait_ms in [1_000, 2_000, 4_000] {
                stage.carry(&there, &syn);
                stage.wait_ms(wait_ms);
            }
        } else {
            let (there, back) = nat(RS1, server, service);
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(2_000);
        }
    }
    stage
}

#[test]
fn a_real_servers_own_address_may_have_two_owners_too() {
    let (report, text) = diagnosed(&server_resolved(true));
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
    let told = report["findings"].as_array().unwrap().iter();
    let conflict = told.into_iter().find(|f| f["id"] == "vip-arp-conflict");
    let title = conflict.unwrap_or_else(|| panic!("{text}"))["title"].to_string();
    assert!(title.contains("10.20.0.11"), "{title}");
    let told = report["findings"].to_string();
    assert!(told.contains("those sent to 52:54:00:5c:00:41 are served"), "{text}");
    let (report, text) = diagnosed(&server_resolved(false));
    assert_eq!(report["verdict"]["accounts"], "8 connections: 8 did well", "{text}");
    assert!(ids(&report).is_empty(), "{text}");
}

/// A client of the link calls an address that one machine serves, and a second claims: by announcing it in turn with the
/// first, or by answers to questions alone.
fn claimed(announces: bool) -> (serde_json::Value, String) {
    let mut stage = Stage::capturing(&["client"]);
    let link = [CLIENT, RS1, RS2];
    for n in 0..8u16 {
        stage.announce(RS1, VIP, &link);
        stage.wait_ms(500);
        let mut talk = Talk::new(at(NEIGHBOUR, 47_000 + n), at(VIP, 80));
        talk.whole(&mut stage, &[step(CLIENT, RS1)], &[step(RS1, CLIENT)]);
        stage.wait_ms(500);
        if announces {
            stage.announce(RS2, VIP, &link);
        } else {
            stage.resolve((CLIENT, NEIGHBOUR), (RS2, VIP), &link);
        }
        stage.wait_ms(500);
    }
    diagnosed(&stage)
}

#[test]
fn two_that_announce_an_address_in_turn_are_its_owners_and_none_is_quietened() {
    let (report, text) = claimed(true);
    assert!(!report["findings"].to_string().contains("arp_ignore=1"), "{text}");
    assert_eq!(report["findings"][0]["id"], "vip-arp-conflict", "{text}");
    let (report, text) = claimed(false);
    assert_eq!(report["findings"][0]["id"], "dr-arp-problem", "{text}");
}
