//! Connections that are ended at one moment, by a reset, by a FIN, or in the middle of a request, each beside one that
//! looks like it and is well.

use crate::packet::{ACK, FIN, RST};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Step, Talk, Who, step};
use crate::{diagnosed, ids};

const THERE: [Step; 1] = [step(CLIENT, ROUTER)];
const BACK: [Step; 1] = [step(ROUTER, CLIENT)];
const GET: &[u8] = b"GET /poll HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// Connections that begin a second apart, each with a question and its answer.
fn opened(stage: &mut Stage, n: u16, port: u16, said: (&[u8], &[u8])) -> Vec<Talk> {
    let open = |n| {
        let mut talk = Talk::new(at(CLIENT_IP, 49_000 + n), at(VIP, port));
        talk.handshake(stage, &THERE, &BACK);
        talk.exchange(stage, (&THERE, &BACK), said.0, said.1);
        stage.wait_ms(1_000);
        talk
    };
    (0..n).map(open).collect()
}

/// Three that are reset in their server's name, `apart_ms` after one another.
fn reset(flags: u8, apart_ms: u64) -> (serde_json::Value, String) {
    let mut stage = Stage::capturing(&["client"]);
    let mut talks = opened(&mut stage, 3, 8883, (&[0x30; 40], &[0x20; 12]));
    stage.wait_ms(2_000);
    for talk in &mut talks {
        let reset = talk.segment(Who::Server, flags, &[]);
        stage.carry(&BACK, &reset);
        stage.wait_ms(apart_ms);
    }
    diagnosed(&stage)
}

#[test]
fn three_that_are_reset_within_milliseconds_are_no_timer() {
    for flags in [RST, RST | ACK] {
        let (report, text) = reset(flags, 2);
        assert_eq!(report["services"][0]["totals"]["failed"], 3, "{text}");
        assert!(text.contains("within half a second of each other"), "{text}");
        // One after the other, each after the same silence.
        let (_, text) = reset(flags, 1_000);
        assert!(!text.contains("within half a second of each other"), "{text}");
    }
    let (report, text) = reset(RST | ACK, 1_000);
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
}

/// A server closes a kept connection two minutes after it began, as the client asks once more; the client closes, too.
fn closed(asks: bool) -> (serde_json::Value, String) {
    let mut stage = Stage::capturing(&["client"]);
    let mut talks = opened(&mut stage, 3, 8080, (GET, OK));
    stage.wait_ms(120_000);
    for talk in &mut talks {
        let heard = talk.server.next;
        let mut late = talk.clone();
        if asks {
            let asked = talk.data(Who::Client, GET);
            stage.carry(&THERE, &asked);
        }
        let closes = late.segment(Who::Server, FIN | ACK, &[]);
        stage.carry(&BACK, &closes);
        talk.server.next = heard.wrapping_add(1);
        let closes = talk.fin(Who::Client);
        stage.carry(&THERE, &closes);
        if asks {
            let reset = talk.segment(Who::Server, RST, &[]);
            stage.carry(&BACK, &reset);
        } else {
            let last = talk.ack(Who::Server);
            stage.carry(&BACK, &last);
        }
    }
    diagnosed(&stage)
}

#[test]
fn a_request_that_crosses_its_servers_fin_is_lost_though_its_client_closes_in_turn() {
    let (report, text) = closed(true);
    assert_eq!(report["services"][0]["totals"]["failed"], 3, "{text}");
    assert!(text.contains("took no more of what its client was sending"), "{text}");
    let (report, text) = closed(false);
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
    assert!(ids(&report).is_empty(), "{text}");
}

/// Web sockets that began a second apart are ended by their server's side.
fn sockets(apart_ms: u64) -> String {
    const ASKS: &[u8] = b"GET /ws HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const GOES_ON: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut stage = Stage::capturing(&["client"]);
    let mut talks = opened(&mut stage, 6, 80, (ASKS, GOES_ON));
    stage.wait_ms(3_000);
    for talk in &mut talks {
        talk.close_by_server(&mut stage, &THERE, &BACK);
        stage.wait_ms(apart_ms);
    }
    diagnosed(&stage).1
}

#[test]
fn web_sockets_that_end_at_one_moment_are_told() {
    assert!(sockets(1).contains("are ended by its side within half a second"));
    assert!(!sockets(1_000).contains("are ended by its side within half a second"));
}
