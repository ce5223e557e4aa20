//! A node that translates a service hands small packets on in an overlay (VXLAN, Geneve,
//! bridged GRE) and drops full segments: the second form of `tun-mtu-blackhole`.
//!
//! The overlay's headers take what the packet has not left of the uplink's MTU. A kernel
//! that routes says so by ICMP; one that rewrites packets in eBPF, or a bridge, does not. So
//! all of it must show at the node's own capture: large segments of a connection come in
//! again and again and never leave, small ones of it left in the overlay.

use crate::diagnose::cause::severity;
use crate::diagnose::decide::size::is_large_for_overlay;
use crate::diagnose::facts::size::kept_segments::{Kept, kept};
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::passages::{Passage, passage};
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::{ping, step};
use crate::diagnose::words::{count, servers, share};
use crate::diagnose::{Confidence, Facts, Finding, Fix, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Bytes that the headers of an overlay take at most: Ethernet (14), IPv6 (40), UDP (8),
/// VXLAN or Geneve without options (8).
const OVERHEAD: u32 = 70;
/// The same over IPv4.
const OVER_V4: u32 = 50;
/// Bytes of a TCP header without options.
const TCP: u32 = 20;
/// Bytes that the timestamp option takes of a segment (RFC 7323, appendix A).
const STAMP: u32 = 12;

pub(in crate::diagnose) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Kept>> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let service = facts.service(id);
        let balanced = matches!(service.mode, Mode::Nat | Mode::FullNat | Mode::Dr);
        if !balanced || !c.outcome.failed() || !c.progress.established {
            continue;
        }
        for host in service.directors.iter().map(|d| d.host) {
            if let Some(kept) = kept(facts, id, host).filter(|k| is_large_for_overlay(k.size)) {
                sets.entry((facts.service_of(id), host)).or_default().push(kept);
            }
        }
    }
    sets.into_iter().map(|(of, set)| finding(facts, of, &set)).collect()
}

fn finding(facts: &Facts, (service, host): (ServiceId, HostId), set: &[Kept]) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|k| k.id).collect();
    let size = set.iter().map(|k| k.size).min().unwrap_or(0);
    let stamped =
        ids.iter().any(|id| facts.legs(*id).iter().any(|leg| facts.forward(leg).shape.stamped()));
    let node = say.full(host);
    let small = set.iter().filter(|k| k.passed > 0).count();
    let well = facts.breaks.accounts.services[service.0 as usize].well;
    let title = format!(
        "large requests to {} hang: segments of {size} bytes do not go into the overlay",
        s.name()
    );
    let explanation = format!(
        "Segments of {size} bytes for {} come in at {node} again and again and never leave; smaller ones do, in the overlay that leads to the real server{}{}. The outer headers take up to {OVERHEAD} bytes of the uplink's MTU, and a full segment has not left them. No ICMP message tells the client. {}.",
        s.name(),
        match small {
            0 => String::new(),
            n if n == set.len() => ", of these very connections too".to_owned(),
            n => format!(", of {n} of these very connections too"),
        },
        match well {
            0 => String::new(),
            n => format!("; {} with small requests did well", count(n as usize, "connection")),
        },
        share(facts, service, &ids, "hang")
    );
    let mut finding = Finding::cause("tun-mtu-blackhole", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate(
        "backend-removed-silent-drop",
        "then small segments of these connections do not leave either",
    );
    let header = if s.vip.is_v4() { 20 } else { 40 };
    // In the overlay over IPv4: inner headers, then Ethernet (14), IPv4, UDP and VXLAN (8 each).
    let outer = size + if stamped { STAMP } else { 0 } + TCP + header + OVER_V4;
    // What ping(8) puts behind its own headers of IPv4 and ICMP.
    let ping = ping::of_packet(outer);
    finding.confirm(node.clone(), format!("ip -d link show | grep -B1 -E 'vxlan|geneve|gretap'; ip route show | grep mtu; ping -c 2 -M do -s {ping} OTHERNODE"), format!("the ping is as large as the segment in the overlay, {outer} bytes: with no answer the uplink's MTU is smaller; it must be that of the pods plus the outer headers (50 bytes, 70 in IPv6)"));
    // What the segment had with its options, less the outer headers.
    let fit = (size + if stamped { STAMP } else { 0 }).saturating_sub(OVERHEAD);
    let clamp = Rule::mss(s.vip, &format!("--set-mss {fit}"));
    let place = format!("{node}, where iptables sees its packets");
    finding.fixes.push(step::safe(place, [clamp.appended()]));
    let plugin = Fix::disruptive(
        "the cluster's network plugin",
        "# an MTU for pods that is smaller than the uplink's by the outer headers, on all nodes; new pods take it",
        "Restore the MTU that was set before.",
    );
    finding.fixes.push(plugin.or());
    finding.proofs = proofs(facts, host, set);
    finding.subjects = vec![say.subject(Role::Director, host)];
    finding.subjects.extend(servers(facts, &ids));
    finding.connections = ids;
    finding
}

fn proofs(facts: &Facts, host: HostId, set: &[Kept]) -> Vec<Proof> {
    let ids: Vec<ConnectionId> = set.iter().map(|k| k.id).collect();
    let told = telling(facts, &ids);
    let Some(shown) = set.iter().find(|k| Some(k.id) == told) else { return Vec::new() };
    let Some(passage): Option<Passage<'_>> = passage(facts, shown.id, host) else {
        return Vec::new();
    };
    let out = "the last that left in the overlay";
    let first = passage.first_repeat(facts, shown.id);
    let note = format!("a segment of up to {} bytes comes again", shown.size);
    Proof::seen([
        passage.proof_out(facts, shown.id, out),
        passage.proof_in(facts, shown.id, first, &note),
        passage.proof_in(facts, shown.id, shown.again, "and again; it never leaves"),
    ])
}
