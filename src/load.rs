//! From inputs to a [`Trace`]: reads the captures in parallel, each in one pass.
//!
//! A capture that cannot be read is reported and left out; the others go on.

use crate::capture::{self, Capture, CaptureError, CaptureFile, Frame, Input, LinkType, Timestamp};
use crate::flow::{Answer, MAX_EMBRYOS, MAX_REFUSED, Mark, Observations, Observer};
use crate::topology::StatedRoles;
use crate::trace::Trace;
use crate::window::{self, Window};
use crate::wire;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;

/// Vantages of all captures together: they are numbered in 16 bits.
const MAX_VANTAGES: usize = 1 << 16;

/// What could be read, and what could not.
#[derive(Debug)]
pub struct Loaded {
    /// All that is known of the captures that could be read.
    pub trace: Trace,
    /// Why others could not.
    pub failures: Vec<CaptureError>,
}

/// Reads all inputs; `progress` counts the bytes of files consumed.
#[must_use]
pub fn load(inputs: &[Input], stated: &StatedRoles, progress: &AtomicU64) -> Loaded {
    let how = How { stated, window: &Window::default(), align: true };
    load_as(inputs, &how, progress)
}

/// How captures are read.
#[derive(Debug)]
pub struct How<'a> {
    /// Roles that the user stated.
    pub stated: &'a StatedRoles,
    /// The part of the time that is taken in.
    pub window: &'a Window,
    /// Times are corrected onto one clock.
    pub align: bool,
}

/// Reads all inputs in a certain way: takes in the frames of a window.
///
/// Frames outside of it are read and counted, so that the others keep their
/// numbers. Each is judged by its own capture's clock; a frame without a time lies
/// in no window.
#[must_use]
pub fn load_as(inputs: &[Input], how: &How<'_>, progress: &AtomicU64) -> Loaded {
    let window = how.window;
    let read: Vec<_> = inputs.par_iter().map(|input| observe(input, window, progress)).collect();
    let mut captures = Vec::new();
    let mut vantages = Vec::new();
    let mut failures = Vec::new();
    for (input, mut outcome) in inputs.iter().zip(read) {
        let mut notes = Vec::new();
        note_window(&outcome, window, &mut notes);
        let room = MAX_VANTAGES - vantages.len();
        let beyond = leave_room(&mut outcome.observers, room);
        if beyond > 0 {
            notes.push(format!(
                "{beyond} frames of interfaces beyond the first {MAX_VANTAGES} of all captures were not taken in"
            ));
        }
        failures.extend(outcome.failures);
        if outcome.files.is_empty() {
            continue;
        }
        let capture = captures.len();
        let seen = finish(input, capture, &outcome.files, outcome.observers, &mut notes);
        vantages.extend(seen);
        captures.push(Capture { label: input.label.clone(), files: outcome.files, notes });
    }
    Loaded { trace: Trace::new(captures, vantages, how.stated, how.align), failures }
}

/// Takes observers away that are more than there is room for, and says how many frames
/// they saw.
fn leave_room(observers: &mut [Option<Observer>], room: usize) -> u64 {
    let beyond = observers.iter_mut().filter(|observer| observer.is_some()).skip(room);
    beyond.filter_map(Option::take).map(|observer| observer.frames()).sum()
}

struct Observed {
    files: Vec<CaptureFile>,
    observers: Vec<Option<Observer>>,
    failures: Vec<CaptureError>,
    /// Frames outside of the window.
    left_out: u64,
}

fn observe(input: &Input, window: &Window, progress: &AtomicU64) -> Observed {
    let mut observers: Vec<Option<Observer>> = Vec::new();
    let mut files = Vec::new();
    let mut failures = Vec::new();
    let mut base = 0u32;
    let mut left_out = 0u64;
    let mut bounds = window.is_open().then_some((Timestamp(i64::MIN), Timestamp(i64::MAX)));
    for source in &input.files {
        let mut sink = |frame: &Frame<'_>| {
            let at = frame.interface as usize;
            if at >= observers.len() {
                observers.resize_with(at + 1, || None);
            }
            // An interface is a vantage also where the window leaves nothing of it.
            let observer = observers[at].get_or_insert_with(|| Observer::new(frame.link_type));
            let (since, until) = *bounds.get_or_insert_with(|| window.bounds(frame.time));
            if frame.time < since || frame.time > until {
                left_out += 1;
                return;
            }
            let mark = Mark::new(base.saturating_add(frame.number), frame.time);
            let cut = (frame.data.len() as u32) < frame.wire_len;
            let packet = wire::decode(frame);
            observer.observe(mark, &packet, cut);
            observer.check_syn(mark, frame.data, &packet);
        };
        match capture::read(source, progress, &mut sink) {
            Ok(file) => {
                base = base.saturating_add(file.last);
                files.push(file);
            }
            Err(error) => failures.push(error),
        }
    }
    Observed { files, observers, failures, left_out }
}

