//! What a report asks somebody to look at where it cannot say why: on the host where the answer
//! lies, not what the captures hold already, and nothing that is true by accident.

use crate::packet::{ACK, Packet, RST, SYN};
use crate::places::*;
use crate::stage::{Stage, arp};
use crate::talk::{OK, Step, Talk, Who, step};
use crate::{candidates, cloud_checks, clusters, cut_short, diagnosed, dns, ids, one_sided, pods};
use serde_json::Value;
use std::net::Ipv4Addr;

const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// Hosts and commands of the checks of a finding.
fn checks(finding: &Value) -> Vec<(&str, &str)> {
    let all = finding["to_confirm"].as_array().unwrap().iter();
    all.map(|c| (c["host"].as_str().unwrap(), c["command"].as_str().unwrap())).collect()
}

#[track_caller]
fn one_check<'a>(finding: &'a Value, host: &str, command: &str) -> &'a str {
    let all = checks(finding);
    let [(at, asks)] = all[..] else { panic!("{all:?}") };
    assert!(at.contains(host) && asks.contains(command), "{all:?}");
    assert!(!asks.contains(" -w "), "asks for what it has: {asks}");
    asks
}

#[test]
fn a_check_that_was_answered_is_read_and_not_captured_again() {
    let (report, _) = diagnosed(&cloud_checks::checks_told_503());
    one_check(&report["findings"][0], "203.0.113.", "curl -si http://");
    let (report, text) = diagnosed(&cloud_checks::checks_refused());
    assert_eq!(ids(&report)[0], "health-check-failing", "{text}");
    one_check(&report["findings"][0], "", "ss -ltnp 'sport = :");
}

#[test]
fn who_says_that_it_cannot_deliver_is_asked_why() {
    let (report, text) = diagnosed(&pods::service_without_endpoints());
    let finding = report["findings"].as_array().unwrap();
    let finding = finding.iter().find(|f| f["id"] == "icmp-unreachable").expect(&text);
    one_check(finding, "10.244.1.1", "iptables-save -c");
}

#[test]
fn a_pod_that_has_ended_is_not_logged_into() {
    let (report, text) = diagnosed(&pods::replaced_container());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "connection-refused", "{text}");
    assert!(checks(finding).iter().all(|(host, _)| host.contains("kubectl")), "{text}");
    assert!(finding["fix"].to_string().contains("preStop"), "{text}");
}

#[test]
fn a_server_that_goes_on_asking_for_the_ack_is_asked_for_its_queue() {
    let (report, text) = diagnosed(&one_sided::queue_full_at_client());
    let finding = &report["findings"][0];
    one_check(finding, "203.0.113.80", "ss -ltnp 'sport = :");
    assert!(finding["explanation"].as_str().unwrap().contains("accept queue is full"), "{text}");
}

#[test]
fn a_question_that_did_not_come_to_the_translator_is_no_race_there() {
    let (report, text) = diagnosed(&dns::lost_on_the_way());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "slow-answer", "{text}");
    assert_eq!(candidates(finding), ["packet-loss"], "{text}");
    one_check(finding, "198.51.100.20", "ip route get");
    let line = report["breaks"][0]["line"].as_str().unwrap();
    assert!(line.contains("client out") || line.contains("client #"), "{line}");
}

#[test]
fn one_silence_for_all_is_a_timer() {
    let (report, text) = diagnosed(&cut_short::reset_after(240_000));
    assert_eq!(candidates(&report["findings"][0]), ["lb-idle-timeout"], "{text}");
}

/// A server acknowledges what a client says first, and resets the connection at once.
fn reset_at_the_first_word(acknowledged: bool) -> Stage {
    cut_short::each("client", 4, |stage, mut talk, there, back, n| {
        if n % 2 == 1 {
            return cut_short::served(stage, talk, there, back);
        }
        stage.carry(there, &talk.data(Who::Client, b"\x16\x03\x01\x00\x05hello"));
        if acknowledged {
            stage.carry(back, &talk.ack(Who::Server));
        }
        let rst = talk.segment(Who::Server, RST | ACK, b"");
        stage.carry(back, &rst);
    })
}

