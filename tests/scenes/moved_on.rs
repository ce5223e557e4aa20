//! Clients that are sent on to where they cannot go, openings that are given up for another, words that nobody
//! answers, handshakes of which one direction passes, and packets for what is no longer where it was.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Rewrite, Step, Talk, Who, rewritten, step};
use crate::{candidates, diagnosed, ids};
use serde_json::Value;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

pub const LAN: ([Step; 1], [Step; 1]) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);

fn failed(report: &Value) -> u64 {
    let services = report["services"].as_array().unwrap().iter();
    services.map(|service| service["totals"]["failed"].as_u64().unwrap()).sum()
}

pub fn has_nothing_loud(stage: &Stage) -> String {
    let (report, text) = diagnosed(stage);
    let loud = report["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info");
    assert_eq!(loud.count(), 0, "{text}");
    assert_eq!(failed(&report), 0, "{text}");
    text
}

/// A SYN that comes again and again and meets nobody.
fn in_vain(stage: &mut Stage, from: SocketAddr, to: SocketAddr) {
    let syn = Talk::new(from, to).syn();
    stage.sent_again(&syn, 4, |stage, syn| {
        stage.carry_and_lose(&LAN.0, syn, 1);
    });
    stage.wait_ms(4_000);
}

/// A service sends each client on to an endpoint, which is reached or not.
pub fn sent_on(port: u16, answer: &[u8], to: SocketAddr, reached: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + 3 * n), at(VIP, port));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), b"\0\x10\0\0\x01\0\0\0CONNECT", answer);
        talk.close(&mut stage, &LAN.0, &LAN.1);
        let from = at(CLIENT_IP, 46_001 + 3 * n);
        if reached {
            Talk::new(from, to).whole(&mut stage, &LAN.0, &LAN.1);
        } else {
            in_vain(&mut stage, from, to);
        }
        stage.wait_ms(500);
    }
    stage
}

fn tns_redirect() -> Vec<u8> {
    let text = b"(ADDRESS=(PROTOCOL=TCP)(HOST=10.20.0.11)(PORT=1521))";
    let len = (10 + text.len() as u16).to_be_bytes();
    [&len[..], &[0, 0, 5, 0, 0, 0, 0, text.len() as u8], text].concat()
}

#[test]
fn who_is_sent_on_to_where_nobody_answers_is_told_by_whom() {
    let oracle = (1521, tns_redirect(), "REDIRECT");
    let redis = (6379, b"-MOVED 3999 10.20.0.11:6379\r\n".to_vec(), "cluster-announce-ip");
    for (port, answer, says) in [oracle, redis] {
        let to = at(NAT_RS1_IP, port);
        let (report, text) = diagnosed(&sent_on(port, &answer, to, false));
        assert_eq!(ids(&report)[0], "control-channel-address", "{text}");
        assert_eq!(report["findings"][0]["affected"]["failed"], 3, "{text}");
        assert!(text.contains(says), "{text}");
        has_nothing_loud(&sent_on(port, &answer, to, true));
    }
}

/// Answers of which the server sends so many bytes of 3,000, and closes first, or after its client (`asked`).
fn answers_of(bytes: usize, asked: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n";
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), b"GET /i HTTP/1.1\r\nHost: a\r\n\r\n", head);
        for part in vec![7; bytes].chunks(1_000) {
            stage.carry(&LAN.1, &talk.data(Who::Server, part));
            stage.carry(&LAN.0, &talk.ack(Who::Client));
        }
        if asked {
            talk.close(&mut stage, &LAN.0, &LAN.1);
        } else {
            talk.close_by_server(&mut stage, &LAN.0, &LAN.1);
        }
        stage.wait_ms(400);
    }
    stage
}

#[test]
fn an_answer_that_ends_before_its_length_is_told() {
    let (report, text) = diagnosed(&answers_of(2_000, false));
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
    assert!(text.contains("servers close before answers are whole"), "{text}");
    assert_eq!(failed(&report), 4, "{text}");
    // All of it, none of it, as to HEAD, or given up by the client.
    for (bytes, asked) in [(3_000, false), (0, false), (2_000, true)] {
        has_nothing_loud(&answers_of(bytes, asked));
    }
}

