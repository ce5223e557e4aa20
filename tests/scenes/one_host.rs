//! What the frames of one host tell of a break there: for whom it waits, by which interface it answers, who is
//! the caller that it chose, and who turns a caller away.

use crate::moved_on::{LAN, has_nothing_loud};
use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Rewrite, Step, Talk, Who, rewritten, step};
use crate::{candidates, diagnosed, ids};
use std::net::Ipv4Addr;

const IN: ([Step; 1], [Step; 1]) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);

/// SSH, of which each third connection is turned away by the line, once or each time.
fn logins(line: &[u8], turned_away: u16) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 22));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let said = talk.data(Who::Client, b"SSH-2.0-OpenSSH_9.6\r\n");
        stage.carry(&LAN.0, &said);
        let first = if n < turned_away { line } else { b"SSH-2.0-OpenSSH_8.9p1\r\n" };
        let first = talk.data(Who::Server, first);
        stage.carry(&LAN.1, &first);
        if n >= turned_away {
            talk.exchange(&mut stage, (&LAN.0, &LAN.1), &[1; 700], &[2; 700]);
        }
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn who_is_turned_away_before_the_login_is_told_so() {
    let (report, text) = diagnosed(&logins(b"Exceeded MaxStartups\r\n", 2));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("SSH: Exceeded MaxStartups"), "{text}");
    assert_eq!(report["findings"][0]["affected"]["connections"], 2, "{text}");
    has_nothing_loud(&logins(b"", 0));
}

/// Whose checks a cloud's machines get (Azure).
const PROBER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Checks of two addresses of a host, of which the second is answered by the interface of the first, or by its own.
fn checked(by_its_own: bool) -> Stage {
    let mut stage = Stage::default().any("rs1");
    let second = RS1.second(0x51);
    for n in 0..8u16 {
        let mut one = Talk::new(at(PROBER, 46_000 + n * 2), at(RS1_IP, 443));
        one.handshake(&mut stage, &[step(DIRECTOR, RS1)], &[step(RS1, DIRECTOR)]);
        one.close(&mut stage, &[step(DIRECTOR, RS1)], &[step(RS1, DIRECTOR)]);
        let mut other = Talk::new(at(PROBER, 46_001 + n * 2), at(NAT_RS1_IP, 443));
        let begun = stage.now;
        if by_its_own {
            let (there, back) = ([step(DIRECTOR, second)], [step(second, DIRECTOR)]);
            other.handshake(&mut stage, &there, &back);
            other.close(&mut stage, &there, &back);
        } else {
            let syn = other.syn();
            other.accept();
            stage.sent_again(&syn, 3, |stage, syn| {
                stage.pass(DIRECTOR, second, syn);
                let syn_ack = other.syn_ack();
                stage.lose(RS1, DIRECTOR, &syn_ack);
            });
        }
        stage.now = begun + 5_000_000;
    }
    stage
}

#[test]
fn a_check_that_is_answered_by_another_interface_is_told_so() {
    let (report, text) = diagnosed(&checked(false));
    assert_eq!(ids(&report), ["health-check-failing"], "{text}");
    let finding = &report["findings"][0];
    assert_eq!(candidates(finding)[0], "stateful-device-half-path", "{text}");
    assert!(!candidates(finding).contains(&"rs-silent"), "{text}");
    assert!(text.contains("leave by another interface"), "{text}");
    assert!(text.contains("never acknowledged"), "{text}");
    has_nothing_loud(&checked(true));
}

/// A server that lost its router's address asks for it and is answered at once, or the third time; its SYN-ACKs
/// wait meanwhile.
fn asks_for_its_router(times: u64) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for round in 0..3u16 {
        let begun = stage.now;
        let mut talk = Talk::new(at(CLIENT_IP, 50_000 + round), at(RS1_IP, 80));
        let syn = talk.syn();
        talk.accept();
        let mut answers = Vec::new();
        for k in 0..times {
            stage.now = begun + k * 1_024_000;
            if k < 2 {
                stage.pass(ROUTER_IN, RS1, &syn.clone().id(syn.id + k as u16));
                answers.push(talk.syn_ack());
            }
            stage.ask(RS1, RS1_IP, ROUTER_IP, &[]);
        }
        let told = arp(2, (ROUTER_IN, ROUTER_IP), (RS1.mac, RS1_IP));
        stage.unicast(ROUTER_IN, RS1, &told, true);
        for answer in &answers {
            stage.pass(RS1, ROUTER_IN, answer);
        }
        talk.open();
        let ack = talk.ack(Who::Client);
        stage.carry(&IN.0, &ack);
        talk.close(&mut stage, &IN.0, &IN.1);
        for n in 0..6u16 {
            stage.wait_ms(40_000);
            let mut talk = Talk::new(at(CLIENT_IP, 51_000 + round * 10 + n), at(RS1_IP, 80));
            talk.whole(&mut stage, &IN.0, &IN.1);
        }
        stage.now = begun + 300_000_000;
    }
    stage
}

