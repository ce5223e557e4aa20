//! Connections that look well by their last frames and were not: what ended them came before the answer,
//! or with what was asked. Each beside one that looks alike and is well.

use crate::packet::{ACK, Packet, RST};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, Who};
use crate::{diagnosed, ids};
use std::net::Ipv6Addr;

const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// Conversations at one host's capture, each begun and given on.
pub fn each(
    host: &'static str,
    n: u16,
    play: impl Fn(&mut Stage, Talk, &[Step], &[Step], u16),
) -> Stage {
    let mut stage = Stage::capturing(&[host]);
    resolved(&mut stage);
    for n in 0..n {
        let (there, back) = dr(RS1);
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        stage.wait_ms(2);
        play(&mut stage, talk, &there, &back, n);
        stage.wait_ms(800);
    }
    stage
}

/// What findings say.
fn said(report: &serde_json::Value) -> String {
    let all = report["findings"].as_array().unwrap().iter();
    all.map(|f| f["explanation"].as_str().unwrap()).collect()
}

pub fn served(stage: &mut Stage, mut talk: Talk, there: &[Step], back: &[Step]) {
    talk.exchange(stage, (there, back), GET, OK);
    talk.close(stage, there, back);
}

fn asked(stage: &mut Stage, talk: &mut Talk, there: &[Step], back: &[Step]) {
    stage.carry(there, &talk.data(Who::Client, GET));
    stage.carry(back, &talk.ack(Who::Server));
}

/// A reset in the server's name; the answer comes `after` it in milliseconds, or before it.
fn reset_in_its_name(after: Option<u64>) -> Stage {
    each("client", 4, |stage, mut talk, there, back, n| {
        if n % 2 == 1 {
            return served(stage, talk, there, back);
        }
        asked(stage, &mut talk, there, back);
        let mut rst = talk.segment(Who::Server, RST | ACK, b"").ttl(255);
        let Some(ms) = after else {
            stage.carry(back, &talk.data(Who::Server, OK));
            rst = talk.segment(Who::Server, RST | ACK, b"");
            stage.carry(there, &talk.ack(Who::Client));
            stage.carry(back, &rst);
            return;
        };
        rst.id = 0;
        stage.carry(back, &rst);
        stage.wait_ms(ms);
        let answer = talk.data(Who::Server, OK);
        stage.carry(back, &answer);
        let again = Talk::rst_for(&answer);
        stage.carry(there, &again);
    })
}

#[test]
fn a_reset_before_the_answer_is_not_the_servers() {
    let (report, text) = diagnosed(&reset_in_its_name(Some(20)));
    assert_eq!(ids(&report), ["connection-reset"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["connections"], 2, "{text}");
    assert!(said(&report).contains("came after the RST"), "{text}");
    // A server that answers and resets has answered.
    let (report, text) = diagnosed(&reset_in_its_name(None));
    assert!(ids(&report).is_empty(), "{text}");
}

/// A server that has closed gets more of its client, of so many bytes, and resets it; `idle_ms` after its
/// answer.
fn closes_early(host: &'static str, bytes: usize, idle_ms: u64) -> Stage {
    each(host, 6, |stage, mut talk, there, back, n| {
        talk.exchange(stage, (there, back), GET, OK);
        stage.wait_ms(idle_ms);
        if n % 2 == 1 {
            talk.close(stage, there, back);
            return;
        }
        let mut before = talk.clone();
        let fin = talk.fin(Who::Server);
        let more = before.data(Who::Client, &vec![b'x'; bytes]);
        stage.carry(back, &fin);
        stage.carry(there, &more);
        let rst = Talk::rst_for(&more);
        stage.carry(back, &rst);
    })
}

#[test]
fn what_a_server_that_has_closed_throws_away_was_asked_in_vain() {
    let (report, text) = diagnosed(&closes_early("client", 400, 0));
    assert_eq!(ids(&report), ["connection-reset"], "{text}");
    assert!(said(&report).contains("had answered and closed before"), "{text}");
    // A farewell, such as the last frame of a WebSocket, is no request.
    let (report, text) = diagnosed(&closes_early("client", 8, 0));
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn requests_that_cross_the_end_of_a_kept_connection_are_told_at_the_server_alone() {
    let (report, text) = diagnosed(&closes_early("rs1", 400, 5000));
    assert_eq!(ids(&report), ["l7-keepalive-race", "connection-reset"], "{text}");
    assert_eq!(report["findings"][0]["confidence"], "likely", "{text}");
    // A server that breaks off what it has begun to read was not idle.
    let (report, text) = diagnosed(&closes_early("rs1", 400, 0));
    assert!(!ids(&report).contains(&"l7-keepalive-race"), "{text}");
}

/// The client closes after five seconds, the answer comes after seven: taken, or reset.
fn answered_late(taken: bool) -> Stage {
    each("rs1", 4, |stage, mut talk, there, back, n| {
        if n % 2 == 1 {
            return served(stage, talk, there, back);
        }
        asked(stage, &mut talk, there, back);
        stage.wait_ms(5000);
        stage.carry(there, &talk.fin(Who::Client));
        stage.carry(back, &talk.ack(Who::Server));
        stage.wait_ms(2000);
        let answer = talk.data(Who::Server, OK);
        stage.carry(back, &answer);
        let reply = if taken { talk.ack(Who::Client) } else { Talk::rst_for(&answer) };
        stage.carry(there, &reply);
        if taken {
            stage.carry(back, &talk.fin(Who::Server));
            stage.carry(there, &talk.ack(Who::Client));
        }
    })
}

#[test]
fn an_answer_for_a_client_that_has_gone_comes_too_late() {
    let (report, text) = diagnosed(&answered_late(false));
    assert_eq!(ids(&report), ["slow-answer"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["connections"], 2, "{text}");
    assert!(said(&report).contains("kernel resets it"), "{text}");
    // A client that closed its own direction alone waits, and takes it.
    let (report, text) = diagnosed(&answered_late(true));
    assert!(!said(&report).contains("kernel resets it"), "{text}");
    assert!(!ids(&report).contains(&"rst-no-socket"), "{text}");
}

/// Connections that stand open, with words now and then, and are reset: at one moment, or each as long
/// after its own last word.
fn ended_by_the_server(together: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    resolved(&mut stage);
    let (there, back) = dr(RS1);
    let mut talks: Vec<Talk> = Vec::new();
    for n in 0..8 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), GET, OK);
        talks.push(talk);
        stage.wait_ms(700);
    }
    for talk in &mut talks {
        stage.wait_ms(if together { 3 } else { 700 });
        let rst = talk.segment(Who::Server, RST | ACK, b"");
        stage.carry(&back, &rst);
    }
    stage
}

