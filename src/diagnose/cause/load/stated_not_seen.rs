//! What the director said of a service, and what the captures show of it, where
//! the two differ.
//!
//! Looks only where a state belongs to the one director that forwarded the
//! service, or to a host that owns its VIP. A state is from another moment than
//! the captures, so a difference is a fact about both, not yet a fault; only a
//! server that should have had its share and got nothing is one.

use super::stated_elsewhere::elsewhere;
use crate::diagnose::facts::load::stated_views::{Idle, View};
use crate::diagnose::facts::telling;
use crate::diagnose::words::{self, count, list};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Kind, Names, Proof, Severity, Subject,
};
use crate::state::Forwarding;
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

const ID: &str = "stated-not-seen";
pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    if facts.states.is_empty() {
        return Detection::unchecked(
            "nothing was given to compare with; save 'ipvsadm -Sn' and 'ip addr' of the director and add --host-state",
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
        findings.extend(view.other_port());
        findings.extend(view.unused());
        findings.extend(view.unnamed());
    }
    for state in facts.states.iter().filter(|m| !m.hosts.is_empty()) {
        findings.extend(elsewhere(facts, state));
    }
    Detection::from(findings, || {
        Detection::clean_if(
            looked,
            "no state is that of the one director of a service, with the service in it; save 'ipvsadm -Sn' and 'ip addr' there",
        )
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
        finding.subjects.push(words::service_subject(self.service));
        finding
    }

    /// The first frames that leave for a real server.
    fn proofs(&self, ids: &[ConnectionId]) -> Vec<Proof> {
        let Some(id) = telling(self.trace, ids) else { return Vec::new() };
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

    fn other_port(&self) -> Option<Finding> {
        let other = self.other_ports();
        let (first, server) = *other.first()?;
        let of = |id: &ConnectionId| {
            self.trace.server(*id).is_some_and(|s| other.iter().any(|(seen, _)| *seen == s))
        };
        let ids: Vec<ConnectionId> = self.ids.iter().copied().filter(of).collect();
        if ids.is_empty() {
            return None;
        }
        let subjects: Vec<Subject> = other.iter().map(|(seen, _)| words::server_of(seen)).collect();
        let who: Vec<String> = other.iter().map(|(_, s)| s.address.to_string()).collect();
        let (said, went) = (self.port_of(server), first.port);
        let mut finding = self.finding(
            format!(
                "{} got {} on port {went} and the director states port {said}",
                list(&who),
                count(ids.len(), "connection")
            ),
            format!(
                "{} states {} for {}, and the captures show that it was sent to port {went}. Whoever tests or mends by the table looks at another port than clients reach.",
                self.said.state.place(server.at),
                server.address.with_port(said),
                self.service.name()
            ),
        );
        finding.subjects.splice(0..0, subjects);
        finding.proofs = self.proofs(&ids);
        finding.connections = ids;
        Some(finding)
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
        let subjects: Vec<Subject> = seen.iter().map(|s| words::server_of(s)).collect();
        let who = words::names(&subjects);
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
        let gone =
            seen.first().and_then(|s| s.address).map_or_else(String::new, |ip| ip.to_string());
        finding.confirm(
            Names(self.trace).director(self.service),
            format!("ipvsadm -Lnc | grep -wF {gone}; ipvsadm -Sn | grep -wF {gone}; sysctl net.ipv4.vs.expire_nodest_conn"),
            "entries in the first list and nothing in the second: clients that had that server are still sent there, and each packet renews their entry",
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
