//! Some of the connections, as the user asks for them.
//!
//! The objects are the report's own, so a program that reads one reads the
//! other. The choice is made on the trace, before any object is built: a trace
//! may hold millions. Refuses to sort by anything but time.

use super::build::{Builder, findings_of};
use super::{Confidence, Connection, SCHEMA_VERSION, Severity, Totals};
use crate::breaks::{Breaks, Fate};
use crate::correlate::Outcome;
use crate::diagnose::Diagnosis;
use crate::topology::{Ordinary, Who};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address, with a port where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Address.
    pub ip: Ip,
    /// Port; any where absent.
    pub port: Option<u16>,
}

impl End {
    /// As a user writes it.
    #[must_use]
    pub fn shown(&self) -> String {
        self.port.map_or_else(|| self.ip.to_string(), |port| self.ip.with_port(port))
    }

    pub(super) fn is(&self, (ip, port): (Ip, u16)) -> bool {
        self.ip == ip && self.port.is_none_or(|wanted| wanted == port)
    }
}

/// Which connections are wanted. Of each list one must fit, an empty one fits all.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Clients.
    pub from: Vec<End>,
    /// Services.
    pub to: Vec<End>,
    /// Real servers, by address or MAC, with a port where it matters.
    pub served_by: Vec<(Who, Option<u16>)>,
    /// Outcomes.
    pub outcomes: Vec<Outcome>,
    /// What became of them, besides `outcomes`.
    pub fates: Vec<Fate>,
    /// Only these, sorted; all where absent.
    pub among: Option<Vec<ConnectionId>>,
    /// Indexes of findings that concern it; `None` for any or no finding.
    pub findings: Option<Vec<usize>>,
    /// At most so many, the earliest.
    pub limit: Option<usize>,
}

/// The connections that were asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Listing {
    /// As in the report.
    pub schema_version: String,
    /// The program and version that wrote it.
    pub generator: String,
    /// Connections in the captures, health checks, scans and floods included.
    pub of: u64,
    /// How those that match ended, whether listed or not.
    pub totals: Totals,
    /// Those that match, by start, up to the limit; objects of the report.
    pub connections: Vec<Connection>,
    /// The findings that they name.
    pub findings: Vec<Mention>,
}

/// A finding by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mention {
    /// Its number in the report.
    pub n: u32,
    /// The detector.
    pub id: String,
    /// `critical`, `warning`, `info`.
    pub severity: Severity,
    /// `certain`, `likely`, `possible`.
    pub confidence: Confidence,
    /// What it is.
    pub title: String,
}

/// Lists what is wanted.
#[must_use]
pub fn list(trace: &Trace, diagnosis: &Diagnosis, wanted: &Wanted) -> Listing {
    let builder = Builder::new(trace, &diagnosis.breaks);
    let findings = findings_of(diagnosis);
    let numbers = |id: ConnectionId| findings.get(&id).map_or(&[][..], Vec::as_slice);
    let shown = |id: ConnectionId| trace.ordinary(id) != Some(Ordinary::ProxyLeg);
    let mut of = 0;
    let mut matching: Vec<ConnectionId> = Vec::new();
    for (id, _) in trace.iter().filter(|(id, _)| shown(*id)) {
        of += 1;
        if fits(trace, &diagnosis.breaks, id, numbers(id), wanted) {
            matching.push(id);
        }
    }
    let totals = builder.totals(matching.iter().copied());
    matching.sort_by_cached_key(|id| (trace.start(*id).map(|at| trace.time(at)), *id));
    matching.truncate(wanted.limit.unwrap_or(usize::MAX));
    let connections: Vec<Connection> =
        matching.iter().map(|id| builder.connection(*id, numbers(*id).to_vec())).collect();
    let mut named: Vec<u32> = connections.iter().flat_map(|c| c.findings.clone()).collect();
    named.sort_unstable();
    named.dedup();
    let findings = named.iter().filter_map(|n| mention(diagnosis, *n)).collect();
    let listing = Listing {
        schema_version: SCHEMA_VERSION.to_owned(),
        generator: super::generator(),
        of,
        totals,
        connections,
        findings,
    };
    super::stand_ins::named(trace, listing)
}

/// One connection as the report has it, with the numbers of its findings: for a reader
/// that shows few of many.
#[must_use]
pub fn connection(
    trace: &Trace,
    diagnosis: &Diagnosis,
    id: ConnectionId,
    findings: Vec<u32>,
) -> Connection {
    Builder::new(trace, &diagnosis.breaks).connection(id, findings)
}

/// A finding by its number.
pub(super) fn mention(diagnosis: &Diagnosis, n: u32) -> Option<Mention> {
    let finding = diagnosis.findings.get((n as usize).checked_sub(1)?)?;
    Some(Mention {
        n,
        id: finding.id.to_string(),
        severity: finding.severity,
        confidence: finding.confidence,
        title: finding.title.clone(),
    })
}

fn fits(
    trace: &Trace,
    breaks: &Breaks,
    id: ConnectionId,
    findings: &[u32],
    wanted: &Wanted,
) -> bool {
    let connection = trace.connection(id);
    let ended = || {
        wanted.outcomes.is_empty() && wanted.fates.is_empty()
            || wanted.outcomes.contains(&connection.outcome)
            || wanted.fates.contains(&breaks.fate(id))
    };
    let any = |ends: &[End], is| ends.is_empty() || ends.iter().any(|end| end.is(is));
    any(&wanted.from, connection.front.client)
        && any(&wanted.to, connection.front.server)
        && ended()
        && wanted.among.as_ref().is_none_or(|among| among.binary_search(&id).is_ok())
        && wanted
            .findings
            .as_ref()
            .is_none_or(|list| list.iter().any(|i| findings.contains(&(*i as u32 + 1))))
        && (wanted.served_by.is_empty()
            || wanted.served_by.iter().any(|(who, port)| served_by(trace, id, *who, *port)))
}

/// Whether a real server of the connection has an address or MAC, or is the host
/// that has it.
fn served_by(trace: &Trace, id: ConnectionId, who: Who, port: Option<u16>) -> bool {
    trace.servers(id).filter(|s| port.is_none_or(|port| s.port == port)).any(|server| {
        let host = server.host.map(|host| trace.topology.hosts.get(host));
        match who {
            Who::Ip(ip) => match server.address {
                Some(own) => own == ip,
                None => host.is_some_and(|host| host.ips.contains(&ip)),
            },
            Who::Mac(mac) => {
                server.mac == Some(mac) || host.is_some_and(|host| host.macs.contains(&mac))
            }
        }
    })
}
