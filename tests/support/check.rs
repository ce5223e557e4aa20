//! Holds a report against what is expected of it. Every deviation is one line,
//! so that all of them can be read at once.

use super::expected::{Cause, Expected, Sample, samples};
use lbdiag::diagnose::SYMPTOMS;
use lbdiag::report::{Confidence, Endpoint, Finding, Kind, Report, Status, Subject};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Fails with all deviations at once.
pub fn none(mut wrong: Vec<String>) {
    wrong.sort();
    assert!(wrong.is_empty(), "\n{} deviations:\n  {}\n", wrong.len(), wrong.join("\n  "));
}

/// The deviations of each sample, behind its name.
pub fn of_each(judge: impl Fn(&Sample) -> Vec<String> + Sync) -> Vec<String> {
    samples()
        .par_iter()
        .flat_map_iter(|sample| {
            judge(sample).into_iter().map(|line| format!("{}: {line}", sample.name))
        })
        .collect()
}

/// Whether a finding should wake anybody.
pub fn is_loud(finding: &Finding) -> bool {
    finding.severity.is_loud()
}

/// `cause rs-silent (certain, critical) 172.16.0.12`.
pub fn shown(finding: &Finding) -> String {
    let culprit = finding.subjects.first().map_or_else(String::new, |s| format!(" {}", who(s)));
    format!(
        "{} {} ({}, {}){culprit}",
        finding.kind, finding.id, finding.confidence, finding.severity
    )
}

fn who(subject: &Subject) -> String {
    let name = subject.address.as_ref().or(subject.mac.as_ref());
    name.cloned().unwrap_or_else(|| "nobody".to_owned())
}

/// All in which a report of a sample with all its captures deviates.
pub fn deviations(report: &Report, expected: &Expected) -> Vec<String> {
    let mut wrong = Vec::new();
    let status = report.verdict.status;
    if !expected.verdict.contains(&status) {
        wrong.push(format!("verdict {status:?}, not one of {:?}", expected.verdict));
    }
    wrong.extend(service(report, expected));
    wrong.extend(expected.causes.iter().filter_map(|cause| missing(report, cause)));
    for symptom in &expected.symptoms {
        if !report.findings.iter().any(|f| f.kind == Kind::Symptom && f.id == *symptom) {
            wrong.push(format!("no symptom {symptom}"));
        }
    }
    for finding in &report.findings {
        let right = match finding.kind {
            Kind::Cause => !is_loud(finding) || expected.allows_cause(&finding.id),
            // What says how connections broke accounts for them under their cause.
            Kind::Symptom => accounts(finding) || expected.allows_symptom(&finding.id),
            Kind::Note => !is_loud(finding),
        };
        if !right {
            wrong.push(format!("accuses: {}: {}", shown(finding), finding.title));
        }
    }
    wrong.extend(connections(report, expected));
    wrong.extend(quiet(report, expected));
    wrong.extend(inconsistent(report));
    wrong
}

/// Whether a finding is the account of connections that a cause explains.
fn accounts(finding: &Finding) -> bool {
    let of_breaks = |id: &str| SYMPTOMS.iter().any(|s| s.id == id && s.of_breaks);
    !is_loud(finding) && of_breaks(&finding.id)
}

/// A healthy sample has nothing at warning or above, whatever was captured.
pub fn quiet(report: &Report, expected: &Expected) -> Vec<String> {
    if !expected.is_healthy() {
        return Vec::new();
    }
    let loud = report.findings.iter().filter(|f| is_loud(f));
    loud.map(|f| format!("loud in a healthy sample: {}: {}", shown(f), f.title)).collect()
}

/// No cause may be certain that is not there; where the captures show none for
/// certain, none may be certain at all.
pub fn overconfident(report: &Report, expected: &Expected) -> Vec<String> {
    let certain = report
        .findings
        .iter()
        .filter(|f| f.kind == Kind::Cause && f.confidence == Confidence::Certain);
    certain
        .filter(|f| expected.causes.is_empty() || !expected.allows_cause(&f.id))
        .map(|f| format!("certain of what is not there: {}: {}", shown(f), f.title))
        .collect()
}

fn service(report: &Report, expected: &Expected) -> Option<String> {
    let same = |s: &&lbdiag::report::Service| s.vip == expected.vip && s.port == expected.port;
    let found: Vec<_> = report.services.iter().filter(same).collect();
    let name = format!("service {}:{}", expected.vip, expected.port);
    match found[..] {
        [] => Some(format!("no {name}")),
        [one] => {
            let mode = expected.mode.as_ref().filter(|mode| one.mode != **mode)?;
            Some(format!("{name} has the mode {}, not {mode}", one.mode))
        }
        _ => Some(format!("{name} is listed {} times", found.len())),
    }
}

