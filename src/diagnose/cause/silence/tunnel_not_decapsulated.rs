//! Packets reach a real server in the balancer's tunnel and do not come out of it.
//!
//! ICMP unreachable from the real server, about the tunnel's packet, says so itself. Without it a
//! capture of all its interfaces shows packets that arrive in the tunnel and none on
//! the tunnel's interface; a filter on the capture could hide those, so it is certain
//! only by ICMP, and likely where another real server's capture shows both.

use crate::diagnose::cause::{by_address, needs_mode, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::facts::way::tunnel_ends::{Closed, proofs, wrapped};
use crate::diagnose::facts::{each_once, way::tunnel_ends};
use crate::diagnose::words::commands::tunnel::End;
use crate::diagnose::words::{agree, count, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::Tunnel;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered", "icmp-unreachable"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<ServiceId, BTreeMap<HostId, Closed>> = BTreeMap::new();
    let refused = tunnel_ends::refused(facts);
    if !refused.is_empty() {
        for (id, c) in facts.requests().filter(|(id, _)| facts.service(*id).mode == Mode::Tun) {
            // Whom no answer names is told by where the tunnel ends.
            let ends = || refused.keys().copied().find(|host| wrapped(facts, id, *host).is_some());
            let host = facts.server(id).and_then(|s| s.host).or_else(ends);
            let host = host.filter(|_| c.outcome.failed());
            if let Some((host, at)) = host.and_then(|h| refused.get_key_value(&h)) {
                let set = sets.entry(facts.service_of(id)).or_default();
                let closed = set.entry(*host).or_default();
                closed.told = Some(*at);
                closed.ids.push(id);
            }
        }
    }
    for silent in facts.silences().iter().filter(|s| s.why() == WhySilent::ClosedTunnel) {
        let closed = sets.entry(silent.service).or_default().entry(silent.host).or_default();
        closed.ids.extend(&silent.ids);
        closed.ids.sort_unstable();
        closed.ids.dedup();
    }
    let findings = sets.iter().map(|(service, set)| finding(facts, *service, set)).collect();
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Tun]) {
            return other;
        }
        let answered = |(id, c): (ConnectionId, &crate::correlate::Connection)| {
            facts.service(id).mode == Mode::Tun && (c.progress.answered || c.progress.established)
        };
        Detection::clean_if(
            facts.requests().any(answered),
            "no real server's own capture shows the inside of the tunnel; capture there with 'tcpdump -i any'",
        )
    })
}

/// Whether another real server's capture shows packets come out of the tunnel.
fn opens_elsewhere(facts: &Facts, service: ServiceId) -> bool {
    facts.requests_to(service).any(|(id, _)| {
        let host = facts.server(id).and_then(|s| s.host);
        host.is_some_and(|host| tunnel_ends::opened(facts, id, host).is_some())
    })
}

fn finding(facts: &Facts, service: ServiceId, set: &BTreeMap<HostId, Closed>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let mut hosts: Vec<HostId> = set.keys().copied().collect();
    by_address(facts, &mut hosts);
    let who = names.hosts(&hosts);
    let ids: Vec<ConnectionId> = each_once(set.values().flat_map(|c| c.ids.iter().copied()));
    let told = set.values().filter(|c| c.told.is_some()).count();
    let all_told = told == set.len();
    let how = if told > 0 {
        "answers them with ICMP unreachable: it has no end of that tunnel that is up, or a firewall rejects its protocol"
    } else {
        "shows nothing of them on any other interface: the tunnel has no end there that is up, or a firewall drops its protocol"
    };
    let verb = agree(hosts.len(), "does", "do");
    let title = format!("{who} {verb} not accept the director's tunnel");
    let explanation = format!(
        "Packets for {} arrive at {who} in the director's tunnel. The real server {how}. {} lost there ({}).",
        s.name(),
        share(facts, service, &ids, "are"),
        count(hosts.len(), "real server"),
    );
    let mut finding = Finding::cause("tunnel-not-decapsulated", title, explanation);
    finding.severity = severity(facts, &ids);
    if !all_told {
        finding.confidence =
            if opens_elsewhere(facts, service) { Confidence::Likely } else { Confidence::Possible };
        finding.candidate("rp-filter-drop", "then 'tcpdump -ni tunl0' on the real server does show the packets, and TcpExtIPReversePathFilter grows");
        finding.candidate(
            "rs-missing-vip",
            "then 'tcpdump -ni tunl0' shows them too, and the VIP is on no interface",
        );
    }
    let kind = set.iter().find_map(|(host, closed)| {
        closed.ids.iter().find_map(|id| tunnel_ends::kind(facts, *id, *host))
    });
    let end = End::of(s.vip, kind.unwrap_or(Tunnel::Ip));
    // Another director's tunnel has another source.
    let director = match s.directors.as_slice() {
        [only] => names.address(only.host),
        _ => None,
    };
    for host in &hosts {
        let server = names.place(*host);
        finding.confirm(server.clone(), end.shown(), format!("{} is missing or DOWN: that is it; a rule that counts the tunnel's packets: it is that rule", end.device()));
        finding.fixes.push(end.opened(&server));
        finding.fixes.push(end.let_in(&server, director).or());
    }
    finding.proofs = proofs(facts, set, &hosts);
    finding.concerning(names.subjects(Role::RealServer, &hosts), ids)
}