/// What a client sends to a service that takes it and closes.
fn taken(port: u16, words: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + n), at(VIP, port));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        stage.carry(&LAN.0, &talk.data(Who::Client, words));
        talk.close_by_server(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(700);
    }
    stage
}

#[test]
fn who_takes_logs_metrics_and_print_jobs_owes_no_answer() {
    for words in [
        &b"<34>1 2026-01-01T00:00:00Z web app - - - started\n"[..],
        b"servers.web1.load 0.42 1767225600\n",
        b"api.requests:1|c\n",
        b"\x1b%-12345X@PJL JOB\r\n",
    ] {
        has_nothing_loud(&taken(9_099, words));
    }
    let (report, text) = diagnosed(&taken(9_099, b"GET / HTTP/1.1\r\n\r\n"));
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
}

/// A client opens by IPv6, and a quarter of a second later by IPv4 (`both`), which stands. The SYN-ACK of the
/// first comes when it has given it up.
fn race(both: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let v6 = |last: u16| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0x88, 0, 0, 0, 0, last));
    // What ties the two addresses of the client: one MAC.
    Talk::new(SocketAddr::new(v6(0x20), 45_000), SocketAddr::new(v6(0x80), 443))
        .whole(&mut stage, &LAN.0, &LAN.1);
    for n in 0..4u16 {
        let mut slow =
            Talk::new(SocketAddr::new(v6(0x20), 46_000 + n), SocketAddr::new(v6(0x80), 443));
        let syn = slow.syn();
        stage.carry(&LAN.0, &syn);
        stage.wait_ms(250);
        if both {
            Talk::new(at(CLIENT_IP, 48_000 + n), at(VIP, 443)).whole(&mut stage, &LAN.0, &LAN.1);
        }
        stage.wait_ms(800);
        let accepted = slow.accept().syn_ack();
        stage.carry(&LAN.1, &accepted);
        stage.carry(&LAN.0, &Talk::rst_for(&accepted));
        stage.wait_ms(6_000);
    }
    stage
}

#[test]
fn who_connected_by_the_other_family_misses_nothing() {
    has_nothing_loud(&race(true));
    let (report, text) = diagnosed(&race(false));
    assert_eq!(ids(&report), ["handshake-incomplete"], "{text}");
    assert_eq!(failed(&report), 4, "{text}");
}

/// A router of the real servers, by which their answers leave and nothing comes in; `talk` goes on, so that it
/// is only one direction that passes here.
fn answers_alone(talk: bool) -> Stage {
    let mut stage = Stage::capturing(&["router"]);
    let back = [step(RS1, ROUTER_IN)];
    for n in 0..4u16 {
        let mut one = Talk::new(at(CLIENT_IP, 46_000 + n), at(RS1_IP, 8080));
        let syn = one.syn();
        let accepted = one.accept().syn_ack();
        for (k, wait) in [(0u16, 1_000), (1, 2_000), (2, 4_000)] {
            stage.carry(&back, &accepted.clone().id(accepted.id + k));
            stage.wait_ms(if talk { 1 } else { wait });
            if talk {
                break;
            }
        }
        if talk {
            one.open();
            let _ = (syn, one.data(Who::Client, b"GET / HTTP/1.1\r\n\r\n"));
            let said = one.data(Who::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            stage.carry(&back, &said);
        }
        stage.wait_ms(3_000);
    }
    stage
}

#[test]
fn syn_acks_that_a_router_sees_again_and_again_are_no_mystery() {
    let (report, text) = diagnosed(&answers_alone(false));
    assert_eq!(ids(&report), ["handshake-incomplete"], "{text}");
    assert!(candidates(&report["findings"][0]).contains(&"nat-return-bypasses-director"), "{text}");
    assert_eq!(failed(&report), 4, "{text}");
    has_nothing_loud(&answers_alone(true));
}

/// A real server got another network card, and the director goes on sending to the old one; `old` answers still.
fn new_card(old: bool) -> Stage {
    const NEW: Nic = RS2.second(0x49);
    let mut stage = Stage::capturing(&["director"]);
    let service = at(NAT_RS2_IP, 8080);
    let way = |nic: Nic| ([step(DIRECTOR_IN, nic)], [step(nic, DIRECTOR_IN)]);
    for n in 0..3u16 {
        let (there, back) = way(RS2);
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), service);
        talk.whole(&mut stage, &there, &back);
        stage.wait_ms(400);
    }
    for n in 0..4u16 {
        let (asks, answers) = (way(NEW).1, way(NEW).0);
        let (from, to) = (at(NAT_RS2_IP, 53_000 + n), at(DIRECTOR_IN_IP, 53));
        let question =
            [&[n as u8, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1][..]].concat();
        stage.carry(&asks, &Packet::udp(from, to, &question).id(70 + n));
        let mut answer = question.clone();
        answer[2] = 0x81;
        answer[3] = 0x83;
        stage.carry(&answers, &Packet::udp(to, from, &answer).id(70 + n));
        let syn = Talk::new(at(CLIENT_IP, 47_000 + n), service).syn();
        stage.sent_again(&syn, 3, |stage, syn| {
            stage.carry_and_lose(&way(RS2).0, syn, 1);
        });
        if old {
            let (there, back) = way(RS2);
            Talk::new(at(CLIENT_IP, 48_000 + n), service).whole(&mut stage, &there, &back);
        }
        stage.wait_ms(4_000);
    }
    stage
}

