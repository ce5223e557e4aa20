//! Two directors that are each other's real servers balance one packet again and again.
//!
//! A packet that goes to and fro between two hosts has other causes as well: a real
//! server without the VIP sends it back by its gateway. Here both ends are known to be
//! more than that: each serves the VIP itself, speaks VRRP, or sends other connections
//! of the service on.

use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::ping_pong::pair;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{list, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::flow::IcmpErrorKind;
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["routing-loop", "syn-unanswered", "icmp-unreachable"];

/// Connections that went round and are looked at: each asks for all others.
const MAX_LOOPED: usize = 256;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let looped = facts.topology.routes.looped.iter().map(|i| ConnectionId(*i)).take(MAX_LOOPED);
    let hit = looped.filter(|id| facts.ordinary(*id).is_none() && pair(facts, *id).is_some());
    let mut findings = Vec::new();
    for (service, ids) in by_service(facts, hit) {
        let mut pairs: BTreeMap<(HostId, HostId), Vec<ConnectionId>> = BTreeMap::new();
        for id in ids {
            if let Some(pair) = pair(facts, id) {
                pairs.entry(pair).or_default().push(id);
            }
        }
        findings.extend(pairs.into_iter().map(|(pair, ids)| finding(facts, service, pair, ids)));
    }
    Detection::from(findings, || {
        let services = facts.topology.services.iter().filter(|s| !s.is_backend);
        let captured = |h| facts.is_captured(h);
        Detection::clean_if(
            services.flat_map(|s| &s.directors).any(|d| captured(d.host)),
            "no director was captured; a packet that returns to it shows in its own capture",
        )
    })
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    (a, b): (HostId, HostId),
    ids: Vec<ConnectionId>,
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    // By address: hosts are numbered in the order of the captures.
    let mut pair = [a, b];
    pair.sort_by_key(|h| (names.address(*h), facts.topology.hosts.get(*h).macs.first().copied()));
    let who = list(&pair.iter().map(|h| names.full(*h)).collect::<Vec<_>>());
    let title = format!("{who} send packets for {} to each other", s.vip);
    let explanation = format!(
        "Both are director and real server of {}. What one of them chooses the other for is balanced there once more, and may come back: one packet goes to and fro until its TTL is used up, {} no further.",
        s.name(),
        share(facts, service, &ids, "got")
    );
    let mut finding = Finding::cause("director-ping-pong", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    let told = telling(facts, &ids).unwrap_or(ids[0]);
    finding.proofs = proofs(facts, told);
    for host in pair {
        let server = names.place(host);
        finding.confirm(
            server.clone(),
            "ipvsadm -Ln; ipvsadm -l --daemon; sysctl net.ipv4.vs.backup_only",
            "each lists the other as a real server, and balances what comes from it",
        );
        finding.fixes.push(
            sysctl::change(server, &[("net.ipv4.vs.backup_only", "1", "0")])
                .because("works where the sync daemon runs as backup ('ipvsadm --start-daemon backup', lvs_sync_daemon in keepalived.conf)"),
        );
    }
    finding.concerning(names.subjects(Role::Director, &pair), ids)
}

/// Passes of one packet that are shown.
const SHOWN: usize = 4;

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let most = trace.legs(id).iter().max_by_key(|leg| trace.path(leg, trace.forward(leg)).count());
    if let Some(leg) = most {
        for (link, hop) in trace.path(leg, trace.forward(leg)).take(SHOWN) {
            let text = |mac: Option<crate::wire::Mac>| mac.map_or("?".into(), |m| m.to_string());
            let (from, to) = (text(hop.link.src), text(hop.link.dst));
            let note = format!("the same packet, {from} > {to}, TTL {}", hop.ttl);
            proofs.extend(trace.proof(leg, link.first, note));
        }
    }
    let expired = trace.errors_of(id).find(|(_, e)| e.kind == IcmpErrorKind::TimeExceeded);
    proofs.extend(expired.map(|(vantage, error)| {
        Proof::on(
            vantage,
            error.mark,
            format!("ICMP time exceeded from {}: its TTL ran out", error.src),
        )
    }));
    proofs
}
