//! `lbdiag CAPTURE...`: what is broken, why, and how to mend it.

use crate::cli::FAILED;
use crate::cli::options::reading::{Reading, no_frames};
use crate::cli::options::reporting::Reporting;
use crate::cli::stages::Stages;
use lbdiag::capture::{Capture, CaptureFile};
use lbdiag::report::topology::topology;
use lbdiag::report::{self, ConnectionFilter};
use lbdiag::{diagnose, ladder};
use std::process::ExitCode;

/// What the diagnosis is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    reporting: Reporting,

    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Reads, judges and writes.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { reporting, reading } = args;
    let output = reporting.open()?;
    let mut stages = Stages::new((reporting.verbose() > 1).then_some(reading.say()));
    // On a terminal the report itself shows the notes.
    let Some(mut taken) = reading.read(output.is_terminal(), &mut stages)? else {
        return Ok(ExitCode::from(FAILED));
    };

    if reporting.verbose() > 0 {
        taken.notes.append(&mut taken.details);
    }
    let diagnosis = diagnose::diagnose(&taken.trace);
    stages.ended("diagnosing");

    let unasked = || match reporting.is_page() {
        true => ConnectionFilter::of_page(&taken.trace),
        false => ConnectionFilter::Affected,
    };
    let options = report::Options {
        connections: reporting.connections().unwrap_or_else(unasked),
        notes: std::mem::take(&mut taken.notes),
    };
    let built = report::build(&taken.trace, &diagnosis, &options);
    let mut report = taken.redactor.document(built)?;
    report.redacted = taken.redactor.is_on();
    stages.ended("reporting");

    let drawn = match reporting.has_drawing() {
        true => ladder::telling(&taken.trace, &diagnosis),
        false => None,
    };
    let drawn = taken.redactor.document(drawn)?;
    let draws = reporting.has_drawing() || reporting.is_page();
    let away = |capture: &Capture| capture.files.iter().any(CaptureFile::is_elsewhere);
    if draws
        && drawn.is_none()
        && taken.trace.captures.iter().any(away)
        && !report.findings.is_empty()
    {
        reading.say().note(&format!("nothing is drawn: {}", no_frames(&taken.trace)));
    }
    let page = match reporting.is_page() {
        true => {
            let ladders = ladder::of_findings(&taken.trace, &diagnosis);
            let topology = topology(&taken.trace, &diagnosis.breaks);
            Some((taken.redactor.document(topology)?, taken.redactor.document(ladders)?))
        }
        false => None,
    };
    taken.keep_map()?;
    reporting.write(&output, reading.screen.color, &report, drawn.as_ref(), page.as_ref())?;
    stages.ended("drawing");

    let code = reporting.code(&report);
    // The program ends here: the system takes all tables back at once, and sooner than they are given back.
    std::mem::forget((taken.trace, diagnosis, report));
    Ok(code)
}
