//! Findings in the document.

use super::build::Builder;
use super::directions::Directions;
use super::finding::NOT_KNOWN;
use super::wording::rfc3339;
use super::{Affected, Effect, Evidence, Finding, Fix, Refuted, Subject, ToConfirm};
use crate::breaks::Fate;
use crate::diagnose::{self, Diagnosis, Join, Proof};
use crate::topology::{Ordinary, Role};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Ids that an affected list shows.
const MAX_IDS: usize = 100;

/// Writes findings, with what is looked up for all of them at once: one walk over connections
/// and links, not one for each.
pub(super) struct FindingWriter<'a> {
    builder: &'a Builder<'a>,
    directions: Directions,
    /// Requests, by service.
    requests: Vec<u64>,
}

impl Builder<'_> {
    /// What writes the findings of a diagnosis.
    pub(super) fn finding_writer(&self, diagnosis: &Diagnosis) -> FindingWriter<'_> {
        let mut requests = vec![0; self.trace.topology.services.len()];
        for (id, _) in self.trace.requests() {
            requests[self.trace.service_of(id).0 as usize] += 1;
        }
        let directions = Directions::of(self.trace, diagnosis);
        FindingWriter { builder: self, directions, requests }
    }
}

impl FindingWriter<'_> {
    pub(super) fn finding(&self, index: usize, finding: &diagnose::Finding) -> Finding {
        Finding {
            n: index as u32 + 1,
            id: finding.id.to_string(),
            kind: finding.kind,
            severity: finding.severity,
            confidence: finding.confidence,
            title: finding.title.clone(),
            explanation: finding.explanation.clone(),
            subjects: finding
                .subjects
                .iter()
                .map(|s| Subject {
                    role: s.role,
                    address: s.address.map(|ip| ip.to_string()),
                    mac: s.mac.map(|mac| mac.to_string()),
                    port: s.port,
                    vantage: self.capture_of(s),
                })
                .collect(),
            affected: self.affected(finding),
            evidence: self.evidence(&finding.proofs),
            wireshark_filter: self.builder.filter(finding),
            fix: fixes(&finding.fixes),
            explains: finding.explains.iter().map(|i| *i as u32 + 1).collect(),
            candidates: finding
                .candidates
                .iter()
                .map(|c| super::Candidate {
                    id: c.id.to_string(),
                    tell_apart: c.tell_apart.clone(),
                })
                .collect(),
            refuted: finding.refuted.iter().map(|refuted| self.refuted(refuted)).collect(),
            to_confirm: steps(&finding.to_confirm),
        }
    }

    fn refuted(&self, refuted: &diagnose::Refuted) -> Refuted {
        let proof = refuted.at.map(|at| Proof { at, note: refuted.why.clone() });
        Refuted {
            id: refuted.id.to_string(),
            why: refuted.why.clone(),
            evidence: proof.and_then(|proof| self.evidence(&[proof]).into_iter().next()),
        }
    }

    /// The capture that stands for a host without an address.
    fn capture_of(&self, subject: &diagnose::Subject) -> Option<String> {
        let host =
            self.builder.trace.host_by_mac(subject.mac).filter(|_| subject.address.is_none())?;
        self.builder.names.capture_of(host).map(ToOwned::to_owned)
    }

    fn affected(&self, finding: &diagnose::Finding) -> Affected {
        let ids = &finding.connections;
        let mut services: Vec<_> =
            ids.iter().map(|id| self.builder.trace.service_of(*id)).collect();
        services.sort_unstable();
        services.dedup();
        let of: u64 = services.iter().map(|service| self.requests[service.0 as usize]).sum();
        // Health checks are counted among themselves.
        let checks = ids.iter().all(|id| self.builder.trace.ordinary(*id).is_some());
        let of = if checks { of.max(ids.len() as u64) } else { of };
        let fate =
            |fate| ids.iter().filter(|id| self.builder.breaks.fate(**id) == fate).count() as u64;
        let mut by_real_server: BTreeMap<String, u64> = BTreeMap::new();
        for id in ids {
            if let Some(server) = self.builder.trace.server(*id) {
                let name = server.address.map(|ip| ip.to_string());
                if let Some(name) = name.or_else(|| server.mac.map(|mac| mac.to_string())) {
                    *by_real_server.entry(name).or_default() += 1;
                }
            }
        }
        // Who served in another one's stead is not whom the finding is about.
        let meant = finding.subjects.iter().filter(|s| s.role == Role::RealServer);
        let meant: Vec<String> = meant.filter_map(|s| Some(s.address?.to_string())).collect();
        let other = |name: &String| name.parse::<IpAddr>().is_ok() && !meant.contains(name);
        if !meant.is_empty() && by_real_server.keys().all(other) {
            by_real_server.clear();
        }
        let told: u64 = by_real_server.values().sum();
        let rest = (ids.len() as u64).saturating_sub(told);
        if told > 0 && rest > 0 {
            by_real_server.insert(NOT_KNOWN.to_owned(), rest);
        }
        let starts = ids.iter().filter_map(|id| self.builder.trace.start(*id));
        let ends = ids.iter().filter_map(|id| self.builder.trace.end(*id));
        let shown = finding.proofs.iter().map(|p| p.at);
        let first = starts.chain(shown.clone()).map(|at| self.builder.trace.time(at)).min();
        let last = ends.chain(shown).map(|at| self.builder.trace.time(at)).max();
        Affected {
            connections: ids.len() as u64,
            of,
            failed: fate(Fate::Failed),
            suffered: fate(Fate::Suffered),
            health_checks: !ids.is_empty()
                && ids
                    .iter()
                    .all(|id| self.builder.trace.ordinary(*id) == Some(Ordinary::HealthCheck)),
            ids: ids.iter().take(MAX_IDS).map(|id| id.0 + 1).collect(),
            by_real_server,
            first_seen: first.map(rfc3339),
            last_seen: last.map(rfc3339),
        }
    }

    fn evidence(&self, proofs: &[Proof]) -> Vec<Evidence> {
        let first = proofs.iter().map(|p| self.builder.trace.time(p.at)).min();
        proofs
            .iter()
            .filter_map(|proof| {
                let vantage = &self.builder.trace.vantages[proof.at.vantage.index()];
                let capture = &self.builder.trace.captures[vantage.capture];
                let (file, frame) = capture.locate(proof.at.mark.frame());
                let time = self.builder.trace.time(proof.at);
                Some(Evidence {
                    capture: capture.files.get(file)?.path.clone(),
                    vantage: vantage.label.clone(),
                    frame: u64::from(frame),
                    time: rfc3339(time),
                    since_first_ns: first.map_or(0, |f| time.0 - f.0),
                    direction: self.directions.get(proof.at).to_owned(),
                    note: proof.note.clone(),
                    line: None,
                    printed: None,
                })
            })
            .collect()
    }
}

