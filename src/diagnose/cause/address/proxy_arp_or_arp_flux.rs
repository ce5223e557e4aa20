//! A host answers ARP for the VIP that is neither its director nor its real server: it
//! has `proxy_arp` and a route to the VIP's network on another side (RFC 1027; Linux
//! `arp_fwd_proxy`).
//!
//! What tells it from a second owner of the VIP: it answers for the addresses of other
//! hosts of the link too. Where the captures show none of these, its answer is the first
//! and packets for the VIP end there without a word, that is one possibility among
//! others. Two interfaces of one host that both answer (ARP flux) are no fault and are
//! not reported; `machines` tells them.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::disputes::{answers_for, claimants, claims, disputed};
use crate::diagnose::facts::machines::{answered_for_others, speaks_vrrp};
use crate::diagnose::symptom::vip_arp_conflict as symptom;
use crate::diagnose::thresholds::{PAIR, PROXY_ARP_OR_ARP_FLUX_MIN_ANSWERS};
use crate::diagnose::words::commands::{ip, sysctl};
use crate::diagnose::words::{count, explained, list};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity,
};
use crate::flow::{Binding, Claim, Hop};
use crate::topology::{HostId, Mode, Role, Service};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vip-arp-conflict", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let services = facts.topology.services.iter();
    let vips: BTreeSet<Ip> = services
        .filter(|s| !s.is_backend && s.vip.is_v4())
        .map(|s| s.vip)
        .filter(|vip| disputed(facts, *vip).is_some())
        .collect();
    // One host with proxy_arp answers for all VIPs of its route.
    let mut proxies: BTreeMap<(HostId, bool), Vec<Ip>> = BTreeMap::new();
    for vip in vips {
        let strangers: Vec<HostId> = claimants(facts, vip)
            .into_iter()
            .filter(|host| is_stranger(facts, *host, vip))
            .collect();
        let many = |host: &&HostId| others(facts, **host, vip).len() >= PAIR;
        let proxy = match strangers.iter().find(many) {
            Some(host) => Some((*host, true)),
            None => believed(facts, vip, &strangers).map(|host| (host, false)),
        };
        if let Some(proxy) = proxy {
            proxies.entry(proxy).or_default().push(vip);
        }
    }
    let findings =
        proxies.iter().map(|((host, many), vips)| finding(facts, *host, *many, vips)).collect();
    Detection::from(findings, || match symptom::blind(facts) {
        Some(why) => Detection::Unchecked(why),
        None => Detection::Clean,
    })
}

fn services(trace: &Trace, vip: Ip) -> impl Iterator<Item = &Service> {
    trace.topology.services.iter().filter(move |s| s.vip == vip && !s.is_backend)
}

/// Whether a host answers for a VIP without any part in its service.
fn is_stranger(trace: &Trace, host: HostId, vip: Ip) -> bool {
    answers_for(trace, host, vip)
        && !speaks_vrrp(trace, host)
        && !services(trace, vip)
            .any(|s| s.is_director(host) || s.real_servers.iter().any(|r| r.host == Some(host)))
}

/// The other hosts for whose addresses a host answers.
fn others(trace: &Trace, host: HostId, vip: Ip) -> BTreeSet<HostId> {
    answered_for_others(trace, host, vip).into_values().flatten().collect()
}

fn replies(trace: &Trace, vip: Ip) -> impl Iterator<Item = (usize, &Binding)> {
    let all = trace.vantages.iter().enumerate();
    all.flat_map(|(v, vantage)| vantage.neighbors.bindings.iter().map(move |b| (v, b)))
        .filter(move |(_, b)| b.ip == vip && b.claim == Claim::Reply)
}

/// The stranger whose answer comes first where both are seen, if packets for the VIP
/// end without a word and the other claimant's side of the link shows none of them.
fn believed(facts: &Facts, vip: Ip, strangers: &[HostId]) -> Option<HostId> {
    let (asker, _) = disputed(facts, vip)?;
    let (_, first) =
        replies(facts, vip).filter(|(v, _)| *v == asker).min_by_key(|(_, b)| b.first.frame())?;
    let host = facts.host_by_mac(Some(first.mac)).filter(|host| strangers.contains(host))?;
    if facts.is_captured(host) || services(facts, vip).any(|s| s.mode != Mode::Unknown) {
        return None;
    }
    let of_vip = || facts.requests_to_address(vip);
    let ends = of_vip().all(|(id, c)| {
        let p = c.progress;
        c.outcome.failed() && !p.answered && !p.established && facts.errors_of(id).next().is_none()
    });
    let is_of = |b: &Binding| facts.host_by_mac(Some(b.mac)) == Some(host);
    let by_itself = |v: usize| facts.vantages[v].streams.iter().all(|s| !s.key.ips.contains(&vip));
    // Answers go to one host: who sees the other's and not this one's is the other.
    let apart = replies(facts, vip).any(|(v, b)| {
        let here = facts.vantages[v].neighbors.bindings.iter();
        !is_of(b)
            && b.count >= PROXY_ARP_OR_ARP_FLUX_MIN_ANSWERS
            && !here.into_iter().any(|b| b.ip == vip && is_of(b))
            && by_itself(v)
    });
    (apart && ends && of_vip().count() >= PAIR).then_some(host)
}

/// Whether packets of a failed connection went to the host, as far as frames name whom
/// they are for; without that, whether no director got them.
fn strayed(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let c = trace.connection(id);
    if !c.outcome.failed() || c.progress.answered {
        return false;
    }
    let macs = &trace.topology.hosts.get(host).macs;
    let to = |hop: &Hop| hop.link.dst.is_some_and(|mac| macs.contains(&mac));
    let mut legs = trace.legs(id).iter();
    let service = trace.service(id);
    let by_director = trace
        .route(id)
        .forward
        .iter()
        .any(|step| [step.from, step.to].into_iter().flatten().any(|h| service.is_director(h)));
    !by_director || legs.any(|leg| trace.path(leg, trace.forward(leg)).any(|(_, hop)| to(hop)))
}