/// What a window left out, so that a short report is not taken for a short capture.
fn note_window(observed: &Observed, window: &Window, notes: &mut Vec<String>) {
    let start = observed.files.iter().filter_map(|file| file.start).min();
    let end = observed.files.iter().filter_map(|file| file.end).max();
    let (Some(start), Some(end)) = (start, end) else { return };
    if observed.left_out == 0 {
        return;
    }
    let all: u64 = observed.files.iter().map(|file| u64::from(file.frames)).sum();
    let asked = window.describe(start);
    notes.push(if observed.left_out >= all {
        format!(
            "none of its {all} frames lies in the window {asked}: they span {} to {} by its own clock",
            window::text(start),
            window::text(end)
        )
    } else {
        let left = observed.left_out;
        format!("{left} of {all} frames lie outside of the window {asked} and were not taken in")
    });
}

fn finish(
    input: &Input,
    capture: usize,
    files: &[CaptureFile],
    observers: Vec<Option<Observer>>,
    notes: &mut Vec<String>,
) -> Vec<Observations> {
    let seen = observers.iter().flatten().count();
    if seen == 0 {
        notes.push("holds no frames".to_owned());
    }
    let mut vantages = Vec::new();
    let mut labels = Labels::default();
    for (at, observer) in observers.into_iter().enumerate() {
        let Some(observer) = observer else { continue };
        let interface = files.iter().find_map(|file| file.interfaces.get(at));
        let label = if seen == 1 {
            input.label.clone()
        } else {
            let name = interface.and_then(|i| i.name.clone()).unwrap_or_else(|| at.to_string());
            labels.unique(format!("{}#{name}", input.label))
        };
        let vantage = observer.finish(label, capture);
        note_tally(&vantage, interface.map(|i| i.link_type), notes);
        vantages.push(vantage);
    }
    vantages
}

/// Labels of one capture's vantages, each once.
#[derive(Default)]
struct Labels {
    taken: HashSet<String>,
    /// By label: the number that was tried last.
    tried: HashMap<String, usize>,
}

impl Labels {
    /// The label, numbered where another interface has it.
    fn unique(&mut self, label: String) -> String {
        if self.taken.insert(label.clone()) {
            return label;
        }
        let tried = self.tried.entry(label.clone()).or_insert(1);
        loop {
            *tried += 1;
            let named = format!("{label}.{tried}");
            if self.taken.insert(named.clone()) {
                return named;
            }
        }
    }
}

fn note_tally(vantage: &Observations, link_type: Option<LinkType>, notes: &mut Vec<String>) {
    let tally = &vantage.tally;
    if tally.unsupported > 0 {
        let name = link_type.map_or_else(|| "unknown".into(), |t| t.name());
        notes.push(format!("{} frames of link type {name} were not decoded", tally.unsupported));
    }
    if tally.stopped > 0 {
        notes.push(format!(
            "{} frames are cut or malformed in a header; what could be read of them was used",
            tally.stopped
        ));
    }
    note_evicted(vantage, notes);
    if tally.rounds_dropped > 0 {
        notes.push(format!(
            "packets went round; {} frames of their later rounds are counted with the last that is kept apart",
            tally.rounds_dropped
        ));
    }
    let beyond = [
        (vantage.neighbors.dropped, "address claims and questions"),
        (vantage.errors_dropped, "ICMP errors"),
        (tally.hops_dropped, "link headers"),
        (vantage.echoes_dropped, "pings of further pairs"),
        (vantage.vrrp_dropped, "VRRP advertisements of further speakers"),
        (vantage.side_tables.repeats_dropped, "segments that were sent again"),
        (vantage.side_tables.closed_dropped, "flows whose window closed"),
        (vantage.side_tables.tokens_dropped(), "segments without a handshake"),
    ];
    for (n, what) in beyond.into_iter().filter(|(n, _)| *n > 0) {
        notes.push(format!("{n} {what} are more than are kept; they are counted, nothing else"));
    }
}

/// What was counted and not kept, by answer: it is in no list of connections.
fn note_evicted(vantage: &Observations, notes: &mut Vec<String>) {
    let evicted = &vantage.evicted;
    if evicted.all.streams == 0 {
        return;
    }
    let of = |answer| evicted.answered(answer);
    if of(Answer::None) > 0 {
        notes.push(format!(
            "a flood: {} streams, never answered nor repeated, were counted and let go (at most {MAX_EMBRYOS} are kept at one time)",
            of(Answer::None)
        ));
    }
    if of(Answer::Accepted) > 0 {
        notes.push(format!(
            "a flood: {} half-open streams, answered by a SYN-ACK on which nobody went on, were counted and let go; a sample is kept",
            of(Answer::Accepted)
        ));
    }
    for (answer, how) in [(Answer::Reset, "a reset"), (Answer::Error, "an ICMP error")] {
        if of(answer) > 0 {
            notes.push(format!(
                "{} streams that were answered by {how} are more than are kept ({MAX_REFUSED}); they were counted by service and real server, and a sample is kept",
                of(answer)
            ));
        }
    }
    if evicted.beyond_kinds > 0 {
        notes.push(format!(
            "{} more streams, to endpoints that are too many to count apart, were let go",
            evicted.beyond_kinds
        ));
    }
}