#[test]
fn what_goes_to_a_mac_that_is_gone_is_told() {
    let (report, text) = diagnosed(&new_card(false));
    assert_eq!(ids(&report)[0], "syn-unanswered", "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "garp-missing-stale-arp", "{text}");
    let (report, text) = diagnosed(&new_card(true));
    let syns = report["findings"].as_array().unwrap().iter().find(|f| f["id"] == "syn-unanswered");
    assert!(!candidates(syns.unwrap()).contains(&"garp-missing-stale-arp"), "{text}");
}

/// A NAT router between client and server lets an idle connection go and puts what follows on another port.
/// `kept`: it does not.
fn renewed(kept: bool) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    let server = at(RS1_IP, 8883);
    for n in 0..4u16 {
        let outer = |port: u16| at(ROUTER_IP, port + n);
        let ways = |port: u16| {
            let there =
                [step(CLIENT, ROUTER), rewritten(ROUTER_IN, RS1, Rewrite::Src(outer(port)))];
            let client = at(CLIENT_IP, 46_000 + n);
            let back = [
                rewritten(RS1, ROUTER_IN, Rewrite::Both(server, outer(port))),
                rewritten(ROUTER, CLIENT, Rewrite::Both(server, client)),
            ];
            (there, back)
        };
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), server);
        let (there, back) = ways(31_000);
        talk.handshake(&mut stage, &there, &back);
        for k in 0..3u8 {
            talk.exchange(&mut stage, (&there, &back), &[0xc0, k, 77, 3], &[0xd0, k, 78, 4]);
            stage.wait_ms(20_000);
        }
        stage.wait_ms(75_000);
        let (there, back) = ways(if kept { 31_000 } else { 45_000 });
        if kept {
            talk.exchange(&mut stage, (&there, &back), &[0xc0, 9, 77, 3], &[0xd0, 9, 78, 4]);
        } else {
            let asked = talk.data(Who::Client, &[0xc0, 9, 77, 3]);
            stage.carry(&there, &asked);
            stage.carry(&back, &Talk::rst_for(&asked));
        }
        stage.wait_ms(3_000);
    }
    stage
}

#[test]
fn a_translation_that_was_made_anew_is_told_from_a_server_that_forgot() {
    let (report, text) = diagnosed(&renewed(false));
    let findings = report["findings"].as_array().unwrap();
    let offered: Vec<&str> = findings.iter().flat_map(candidates).collect();
    assert!(offered.contains(&"lb-idle-timeout"), "{text}");
    assert!(!offered.contains(&"ecmp-rehash-wrong-server"), "{text}");
    has_nothing_loud(&renewed(true));
}
