//! A real server names the VIP as its own address in its ARP requests, so its
//! neighbours learn the VIP at its MAC (RFC 826: a request binds its sender too).
//!
//! Told from `dr-arp-problem` by the operation: there a real server answers for
//! the VIP, here it only asks on its behalf. Who also answers or announces the VIP
//! is the other's. Directors and VRRP speakers may ask as the VIP.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::leaked_names::{leaks, straight};
use crate::diagnose::symptom::vip_arp_conflict as symptom;
use crate::diagnose::words::commands::{arp, step, sysctl};
use crate::diagnose::words::{self, agree, count};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity};
use crate::flow::{Binding, Claim, VantageId};
use crate::topology::{HostId, Mode, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::HashSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["vip-arp-conflict", "director-bypassed", "rst-no-socket", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // A scan has many services and a link many hosts: the names of askers are few.
    let bindings = facts.vantages.iter().flat_map(|v| &v.neighbors.bindings);
    let asks = |b: &&Binding| b.claim == Claim::Sender && b.asked != b.ip;
    let askers: HashSet<Ip> = bindings.filter(asks).map(|b| b.ip).collect();
    let services = facts.topology.services.iter().enumerate();
    let findings = services
        .filter(|(_, s)| !s.is_backend && matches!(s.mode, Mode::Unknown | Mode::Dr | Mode::Tun))
        .filter(|(_, s)| askers.contains(&s.vip))
        .filter_map(|(i, service)| finding(facts, ServiceId(i as u32), service))
        .collect();
    Detection::from(findings, || Detection::unless(symptom::blind(facts)))
}

fn finding(facts: &Facts, index: ServiceId, service: &Service) -> Option<Finding> {
    // The IPv6 stack never asks with an address of another interface (`ndisc_solicit`).
    if !service.vip.is_v4() {
        return None;
    }
    let ids: Vec<ConnectionId> = facts.requests_to(index).map(|(id, _)| id).collect();
    let leaks = leaks(facts, service, &ids);
    let names = Names(facts);
    let vip = service.vip;
    let mut hosts: Vec<HostId> = leaks.keys().copied().collect();
    let straight =
        |host: HostId| ids.iter().filter(move |id| straight(facts, **id, host).is_some());
    hosts.sort_by_key(|h| {
        let subject = names.subject(Role::RealServer, *h);
        (std::cmp::Reverse(straight(*h).count()), subject.address, subject.mac)
    });
    let first = *hosts.first()?;
    // Nobody else on the link owns the address: then it is no real server's leak.
    let owned = facts.vantages.iter().flat_map(|v| &v.neighbors.bindings).any(|b| {
        b.ip == vip && facts.host_by_mac(Some(b.mac)).is_none_or(|host| !leaks.contains_key(&host))
    });
    if service.mode == Mode::Unknown && !owned {
        return None;
    }
    let hit: Vec<ConnectionId> = ids
        .iter()
        .copied()
        .filter(|id| hosts.iter().any(|h| self::straight(facts, *id, *h).is_some()))
        .collect();
    let who = words::list(&hosts.iter().map(|h| names.full(*h)).collect::<Vec<_>>());
    let verb = agree(hosts.len(), "claims", "claim");
    let title = format!("{who} {verb} the VIP {vip} by asking for others in its name");
    let asked = leaks[&first][0].1.asked;
    let effect = if hit.is_empty() {
        " No packet of these captures followed yet.".to_owned()
    } else {
        format!(
            " {} had packets that went there past the director.",
            count(hit.len(), "connection")
        )
    };
    let explanation = format!(
        "Its ARP requests, such as the one for {asked}, name {vip} as their sender. Whoever hears them learns {vip} at the real server's MAC, in place of the director's, until it asks again.{effect}"
    );
    let mut finding = Finding::cause("dr-arp-announce-leak", title, explanation);
    finding.severity =
        if hit.is_empty() && !owned { Severity::Info } else { severity(facts, &hit) };
    if service.mode == Mode::Unknown {
        finding.confidence = Confidence::Likely;
        finding.candidate("vip-arp-conflict", format!("a duplicate address without a balancer: 'ipvsadm -Ln' tells which host balances {vip}"));
        finding.confirm(
            who.clone(),
            format!("ip -br addr show to {vip}; sysctl net.ipv4.conf.all.arp_announce"),
            "the VIP on lo and arp_announce 0 or 1: this is it",
        );
    }
    finding.proofs = proofs(facts, vip, &leaks[&first], first, &hit);
    finding.fixes = fixes(vip, &hosts.iter().map(|h| names.host(*h)).collect::<Vec<_>>());
    finding.subjects = names.subjects(Role::RealServer, &hosts);
    finding.addresses = vec![vip];
    finding.connections = hit;
    Some(finding)
}

fn proofs(
    trace: &Trace,
    vip: Ip,
    leaks: &[(VantageId, &Binding)],
    host: HostId,
    hit: &[ConnectionId],
) -> Vec<Proof> {
    let mut proofs: Vec<Proof> = Vec::new();
    if let Some((v, b)) = leaks.first() {
        let note = format!("{} asks for {} and names {vip} as its own address", b.mac, b.asked);
        proofs.push(Proof::on(*v, b.first, note));
        if b.last != b.first {
            proofs.push(Proof::on(*v, b.last, "and again"));
        }
    }
    proofs.extend(hit.iter().find_map(|id| straight(trace, *id, host)));
    proofs
}

fn fixes(vip: Ip, servers: &[String]) -> Vec<Fix> {
    let mut fixes: Vec<Fix> =
        servers.iter().map(|server| step::safe(server.clone(), [sysctl::quiet()])).collect();
    fixes.push(arp::forgotten(&[vip]));
    fixes
}
