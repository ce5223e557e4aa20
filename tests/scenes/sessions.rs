//! Sessions of BGP that end since nothing is heard of the router.

use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who, step};
use crate::{diagnosed, ids};

fn message(kind: u8, rest: &[u8]) -> Vec<u8> {
    [&[0xff; 16][..], &[0, 19 + rest.len() as u8, kind], rest].concat()
}

/// A director's sessions to its router, one after the other: each ends when its hold time is over.
fn sessions(n: u16) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let (there, back) = ([step(DIRECTOR, ROUTER_IN)], [step(ROUTER_IN, DIRECTOR)]);
    for n in 0..n {
        let mut talk = Talk::new(at(DIRECTOR_IP, 41_000 + n * 7), at(ROUTER_IP, 179));
        talk.handshake(&mut stage, &there, &back);
        let open = |own: u8| message(1, &[4, 0xfc, own, 0, 9, 203, 0, 113, own, 0]);
        talk.exchange(&mut stage, (&there, &back), &open(5), &open(1));
        for _ in 0..3 {
            stage.wait_ms(3_000);
            let keeps = talk.data(Who::Client, &message(4, &[]));
            stage.carry(&there, &keeps);
            let has_it = talk.ack(Who::Server);
            stage.carry(&back, &has_it);
        }
        let expired = talk.data(Who::Client, &message(3, &[4, 0]));
        stage.carry(&there, &expired);
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(4_000);
    }
    stage
}

#[test]
fn sessions_that_end_again_and_again_are_told_and_one_is_not() {
    let (report, text) = diagnosed(&sessions(3));
    assert_eq!(ids(&report), ["service-error"], "{text}");
    assert!(text.contains("BGP sessions end again and again: hold timer expired"), "{text}");
    let (report, text) = diagnosed(&sessions(1));
    assert!(ids(&report).is_empty(), "{text}");
}
