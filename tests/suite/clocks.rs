//! Offsets and drifts lie inside their bounds, in a thousand random worlds; clocks that
//! were set are found.

use crate::generator::rng::Rng;
use crate::generator::world::{Clock, Clocks, Mode};
use crate::generator::{Truth, World};
use lbdiag::capture::{self, Timestamp};
use lbdiag::clock::Offset;
use lbdiag::flow::Mark;
use lbdiag::topology::StatedRoles;
use lbdiag::trace::Trace;
use std::path::Path;
use std::sync::atomic::AtomicU64;

const WORLDS: u64 = 128;
const DAY_NS: u64 = 86_400_000_000_000;
const HOUR_NS: i64 = 3_600_000_000_000;

fn clock(rng: &mut Rng) -> Clock {
    let either = |rng: &mut Rng, most: u64| rng.below(2 * most + 1) as i64 - most as i64;
    let offset_ns = match rng.below(4) {
        0 => 0,
        1 => either(rng, 5_000_000),
        2 => either(rng, 12) * HOUR_NS + either(rng, 300_000_000),
        _ => either(rng, DAY_NS),
    };
    let drift_ppm = [0, either(rng, 20), either(rng, 150)][rng.below(3) as usize] as i32;
    Clock { offset_ns, drift_ppm }
}

fn world(seed: u64) -> World {
    let rng = &mut Rng::new(seed);
    let mode = if rng.below(2) == 0 { Mode::Nat } else { Mode::Dr };
    World {
        seed,
        clients: 1 + rng.below(20) as u32,
        real_servers: 1 + rng.below(3) as u16,
        connections: 4 + rng.below(60) as u32,
        packets_per_connection: 8 + rng.below(6) as u32,
        rate: 1 + rng.below(200) as u32,
        in_flight: 1 + rng.below(30) as u32,
        clocks: Clocks {
            client: clock(rng),
            director: clock(rng),
            real_servers: vec![clock(rng), clock(rng), clock(rng)],
            ..Clocks::default()
        },
        ..World::new(mode)
    }
}

fn read(truth: &Truth, folder: &Path) -> Trace {
    let names: Vec<String> = truth
        .captures
        .iter()
        .map(|c| folder.join(format!("{}.pcap", c.name)).display().to_string())
        .collect();
    let inputs = capture::inputs(&names).unwrap();
    lbdiag::load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0)).trace
}

/// What a clock shows `elapsed` nanoseconds after the start of the world.
fn shows(world: &World, clock: Clock, elapsed: i64) -> i64 {
    let drift = i128::from(elapsed) * i128::from(clock.drift_ppm) / 1_000_000;
    (i128::from(world.start_ns) + i128::from(elapsed) + i128::from(clock.offset_ns) + drift) as i64
}

/// How long after the start of the world a clock shows a time.
fn elapsed(world: &World, clock: Clock, shown: i64) -> i64 {
    let since = i128::from(shown) - i128::from(world.start_ns) - i128::from(clock.offset_ns);
    (since * 1_000_000 / (1_000_000 + i128::from(clock.drift_ppm))) as i64
}

fn drift_ppb(of: Clock, against: Clock) -> f64 {
    let rate = |clock: Clock| 1.0 + f64::from(clock.drift_ppm) / 1e6;
    (rate(of) / rate(against) - 1.0) * 1e9
}

/// What is wrong with a capture's clock as it was measured.
fn judge(truth: &Truth, trace: &Trace, index: usize, offset: Offset) -> Vec<String> {
    let (world, own) = (&truth.world, truth.captures[index].clock);
    let reference = truth.captures[0].clock;
    let mut wrong = Vec::new();
    let at = elapsed(world, reference, offset.at.0);
    let ahead = shows(world, own, at) - shows(world, reference, at);
    if (ahead - offset.ns).abs() > offset.error_ns {
        wrong.push(format!("is {ahead} ahead, said to be {} ± {}", offset.ns, offset.error_ns));
    }
    if let Some(drift) = offset.drift {
        let ppb = drift_ppb(own, reference);
        if (ppb - drift.ppb as f64).abs() > drift.error_ppb as f64 {
            wrong.push(format!("gains {ppb} ppb, said {} ± {}", drift.ppb, drift.error_ppb));
        }
    }
    // Each corrected time, at both ends of the capture, is right within what is said.
    let last = truth.connections.iter().map(|c| c.end_ns).max().unwrap() as i64;
    for moment in [0, last / 3, last] {
        let mark = Mark::new(1, Timestamp(shows(world, own, moment)));
        let (right, told) = (shows(world, reference, moment), trace.timeline.align(index, mark));
        let doubt = trace.timeline.uncertainty(0, index, Timestamp(right)).unwrap();
        if (told.0 - right).abs() > doubt {
            wrong.push(format!("at {moment}: {} off, said ± {doubt}", told.0 - right));
        }
    }
    wrong
}

/// Half of what the best connection leaves open that two captures saw both ways: from its
/// SYN and its SYN-ACK alone.
fn best_pair(trace: &Trace, index: usize) -> Option<i64> {
    let of =
        |capture: usize| move |leg: &&lbdiag::correlate::Leg| trace.vantage(leg).capture == capture;
    let gap = |id| {
        let legs = trace.legs(id);
        let (a, b) = (legs.iter().find(of(0))?, legs.iter().find(of(index))?);
        let (syn, answer) = (
            trace.forward(a).syn.get()?.since(trace.forward(b).syn.get()?),
            trace.reply(b).syn.get()?.since(trace.reply(a).syn.get()?),
        );
        Some((-syn - answer) / 2)
    };
    trace.iter().filter_map(|(id, _)| gap(id)).min()
}

