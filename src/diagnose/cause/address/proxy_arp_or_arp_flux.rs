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
use crate::diagnose::facts::address::disputes::{claimants, claims, disputed};
use crate::diagnose::facts::address::machines::answered_for_others;
use crate::diagnose::facts::address::proxied_arp::{
    believed, is_stranger, others, replies, services, strayed,
};
use crate::diagnose::symptom::vip_arp_conflict as symptom;
use crate::diagnose::thresholds::PAIR;
use crate::diagnose::words::commands::{arp, step, sysctl};
use crate::diagnose::words::{count, list, list_of, part};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity,
};
use crate::flow::{Binding, VantageId};
use crate::topology::{HostId, Role};
use crate::trace::{ConnectionId, Trace};
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
    Detection::from(findings, || Detection::unless(symptom::blind(facts)))
}

fn finding(facts: &Facts, host: HostId, many: bool, vips: &[Ip]) -> Finding {
    let names = Names(facts);
    let who = names.full(host);
    let vip = vips[0];
    let all_vips = list_of(vips);
    let requests = || facts.requests().filter(|(id, _)| vips.contains(&facts.service(*id).vip));
    let ids: Vec<ConnectionId> =
        requests().filter(|(id, _)| strayed(facts, *id, host)).map(|(id, _)| id).collect();
    let share = part(ids.len(), requests().count(), "connection", "are");
    let foreign = answered_for_others(facts, host, vip);
    let lost = if ids.is_empty() {
        "Its answers were not believed so far; each neighbour asks again after a while.".to_owned()
    } else {
        format!("{share} lost that way.")
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
                "Two hosts answer for {all_vips}, {who} first, and neighbours keep the first answer. No packet for it shows beside the other, and none is answered or refused: a host with the address and no listener would refuse. A host with proxy_arp that has no part in the service behaves so. {lost}"
            ),
        )
    };
    let mut finding = Finding::cause("proxy-arp-or-arp-flux", title, explanation).rated(
        severity(facts, &ids).max(Severity::Warning),
        if many { Confidence::Likely } else { Confidence::Possible },
    );
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
    Candidate::all(all)
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
            let of = |(_, b): &(VantageId, &Binding)| trace.host_by_mac(Some(b.mac)) == Some(host);
            replies(trace, *ip).find(of)
        };
        let answers = [Some(host), owners.first().copied()];
        for (v, binding) in answers.into_iter().flatten().filter_map(by) {
            let note = format!("{ip} is-at {}", binding.mac);
            proofs.push(Proof::on(v, binding.first, note));
        }
    }
    proofs
}

fn fixes(who: &str, vips: &[Ip]) -> Vec<Fix> {
    vec![
        step::disruptive(
            who,
            [sysctl::step(&[
                ("net.ipv4.conf.all.proxy_arp", "0", "1"),
                ("net.ipv4.conf.IFACE.proxy_arp", "0", "1"),
            ])
            .because("IFACE: the one on the VIP's link; what it answers for by intent needs a route instead")],
        ),
        arp::forgotten(vips),
    ]
}
