//! A node of a cluster gets connections of a service of which it has no pod, and drops
//! them: `externalTrafficPolicy: Local`, and a balancer that does not ask the node.
//!
//! Silence alone is `rs-silent`. What makes it this is the node's own word on its
//! health-check port: status 503 with no local endpoint. It is certain where its capture
//! shows the SYNs come in and another node, which says 200 on the same port, serves them.
//! Without that word it is possible at most, and said only of node ports that another
//! node serves, where no balancer is seen whose real server the node could be.

use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::silence::local_endpoints::{Endpoint, NODE_PORTS, Nodes, is_dropped};
use crate::diagnose::facts::telling;
use crate::diagnose::thresholds::SILENCES_MIN_SYNS;
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{HostId, Mode, Role, Service, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let nodes = facts.nodes();
    let others = node_ports(facts);
    if nodes.without.is_empty() && others.is_empty() {
        return Detection::Clean;
    }
    let mut silent: BTreeMap<(Ip, Option<u16>), Vec<ConnectionId>> = BTreeMap::new();
    let mut served: BTreeSet<(HostId, u16)> = BTreeSet::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let (ip, port) = c.front.server;
        if c.progress.answered || c.progress.established {
            if facts.service(id).mode != Mode::Unknown {
                served.extend(nodes.hosts_on(facts, id));
            }
        } else if let Some((ip, health)) = nodes.silent(facts, id, c) {
            silent.entry((ip, Some(health))).or_default().push(id);
        } else if others.iter().any(|other| other.0 != ip && other.1 == port)
            && facts.service(id).mode == Mode::Unknown
            && let Some(host) = facts.host_by_ip(ip)
            && is_dropped(facts, id, host)
            && came(facts, id, host).is_some()
        {
            silent.entry((ip, None)).or_default().push(id);
        }
    }
    let mut findings = Vec::new();
    for (node, ids) in silent {
        for (service, ids) in by_service(facts, ids.into_iter()) {
            findings.extend(finding(facts, nodes, &served, node, service, ids));
        }
    }
    Detection::from(findings, || Detection::Clean)
}

/// Ports of nodes that hand on what comes there, with the nodes.
fn node_ports(trace: &Trace) -> Vec<Endpoint> {
    let services = trace.topology.services.iter().filter(|s| s.protocol.is_tcp());
    let forwards =
        |s: &&Service| NODE_PORTS.contains(&s.port) && matches!(s.mode, Mode::Nat | Mode::FullNat);
    services.filter(forwards).map(|s| (s.vip, s.port)).collect()
}

/// Whether the host's own capture shows that the SYNs come in.
fn came(trace: &Trace, id: ConnectionId, host: HostId) -> Option<Proof> {
    trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)).find_map(|leg| {
        let own = &trace.vantage(leg).own;
        let arrived = |hop: &crate::flow::Hop| own.arrived(hop) == Some(true);
        let both = trace.vantage(leg).shows.both_ways;
        let note = "a SYN comes in at the node; nothing leaves for it";
        both.then(|| trace.proof_on(leg, trace.forward(leg), arrived, note)).flatten()
    })
}

fn finding(
    facts: &Facts,
    nodes: &Nodes,
    served: &BTreeSet<(HostId, u16)>,
    (ip, health): (Ip, Option<u16>),
    service: ServiceId,
    ids: Vec<ConnectionId>,
) -> Option<Finding> {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let all = || ids.iter().map(|id| facts.connection(*id));
    let syns: u32 = all().map(|c| u32::from(c.progress.syns)).sum();
    let port = all().next().map_or(s.port, |c| c.back.map_or(c.front.server, |b| b.server).1);
    if syns < SILENCES_MIN_SYNS {
        return None;
    }
    let host = facts.host_by_ip(ip);
    // Another node, of the same health port: one service.
    let others = nodes.with.iter().filter(|((other, p), _)| *other != ip && Some(*p) == health);
    let other = others
        .filter(|((other, _), _)| {
            let host = facts.host_by_ip(*other);
            host.is_some_and(|h| served.contains(&(h, port)))
        })
        .map(|((other, _), at)| (*other, *at))
        .next();
    let node = Node {
        ip,
        health,
        other,
        came: host.and_then(|h| ids.iter().find_map(|id| came(facts, *id, h))),
    };
    let explanation = format!("{} {} lost so.", node.told(s), share(facts, service, &ids, "are"));
    let mut finding = Finding::cause("node-without-local-endpoint", node.title(s), explanation);
    finding.severity = severity(facts, &ids);
    // Each service has a health port of its own: this one is the port's where neither has
    // another.
    let alone = other.is_some_and(|(other, _)| {
        let host = facts.host_by_ip(other);
        served.iter().filter(|(h, _)| Some(*h) == host).count() == 1
            && nodes.without.keys().filter(|(node, _)| *node == ip).count() == 1
    });
    finding.confidence = match (health, &node.came, &other) {
        (Some(_), Some(_), Some(_)) if alone => Confidence::Certain,
        (None, _, _) | (_, None, None) => Confidence::Possible,
        _ => Confidence::Likely,
    };
    if finding.confidence < Confidence::Certain {
        finding.candidate("rs-silent", "then the node has a pod of the service, or the service has externalTrafficPolicy Cluster: a firewall, or a filter of the kernel");
    }
    let asked = node.health_port();
    finding.confirm(format!("the node {ip}"), format!("iptables-save | grep 'no local endpoints'; nft list ruleset | grep -B2 -A2 {port}; curl -si http://localhost:{asked}/healthz"), "a rule that drops the service, and how many local endpoints the node counts");
    finding.confirm(
        "a host that has kubectl",
        format!("kubectl get svc -A -o wide | grep {port}; kubectl get endpointslices -A -o wide"),
        "the service of that port, its policy, and on which nodes its pods are",
    );
    finding.fixes = fixes(&asked);
    finding.proofs = node.proofs(facts, nodes, &ids);
    let host = host.map(|h| names.subject(Role::RealServer, h));
    Some(finding.concerning(
        vec![Subject {
            address: Some(ip),
            role: Role::RealServer,
            port: Some(port),
            ..host.unwrap_or_default()
        }],
        ids,
    ))
}

