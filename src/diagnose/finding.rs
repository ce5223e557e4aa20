//! What detectors say.

use super::finding_id::FindingId;
use super::settled::Settled;
use crate::flow::{Mark, VantageId};
use crate::topology::{HostId, Role};
use crate::trace::{At, ConnectionId};
use crate::wire::{Ip, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Why.
    Cause,
    /// What is seen.
    Symptom,
    /// Worth knowing, no fault.
    Note,
}

impl Kind {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Symptom => "symptom",
            Self::Note => "note",
        }
    }
}

/// What it costs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing.
    Info,
    /// Traffic suffers or is about to.
    Warning,
    /// Traffic fails.
    Critical,
}

impl Severity {
    /// Whether it should wake anybody.
    #[must_use]
    pub fn is_loud(self) -> bool {
        self >= Self::Warning
    }

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How sure it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Other causes fit as well.
    Possible,
    /// Other causes fit, but worse.
    Likely,
    /// The captures exclude every look-alike.
    Certain,
}

impl Confidence {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// Words of reports are written as they are named.
macro_rules! written {
    ($($word:ident),*) => {
        $(impl std::fmt::Display for $word {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        })*
    };
}

written!(Kind, Severity, Confidence, Join);

/// Who is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// A command that mends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Where.
    pub host: String,
    /// What to type.
    pub command: String,
    /// Whether it interrupts traffic.
    pub disruptive: bool,
    /// How to take it back: a command, or a sentence that ends in a full stop.
    pub undo: String,
    /// How it stands to the one before it.
    pub join: Join,
}

/// A command with the reason for it, or what it needs, behind it.
#[must_use]
pub fn explained(command: String, why: &str) -> String {
    command + "   # " + why
}

/// How a fix stands to the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// It is needed as well.
    #[default]
    And,
    /// It is done in its place.
    Or,
    /// It helps until that is done.
    Meanwhile,
}

impl Join {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Meanwhile => "meanwhile",
        }
    }
}

impl Fix {
    /// One that interrupts nothing, needed beside those before it.
    #[must_use]
    pub fn safe(
        host: impl Into<String>,
        command: impl Into<String>,
        undo: impl Into<String>,
    ) -> Self {
        let (host, command, undo) = (host.into(), command.into(), undo.into());
        Self { host, command, disruptive: false, undo, join: Join::And }
    }

    /// One that interrupts traffic.
    #[must_use]
    pub fn disruptive(
        host: impl Into<String>,
        command: impl Into<String>,
        undo: impl Into<String>,
    ) -> Self {
        Self { disruptive: true, ..Self::safe(host, command, undo) }
    }

    /// With the reason for the command, or what it needs, behind it.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        Self { command: explained(self.command, why), ..self }
    }

    /// With a word on the undo behind it.
    #[must_use]
    pub fn undone(self, how: &str) -> Self {
        Self { undo: explained(self.undo, how), ..self }
    }

    /// In the place of the one before it.
    #[must_use]
    pub fn or(self) -> Self {
        Self { join: Join::Or, ..self }
    }

    /// Until those before it are done.
    #[must_use]
    pub fn meanwhile(self) -> Self {
        Self { join: Join::Meanwhile, ..self }
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
    /// Where.
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
        }
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

/// What a cause detector concludes.
#[derive(Debug, Clone, PartialEq)]
pub enum Detection {
    /// These.
    Found(Vec<Finding>),
    /// It was looked for where it would show, and is not there.
    Clean,
    /// The captures do not show where it would show; what is missing.
    Unchecked(String),
}

impl Detection {
    /// Found if there are any, else what the look was worth.
    #[must_use]
    pub fn from(findings: Vec<Finding>, otherwise: impl FnOnce() -> Self) -> Self {
        if findings.is_empty() { otherwise() } else { Self::Found(findings) }
    }

    /// The captures do not show where it would show; what is missing.
    #[must_use]
    pub fn unchecked(why: impl Into<String>) -> Self {
        Self::Unchecked(why.into())
    }

    /// Not there, if the captures would show it, else what is missing.
    #[must_use]
    pub fn clean_if(looked: bool, why_not: impl Into<String>) -> Self {
        if looked { Self::Clean } else { Self::unchecked(why_not) }
    }

    /// Not there, unless something keeps the captures from showing it.
    #[must_use]
    pub fn unless(blind: Option<String>) -> Self {
        blind.map_or(Self::Clean, Self::Unchecked)
    }
}

/// A symptom's words for a set of connections or addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Wording {
    /// In a few words.
    pub title: String,
    /// What is seen.
    pub explanation: String,
    /// Who is concerned.
    pub subjects: Vec<Subject>,
}

/// One sighting of a symptom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// The connection that shows it; `None` for one about an address.
    pub connection: Option<ConnectionId>,
    /// The address that it is about, where no connection is.
    pub address: Option<Ip>,
    /// The host that shows it, where that matters for the words.
    pub host: Option<HostId>,
    /// A connection or data was lost.
    pub costly: bool,
}

impl Sighting {
    /// Of a connection.
    #[must_use]
    pub fn of(connection: ConnectionId, costly: bool) -> Self {
        Self { connection: Some(connection), address: None, host: None, costly }
    }
}
