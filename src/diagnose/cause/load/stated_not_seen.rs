//! What the director said of a service, and what the captures show of it, where
//! the two differ.
//!
//! Looks only where a state belongs to the one director that forwarded the
//! service, or to a host that owns its VIP. A state is from another moment than
//! the captures, so a difference is a fact about both, not yet a fault; only a
//! server that should have had its share and got nothing is one.

use crate::diagnose::facts::stated_views::{Idle, View};
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::{count, list};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Kind, Names, Proof, Severity, Subject,
};
use crate::state::{Forwarding, Front, MatchedState};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

const ID: &str = "stated-not-seen";
pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    if facts.states.is_empty() {
        return Detection::Unchecked(
            "nothing was given to compare with; save 'ipvsadm -Sn' and 'ip addr' of the director and add --host-state"
                .to_owned(),
        );
    }
    let mut findings = Vec::new();
    let mut looked = false;
    for (i, service) in facts.topology.services.iter().enumerate() {
        let modes = [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat];
        if service.is_backend || !modes.contains(&service.mode) {
            continue;
        }
        let Some(view) = View::of(facts, ServiceId(i as u32), service) else { continue };
        looked = true;
        findings.extend(view.other_mode());
        findings.extend(view.unused());
        findings.extend(view.unnamed());
        findings.extend(view.another_port());
    }
    for state in facts.states.iter().filter(|m| !m.hosts.is_empty()) {
        findings.extend(elsewhere(facts, state));
    }
    Detection::from(findings, || {
        if looked {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no state is that of the one director of a service, with the service in it; save 'ipvsadm -Sn' and 'ip addr' there"
                    .to_owned(),
            )
        }
    })
}

impl View<'_> {
    fn finding(&self, title: String, explanation: String) -> Finding {
        let explanation =
            format!("{explanation} A state is as old as its file: compare the times.");
        let mut finding = Finding::cause(ID, title, explanation);
        finding.kind = Kind::Note;
        finding.severity = Severity::Info;
        finding.subjects.push(Names(self.trace).subject(Role::Director, self.director));
        finding.subjects.push(crate::diagnose::words::service_subject(self.service));
        finding
    }

    /// The first frames that leave for a real server.
    fn proofs(&self, ids: &[ConnectionId]) -> Vec<Proof> {
        let Some(id) = crate::diagnose::facts::telling(self.trace, ids) else { return Vec::new() };
        let legs = || self.trace.back_legs(id);
        let leg = legs().find(|l| self.trace.forward(l).syn.is_set()).or_else(|| legs().next());
        leg.and_then(|leg| {
            let there = self.trace.forward(leg);
            let mark = there.syn.get().unwrap_or(there.first);
            self.trace.proof(leg, mark, "one of these connections on its way to a real server")
        })
        .into_iter()
        .collect()
    }

    fn other_mode(&self) -> Option<Finding> {
        let (first, server) = self.other_method()?;
        let (name, seen) = (self.service.name(), self.service.mode.name());
        let stated = method_name(first);
        let mut finding = self.finding(
            format!("{name} is stated as {stated} and was forwarded as {seen}"),
            format!(
                "{} states {stated} for {}, and the captures show {seen} in {}.",
                self.said.state.place(server.at),
                server.address,
                count(self.ids.len(), "connection")
            ),
        );
        finding.proofs = self.proofs(&self.ids);
        finding.connections.clone_from(&self.ids);
        Some(finding)
    }

    /// Servers that get their connections on a port that is not the stated one.
    fn another_port(&self) -> Option<Finding> {
        let (seen, server, ids) = self.other_port()?;
        let (port, got) = (self.port_of(server), seen.first()?.port);
        let mut finding = self.finding(
            format!(
                "{} is stated with port {port} and got {} on port {got}",
                server.address,
                count(ids.len(), "connection")
            ),
            format!(
                "{} states {} with port {port}, and the captures show {got}.",
                self.said.state.place(server.at),
                server.address
            ),
        );
        let subjects = seen.iter().map(|s| crate::diagnose::words::server_of(s));
        finding.subjects.splice(0..0, subjects);
        finding.proofs = self.proofs(&ids);
        finding.connections = ids;
        Some(finding)
    }

    /// Stated servers with a weight that got none of many connections.
    fn unused(&self) -> Option<Finding> {
        let Idle { servers: idle, of: known } = self.idle()?;
        let first = idle.first()?;
        let who: Vec<String> = idle.iter().map(|s| s.address.to_string()).collect();
        let name = self.service.name();
        let mut finding = self.finding(
            format!("{} got none of {} to {name}", list(&who), count(known, "connection")),
            format!(
                "{} states {} with a weight of {}, yet all {known} connections whose server shows went to others.",
                self.said.state.place(first.at),
                list(&who),
                first.weight.unwrap_or(0)
            ),
        );
        finding.kind = Kind::Cause;
        finding.severity = Severity::Warning;
        finding.confidence = Confidence::Likely;
        finding.subjects = idle
            .iter()
            .map(|s| Subject {
                role: Role::RealServer,
                address: Some(s.address),
                mac: None,
                port: Some(if s.port == 0 { self.service.port } else { s.port }),
            })
            .chain(std::mem::take(&mut finding.subjects))
            .collect();
        finding.confirm(format!("the director {}", Names(self.trace).host(self.director)), format!("ipvsadm -Ln --stats; journalctl -u keepalived | grep -F {}", who[0]), "a weight of 0 or a server that was removed and added again by its health check while the capture ran explains it");
        finding.proofs = self.proofs(&self.ids);
        finding.connections.clone_from(&self.ids);
        Some(finding)
    }

    /// Servers that got connections and are in no table of the director.
    fn unnamed(&self) -> Option<Finding> {
        let (seen, ids) = self.strangers()?;
        let subjects: Vec<Subject> =
            seen.iter().map(|s| crate::diagnose::words::server_of(s)).collect();
        let who = crate::diagnose::words::names(&subjects);
        let mut finding = self.finding(
            format!(
                "{who} got {} and the director does not state it",
                count(ids.len(), "connection")
            ),
            format!(
                "{} states {} for {}, and {who} is none of them.",
                self.said.place(),
                count(self.said.value.servers.len(), "real server"),
                self.service.name()
            ),
        );
        finding.subjects.splice(0..0, subjects);
        finding.proofs = self.proofs(&ids);
        finding.connections = ids;
        Some(finding)
    }
}

fn method_name(method: Forwarding) -> &'static str {
    match method {
        Forwarding::Masquerading => "nat (-m)",
        Forwarding::Direct => "dr (-g)",
        Forwarding::Tunnel(_) => "tun (-i)",
        Forwarding::Local => "local",
        Forwarding::FullNat => "fullnat (-b)",
    }
}

/// A host that states a service with its VIP on an interface, while others were
/// seen to serve it.
fn elsewhere(facts: &Facts, matched: &MatchedState) -> Vec<Finding> {
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
            let mut finding = Finding::cause(ID, title, explanation);
            finding.kind = Kind::Note;
            finding.severity = Severity::Info;
            finding.subjects =
                matched.hosts.iter().map(|h| names.subject(Role::Host, *h)).collect();
            finding.subjects.push(crate::diagnose::words::service_subject(service));
            finding.proofs = crate::diagnose::facts::telling(facts, &ids)
                .and_then(|id| facts.start(id))
                .map(|at| Proof { at, note: "one of these connections".to_owned() })
                .into_iter()
                .collect();
            finding.connections = ids;
            findings.push(finding);
        }
    }
    findings
}