/// A node, and what is known of it and of the others.
struct Node {
    ip: Ip,
    /// Its health-check port, where that was asked.
    health: Option<u16>,
    /// Another node that says that it has a pod, and serves the port.
    other: Option<(Ip, At)>,
    /// A SYN that comes in at the node.
    came: Option<Proof>,
}

impl Node {
    fn title(&self, s: &Service) -> String {
        let (ip, name) = (self.ip, s.name());
        match self.health {
            Some(_) => {
                format!("the node {ip} drops connections to {name}: it has no pod of the service")
            }
            None => format!("the node {ip} drops connections to {name}, which another node serves"),
        }
    }

    fn told(&self, s: &Service) -> String {
        let place = if self.came.is_some() {
            "arrive at the node and nothing leaves for them"
        } else {
            "are sent to the node and nothing comes back"
        };
        let elsewhere = match self.other {
            Some((other, _)) => format!(" {other} says 200 there and serves the same port."),
            None => String::new(),
        };
        let word = match self.health {
            Some(health) => format!(
                "On its health-check port {health} the node says with status 503 that it has no local endpoint of the service: with externalTrafficPolicy Local it drops what it cannot hand to a pod of its own.{elsewhere} Whoever sends connections there does not go by that."
            ),
            None => "Another node hands on what comes to the same port. With externalTrafficPolicy Local a node without a pod of the service drops it; a firewall does the same, and the node's health-check port, which would tell, was not asked.".to_owned(),
        };
        format!("SYNs for {} {place}. {word}", s.name())
    }

    fn health_port(&self) -> String {
        self.health.map_or_else(|| "HEALTHPORT".to_owned(), |port| port.to_string())
    }

    fn proofs(&self, facts: &Facts, nodes: &Nodes, ids: &[ConnectionId]) -> Vec<Proof> {
        let sent = || {
            let leg = facts.legs(telling(facts, ids)?).first()?;
            facts.proof(leg, facts.forward(leg).syn, "a SYN that nothing answers")
        };
        let mut proofs: Vec<Proof> = self.came.clone().or_else(sent).into_iter().collect();
        let without = self.health.and_then(|health| nodes.without.get(&(self.ip, health)));
        proofs.extend(
            without.map(|at| Proof::at(*at, format!("{} says 503: no local endpoint", self.ip))),
        );
        proofs.extend(
            self.other
                .map(|(other, at)| Proof::at(at, format!("{other} says 200 on the same port"))),
        );
        proofs
    }
}

/// The balancer goes by the health-check port, or the service lets every node hand on.
fn fixes(health_port: &str) -> Vec<Fix> {
    let policy = |to: &str| {
        format!(
            "kubectl -n NAMESPACE patch svc NAME -p '{{\"spec\":{{\"externalTrafficPolicy\":{to}}}}}'"
        )
    };
    vec![
        Fix::safe(
            "the balancer before the nodes",
            format!(
                "# health check of each node: HTTP GET /healthz, port {health_port}, status 200; take out nodes that fail it"
            ),
            "Restore the health check that it had before.",
        ),
        Fix::disruptive(
            "a host that has kubectl; real servers then no longer see clients' addresses",
            policy("\"Cluster\""),
            // Set back without it, the service gets another port, which no check asks.
            policy(&format!("\"Local\",\"healthCheckNodePort\":{health_port}")),
        )
        .or(),
    ]
}
