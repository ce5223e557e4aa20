//! Full segments leave in a tunnel, with its headers longer than an Ethernet frame carries, and
//! never arrive: the third form of `tun-mtu-blackhole`. The interface that they came from has
//! an MTU as if there was no tunnel (IPIP of a cluster, a plain VXLAN).
//!
//! One host's capture shows the lengths and the repeats; that the way under the tunnel takes no
//! more it does not show, so this is likely at most.

use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::size::outgrown::{Outgrown, outgrown};
use crate::diagnose::facts::telling;
use crate::diagnose::thresholds::SIZE_ETHERNET_MTU;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::ping;
use crate::diagnose::words::{servers, share};
use crate::diagnose::{Confidence, Facts, Finding, Fix, Proof};
use crate::hashed::HashSet;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Of connections that are not told already.
pub(in crate::diagnose) fn findings(facts: &Facts, known: &HashSet<ConnectionId>) -> Vec<Finding> {
    let fresh = |id: &ConnectionId| !known.contains(id);
    let tcp = facts.requests().filter(|(_, c)| c.protocol.is_tcp()).map(|(id, _)| id);
    let ids = tcp.filter(fresh);
    let set: BTreeMap<ConnectionId, Outgrown> =
        ids.filter_map(|id| Some((id, outgrown(facts, id)?))).collect();
    let services = by_service(facts, set.keys().copied());
    services.into_iter().map(|(service, ids)| finding(facts, service, ids, &set)).collect()
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    set: &BTreeMap<ConnectionId, Outgrown>,
) -> Finding {
    let s = facts.topology.service(service);
    let of = |id: &ConnectionId| set.get(id);
    let all: Vec<&Outgrown> = ids.iter().filter_map(of).collect();
    let (packet, headers) =
        all.iter().map(|o| (o.packet, o.headers)).max().unwrap_or((SIZE_ETHERNET_MTU, 0));
    let answers = all.iter().filter(|o| !o.client).count();
    let what = if answers * 2 >= all.len() { "answers from" } else { "requests to" };
    let well = facts.breaks.accounts.services[service.0 as usize].well;
    let title =
        format!("large {what} {} hang: in the tunnel their packets make {packet} bytes", s.name());
    let explanation = format!(
        "Full segments go into the tunnel, with its headers ({headers} bytes) as packets of {packet} bytes, come again and again, and are never acknowledged; no ICMP message says why. An Ethernet frame carries {SIZE_ETHERNET_MTU}: the interfaces of those who talk have an MTU that leaves no room for the tunnel's headers{}. {}.",
        match well {
            0 => String::new(),
            n => format!("; {n} connections with small messages did well"),
        },
        share(facts, service, &ids, "hang")
    );
    let mut finding = Finding::cause("tun-mtu-blackhole", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate(
        "packet-loss",
        "then the way under the tunnel takes such packets: 'ping -M do' of that size between the tunnel's ends passes",
    );
    let probe = ping::of_packet(packet);
    finding.confirm(
        "one end of the tunnel",
        format!("ip -d link show; ping -c 2 -M do -s {probe} OTHEREND   # OTHEREND: the tunnel's other end"),
        format!("no answer, or 'message too long', and one to '-s {}': this is it; the tunnel's MTU must be {headers} less than the uplink's", ping::of_packet(SIZE_ETHERNET_MTU)),
    );
    let fit = SIZE_ETHERNET_MTU.saturating_sub(headers + if s.vip.is_v4() { 40 } else { 60 });
    let clamp = Rule::mss(s.vip, &format!("--set-mss {fit}"));
    finding.fix(
        "both ends of the tunnel, where iptables sees its packets",
        clamp.append(),
        clamp.delete(),
    );
    let plugin = Fix::disruptive(
        "who makes the interfaces (in a cluster its network plugin)",
        format!(
            "# an MTU that is {headers} bytes smaller than the uplink's, on all nodes; new pods take it"
        ),
        "Restore the MTU that was set before.",
    );
    finding.fixes.push(plugin.or());
    let shown = telling(facts, &ids).and_then(|id| set.get(&id));
    finding.proofs = shown.map(proofs).unwrap_or_default();
    finding.concerning(servers(facts, &ids), ids)
}

fn proofs(o: &Outgrown) -> Vec<Proof> {
    let [first, last] = o.again;
    vec![
        Proof::at(first, format!("{} bytes come again, in a packet of {}", o.size, o.packet)),
        Proof::at(last, "and again; nothing acknowledges them"),
    ]
}