#[test]
fn many_worlds() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    let (mut bounded, mut all, mut drifts, mut widest) = (0, 0, 0, 0);
    for seed in 0..WORLDS {
        let truth = world(seed).write(folder.path()).unwrap();
        let trace = read(&truth, folder.path());
        for index in 1..truth.captures.len() {
            all += 1;
            let Some(offset) = trace.timeline.offset(index) else { continue };
            bounded += 1;
            drifts += u64::from(offset.drift.is_some());
            widest = widest.max(offset.error_ns);
            let name = &truth.captures[index].name;
            // Within the handshake no drift amounts to a microsecond.
            let best = best_pair(&trace, index).unwrap_or(i64::MAX - 1_000);
            if offset.error_ns > best + 1_000 {
                wrong.push(format!("world {seed}, {name}: ± {} for {best}", offset.error_ns));
            }
            let found = judge(&truth, &trace, index, offset);
            wrong.extend(found.iter().map(|w| format!("world {seed}, {name} {w}")));
        }
        if trace.timeline.inconsistent || !trace.timeline.steps.is_empty() {
            wrong.push(format!("world {seed}: {:?}", trace.timeline.steps));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(bounded * 100 >= all * 99, "{bounded} of {all} clocks are bounded");
    assert!(drifts >= WORLDS / 32 && widest < 1_000_000, "{drifts} drifts, widest {widest} ns");
}

/// With the correction off each time is the capture's own, and what two captures' times
/// can be apart is said to be more.
#[test]
fn times_stay_as_they_are_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let clocks =
        Clocks { director: Clock { offset_ns: 700_000_000, drift_ppm: 0 }, ..Clocks::default() };
    let truth =
        World { connections: 20, clocks, ..World::new(Mode::Nat) }.write(folder.path()).unwrap();
    let names = [folder.path().display().to_string()];
    let inputs = capture::inputs(&names).unwrap();
    let (stated, window) = (StatedRoles::default(), lbdiag::window::Window::default());
    let read = |align| {
        let how = lbdiag::load::How { stated: &stated, window: &window, align };
        lbdiag::load::load_as(&inputs.inputs, &how, &AtomicU64::new(0)).trace
    };
    let (corrected, raw) = (read(true), read(false));
    let director = raw.captures.iter().position(|c| c.label == "director").unwrap();
    let shown = Timestamp(truth.world.start_ns as i64 + 900_000_000);
    let mark = Mark::new(5, shown);
    assert_eq!(raw.timeline.align(director, mark), shown);
    let moved = shown.0 - corrected.timeline.align(director, mark).0;
    assert!((moved - 700_000_000).abs() < 1_000_000, "{moved}");
    let doubt = |trace: &Trace| trace.timeline.uncertainty(0, director, shown).unwrap();
    assert!(doubt(&corrected) < 1_000_000 && doubt(&raw) >= 700_000_000);
    assert_eq!(raw.timeline.offset(director), corrected.timeline.offset(director));
}

/// Puts a capture's clock forward by so much from a frame on.
fn set_clock(path: &Path, from: usize, by_ns: i64) {
    let mut bytes = std::fs::read(path).unwrap();
    let nanoseconds = bytes[..4] == [0x4d, 0x3c, 0xb2, 0xa1];
    let unit = if nanoseconds { 1 } else { 1_000 };
    let (mut at, mut frame) = (24, 1);
    while at + 16 <= bytes.len() {
        let word = |i: usize| u32::from_le_bytes(bytes[at + i..at + i + 4].try_into().unwrap());
        let (seconds, fraction, len) = (word(0), word(4), word(8) as usize);
        if frame >= from {
            let ns = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * unit + by_ns;
            bytes[at..at + 4].copy_from_slice(&((ns / 1_000_000_000) as u32).to_le_bytes());
            let fraction = (ns % 1_000_000_000 / unit) as u32;
            bytes[at + 4..at + 8].copy_from_slice(&fraction.to_le_bytes());
        }
        (at, frame) = (at + 16 + len, frame + 1);
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_clock_that_was_set_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for (mode, name, index, by) in [
        (Mode::Nat, "director", 1, 2_000_000_000),
        (Mode::Nat, "rs1", 2, -40_000_000),
        (Mode::Dr, "rs2", 3, 30_000_000_000),
        (Mode::Dr, "director", 1, -3_600_000_000_000),
    ] {
        let world = World { connections: 400, rate: 20, ..World::new(mode) };
        let truth = world.write(folder.path()).unwrap();
        let capture = truth.captures.iter().find(|c| c.name == name).unwrap();
        let cut = (capture.frames / 2) as usize;
        set_clock(&folder.path().join(format!("{name}.pcap")), cut, by);
        let trace = read(&truth, folder.path());
        assert!(!trace.timeline.inconsistent, "{name}");
        let [step] = trace.timeline.steps[..] else {
            panic!("{name}: {:?}", trace.timeline.steps);
        };
        assert_eq!(step.capture, index);
        let late = i64::from(step.frame) - cut as i64;
        assert!((0..60).contains(&late), "{name}: frame {} for {cut}", step.frame);
        let (told, error) = step.by.unwrap();
        assert!((told - by).abs() <= error && error < 2_000_000, "{name}: {told} ± {error}");
        // Connections before and after lie where they were.
        for (id, _) in trace.iter() {
            let (start, end) = (trace.start(id).unwrap(), trace.end(id).unwrap());
            let lasted = trace.time(end).0 - trace.time(start).0;
            assert!((0..60_000_000_000).contains(&lasted), "{name}: {lasted}");
        }
    }
}
