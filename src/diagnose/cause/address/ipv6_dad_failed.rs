//! A host that wants to use a service address is told that another has it (RFC 4862,
//! section 5.4): it leaves the address unused, without a word to anybody.
//!
//! Proven by two frames of one capture: a neighbour solicitation from the unspecified
//! address for the VIP, and an advertisement for it from another MAC right after. A
//! host's own frame that a switch or a bond brings back has its own MAC.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::each_once;
use crate::diagnose::{Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject};
use crate::flow::{Probe, VantageId};
use crate::topology::{HostId, Role};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Mac};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["vip-arp-conflict", "syn-unanswered", "syn-refused", "connection-refused", "arp-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let vips: Vec<Ip> = each_once(
        facts.topology.services.iter().filter(|s| !s.is_backend && !s.vip.is_v4()).map(|s| s.vip),
    );
    let findings = vips.iter().filter_map(|vip| finding(facts, *vip)).collect();
    Detection::from(findings, || {
        if facts.topology.services.iter().all(|s| s.vip.is_v4()) {
            return Detection::Clean;
        }
        Detection::clean_if(
            facts.vantages.iter().any(|v| !v.neighbors.bindings.is_empty()),
            "no neighbour discovery was captured; capture 'icmp6' on the VIP's link from before the VIP is added",
        )
    })
}

fn finding(trace: &Trace, vip: Ip) -> Option<Finding> {
    let of_vip = |(_, p): &(VantageId, &Probe)| p.ip == vip && p.holder.is_some();
    let all = VantageId::each(&trace.vantages);
    let all = all.flat_map(|(v, seen)| seen.neighbors.probes.iter().map(move |p| (v, p)));
    // What a later answer of the loser itself contradicts was a passing conflict.
    let in_force = |(_, p): &(VantageId, &Probe)| !uses(trace, vip, p.mac);
    let (v, probe) = all.filter(of_vip).find(in_force)?;
    let holder_mac = probe.holder?;
    let loser = trace.host_by_mac(Some(probe.mac));
    let holder = trace.host_by_mac(Some(holder_mac));
    if loser.is_some() && loser == holder {
        return None;
    }
    let ids: Vec<ConnectionId> = trace
        .requests()
        .filter(|(id, c)| trace.service(*id).vip == vip && c.outcome.failed())
        .map(|(id, _)| id)
        .collect();
    let names = Names(trace);
    let of = |host: Option<HostId>, mac: Mac| {
        let address = host.and_then(|h| names.address(h)).filter(|ip| *ip != vip);
        let capture = host.and_then(|h| names.capture_of(h));
        match (address, capture) {
            (Some(ip), _) => format!("{ip} ({mac})"),
            (None, Some(capture)) => format!("{mac} (capture {capture})"),
            (None, None) => mac.to_string(),
        }
    };
    let (lost, has) = (of(loser, probe.mac), of(holder, holder_mac));
    let title = format!("{lost} may not use {vip}: {has} has that address already");
    let explanation = format!(
        "{lost} asked whether {vip} is in use before it took it (duplicate address detection), and {has} said yes. The address stays on the interface of the first, marked 'dadfailed', and is used for nothing: it neither answers nor sends with it, and what goes to {vip} goes to the other."
    );
    let mut finding = Finding::cause("ipv6-dad-failed", title, explanation);
    finding.severity = if ids.is_empty() { Severity::Warning } else { severity(trace, &ids) };
    finding.proofs = vec![
        Proof::on(v, probe.asked, format!("{} asks whether {vip} is in use", probe.mac)),
        Proof::on(v, probe.told, format!("{holder_mac} says that it is")),
    ];
    finding.confirm(
        lost.clone(),
        format!("ip -6 addr show to {vip}"),
        "'dadfailed' beside the address: this is it",
    );
    finding.fixes = vec![
        Fix::disruptive(
            format!("{has}, if the address is not its own any more, or if it is a real server"),
            format!(
                "ip -6 addr show to {vip}   # MASK and IFACE\nip -6 addr del {vip}/MASK dev IFACE   # a real server keeps it on lo: ip -6 addr add {vip}/128 dev lo nodad"
            ),
            format!("ip -6 addr add {vip}/MASK dev IFACE"),
        ),
        Fix::safe(
            format!("{lost}, after that"),
            format!(
                "ip -6 addr show to {vip}   # MASK and IFACE\nip -6 addr del {vip}/MASK dev IFACE; ip -6 addr add {vip}/MASK dev IFACE nodad"
            ),
            format!(
                "ip -6 addr del {vip}/MASK dev IFACE; ip -6 addr add {vip}/MASK dev IFACE   # as it was, with detection"
            ),
        ),
    ];
    let subject = |host: Option<HostId>, mac: Mac| Subject {
        role: Role::Host,
        address: host.and_then(|h| names.address(h)).filter(|ip| *ip != vip),
        mac: Some(mac),
        port: None,
    };
    finding.subjects = vec![subject(loser, probe.mac), subject(holder, holder_mac)];
    finding.addresses = vec![vip];
    finding.connections = ids;
    Some(finding)
}

/// Whether a MAC claims an address.
fn uses(trace: &Trace, vip: Ip, mac: Mac) -> bool {
    trace.vantages.iter().flat_map(|v| &v.neighbors.bindings).any(|b| (b.ip, b.mac) == (vip, mac))
}
