//! Every connection of generated worlds is tied as the truth has it, and healthy worlds are called so.

use crate::generator::World;
use crate::generator::rng::Rng;
use crate::generator::world::{
    Between, Clock, Clocks, Family, FullNat, Loss, Mode, Proxy, Said, Vantage, Vantages,
};
use crate::generator::{carried, ties};
use crate::support::bytes::Pcap;
use crate::support::frames::Segment;
use crate::support::run::run_paths;
use lbdiag::diagnose;
use lbdiag::trace::Trace;

/// Clocks that are off by hours, seconds and milliseconds, and gain or lose.
fn clocks() -> Clocks {
    let clock = |offset_ns, drift_ppm| Clock { offset_ns, drift_ppm };
    Clocks {
        client: clock(3_600_000_000_000, 20),
        router: clock(-5_000_000_000, -15),
        director: clock(-1_250_000_000, -40),
        real_servers: vec![
            clock(700_000, 90),
            clock(-86_400_000_000_000, -60),
            clock(0, 0),
            clock(-30_000, 7),
        ],
    }
}

fn world(mode: Mode) -> World {
    World { real_servers: 4, connections: 1_000, clocks: clocks(), ..World::new(mode) }
}

const MODES: [Mode; 6] = [
    Mode::Nat,
    Mode::Dr,
    Mode::Tun,
    Mode::FullNat(FullNat::Kept),
    Mode::FullNat(FullNat::Stripped),
    Mode::FullNat(FullNat::Shifted),
];

/// What loss does to connections, which is said of each that it harmed.
const LOSSY: &[&str] = &[
    "packet-loss",
    "retransmission",
    "slow-connect",
    "slow-answer",
    "syn-unanswered",
    "handshake-incomplete",
    "request-unanswered",
];

/// Every connection is right, and nobody is accused of more than `allowed`, ids of findings.
fn right(name: &str, world: &World, allowed: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let truth = world.write(folder.path()).unwrap();
    let trace = ties::load(&truth);
    let wrong = ties::wrongs(&truth, &trace);
    let first = wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{name}: {} wrong:\n{first}", wrong.len());
    let loud = accused(&trace, allowed);
    assert!(loud.is_empty(), "{name}: {loud:?}");
}

/// Findings that accuse somebody, other than `allowed`: ids and titles.
fn accused(trace: &Trace, allowed: &[&str]) -> Vec<String> {
    let diagnosis = diagnose::diagnose(trace);
    let loud =
        |f: &&diagnose::Finding| f.severity > diagnose::Severity::Info && !f.id.is_of(allowed);
    diagnosis.findings.iter().filter(loud).map(|f| format!("{}: {}", f.id, f.title)).collect()
}

#[test]
fn nat_dr_and_tun() {
    for mode in [Mode::Nat, Mode::Dr, Mode::Tun] {
        right(mode.name(), &world(mode), &[]);
    }
}

#[test]
fn full_nat() {
    for how in [FullNat::Kept, FullNat::Stripped, FullNat::Shifted] {
        right(&format!("{how:?}"), &world(Mode::FullNat(how)), &[]);
    }
}

#[test]
fn ipv6() {
    for mode in MODES {
        right(&format!("{mode:?}"), &World { family: Family::V6, ..world(mode) }, &[]);
    }
}

#[test]
fn five_tuples_that_come_again() {
    for mode in MODES {
        let again = World { clients: 4, ports_per_client: 60, in_flight: 20, ..world(mode) };
        right(mode.name(), &again, &[]);
    }
}

#[test]
fn clients_of_one_port_behind_a_router() {
    for mode in [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat(FullNat::Kept)] {
        right(mode.name(), &World { source_nat: true, clients: 2, ..world(mode) }, &[]);
    }
}

