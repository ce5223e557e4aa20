//! Hosts' words on who answers for an address, and may.

use super::{certain, say, servers};
use crate::diagnose::settled::Settled;
use crate::diagnose::{Confidence, Finding, Names};
use crate::topology::Role;
use crate::trace::Trace;

pub(in crate::diagnose) fn proxy(trace: &Trace, finding: &mut Finding) {
    let host = finding.subjects.first().and_then(|s| trace.host_by_mac(s.mac));
    let (Some(host), Some(vip)) = (host, finding.addresses.first().copied()) else { return };
    let Some(said) = trace.setting(host, "proxy_arp") else { return };
    say(finding, Settled::ProxyArp { value: said.value, at: said.place() });
    let owns = trace.has_address(host, vip).is_some_and(|s| s.value);
    match (said.value, owns) {
        (0, _) | (_, true) => finding.confidence = Confidence::Possible,
        _ => certain(finding),
    }
}

pub(in crate::diagnose) fn arp(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let hosts = hosts.as_slice();
    let Some(vip) = finding.addresses.first().copied() else { return };
    let mut culprits = 0;
    for host in hosts {
        let server = Names(trace).host(*host);
        if let Some(said) = trace.setting(*host, "arp_ignore") {
            say(finding, Settled::ArpIgnore { server, value: said.value, at: said.place() });
            let has = trace.has_address(*host, vip).is_some_and(|s| s.value);
            culprits += usize::from(said.value == 0 && has);
        }
    }
    // Whoever has the table is the director, and the others are not.
    let claimants = finding.subjects.iter().filter(|s| s.role != Role::RealServer);
    let table = claimants
        .filter_map(|s| trace.host_by_mac(s.mac))
        .flat_map(|host| trace.states_of(host))
        .find_map(|m| {
            let names = |f: crate::state::Front| {
                matches!(f, crate::state::Front::Address { vip: v, .. } if v == vip)
            };
            let service = m.state.services.iter().find(|s| names(s.front))?;
            Some(m.state.place(service.at))
        });
    if let Some(place) = &table {
        say(finding, Settled::Balances { vip, at: place.clone() });
    }
    if table.is_some() || culprits == hosts.len() {
        certain(finding);
    }
}
