//! What it all comes to, and what to do where the captures do not suffice.

use super::symptom::http_5xx;
use super::{
    Candidate, Checked, Coverage, Finding, Fix, Kind, Names, Severity, Sighting, ToConfirm,
};
use crate::diagnose::words::{agree, count, to_capture};
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};
use std::collections::HashSet;

/// The state of what was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The headline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub status: Status,
    /// One sentence.
    pub summary: String,
}

/// Detectors that must have been able to look before a mode is called healthy.
const NAT_NEEDS: &[&str] = &["nat-return-bypasses-director", "syn-unanswered", "syn-refused"];
const DATAGRAM_NAT_NEEDS: &[&str] = &["nat-return-bypasses-director"];
const DR_NEEDS: &[&str] = &["dr-reply-via-director", "syn-unanswered", "syn-refused"];
const OTHER_NEEDS: &[&str] = &["syn-unanswered", "syn-refused"];

pub(super) fn judge(trace: &Trace, findings: &[Finding], coverage: &[Coverage]) -> Verdict {
    // Where there is a balancer, what goes past it is not its concern.
    let strays: HashSet<_> = findings.iter().flat_map(|f| &f.strays).collect();
    let concerned: Vec<_> =
        trace.requests().filter(|(id, _)| trace.concerns(*id) && !strays.contains(id)).collect();
    let requests = concerned.len();
    let failed = concerned.iter().filter(|(_, c)| c.outcome.failed()).count();
    if let Some(first) = findings.iter().find(|f| f.is_loud()) {
        let critical = findings.iter().any(|f| f.severity == Severity::Critical);
        let status = if critical { Status::Failing } else { Status::Degraded };
        return Verdict { status, summary: loud(trace, findings, first, failed, requests) };
    }
    if requests == 0 {
        let summary = "no connection of a client to a service was captured".to_owned();
        return Verdict { status: Status::Inconclusive, summary };
    }
    let unknown = needs(trace)
        .into_iter()
        .filter(|id| {
            coverage.iter().any(|c| c.id == *id && matches!(c.checked, Checked::Unchecked(_)))
        })
        .count();
    let modes: Vec<&str> = known_modes(trace);
    if modes.is_empty()
        || unknown > 0
        || failed > 0
        || unanswered_service(trace)
        || director_missing(trace)
    {
        let why = if modes.is_empty() {
            "nothing shows how they are forwarded"
        } else if unanswered_service(trace) && failed == 0 && !director_missing(trace) {
            "no answer to any of them was captured: the service sends none, or its answers take a way that no capture shows"
        } else {
            "part of their way was not captured"
        };
        return Verdict {
            status: Status::Inconclusive,
            summary: format!(
                "nothing is wrong in {} as far as these captures show, but {why}",
                count(requests, "connection")
            ),
        };
    }
    Verdict {
        status: Status::Healthy,
        summary: format!(
            "nothing is wrong: {} by {}, and all that {} was checked{}",
            count(requests, "connection"),
            modes.join(" and "),
            agree(modes.len(), "this mode needs", "these modes need"),
            noted(findings)
        ),
    }
}

fn loud(
    trace: &Trace,
    findings: &[Finding],
    first: &Finding,
    failed: usize,
    requests: usize,
) -> String {
    let others = findings.iter().filter(|f| f.is_loud() && f.kind == Kind::Cause).count();
    let more = match others {
        0 | 1 => String::new(),
        n => format!(" ({} in all)", count(n, "cause")),
    };
    let names: Vec<String> = trace
        .topology
        .services
        .iter()
        .enumerate()
        .filter(|(i, _)| first.connections.iter().any(|id| trace.service_of(*id).0 as usize == *i))
        .map(|(_, s)| s.name())
        .collect();
    let to = if names.is_empty() {
        String::new()
    } else {
        format!(" to {}", super::words::list(&names))
    };
    // Who answers with an error is named; the reason is in that host's log.
    let named = first.id == "http-5xx" && http_5xx::makers(trace, &first.connections).is_some();
    let more = if first.kind == Kind::Symptom && !named {
        "; these captures do not show why".to_owned()
    } else {
        more
    };
    let verb = |n: usize, one: &'static str, many: &'static str| if n == 1 { one } else { many };
    if failed > 0 {
        // Where several causes share them, the sentence names the first one's.
        let fails = |id: &&ConnectionId| trace.connection(**id).outcome.failed();
        let own = first.connections.iter().filter(fails).count();
        let part = if others > 1 && own > 0 && own < failed {
            format!(", {own} of them by this")
        } else {
            String::new()
        };
        let fail = verb(failed, "fails", "fail");
        format!(
            "{failed} of {}{to} {fail}{part}: {}{more}",
            count(requests, "connection"),
            first.title
        )
    } else {
        let affected = first.connections.len();
        let are = verb(affected, "is", "are");
        // Health checks are of another service than clients' requests.
        let of = of_services(trace, first).max(affected);
        format!(
            "{affected} of {}{to} {are} affected: {}{more}",
            count(of, "connection"),
            first.title
        )
    }
}

/// Requests to the services that a finding concerns.
fn of_services(trace: &Trace, finding: &Finding) -> usize {
    let service = |id: ConnectionId| trace.service_of(id);
    let services: HashSet<_> = finding.connections.iter().map(|id| service(*id)).collect();
    trace.requests().filter(|(id, _)| services.contains(&service(*id))).count()
}

