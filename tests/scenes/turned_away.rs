//! Connections that are reset in the server's name before anybody has said a word: at once, nobody took
//! them in; after a while, an idle one was let go.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who, step};
use crate::{diagnosed, ids};

/// Four conversations at a client, and between them connections that `end` ends once they stand.
fn at_the_client(end: impl Fn(&mut Stage, &mut Talk)) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    let (there, back) = ([step(CLIENT, ROUTER)], [step(ROUTER, CLIENT)]);
    for n in 0..4u16 {
        Talk::new(at(CLIENT_IP, 46_000 + n), at(VIP, 443)).whole(&mut stage, &there, &back);
        let mut talk = Talk::new(at(CLIENT_IP, 47_001 + 31 * n), at(VIP, 443));
        talk.handshake(&mut stage, &there, &back);
        end(&mut stage, &mut talk);
        stage.wait_ms(2_000);
    }
    stage
}

fn reset(stage: &mut Stage, talk: &mut Talk) {
    let reset: Packet = talk.rst_ack(Who::Server);
    stage.pass(ROUTER, CLIENT, &reset);
}

#[test]
fn who_is_reset_as_soon_as_he_is_in_was_not_served() {
    let (report, text) = diagnosed(&at_the_client(|stage, talk| {
        stage.wait_ms(1);
        reset(stage, talk);
    }));
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
    assert_eq!(ids(&report), ["connection-reset"], "{text}");
    assert_eq!(report["services"][0]["totals"]["failed"], 4, "{text}");
}

#[test]
fn an_idle_connection_that_is_let_go_harms_nobody() {
    let (report, text) = diagnosed(&at_the_client(|stage, talk| {
        stage.wait_ms(5_000);
        reset(stage, talk);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
}

#[test]
fn a_client_that_takes_its_leave_first_is_not_turned_away() {
    let (report, text) = diagnosed(&at_the_client(|stage, talk| {
        let leave = talk.fin(Who::Client);
        stage.pass(CLIENT, ROUTER, &leave);
        reset(stage, talk);
    }));
    assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
}
