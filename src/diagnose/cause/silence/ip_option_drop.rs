//! Packets with IP options leave the director and do not reach the real server, those
//! without do: a switch, router or firewall between them drops what has options (RFC
//! 7126), be they the client's or those by which the balancer names the VIP.
//!
//! Certain only where both sides of the gap were captured and packets of the same service
//! without options passed it while those with options were lost. Where only the director's
//! side is there, the real server itself may drop them. A capture may leave out what its
//! filter names: connections that need no answer count only beside others of their service.

use crate::diagnose::cause::{by_address, severity};
use crate::diagnose::facts::silence::optioned_syns::{Lossy, Plain, ToServer, proofs, sent};
use crate::diagnose::facts::telling;
use crate::diagnose::words::{self, agree, share, to_capture};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Severity};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    if !facts.vantages.iter().any(|v| v.side_tables.has_options()) {
        let directors = facts.topology.services.iter().flat_map(|s| &s.directors);
        return Detection::clean_if(
            directors.into_iter().any(|d| facts.is_captured(d.host)),
            "no director was captured, and only there all options show; capture on it with 'tcpdump -i any'",
        );
    }
    let mut ways: BTreeMap<(HostId, ServiceId), ToServer> = BTreeMap::new();
    let mut plain: BTreeMap<HostId, Plain> = BTreeMap::new();
    for (id, _) in facts.iter() {
        if let Some(host) = facts.server(id).and_then(|s| s.host)
            && let Some(sent) = sent(facts, id)
        {
            let service = facts.service_of(id);
            let plain = plain.entry(host).or_default();
            ways.entry((host, service)).or_default().add(facts, id, host, &sent, plain);
        }
    }
    let mut by_service: BTreeMap<ServiceId, Vec<Lossy<'_>>> = BTreeMap::new();
    for ((host, service), way) in &ways {
        let plain = plain.get(host).copied().unwrap_or_default();
        if let Some(confidence) = way.confidence(facts, *host, plain) {
            let others = if way.others > 0 { way.others } else { plain.passed };
            let host = *host;
            by_service.entry(*service).or_default().push(Lossy { host, way, others, confidence });
        }
    }
    let findings = by_service.iter().map(|(service, set)| finding(facts, *service, set)).collect();
    Detection::from(findings, || Detection::Clean)
}

fn finding(facts: &Facts, service: ServiceId, set: &[Lossy<'_>]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let mut ids: Vec<ConnectionId> = set.iter().flat_map(|d| &d.way.lost).copied().collect();
    ids.sort_unstable();
    let mut hosts: Vec<HostId> = set.iter().map(|d| d.host).collect();
    by_address(facts, &mut hosts);
    let who = names.hosts(&hosts);
    let others: usize = set.iter().map(|d| d.others).sum();
    let confidence = set.iter().map(|d| d.confidence).min().unwrap_or(Confidence::Possible);
    let seen = confidence > Confidence::Possible;
    let (title, end) = if seen {
        (
            format!("packets with IP options do not get from the director to {who}"),
            "shows in the real servers' own captures",
        )
    } else {
        (
            format!("packets with IP options to {who} get no answer"),
            "is answered; the real servers' own captures are missing",
        )
    };
    let explanation = format!(
        "{} to {} {} the director with IP options in every packet, and none {end}. {others} without options do, on the same way. What lies between drops packets whose IP header is longer than 20 bytes: switches, routers and firewalls often do.",
        share(facts, service, &ids, ""),
        s.name(),
        agree(ids.len(), "leaves", "leave"),
    );
    let mut finding = Finding::cause("ip-option-drop", title, explanation);
    finding.severity = if seen { Severity::Critical } else { severity(facts, &ids) };
    finding.confidence = confidence;
    finding.candidates = candidates(confidence);
    let directors = words::directors(facts, service);
    let director = words::names(&directors);
    if !seen {
        let addresses: Vec<_> = hosts.iter().filter_map(|h| names.address(*h)).collect();
        let why = "shows whether packets with options arrive";
        finding.to_confirm.push(to_capture(who.clone(), "rs", &addresses, s.port, why));
    }
    let rip =
        hosts.iter().find_map(|h| names.address(*h)).map_or("RIP".to_owned(), |ip| ip.to_string());
    finding.confirm(
        format!("the director {director}"),
        format!("ping -c 3 {rip}; ping -c 3 -R {rip}"),
        "an answer to the first and none to the second (record route, an IP option): this is it",
    );
    finding.fixes = fixes(&director, &who);
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id, set)).unwrap_or_default();
    finding.concerning(names.subjects(Role::RealServer, &hosts), ids).also(directors)
}

fn candidates(confidence: Confidence) -> Vec<Candidate> {
    let silent = (
        "rs-silent",
        "then its own capture, taken at the same time and without a filter, shows the packets with options arrive; its firewall or kernel drops them",
    );
    let gap = (
        "packet-loss",
        "then nothing got from the director to the real servers at that time: connections without options that are opened meanwhile are lost too",
    );
    let all = match confidence {
        Confidence::Certain => vec![],
        Confidence::Likely => vec![gap, silent],
        Confidence::Possible => vec![silent, gap],
    };
    Candidate::all(all)
}

fn fixes(director: &str, servers: &str) -> Vec<Fix> {
    vec![
        Fix::safe(
            format!("switches, routers and firewalls between {director} and {servers}"),
            "no ip options drop   # Cisco IOS; on Linux look for 'hdrlength' and 'ip option' in 'nft list ruleset', for 'ipv4options' in 'iptables -S'",
            "ip options drop",
        ),
        Fix::disruptive(
            "the balancer, if it adds the options (Cilium, DSR)",
            "helm list -n kube-system   # VERSION: that of the chart, behind 'cilium-'; without it Cilium itself is upgraded\nhelm upgrade cilium cilium/cilium -n kube-system --version VERSION --reuse-values --set loadBalancer.dsrDispatch=geneve --set tunnelProtocol=geneve   # the VIP travels in a Geneve option instead\nkubectl -n kube-system rollout restart ds/cilium",
            "helm rollback cilium -n kube-system\nkubectl -n kube-system rollout restart ds/cilium",
        )
        .or(),
    ]
}
