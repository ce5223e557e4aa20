//! What detectors say: one finding, whom it concerns, the frames that prove it, what else fits.

use super::finding_id::FindingId;
use super::fix::Fix;
use super::grade::{Confidence, Kind, Severity};
use super::settled::Settled;
use crate::flow::{Mark, VantageId};
use crate::topology::Role;
use crate::trace::{At, ConnectionId};
use crate::wire::{Ip, Mac};

/// Who is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// `client`, `director`, `real server`, `router`, `service`, `host`.
    pub role: Role,
    /// Address, where one was seen.
    pub address: Option<Ip>,
    /// MAC, where one was seen.
    pub mac: Option<Mac>,
    /// Port, where it matters.
    pub port: Option<u16>,
}

/// A frame that shows it, with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Which frame.
    pub at: At,
    /// What it shows.
    pub note: String,
}

impl Proof {
    /// A frame and what it shows.
    #[must_use]
    pub fn at(at: At, note: impl Into<String>) -> Self {
        Self { at, note: note.into() }
    }

    /// A frame of a vantage and what it shows.
    #[must_use]
    pub fn on(vantage: VantageId, mark: Mark, note: impl Into<String>) -> Self {
        Self::at(At { vantage, mark }, note)
    }

    /// Those of some frames that came.
    #[must_use]
    pub fn seen<const N: usize>(proofs: [Option<Self>; N]) -> Vec<Self> {
        proofs.into_iter().flatten().collect()
    }
}

/// Another cause that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: FindingId,
    /// What would tell it apart.
    pub tell_apart: String,
}

impl Candidate {
    /// Causes that fit, each with what would tell it apart.
    #[must_use]
    pub fn all<'a>(all: impl IntoIterator<Item = (&'static str, &'a str)>) -> Vec<Self> {
        let all = all.into_iter();
        all.map(|(id, tell_apart)| Self { id: id.into(), tell_apart: tell_apart.to_owned() })
            .collect()
    }
}

/// A cause that something speaks against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refuted {
    /// Its id.
    pub id: FindingId,
    /// What speaks against it.
    pub why: String,
    /// The frame that shows it; none where it is the sum of many.
    pub at: Option<At>,
}

/// What would settle it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToConfirm {
    /// On which host it is typed.
    pub host: String,
    /// A ready command.
    pub command: String,
    /// What its answer decides.
    pub why: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Detector.
    pub id: FindingId,
    /// What it is.
    pub kind: Kind,
    /// What it costs.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// In a few words.
    pub title: String,
    /// What the title is instead where hosts' own words settle the reason.
    pub(crate) titles: Vec<(Settled, String)>,
    /// What happens and why.
    pub explanation: String,
    /// What hosts' own words decided.
    pub(crate) settled: Vec<Settled>,
    /// The culprit first.
    pub subjects: Vec<Subject>,
    /// Which connections suffer, in order.
    pub connections: Vec<ConnectionId>,
    /// Frames that prove it, in the order of the story.
    pub proofs: Vec<Proof>,
    /// How to mend it.
    pub fixes: Vec<Fix>,
    /// What else fits.
    pub candidates: Vec<Candidate>,
    /// What does not fit.
    pub refuted: Vec<Refuted>,
    /// What would settle it.
    pub to_confirm: Vec<ToConfirm>,
    /// Flows of the same exchanges on another five-tuple, which no tie made one
    /// with them: what they show is explained, and they are not counted.
    pub strays: Vec<ConnectionId>,
    /// Addresses whose trouble it explains even where no connection is tied to
    /// the symptom.
    pub addresses: Vec<Ip>,
    /// Indexes of the findings that it explains.
    pub explains: Vec<usize>,
    /// Its title says itself that it is about health checks.
    pub names_checks: bool,
}

impl Finding {
    /// A cause with the words that every finding needs.
    #[must_use]
    pub fn cause(id: impl Into<FindingId>, title: String, explanation: String) -> Self {
        Self {
            id: id.into(),
            kind: Kind::Cause,
            severity: Severity::Warning,
            confidence: Confidence::Certain,
            title,
            titles: Vec::new(),
            explanation,
            settled: Vec::new(),
            subjects: Vec::new(),
            connections: Vec::new(),
            proofs: Vec::new(),
            fixes: Vec::new(),
            candidates: Vec::new(),
            refuted: Vec::new(),
            to_confirm: Vec::new(),
            strays: Vec::new(),
            addresses: Vec::new(),
            explains: Vec::new(),
            names_checks: false,
        }
    }

    /// With a title that says itself that it is about health checks.
    #[must_use]
    pub fn naming_checks(self) -> Self {
        Self { names_checks: true, ..self }
    }

    /// What is worth knowing and no fault.
    #[must_use]
    pub fn note(id: impl Into<FindingId>, title: String, explanation: String) -> Self {
        let cause = Self::cause(id, title, explanation);
        Self { kind: Kind::Note, severity: Severity::Info, ..cause }
    }

    /// Another cause that fits, and what would tell it apart.
    pub fn candidate(&mut self, id: impl Into<FindingId>, tell_apart: impl Into<String>) {
        self.candidates.push(Candidate { id: id.into(), tell_apart: tell_apart.into() });
    }

    /// A command that would settle it, and what its answer decides.
    pub fn confirm(
        &mut self,
        host: impl Into<String>,
        command: impl Into<String>,
        why: impl Into<String>,
    ) {
        let (host, command, why) = (host.into(), command.into(), why.into());
        self.to_confirm.push(ToConfirm { host, command, why });
    }

    /// A command that mends and interrupts nothing; `undo` as in [`Fix`].
    pub fn fix(
        &mut self,
        host: impl Into<String>,
        command: impl Into<String>,
        undo: impl Into<String>,
    ) {
        self.fixes.push(Fix::safe(host, command, undo));
    }

    /// One that interrupts traffic.
    pub fn fix_disruptive(
        &mut self,
        host: impl Into<String>,
        command: impl Into<String>,
        undo: impl Into<String>,
    ) {
        self.fixes.push(Fix::disruptive(host, command, undo));
    }

    /// With what it costs and how sure it is.
    #[must_use]
    pub fn rated(self, severity: Severity, confidence: Confidence) -> Self {
        Self { severity, confidence, ..self }
    }

    /// The last that is said of it: whom it concerns, the culprit first, and which
    /// connections suffer.
    #[must_use]
    pub fn concerning(self, subjects: Vec<Subject>, connections: Vec<ConnectionId>) -> Self {
        Self { subjects, connections, ..self }
    }

    /// Others whom it concerns.
    #[must_use]
    pub fn also(mut self, subjects: impl IntoIterator<Item = Subject>) -> Self {
        self.subjects.extend(subjects);
        self
    }

    /// Whether it should wake anybody.
    #[must_use]
    pub fn is_loud(&self) -> bool {
        self.severity.is_loud()
    }
}
