//! What was lost is counted where it was lost, and what a capture lost itself is told
//! apart from it.

use crate::generator::World;
use crate::generator::ties;
use crate::generator::truth::Truth;
use crate::generator::world::{Between, Loss, Mode};
use lbdiag::diagnose;
use lbdiag::report::{self, Report};
use lbdiag::trace::Trace;

fn world(mode: Mode, loss: Option<Loss>) -> World {
    World { clients: 1, packets_per_connection: 20, loss, ..World::new(mode) }
}

fn reported(trace: &Trace) -> Report {
    let diagnosis = diagnose::diagnose(trace);
    report::build(trace, &diagnosis, &report::Options::default())
}

/// Losses as facts: on which stretch, by its captures' names, in which direction, how many.
fn lost(trace: &Trace) -> Vec<(String, String, bool, usize)> {
    let name = |host| {
        let vantage = trace.topology.hosts.get(host).vantages[0];
        trace.vantages[vantage.index()].label.clone()
    };
    let facts = trace.losses().iter();
    facts
        .map(|(_, l)| {
            let s = l.stretch;
            (name(s.from), name(s.to), s.forward, l.again.len())
        })
        .collect()
}

#[test]
fn what_is_lost_is_counted_on_its_segment() {
    for (mode, between, ends) in [
        (Mode::Nat, Between::ClientDirector, "client director"),
        (Mode::Nat, Between::DirectorServer, "director rs"),
        (Mode::Dr, Between::ClientDirector, "client director"),
        (Mode::Dr, Between::ServerClient, "rs client"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let truth: Truth =
            world(mode, Some(Loss { between, per_mille: 20 })).write(folder.path()).unwrap();
        let found = lost(&ties::load(&truth));
        let count: usize = found.iter().map(|l| l.3).sum();
        for (from, to, forward, _) in &found {
            let plain = |name: &str| name.trim_end_matches(char::is_numeric).to_owned();
            let mut pair = [plain(from), plain(to)];
            if !forward && between != Between::ServerClient {
                pair.reverse();
            }
            assert_eq!(pair.join(" "), ends, "{mode:?}, {between:?}");
        }
        // Every loss but those of bare acknowledgements and SYNs, which take no bytes.
        let (most, least) = (truth.lost as usize, truth.lost as usize / 3);
        assert!((least..=most).contains(&count), "{mode:?}, {between:?}: {count} of {most}");
        assert!(count > 50, "{mode:?}, {between:?}: {count}");
    }
}

/// Drops every frame of `each` that carries payload from a capture, and says how many.
fn thin(path: &std::path::Path, each: usize) -> usize {
    let bytes = std::fs::read(path).unwrap();
    let mut kept = bytes[..24].to_vec();
    let (mut at, mut long, mut dropped) = (24, 0, 0);
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        let end = at + 16 + len;
        let payload = len > 300;
        long += usize::from(payload);
        if payload && long % each == 0 {
            dropped += 1;
        } else {
            kept.extend(&bytes[at..end]);
        }
        at = end;
    }
    std::fs::write(path, kept).unwrap();
    dropped
}

#[test]
fn what_a_capture_lost_itself_is_no_loss_of_the_network() {
    for mode in [Mode::Nat, Mode::Dr] {
        for (name, each) in [("client", 7), ("rs1", 5), ("director", 6)] {
            let folder = tempfile::tempdir().unwrap();
            let truth = world(mode, None).write(folder.path()).unwrap();
            let capture = truth.captures.iter().find(|c| c.name == name).unwrap();
            let dropped = thin(&capture.path, each);
            let trace = ties::load(&truth);
            assert!(lost(&trace).is_empty(), "{mode:?}, {name}: {:?}", lost(&trace));
            let report = reported(&trace);
            let loud = report.findings.iter().filter(|f| f.severity.is_loud());
            assert_eq!(loud.map(|f| &f.id).collect::<Vec<_>>(), [""; 0], "{mode:?}, {name}");
            let noted = report
                .captures
                .iter()
                .filter(|c| c.notes.iter().any(|note| note.contains("the capture dropped frames")));
            let noted: Vec<&String> = noted.flat_map(|c| &c.vantages).collect();
            // A DR director has no answers, and its requests are short.
            if mode == Mode::Dr && name == "director" {
                assert_eq!((dropped, noted.len()), (0, 0));
            } else {
                assert!(dropped > 20, "{mode:?}, {name}: {dropped}");
                assert_eq!(noted, [name], "{mode:?}");
            }
        }
    }
}
