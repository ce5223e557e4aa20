//! Services that let nobody in, or hardly anybody, and those that have not answered anything, by protocols of which
//! no first byte tells an error.

use crate::moved_on::{LAN, has_nothing_loud};
use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who};
use crate::{diagnosed, ids};

/// What the verdict says.
fn verdict(stage: &Stage) -> String {
    diagnosed(stage).0["verdict"]["summary"].as_str().unwrap().to_owned()
}

/// Eight connections of two clients, each of one question and the answer that its number gives.
fn eight(port: u16, asks: &[u8], answer: impl Fn(u16) -> Vec<u8>) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..8u16 {
        let [a, b, c, _] = CLIENT_IP.octets();
        let ip = std::net::Ipv4Addr::new(a, b, c, 30 + (n / 4) as u8);
        let mut talk = Talk::new(at(ip, 46_000 + n), at(VIP, port));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), asks, &answer(n));
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(2_000);
    }
    stage
}

/// An error of MySQL after its greeting.
fn mysql(code: u16, text: &str) -> Vec<u8> {
    let [lo, hi] = code.to_le_bytes();
    let content = [&[0xff, lo, hi][..], b"#28000", text.as_bytes()].concat();
    [&[content.len() as u8, 0, 0, 2][..], &content].concat()
}

/// A message of MongoDB with the fields of a document.
fn mongodb(answers: u8, fields: &[u8]) -> Vec<u8> {
    let size = (fields.len() as u32 + 5).to_le_bytes();
    let head = [9, 0, 0, 0, answers, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 0];
    let rest = [&head[..], &size, fields, &[0]].concat();
    [&(rest.len() as u32 + 4).to_le_bytes()[..], &rest].concat()
}

const LOGIN: &[u8] = b"\x20\0\0\x01\x8d\xa6\x0f\0\0\0\0\x01\x21app\0\x14secretsecretsecre";
const DONE: &[u8] = b"\x07\0\0\x02\0\0\0\x02\0\0\0";
const NO: &[u8] = b"\x01ok\0\0\0\0\0\0\0\0\0\x10code\0";

#[test]
fn who_lets_nobody_in_is_not_called_well() {
    let failed = mongodb(1, &[NO, &[18, 0, 0, 0]].concat());
    for (port, asks, answer, says) in [
        (3306, LOGIN, mysql(1045, "Access denied for user 'app'"), "MySQL 1045"),
        (27_017, &mongodb(0, b"\x10saslStart\0\x01\0\0\0"), failed, "MongoDB 18"),
        (587, b"AUTH PLAIN AGEAYg==\r\n", b"535 5.7.8 no\r\n".to_vec(), "reply 535"),
        (25, b"RCPT TO:<a@b>\r\n", b"554 5.7.1 Relay access denied\r\n".to_vec(), "reply 554"),
        (21, b"PASS x\r\n", b"530 Login incorrect.\r\n".to_vec(), "reply 530"),
        (143, b"a1 LOGIN u p\r\n", b"a1 NO [AUTHENTICATIONFAILED] no\r\n".to_vec(), "IMAP NO"),
    ] {
        let stage = eight(port, asks, |_| answer.clone());
        has_nothing_loud(&stage);
        let told = verdict(&stage);
        assert!(told.contains("all 8 connections") && told.contains(says), "{told}");
    }
}

#[test]
fn who_lets_hardly_anybody_in_is_told_and_a_wrong_password_is_not() {
    let denied = || mysql(1045, "Access denied for user 'app'");
    let most = eight(3306, LOGIN, |n| if n % 4 == 1 { DONE.to_vec() } else { denied() });
    assert!(verdict(&most).contains("6 of 8 connections"), "{}", verdict(&most));
    for quiet in [
        eight(3306, LOGIN, |n| if n == 1 { denied() } else { DONE.to_vec() }),
        // One of the clients has an old password.
        eight(3306, LOGIN, |n| if n < 4 { denied() } else { DONE.to_vec() }),
    ] {
        has_nothing_loud(&quiet);
        assert!(!verdict(&quiet).contains("turned away"), "{}", verdict(&quiet));
    }
}

