//! Whether two hosts that claim one address are one machine with two interfaces.
//!
//! A capture on another host shows MACs, not machines: a host with two interfaces on
//! one link answers by both of them (Linux, `arp_ignore=0`), and nothing is wrong with
//! that. Bindings tell: two interfaces of one machine answer for the same addresses,
//! two machines have addresses of their own. Where neither shows, it is said so.

use crate::capture::LinkType;
use crate::diagnose::thresholds::MACHINES_MANY_SHARED;
use crate::flow::{Binding, Claim, OwnEvidence};
use crate::topology::HostId;
use crate::trace::Trace;
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// How two hosts of the captures stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Kin {
    /// Two interfaces of one machine.
    One,
    /// Two machines.
    Two,
    /// The captures do not tell.
    Unknown,
}

/// Whether a host sends VRRP advertisements.
pub(in crate::diagnose) fn speaks_vrrp(trace: &Trace, host: HostId) -> bool {
    let h = trace.topology.hosts.get(host);
    trace.vantages.iter().flat_map(|v| &v.vrrp).any(|speaker| {
        speaker.mac.is_some_and(|mac| h.macs.contains(&mac)) || h.ips.contains(&speaker.src)
    })
}

/// What a host claimed, by any of its MACs.
fn claims_of(trace: &Trace, host: HostId) -> impl Iterator<Item = &Binding> {
    let macs = trace.topology.hosts.get(host).macs.iter();
    macs.flat_map(|mac| trace.claims_by(*mac)).map(|(_, binding)| binding)
}

/// Addresses beside services' that a host claims or originates, and whether it asks as
/// their owner.
fn addresses(trace: &Trace, host: HostId) -> BTreeMap<Ip, bool> {
    let h = trace.topology.hosts.get(host);
    let mut found: BTreeMap<Ip, bool> = h.ips.iter().map(|ip| (*ip, false)).collect();
    for binding in claims_of(trace, host) {
        *found.entry(binding.ip).or_default() |= binding.claim == Claim::Sender;
    }
    found.retain(|ip, _| !ip.is_link_local() && !trace.is_called(*ip));
    found
}

/// Addresses for which a host answers and that others own: those who answer, announce
/// or ask as the owner, by address. None of them claims `vip`.
pub(in crate::diagnose) fn answered_for_others(
    trace: &Trace,
    host: HostId,
    vip: Ip,
) -> BTreeMap<Ip, BTreeSet<HostId>> {
    let owners = |ip: Ip| {
        trace.claims_of(ip).filter_map(|(_, binding)| trace.host_by_mac(Some(binding.mac)))
    };
    let own = |b: &&Binding| trace.host_by_mac(Some(b.mac)) == Some(host);
    let answers = claims_of(trace, host).filter(own).filter(|b| b.claim == Claim::Reply);
    let mut found: BTreeMap<Ip, BTreeSet<HostId>> =
        answers.filter(|b| b.ip != vip).map(|b| (b.ip, BTreeSet::new())).collect();
    if found.is_empty() {
        return found;
    }
    let claims_vip: BTreeSet<HostId> = owners(vip).collect();
    for (ip, others) in &mut found {
        others.extend(owners(*ip).filter(|h| *h != host && !claims_vip.contains(h)));
    }
    found.retain(|_, others| !others.is_empty());
    found
}

/// A capture on all interfaces of a host knows all of its MACs.
fn knows_all_macs(trace: &Trace, host: HostId) -> bool {
    trace.topology.hosts.get(host).vantages.iter().any(|v| {
        let vantage = &trace.vantages[v.index()];
        let cooked = [LinkType::LINUX_SLL, LinkType::LINUX_SLL2].contains(&vantage.link_type);
        cooked && vantage.own.evidence == OwnEvidence::Outgoing
    })
}

/// How two hosts stand to each other that both claim `vip`.
pub(in crate::diagnose) fn kin(trace: &Trace, vip: Ip, a: HostId, b: HostId) -> Kin {
    let apart = |h: HostId| {
        speaks_vrrp(trace, h)
            || knows_all_macs(trace, h)
            || !answered_for_others(trace, h, vip).is_empty()
    };
    if apart(a) || apart(b) {
        return Kin::Two;
    }
    let (of_a, of_b) = (addresses(trace, a), addresses(trace, b));
    let shared: Vec<(&Ip, &bool)> = of_a.iter().filter(|(ip, _)| of_b.contains_key(ip)).collect();
    let alone = [(&of_a, &of_b), (&of_b, &of_a)]
        .map(|(own, other)| own.keys().any(|ip| !other.contains_key(ip)));
    let asks = shared.iter().any(|(ip, asks)| **asks || of_b[*ip]);
    match alone {
        [true, true] if shared.is_empty() => Kin::Two,
        [true, true] => Kin::Unknown,
        _ if asks || shared.len() >= MACHINES_MANY_SHARED => Kin::One,
        _ => Kin::Unknown,
    }
}
