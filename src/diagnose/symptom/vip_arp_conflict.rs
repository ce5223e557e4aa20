//! Two hosts claim one service address, or a real server's own, in overlapping time, by ARP or NDP.
//!
//! Two interfaces of one machine are no two hosts, and an address that nobody asks for
//! or answers for, since routers lead to it, is in nobody's neighbour table. Where the
//! captures do not tell machines from interfaces and no connection is lost, it is said
//! and warns nobody.

use super::super::facts::address::disputes::{MAX_INTERFACES, claimants, claims, disputed};
use super::super::{Facts, Names, Proof, Sighting, Subject, ToConfirm, Wording};
use crate::diagnose::facts::address::claimants::{fates, meant_for};
use crate::diagnose::facts::address::machines::{Kin, kin};
use crate::diagnose::words::commands::cluster::KUBECTL;
use crate::diagnose::words::list;
use crate::topology::{HostId, Mode, Role};
use crate::trace::Trace;
use crate::wire::Ip;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let mut vips: Vec<Ip> = facts
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend)
        .map(|s| s.vip)
        .filter(|vip| disputed(facts, *vip).is_some())
        .collect();
    // A real server's own address too, where it shows by what becomes of connections.
    let servers = facts.topology.services.iter().flat_map(|s| &s.real_servers);
    let served = |ip: &Ip| {
        disputed(facts, *ip).is_some() && !fates(facts, &[*ip], &claimants(facts, *ip)).is_empty()
    };
    vips.extend(servers.filter_map(|r| r.address).filter(served));
    vips.sort_unstable();
    vips.dedup();
    vips.into_iter()
        .map(|vip| {
            let by_whom = || !fates(facts, &[vip], &claimants(facts, vip)).is_empty();
            let costly = is_between_machines(facts, vip) || fails(facts, vip) || by_whom();
            Sighting { connection: None, address: Some(vip), host: None, costly }
        })
        .collect()
}

/// Whether two of the claimants are known to be two machines.
fn is_between_machines(trace: &Trace, vip: Ip) -> bool {
    let hosts = claimants(trace, vip);
    let pairs =
        hosts.iter().enumerate().flat_map(|(i, a)| hosts[i + 1..].iter().map(move |b| (a, b)));
    let mut pairs = pairs.into_iter();
    hosts.len() > MAX_INTERFACES || pairs.any(|(a, b)| kin(trace, vip, *a, *b) == Kin::Two)
}

fn fails(facts: &Facts, ip: Ip) -> bool {
    meant_for(facts, ip).into_iter().any(|id| facts.connection(id).outcome.failed())
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    sighting.address.map(|vip| claims(facts, vip)).unwrap_or_default()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    let vips: Vec<Ip> = sightings.iter().filter_map(|s| s.address).collect();
    let names: Vec<String> = vips.iter().map(Ip::to_string).collect();
    let hosts: Vec<HostId> = vips.iter().flat_map(|vip| claimants(facts, *vip)).collect();
    let subjects: Vec<Subject> =
        hosts.iter().map(|host| Names(facts).subject(Role::Host, *host)).collect();
    let (who, doubt) = if vips.iter().any(|vip| is_between_machines(facts, *vip)) {
        ("hosts", "")
    } else {
        (
            "MACs",
            " Nothing here tells whether they are two machines or two interfaces of one, which would be no fault: 'ip -br link' on the host tells.",
        )
    };
    Wording {
        title: format!("several {who} claim {}", names.join(", ")),
        explanation: format!(
            "{} {who} answer for it on the same link; each neighbour keeps whichever answer it prefers, and sends everything there until it asks again.{doubt}{}",
            subjects.len(),
            by_claimant(facts, &vips, &hosts)
        ),
        subjects,
    }
}

/// What became of connections by the claimant that their SYNs were sent to, where it is not
/// the same for all.
fn by_claimant(facts: &Facts, vips: &[Ip], hosts: &[HostId]) -> String {
    let sums = fates(facts, vips, hosts);
    if sums.is_empty() {
        return String::new();
    }
    let names = Names(facts);
    let told: Vec<String> = sums
        .iter()
        .map(|(host, all, failed)| format!("{failed} of {all} to {}", names.full(*host)))
        .collect();
    format!(" Connections fail or suffer by whom they are sent to: {}.", list(&told))
}

/// What each of the claimants has and does.
pub(in crate::diagnose) fn next(facts: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let vips: Vec<Ip> = sightings.iter().filter_map(|s| s.address).collect();
    let ask = |vip: &Ip| {
        let hosts = claimants(facts, *vip).into_iter();
        let places: Vec<String> = hosts.map(|host| Names(facts).place(host)).collect();
        ToConfirm {
            host: list(&places),
            command: format!(
                "ip -br addr show to {vip}; ipvsadm -Ln; systemctl status keepalived; sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.proxy_arp"
            ),
            why: "which of them has it, and as what: the director, a real server that is to be quiet, one that answers for others, or a stranger".to_owned(),
        }
    };
    vips.iter().flat_map(|vip| std::iter::once(ask(vip)).chain(announcers(facts, *vip))).collect()
}

/// Who announces an address of a cluster, where nothing shows that a director of another kind
/// has it.
fn announcers(facts: &Facts, vip: Ip) -> Option<ToConfirm> {
    let mut services = facts.topology.services.iter().filter(|s| s.vip == vip);
    services.any(|s| s.mode == Mode::Unknown && s.directors.is_empty()).then(|| ToConfirm {
        host: format!("{KUBECTL}, if {vip} is a cluster's"),
        command: format!(
            "kubectl get svc -A -o wide | grep -wF {vip}; kubectl get nodes,pods -A -o wide | grep -E 'metallb|kube-vip|cilium|Ready'; kubectl -n metallb-system logs -l component=speaker --tail=200 | grep -F {vip}"
        ),
        why: "which nodes announce it: one may, and the one to which those are sent that fail has no endpoint, is no member any more, or does not see the others".to_owned(),
    })
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    let seen = facts.vantages.iter().any(|v| !v.neighbors.bindings.is_empty());
    (!seen).then(|| {
        "no ARP or neighbour discovery was captured; capture 'arp or icmp6' on the VIP's link, best on the router"
            .to_owned()
    })
}
