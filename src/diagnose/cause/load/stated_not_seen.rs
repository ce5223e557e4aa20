//! What the director said of a service, and what the captures show of it, where
//! the two differ.
//!
//! Looks only where a state belongs to the one director that forwarded the
//! service, or to a host that owns its VIP. A state is from another moment than
//! the captures, so a difference is a fact about both, not yet a fault; only a
//! server that should have had its share and got nothing is one.

use crate::diagnose::thresholds::{NO_COINCIDENCE, STATED_NOT_SEEN_MIN_SHARE};
use crate::diagnose::words::{count, list};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Kind, Names, Proof, Severity, Subject,
};
use crate::state::{Forwarding, Front, MatchedState, StatedServer, StatedService};
use crate::topology::{HostId, Mode, RealServer, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Said, Trace};
use std::collections::BTreeSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

const ID: &str = "stated-not-seen";
/// Schedulers that give every idle server its turn. Others (sed, nq, fo, ovf,
/// lblc, dh) may rightly leave one out.
const FAIR: [&str; 4] = ["rr", "wrr", "lc", "wlc"];
/// Schedulers that choose by the client's address.
const BY_CLIENT: [&str; 2] = ["sh", "mh"];

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

/// A service as seen and as stated by the director that forwarded it.
struct View<'a> {
    trace: &'a Trace,
    service: &'a Service,
    director: HostId,
    said: Said<'a, &'a StatedService>,
    ids: Vec<ConnectionId>,
}

/// Which stated server a seen one is.
enum Place {
    Stated(usize),
    None,
    /// Its address is not known.
    Unknown,
}

impl<'a> View<'a> {
    fn of(facts: &'a Facts<'_>, id: ServiceId, service: &'a Service) -> Option<Self> {
        let [director] = &service.directors[..] else { return None };
        let said = facts.stated_service(director.host, service)?;
        let ids: Vec<ConnectionId> = facts.requests_to(id).map(|(id, _)| id).collect();
        (!ids.is_empty()).then_some(Self {
            trace: facts.trace,
            service,
            director: director.host,
            said,
            ids,
        })
    }

    fn place(&self, seen: &RealServer) -> Place {
        let stated = &self.said.value.servers;
        let host_of = |s: &StatedServer| self.trace.host_of_stated(self.said.state, s.address);
        let same = |s: &StatedServer| {
            seen.address == Some(s.address)
                || seen.host.is_some_and(|host| host_of(s) == Some(host))
        };
        if let Some(at) = stated.iter().position(same) {
            return Place::Stated(at);
        }
        // A server that is known by its MAC alone may be any that is not known.
        let open = seen.address.is_none() && stated.iter().any(|s| host_of(s).is_none());
        if open || (seen.address.is_none() && seen.host.is_none()) {
            Place::Unknown
        } else {
            Place::None
        }
    }

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
        let service = self.said.value;
        let methods: Vec<(Forwarding, &StatedServer)> = service
            .servers
            .iter()
            .filter_map(|s| Some((service.method_of(s)?, s)))
            .filter(|(m, _)| *m != Forwarding::Local)
            .collect();
        let fits = |m: Forwarding| match m {
            Forwarding::Masquerading => matches!(self.service.mode, Mode::Nat | Mode::FullNat),
            Forwarding::Direct => self.service.mode == Mode::Dr,
            Forwarding::Tunnel(_) => self.service.mode == Mode::Tun,
            Forwarding::FullNat => self.service.mode == Mode::FullNat,
            Forwarding::Local => true,
        };
        let (first, server) = *methods.first()?;
        if methods.iter().any(|(m, _)| fits(*m)) {
            return None;
        }
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
        let stated = self.said.value;
        let mut got = vec![0usize; stated.servers.len()];
        let mut unknown = 0;
        for id in &self.ids {
            match self.trace.server(*id).map(|s| self.place(s)) {
                Some(Place::Stated(at)) => got[at] += 1,
                Some(Place::None) => {}
                Some(Place::Unknown) | None => unknown += 1,
            }
        }
        let known: usize = got.iter().sum();
        if unknown * 10 > known {
            return None;
        }
        let weight = |s: &StatedServer| match stated.method_of(s) {
            Some(Forwarding::Local) => 0,
            _ => s.weight.unwrap_or(0) as usize,
        };
        let total: usize = stated.servers.iter().map(weight).sum();
        let chances = self.chances(known);
        let idle: Vec<&StatedServer> = stated
            .servers
            .iter()
            .zip(&got)
            .filter(|(s, n)| {
                **n == 0
                    && weight(s) > 0
                    && chances * weight(s) / total.max(1) >= STATED_NOT_SEEN_MIN_SHARE
            })
            .map(|(s, _)| s)
            .collect();
        let first = idle.first()?;
        let who: Vec<String> = idle.iter().map(|s| s.address.to_string()).collect();
        let name = self.service.name();
        let mut finding = self.finding(
            format!("{} got none of {} to {name}", list(&who), count(known, "connection")),
            format!(
                "{} states {} with a weight of {}, yet all {known} connections whose server shows went to others.",
                self.said.state.place(first.at),
                list(&who),
                weight(first)
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

    /// How often the scheduler had to choose, as far as a choice is free.
    fn chances(&self, known: usize) -> usize {
        let stated = self.said.value;
        let scheduler = stated.scheduler.as_deref().unwrap_or("");
        let clients: BTreeSet<_> =
            self.ids.iter().map(|id| self.trace.connection(*id).front.client.0).collect();
        if stated.persistence.is_some() || BY_CLIENT.contains(&scheduler) {
            clients.len().min(known)
        } else if FAIR.contains(&scheduler) {
            known
        } else {
            0
        }
    }

    /// Servers that got connections and are in no table of the director.
    fn unnamed(&self) -> Option<Finding> {
        // What was not followed may name it.
        if self.said.value.configured && self.said.state.partial {
            return None;
        }
        let seen: Vec<&RealServer> = self
            .service
            .real_servers
            .iter()
            .filter(|s| s.connections > 0 && matches!(self.place(s), Place::None))
            .collect();
        if seen.is_empty() {
            return None;
        }
        let of = |id: &ConnectionId| self.trace.server(*id).is_some_and(|s| seen.contains(&s));
        let ids: Vec<ConnectionId> = self.ids.iter().copied().filter(of).collect();
        if ids.is_empty() {
            return None;
        }
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