#[test]
fn what_is_reset_at_one_moment_was_ended_by_no_timer_of_its_own() {
    let (report, text) = diagnosed(&ended_by_the_server(true));
    assert_eq!(ids(&report), ["connection-reset"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["connections"], 8, "{text}");
    assert!(said(&report).contains("within half a second"), "{text}");
    let (report, text) = diagnosed(&ended_by_the_server(false));
    assert!(ids(&report).is_empty(), "{text}");
}

/// A bare reset so long after the last segment.
pub fn reset_after(ms: u64) -> Stage {
    each("client", 4, |stage, mut talk, there, back, n| {
        if n % 2 == 1 {
            return served(stage, talk, there, back);
        }
        let ask = talk.data(Who::Client, GET);
        stage.carry(there, &ask);
        stage.wait_ms(ms);
        let rst = Talk::rst_for(&ask);
        stage.carry(back, &rst);
    })
}

#[test]
fn a_reset_that_comes_by_itself_answers_no_segment() {
    let (report, text) = diagnosed(&reset_after(5));
    assert!(ids(&report).contains(&"rst-no-socket"), "{text}");
    let (report, text) = diagnosed(&reset_after(240_000));
    assert!(!ids(&report).contains(&"rst-no-socket"), "{text}");
    assert_eq!(ids(&report), ["connection-reset"], "{text}");
    assert!(said(&report).contains("240.0 s without a word"), "{text}");
}

/// What a client says after the handshake comes in and is not acknowledged; the SYN-ACK comes again.
fn asked_again(taken: bool) -> Stage {
    each("rs1", 4, |stage, mut talk, there, back, n| {
        if n == 3 {
            return served(stage, talk, there, back);
        }
        let mut before = talk.clone();
        before.server.next = before.server.next.wrapping_sub(1);
        let ask = talk.data(Who::Client, GET);
        stage.carry(there, &ask);
        for ms in [1000, 2000, 4000] {
            stage.wait_ms(ms);
            let syn_ack = before.syn_ack();
            stage.carry(back, &syn_ack);
            stage.carry(there, &ask.clone().id(900 + ms as u16));
        }
        if taken {
            stage.carry(back, &talk.data(Who::Server, OK));
            talk.close(stage, there, back);
        }
    })
}

#[test]
fn a_listener_that_takes_neither_ack_nor_request_is_full() {
    let (report, text) = diagnosed(&asked_again(false));
    assert_eq!(ids(&report), ["accept-queue-overflow", "retransmission"], "{text}");
    assert_eq!(report["findings"][0]["confidence"], "likely", "{text}");
    assert!(!said(&report).contains("lost on the way"), "{text}");
    let fixes = report["findings"][0]["fixes"].to_string();
    assert!(!fixes.contains("ipvsadm"), "no table is known: {fixes}");
    let (report, text) = diagnosed(&asked_again(true));
    assert!(!ids(&report).contains(&"accept-queue-overflow"), "{text}");
}

const HOST6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 0x44);
const PEER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 0x100);

