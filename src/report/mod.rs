//! The versioned document that every output is drawn from.
//!
//! [`Report`] is a data transfer object: plain strings and numbers, every
//! judgement already made, every sentence already worded. Renderers read it and
//! compute nothing, so that two outputs can never disagree on a number.
//! Changes within `schema_version` 1 only add fields. It refuses to hold
//! internal types: an index into a table of this program means nothing in a
//! ticket.

mod absent;
mod accounts;
mod atlas;
mod beyond;
mod breaks;
mod build;
mod clocks;
pub mod compare;
mod connection;
mod crowd;
mod directions;
mod filter;
mod finding;
mod findings;
pub mod ladder;
mod lasting;
mod lines;
mod listing;
mod lone_errors;
mod lookup;
mod loss;
mod network;
mod pings;
mod scope;
mod services;
pub(crate) mod stand_ins;
mod states;
pub mod story;
mod taken;
mod timing;
pub mod topology;
mod wording;

pub use crate::diagnose::{Confidence, Kind, Severity};
pub use crate::topology::Role;
pub use atlas::{Atlas, atlas};
pub use breaks::{Apart, Break, Next, Place};
pub use build::{ConnectionFilter, Options, build};
pub use connection::{Connection, Endpoint, Lost, Segment, Sent, Timing};
pub use crowd::Rest;
pub use finding::{
    Affected, Candidate, Effect, Evidence, Finding, Fix, Refuted, Subject, ToConfirm,
};
pub use listing::{End, Listing, Mention, Wanted, connection, list};
pub use network::{Host, HostRef, RealServer, Service, Totals};

pub(crate) use wording::rfc3339;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the JSON document.
pub const SCHEMA_VERSION: &str = "1";

/// One diagnosis of one set of captures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this document's schema; fields are only ever added within one.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: String,
    /// The program and version that wrote it.
    pub generator: String,
    /// Names, addresses and MACs are stand-ins: no command in it fits a real host. Absent where they are
    /// what was captured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// What it comes to.
    pub verdict: Verdict,
    /// The files that were read, in the order given.
    pub captures: Vec<Capture>,
    /// The hosts that matter to a service, with the role each was found to play.
    pub hosts: Vec<Host>,
    /// What clients connect to.
    pub services: Vec<Service>,
    /// Where connections that failed or suffered broke, most harm first.
    #[serde(default)]
    pub breaks: Vec<Break>,
    /// How all connections ended, whether listed in `connections` or not.
    pub totals: Totals,
    /// What was captured besides, which is no client's request and in no other total.
    #[serde(default)]
    pub beside: Beside,
    /// Connections, as chosen by `--connections`.
    pub connections: Vec<Connection>,
    /// Openings that are more than are kept, counted by service and answer, most first, the
    /// first 256; absent where there are none. Those that a reset or an ICMP error answered
    /// are part of all totals; the others are a flood and in no total.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<Beyond>,
    /// What was found, most important first; each cause is followed by the
    /// symptoms that it explains.
    pub findings: Vec<Finding>,
    /// What every detector could say: found, clean, or not checkable and why.
    pub coverage: Vec<Coverage>,
    /// What hosts said of themselves (`--host-state`), and whose it was taken for.
    #[serde(default)]
    pub host_states: Vec<HostState>,
    /// What the reader should know about the captures and the limits of this
    /// reading of them.
    pub notes: Vec<String>,
}

/// The headline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// `failing` when connections fail, `degraded` when traffic suffers or is
    /// about to, `healthy` when what the modes need was checked and is clean,
    /// `inconclusive` when the captures cannot tell.
    pub status: Status,
    /// One sentence that a manager can read.
    pub summary: String,
    /// Where several things are wrong: one line each, most harm first.
    #[serde(default)]
    pub lines: Vec<String>,
    /// The `n` of the finding that each of the lines is of.
    #[serde(default)]
    pub findings: Vec<u32>,
    /// What became of all connections, in numbers that add up, and what else was captured:
    /// health checks, scans, floods.
    #[serde(default)]
    pub accounts: String,
}

impl Verdict {
    /// What is wrong beside what the summary says, each with the number of its finding.
    pub fn others(&self) -> impl Iterator<Item = (u32, &str)> {
        let lines = self.lines.iter().map(String::as_str);
        self.findings.iter().copied().zip(lines).skip(1)
    }
}

