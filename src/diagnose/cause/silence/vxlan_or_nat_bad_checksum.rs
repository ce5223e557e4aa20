//! SYNs arrive at a real server with a wrong checksum: its kernel drops them without a
//! word.
//!
//! Only what arrived is judged. What a host sends may leave the sum to its network card,
//! and a packet between guests of one machine may arrive so: such a sum is that of the
//! pseudo-header, and receivers take it. The checksum of a tunnel's own datagram is the
//! matter of [`super::outer_checksum`].

use crate::correlate::Leg;
use crate::diagnose::cause::{by_address, clean_in, each_service, severity};
use crate::diagnose::facts::silence::checksums::spoilt;
use crate::diagnose::thresholds::VXLAN_OR_NAT_BAD_CHECKSUM_SURE;
use crate::diagnose::words::{self, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::flow::Sums;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered", "slow-connect"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| spoilt(facts, *id).is_some());
    let mut findings: Vec<Finding> =
        each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids));
    findings.extend(super::outer_checksum::findings(facts));
    Detection::from(findings, || clean_in(facts, &Mode::LAYER_4))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let mut hosts: Vec<HostId> =
        ids.iter().filter_map(|id| facts.host_of(spoilt(facts, *id)?.0)).collect();
    by_address(facts, &mut hosts);
    let who = if hosts.is_empty() { s.vip.to_string() } else { names.hosts(&hosts) };
    let wrong: u32 = ids.iter().filter_map(|id| spoilt(facts, *id)).map(|(_, s)| s.wrong).sum();
    let director = words::directors(facts, service);
    let sender = director.first().map_or_else(|| "the sender".to_owned(), words::name);
    let title = format!("SYNs arrive at {who} with a wrong TCP checksum");
    let sent_on =
        if director.is_empty() { String::new() } else { format!(" that {sender} sends on") };
    let explanation = format!(
        "The SYNs for {}{sent_on} arrive at {who} with a checksum that is not theirs, the repeats too: a receiver drops such packets before anything else looks at them, and says nothing. Between sender and receiver something rewrote them and did not mend the sum, mostly a network card or a tunnel device that was to compute it. {} no answer.",
        s.name(),
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("vxlan-or-nat-bad-checksum", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = if wrong >= VXLAN_OR_NAT_BAD_CHECKSUM_SURE && !hosts.is_empty() {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    finding.confirm(
        who.clone(),
        "nstat -az TcpInCsumErrors UdpInCsumErrors",
        "TcpInCsumErrors grows with each SYN",
    );
    finding.fixes = vec![Fix::safe(
        format!("{sender}, on the interface towards {who}, or on its tunnel device"),
        "ethtool -K IFACE tx off   # a VXLAN device: ethtool -K flannel.1 tx-checksum-ip-generic off",
        "ethtool -K IFACE tx on",
    )];
    finding.proofs = ids
        .iter()
        .find_map(|id| spoilt(facts, *id))
        .map(|(leg, sums)| proofs(facts, leg, sums))
        .unwrap_or_default();
    finding.concerning(director, ids).also(names.subjects(Role::RealServer, &hosts))
}

fn proofs(trace: &Trace, leg: &Leg, sums: &Sums) -> Vec<Proof> {
    let there = trace.forward(leg);
    let first = trace.proof(leg, there.syn, "the SYN arrives, and nothing answers");
    let again = trace.proof(leg, sums.first_wrong, "it comes again, its checksum is wrong");
    first.into_iter().chain(again).collect()
}