#[test]
fn answers_that_wait_for_the_neighbour_are_told_from_a_full_queue() {
    let (report, text) = diagnosed(&asks_for_its_router(3));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "slow-connect", "{text}");
    assert_eq!(candidates(finding)[0], "arp-answer-lost", "{text}");
    assert!(text.contains("asked for 203.0.113.1"), "{text}");
    has_nothing_loud(&asks_for_its_router(1));
}

const NODE: Nic = Nic::new("node", 0xa0);
const POD: Nic = Nic::new("pod1", 0xb1);
const POD2: Nic = Nic::new("pod2", 0xb2);

/// A pod calls a service of the cluster, and the node chooses itself, in its own name, or the other pod.
fn calls_its_own_service(itself: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    let ip = |n| Ipv4Addr::new(10, 244, 1, n);
    let service = at(Ipv4Addr::new(10, 96, 31, 5), 80);
    for n in 0..6u16 {
        let caller = at(ip(7), 40_000 + n);
        let mut talk = Talk::new(caller, service);
        let begun = stage.now;
        if itself && n % 2 == 1 {
            let own = Rewrite::Both(at(ip(1), 20_000 + n), at(ip(7), 8080));
            let there = [step(POD, NODE), rewritten(NODE, POD, own)];
            let syn = talk.syn();
            stage.sent_again(&syn, 3, |stage, syn| {
                stage.carry_and_lose(&there, syn, 2);
            });
        } else {
            let there = [step(POD, NODE), rewritten(NODE, POD2, Rewrite::Dst(at(ip(8), 8080)))];
            let from = Rewrite::Src(at(ip(8), 8080));
            let back = [rewritten(POD2, NODE, from), rewritten(NODE, POD, Rewrite::Src(service))];
            talk.whole(&mut stage, &there, &back);
        }
        stage.now = begun + 5_000_000;
    }
    stage
}

#[test]
fn a_caller_that_is_sent_its_own_call_by_a_bridge_is_told() {
    let (report, text) = diagnosed(&calls_its_own_service(true));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "syn-unanswered", "{text}");
    assert_eq!(candidates(finding)[0], "l4-self-access-hairpin", "{text}");
    assert!(!candidates(finding).contains(&"nat-same-subnet-client"), "{text}");
    assert!(text.contains("hairpin mode"), "{text}");
    has_nothing_loud(&calls_its_own_service(false));
}

/// TFTP whose first block comes from another address and port, and is acknowledged there or never.
fn transfers(acknowledged: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let begun = stage.now;
        let client = at(CLIENT_IP, 3_000 + n);
        let server = at(if acknowledged { VIP } else { RS1_IP }, 51_000 + n);
        let ask = Packet::udp(client, at(VIP, 69), b"\0\x01boot.cfg\0octet\0");
        stage.carry(&LAN.0, &ask);
        let block = [&b"\0\x03\0\x01"[..], &[7; 200]].concat();
        for s in 0..4u64 {
            stage.now = begun + s * 1_000_000 + 2_000;
            stage.carry(&LAN.1, &Packet::udp(server, client, &block).id(s as u16 + 1));
            if acknowledged {
                stage.carry(&LAN.0, &Packet::udp(client, server, b"\0\x04\0\x01"));
                break;
            }
        }
        stage.now = begun + 8_000_000;
    }
    stage
}

#[test]
fn blocks_from_elsewhere_that_nobody_acknowledges_are_told_without_a_refusal() {
    let (report, text) = diagnosed(&transfers(false));
    assert_eq!(ids(&report)[0], "udp-reply-from-rip", "{text}");
    assert!(text.contains("acknowledge none of them"), "{text}");
    has_nothing_loud(&transfers(true));
}

/// A host that asks for an address in vain, alone in its capture; another host is answered or does not ask.
fn asks_alone(rounds: u64) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs2"]);
    for round in 0..rounds {
        for k in 0..3u64 {
            stage.now = round * 6_000_000 + k * 1_030_000;
            stage.ask(CLIENT, CLIENT_IP, VIP, &[]);
        }
    }
    for n in 0..4u16 {
        stage.wait_ms(900);
        stage.resolve((RS2, RS2_IP), (RS1, VIP), &[]);
        let mut talk = Talk::new(at(RS2_IP, 50_000 + n), at(VIP, 80));
        talk.whole(&mut stage, &[step(RS2, RS1)], &[step(RS1, RS2)]);
    }
    stage
}