fn finding(facts: &Facts, host: HostId, many: bool, vips: &[Ip]) -> Finding {
    let names = Names(facts);
    let who = names.full(host);
    let vip = vips[0];
    let all_vips = list(&vips.iter().map(Ip::to_string).collect::<Vec<_>>());
    let requests = || facts.requests().filter(|(id, _)| vips.contains(&facts.service(*id).vip));
    let ids: Vec<ConnectionId> =
        requests().filter(|(id, _)| strayed(facts, *id, host)).map(|(id, _)| id).collect();
    let share = format!("{} of {}", ids.len(), requests().count());
    let foreign = answered_for_others(facts, host, vip);
    let lost = if ids.is_empty() {
        "Its answers were not believed so far; each neighbour asks again after a while.".to_owned()
    } else {
        format!("{share} connections are lost that way.")
    };
    let (title, explanation) = if many {
        let addresses = list(&foreign.keys().map(Ip::to_string).collect::<Vec<_>>());
        (
            format!("{who} answers ARP for {all_vips} as it does for other hosts' addresses"),
            format!(
                "It answers for {all_vips} and also for {addresses}, which {} of the link own: that is what proxy_arp does with a route that covers them. A neighbour that believes it sends packets for {all_vips} there, past the director. {lost}",
                count(others(facts, host, vip).len(), "other host")
            ),
        )
    } else {
        (
            format!("{who} answers ARP for {all_vips} first, and what is sent there ends"),
            format!(
                "Two hosts answer for {all_vips}, {who} first, and neighbours keep the first answer. No packet for it shows beside the other, and none is answered or refused: who has the address and no listener would refuse. A host with proxy_arp that has no part in the service behaves so. {lost}"
            ),
        )
    };
    let mut finding = Finding::cause("proxy-arp-or-arp-flux", title, explanation);
    finding.severity = severity(facts, &ids).max(Severity::Warning);
    finding.confidence = if many { Confidence::Likely } else { Confidence::Possible };
    finding.candidates = candidates(many);
    finding.confirm(who.clone(), format!("ip -br addr show to {vip}; sysctl -a 2>/dev/null | grep '\\.proxy_arp '; ip route get {vip}"), "no address printed, proxy_arp 1 on the VIP's link and a route by another interface: this is it");
    finding.proofs = proofs(facts, host, vip, &foreign);
    finding.fixes = fixes(&who, vips);
    finding.subjects.push(names.subject(Role::Host, host));
    let rest = claimants(facts, vip).into_iter().filter(|h| *h != host);
    finding.subjects.extend(rest.map(|h| {
        let director = services(facts, vip).any(|s| s.is_director(h));
        names.subject(if director { Role::Director } else { Role::Host }, h)
    }));
    finding.addresses = vips.to_vec();
    finding.connections = ids;
    finding
}

fn candidates(many: bool) -> Vec<Candidate> {
    let wide = (
        "dr-vip-wide-mask",
        "then it is a real server: 'ip -br addr' shows the VIP on lo with the mask of a subnet",
    );
    let second = (
        "dr-arp-problem",
        "then it is a real server: 'ip -br addr' shows the VIP on it, and its firewall drops the SYNs",
    );
    let duplicate = (
        "vip-arp-conflict",
        "then it is a director out of service or a stranger that has the address itself",
    );
    let all = if many { vec![wide] } else { vec![second, duplicate] };
    all.into_iter()
        .map(|(id, tell_apart)| Candidate { id, tell_apart: tell_apart.to_owned() })
        .collect()
}

/// The answers for the VIP, then those for others with their owners'.
fn proofs(
    trace: &Trace,
    host: HostId,
    vip: Ip,
    foreign: &BTreeMap<Ip, BTreeSet<HostId>>,
) -> Vec<Proof> {
    let mut proofs = claims(trace, vip);
    for (ip, owners) in foreign.iter().take(2) {
        let by = |host: HostId| {
            let of = |(_, b): &(usize, &Binding)| trace.host_by_mac(Some(b.mac)) == Some(host);
            replies(trace, *ip).find(of)
        };
        let answers = [Some(host), owners.first().copied()];
        for (v, binding) in answers.into_iter().flatten().filter_map(by) {
            let note = format!("{ip} is-at {}", binding.mac);
            proofs.push(Proof { at: At { vantage: v, mark: binding.first }, note });
        }
    }
    proofs
}

fn fixes(who: &str, vips: &[Ip]) -> Vec<Fix> {
    let forget: Vec<String> = vips.iter().map(|ip| ip::forget_neighbour(*ip)).collect();
    vec![
        Fix::disruptive(
            who.to_owned(),
            explained(
                sysctl::set(&[
                    ("net.ipv4.conf.all.proxy_arp", "0"),
                    ("net.ipv4.conf.IFACE.proxy_arp", "0"),
                ]),
                "IFACE: the one on the VIP's link; what it answers for by intent needs a route instead",
            ),
            explained(
                sysctl::set(&[("net.ipv4.conf.IFACE.proxy_arp", "1")]),
                "and 'all', if that was 1 before",
            ),
        ),
        Fix::safe(
            "the VIP's neighbours (router, clients on its link), after that".to_owned(),
            forget.join("\n"),
            "The entry is learnt again by itself.",
        ),
    ]
}
