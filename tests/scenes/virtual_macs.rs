//! A director that is master with a virtual MAC (`use_vmac`), captured as Ethernet frames: which host that is,
//! and what a virtual switch does that knows the machine's own MAC alone.

use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Step, Talk, step};
use crate::{candidates, diagnosed, ids, role_of};
use std::net::Ipv4Addr;

const VRID: u8 = 51;
/// The master's virtual MAC.
const VIRTUAL: Nic = Nic { mac: [0, 0, 0x5e, 0, 1, VRID], ..DIRECTOR };
/// Somebody on the link, who watches.
const ADMIN: Nic = Nic::new("admin", 0x77);
const ADMIN_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);

fn advertised(stage: &mut Stage) {
    stage.advertise((VIRTUAL, DIRECTOR_IP), (VRID, 150), &[VIP], &[ROUTER_IN, RS1, RS2]);
}

/// Somebody on the link logs into the director by its own address.
fn logged_in(stage: &mut Stage, port: u16) {
    stage.resolve((ADMIN, ADMIN_IP), (DIRECTOR, DIRECTOR_IP), &[ADMIN, DIRECTOR]);
    let (there, back) = ([step(ADMIN, DIRECTOR)], [step(DIRECTOR, ADMIN)]);
    Talk::new(at(ADMIN_IP, port), at(DIRECTOR_IP, 8443)).whole(stage, &there, &back);
}

/// The router asks for the VIP; the answer may get there.
fn asked(stage: &mut Stage, arrives: bool) {
    stage.flood(ROUTER_IN, &LINK, [0xff; 6], arp(1, (ROUTER_IN, ROUTER_IP), ([0; 6], VIP)));
    let answer = arp(2, (VIRTUAL, VIP), (ROUTER_IN.mac, ROUTER_IP));
    stage.unicast(VIRTUAL, ROUTER_IN, &answer, arrives);
}

/// The virtual switch lets nothing out that has another MAC than the machine's own.
fn kept_in(mut stage: Stage) -> Stage {
    logged_in(&mut stage, 42_000);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 42_100 + n), at(VIP, 80));
        let syn = talk.syn();
        for (k, pause) in [(0u16, 1000), (1, 1000), (2, 1000), (3, 1000)] {
            if k != 2 {
                stage.pass(CLIENT, ROUTER, &syn.clone().id(syn.id + k));
            }
            advertised(&mut stage);
            asked(&mut stage, false);
            stage.wait_ms(pause);
        }
    }
    stage
}

/// As the client and the director see it.
pub fn not_let_out() -> Stage {
    kept_in(Stage::capturing(&["client", "director"]))
}

/// A DR director whose virtual MAC is let in and out, captured alone, with its servers' captures.
pub fn let_out() -> Stage {
    let mut stage = Stage::capturing(&["client", "director", "rs1", "rs2"]);
    stage.resolve((CLIENT, CLIENT_IP), (ROUTER, ROUTER_OUT_IP), &[CLIENT, ROUTER]);
    stage.resolve((DIRECTOR, DIRECTOR_IP), (RS1, RS1_IP), &LINK);
    stage.resolve((DIRECTOR, DIRECTOR_IP), (RS2, RS2_IP), &LINK);
    stage.resolve((RS1, RS1_IP), (ROUTER_IN, ROUTER_IP), &LINK);
    stage.resolve((RS2, RS2_IP), (ROUTER_IN, ROUTER_IP), &LINK);
    asked(&mut stage, true);
    for n in 0..8u16 {
        advertised(&mut stage);
        let rs = [RS1, RS2][usize::from(n % 2)];
        let there: Vec<Step> =
            vec![step(CLIENT, ROUTER), step(ROUTER_IN, VIRTUAL), step(DIRECTOR, rs)];
        let back = vec![step(rs, ROUTER_IN), step(ROUTER, CLIENT)];
        Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(900);
    }
    stage
}