/// Small things that cost nothing are still said.
fn noted(findings: &[Finding]) -> String {
    let seen: Vec<String> = findings
        .iter()
        .filter(|f| f.kind == Kind::Symptom)
        .map(|f| format!("{} in {}", f.id, count(f.connections.len(), "connection")))
        .collect();
    if seen.is_empty() { String::new() } else { format!("; seen: {}", super::words::list(&seen)) }
}

/// Whether no director of a balanced service was captured: what happens before
/// and at it is then unknown.
fn director_missing(trace: &Trace) -> bool {
    let balanced =
        trace.topology.services.iter().filter(|s| s.mode != Mode::Unknown && !s.is_backend);
    balanced.into_iter().any(|s| !s.directors.iter().any(|d| trace.is_captured(d.host)))
}

/// Whether a balanced service never shows an answer: then nobody knows.
fn unanswered_service(trace: &Trace) -> bool {
    let mut answered: Vec<Option<bool>> = vec![None; trace.topology.services.len()];
    for (id, connection) in trace.requests() {
        let p = connection.progress;
        let seen = p.response || p.established || p.answered;
        let slot = &mut answered[trace.service_of(id).0 as usize];
        *slot = Some(slot.unwrap_or(false) || seen);
    }
    let services = trace.topology.services.iter().zip(answered);
    services
        .into_iter()
        .any(|(s, seen)| s.mode != Mode::Unknown && !s.is_backend && seen == Some(false))
}

fn known_modes(trace: &Trace) -> Vec<&'static str> {
    let mut modes: Vec<&str> = trace
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend && s.mode != Mode::Unknown)
        .map(|s| s.mode.name())
        .collect();
    modes.sort_unstable();
    modes.dedup();
    modes
}

fn needs(trace: &Trace) -> Vec<&'static str> {
    let mut needs: Vec<&str> = trace
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend)
        .flat_map(|s| match s.mode {
            Mode::Nat if !s.protocol.is_tcp() => DATAGRAM_NAT_NEEDS,
            _ if !s.protocol.is_tcp() => &[],
            Mode::Nat => NAT_NEEDS,
            Mode::Dr => DR_NEEDS,
            Mode::Unknown => &[],
            _ => OTHER_NEEDS,
        })
        .copied()
        .collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// What an unexplained symptom may come from.
pub(super) fn suspects(trace: &Trace, symptom: &str, sightings: &[Sighting]) -> Vec<Candidate> {
    if symptom == "icmp-unreachable" {
        return super::refusal::suspects(trace, sightings);
    }
    if symptom != "syn-unanswered" {
        return Vec::new();
    }
    let modes: Vec<Mode> =
        sightings.iter().filter_map(|s| s.connection).map(|id| trace.service(id).mode).collect();
    let mut found =
        vec![("rs-silent", "then the real server's own capture shows the SYN and no answer")];
    if modes.contains(&Mode::Nat) {
        found.insert(0, (
            "nat-return-bypasses-director",
            "then the real server's own capture shows a SYN-ACK that leaves for another MAC than the director's",
        ));
    }
    if modes.contains(&Mode::Dr) {
        found.push(("rs-missing-vip", "then the real server answers for its own address only"));
    }
    found.into_iter().map(|(id, tell)| Candidate { id, tell_apart: tell.to_owned() }).collect()
}

/// What mends a symptom that needs no cause to be mended.
pub(super) fn fixes(trace: &Trace, symptom: &str, sightings: &[Sighting]) -> Vec<Fix> {
    if symptom == "http-5xx" { http_5xx::fixes(trace, sightings) } else { Vec::new() }
}

/// The captures that would decide an unexplained symptom.
pub(super) fn next_captures(
    trace: &Trace,
    symptom: &str,
    sightings: &[Sighting],
) -> Vec<ToConfirm> {
    if symptom == "http-5xx" {
        return http_5xx::to_confirm(trace, sightings);
    }
    if !matches!(symptom, "syn-unanswered" | "connection-reset" | "icmp-unreachable") {
        return Vec::new();
    }
    let names = Names(trace);
    let mut asked = Vec::new();
    let mut found = Vec::new();
    for id in sightings.iter().filter_map(|s| s.connection) {
        let service = trace.service(id);
        let Some(server) = trace.server(id) else { continue };
        let captured = server.host.is_some_and(|h| trace.is_captured(h));
        if captured || asked.contains(&server.address) {
            continue;
        }
        asked.push(server.address);
        let host = server.host.map_or_else(
            || server.address.map_or_else(|| "the real server".to_owned(), |ip| ip.to_string()),
            |h| names.host(h),
        );
        let addresses: Vec<_> = [Some(service.vip), server.address].into_iter().flatten().collect();
        found.push(to_capture(
            format!("real server {host}"),
            &format!("rs-{}", host.replace(':', "-")),
            &addresses,
            server.port,
            "shows whether the SYN arrives, whether it is answered, and to which MAC the answer leaves",
        ));
    }
    if found.is_empty()
        && let Some(id) = sightings.iter().find_map(|s| s.connection)
        && trace.service(id).directors.is_empty()
    {
        let service = trace.service(id);
        found.push(to_capture(
            "the director".to_owned(),
            "director",
            &[service.vip],
            service.port,
            "shows whether the SYN arrives there and to whom it is sent on",
        ));
    }
    found
}
