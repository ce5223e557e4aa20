//! How a report is written: in which format, how much of it, and what the program ends with. The same options
//! for captures on one machine and for the tables of a fleet.

use super::written::{Form, Written};
use crate::cli::FOUND;
use crate::cli::output::Output;
use clap::{ColorChoice, ValueEnum};
use lbdiag::render::{self, Style};
use lbdiag::report::ladder::Ladder;
use lbdiag::report::topology::Topology;
use lbdiag::report::{ConnectionFilter, Report, Severity};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Frames of proof listed for a finding with `-v`.
const MORE_EVIDENCE: usize = 64;

/// See the module.
#[derive(Debug, clap::Args)]
pub(crate) struct Reporting {
    #[command(flatten)]
    written: Written<Format>,

    /// List what every detector could check, and what not
    #[arg(long, help_heading = "Report")]
    coverage: bool,

    /// Write more into the text report; -vv also times the stages
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Report")]
    verbose: u8,

    /// Exit with code 1 where a finding is at or above this
    #[arg(long, value_name = "critical|warning|info", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    fail_on: Option<Level>,
}

// The variants have no doc comments: clap would print them and the help would be twice as long.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
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

/// What a page shows beside the report: the network, and the drawings of findings by their number.
pub(crate) type Page = (Topology, BTreeMap<u32, Ladder>);

impl Reporting {
    /// Checks that the report can be written before any work is done.
    pub(crate) fn open(&self) -> anyhow::Result<Output> {
        self.written.open()
    }

    /// How often `-v` was said.
    pub(crate) fn verbose(&self) -> u8 {
        self.verbose
    }

    /// Whether the report is a page for browsers.
    pub(crate) fn is_page(&self) -> bool {
        self.written.format() == Format::Html
    }

    /// Whether the report has one drawing, of what tells most.
    pub(crate) fn has_drawing(&self) -> bool {
        matches!(self.written.format(), Format::Text | Format::Markdown)
    }

    /// The connections that were asked for.
    pub(crate) fn connections(&self) -> Option<ConnectionFilter> {
        self.written.connections()
    }

    /// Writes the report, with the drawing that it may have, or the page around it.
    pub(crate) fn write(
        &self,
        output: &Output,
        color: ColorChoice,
        report: &Report,
        drawn: Option<&Ladder>,
        page: Option<&Page>,
    ) -> anyhow::Result<()> {
        let style = Style {
            coverage: self.coverage,
            verbose: self.verbose > 0,
            max_evidence: match self.verbose {
                0 => Style::default().max_evidence,
                _ => MORE_EVIDENCE,
            },
            ..output.style(color)
        };
        let text = match (self.written.format(), page) {
            (Format::Html, Some((topology, ladders))) => render::html(report, topology, ladders),
            (Format::Text | Format::Html, _) => render::text(report, drawn, &style),
            (Format::Json, _) => render::json(report),
            (Format::Ndjson, _) => render::report_ndjson(report),
            (Format::Markdown, _) => render::markdown(report, drawn),
        };
        output.write(&text, style.colour)
    }

    /// What the program ends with.
    pub(crate) fn code(&self, report: &Report) -> ExitCode {
        let found = self.fail_on.is_some_and(|level| level.reached(report));
        if found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS }
    }
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
