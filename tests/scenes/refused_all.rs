//! Services that turn everybody away for a name or a password, or say in a frame of their protocol that they cannot;
//! clients that are sent in a circle, with no proxy in sight; answers that come at one moment.

use crate::moved_on::{LAN, has_nothing_loud};
use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who};
use crate::{diagnosed, ids};

/// What the verdict says where nothing is loud.
fn said(stage: &Stage) -> String {
    has_nothing_loud(stage);
    diagnosed(stage).0["verdict"]["summary"].as_str().unwrap().to_owned()
}

/// Four connections, each of the same questions and answers.
fn each(port: u16, talks: &[(&[u8], &[u8])]) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, port));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        for (asks, answer) in talks {
            talk.exchange(&mut stage, (&LAN.0, &LAN.1), asks, answer);
        }
        talk.close(&mut stage, &LAN.0, &LAN.1);
        stage.wait_ms(2_000);
    }
    stage
}

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
const NO_AUTH: &[u8] = b"-NOAUTH Authentication required.\r\n";
const ASKS: &[u8] = b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n";
const WHO: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_service_that_lets_nobody_in_is_not_called_well() {
    let wrong = b"E\0\0\0\x1eSFATAL\0VFATAL\0C28P01\0Mno\0\0";
    let startup = b"\0\0\0\x15\0\x03\0\0user\0app\0\0\0\0\0";
    let connect = [0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 2, b'd', b'1'];
    let bind = [0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0];
    let invalid = [0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 49, 4, 0, 4, 0];
    for (port, asks, answer, says) in [
        (5432, &startup[..], &wrong[..], "PostgreSQL 28P01"),
        (6379, GET, NO_AUTH, "Redis NOAUTH"),
        (1883, &connect, &[0x20, 2, 0, 5], "MQTT CONNACK 5"),
        (389, &bind, &invalid, "LDAP result 49"),
        (80, ASKS, WHO, "HTTP 401"),
    ] {
        let told = said(&each(port, &[(asks, answer)]));
        assert!(told.contains("are turned away") && told.contains(says), "{told}");
    }
}

#[test]
fn who_says_his_name_after_he_was_asked_for_it_is_served() {
    let log_in: &[u8] = b"*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n";
    assert!(!said(&each(6379, &[(GET, NO_AUTH), (log_in, b"+OK\r\n")])).contains("turned away"));
    assert!(!said(&each(80, &[(ASKS, WHO), (ASKS, OK)])).contains("turned away"));
}

#[test]
fn a_service_that_says_in_a_frame_that_it_cannot_is_told() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let reset = |code: u8| [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, code];
    let change =
        b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let changes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    let says = [0x81, 0x82, 1, 2, 3, 4, 105, 107];
    let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    for (port, talks, says) in [
        (
            50_051,
            vec![(&preface[..], settings), (b"\0\0\x01\x01\x05\0\0\0\x01\x83", &reset(7)[..])],
            "HTTP/2 RST_STREAM 7",
        ),
        (
            80,
            vec![(&change[..], &changes[..]), (&says, &[0x88, 2, 3, 0xf5])],
            "WebSocket Close 1013",
        ),
        (11_211, vec![(b"set k 0 60 1\r\nv\r\n", b"SERVER_ERROR out of memory\r\n")], "memcached"),
    ] {
        let (report, text) = diagnosed(&each(port, &talks));
        assert_eq!(ids(&report), ["service-error"], "{text}");
        assert!(text.contains(says), "{text}");
    }
    let cancelled = [(&preface[..], settings), (b"\0\0\x01\x01\x05\0\0\0\x01\x83", &reset(8)[..])];
    has_nothing_loud(&each(50_051, &cancelled));
}

/// A phone that registers again and again, and is asked who it is each time or let in by and by.
fn registers(lets_in: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (phone, server) = (at(CLIENT_IP, 5060), at(VIP, 5060));
    for n in 0..8u16 {
        let head =
            format!("Via: SIP/2.0/UDP {phone};rport;branch=z9hG4bK{n}\r\nCSeq: {n} REGISTER");
        let asks = format!("REGISTER sip:pbx.example SIP/2.0\r\n{head}\r\n\r\n");
        let status = if lets_in && n % 2 == 1 { "200 OK" } else { "401 Unauthorized" };
        let answer = format!("SIP/2.0 {status}\r\n{head}\r\n\r\n");
        stage.carry(&LAN.0, &Packet::udp(phone, server, asks.as_bytes()).id(n + 1));
        stage.now += 900;
        stage.carry(&LAN.1, &Packet::udp(server, phone, answer.as_bytes()).id(n + 1));
        stage.wait_ms(400);
    }
    stage
}

#[test]
fn a_phone_that_is_asked_for_its_name_without_end_is_not_called_well() {
    assert!(said(&registers(false)).contains("SIP 401 again and again"));
    assert!(!said(&registers(true)).contains("SIP 401"));
}

#[test]
fn one_client_in_a_circle_is_told_without_a_proxy() {
    let to = |place: &str| {
        format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    };
    let asks: &[u8] = b"GET /app HTTP/1.1\r\nHost: www.example\r\n\r\n";
    let (same, other) = (to("http://www.example/app"), to("http://www.example/start"));
    let circle = |answer| each(80, &[(asks, answer), (asks, answer), (asks, answer)]);
    let (report, text) = diagnosed(&circle(&same));
    assert_eq!(ids(&report), ["l7-redirect-loop"], "{text}");
    has_nothing_loud(&circle(&other));
    // A site that sets a cookie sends its client back once.
    has_nothing_loud(&each(80, &[(asks, &same), (asks, OK)]));
}

/// Questions of several clients, asked one after the other: `held` of them are answered at one moment.
fn at_one_moment(held: u16, of_each: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let mut waiting = Vec::new();
    for n in 0..12u16 {
        let client = CLIENT_IP.octets();
        let ip = std::net::Ipv4Addr::new(client[0], client[1], client[2], 30 + n as u8 % 4);
        let mut talk = Talk::new(at(ip, 46_000 + n), at(VIP, 6379));
        talk.handshake(&mut stage, &LAN.0, &LAN.1);
        stage.carry(&LAN.0, &talk.data(Who::Client, GET));
        let mut own = None;
        if n < held {
            stage.carry(&LAN.1, &talk.ack(Who::Server));
            waiting.push(talk);
            stage.wait_ms(200);
        } else {
            own = Some(talk);
        }
        if n + 1 == held {
            stage.wait_ms(2_000);
        }
        let answered = if n + 1 >= held { std::mem::take(&mut waiting) } else { Vec::new() };
        for mut talk in answered.into_iter().chain(own) {
            stage.carry(&LAN.1, &talk.data(Who::Server, b"$1\r\nv\r\n"));
            stage.carry(&LAN.0, &talk.ack(Who::Client));
            talk.close(&mut stage, &LAN.0, &LAN.1);
            stage.wait_ms(if of_each && n < held { 400 } else { 1 });
        }
    }
    stage
}

#[test]
fn answers_that_all_come_at_one_moment_are_not_called_well() {
    assert!(said(&at_one_moment(5, false)).contains("come at 1 moment"));
    assert!(!said(&at_one_moment(5, true)).contains("moment"), "each in its own time");
    assert!(!said(&at_one_moment(0, false)).contains("moment"));
}