#[test]
fn with_loss() {
    for mode in [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat(FullNat::Shifted)] {
        let two_armed = mode.two_armed();
        for between in [Between::ClientDirector, Between::DirectorServer, Between::ServerClient] {
            if between == Between::ServerClient && two_armed {
                continue;
            }
            let lossy = World {
                packets_per_connection: 13,
                loss: Some(Loss { between, per_mille: 20 }),
                ..world(mode)
            };
            right(&format!("{mode:?}, {between:?}"), &lossy, LOSSY);
        }
    }
}

#[test]
fn with_merged_segments() {
    for mode in [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat(FullNat::Kept)] {
        for vantage in [Vantage::Client, Vantage::Director, Vantage::RealServer] {
            let merged =
                World { packets_per_connection: 13, merged_at: Some(vantage), ..world(mode) };
            right(&format!("{mode:?}, {vantage:?}"), &merged, &[]);
        }
    }
}

/// How many pairs of a proxy's world are known, of how many; none may be wrong, and nobody accused.
fn paired(name: &str, world: &World) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let truth = world.write(folder.path()).unwrap();
    let trace = ties::load(&truth);
    let verdict = carried::judge(&truth, &trace);
    let first = verdict.wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(verdict.wrong.is_empty(), "{name}: {} wrong:\n{first}", verdict.wrong.len());
    let loud = accused(&trace, &[]);
    assert!(loud.is_empty(), "{name}: {loud:?}");
    (verdict.known, verdict.pairs)
}

fn proxy(said: Said, pooled: bool, alike: bool) -> World {
    let mode = Mode::Proxy(Proxy { said, pooled, alike });
    World { packets_per_connection: 14, connections: 700, ..world(mode) }
}

#[test]
fn proxies() {
    for said in [Said::Nothing, Said::Forwarded, Said::RequestId] {
        for pooled in [false, true] {
            let (known, pairs) = paired(&format!("{said:?}"), &proxy(said, pooled, false));
            assert_eq!(known, pairs, "{said:?}, pooled: {pooled}");
        }
    }
    let six = World { family: Family::V6, ..proxy(Said::Forwarded, true, false) };
    let (known, pairs) = paired("IPv6", &six);
    assert_eq!(known, pairs);
}

#[test]
fn proxies_of_requests_that_are_all_alike() {
    for pooled in [false, true] {
        // An identifier tells all.
        let (known, pairs) = paired("ids", &proxy(Said::RequestId, pooled, true));
        assert_eq!(known, pairs);
        // The client's address leaves what one client has open at once; nesting alone leaves little. None is guessed.
        let (known, pairs) = paired("addresses", &proxy(Said::Forwarded, pooled, true));
        assert!(known * 10 > pairs * 9, "{known} of {pairs}");
        let (known, pairs) = paired("nothing", &proxy(Said::Nothing, pooled, true));
        assert!(known < pairs, "{known} of {pairs}");
    }
}

/// Without the director's capture, and without the client's: nothing that is said may be wrong, and nothing split.
#[test]
fn with_captures_missing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |client, director, real_servers| Vantages { client, director, real_servers };
    let shifted = Mode::FullNat(FullNat::Shifted);
    for mode in [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat(FullNat::Kept), shifted] {
        for vantages in [at(true, false, true), at(false, true, true), at(true, true, false)] {
            let world = World { vantages, seed: 5, ..world(mode) };
            let truth = world.write(folder.path()).unwrap();
            let trace = ties::load(&truth);
            let mut wrong = ties::claims(&truth, &trace);
            wrong.extend(accused(&trace, &[]));
            let first = wrong.iter().take(8).cloned().collect::<Vec<_>>().join("\n");
            assert!(wrong.is_empty(), "{mode:?}, {vantages:?}: {} wrong:\n{first}", wrong.len());
        }
    }
}

