//! Drawings: each arrow goes to the host that the frame's MAC shows, the odd packet is among them, and
//! none that is another connection's.

use crate::places::*;
use crate::proxied;
use crate::stage::Stage;
use crate::support::ladders;
use crate::talk::{Step, Talk, Who, step};
use lbdiag::report::ladder::{Ladder, StepKind};

fn drawn(stage: &Stage) -> Ladder {
    let folder = tempfile::tempdir().unwrap();
    stage.write(folder.path());
    ladders::most_telling(folder.path(), true)
}

/// Steps as `from>to label`, by the columns' names.
fn steps(ladder: &Ladder) -> Vec<String> {
    let name = |n: usize| &ladder.columns[n].name;
    let said =
        |s: &lbdiag::report::ladder::Step| format!("{}>{} {}", name(s.from), name(s.to), s.label);
    ladder.steps.iter().map(said).collect()
}

#[test]
fn a_loop_between_two_routers_is_drawn_between_them() {
    let mut stage = Stage::capturing(&["director"]);
    let round = [step(ROUTER_IN, DIRECTOR), step(DIRECTOR, ROUTER_IN)];
    for n in 0..2u16 {
        let syn = Talk::new(at(CLIENT_IP, 45_000 + n), at(VIP, 23)).syn();
        stage.carry(&round.repeat(4), &syn);
        stage.wait_ms(900);
    }
    let ladder = drawn(&stage);
    assert!(ladder.steps.iter().all(|s| s.kind == StepKind::Arrow), "{:?}", steps(&ladder));
    assert_eq!(ladder.columns.len(), 2, "{:?}", ladder.columns);
    assert!(ladder.steps.chunks(2).all(|pair| pair[0].from == pair[1].to), "{:?}", steps(&ladder));
}

/// A real server takes the service's packets first, hands them to the director and gets them back.
#[test]
fn what_comes_from_a_router_is_not_drawn_from_the_director() {
    let mut stage = Stage::capturing(&["rs1"]);
    let there: [Step; 3] = [step(ROUTER_IN, RS1), step(RS1, DIRECTOR), step(DIRECTOR, RS1)];
    let back = [step(RS1, ROUTER_IN)];
    for n in 0..3u16 {
        Talk::new(at(CLIENT_IP, 45_100 + n), at(VIP, 80)).whole(&mut stage, &there, &back);
        stage.wait_ms(300);
    }
    let ladder = drawn(&stage);
    let first = &ladder.steps[0];
    assert_eq!(ladder.columns[first.from].role, "client", "{:?}", steps(&ladder));
    let (second, third) = (&ladder.steps[1], &ladder.steps[2]);
    assert_eq!((second.from, second.to), (first.to, third.from), "{:?}", steps(&ladder));
}

/// A caller that a proxy sends to itself: what the proxy says is the proxy's, and the caller serves in
/// a column of its own.
#[test]
fn a_caller_that_serves_itself_by_way_of_a_proxy_plays_two_parts() {
    let mut stage = Stage::capturing(&["client", "rs1"]).any("director");
    for n in 0..2u16 {
        let mut one = proxied::Proxied::new(46_000 + n, 30_000 + n, (RS1, NAT_RS1_IP));
        one.front = Talk::new(at(NAT_RS1_IP, 46_000 + n), at(VIP, 80));
        let (there, back) = ([step(RS1, DIRECTOR_IN)], [step(DIRECTOR_IN, RS1)]);
        one.front.handshake(&mut stage, &there, &back);
        let asked = one.front.data(Who::Client, &one.request());
        stage.carry(&there, &asked);
        let (out, home) = proxied::behind(RS1);
        one.back.handshake(&mut stage, &out, &home);
        let forwarded = one.forwarded();
        proxied::say(&mut one.back, &mut stage, Who::Client, (&out, &home), &forwarded);
        proxied::say(&mut one.back, &mut stage, Who::Server, (&home, &out), crate::talk::OK);
        proxied::say(&mut one.front, &mut stage, Who::Server, (&back, &there), crate::talk::OK);
        one.front.close(&mut stage, &there, &back);
        one.back.close(&mut stage, &out, &home);
        stage.wait_ms(200);
    }
    let ladder = drawn(&stage);
    let roles: Vec<&str> = ladder.columns.iter().map(|c| c.role.as_str()).collect();
    assert_eq!(roles, ["client", "director", "real server (same host)"], "{:?}", steps(&ladder));
    assert!(ladder.steps.iter().all(|s| s.from == 1 || s.to == 1), "{:?}", steps(&ladder));
}
