//! A host that states a service with its VIP on an interface, while others were seen to
//! serve it: the second form of `stated-not-seen`.

use crate::diagnose::facts::telling;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::{self, count, list};
use crate::diagnose::{Facts, Finding, Kind, Names, Proof, Severity};
use crate::state::{Front, MatchedState};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::ConnectionId;

/// A host that states a service with its VIP on an interface, while others were
/// seen to serve it.
pub(in crate::diagnose) fn elsewhere(facts: &Facts, matched: &MatchedState) -> Vec<Finding> {
    let mut findings = Vec::new();
    for stated in &matched.state.services {
        let Front::Address { vip, port, protocol } = stated.front else { continue };
        // A backup director has the table and not the address; a DR real server
        // has the address on lo.
        let mut interfaces = matched.state.interfaces.iter().filter(|i| i.name != "lo");
        let owns = interfaces.any(|i| i.addresses.iter().any(|a| a.ip == vip));
        if !owns || !stated.servers.iter().any(|s| s.weight != Some(0)) {
            continue;
        }
        for (i, service) in facts.topology.services.iter().enumerate() {
            let same = (service.vip, service.protocol) == (vip, protocol)
                && (port == 0 || service.port == port);
            let others = service.directors.iter().all(|d| !matched.hosts.contains(&d.host));
            let balanced = !matches!(service.mode, Mode::Unknown | Mode::Proxy);
            if !same || !others || !balanced || service.directors.is_empty() || service.is_backend {
                continue;
            }
            let ids: Vec<ConnectionId> =
                facts.requests_to(ServiceId(i as u32)).map(|(id, _)| id).collect();
            if ids.len() < NO_COINCIDENCE {
                continue;
            }
            let names = Names(facts);
            let who: Vec<String> = matched.hosts.iter().map(|h| names.host(*h)).collect();
            let by: Vec<String> = service.directors.iter().map(|d| names.host(d.host)).collect();
            let title =
                format!("{} states {} and was not seen to forward it", list(&who), service.name());
            let explanation = format!(
                "{} states the service and the host has its VIP, yet {} forwarded all {}. A state is as old as its file: compare the times.",
                matched.state.place(stated.at),
                list(&by),
                count(ids.len(), "connection")
            );
            let mut finding = Finding::cause("stated-not-seen", title, explanation);
            finding.kind = Kind::Note;
            finding.severity = Severity::Info;
            finding.subjects = names.subjects(Role::Host, &matched.hosts);
            finding.subjects.push(words::service_subject(service));
            finding.proofs = telling(facts, &ids)
                .and_then(|id| facts.start(id))
                .map(|at| Proof::at(at, "one of these connections"))
                .into_iter()
                .collect();
            finding.connections = ids;
            findings.push(finding);
        }
    }
    findings
}