/// A host asks for addresses in IPv6: one in rounds, or many twice each.
fn asks(rounds: u64, addresses: u16) -> Stage {
    let mut stage =
        each("client", 2, |stage, talk, there, back, _| served(stage, talk, there, back));
    for _ in 0..rounds {
        for n in 0..addresses {
            let wanted = Ipv6Addr::from(u128::from(PEER6) + u128::from(n));
            for _ in 0..if addresses > 1 { 2 } else { 3 } {
                stage.ask6(CLIENT, HOST6, wanted, &[CLIENT, ROUTER]);
                stage.wait_ms(1010);
            }
        }
        stage.wait_ms(4000);
    }
    stage
}

#[test]
fn a_host_that_asks_on_and_on_for_an_address_has_something_to_send() {
    let (report, text) = diagnosed(&asks(3, 1));
    assert_eq!(ids(&report), ["arp-unanswered"], "{text}");
    let title = report["findings"][0]["title"].as_str().unwrap();
    assert!(title.contains("neighbour solicitations"), "{title}");
    // Who looks for hosts asks each once or twice.
    let (report, text) = diagnosed(&asks(1, 4));
    assert!(ids(&report).is_empty(), "{text}");
}

/// SIP, which uses one port on both sides: requests that fit are answered, long ones come in fragments.
fn called_from_the_same_port(whole: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    resolved(&mut stage);
    let (there, back) = dr(RS1);
    let (client, server) = (at(CLIENT_IP, 5060), at(VIP, 5060));
    for n in 0..3u16 {
        let options = Packet::udp(client, server, b"OPTIONS sip:pbx SIP/2.0\r\n\r\n").id(10 + n);
        stage.carry(&there, &options);
        let answer = Packet::udp(server, client, b"SIP/2.0 200 OK\r\n\r\n").id(20 + n);
        stage.carry(&back, &answer);
        stage.wait_ms(500);
        let mut invite = b"INVITE sip:200@pbx SIP/2.0\r\n".to_vec();
        invite.resize(2200, b'a');
        for (again, ms) in [500, 1000, 2000, 4000].into_iter().enumerate() {
            let id = 100 + n * 10 + again as u16;
            let pieces = Packet::udp(client, server, &invite).id(id).fragments(1480);
            stage.carry(&there, &pieces[0]);
            if whole {
                stage.carry(&there, &pieces[1]);
                let trying = Packet::udp(server, client, b"SIP/2.0 100 Trying\r\n\r\n");
                stage.carry(&back, &trying.id(30 + n));
                break;
            }
            stage.wait_ms(ms);
        }
        if !whole {
            let first = Packet::udp(client, server, &invite).id(100 + n * 10).fragments(1480);
            stage.wait_ms(22_500);
            stage.carry(&back, &Packet::icmp_about(VIP.into(), &first[0], 11, 1, 0));
        }
    }
    stage
}

#[test]
fn who_sends_first_asks_where_both_ports_are_one() {
    let (report, text) = diagnosed(&called_from_the_same_port(false));
    assert_eq!(report["services"][0]["vip"], "203.0.113.80", "{text}");
    assert_eq!(ids(&report), ["ip-fragments-split"], "{text}");
    let (report, text) = diagnosed(&called_from_the_same_port(true));
    assert_eq!(report["services"][0]["vip"], "203.0.113.80", "{text}");
    assert!(ids(&report).is_empty(), "{text}");
}

/// One port is served, another one refused, by the server or by a device before it.
fn another_port_refused(ttl: u8) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    resolved(&mut stage);
    let (there, back) = dr(RS1);
    for n in 0..3 {
        Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        let syn = Talk::new(at(CLIENT_IP, 47_000 + n), at(VIP, 8443)).syn();
        stage.carry(&there, &syn);
        stage.carry(&back, &Talk::refusal_of(&syn).ttl(ttl));
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn a_refusal_with_a_ttl_of_its_own_is_another_devices() {
    let (report, text) = diagnosed(&another_port_refused(255));
    assert_eq!(ids(&report), ["syn-refused"], "{text}");
    assert!(said(&report).contains("another device refuses"), "{text}");
    let (report, text) = diagnosed(&another_port_refused(64));
    assert_eq!(ids(&report), ["syn-refused"], "{text}");
    assert!(!said(&report).contains("another device"), "{text}");
}