/// See [`Verdict::status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// What these modes need was checked, and nothing is wrong.
    Healthy,
    /// Traffic suffers or is about to.
    Degraded,
    /// Connections fail.
    Failing,
    /// The captures cannot tell.
    Inconclusive,
}

/// One capture file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capture {
    /// Path as given.
    pub path: String,
    /// Labels of the vantages that it holds, one an interface.
    pub vantages: Vec<String>,
    /// Frames read.
    pub frames: u64,
    /// Link type by name; `mixed` where interfaces differ.
    pub link_type: String,
    /// Time of the first frame on this capture's own clock, RFC 3339 UTC.
    pub start: Option<String>,
    /// Time of the last frame on this capture's own clock.
    pub end: Option<String>,
    /// This capture's clock against the reference capture's.
    pub clock: Clock,
    /// What was lost or is odd in the file.
    pub notes: Vec<String>,
}

/// A clock against the reference clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// Nanoseconds by which this clock is ahead of the reference's; null where
    /// nothing bounds it.
    pub offset_ns: Option<i64>,
    /// Half-width of the interval that must hold the offset, nanoseconds.
    pub error_ns: Option<i64>,
    /// When the offset is so, on the reference clock, RFC 3339 UTC: where it is known
    /// best. Null for the reference itself, and where nothing bounds the offset.
    pub at: Option<String>,
    /// Drift in parts per million; null where the capture is too short to tell.
    pub drift_ppm: Option<f64>,
    /// Half-width of the drift's interval.
    pub drift_error_ppm: Option<f64>,
    /// Path of the reference capture.
    pub reference: Option<String>,
}

/// Connections that are no client's request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Beside {
    /// Health checks.
    pub checks: Totals,
    /// Those of sources that try many ports or addresses in vain.
    pub scans: Scans,
    /// Those of a flood.
    pub floods: u64,
}

/// What scans tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scans {
    /// Connections.
    pub connections: u64,
    /// Addresses that they came from.
    pub sources: u64,
    /// Ports that they tried, counted at each address.
    pub ports: u64,
    /// Addresses that they tried.
    pub addresses: u64,
    /// The sources, the first eight.
    pub from: Vec<String>,
}

/// Openings that were counted and not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Beyond {
    /// `ip:port` that they were opened to.
    pub service: String,
    /// `tcp`, `udp`.
    pub protocol: String,
    /// What answered them: `none`, `syn-ack` (on which nobody went on), `reset`,
    /// `icmp-error`.
    pub answer: String,
    /// How many.
    pub connections: u64,
    /// The same by real server, as far as captures tell it.
    pub real_servers: Vec<Uncounted>,
}

/// Openings that one real server got or answered, counted and not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uncounted {
    /// The real server.
    pub server: Endpoint,
    /// How many.
    pub connections: u64,
}

/// What one host said of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostState {
    /// The name of its file or folder, which identifies nobody.
    pub name: String,
    /// Its files.
    pub files: Vec<String>,
    /// The host of the captures that it was taken for; null where none fits.
    pub host: Option<HostRef>,
    /// `macs`, `addresses`, or `services`: it alone states the services that this
    /// host forwards; null where no host fits.
    pub matched_by: Option<String>,
    /// The MACs or addresses that state and captures have in common.
    pub common: Vec<String>,
    /// What could not be read of it.
    pub notes: Vec<String>,
}

/// What a detector could say of these captures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// The detector.
    pub id: String,
    /// `found`, `clean`, `not-checkable`.
    pub status: CoverageStatus,
    /// Why it could not be checked, and what would change that.
    pub reason: Option<String>,
}

/// See [`Coverage::status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageStatus {
    /// It found something.
    Found,
    /// It looked, and there is nothing.
    Clean,
    /// It could not look.
    NotCheckable,
}

impl std::fmt::Display for CoverageStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Found => "found",
            Self::Clean => "clean",
            Self::NotCheckable => "not-checkable",
        })
    }
}

/// The program and version, as documents name it.
fn generator() -> String {
    concat!("lbdiag ", env!("CARGO_PKG_VERSION")).to_owned()
}

/// The JSON Schema of [`Report`].
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
