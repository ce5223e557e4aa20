//! Findings in the document.

use super::build::Builder;
use super::wording::{direction, rfc3339};
use super::{Affected, Effect, Evidence, Finding, Fix, Subject, ToConfirm};
use crate::diagnose::{self, Proof};
use std::collections::BTreeMap;

/// Ids that an affected list shows.
const MAX_IDS: usize = 100;

impl Builder<'_> {
    pub(super) fn finding(&self, index: usize, finding: &diagnose::Finding) -> Finding {
        Finding {
            n: index as u32 + 1,
            id: finding.id.to_owned(),
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
            wireshark_filter: self.filter(finding),
            fix: finding
                .fixes
                .iter()
                .map(|f| Fix {
                    host: f.host.clone(),
                    command: f.command.clone(),
                    effect: if f.disruptive { Effect::Disruptive } else { Effect::Safe },
                    undo: f.undo.clone(),
                })
                .collect(),
            explains: finding.explains.iter().map(|i| *i as u32 + 1).collect(),
            candidates: finding
                .candidates
                .iter()
                .map(|c| super::Candidate { id: c.id.to_owned(), tell_apart: c.tell_apart.clone() })
                .collect(),
            to_confirm: finding
                .to_confirm
                .iter()
                .map(|c| ToConfirm {
                    host: c.host.clone(),
                    command: c.command.clone(),
                    why: c.why.clone(),
                })
                .collect(),
        }
    }

    /// The capture that stands for a host without an address.
    fn capture_of(&self, subject: &diagnose::Subject) -> Option<String> {
        let host = self.trace.host_by_mac(subject.mac).filter(|_| subject.address.is_none())?;
        self.names.capture_of(host).map(ToOwned::to_owned)
    }

    pub(super) fn affected(&self, finding: &diagnose::Finding) -> Affected {
        let ids = &finding.connections;
        let mut services: Vec<_> = ids.iter().map(|id| self.trace.service_of(*id)).collect();
        services.sort_unstable();
        services.dedup();
        let of = self
            .trace
            .requests()
            .filter(|(id, _)| services.contains(&self.trace.service_of(*id)))
            .count();
        // Health checks are counted among themselves.
        let checks = ids.iter().all(|id| self.trace.ordinary(*id).is_some());
        let of = if checks { of.max(ids.len()) } else { of };
        let mut by_real_server: BTreeMap<String, u64> = BTreeMap::new();
        for id in ids {
            if let Some(server) = self.trace.server(*id) {
                let name = server.address.map(|ip| ip.to_string());
                let name = name.or_else(|| server.mac.map(|mac| mac.to_string()));
                *by_real_server.entry(name.unwrap_or_default()).or_default() += 1;
            }
        }
        let starts = ids.iter().filter_map(|id| self.trace.start(*id));
        let ends = ids.iter().filter_map(|id| self.trace.end(*id));
        let shown = finding.proofs.iter().map(|p| p.at);
        let first = starts.chain(shown.clone()).map(|at| self.trace.time(at)).min();
        let last = ends.chain(shown).map(|at| self.trace.time(at)).max();
        Affected {
            connections: ids.len() as u64,
            of: of as u64,
            ids: ids.iter().take(MAX_IDS).map(|id| id.0 + 1).collect(),
            by_real_server,
            first_seen: first.map(rfc3339),
            last_seen: last.map(rfc3339),
        }
    }

    pub(super) fn evidence(&self, proofs: &[Proof]) -> Vec<Evidence> {
        let first = proofs.iter().map(|p| self.trace.time(p.at)).min();
        proofs
            .iter()
            .filter_map(|proof| {
                let vantage = &self.trace.vantages[proof.at.vantage];
                let capture = &self.trace.captures[vantage.capture];
                let (file, frame) = capture.locate(proof.at.mark.frame());
                let time = self.trace.time(proof.at);
                Some(Evidence {
                    capture: capture.files.get(file)?.path.clone(),
                    vantage: vantage.label.clone(),
                    frame: u64::from(frame),
                    time: rfc3339(time),
                    since_first_ns: first.map_or(0, |f| time.0 - f.0),
                    direction: direction(self.trace, proof.at).to_owned(),
                    note: proof.note.clone(),
                    line: None,
                    printed: None,
                })
            })
            .collect()
    }
}