#[test]
fn who_alone_gets_no_answer_is_told() {
    let (report, text) = diagnosed(&asks_alone(4));
    assert_eq!(ids(&report), ["arp-unanswered"], "{text}");
    assert!(text.contains("macvlan"), "{text}");
    // A question or two.
    has_nothing_loud(&asks_alone(1));
}

/// A server that resets the end of some handshakes, as one does whose queue is full, or what follows them.
fn reset_at(the_end: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..9u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 9092));
        if n % 3 == 2 {
            let (syn, syn_ack) = (talk.syn(), talk.accept().syn_ack());
            stage.carry(&LAN.0, &syn).carry(&LAN.1, &syn_ack);
            let ack = talk.open().ack(Who::Client);
            stage.carry(&LAN.0, &ack);
            let met = if the_end { ack } else { talk.data(Who::Client, &[5; 40]) };
            if !the_end {
                stage.wait_ms(500).carry(&LAN.0, &met);
            }
            stage.carry(&LAN.1, &Talk::rst_for(&met));
        } else {
            talk.whole(&mut stage, &LAN.0, &LAN.1);
        }
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn a_reset_of_the_last_step_of_a_handshake_may_be_a_full_queues() {
    let (report, text) = diagnosed(&reset_at(true));
    let finding = &report["findings"][0];
    assert_eq!(candidates(finding)[0], "accept-queue-overflow", "{text}");
    assert!(text.contains("tcp_abort_on_overflow"), "{text}");
    let (_, text) = diagnosed(&reset_at(false));
    assert!(!text.contains("tcp_abort_on_overflow"), "{text}");
}

/// A client that says something that nobody reads, and leaves; the server's kernel acknowledges, and its program
/// closes then or does nothing.
fn left_alone(closes: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 9000));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let said = talk.data(Who::Client, &[0x17; 60]);
        let taken = talk.ack(Who::Server);
        stage.carry(&LAN.0, &said).carry(&LAN.1, &taken).wait_ms(9_000);
        let fin = talk.fin(Who::Client);
        stage.carry(&LAN.0, &fin);
        let last = if closes { talk.fin(Who::Server) } else { talk.ack(Who::Server) };
        stage.carry(&LAN.1, &last);
        if closes {
            let ack = talk.ack(Who::Client);
            stage.carry(&LAN.0, &ack);
        }
        stage.wait_ms(3_000);
    }
    let mut end = Talk::new(at(CLIENT_IP, 47_000), at(RS2_IP, 80));
    end.whole(&mut stage, &LAN.0, &LAN.1);
    stage
}

#[test]
fn a_server_that_neither_answers_nor_closes_is_not_said_to_do_well() {
    let service = |report: &serde_json::Value| {
        let all = report["services"].as_array().unwrap().iter();
        all.clone().find(|s| s["port"] == 9000).unwrap()["totals"]["well"].as_u64()
    };
    let (report, text) = diagnosed(&left_alone(false));
    assert_eq!(service(&report), Some(0), "{text}");
    let (report, text) = diagnosed(&left_alone(true));
    assert_eq!(service(&report), Some(4), "{text}");
}

/// A client whose words are lost from some moment on, and who resets when it has said them often enough.
fn gives_up() -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..2u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 833 + n), at(VIP, 2049));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        for _ in 0..5 {
            talk.exchange(&mut stage, (&LAN.0, &LAN.1), &[3; 144], &[4; 124]);
        }
        let call = talk.data(Who::Client, &[5; 144]);
        let begun = stage.now;
        for (k, ms) in [(0u16, 0u64), (1, 210), (2, 630), (3, 1_470), (4, 3_150), (5, 6_500)] {
            stage.now = begun + ms * 1_000;
            stage.carry_and_lose(&LAN.0, &call.clone().id(call.id + k), 1);
        }
        stage.wait_ms(6_000);
        let reset = talk.rst_ack(Who::Client);
        stage.carry_and_lose(&LAN.0, &reset, 1);
        stage.wait_ms(1_000);
    }
    stage
}

#[test]
fn a_reset_of_who_gave_up_is_no_reset_of_the_connection() {
    let (report, text) = diagnosed(&gives_up());
    assert!(!ids(&report).contains(&"connection-reset"), "{text}");
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
    assert_eq!(report["services"][0]["totals"]["failed"], 2, "{text}");
}