/// One block for what is typed alike on several hosts one after the other. A host with a
/// condition behind a comma stands alone.
fn fixes(all: &[diagnose::Fix]) -> Vec<Fix> {
    let mut fixes: Vec<Fix> = Vec::new();
    let mut hosts: Vec<Vec<&str>> = Vec::new();
    for f in all {
        let effect = if f.disruptive { Effect::Disruptive } else { Effect::Safe };
        let join = if fixes.is_empty() { Join::And } else { f.join };
        if let (Some(last), Some(on)) = (fixes.last_mut(), hosts.last_mut())
            && join == Join::And
            && (&last.command, last.effect, &last.undo) == (&f.command, effect, &f.undo)
            && !f.host.contains(',')
            && on.iter().all(|host| !host.contains(','))
        {
            on.push(&f.host);
            last.host = every(on);
            continue;
        }
        hosts.push(vec![&f.host]);
        let (host, command, undo) = (f.host.clone(), f.command.clone(), f.undo.clone());
        fixes.push(Fix { host, command, effect, undo, join });
    }
    fixes
}

/// The same for what settles it.
fn steps(all: &[diagnose::ToConfirm]) -> Vec<ToConfirm> {
    let mut steps: Vec<ToConfirm> = Vec::new();
    let mut hosts: Vec<Vec<&str>> = Vec::new();
    for c in all {
        if let (Some(last), Some(on)) = (steps.last_mut(), hosts.last_mut())
            && (&last.command, &last.why) == (&c.command, &c.why)
            && !c.host.contains(',')
            && on.iter().all(|host| !host.contains(','))
        {
            if !on.contains(&c.host.as_str()) {
                on.push(&c.host);
                last.host = every(on);
            }
            continue;
        }
        hosts.push(vec![&c.host]);
        let (host, command, why) = (c.host.clone(), c.command.clone(), c.why.clone());
        steps.push(ToConfirm { host, command, why });
    }
    steps
}

/// All names: each of them is typed on.
fn every(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_alike_on_several_hosts_is_one_block() {
        let on = |host: &str| diagnose::Fix::safe(host, "ip route show", "none needed.");
        let all = [on("a"), on("b"), on("c"), on("d").or(), on("e, until then"), on("f")];
        let told: Vec<(String, Join)> = fixes(&all).into_iter().map(|f| (f.host, f.join)).collect();
        assert_eq!(
            told,
            [
                ("a, b and c".to_owned(), Join::And),
                ("d".to_owned(), Join::Or),
                ("e, until then".to_owned(), Join::And),
                ("f".to_owned(), Join::And),
            ]
        );
        // The first stands to nothing.
        assert_eq!(fixes(&[on("a").or()])[0].join, Join::And);
    }
}