/// Why no finding is this cause.
fn missing(report: &Report, cause: &Cause) -> Option<String> {
    let found: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|f| f.kind == Kind::Cause && is_loud(f) && cause.id.contains(&f.id))
        .collect();
    let name = cause.id.join(" or ");
    if found.is_empty() {
        return Some(format!("no cause {name} at warning or above"));
    }
    if let Some(confidence) = &cause.confidence
        && !found.iter().any(|f| f.confidence == *confidence)
    {
        return Some(format!("{} is not {confidence}", shown(found[0])));
    }
    let culprits = cause.culprit.as_ref()?;
    // Each finding of this id names somebody; none may name somebody else.
    let innocent = found.iter().find(|f| {
        !f.subjects.first().is_some_and(|s| is_any(s.address.as_ref(), s.mac.as_ref(), culprits))
    })?;
    Some(format!("{} does not name {}", shown(innocent), culprits.join(" or ")))
}

fn is_any(address: Option<&String>, mac: Option<&String>, names: &[String]) -> bool {
    [address, mac].into_iter().flatten().any(|name| names.contains(name))
}

/// Each client endpoint is one connection to the service, and went to the right
/// real server.
fn connections(report: &Report, expected: &Expected) -> Vec<String> {
    let service = match &expected.vip {
        six if six.contains(':') => format!("[{six}]:{}", expected.port),
        four => format!("{four}:{}", expected.port),
    };
    let mut wrong = Vec::new();
    for (client, names) in &expected.connections {
        let listed: Vec<_> = report
            .connections
            .iter()
            .filter(|c| c.client == *client && c.service == service)
            .collect();
        let [connection] = listed[..] else {
            wrong.push(format!("{client} to {service} is listed {} times", listed.len()));
            continue;
        };
        let right = |e: &Endpoint| is_any(e.address.as_ref(), e.mac.as_ref(), names);
        let servers: Vec<&Endpoint> =
            connection.real_server.iter().chain(&connection.real_servers).collect();
        if connection.real_server.is_none() || !servers.iter().all(|e| right(e)) {
            wrong.push(format!("{client} went to {names:?}, not {:?}", connection.real_server));
        }
    }
    wrong
}

/// What must hold of every report, whatever it was made from.
pub fn inconsistent(report: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    let frames: BTreeMap<&str, u64> =
        report.captures.iter().map(|c| (c.path.as_str(), c.frames)).collect();
    let ids: BTreeSet<u32> = report.connections.iter().map(|c| c.id).collect();
    if ids.len() != report.connections.len() {
        wrong.push("two connections have one id".to_owned());
    }
    let count = report.findings.len() as u32;
    for (at, finding) in report.findings.iter().enumerate() {
        let name = shown(finding);
        if finding.n != at as u32 + 1 {
            wrong.push(format!("{name} is number {}, not {}", finding.n, at + 1));
        }
        if is_loud(finding) && finding.evidence.is_empty() {
            wrong.push(format!("{name} has no evidence"));
        }
        for e in &finding.evidence {
            let last = frames.get(e.capture.as_str()).copied();
            if !last.is_some_and(|last| (1..=last).contains(&e.frame)) {
                wrong.push(format!("{name}: no frame {} in {}", e.frame, e.capture));
            }
        }
        for n in &finding.explains {
            if *n == finding.n || !(1..=count).contains(n) {
                wrong.push(format!("{name} explains number {n}"));
            }
        }
        if finding.affected.connections > finding.affected.of {
            let a = &finding.affected;
            wrong.push(format!("{name} affects {} of {} connections", a.connections, a.of));
        }
        for id in finding.affected.ids.iter().filter(|id| !ids.contains(*id)) {
            wrong.push(format!("{name} affects connection {id}, which is not listed"));
        }
    }
    for connection in &report.connections {
        for n in connection.findings.iter().filter(|n| !(1..=count).contains(*n)) {
            wrong.push(format!("connection {} belongs to finding {n}", connection.id));
        }
    }
    let loud = report.findings.iter().any(is_loud);
    if loud && report.verdict.status == Status::Healthy {
        wrong.push("the verdict is healthy beside a loud finding".to_owned());
    }
    wrong
}

/// What of a report must not depend on names and order of files; with `ranked`
/// also who of several stands first.
pub fn essence(report: &Report, ranked: bool) -> Vec<String> {
    let mut lines = vec![format!("verdict {:?}", report.verdict.status)];
    for finding in &report.findings {
        let whom = |s: &Subject| {
            let word = |w: &Option<String>| w.clone().unwrap_or_else(|| "-".to_owned());
            let port = s.port.map_or_else(String::new, |port| format!(":{port}"));
            format!("{} {}{port} {}", s.role, word(&s.address), word(&s.mac))
        };
        let mut subjects: Vec<String> = finding.subjects.iter().map(whom).collect();
        if !ranked {
            subjects.sort();
        }
        lines.push(format!("{} {} [{}]", finding.kind, finding.id, subjects.join(", ")));
    }
    lines
}

/// Lines of two lists that differ.
pub fn difference(one: &[String], other: &[String]) -> Option<String> {
    if one.len() != other.len() {
        return Some(format!("{} lines and {}: {one:?} {other:?}", one.len(), other.len()));
    }
    let (a, b) = one.iter().zip(other).find(|(a, b)| a != b)?;
    Some(format!("{a} became {b}"))
}
