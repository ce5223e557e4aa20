//! A host answers for an address each time, and whoever asks goes on asking: its answers do not arrive, or
//! are not taken.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::untaken_answers::{Untaken, proofs, untaken};
use crate::diagnose::words::count;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Severity, Subject};
use crate::topology::Role;
use crate::wire::Mac;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["arp-unanswered", "syn-unanswered", "icmp-unreachable"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let findings = untaken(facts).iter().map(|found| finding(facts, found)).collect();
    Detection::from(findings, || {
        let own =
            facts.vantages.iter().any(|v| v.neighbors.bindings.iter().any(|b| v.own.has(b.mac)));
        Detection::clean_if(
            own,
            "no ARP of a captured host was captured; capture 'arp or icmp6' too, on the host that has the address",
        )
    })
}

fn finding(facts: &Facts, found: &Untaken<'_>) -> Finding {
    let (ask, mac) = (found.ask, found.answer.mac);
    let (vip, asker) = (ask.target, ask.asker);
    let host = facts.topology.hosts.of_vantage(found.vantage);
    let place = host.map_or_else(|| format!("the host that has {vip}"), |h| Names(facts).place(h));
    let title = format!("{asker} asks for {vip} again and again, though it is answered");
    let told = match found.virtual_mac {
        Some(talks) => format!(
            " The answers name {mac}, {}; frames for {}, the MAC of the machine itself, arrive, and none for {mac} does.",
            kind(mac),
            talks.mac
        ),
        None => String::new(),
    };
    let end = if found.missed.is_some() {
        "The asker's own capture has none of the answers: they are lost between the two."
    } else {
        "The answers do not get there, or are not taken. A monitor that only asks (bonding's arp_interval, 'arping -b') looks the same, and loses nothing."
    };
    let (question, what) = if vip.is_v4() {
        ("ARP question", format!("arp and host {vip}"))
    } else {
        ("neighbour solicitation", "icmp6".to_owned())
    };
    let explanation = format!(
        "{} for {vip}, and each is answered at once. {asker} sends nothing to the MAC that it is told, and asks the whole link again.{told} {end}",
        count(ask.count as usize, question)
    );
    let mut finding = Finding::cause("arp-answer-lost", title, explanation);
    finding.severity =
        if found.failed.is_empty() { Severity::Warning } else { severity(facts, &found.failed) };
    finding.confidence = match (found.missed, found.virtual_mac, found.failed.is_empty()) {
        (Some(_), ..) => Confidence::Certain,
        (None, Some(_), false) => Confidence::Likely,
        _ => Confidence::Possible,
    };
    finding.confirm(
        format!("{asker}, which asks"),
        format!("ip neigh show {vip}; tcpdump -ni IFACE -e -c 4 '{what}'"),
        format!("INCOMPLETE or FAILED, and no line 'is-at {mac}': the answers are lost on the way. They are printed: its own rules drop them (arptables, nft). Reachable: it only watches, and nothing is wrong"),
    );
    if found.virtual_mac.is_some() {
        finding.confirm(
            format!("the virtual switch of {place}"),
            "# whether its port may send with other MACs than the machine's own: vSphere 'Forged transmits' and 'MAC address changes' of the port group, Hyper-V 'Get-VMNetworkAdapter -VMName NAME | fl MacAddressSpoofing', libvirt the filter of its interface (virsh dumpxml), OpenStack 'openstack port show PORT -c allowed_address_pairs', a cloud: never",
            "it may not: this is it",
        );
        finding.fix_disruptive(
            place,
            format!("# in the vrrp_instance of keepalived.conf: no virtual MAC, so that {vip} is answered for with the machine's own\n# delete the line 'use_vmac', then:\nsystemctl restart keepalived"),
            "Put the line back and restart keepalived.",
        );
        finding.fixes.push(Fix::disruptive(
            "the virtual switch",
            format!("# let the port send and get frames with {mac}: vSphere forged transmits and MAC address changes accepted (promiscuous mode or MAC learning to receive them), Hyper-V 'Set-VMNetworkAdapter -VMName NAME -MacAddressSpoofing On', OpenStack 'openstack port set PORT --allowed-address ip-address={vip},mac-address={mac}'"),
            "Set it back.",
        ).or());
    }
    finding.candidate(
        "fabric-anti-spoof",
        "then the port of this host may send with the addresses alone that it was given (OpenStack 'openstack port show PORT -c allowed_address_pairs', a cloud's or hypervisor's like setting), and answers that name another leave and do not arrive",
    );
    finding.candidate("packet-loss", "then some of the answers arrive");
    finding.candidate(
        "vlan-mismatch",
        "then the question came in another VLAN than the one into which the answer leaves ('tcpdump -e' on both prints it)",
    );
    finding.proofs = proofs(found);
    finding.subjects = host.map(|h| Names(facts).subject(Role::Host, h)).into_iter().collect();
    finding.subjects.push(Subject {
        role: Role::Host,
        address: Some(asker),
        mac: Some(ask.asker_mac),
        port: None,
    });
    finding.addresses = vec![vip];
    finding.connections = found.failed.clone();
    finding
}

fn kind(mac: Mac) -> &'static str {
    if mac.is_vrrp() { "the MAC of a virtual router" } else { "a second MAC of its host" }
}
