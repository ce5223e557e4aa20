//! A finding as the document holds it: what is wrong, who is concerned, which frames
//! prove it, how it is mended, what else fits and what would settle it.

use crate::diagnose::{Confidence, Join, Kind, Severity};
use crate::topology::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Its number in this report, from 1.
    pub n: u32,
    /// The detector, as in `lbdiag explain ID`.
    pub id: String,
    /// `cause`, `symptom`, `note`.
    pub kind: Kind,
    /// `critical`: traffic fails; `warning`: it suffers or is about to; `info`.
    pub severity: Severity,
    /// `certain`, `likely`, `possible`.
    pub confidence: Confidence,
    /// What it is, in a few words with the addresses.
    pub title: String,
    /// What happens and why, in plain words with the facts.
    pub explanation: String,
    /// Who is concerned, the culprit first.
    pub subjects: Vec<Subject>,
    /// What suffers from it.
    pub affected: Affected,
    /// Frames that prove it.
    pub evidence: Vec<Evidence>,
    /// A Wireshark display filter that shows the connections concerned and the evidence.
    pub wireshark_filter: Option<String>,
    /// How to mend it.
    pub fix: Vec<Fix>,
    /// Numbers of the findings that this one explains.
    pub explains: Vec<u32>,
    /// Other causes that would look the same from these captures.
    pub candidates: Vec<Candidate>,
    /// Causes that were held against what this finding shows, and what speaks against them.
    #[serde(default)]
    pub refuted: Vec<Refuted>,
    /// What would settle it.
    pub to_confirm: Vec<ToConfirm>,
}

/// A host, service or address that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// `client`, `director`, `real server`, `router`, `service`, `host`.
    pub role: Role,
    /// Address, where one was seen.
    pub address: Option<String>,
    /// Hardware address, where one was seen.
    pub mac: Option<String>,
    /// Port, where it matters.
    pub port: Option<u16>,
    /// Vantage that stands for a host without a known address.
    pub vantage: Option<String>,
}

/// What a finding costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// Connections concerned.
    pub connections: u64,
    /// Connections of the services concerned, so that a share can be told.
    pub of: u64,
    /// Those of `connections` that failed.
    #[serde(default)]
    pub failed: u64,
    /// Those that suffered.
    #[serde(default)]
    pub suffered: u64,
    /// Whether all of `connections` are health checks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub health_checks: bool,
    /// Which, by `id`; the first 100.
    pub ids: Vec<u32>,
    /// By real server; `not known` has the rest, where only some are known.
    pub by_real_server: BTreeMap<String, u64>,
    /// First frame of it.
    pub first_seen: Option<String>,
    /// Last frame of it.
    pub last_seen: Option<String>,
}

/// The name under which `by_real_server` counts those whose real server is not known.
pub(super) const NOT_KNOWN: &str = "not known";

impl Affected {
    /// What they are: `connection`, `health check`.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        if self.health_checks { "health check" } else { "connection" }
    }

    /// The real servers with how many each got: most first, then by address as numbers; what is not known last.
    #[must_use]
    pub fn servers(&self) -> Vec<(&str, u64)> {
        let mut servers: Vec<(&str, u64)> =
            self.by_real_server.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        servers.sort_by_key(|(name, n)| {
            (*name == NOT_KNOWN, std::cmp::Reverse(*n), name.parse::<IpAddr>().ok())
        });
        servers
    }
}

/// A frame that a person can open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Path of the capture.
    pub capture: String,
    /// Label of the vantage.
    pub vantage: String,
    /// Frame number as Wireshark numbers it.
    pub frame: u64,
    /// Time on the reference clock, RFC 3339 UTC.
    pub time: String,
    /// Nanoseconds since the first frame of this finding's evidence.
    pub since_first_ns: i64,
    /// `in`, `out`, `lo`, or empty where the capture does not tell.
    pub direction: String,
    /// One line: what this frame shows.
    pub note: String,
    /// Of a text: the line where the packet begins, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Of a text: what is printed of the packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
}

impl Evidence {
    /// `#3`, with the line where the capture is a text: `#3, line 17`.
    #[must_use]
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("#{}, line {line}", self.frame),
            None => format!("#{}", self.frame),
        }
    }
}

/// Whether a command interrupts traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It does not.
    Safe,
    /// It does.
    Disruptive,
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Safe => "safe",
            Self::Disruptive => "disruptive",
        })
    }
}

/// A command that mends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// Where to run it; on each where several are named.
    pub host: String,
    /// The command, with the addresses filled in; several lines where it takes
    /// several.
    pub command: String,
    /// `safe` or `disruptive`.
    pub effect: Effect,
    /// How to undo it.
    pub undo: String,
    /// How it stands to the one before it: `and`, also needed; `or`, in its place;
    /// `meanwhile`, until that is done. `and` for the first.
    #[serde(default)]
    pub join: Join,
}

impl Fix {
    /// The word before it; none before the first, by its place in the list.
    #[must_use]
    pub fn lead(&self, n: usize) -> &'static str {
        match (n, self.join) {
            (0, _) => "fix",
            (_, Join::And) => "and",
            (_, Join::Or) => "or",
            (_, Join::Meanwhile) => "for now",
        }
    }
}

impl Finding {
    /// Whether nothing needs to be checked before it is mended.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.kind == Kind::Cause && self.confidence == Confidence::Certain
    }
}

/// A cause that these captures cannot exclude.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// What would tell it apart.
    pub tell_apart: String,
}

/// A cause that something in these captures speaks against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refuted {
    /// Its id.
    pub id: String,
    /// What speaks against it.
    pub why: String,
    /// The frame that shows it; none where it is the sum of many.
    pub evidence: Option<Evidence>,
}

/// What to do next to be sure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToConfirm {
    /// On which host it is typed.
    pub host: String,
    /// A ready command: `tcpdump ...`, `nstat -az`, `ip -br addr`.
    pub command: String,
    /// What its answer decides.
    pub why: String,
}
