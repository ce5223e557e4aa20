//! Health checks: those of a balancer that calls for its clients from the same address, and those whose answer comes
//! when nobody waits for it any more.

use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Step, Talk, Who, step};
use crate::{diagnosed, ids};

const THERE: [Step; 1] = [step(DIRECTOR, RS1)];
const BACK: [Step; 1] = [step(RS1, DIRECTOR)];

/// A balancer calls a server for clients, and opens connections that it resets at once, so long after one another.
fn balanced(gaps_ms: &[u64]) -> Stage {
    down_for(gaps_ms, 0..0)
}

/// The same, while the server is down for some of them.
fn down_for(gaps_ms: &[u64], down: std::ops::Range<u16>) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    for (n, gap) in (0u16..).zip(gaps_ms) {
        let mut check = Talk::new(at(DIRECTOR_IP, 20_000 + n), at(RS1_IP, 3128));
        let begun = stage.now;
        let syn = check.syn();
        stage.carry(&THERE, &syn);
        if down.contains(&n) {
            stage.carry(&BACK, &Talk::refusal_of(&syn));
            stage.now = begun + gap * 1000;
            continue;
        }
        let syn_ack = check.accept().syn_ack();
        stage.carry(&BACK, &syn_ack);
        let reset = Talk::rst_for(&syn_ack);
        stage.carry(&THERE, &reset);
        if n % 2 == 0 {
            stage.wait_ms(300);
            let mut call = Talk::new(at(DIRECTOR_IP, 41_000 + n), at(RS1_IP, 3128));
            call.whole(&mut stage, &THERE, &BACK);
        }
        stage.now = begun + gap * 1000;
    }
    stage
}

#[test]
fn what_a_balancer_opens_and_resets_by_the_clock_beside_its_clients_calls_are_checks() {
    let (report, text) = diagnosed(&balanced(&[2_000; 12]));
    assert!(ids(&report).is_empty(), "{text}");
    assert!(text.contains("12 health checks: 12 did well"), "{text}");
    // Without a clock nobody knows what they were.
    let gaps: Vec<u64> = (0..12).map(|n| 700 + n * n * 190).collect();
    let (_, text) = diagnosed(&balanced(&gaps));
    assert!(!text.contains("health checks: 12 did well"), "{text}");
}

#[test]
fn what_finds_nobody_in_step_with_them_is_a_check_too() {
    let (report, text) = diagnosed(&down_for(&[2_000; 12], 5..7));
    assert_eq!(ids(&report), ["health-check-failing"], "{text}");
    assert_ne!(report["verdict"]["status"], "failing", "{text}");
    assert!(text.contains("12 health checks: 10 did well, 2 failed"), "{text}");
}

/// A node asks a pod for its health and waits for one second; the answer comes after so long.
fn probes(after_ms: u64) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    for n in 0..6u16 {
        let mut talk = Talk::new(at(DIRECTOR_IP, 40_000 + n), at(RS1_IP, 8080));
        talk.handshake(&mut stage, &THERE, &BACK);
        let asks = talk.data(
            Who::Client,
            b"GET /healthz HTTP/1.1\r\nHost: pod\r\nUser-Agent: kube-probe/1.29\r\nConnection: close\r\n\r\n",
        );
        stage.carry(&THERE, &asks);
        let has_it = talk.ack(Who::Server);
        stage.carry(&BACK, &has_it);
        stage.wait_ms(after_ms.min(1_000));
        let gives_up = (after_ms > 1_000).then(|| talk.fin(Who::Client));
        if let Some(fin) = &gives_up {
            stage.carry(&THERE, fin);
            stage.wait_ms(after_ms - 1_000);
        }
        let answer = talk.data(Who::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        stage.carry(&BACK, &answer);
        if gives_up.is_some() {
            let reset = Talk::rst_for(&answer);
            stage.carry(&THERE, &reset);
        } else {
            let taken = talk.ack(Who::Client);
            stage.carry(&THERE, &taken);
            talk.close(&mut stage, &THERE, &BACK);
        }
        stage.wait_ms(8_000);
    }
    stage
}

#[test]
fn checks_that_are_answered_when_nobody_waits_any_more_fail() {
    let (report, text) = diagnosed(&probes(1_800));
    assert_eq!(ids(&report), ["health-check-failing"], "{text}");
    assert!(text.contains("6 health checks: 6 failed"), "{text}");
    assert!(text.contains("had given up"), "{text}");
    let (report, text) = diagnosed(&probes(40));
    assert!(ids(&report).is_empty(), "{text}");
    assert!(text.contains("6 health checks: 6 did well"), "{text}");
}

/// A monitor opens connections to a server and resets them at once; `refused` of them find nobody, or all if it never
/// serves.
fn monitored(refused: std::ops::Range<u16>) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    for n in 0..20u16 {
        let mut check = Talk::new(at(DIRECTOR_IP, 20_000 + n), at(RS1_IP, 8080));
        let syn = check.syn();
        stage.carry(&THERE, &syn);
        if refused.contains(&n) {
            stage.carry(&BACK, &Talk::refusal_of(&syn));
        } else {
            let syn_ack = check.accept().syn_ack();
            stage.carry(&BACK, &syn_ack);
            let reset = check.open().rst_ack(Who::Client);
            stage.carry(&THERE, &reset);
        }
        stage.wait_ms(2_000);
    }
    stage
}

#[test]
fn checks_of_a_server_that_is_down_for_a_while_are_no_clients() {
    let (report, text) = diagnosed(&monitored(8..11));
    assert_eq!(ids(&report), ["health-check-failing"], "{text}");
    assert_ne!(report["verdict"]["status"], "failing", "{text}");
    // Of who was never accepted nobody knows what he wanted.
    let (report, text) = diagnosed(&monitored(0..20));
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
}
