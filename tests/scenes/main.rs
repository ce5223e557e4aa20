//! Samples that no kernel at hand shows, written by hand: each scene says packet by
//! packet what its hosts do, and the captures in `samples/` are what it writes.
//!
//! After a change to a scene, `LBDIAG_WRITE_SAMPLES=1 cargo test --test scenes` writes
//! its captures anew; then read the difference in what lbdiag says of them.

#![allow(dead_code, clippy::unwrap_used, reason = "each scene uses a part of the stage")]

#[path = "../support/mod.rs"]
mod support;

mod director_ends;
mod lost_paths;
mod notes;
mod oversize;
mod packet;
mod places;
mod proxied;
mod reuse;
mod stage;
mod talk;
mod trunk;

use places::*;
use stage::Stage;
use std::path::Path;

/// What makes the captures of one sample.
struct Scene {
    /// The sample's folder in `samples/`.
    name: &'static str,
    play: fn() -> Stage,
}

/// Every scene.
const SCENES: &[Scene] = &[
    Scene { name: "dr-windows-strong-host", play: lost_paths::windows_strong_host },
    Scene { name: "dr-half-path-director", play: lost_paths::half_path_at_director },
    Scene { name: "healthy-l7-idle-and-ping", play: notes::idle_and_ping },
    Scene { name: "ip-option-drop-meanwhile", play: lost_paths::options_dropped },
    Scene { name: "nat-used-port-syn-dropped", play: reuse::first_syn_dropped },
    Scene { name: "healthy-nat-used-ports", play: reuse::healthy },
    Scene { name: "vlan-mismatch", play: trunk::mismatch },
    Scene { name: "healthy-nat-trunk", play: trunk::on_a_stick },
    Scene { name: "fullnat-double-reset", play: director_ends::double_reset },
    Scene { name: "nat-director-merges-segments", play: oversize::merged_on_receive },
];

/// The usual places without a fault are seen as what they are, in every mode.
#[test]
fn places_are_healthy() {
    let service = at(VIP, 80);
    let (rs1, rs2) = (at(NAT_RS1_IP, 8080), at(NAT_RS2_IP, 8080));
    let client = |n: u16| at(CLIENT_IP, 40_000 + n);
    let local = |n: u16| at(DIRECTOR_IN_IP, 20_000 + n);
    type Chosen<'a> = Box<dyn Fn(u16) -> Ways + 'a>;
    let modes: [(&str, Chosen<'_>); 4] = [
        ("dr", Box::new(|n| dr([RS1, RS2][usize::from(n % 2)]))),
        (
            "tun",
            Box::new(|n| tun([RS1, RS2][usize::from(n % 2)], [RS1_IP, RS2_IP][usize::from(n % 2)])),
        ),
        (
            "nat",
            Box::new(|n| {
                nat([RS1, RS2][usize::from(n % 2)], [rs1, rs2][usize::from(n % 2)], service)
            }),
        ),
        (
            "fullnat",
            Box::new(|n| {
                let rs = usize::from(n % 2);
                fullnat([RS1, RS2][rs], [rs1, rs2][rs], service, local(n), client(n))
            }),
        ),
    ];
    for (mode, ways) in modes {
        let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
        if matches!(mode, "dr" | "tun") {
            resolved(&mut stage)
        } else {
            resolved_nat(&mut stage)
        }
        for n in 0..8 {
            let (there, back) = ways(n);
            talk::Talk::new(client(n), service).whole(&mut stage, &there, &back);
            stage.wait_ms(200);
        }
        let folder = tempfile::tempdir().unwrap();
        stage.write(folder.path());
        let run = support::run::run_paths(&[folder.path()]);
        let report = serde_json::to_value(&run.report).unwrap();
        assert_eq!(report["verdict"]["status"], "healthy", "{mode}: {}", run.text);
        assert_eq!(report["services"][0]["mode"], mode);
        assert_eq!(report["services"][0]["real_servers"].as_array().unwrap().len(), 2, "{mode}");
        assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{mode}");
    }
}

#[test]
fn samples_are_what_their_scenes_write() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let write = std::env::var_os("LBDIAG_WRITE_SAMPLES").is_some();
    let mut wrong = Vec::new();
    for Scene { name, play } in SCENES {
        let folder = samples.join(name);
        let stage = play();
        if write {
            std::fs::create_dir_all(&folder).unwrap();
            stage.write(&folder);
        }
        for (file, bytes) in stage.files() {
            if std::fs::read(folder.join(&file)).unwrap_or_default() != bytes {
                wrong.push(format!("samples/{name}/{file} is not what its scene writes"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
