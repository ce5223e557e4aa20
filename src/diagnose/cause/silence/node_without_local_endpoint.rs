//! A node of a cluster gets connections of a service of which it has no pod, and drops
//! them: `externalTrafficPolicy: Local`, and a balancer that does not ask the node.
//!
//! Silence alone is `rs-silent`. What makes it this is the node's own word on its
//! health-check port: status 503 with no local endpoint. It is certain where its capture
//! shows the SYNs come in and another node, which says 200 on the same port, serves them.
//! Without that word it is possible at most, and said only of node ports that another
//! node serves, where no balancer is seen whose real server the node could be.

use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::local_endpoints::{Endpoint, NODE_PORTS, Nodes, is_dropped};
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
    let shown = host.and_then(|h| ids.iter().find_map(|id| came(facts, *id, h)));
    // Another node, of the same health port: one service.
    let others = nodes.with.iter().filter(|((other, p), _)| *other != ip && Some(*p) == health);
    let other = others
        .filter(|((other, _), _)| {
            let host = facts.host_by_ip(*other);
            host.is_some_and(|h| served.contains(&(h, port)))
        })
        .map(|((other, _), at)| (*other, *at))
        .next();
    let title = match health {
        Some(_) => {
            format!("the node {ip} drops connections to {}: it has no pod of the service", s.name())
        }
        None => {
            format!("the node {ip} drops connections to {}, which another node serves", s.name())
        }
    };
    let asked = health.map_or_else(|| "HEALTHPORT".to_owned(), |port| port.to_string());
    let elsewhere = match other {
        Some((other, _)) => format!(" {other} says 200 there and serves the same port."),
        None => String::new(),
    };
    let place = if shown.is_some() {
        "arrive at the node and nothing leaves for them"
    } else {
        "are sent to the node and nothing comes back"
    };
    let word = match health {
        Some(health) => format!(
            "On its health-check port {health} the node says with status 503 that it has no local endpoint of the service: with externalTrafficPolicy Local it drops what it cannot hand to a pod of its own.{elsewhere} Whoever sends connections there does not go by that."
        ),
        None => "Another node hands on what comes to the same port. With externalTrafficPolicy Local a node without a pod of the service drops it; a firewall does the same, and the node's health-check port, which would tell, was not asked.".to_owned(),
    };
    let explanation = format!(
        "SYNs for {} {place}. {word} {} lost so.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("node-without-local-endpoint", title, explanation);
    finding.severity = severity(facts, &ids);
    // Each service has a health port of its own: this one is the port's where neither has
    // another.
    let alone = other.is_some_and(|(other, _)| {
        let host = facts.host_by_ip(other);
        served.iter().filter(|(h, _)| Some(*h) == host).count() == 1
            && nodes.without.keys().filter(|(node, _)| *node == ip).count() == 1
    });
    finding.confidence = match (health, &shown, &other) {
        (Some(_), Some(_), Some(_)) if alone => Confidence::Certain,
        (None, _, _) | (_, None, None) => Confidence::Possible,
        _ => Confidence::Likely,
    };
    if finding.confidence < Confidence::Certain {
        finding.candidate("rs-silent", "then the node has a pod of the service, or the service has externalTrafficPolicy Cluster: a firewall, or a filter of the kernel");
    }
    finding.confirm(format!("the node {ip}"), format!("iptables-save | grep 'no local endpoints'; nft list ruleset | grep -B2 -A2 {port}; curl -si http://localhost:{asked}/healthz"), "a rule that drops the service, and how many local endpoints the node counts");
    finding.confirm(
        "a host that has kubectl",
        format!("kubectl get svc -A -o wide | grep {port}; kubectl get endpointslices -A -o wide"),
        "the service of that port, its policy, and on which nodes its pods are",
    );
    let policy = |to: &str| {
        format!(
            "kubectl -n NAMESPACE patch svc NAME -p '{{\"spec\":{{\"externalTrafficPolicy\":{to}}}}}'"
        )
    };
    finding.fixes = vec![
        Fix::safe(
            "the balancer before the nodes",
            format!(
                "# health check of each node: HTTP GET /healthz, port {asked}, status 200; take out nodes that fail it"
            ),
            "Restore the health check that it had before.",
        ),
        Fix::disruptive(
            "a host that has kubectl; real servers then no longer see clients' addresses",
            policy("\"Cluster\""),
            // Set back without it, the service gets another port, which no check asks.
            policy(&format!("\"Local\",\"healthCheckNodePort\":{asked}")),
        )
        .or(),
    ];
    finding.proofs.extend(shown);
    if finding.proofs.is_empty() {
        let leg = telling(facts, &ids).and_then(|id| facts.legs(id).first());
        let syn = leg
            .and_then(|leg| facts.proof(leg, facts.forward(leg).syn, "a SYN that nothing answers"));
        finding.proofs.extend(syn);
    }
    let said = |at: At, note: String| Proof::at(at, note);
    if let Some(at) = health.and_then(|health| nodes.without.get(&(ip, health))) {
        finding.proofs.push(said(*at, format!("{ip} says 503: no local endpoint")));
    }
    if let Some((other, at)) = other {
        finding.proofs.push(said(at, format!("{other} says 200 on the same port")));
    }
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
