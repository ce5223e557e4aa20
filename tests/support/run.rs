//! A whole diagnosis in one call, as the program makes it.

use lbdiag::render::Style;
use lbdiag::report::{self, ConnectionFilter, Report};
use lbdiag::state::{self, HostState};
use lbdiag::topology::StatedRoles;
use lbdiag::{capture, diagnose, ladder, load, render};
use std::path::Path;
use std::sync::atomic::AtomicU64;

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
