//! From inputs to a [`Trace`]: reads the captures in parallel, each in one pass, or tables that were made
//! of them.
//!
//! A capture that cannot be read is reported and left out; the others go on. The order of
//! inputs and of frames decides all that is kept, never which thread was first: the same
//! captures give the same trace with any number of threads.

mod notes;
mod observe;
mod observers;
mod origins;
mod pipeline;
mod restored;

use crate::capture::{self, Capture, CaptureError, CaptureFile, Input, Timestamp};
use crate::exchange::Heard;
use crate::flow::{Observations, Observer};
use crate::tables::Place;
use crate::topology::StatedRoles;
use crate::trace::Trace;
use crate::window::Window;
use notes::{note_tally, note_unkept, note_window};
use observe::{Observed, observe};
pub use origins::{Origin, Sorted, sort_out};
use rayon::prelude::*;
#[cfg(feature = "fleet")]
pub(crate) use restored::{free_label, relabelled};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::time::Instant;

/// Vantages of all captures together: they are numbered in 16 bits.
const MAX_VANTAGES: usize = 1 << 16;

/// Bytes below which a second thread for a capture costs more than it saves. Where tests look, all have as many.
const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 1 << 20 };

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

/// What was observed, before anything is concluded of it.
#[derive(Debug, Default)]
pub struct Seen {
    /// Captures in the order given.
    pub captures: Vec<Capture>,
    /// Their vantages, by capture.
    pub vantages: Vec<Observations>,
    /// Of captures that come from tables, what their connections said.
    pub heard: Heard,
    /// Why others could not be read.
    pub failures: Vec<CaptureError>,
}

/// Reads all inputs in a certain way: takes in the frames of a window.
///
/// Frames outside of it are read and counted, so that the others keep their
/// numbers. Each is judged by its own capture's clock; a frame without a time lies
/// in no window.
#[must_use]
pub fn load_as(inputs: &[Input], how: &How<'_>, progress: &AtomicU64) -> Loaded {
    load_all(&Origin::captures(inputs), how, progress)
}

/// The same of captures and of tables that were made of others.
#[must_use]
pub fn load_all(origins: &[Origin], how: &How<'_>, progress: &AtomicU64) -> Loaded {
    let begin = Instant::now();
    let Seen { captures, vantages, heard, failures } = see(origins, how.window, progress);
    let reading = begin.elapsed();
    let mut trace = Trace::new(captures, vantages, &heard, how.stated, how.align);
    trace.spent.insert(0, ("reading", reading));
    Loaded { trace, failures }
}

/// Reads what was observed, and concludes nothing.
#[must_use]
pub fn see(origins: &[Origin], window: &Window, progress: &AtomicU64) -> Seen {
    let input = |origin: &Origin| match origin {
        Origin::Capture(input) => Some(input.clone()),
        Origin::Tables(_) => None,
    };
    let inputs: Vec<Input> = origins.iter().filter_map(input).collect();
    let places: Vec<&Place> = origins
        .iter()
        .filter_map(|origin| if let Origin::Tables(place) = origin { Some(place) } else { None })
        .collect();
    let mut seen = Seen::default();
    let mut room = MAX_VANTAGES;
    let mut observed = of_captures(&inputs, window, progress, &mut room, &mut seen.failures);
    let mut restored = restored::read(&places, window, progress);
    let mut gather = restored::Gather::new(room, !places.is_empty());
    for origin in origins {
        match origin {
            Origin::Capture(_) => {
                let Some((capture, vantages)) = observed.next().flatten() else { continue };
                gather.capture(capture, vantages, &mut seen);
            }
            Origin::Tables(place) => match restored.next() {
                Some(Ok(tables)) => gather.tables(place, tables, &mut seen),
                Some(Err(fault)) => seen.failures.push(fault),
                None => {}
            },
        }
    }
    seen
}

/// The captures of inputs, each with its vantages; none where nothing of it could be read.
fn of_captures(
    inputs: &[Input],
    window: &Window,
    progress: &AtomicU64,
    room: &mut usize,
    failures: &mut Vec<CaptureError>,
) -> std::vec::IntoIter<Option<(Capture, Vec<Observations>)>> {
    let mut jobs = Vec::new();
    let near = near(inputs);
    for (input, mut outcome) in inputs.iter().zip(read(inputs, window, near, progress)) {
        let mut notes = Vec::new();
        for file in &outcome.files {
            if let Some(facts) = &file.text {
                facts.note(near.is_some(), &mut notes);
            }
        }
        note_window(&outcome, window, &mut notes);
        note_unkept(&outcome.files, &mut notes);
        let beyond = leave_room(&mut outcome.observers, *room);
        if beyond > 0 {
            notes.push(format!(
                "{beyond} frames of interfaces beyond the first {MAX_VANTAGES} of all captures were not taken in"
            ));
        }
        *room -= outcome.observers.iter().flatten().count();
        failures.append(&mut outcome.failures);
        jobs.push((input, outcome, notes));
    }
    let finished: Vec<_> = jobs
        .into_par_iter()
        .map(|(input, outcome, mut notes)| {
            if outcome.files.is_empty() {
                return None;
            }
            let seen = finish(input, &outcome.files, outcome.observers, &mut notes);
            Some((Capture { label: input.label.clone(), files: outcome.files, notes }, seen))
        })
        .collect();
    finished.into_iter()
}

/// The first moment of a capture that has a date: texts without one are taken to be of the
/// same time.
fn near(inputs: &[Input]) -> Option<Timestamp> {
    let files = || inputs.iter().flat_map(|input| &input.files);
    let text = |peek: &capture::Peek| peek.format.starts_with("text") && peek.first.is_none();
    let looks: Vec<_> = files().filter_map(|file| capture::peek(file).ok()).collect();
    // Nobody asks where no text is.
    looks.iter().any(text).then(|| looks.iter().filter_map(|peek| peek.first).min()).flatten()
}

/// Reads the inputs, the largest first: what is read last is to be short. One that is more than a thread's part
/// of all is walked on one thread and observed on another.
fn read(
    inputs: &[Input],
    window: &Window,
    near: Option<Timestamp>,
    progress: &AtomicU64,
) -> Vec<Observed> {
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(inputs[*at].bytes()));
    let threads = rayon::current_num_threads() as u64;
    let all: Option<u64> = inputs.iter().map(Input::bytes).sum();
    let two = |input: &Input| {
        let large = |all, own: u64| own >= FEW && own.saturating_mul(threads) > all;
        threads > 1 && all.zip(input.bytes()).is_some_and(|(all, own)| large(all, own))
    };
    let mut read: Vec<(usize, Observed)> = order
        .into_iter()
        .par_bridge()
        .map(|at| (at, observe(&inputs[at], window, near, progress, two(&inputs[at]))))
        .collect();
    read.sort_unstable_by_key(|(at, _)| *at);
    read.into_iter().map(|(_, observed)| observed).collect()
}

/// Takes observers away that are more than there is room for, and says how many frames
/// they saw.
fn leave_room(observers: &mut [Option<Observer>], room: usize) -> u64 {
    let beyond = observers.iter_mut().filter(|observer| observer.is_some()).skip(room);
    beyond.filter_map(Option::take).map(|observer| observer.frames()).sum()
}

fn finish(
    input: &Input,
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
            let named = interface.and_then(|i| i.name.clone());
            let name = named.map_or_else(|| at.to_string(), capture::printable);
            labels.unique(format!("{}#{name}", input.label))
        };
        // Which capture it is of is told where captures are gathered.
        let vantage = observer.finish(label, 0);
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
