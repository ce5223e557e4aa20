//! A packet that crosses a cloud's fabric, whose one MAC stands for all senders: what a cooked capture shows leave and
//! another shows come in is one arrow, and nothing of it is lost.

use crate::places::at;
use crate::stage::{Nic, Stage};
use crate::support::ladders;
use crate::talk::{Talk, step};
use lbdiag::report::ladder::StepKind;
use std::net::Ipv4Addr;

const CALLER: Nic = Nic::new("caller", 0x50);
const SERVER: Nic = Nic::new("server", 0x51);
const FABRIC: Nic =
    Nic { host: "fabric", mac: [0xee, 0xff, 0xff, 0xff, 0xff, 0xff], index: 2, vlan: 0 };

#[test]
fn what_leaves_a_host_and_comes_out_of_the_fabric_is_one_arrow() {
    let mut stage = Stage::capturing(&["caller", "server"]).any("server");
    let (there, back) = (
        [step(CALLER, FABRIC), step(FABRIC, SERVER)],
        [step(SERVER, FABRIC), step(FABRIC, CALLER)],
    );
    let caller = Ipv4Addr::new(10, 30, 0, 21);
    for (n, server) in [(0, 55), (1, 55), (2, 55)] {
        let server = at(Ipv4Addr::new(10, 30, 0, server), 8080);
        Talk::new(at(caller, 42_000 + n), server).whole(&mut stage, &there, &back);
        stage.wait_ms(200);
    }
    // Others behind the same MAC.
    let (out, home) = ([step(CALLER, FABRIC)], [step(FABRIC, CALLER)]);
    for n in 0..3 {
        let other = at(Ipv4Addr::new(10, 31, n, 9), 5432);
        Talk::new(at(caller, 43_000 + u16::from(n)), other).whole(&mut stage, &out, &home);
    }
    let folder = tempfile::tempdir().unwrap();
    stage.write(folder.path());
    let drawn = ladders::most_telling(folder.path(), true);
    assert!(drawn.steps.iter().all(|step| step.kind == StepKind::Arrow), "{:?}", drawn.steps);
    let both = drawn.steps.iter().filter(|step| step.frames.len() == 2).count();
    assert_eq!(both, drawn.steps.len(), "{:?}", drawn.steps);
}
