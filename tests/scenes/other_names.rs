//! Addresses that are not what they seem: a refusal in another name, a real server's address on two machines, one of
//! the balancer's own addresses that nobody routes back, the next hop of answers, answers to who never called.

use crate::packet::{Packet, SYN};
use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Talk, Who, step};
use crate::{candidates, diagnosed, ids};
use std::net::Ipv4Addr;

/// Every second call comes to a server as the client sent it, and is refused from the server's own address if `own`.
fn refused(own: bool) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    for n in 0..10u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 443));
        let (there, back) = dr(RS1);
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
        } else {
            let syn = talk.syn();
            for _ in 0..3 {
                stage.carry(&there, &syn);
                let refusal = Talk::refusal_of(&syn);
                let refusal = if own { refusal.from(at(RS1_IP, 443)) } else { refusal };
                stage.carry(&back, &refusal);
                if !own {
                    break;
                }
                stage.wait_ms(1_000);
            }
        }
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn a_refusal_in_the_servers_own_name_is_no_translation_that_was_bypassed() {
    let (report, text) = diagnosed(&refused(true));
    assert_eq!(report["findings"][0]["id"], "dsr-rst-from-rip", "{text}");
    assert_eq!(report["findings"][0]["confidence"], "certain", "{text}");
    for wrong in ["nat-return-bypasses-director", "connection-refused", "packet-loss"] {
        assert!(!ids(&report).contains(&wrong), "{wrong}: {text}");
    }
    let (report, text) = diagnosed(&refused(false));
    assert!(!ids(&report).contains(&"dsr-rst-from-rip"), "{text}");
}

/// The director sends every second call to who claims the server's address too, and refuses, if `other` is not it.
fn claimed(other: Nic) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    for n in 0..12u16 {
        let rs = if n % 2 == 0 { RS1 } else { other };
        if n % 4 == 0 {
            stage.ask(DIRECTOR_IN, DIRECTOR_IN_IP, NAT_RS1_IP, &INSIDE);
            for owner in [RS1, other] {
                let answer = arp(2, (owner, NAT_RS1_IP), (DIRECTOR_IN.mac, DIRECTOR_IN_IP));
                stage.unicast(owner, DIRECTOR_IN, &answer, true);
            }
        }
        let service = at(VIP, 80);
        let (there, back) = nat(rs, at(NAT_RS1_IP, 80), service);
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), service);
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
        } else {
            let syn = talk.syn();
            stage.carry(&there, &syn);
            stage.carry(&back, &Talk::refusal_of(&syn));
        }
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn who_refuses_by_a_servers_address_and_is_another_machine_is_told() {
    let (report, text) = diagnosed(&claimed(RS2));
    assert!(ids(&report).contains(&"vip-arp-conflict"), "{text}");
    assert!(!ids(&report).contains(&"connection-refused"), "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "vip-arp-conflict", "{text}");
    let (report, text) = diagnosed(&claimed(RS1));
    assert_eq!(report["findings"][0]["id"], "connection-refused", "{text}");
    assert!(!ids(&report).contains(&"vip-arp-conflict"), "{text}");
}

/// A director with two addresses of its own; the server's answers to the second do not come back if `lost`.
fn local_addresses(lost: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]).any("director");
    for n in 0..24u16 {
        let (service, client) = (at(VIP, 80), at(CLIENT_IP, 45_000 + n));
        let second = n % 3 == 1;
        let local = at(Ipv4Addr::new(10, 20, 0, if second { 3 } else { 2 }), 20_000 + n);
        let (there, back) = fullnat(RS1, at(NAT_RS1_IP, 80), service, local, client);
        let mut talk = Talk::new(client, service);
        if second && lost {
            let syn = talk.syn();
            let answer = talk.accept().syn_ack();
            for _ in 0..4 {
                stage.carry(&there, &syn);
                stage.carry_and_lose(&back, &answer, 1);
                stage.wait_ms(1_000);
            }
        } else {
            talk.whole(&mut stage, &there, &back);
        }
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn one_of_the_balancers_own_addresses_that_nobody_routes_back_is_no_loss() {
    let (report, text) = diagnosed(&local_addresses(true));
    assert!(!ids(&report).contains(&"packet-loss"), "{text}");
    assert_eq!(report["breaks"][0]["apart"][0]["what"], "local-address", "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "nat-return-bypasses-director", "{text}");
    let (report, text) = diagnosed(&local_addresses(false));
    assert!(ids(&report).is_empty(), "{text}");
}

/// A server asks for the router by which it answers, in vain for ten seconds if `silent`.
fn next_hop(silent: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let link = [ROUTER_IN, RS1];
    for n in 0..20u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 443));
        let (there, back) = dr(RS1);
        if silent && (8..14).contains(&n) {
            let syn = talk.syn();
            for _ in 0..2 {
                stage.carry(&there, &syn);
                stage.ask(RS1, RS1_IP, ROUTER_IP, &link);
                stage.wait_ms(1_000);
            }
        } else {
            talk.whole(&mut stage, &there, &back);
        }
    }
    stage.resolve((RS1, RS1_IP), (ROUTER_IN, ROUTER_IP), &link);
    stage.wait_ms(5_000);
    stage
}