/// A host watches the director's own address, as bonding does: it asks the whole link each second though it
/// is answered, and sends nothing else.
fn watched(by: Nic) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let (there, back) = ([step(ROUTER_IN, DIRECTOR)], [step(DIRECTOR, ROUTER_IN)]);
    for n in 0..8u16 {
        stage.flood(ADMIN, &LINK, [0xff; 6], arp(1, (ADMIN, ADMIN_IP), ([0; 6], DIRECTOR_IP)));
        stage.unicast(by, ADMIN, &arp(2, (by, DIRECTOR_IP), (ADMIN.mac, ADMIN_IP)), true);
        let mut talk = Talk::new(at(ROUTER_IP, 44_000 + n), at(DIRECTOR_IP, 80));
        talk.whole(&mut stage, &there, &back);
        stage.wait_ms(1000);
    }
    stage
}

#[test]
fn a_host_with_a_virtual_mac_is_the_one_that_was_captured() {
    for (play, role) in [(not_let_out as fn() -> Stage, "real server"), (let_out, "director")] {
        let (report, text) = diagnosed(&play());
        assert_eq!(role_of(&report, "director"), role, "{text}");
        assert!(!text.contains("SPAN"), "{text}");
    }
}

#[test]
fn a_virtual_mac_that_is_not_let_out_is_told_from_an_address_that_nobody_has() {
    let (report, text) = diagnosed(&not_let_out());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "arp-answer-lost", "{text}");
    assert_eq!(finding["confidence"], "likely", "{text}");
    assert_eq!(finding["affected"]["connections"], 3, "{text}");
    assert!(!ids(&report).contains(&"vip-unowned"), "{text}");
    // The address may be another's tomorrow, and the virtual MAC as well.
    let services = report["services"].as_array().unwrap();
    let own = services.iter().find(|s| s["vip"] == "203.0.113.5").expect(&text);
    assert_ne!(own["real_servers"][0]["address"], "203.0.113.80", "{text}");
    assert_eq!(finding["subjects"][0]["mac"], "52:54:00:5c:00:30", "{text}");
    // The asker's own capture, which lacks the answers, leaves no doubt.
    let (report, text) = diagnosed(&kept_in(Stage::capturing(&["director"]).any("router")));
    assert_eq!(report["findings"][0]["id"], "arp-answer-lost", "{text}");
    assert_eq!(report["findings"][0]["confidence"], "certain", "{text}");
}

/// A master without a virtual MAC, whose answers a cloud's port drops.
fn address_not_allowed() -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    for n in 0..6u16 {
        stage.advertise((DIRECTOR, DIRECTOR_IP), (VRID, 150), &[VIP], &LINK);
        stage.flood(ROUTER_IN, &LINK, [0xff; 6], arp(1, (ROUTER_IN, ROUTER_IP), ([0; 6], VIP)));
        let answer = arp(2, (DIRECTOR, VIP), (ROUTER_IN.mac, ROUTER_IP));
        stage.unicast(DIRECTOR, ROUTER_IN, &answer, false);
        stage.wait_ms(800);
        let (there, back) = ([step(DIRECTOR, RS1)], [step(RS1, DIRECTOR)]);
        let mut talk = Talk::new(at(DIRECTOR_IP, 44_100 + n), at(RS1_IP, 80));
        talk.whole(&mut stage, &there, &back);
    }
    stage
}

#[test]
fn an_address_that_a_port_may_not_use_is_offered_where_answers_are_not_taken() {
    let (report, text) = diagnosed(&address_not_allowed());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "arp-answer-lost", "{text}");
    assert_eq!(finding["confidence"], "possible", "{text}");
    assert_eq!(candidates(finding)[0], "fabric-anti-spoof", "{text}");
}

#[test]
fn who_watches_an_address_by_arp_has_lost_nothing() {
    let (report, text) = diagnosed(&watched(DIRECTOR));
    assert!(ids(&report).is_empty(), "{text}");
    let (report, text) = diagnosed(&let_out());
    assert_eq!(report["verdict"]["status"], "healthy", "{text}");
}
