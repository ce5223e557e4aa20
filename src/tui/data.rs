//! What the panes show: the trace, its diagnosis, the report, and columns to sort by.
//!
//! Built once, on the loading thread, and shared read-only with the workers. The report
//! is built without its list of connections: of a million, a screen shows fifty, whose
//! objects are made when they are drawn. It judges nothing: verdict, findings and numbers
//! are the report's.

use crate::breaks::Fate;
use crate::diagnose::{self, Diagnosis};
use crate::query::Vocabulary;
use crate::redact::Mask;
use crate::report::{self, Atlas, Connection, ConnectionFilter, Finding, Options, Report};
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};
use rayon::prelude::*;
use std::sync::Arc;

/// All that is shown.
#[derive(Debug)]
pub struct Data {
    /// All that is known of the captures.
    pub trace: Trace,
    /// What is wrong.
    pub diagnosis: Diagnosis,
    /// The document, without connections.
    pub report: Report,
    /// Hosts and ways.
    pub atlas: Atlas,
    /// Values of every connection.
    pub columns: Columns,
    /// Words that the filter knows.
    pub words: Vocabulary,
    /// The captures as they were given, for the title.
    pub name: String,
    /// What everything passes before it is shown.
    pub mask: Arc<Mask>,
}

/// Values of every connection, by its index.
#[derive(Debug, Default)]
pub struct Columns {
    /// First packet on the reference clock, nanoseconds.
    pub start: Vec<i64>,
    /// Last packet.
    pub end: Vec<i64>,
    /// Payload of both sides.
    pub bytes: Vec<u64>,
    /// Connection and number of a finding that concerns it, sorted.
    findings: Vec<(u32, u32)>,
    /// Connections that are shown, by start.
    pub all: Vec<u32>,
    /// First and last moment of all, nanoseconds.
    pub span: (i64, i64),
}

impl Data {
    /// Judges a trace and prepares what is shown; `notes` are remarks from before it.
    #[must_use]
    pub fn new(trace: Trace, notes: Vec<String>, name: String) -> Self {
        let diagnosis = diagnose::diagnose(&trace);
        let options = Options { connections: ConnectionFilter::None, notes };
        let ((report, atlas), columns) = rayon::join(
            || {
                rayon::join(
                    || report::build(&trace, &diagnosis, &options),
                    || report::atlas(&trace, &diagnosis.breaks),
                )
            },
            || Columns::new(&trace, &diagnosis),
        );
        let words = Vocabulary::new(&trace, &diagnosis);
        let mask = Arc::default();
        Self { trace, diagnosis, report, atlas, columns, words, name, mask }
    }

    /// The same with stand-ins for addresses in all that is shown; names are to be out of
    /// the trace already. None where a document cannot be redacted.
    #[must_use]
    pub fn masked(self, mask: Arc<Mask>) -> Option<Self> {
        let mut report = mask.document(self.report)?;
        report.redacted = true;
        let mut atlas = self.atlas;
        atlas.topology = mask.document(atlas.topology)?;
        let words = self.words.map(|word| mask.text(word));
        Some(Self { report, atlas, words, mask, ..self })
    }

    /// A connection as the report has it; none where it cannot be redacted.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<Connection> {
        let own = self.columns.findings(id);
        self.mask.document(report::connection(&self.trace, &self.diagnosis, id, own))
    }

    /// Whether a client's connection failed.
    #[must_use]
    pub fn failed(&self, id: ConnectionId) -> bool {
        self.diagnosis.breaks.fate(id) == Fate::Failed && self.trace.ordinary(id).is_none()
    }

    /// A finding by its number.
    #[must_use]
    pub fn finding(&self, n: u32) -> Option<&Finding> {
        self.report.findings.get((n as usize).checked_sub(1)?)
    }
}

impl Columns {
    fn new(trace: &Trace, diagnosis: &Diagnosis) -> Self {
        let count = trace.connections.list.len();
        let ids = || (0..count as u32).into_par_iter().map(ConnectionId);
        let time = |at: Option<crate::trace::At>| at.map_or(0, |at| trace.time(at).0);
        let start: Vec<i64> = ids().map(|id| time(trace.start(id))).collect();
        let end: Vec<i64> = ids().map(|id| time(trace.end(id))).collect();
        let sent = |id, forward| trace.sent(id, forward).bytes.unwrap_or(0);
        let bytes = ids().map(|id| sent(id, true).saturating_add(sent(id, false))).collect();
        let found = diagnosis.findings.iter().zip(1..);
        let mut findings: Vec<(u32, u32)> =
            found.flat_map(|(f, n)| f.connections.iter().map(move |id| (id.0, n))).collect();
        findings.par_sort_unstable();
        findings.dedup();
        let mut all: Vec<u32> = ids()
            .filter(|id| trace.ordinary(*id) != Some(Ordinary::ProxyLeg))
            .map(|id| id.0)
            .collect();
        all.par_sort_unstable_by_key(|id| (start[*id as usize], *id));
        let first = all.first().map_or(0, |id| start[*id as usize]);
        let last = all.par_iter().map(|id| end[*id as usize]).max().unwrap_or(first);
        Self { start, end, bytes, findings, all, span: (first, last.max(first)) }
    }

    /// All connections by start, a proxy's own to its real servers among them.
    #[must_use]
    pub fn with_legs(&self) -> Vec<u32> {
        let mut all: Vec<u32> = (0..self.start.len() as u32).collect();
        all.par_sort_unstable_by_key(|id| (self.start.get(*id as usize), *id));
        all
    }

    /// Numbers of the findings that concern a connection.
    #[must_use]
    pub fn findings(&self, id: ConnectionId) -> Vec<u32> {
        let from = self.findings.partition_point(|(of, _)| *of < id.0);
        let own = self.findings.get(from..).unwrap_or_default().iter();
        own.take_while(|(of, _)| *of == id.0).map(|(_, n)| *n).collect()
    }

    /// The most important finding of a connection; 0 where none concerns it.
    #[must_use]
    pub fn first_finding(&self, id: u32) -> u32 {
        let from = self.findings.partition_point(|(of, _)| *of < id);
        self.findings.get(from).filter(|(of, _)| *of == id).map_or(0, |(_, n)| *n)
    }

    /// When a connection began and ended; the same moment where it is not known.
    #[must_use]
    pub fn times(&self, id: u32) -> (i64, i64) {
        let at = id as usize;
        let start = self.start.get(at).copied().unwrap_or(0);
        (start, self.end.get(at).copied().unwrap_or(start).max(start))
    }
}
