//! The director's health checks of one real server get no answer, so it is out of the
//! pool and gets no connection.
//!
//! A firewall that drops the checks' source leaves no other trace than silence, which a
//! program that hangs leaves as well; one that is not there refuses. So it is likely at
//! most, and only where checks of another real server are answered, by frames of the
//! real server itself or the director.

use crate::diagnose::cause::clean_in;
use crate::diagnose::facts::silence::own_checks::checks;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::commands::netfilter::let_in;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::count;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity, Subject};
use crate::topology::{HostId, Mode, Role, Service};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "health-check-failing", "scheduler-imbalance"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let balanced = |s: &&Service| !s.is_backend && Mode::LAYER_4.contains(&s.mode);
    let services: Vec<&Service> = facts.topology.services.iter().filter(balanced).collect();
    let mut findings = Vec::new();
    if !services.is_empty() {
        let checks = checks(facts, &services);
        for ((director, ip, port), silent) in &checks.silent {
            let answered = |(d, _, p): &(HostId, Ip, u16)| (d, p) == (director, port);
            let other = checks.answered.keys().find(|key| answered(key) && key.1 != *ip);
            if silent.len() >= NO_COINCIDENCE
                && let Some(other) = other
                && !checks.answered.contains_key(&(*director, *ip, *port))
                && is_neighbour(facts, *ip)
                && !is_used(facts, *ip)
            {
                findings.push(finding(facts, (*director, *ip, *port), silent, other.1));
            }
        }
    }
    findings.extend(super::blocked_checks::findings(facts));
    Detection::from(findings, || clean_in(facts, &Mode::LAYER_4))
}

/// Whether an address is a host's of the real servers' link, by ARP or neighbour
/// discovery: what a director calls elsewhere is no check.
fn is_neighbour(trace: &Trace, ip: Ip) -> bool {
    trace.host_by_ip(ip).is_some_and(|host| trace.topology.hosts.claims_ip(host, ip))
}

/// Whether clients' connections go to a real server all the same.
fn is_used(trace: &Trace, ip: Ip) -> bool {
    let host = trace.host_by_ip(ip);
    trace.topology.services.iter().filter(|s| Mode::LAYER_4.contains(&s.mode)).any(|s| {
        s.real_servers.iter().any(|r| r.address == Some(ip) || host.is_some() && r.host == host)
    })
}

fn finding(
    trace: &Trace,
    (director, ip, port): (HostId, Ip, u16),
    silent: &[ConnectionId],
    other: Ip,
) -> Finding {
    let names = Names(trace);
    let server = trace.host_by_ip(ip);
    let own = |id: &&ConnectionId| {
        trace.legs(**id).iter().any(|leg| server.is_some() && trace.host_of(leg) == server)
    };
    let delivered = silent.iter().any(|id| own(&id));
    let source = trace.connection(silent[0]).front.client.0;
    let title = format!("{ip} answers none of its health checks, and gets no connection");
    let place = if delivered { "They arrive there" } else { "They leave the director" };
    let explanation = format!(
        "{} connected {} to {}, and no SYN was answered, while {other} answers its checks. {place}, and neither a SYN-ACK nor a refusal comes back: a firewall that drops the checks' source {source}, or a program that hangs. Meanwhile the director sends {ip} no connection.",
        names.full(director),
        count(silent.len(), "time"),
        ip.with_port(port),
    );
    let sure = if delivered { Confidence::Likely } else { Confidence::Possible };
    let mut finding = Finding::cause("healthcheck-source-blocked", title, explanation)
        .rated(Severity::Warning, sure)
        .naming_checks();
    let mut candidates = vec![(
        "accept-queue-overflow",
        "then the program hangs and its queue is full: 'ss -ltn' shows Recv-Q beyond Send-Q",
    )];
    if !delivered {
        candidates.push(("packet-loss", "then the SYNs do not arrive at the real server"));
    }
    for (id, tell_apart) in candidates {
        finding.candidate(id, tell_apart.to_owned());
    }
    let tables = crate::diagnose::words::tables(ip);
    finding.confirm(ip.to_string(), format!("{tables} -L INPUT -nv; nft list ruleset; ss -ltn 'sport = :{port}'; ip route get {source}"), "a rule that counts with every check, or a route to the checks' source by another interface");
    finding.fixes.push(step::safe(ip.to_string(), [let_in(ip, Some(source), port)]));
    let shown = silent.iter().find(own).or_else(|| silent.first());
    let leg = shown.and_then(|id| {
        let legs = trace.legs(*id);
        legs.iter().find(|leg| trace.host_of(leg) == server).or_else(|| legs.first())
    });
    if let Some(leg) = leg {
        let there = trace.forward(leg);
        let proof: Option<Proof> = trace.proof(leg, there.syn, "a check that nothing answers");
        finding.proofs.extend(proof);
    }
    let last = silent.iter().rev().find(own).or_else(|| silent.last());
    let last = last.filter(|id| shown != Some(*id)).and_then(|id| {
        let legs = trace.legs(*id);
        legs.iter().find(|leg| trace.host_of(leg) == server).or_else(|| legs.first())
    });
    if let Some(leg) = last {
        finding.proofs.extend(trace.proof(leg, trace.forward(leg).syn, "and another, later"));
    }
    let host = server.map(|h| names.subject(Role::RealServer, h));
    finding.subjects =
        vec![Subject { address: Some(ip), role: Role::RealServer, ..host.unwrap_or_default() }];
    finding.subjects.push(names.subject(Role::Director, director));
    finding.connections = silent.to_vec();
    finding
}
