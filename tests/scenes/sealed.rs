//! TLS that one side does not take: in an alert that is encrypted, by a word in plain HTTP, and towards the
//! servers behind a proxy that ends it.

use crate::moved_on::{LAN, has_nothing_loud};
use crate::places::*;
use crate::proxied::{Proxied, behind, front, say, server};
use crate::stage::Stage;
use crate::talk::{OK, Talk, Who};
use crate::tls::{hello, record};
use crate::{candidates, diagnosed, ids};

/// A ChangeCipherSpec record and an encrypted one.
fn sealed(len: u8) -> Vec<u8> {
    [&[20, 3, 3, 0, 1, 1][..], &record(23, len)].concat()
}

/// TLS 1.3 at the client: after the server's flight a record as long as an alert, or a Finished, and then the
/// client leaves.
fn left_after(len: u8) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 443));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let flight = [record(22, 90), sealed(200)].concat();
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), &hello(n), &flight);
        stage.carry(&LAN.0, &talk.data(Who::Client, &sealed(len)));
        if len > 19 {
            let bye = talk.data(Who::Client, &record(23, 19));
            stage.wait_ms(9_000).carry(&LAN.0, &bye);
        }
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(700);
    }
    stage
}

#[test]
fn who_ends_a_handshake_with_an_alert_that_is_encrypted_is_told() {
    let (report, text) = diagnosed(&left_after(19));
    assert_eq!(ids(&report), ["tls-refused"], "{text}");
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
    assert!(text.contains("as long as an alert"), "{text}");
    // A connection that was opened ahead of need, and taken leave of.
    has_nothing_loud(&left_after(53));
}

const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 57\r\n\r\n<p>The plain HTTP request was sent to HTTPS port</p>nginx";

/// Clients of a port of TLS, of whom so many at the end speak plain HTTP, all from one address.
fn plain(strangers: u16) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..8u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 443));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let lan = LAN;
        let both = (&lan.0[..], &lan.1[..]);
        if n + strangers < 8 {
            talk.exchange(&mut stage, both, &hello(n), &record(22, 120));
            talk.exchange(&mut stage, both, &record(23, 90), &record(23, 200));
        } else {
            talk.exchange(&mut stage, both, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", NOT_TLS);
        }
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(700);
    }
    stage
}

#[test]
fn plain_http_to_a_port_of_tls_is_told_and_a_stranger_harms_nobody() {
    for all in [8, 3] {
        let (report, text) = diagnosed(&plain(all));
        assert_eq!(ids(&report), ["tls-refused"], "{text}");
        assert!(text.contains("plain HTTP is sent to a port that speaks TLS"), "{text}");
        assert_eq!(report["findings"][0]["affected"]["connections"], all, "{text}");
    }
    has_nothing_loud(&plain(1));
}

/// Requests to a proxy, which opens TLS to the second server for every other one; what that answers, or what
/// the proxy says to its certificate.
fn behind_a_proxy(turns_down: bool) -> Stage {
    const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request";
    const BAD_GATEWAY: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let mut stage = Stage::default().any("director");
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        let mut one = Proxied::new(42_000 + n * 3, 61_000 + n, server(n));
        let (there, back) = behind(one.rs);
        one.ask(&mut stage);
        one.back.handshake(&mut stage, &there, &back);
        if n % 2 == 0 {
            let forwarded = one.forwarded();
            say(&mut one.back, &mut stage, Who::Client, (&there, &back), &forwarded);
            say(&mut one.back, &mut stage, Who::Server, (&back, &there), OK);
            one.answer(&mut stage, OK);
        } else {
            let answer = if turns_down { PLAIN.to_vec() } else { record(22, 200) };
            one.back.exchange(&mut stage, (&there, &back), &hello(n), &answer);
            if !turns_down {
                let alert = one.back.data(Who::Client, &[21, 3, 3, 0, 2, 2, 48]);
                stage.carry(&there, &alert);
            }
            one.answer(&mut stage, BAD_GATEWAY);
        }
        one.back.close(&mut stage, &there, &back);
        let (there, back) = front();
        one.front.close(&mut stage, &there, &back);
        stage.wait_ms(300 + u64::from(n * n % 5) * 170);
    }
    stage
}

/// The proxy speaks TLS to a server that does not.
pub fn proxy_to_a_plain_server() -> Stage {
    behind_a_proxy(true)
}

#[test]
fn a_proxy_whose_tls_with_a_server_fails_is_told_beside_its_clients_errors() {
    for (turns_down, says) in [(true, "plain HTTP"), (false, "unknown_ca")] {
        let (report, text) = diagnosed(&behind_a_proxy(turns_down));
        assert_eq!(ids(&report), ["l7-backend-tls-refused", "http-5xx"], "{text}");
        let finding = &report["findings"][0];
        assert_eq!(finding["affected"]["failed"], 4, "{text}");
        assert_eq!(finding["subjects"][0]["address"], "10.20.0.12", "{text}");
        assert!(finding["title"].as_str().unwrap().contains(says), "{text}");
        assert!(!text.contains("health check"), "{text}");
    }
}

/// A client of AMQP 1.0 whose broker speaks 0-9-1 alone, or 1.0 as well.
fn brokers(version: [u8; 4]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 5672));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let answer = [&b"AMQP"[..], &version].concat();
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), b"AMQP\0\x01\0\0", &answer);
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(700);
    }
    stage
}

#[test]
fn a_broker_of_another_version_is_told() {
    let (report, text) = diagnosed(&brokers([0, 0, 9, 1]));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("AMQP header of version 0-9-1"), "{text}");
    has_nothing_loud(&brokers([0, 1, 0, 0]));
}

/// Requests that are reset in the server's name, whose answer comes after that.
#[test]
fn a_reset_before_the_answer_is_no_kernels() {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let ask = talk.data(Who::Client, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        stage.carry(&LAN.0, &ask);
        let reset = Talk::rst_for(&ask);
        stage.carry(&LAN.1, &reset).wait_ms(40);
        stage.carry(
            &LAN.1,
            &talk.data(Who::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        );
        stage.wait_ms(700);
    }
    let (report, text) = diagnosed(&stage);
    assert_eq!(ids(&report), ["connection-reset"], "{text}");
}

/// SYNs with a loopback's address on a link.
#[test]
fn who_calls_others_from_a_loopback_address_lacks_a_masquerade() {
    for (source, first) in [([127, 0, 0, 1], true), ([10, 20, 0, 9], false)] {
        let mut stage = Stage::capturing(&["client"]);
        for n in 0..3u16 {
            let syn = Talk::new(at(source, 46_000 + n), at(NAT_RS1_IP, 8080)).syn();
            stage.sent_again(&syn, 3, |stage, syn| {
                stage.carry_and_lose(&LAN.0, syn, 1);
            });
            stage.wait_ms(4_000);
        }
        let (report, text) = diagnosed(&stage);
        assert_eq!(ids(&report)[0], "syn-unanswered", "{text}");
        let given = candidates(&report["findings"][0]);
        assert_eq!(given.first() == Some(&"masquerade-missing"), first, "{text}");
    }
}