#[test]
fn who_took_the_first_word_of_a_new_connection_has_not_forgotten_it() {
    let (report, text) = diagnosed(&reset_at_the_first_word(true));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "connection-reset", "{text}");
    let offered = candidates(finding);
    assert!(!offered.contains(&"director-no-entry-rst"), "{offered:?}");
    assert!(!offered.contains(&"ecmp-rehash-wrong-server"), "{offered:?}");
    let asks = finding["to_confirm"].to_string();
    assert!(asks.contains("-s 1600") || !asks.contains("tcpdump"), "cuts the ClientHello: {asks}");
    let (report, text) = diagnosed(&reset_at_the_first_word(false));
    let offered = candidates(&report["findings"][0]).join(" ");
    assert!(offered.contains("director-no-entry-rst"), "{offered} {text}");
}

/// A mail server behind a director greets after twenty seconds; its client was captured.
fn greeted_late() -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let (there, back) = dr(RS1);
        let mut talk = Talk::new(at(CLIENT_IP, 46_100 + n), at(VIP, 25));
        talk.handshake(&mut stage, &there, &back);
        stage.wait_ms(20_000);
        stage.carry(&back, &talk.data(Who::Server, b"220 mx.example ESMTP\r\n"));
        talk.exchange(&mut stage, (&there, &back), b"QUIT\r\n", b"221 bye\r\n");
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn a_late_greeting_is_asked_for_where_it_was_late() {
    let (report, text) = diagnosed(&greeted_late());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "slow-answer", "{text}");
    one_check(finding, "the server of 203.0.113.80", "dig -x 198.51.100.20");
}

/// A router passes on what comes for an address on one port, and drops the other.
fn one_port_dropped() -> Stage {
    let mut stage = Stage::default().any("router");
    let there = [step(CLIENT, ROUTER), step(ROUTER_IN, RS1)];
    let back = [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)];
    for n in 0..3u16 {
        Talk::new(at(CLIENT_IP, 46_200 + n), at(VIP, 443)).whole(&mut stage, &there, &back);
        let mut talk = Talk::new(at(CLIENT_IP, 46_300 + n), at(VIP, 25));
        let syn = talk.syn();
        stage.sent_again(&syn, 3, |stage, syn| {
            stage.carry_part(&there, syn, 1);
        });
        stage.wait_ms(4000);
    }
    stage
}

#[test]
fn who_passes_an_address_on_is_not_asked_whether_it_has_it() {
    let (report, text) = diagnosed(&one_port_dropped());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "syn-unanswered", "{text}");
    let offered = candidates(finding);
    assert_eq!(offered[0], "forward-rule-drop", "{text}");
    assert!(!offered.contains(&"rs-missing-vip"), "{text}");
    assert!(!offered.contains(&"node-without-local-endpoint"), "{text}");
}

/// Two hosts answer for the address on the client's own link; one of them serves.
fn two_answer() -> Stage {
    const NEAR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 60);
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..8u16 {
        for who in [RS1, RS2] {
            if who == RS1 {
                let question = arp(1, (CLIENT, NEAR), ([0; 6], VIP));
                stage.flood(CLIENT, &[RS1, RS2], [0xff; 6], question);
            }
            stage.unicast(who, CLIENT, &arp(2, (who, VIP), (CLIENT.mac, NEAR)), true);
        }
        let mut talk = Talk::new(at(NEAR, 46_400 + n), at(VIP, 443));
        if n % 2 == 0 {
            talk.whole(&mut stage, &[step(CLIENT, RS1)], &[step(RS1, CLIENT)]);
        } else {
            let syn = talk.segment(Who::Client, SYN, b"");
            stage.sent_again(&syn, 3, |stage, syn| {
                stage.pass(CLIENT, RS2, syn);
            });
            stage.wait_ms(4000);
        }
        stage.wait_ms(700);
    }
    stage
}

#[test]
fn who_is_sent_to_the_wrong_one_of_two_is_told_which() {
    let (report, text) = diagnosed(&two_answer());
    let all = report["findings"].as_array().unwrap();
    let finding = all.iter().find(|f| f["id"] == "syn-unanswered").expect(&text);
    assert_eq!(candidates(finding), ["vip-arp-conflict"], "{text}");
    one_check(finding, "52:54:00:5c:00:42", "ip -br addr show to 203.0.113.80");
}

