//! First words and their answers that say less, or more, than a first look tells, each beside its like.

use crate::packet::{ACK, RST};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Step, Talk, Who, step};
use crate::{candidates, diagnosed, ids};

const THERE: [Step; 1] = [step(ROUTER_IN, RS1)];
const BACK: [Step; 1] = [step(RS1, ROUTER_IN)];
const GET: &[u8] = b"GET /item HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// Requests to a server; `otherwise` answers some of them.
fn asked(
    some: impl Fn(u16) -> bool,
    otherwise: impl Fn(&mut Stage, &mut Talk),
) -> (serde_json::Value, String) {
    let mut stage = Stage::capturing(&["rs1"]);
    for n in 0..18u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n * 3), at(RS1_IP, 80));
        if some(n) {
            talk.handshake(&mut stage, &THERE, &BACK);
            otherwise(&mut stage, &mut talk);
        } else {
            talk.whole(&mut stage, &THERE, &BACK);
        }
        stage.wait_ms(500);
    }
    diagnosed(&stage)
}

/// A request that is acknowledged, and reset later.
fn reset_after(ms: u64) -> (serde_json::Value, String) {
    asked(
        |n| n % 5 == 1,
        |stage, talk| {
            let asks = talk.data(Who::Client, GET);
            stage.carry(&THERE, &asks);
            let heard = talk.ack(Who::Server);
            stage.carry(&BACK, &heard);
            stage.wait_ms(ms);
            let reset = talk.segment(Who::Server, RST | ACK, &[]);
            stage.carry(&BACK, &reset);
        },
    )
}

#[test]
fn requests_that_are_reset_after_one_time_met_a_limit_and_no_strange_protocol() {
    let (report, text) = reset_after(500);
    assert!(text.contains("each 0.5 s after its first words"), "{text}");
    assert!(!text.contains("at once upon"), "{text}");
    assert!(!candidates(&report["findings"][0]).contains(&"proxy-protocol-mismatch"), "{text}");
    // At once: somebody read them, and others in the same protocol are answered there.
    let (report, text) = reset_after(1);
    assert!(text.contains("at once upon"), "{text}");
    assert!(!text.contains("plain where TLS is"), "{text}");
    assert!(!candidates(&report["findings"][0]).contains(&"proxy-protocol-mismatch"), "{text}");
}

fn summary(report: &serde_json::Value) -> &str {
    report["verdict"]["summary"].as_str().unwrap()
}

fn answered(stage: &mut Stage, talk: &mut Talk, asks: &[u8], answer: &[u8]) {
    talk.exchange(stage, (&THERE, &BACK), asks, answer);
    talk.close(stage, &THERE, &BACK);
}

#[test]
fn errors_in_a_row_between_answers_that_are_none_are_told() {
    const NOWHERE: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let gone = |stage: &mut Stage, talk: &mut Talk| answered(stage, talk, GET, NOWHERE);
    let (report, text) = asked(|n| (6..12).contains(&n), gone);
    let told = "6 of 18 answers of 203.0.113.11:80 are HTTP 404, one after the other";
    assert!(summary(&report).contains(told), "{text}");
    let (report, text) = asked(|n| n % 3 == 0, gone);
    assert!(!summary(&report).contains("HTTP 404"), "{text}");
}

#[test]
fn who_waits_in_vain_for_the_rest_of_a_request_is_told() {
    const LATE: &[u8] =
        b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const HEAD: &[u8] = b"POST /form HTTP/1.1\r\nHost: app.example\r\nContent-Length: 5200\r\n\r\n";
    let (report, text) = asked(
        |n| n % 4 == 0,
        |stage, talk| {
            let asks = talk.data(Who::Client, HEAD);
            stage.carry(&THERE, &asks);
            stage.wait_ms(20_000);
            let answer = talk.data(Who::Server, LATE);
            stage.carry(&BACK, &answer);
            talk.close_by_server(stage, &THERE, &BACK);
        },
    );
    assert!(summary(&report).contains("did not come whole in time"), "{text}");
    // A connection that was kept in hand and not needed.
    let (report, text) = asked(
        |n| n % 4 == 0,
        |stage, talk| {
            stage.wait_ms(20_000);
            let answer = talk.data(Who::Server, LATE);
            stage.carry(&BACK, &answer);
            talk.close_by_server(stage, &THERE, &BACK);
        },
    );
    assert!(!summary(&report).contains("did not come whole in time"), "{text}");
}

#[test]
fn a_node_that_says_that_it_has_no_pod_fails_nobody() {
    const ASKS: &[u8] = b"GET /healthz HTTP/1.0\r\n\r\n";
    let says = |body: &str| {
        format!("HTTP/1.0 503 Service Unavailable\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let none = says("{\"localEndpoints\": 0}");
    let (report, text) =
        asked(|_| true, |stage, talk| answered(stage, talk, ASKS, none.as_bytes()));
    assert!(ids(&report).is_empty(), "{text}");
    let down = says("{\"database\": 0}");
    let (report, text) =
        asked(|_| true, |stage, talk| answered(stage, talk, ASKS, down.as_bytes()));
    assert!(!ids(&report).is_empty(), "{text}");
}

#[test]
fn who_answers_others_meanwhile_has_a_server() {
    const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let busy = |stage: &mut Stage, talk: &mut Talk| answered(stage, talk, GET, BUSY);
    let (_, text) = asked(|n| n % 3 == 1, busy);
    assert!(text.contains("a queue or a limit of its own is full"), "{text}");
    let (_, text) = asked(|_| true, busy);
    assert!(text.contains("it has no server in its pool"), "{text}");
}
