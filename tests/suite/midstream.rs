//! Captures that begin in the middle of connections, each at its own moment: what they
//! show of one connection is tied, whatever was rewritten, and nothing else is.

use crate::generator::World;
use crate::generator::capture::Written;
use crate::generator::ties;
use crate::generator::truth::Truth;
use crate::generator::world::{Family, FullNat, Mode, Vantage};
use lbdiag::trace::Trace;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

const MS: u64 = 1_000_000;

/// Drops the frames of a capture before a moment of its clock, nanoseconds after the start.
fn begin_at(capture: &Written, start_ns: u64, ns: u64) {
    let bytes = std::fs::read(&capture.path).unwrap();
    let word = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
    let mut kept = bytes[..24].to_vec();
    let mut at = 24;
    while at < bytes.len() {
        let end = at + 16 + word(at + 8) as usize;
        let time = word(at) * 1_000_000_000 + word(at + 4);
        if time >= start_ns + ns {
            kept.extend(&bytes[at..end]);
        }
        at = end;
    }
    std::fs::write(&capture.path, kept).unwrap();
}

/// Long conversations, some 200 of them at a time.
fn world(mode: Mode) -> World {
    let long =
        World { packets_per_connection: 24, in_flight: 200, real_servers: 3, ..World::new(mode) };
    // No five-tuple comes again: an endpoint tells whose connection it is.
    World { connections: 1_200, ..long }
}

/// The number of the true connection that each client endpoint of the world belongs to.
fn owners(truth: &Truth) -> HashMap<SocketAddr, u32> {
    let number = |n: usize| n as u32;
    let each = (0..truth.connections.len()).map(number);
    each.flat_map(|n| [(truth.world.front(n).0, n), (truth.world.back(n).0, n)]).collect()
}

/// Connections that hold streams of several, and how many were in mid-stream somewhere and are there once, or more often.
struct Verdict {
    mixed: Vec<String>,
    tied: usize,
    apart: Vec<String>,
}

fn judge(truth: &Truth, trace: &Trace) -> Verdict {
    let owners = owners(truth);
    let mut verdict = Verdict { mixed: Vec::new(), tied: 0, apart: Vec::new() };
    let mut places: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut begun: HashMap<u32, bool> = HashMap::new();
    for (id, connection) in trace.iter() {
        let mut numbers: Vec<u32> = Vec::new();
        for leg in trace.legs(id) {
            let stream = leg.of(&trace.vantages);
            let ends = stream.key.ips.iter().zip(stream.key.ports);
            let owner = ends.filter_map(|(ip, port)| owners.get(&SocketAddr::new(ip.addr(), port)));
            numbers.extend(owner);
            let opened = stream.opener().is_some();
            if let Some(number) = numbers.last() {
                *begun.entry(*number).or_default() |= !opened;
            }
        }
        numbers.dedup();
        let what = format!("{:?} at {:?}", connection.tie, ties::captures(trace, id));
        match numbers[..] {
            [one] => places.entry(one).or_default().push(what),
            _ => verdict.mixed.push(format!("{numbers:?} by {what}")),
        }
    }
    for (number, there) in places.iter().filter(|(number, _)| begun[number]) {
        match there.len() {
            1 => verdict.tied += 1,
            _ => verdict.apart.push(format!("{number}: {there:?}")),
        }
    }
    verdict
}

/// The world's captures, each begun at its own moment.
fn cut(world: &World, begin: impl Fn(&str) -> u64) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let truth = world.write(folder.path()).unwrap();
    for capture in &truth.captures {
        begin_at(capture, world.start_ns, begin(&capture.name));
    }
    judge(&truth, &ties::load(&truth))
}

const MODES: [Mode; 5] = [
    Mode::Nat,
    Mode::Dr,
    Mode::Tun,
    Mode::FullNat(FullNat::Kept),
    Mode::FullNat(FullNat::Stripped),
];

/// All that was in mid-stream is tied, there was enough of it, and nothing is mixed.
fn right(name: &str, found: &Verdict) {
    let first = |list: &[String]| list.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        found.mixed.is_empty(),
        "{name}: {} mixed:\n{}",
        found.mixed.len(),
        first(&found.mixed)
    );
    assert!(
        found.apart.is_empty(),
        "{name}: {} apart:\n{}",
        found.apart.len(),
        first(&found.apart)
    );
    assert!(found.tied >= 150, "{name}: {} tied", found.tied);
}

#[test]
fn captures_that_begin_at_one_moment() {
    for mode in MODES {
        right(mode.name(), &cut(&world(mode), |_| 1_000 * MS));
    }
    for mode in MODES {
        let world = World { family: Family::V6, ..world(mode) };
        right(&format!("{mode:?} in IPv6"), &cut(&world, |_| 1_000 * MS));
    }
}

#[test]
fn captures_that_begin_one_after_another() {
    for mode in MODES {
        for late in ["client", "director", "rs1"] {
            let begin = |name: &str| if name == late { 1_150 } else { 1_000 } * MS;
            right(&format!("{mode:?}, {late} late"), &cut(&world(mode), begin));
        }
    }
}

/// Offload cuts the same bytes into other frames at each host.
#[test]
fn captures_of_merged_segments() {
    for mode in [Mode::Nat, Mode::FullNat(FullNat::Kept)] {
        for merged in [Vantage::Client, Vantage::Director, Vantage::RealServer] {
            let world = World { merged_at: Some(merged), ..world(mode) };
            right(&format!("{mode:?}, merged at {merged:?}"), &cut(&world, |_| 1_000 * MS));
        }
    }
}

/// What a balancer shifts leaves nothing to go by: it stays apart, and is not guessed.
#[test]
fn shifted_numbers_are_not_guessed() {
    let found = cut(&world(Mode::FullNat(FullNat::Shifted)), |_| 1_000 * MS);
    assert!(found.mixed.is_empty(), "{:?}", found.mixed);
}
