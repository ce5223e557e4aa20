//! A whole diagnosis in one call, as the program makes it.

use super::expected::Sample;
use lbdiag::render::Style;
use lbdiag::report::{self, ConnectionFilter, Report};
use lbdiag::state::{self, HostState};
use lbdiag::topology::StatedRoles;
use lbdiag::{capture, diagnose, ladder, load, render};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

/// A report with what went wrong on the way to it.
#[derive(Debug)]
pub struct Run {
    pub report: Report,
    /// Files that could not be read, in words.
    pub failures: Vec<String>,
    /// The report as a terminal shows it.
    pub text: String,
}

/// Diagnoses captures, `[NAME=]FILE` each, and lists all connections.
pub fn run(args: &[String]) -> Run {
    run_with(args, Vec::new())
}

/// The same beside what hosts said of themselves.
pub fn run_with(args: &[String], states: Vec<HostState>) -> Run {
    let inputs = capture::inputs(args).unwrap();
    let stated = StatedRoles {
        translated: state::translated(&states),
        proxied: state::proxied(&states),
        carried: state::carried(&states),
        ..StatedRoles::default()
    };
    let loaded = load::load(&inputs.inputs, &stated, &AtomicU64::new(0));
    let trace = loaded.trace.with_states(states);
    let diagnosis = diagnose::diagnose(&trace);
    let failures: Vec<String> = loaded.failures.iter().map(ToString::to_string).collect();
    let options = report::Options {
        connections: ConnectionFilter::All,
        notes: failures.iter().cloned().chain(inputs.notes).collect(),
    };
    let report = report::build(&trace, &diagnosis, &options);
    let ladder = ladder::telling(&trace, &diagnosis);
    let style = Style { verbose: true, coverage: true, ..Style::default() };
    let text = render::text(&report, ladder.as_ref(), &style);
    Run { report, failures, text }
}

/// The same for paths.
pub fn run_paths<P: AsRef<Path>>(paths: &[P]) -> Run {
    run(&paths.iter().map(|path| path.as_ref().display().to_string()).collect::<Vec<_>>())
}

/// The same for all captures of a sample, made once for all tests that ask.
///
/// It is made outside of the lock: who waited for it on a thread of a pool could wait for what that pool makes.
pub fn whole(sample: &Sample) -> &'static Run {
    static MADE: Mutex<BTreeMap<String, &'static Run>> = Mutex::new(BTreeMap::new());
    let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(run) = made().get(&sample.name).copied() {
        return run;
    }
    let run = run_paths(&sample.captures);
    made().entry(sample.name.clone()).or_insert_with(|| Box::leak(Box::new(run)))
}
