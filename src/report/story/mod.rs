//! One connection from its first packet to its end, in a few sentences.
//!
//! It says what the frames show of this one connection and names the finding that
//! explains it; it does not look for causes of its own. It refuses to claim an
//! arrival that no capture of the receiver shows: that goes under what is not
//! known.

mod choose;
mod end;
mod unknown;
mod way;

pub use choose::{Ask, Chosen, choose};

use super::build::{Builder, findings_of};
use super::ladder::Ladder;
use super::listing::mention;
use super::{Candidate, Connection, Fix, Mention, SCHEMA_VERSION, ToConfirm, Totals};
use crate::diagnose::{Diagnosis, Kind, Names};
use crate::trace::{ConnectionId, Trace};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The story of one connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// As in the report.
    pub schema_version: String,
    /// The program and version that wrote it.
    pub generator: String,
    /// The connection, an object of the report.
    pub connection: Connection,
    /// Where the client's packets went.
    pub there: String,
    /// Where the answers went.
    pub back: String,
    /// How it ended.
    pub end: String,
    /// Where it broke, where it failed or suffered: the break line of this connection.
    #[serde(default)]
    pub broken: Option<String>,
    /// What sets the connections that broke like it apart, in sentences.
    #[serde(default)]
    pub apart: Vec<String>,
    /// The finding that explains it, or that concerns it most.
    pub finding: Option<Mention>,
    /// How that finding is mended.
    pub fixes: Vec<Fix>,
    /// What would explain it too.
    pub candidates: Vec<Candidate>,
    /// What the captures do not show of it, and why.
    pub unknown: Vec<String>,
    /// What to do to know.
    pub to_confirm: Vec<ToConfirm>,
    /// The other connections that fit what was asked.
    pub others: Totals,
    /// How to see those; empty where there are none.
    pub see_others: String,
    /// Its packets; null where they cannot be read again.
    pub ladder: Option<Ladder>,
}

/// The finding that explains each connection, by index: a cause before a symptom,
/// then the more important.
fn explanations(diagnosis: &Diagnosis) -> HashMap<ConnectionId, usize> {
    let mut explained = HashMap::new();
    let all = || diagnosis.findings.iter().enumerate();
    let causes = all().filter(|(_, finding)| finding.kind == Kind::Cause);
    for (index, finding) in causes.chain(all()) {
        for id in finding.connections.iter().chain(&finding.strays) {
            explained.entry(*id).or_insert(index);
        }
    }
    explained
}

/// Index of the finding that explains one connection; to draw one, without a story.
#[must_use]
pub fn explaining(diagnosis: &Diagnosis, id: ConnectionId) -> Option<usize> {
    explanations(diagnosis).remove(&id)
}

/// Tells the story of the connection that was chosen.
#[must_use]
pub fn tell(
    trace: &Trace,
    diagnosis: &Diagnosis,
    chosen: &choose::Chosen,
    ladder: Option<Ladder>,
) -> Story {
    let builder = Builder::new(trace, &diagnosis.breaks);
    let id = chosen.id;
    let numbers = findings_of(diagnosis).remove(&id).unwrap_or_default();
    let index = chosen.finding;
    let writer = builder.finding_writer(diagnosis);
    let told = index.and_then(|i| Some(writer.finding(i, diagnosis.findings.get(i)?)));
    let teller = way::Teller { trace, names: Names(trace), id };
    let (mut fixes, candidates, to_confirm) =
        told.map_or_else(Default::default, |f| (f.fix, f.candidates, f.to_confirm));
    // Where each real server has its own remedy, this connection's comes first.
    if let Some(server) = teller.server_name() {
        let of = |fix: &Fix, name: &str| fix.host.split([' ', ',']).any(|word| word == name);
        let others = teller.service().real_servers.iter().filter_map(|r| r.address);
        let others: Vec<String> =
            others.map(|ip| ip.to_string()).filter(|n| *n != server).collect();
        if fixes.first().is_some_and(|fix| others.iter().any(|name| of(fix, name))) {
            fixes.sort_by_key(|fix| !of(fix, &server));
        }
    }
    let story = Story {
        schema_version: SCHEMA_VERSION.to_owned(),
        generator: super::generator(),
        connection: builder.connection(id, numbers),
        there: teller.there(),
        back: teller.back(),
        end: end::end(&teller),
        broken: builder.own_break(id),
        apart: builder.own_apart(id),
        finding: index.and_then(|i| mention(diagnosis, i as u32 + 1)),
        fixes,
        candidates,
        unknown: unknown::unknown(&teller, index.is_some()),
        to_confirm,
        others: builder.totals(chosen.others.iter().copied()),
        see_others: chosen.see_others.clone(),
        ladder,
    };
    super::stand_ins::named(trace, story)
}