/// A server of two answers no more, and its open connections stay in the director's table, or are
/// dropped since it was taken out.
fn server_gone(sought: bool) -> Stage {
    let mut stage = Stage::default().any("director");
    resolved_nat(&mut stage);
    let mut open: Vec<(Talk, Vec<Step>, Vec<Step>)> = Vec::new();
    for n in 0..4u16 {
        let (nic, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (there, back) = nat(nic, at(ip, 80), at(VIP, 80));
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + n * 3), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), GET, OK);
        open.push((talk, there, back));
        stage.wait_ms(300);
    }
    stage.wait_ms(10_000);
    for (talk, there, _) in open.iter_mut().skip(1).step_by(2) {
        let ask = talk.data(Who::Client, GET);
        for (k, ms) in [(0u16, 200), (1, 800), (2, 1000), (3, 1000), (4, 3400)] {
            stage.carry_part(there, &ask.clone().id(ask.id + k), 2);
            if sought && k < 4 {
                let question = arp(1, (DIRECTOR_IN, DIRECTOR_IN_IP), ([0; 6], NAT_RS2_IP));
                stage.flood(DIRECTOR_IN, &[RS1], [0xff; 6], question);
            }
            stage.wait_ms(ms);
        }
    }
    for (talk, there, back) in open.iter_mut().step_by(2) {
        talk.exchange(&mut stage, (there, back), GET, OK);
    }
    stage
}

#[test]
fn who_is_asked_for_in_vain_was_not_taken_out_of_the_table() {
    let (report, text) = diagnosed(&server_gone(true));
    assert_eq!(ids(&report)[0], "rs-unreachable", "{text}");
    let finding = &report["findings"][0];
    assert_eq!(finding["subjects"][0]["address"], "10.20.0.12", "{text}");
    assert_eq!(finding["affected"]["connections"], 2, "{text}");
    assert!(finding["fix"].to_string().contains("ipvsadm -d"), "{text}");
    assert!(!ids(&report).contains(&"backend-removed-silent-drop"), "{text}");
    let (report, text) = diagnosed(&server_gone(false));
    assert_eq!(ids(&report)[0], "backend-removed-silent-drop", "{text}");
}

#[test]
fn who_is_gone_is_told_by_the_syn_that_made_the_node_ask() {
    let (report, text) = diagnosed(&clusters::two_are_gone(false));
    let gone = |port: u16| -> Vec<&str> {
        let found = report["findings"].as_array().unwrap().iter();
        let mut of = found.filter(|f| f["id"] == "rs-unreachable");
        let of = of.find(|f| f["title"].as_str().unwrap().contains(&format!(":{port}")));
        let subjects = of.expect(&text)["subjects"].as_array().unwrap().iter();
        subjects
            .filter_map(|s| s["address"].as_str())
            .filter(|ip| ip.starts_with("10.244.1.8"))
            .collect()
    };
    assert_eq!(gone(443), ["10.244.1.81"], "{text}");
    assert_eq!(gone(80), ["10.244.1.82"], "{text}");
    // Where both SYNs came before both questions, neither is sure.
    let (report, text) = diagnosed(&clusters::two_are_gone(true));
    for finding in report["findings"].as_array().unwrap() {
        if finding["id"] == "rs-unreachable" {
            assert_ne!(finding["confidence"], "certain", "{text}");
        }
    }
}

/// A daemon on all addresses answers on three ports from another one than it was asked.
fn answers_from_elsewhere() -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    resolved(&mut stage);
    for (n, port) in [(0u16, 53), (1, 5353), (2, 1053)] {
        let ask =
            Packet::udp(at(CLIENT_IP, 48_000 + n), at(VIP, port), b"\x12\x34\x01\x00question");
        let answer =
            Packet::udp(at(RS1_IP, port), at(CLIENT_IP, 48_000 + n), b"\x12\x34\x81\x80answer");
        for k in 0..2u16 {
            stage.pass(ROUTER_IN, RS1, &ask.clone().id(100 + n * 8 + k));
            stage.wait_ms(2);
            stage.pass(RS1, ROUTER_IN, &answer.clone().id(500 + n * 8 + k));
            stage.wait_ms(5000);
        }
    }
    stage
}

#[test]
fn one_daemon_on_many_ports_is_one_cause() {
    let (report, text) = diagnosed(&answers_from_elsewhere());
    let all = report["findings"].as_array().unwrap();
    let found: Vec<&Value> = all.iter().filter(|f| f["id"] == "udp-reply-from-rip").collect();
    assert_eq!(found.len(), 1, "{text}");
    let fix = found[0]["fix"].to_string();
    assert!(fix.contains("-m multiport --dports 53,1053,5353"), "{fix}");
    assert_eq!(found[0]["affected"]["connections"], 3, "{text}");
}