#[test]
fn answers_that_have_no_next_hop_are_told_and_no_server_is_made_of_it() {
    let (report, text) = diagnosed(&next_hop(true));
    assert_eq!(candidates(&report["findings"][0])[0], "arp-unanswered", "{text}");
    assert!(ids(&report).contains(&"arp-unanswered"), "{text}");
    assert!(!ids(&report).contains(&"rs-unreachable"), "{text}");
    let (report, text) = diagnosed(&next_hop(false));
    assert!(ids(&report).is_empty(), "{text}");
}

/// A router passes whole calls on, and gets SYN-ACKs whose SYN went another way: of three clients of the service, or
/// of one that nobody here calls, to forged addresses.
fn unasked(forged: bool) -> Stage {
    let mut stage = Stage::default().any("router");
    for n in 0..16u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + n), at(VIP, 443));
        talk.whole(
            &mut stage,
            &[step(CLIENT, ROUTER), step(ROUTER_IN, RS1)],
            &[step(RS1, ROUTER_IN), step(ROUTER, CLIENT)],
        );
        let to = if forged {
            Ipv4Addr::new(198, 51, 100, 100 + n as u8)
        } else {
            Ipv4Addr::new(198, 51, 100, 30)
        };
        let from = if forged { Ipv4Addr::new(192, 0, 2, 9) } else { VIP };
        let mut other = Talk::new(at(to, 1_000 + n * 997), at(from, 443));
        other.syn();
        let answer: Packet = other.accept().syn_ack();
        for _ in 0..3 {
            stage.pass(RS1, ROUTER_IN, &answer);
            stage.wait_ms(1_000);
        }
    }
    stage.wait_ms(5_000);
    stage
}

#[test]
fn syn_acks_that_a_router_keeps_are_half_of_a_connection_unless_nobody_called() {
    let (report, text) = diagnosed(&unasked(false));
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "stateful-device-half-path", "{text}");
    let (report, text) = diagnosed(&unasked(true));
    assert_ne!(report["verdict"]["status"], "failing", "{text}");
    assert!(ids(&report).is_empty(), "{text}");
}

/// Bytes leave on the SYN, and again after its SYN-ACK, which takes none; on the way they were taken off if `taken`.
fn on_the_syn(taken: bool) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    let (there, back) = (
        [step(CLIENT, ROUTER), step(ROUTER_IN, RS1)],
        [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)],
    );
    for n in 0..8u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 48_000 + n), at(VIP, 443));
        let mut early = talk.clone();
        let bare = talk.syn();
        let full = early.segment(Who::Client, SYN, b"hello, early");
        stage.lose(CLIENT, ROUTER, &full);
        stage.arrive(ROUTER_IN, RS1, if taken { &bare } else { &full });
        let answer = talk.accept().syn_ack();
        stage.carry(&back, &answer);
        let ack = talk.open().ack(Who::Client);
        stage.carry(&there, &ack);
        let again = talk.data(Who::Client, b"hello, early");
        stage.carry(&there, &again);
        let told = talk.data(Who::Server, b"and hello to you");
        stage.carry(&back, &told);
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn bytes_that_were_taken_off_a_syn_are_not_lost() {
    for taken in [true, false] {
        let (report, text) = diagnosed(&on_the_syn(taken));
        assert!(!ids(&report).contains(&"packet-loss"), "{text}");
    }
}