#[test]
fn what_a_server_cannot_do_fails() {
    let primary = mongodb(1, &[NO, &[0x7b, 0x27, 0, 0]].concat());
    let twice = mongodb(1, &[NO, &[0xf8, 0x2a, 0, 0]].concat());
    let denied = |why: u8| {
        [&[0x80, 0, 0, 20, 0, 0, 0, 9][..], &[0, 0, 0, 1].repeat(3), &[0, 0, 0, why]].concat()
    };
    let asks = mongodb(0, b"\x02insert\0\x02\0\0\0a\0");
    for (port, asks, answer, says) in [
        (3306, LOGIN, mysql(1047, "WSREP has not yet prepared node"), "MySQL 1047"),
        (27_017, &asks, primary, "MongoDB 10107"),
        (2049, b"\x80\0\0\x08", denied(5), "AUTH_TOOWEAK"),
    ] {
        let (report, text) = diagnosed(&eight(port, asks, |_| answer.clone()));
        assert_eq!(ids(&report), ["service-error"], "{text}");
        assert!(text.contains(says), "{text}");
    }
    has_nothing_loud(&eight(27_017, &asks, |_| twice.clone()));
    has_nothing_loud(&eight(2049, b"\x80\0\0\x08", |_| denied(13)));
}

/// A device that asks RADIUS for eight users by one port.
fn access(lets_in: impl Fn(u8) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (device, server) = (at(CLIENT_IP, 32_000), at(VIP, 1812));
    for n in 0..8u8 {
        let message = |code: u8| [&[code, n, 0, 20][..], &[7 + n; 16]].concat();
        stage.carry(&LAN.0, &Packet::udp(device, server, &message(1)).id(u16::from(n) + 1));
        stage.wait_ms(10);
        let answer = message(if lets_in(n) { 2 } else { 3 });
        stage.carry(&LAN.1, &Packet::udp(server, device, &answer).id(u16::from(n) + 1));
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn radius_that_rejects_nearly_all_is_told() {
    assert!(verdict(&access(|_| false)).contains("Access-Reject"));
    assert!(verdict(&access(|n| n == 3)).contains("Access-Reject"));
    assert!(!verdict(&access(|n| n % 3 > 0)).contains("Access-Reject"));
}

/// Clients that ask, wait and leave without a word of the server.
fn unanswered(port: u16, asks: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, port));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        stage.carry(&LAN.0, &talk.data(Who::Client, asks));
        stage.carry(&LAN.1, &talk.ack(Who::Server));
        stage.wait_ms(5_000);
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(1_000);
    }
    stage
}

#[test]
fn first_words_that_are_due_an_answer_and_get_none_fail() {
    let asks = b"\x01\0\0\x14\x80\0\x01\x01\0\0\0\0\0\0\0\x01\0\0\0\x01";
    let (report, text) = diagnosed(&unanswered(3868, asks));
    assert_eq!(ids(&report), ["request-unanswered"], "{text}");
    // Who sends logs wants no answer.
    has_nothing_loud(&unanswered(3868, b"<14>Nov 30 10:00:00 host app: a line\n"));
}

/// Sessions of MQTT that the server's side ends after so many seconds of silence.
fn sessions(announced: u8, ends_ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let connect = [&[0x10, 16, 0, 4][..], b"MQTT", &[4, 2, 0, announced, 0, 4], b"dev1"].concat();
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 1883));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), &connect, &[0x20, 2, 0, 0]);
        stage.wait_ms(ends_ms);
        talk.close_by_server(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn sessions_that_end_before_their_client_may_be_silent_are_told() {
    assert!(verdict(&sessions(60, 50_000)).contains("sessions of MQTT"));
    assert!(!verdict(&sessions(60, 90_500)).contains("MQTT"), "as a broker does");
}

/// Mail through a balancer that sends a PROXY header, which its server takes or not.
fn headed(answer: &[u8]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 25));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        let header = b"PROXY TCP4 198.51.100.9 203.0.113.8 4000 25\r\n";
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), header, b"220 mail ESMTP\r\n");
        stage.carry(&LAN.1, &talk.data(Who::Server, answer));
        talk.exchange(&mut stage, (&LAN.0, &LAN.1), b"EHLO a\r\n", b"250 mail\r\n");
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(1_000);
    }
    stage
}

#[test]
fn a_header_that_a_mail_server_does_not_understand_is_told() {
    let (report, text) = diagnosed(&headed(b"502 5.5.2 Error: command not recognized\r\n"));
    assert_eq!(ids(&report)[0], "proxy-protocol-mismatch", "{text}");
    has_nothing_loud(&headed(b"250 go on\r\n"));
}

/// Four connections of two requests each, of which some of the second are answered 400.
fn twice(bad: impl Fn(u16) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let asks = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 80));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        for again in [false, true] {
            let status = if again && bad(n) { "400 Bad Request" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            talk.exchange(&mut stage, (&LAN.0, &LAN.1), asks, answer.as_bytes());
        }
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(1_000);
    }
    stage
}

#[test]
fn second_requests_that_are_wrong_each_time_are_told() {
    assert!(verdict(&twice(|_| true)).contains("a later one answered HTTP 400"));
    assert!(!verdict(&twice(|n| n > 0)).contains("HTTP 400"), "one is served twice");
}