/// Many small worlds whose parameters are drawn: no seed may show a wrong tie.
#[test]
fn worlds_of_all_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let (mut wrong, mut written) = (Vec::new(), 0);
    for seed in 0..120 {
        let rng = &mut Rng::new(seed);
        let mode = MODES[rng.below(MODES.len() as u64) as usize];
        let mut world = World {
            seed,
            clients: 1 + rng.below(30) as u32,
            first_port: 32_768 + rng.below(1_000) as u16,
            ports_per_client: 200 + rng.below(2_000) as u16,
            real_servers: 2 + rng.below(4) as u16,
            connections: 100 + rng.below(300) as u32,
            packets_per_connection: 8 + rng.below(20) as u32,
            rate: 20 + rng.below(200) as u32,
            in_flight: 1 + rng.below(10) as u32,
            source_nat: rng.below(3) == 0,
            ..world(mode)
        };
        if rng.below(3) == 0 {
            world.family = Family::V6;
        }
        match rng.below(3) {
            0 => {
                let ways = [Between::ClientDirector, Between::DirectorServer];
                let between = ways[rng.below(2) as usize];
                world.loss = Some(Loss { between, per_mille: 1 + rng.below(60) as u16 });
            }
            1 => {
                let all = [Vantage::Client, Vantage::Director, Vantage::RealServer];
                world.merged_at = Some(all[rng.below(3) as usize]);
            }
            _ => {}
        }
        // Some draws do not go together.
        let Ok(truth) = world.write(folder.path()) else { continue };
        written += 1;
        let trace = ties::load(&truth);
        let mut found = ties::wrongs(&truth, &trace);
        let lossy: &[&str] = if world.loss.is_some() { LOSSY } else { &[] };
        found.extend(accused(&trace, lossy));
        if let Some(first) = found.first() {
            wrong.push(format!("{seed}, {mode:?}: {} wrong: {first}", found.len()));
        }
    }
    assert!(written >= 100, "{written} worlds");
    assert!(wrong.is_empty(), "{} worlds:\n{}", wrong.len(), wrong.join("\n"));
}

/// Proxies of drawn parameters: no seed may show a pair that is none.
#[test]
fn proxies_of_all_kinds() {
    for seed in 0..60 {
        let rng = &mut Rng::new(seed);
        let said = [Said::Nothing, Said::Forwarded, Said::RequestId][rng.below(3) as usize];
        let world = World {
            seed,
            clients: 1 + rng.below(30) as u32,
            real_servers: 2 + rng.below(4) as u16,
            connections: 50 + rng.below(200) as u32,
            packets_per_connection: 10 + 4 * rng.below(4) as u32,
            rate: 20 + rng.below(900) as u32,
            in_flight: 1 + rng.below(60) as u32,
            ..proxy(said, rng.below(2) == 0, rng.below(2) == 0)
        };
        paired(&format!("seed {seed}, {:?}", world.mode), &world);
    }
}

/// A host calls its own balancer, seen where frames have no link header and no hop counts: the SYN that comes back
/// with another destination is the one that left, which its identification says. One that was sent anew is not.
#[test]
fn without_link_headers_a_rewritten_packet_is_known_by_its_identification() {
    let (caller, vip, own) = (([10, 2, 1, 4], 49_780), ([10, 2, 1, 100], 80), ([10, 2, 1, 4], 80));
    let tied = |ids: [u16; 2]| {
        let mut pcap = Pcap::new(101);
        for n in 0..3 {
            let isn = 1_200_000_000 + n * 64_000;
            let caller = (caller.0, caller.1 + n as u16);
            for (ms, to, id) in [(0, vip, ids[0]), (1, own, ids[1])] {
                for (again, ms) in [ms, ms + 1_000, ms + 3_000].into_iter().enumerate() {
                    let id = id + n as u16 * 16 + again as u16;
                    let syn = Segment { ttl: 128, ..Segment::syn(caller, to, isn) }.id(id);
                    pcap.frame(n * 10_000 + ms, &syn.ethernet()[14..]);
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("caller.pcap");
        std::fs::write(&file, &pcap.bytes).unwrap();
        let report = run_paths(&[&file]).report;
        report.findings.iter().any(|finding| finding.id == "l4-self-access-hairpin")
    };
    assert!(tied([7_000, 7_000]));
    assert!(!tied([7_000, 9_000]));
}
