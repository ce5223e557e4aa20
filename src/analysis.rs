//! The front door for programs: from paths to a report in one call.
//!
//! It does what the command `lbdiag` does between its arguments and its output, and nothing else:
//! no terminal, no exit code, no printing. Refuses to hide what could not be read: that is in
//! [`Analysis::failures`] and in the report's notes.

use crate::capture::{self, CaptureError, Inputs};
use crate::diagnose::{self, Diagnosis};
use crate::ladder;
use crate::load::{self, How};
use crate::render::{self, Style};
use crate::report::{self, ConnectionFilter, Report};
use crate::state::{self, StateError};
use crate::topology::StatedRoles;
use crate::trace::Trace;
use crate::window::Window;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// A path leads nowhere, or nothing there is a capture.
    #[error(transparent)]
    Input(#[from] CaptureError),
    /// What a host said of itself cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// None of the captures could be read.
    #[error("no capture could be read: {}", list(.0))]
    NothingRead(Vec<CaptureError>),
}

fn list(failures: &[CaptureError]) -> String {
    let said: Vec<String> = failures.iter().map(ToString::to_string).collect();
    said.join("; ")
}

/// What to read, and what is known beforehand. Begin with [`Analysis::options`].
#[derive(Debug, Clone, Default)]
pub struct AnalysisOptions {
    vips: Vec<IpAddr>,
    host_states: Vec<PathBuf>,
    all_connections: bool,
}

impl AnalysisOptions {
    /// States that an address is a service's (VIP), where the captures may not show it.
    #[must_use]
    pub fn vip(mut self, address: IpAddr) -> Self {
        self.vips.push(address);
        self
    }

    /// Adds what hosts said of themselves (`ipvsadm -Sn`, `ip addr` and the like): a file, or a
    /// folder with a file or folder for each host.
    #[must_use]
    pub fn host_state(mut self, path: impl Into<PathBuf>) -> Self {
        self.host_states.push(path.into());
        self
    }

    /// Lists every connection in the report, not only those that a finding concerns or that
    /// failed.
    #[must_use]
    pub fn all_connections(mut self) -> Self {
        self.all_connections = true;
        self
    }

    /// Reads the captures and diagnoses them. A path is a capture, a folder of captures, a folder
    /// of tables that `lbdiag index` wrote, or `NAME=FILE` for a label, as on the command line.
    ///
    /// # Errors
    /// Where a path leads nowhere, no capture can be read, or a host state cannot.
    pub fn analyze<P: AsRef<Path>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Analysis, AnalysisError> {
        let args: Vec<String> =
            paths.into_iter().map(|path| path.as_ref().display().to_string()).collect();
        let mut sorted = load::sort_out(&args);
        let faults = std::mem::take(&mut sorted.faults);
        let tables = sorted.captures.is_empty() && (sorted.has_tables() || !faults.is_empty());
        let Inputs { inputs, mut notes, .. } =
            if tables { Inputs::default() } else { capture::inputs(&sorted.captures)? };
        let states = state::read(&self.host_states)?;
        notes.extend(states.notes);
        let stated = StatedRoles {
            vips: self.vips.iter().copied().map(Into::into).collect(),
            translated: state::translated(&states.hosts),
            proxied: state::proxied(&states.hosts),
            carried: state::carried(&states.hosts),
            ..StatedRoles::default()
        };
        let how = How { stated: &stated, window: &Window::default(), align: true };
        let mut loaded = load::load_all(&sorted.origins(&inputs, 0), &how, &AtomicU64::new(0));
        loaded.failures.splice(0..0, faults);
        if loaded.trace.captures.is_empty() {
            return Err(AnalysisError::NothingRead(loaded.failures));
        }
        let trace = loaded.trace.with_states(states.hosts);
        let diagnosis = diagnose::diagnose(&trace);
        notes.extend(loaded.failures.iter().map(ToString::to_string));
        let connections =
            if self.all_connections { ConnectionFilter::All } else { ConnectionFilter::Affected };
        let report = report::build(&trace, &diagnosis, &report::Options { connections, notes });
        Ok(Analysis { trace, diagnosis, report, failures: loaded.failures })
    }
}

/// Captures that were read and diagnosed.
///
/// ```
/// # fn main() -> Result<(), lbdiag::AnalysisError> {
/// let analysis = lbdiag::Analysis::of(["samples/hairpin-cloud-slb"])?;
/// let report = analysis.report();
/// assert_eq!(report.verdict.status, lbdiag::report::Status::Failing);
/// let cause = &report.findings[0];
/// assert_eq!(cause.id, "l4-self-access-hairpin");
/// // Every finding has its proof: a capture and a frame that Wireshark numbers alike.
/// assert_eq!((cause.evidence[0].vantage.as_str(), cause.evidence[0].frame), ("rs1", 14));
/// println!("{}", analysis.text());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Analysis {
    trace: Trace,
    diagnosis: Diagnosis,
    report: Report,
    failures: Vec<CaptureError>,
}

impl Analysis {
    /// Reads captures and diagnoses them, with nothing known beforehand.
    ///
    /// # Errors
    /// As [`AnalysisOptions::analyze`].
    pub fn of<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, AnalysisError> {
        Self::options().analyze(paths)
    }

    /// What may be known beforehand.
    #[must_use]
    pub fn options() -> AnalysisOptions {
        AnalysisOptions::default()
    }

    /// All that was found, the same document that `lbdiag --json` writes.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Captures that could not be read; the others were.
    #[must_use]
    pub fn failures(&self) -> &[CaptureError] {
        &self.failures
    }

    /// The report for a terminal of 100 columns, without colour, with the connection that tells
    /// most. Nothing in it steers a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let drawn = ladder::telling(&self.trace, &self.diagnosis);
        render::text(&self.report, drawn.as_ref(), &Style { width: 100, ..Style::default() })
    }

    /// The report as JSON (`lbdiag schema` prints its schema).
    #[must_use]
    pub fn json(&self) -> String {
        render::json(&self.report)
    }

    /// The report for a ticket.
    #[must_use]
    pub fn markdown(&self) -> String {
        let drawn = ladder::telling(&self.trace, &self.diagnosis);
        render::markdown(&self.report, drawn.as_ref())
    }

    /// The report as one page for a browser.
    #[must_use]
    pub fn html(&self) -> String {
        let topology = report::topology::topology(&self.trace, &self.diagnosis.breaks);
        let ladders = ladder::of_findings(&self.trace, &self.diagnosis);
        render::html(&self.report, &topology, &ladders)
    }
}
