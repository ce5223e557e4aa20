//! Which connections, addresses and frames an extract is about.

use super::Which;
use crate::diagnose::evidence;
use crate::diagnose::{Diagnosis, Finding};
use crate::flow::VantageId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{HashMap, HashSet};

/// Connections that are taken where not all were asked for.
const MAX_CONNECTIONS: usize = 50;

/// What was chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    /// What the extract is of.
    pub title: String,
    /// Those whose frames are taken.
    pub connections: Vec<ConnectionId>,
    /// Connections beyond the cap.
    pub left: usize,
    /// Frames that are taken whatever they belong to, by vantage and number.
    pub proofs: HashSet<(VantageId, u32)>,
    /// What frames prove, of all findings, by vantage and number.
    pub comments: HashMap<(VantageId, u32), Vec<String>>,
    /// Addresses whose ARP, neighbour discovery and VRRP belong to it.
    pub addresses: HashSet<Ip>,
}

impl Chosen {
    /// `None` where there is no such finding.
    pub(super) fn new(
        trace: &Trace,
        diagnosis: &Diagnosis,
        which: Which<'_>,
        all: bool,
    ) -> Option<Self> {
        let mut chosen = Self {
            title: String::new(),
            connections: Vec::new(),
            left: 0,
            proofs: HashSet::new(),
            comments: comments(trace, &diagnosis.findings),
            addresses: HashSet::new(),
        };
        match which {
            Which::Connections(ids) => {
                chosen.title = match ids {
                    [one] => format!("connection {}", one.0 + 1),
                    _ => format!("{} connections", ids.len()),
                };
                chosen.connections = ids.to_vec();
            }
            Which::Finding(index) => {
                let finding = diagnosis.findings.get(index)?;
                chosen.title = format!("finding {}, {}: {}", index + 1, finding.id, finding.title);
                chosen.take(finding);
                let explained = finding.explains.iter();
                for other in explained.filter_map(|i| diagnosis.findings.get(*i)) {
                    chosen.take(other);
                }
                chosen.connections = proven_first(trace, &diagnosis.findings, index);
            }
        }
        if !all {
            chosen.left = chosen.connections.len().saturating_sub(MAX_CONNECTIONS);
            chosen.connections.truncate(MAX_CONNECTIONS);
        }
        chosen.surroundings(trace);
        Some(chosen)
    }

    fn take(&mut self, finding: &Finding) {
        self.proofs.extend(finding.proofs.iter().map(|p| (p.at.vantage, p.at.mark.frame())));
        self.addresses.extend(&finding.addresses);
        self.addresses.extend(finding.subjects.iter().filter_map(|s| s.address));
    }

    /// The addresses of all who take part: what they say of them tells who is who.
    fn surroundings(&mut self, trace: &Trace) {
        for id in &self.connections {
            for leg in trace.legs(*id) {
                self.addresses.extend(leg.of(&trace.vantages).key.ips);
            }
            let route = trace.route(*id);
            let steps = route.forward.iter().chain(&route.back);
            for host in steps.flat_map(|step| [step.from, step.to]).flatten() {
                self.addresses.extend(&trace.topology.hosts.get(host).ips);
            }
            for director in &trace.service(*id).directors {
                self.addresses.extend(&trace.topology.hosts.get(director.host).ips);
            }
        }
    }
}

/// The connections of a finding, those that hold its evidence first. A symptom of an
/// address has none; those of the cause that explains it show what it does.
fn proven_first(trace: &Trace, findings: &[Finding], index: usize) -> Vec<ConnectionId> {
    let Some(finding) = findings.get(index) else { return Vec::new() };
    let mut ids: Vec<ConnectionId> = evidence::proven(trace, finding).into_iter().collect();
    let mut concerned: Vec<ConnectionId> = finding.connections.clone();
    concerned.extend(evidence::concerned(trace, finding));
    if concerned.is_empty() {
        let causes = findings.iter().filter(|f| f.explains.contains(&index));
        concerned.extend(causes.flat_map(|cause| evidence::concerned(trace, cause)));
    }
    ids.extend(concerned);
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    ids
}

/// One comment a proof, as a reader of a single frame needs it.
fn comments(trace: &Trace, findings: &[Finding]) -> HashMap<(VantageId, u32), Vec<String>> {
    let mut all: HashMap<(VantageId, u32), Vec<String>> = HashMap::new();
    for (n, finding) in findings.iter().enumerate() {
        for proof in &finding.proofs {
            let vantage = &trace.vantages[proof.at.vantage.index()];
            let (_, frame) = trace.captures[vantage.capture].locate(proof.at.mark.frame());
            let text = format!(
                "finding {}, {}: {} ({} #{frame})",
                n + 1,
                finding.id,
                proof.note,
                vantage.label
            );
            all.entry((proof.at.vantage, proof.at.mark.frame())).or_default().push(text);
        }
    }
    all
}
