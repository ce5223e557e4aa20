//! `lbdiag CAPTURE...`: what is broken, why, and how to mend it.

use super::reading::{Reading, no_frames};
use super::stages::Stages;
use super::written::{Form, Written};
use super::{FAILED, FOUND};
use clap::ValueEnum;
use lbdiag::capture::{Capture, CaptureFile};
use lbdiag::render::{self, Style};
use lbdiag::report::topology::topology;
use lbdiag::report::{self, ConnectionFilter, Report, Severity};
use lbdiag::{diagnose, ladder};
use std::process::ExitCode;

/// Frames of proof listed for a finding with `-v`.
const MORE_EVIDENCE: usize = 64;

/// What the diagnosis is asked for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    written: Written<Format>,

    /// List what every detector could check, and what not
    #[arg(long, help_heading = "Report")]
    coverage: bool,

    /// Write more into the text report; -vv also times the stages
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Report")]
    verbose: u8,

    #[command(flatten)]
    pub(super) reading: Reading,

    /// Exit with code 1 where a finding is at or above this
    #[arg(long, value_name = "critical|warning|info", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    fail_on: Option<Level>,
}

// The variants have no doc comments: clap would print them and the help would be twice as long.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
    Ndjson,
    Markdown,
    Html,
}

impl Form for Format {
    const HELP: &'static str = "Write text, json, ndjson, markdown, html [else as FILE ends]";
    const LISTED: &'static str = "Connections that are listed [default: affected; html: all]";
    const JSON: Self = Self::Json;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Info,
    Warning,
    Critical,
}

impl Level {
    fn reached(self, report: &Report) -> bool {
        report.findings.iter().any(|finding| finding.severity >= self.severity())
    }

    fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Warning => Severity::Warning,
            Self::Critical => Severity::Critical,
        }
    }
}

/// Reads, judges and writes.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let reading = &args.reading;
    let output = args.written.open()?;
    let mut stages = Stages::new((args.verbose > 1).then_some(reading.say()));
    // On a terminal the report itself shows the notes.
    let Some(mut taken) = reading.read(output.is_terminal(), &mut stages)? else {
        return Ok(ExitCode::from(FAILED));
    };

    if args.verbose > 0 {
        taken.notes.append(&mut taken.details);
    }
    let diagnosis = diagnose::diagnose(&taken.trace);
    stages.ended("diagnosing");

    let format = args.written.format();
    let unasked = || match format {
        Format::Html => ConnectionFilter::of_page(&taken.trace),
        _ => ConnectionFilter::Affected,
    };
    let options = report::Options {
        connections: args.written.connections().unwrap_or_else(unasked),
        notes: std::mem::take(&mut taken.notes),
    };
    let built = report::build(&taken.trace, &diagnosis, &options);
    let mut report = taken.redactor.document(built)?;
    report.redacted = taken.redactor.is_on();
    stages.ended("reporting");

    let style = Style {
        colour: output.colour(reading.color),
        width: output.width(),
        coverage: args.coverage,
        verbose: args.verbose > 0,
        max_evidence: match args.verbose {
            0 => Style::default().max_evidence,
            _ => MORE_EVIDENCE,
        },
        ..Style::default()
    };
    let drawn = match format {
        Format::Text | Format::Markdown => ladder::telling(&taken.trace, &diagnosis),
        Format::Json | Format::Ndjson | Format::Html => None,
    };
    let drawn = taken.redactor.document(drawn)?;
    let draws = matches!(format, Format::Text | Format::Markdown | Format::Html);
    let away = |capture: &Capture| capture.files.iter().any(CaptureFile::is_elsewhere);
    if draws
        && drawn.is_none()
        && taken.trace.captures.iter().any(away)
        && !report.findings.is_empty()
    {
        reading.say().note(&format!("nothing is drawn: {}", no_frames(&taken.trace)));
    }
    let page = match format {
        Format::Html => {
            let ladders = ladder::of_findings(&taken.trace, &diagnosis);
            let topology = topology(&taken.trace, &diagnosis.breaks);
            Some((taken.redactor.document(topology)?, taken.redactor.document(ladders)?))
        }
        _ => None,
    };
    taken.redactor.keep()?;
    let text = match (format, page) {
        (Format::Html, Some((topology, ladders))) => render::html(&report, &topology, &ladders),
        (Format::Text | Format::Html, _) => render::text(&report, drawn.as_ref(), &style),
        (Format::Json, _) => render::json(&report),
        (Format::Ndjson, _) => render::report_ndjson(&report),
        (Format::Markdown, _) => render::markdown(&report, drawn.as_ref()),
    };
    stages.ended("drawing");
    output.write(&text, style.colour)?;

    let found = args.fail_on.is_some_and(|level| level.reached(&report));
    // The program ends here: the system takes all tables back at once, and sooner than they are given back.
    std::mem::forget((taken.trace, diagnosis, report));
    Ok(if found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise() {
        let severity = Level::severity;
        assert!(severity(Level::Critical) > severity(Level::Warning));
        assert!(severity(Level::Warning) > severity(Level::Info));
    }
}
