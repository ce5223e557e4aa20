//! A listener that is away for a moment, for good, or for some: what else its host says around the refusals.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Step, Talk, step};
use crate::{diagnosed, ids};
use serde_json::Value;

/// Ten clients of a server alone, of which it refuses some; each comes by the router.
fn alone(refuses: impl Fn(u16) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER, RS1)], [step(RS1, ROUTER)]);
    for n in 0..10 {
        call(&mut stage, (n, refuses(n)), at(NAT_RS1_IP, 80), (&there, &back));
    }
    stage
}

/// The same of one of two servers behind a director in NAT.
fn behind_a_director(refuses: impl Fn(u16) -> bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..10 {
        let service = at(VIP, 80);
        let (there, back) = nat(RS1, at(NAT_RS1_IP, 80), service);
        call(&mut stage, (n, refuses(n)), service, (&there, &back));
        let (there, back) = nat(RS2, at(NAT_RS2_IP, 80), service);
        call(&mut stage, (n + 10, false), service, (&there, &back));
    }
    stage
}

fn call(
    stage: &mut Stage,
    (n, refused): (u16, bool),
    server: std::net::SocketAddr,
    (there, back): (&[Step], &[Step]),
) {
    let mut talk = Talk::new(at(CLIENT_IP, 45_000 + 7 * n), server);
    if refused {
        let syn = talk.syn();
        let refusal: Packet = Talk::refusal_of(&syn);
        stage.carry(there, &syn).carry(back, &refusal);
    } else {
        talk.whole(stage, there, back);
    }
    stage.wait_ms(300);
}

/// What `connection-refused` says, and the notes of its proof.
fn said(stage: &Stage) -> (String, Vec<String>) {
    let (report, text) = diagnosed(stage);
    assert!(ids(&report).contains(&"connection-refused"), "{text}");
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|f| f["id"] == "connection-refused").unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let notes = found["evidence"].as_array().unwrap().iter().map(|e| word(&e["note"])).collect();
    (word(&found["title"]) + " " + &word(&found["explanation"]), notes)
}

#[test]
fn who_refuses_for_a_while_is_told_as_started_anew() {
    for stage in [alone(|n| (4..7).contains(&n)), behind_a_director(|n| (4..7).contains(&n))] {
        let (text, notes) = said(&stage);
        assert!(text.contains("started anew"), "{text}");
        let has = |what: &str| notes.iter().any(|note| note.contains(what));
        assert!(has("the last connection before") && has("the first after"), "{notes:?}");
    }
}

#[test]
fn who_refuses_some_between_others_listens_all_the_time() {
    for stage in [alone(|n| matches!(n, 2 | 4 | 7)), behind_a_director(|n| matches!(n, 2 | 4 | 7))]
    {
        let (text, _) = said(&stage);
        assert!(text.contains("refuses some connections"), "{text}");
        assert!(!text.contains("started anew"), "{text}");
    }
}

#[test]
fn who_refuses_from_or_until_a_moment_may_be_away_for_good() {
    for stage in [alone(|n| n >= 6), alone(|n| n < 3), behind_a_director(|n| n >= 6)] {
        let (text, _) = said(&stage);
        assert!(!text.contains("started anew") && !text.contains("refuses some"), "{text}");
    }
}
