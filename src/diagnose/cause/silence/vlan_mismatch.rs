//! The VIP is asked for in one VLAN and claimed in another, so the question never meets
//! its answer.
//!
//! Tags are believed only where they are: both the question and the claim must have been
//! captured with one, since network cards and captures on a VLAN's own interface strip
//! them, and no claim may be without or in the VLAN of the question. Connections must
//! fail: two networks with the same addresses in VLANs of their own are no fault, nor is a
//! host with one MAC in several VLANs. VRRP often has a VLAN of its own and claims nothing
//! here.

use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::facts::address::split_vlans::{Split, is_begging, is_tag, split, tag, waits};
use crate::diagnose::words::{self, count, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::BTreeSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "arp-unanswered", "icmp-unreachable"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let asks = || facts.vantages.iter().flat_map(|v| &v.neighbors.asks);
    if !asks().any(|ask| is_tag(ask.vlan)) {
        return Detection::unchecked(
            "no ARP was captured with VLAN tags; capture on the trunk, or on the parent of the VLAN interfaces: tcpdump -eni PARENT 'arp or vrrp or vlan'",
        );
    }
    let vips: BTreeSet<Ip> = facts.topology.services.iter().map(|s| s.vip).collect();
    let begged: BTreeSet<Ip> = asks()
        .filter(|ask| is_begging(ask) && vips.contains(&ask.target))
        .map(|a| a.target)
        .collect();
    let split: Vec<Split<'_>> = begged.into_iter().filter_map(|vip| split(facts, vip)).collect();
    if split.is_empty() {
        return Detection::Clean;
    }
    let failed = facts
        .requests()
        .filter(|(_, c)| c.outcome.failed() && !c.progress.answered && !c.progress.established);
    let of = |id: ConnectionId| {
        let vip = facts.connection(id).front.server.0;
        split.iter().find(|s| s.ask.target == vip && waits(facts, id, s))
    };
    let hit = failed.filter(|(id, _)| of(*id).is_some()).map(|(id, _)| id);
    let findings =
        each_service(facts, hit, |service, ids| Some(finding(facts, service, of(ids[0])?, ids)));
    Detection::from(findings, || Detection::Clean)
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    split: &Split<'_>,
    ids: Vec<ConnectionId>,
) -> Finding {
    let names = Names(facts);
    let ask = split.ask;
    let vip = ask.target;
    let (x, y) = (tag(ask.vlan), tag(split.vlan));
    let subject = split.owner.map(|h| names.subject(Role::Director, h));
    let subject = subject.map(|s| Subject { address: s.address.filter(|ip| *ip != vip), ..s });
    let owner = subject.as_ref().map_or_else(|| "its owner".to_owned(), words::name);
    let title = format!("{vip} is asked for in VLAN {x} and is in VLAN {y}");
    let explanation = format!(
        "{} asks for {vip} in VLAN {x}, {}, and gets no answer: {owner} claims {vip} in VLAN {y} and nowhere else. Frames of one VLAN do not reach the other. {}.",
        ask.asker,
        count(ask.count as usize, "time"),
        share(facts, service, &ids, "fail")
    );
    let mut finding = Finding::cause("vlan-mismatch", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate("vip-unowned", format!("VLAN {x} and VLAN {y} are two networks with the same addresses by intent, and the one that is missing is a director in VLAN {x}"));
    finding.confirm(
        owner.clone(),
        format!("ip -br addr show to {vip}; ip -d link show type vlan"),
        format!("names the interface and its VLAN id: it must be {x}, as that of {}", ask.asker),
    );
    let ip = subject.as_ref().and_then(|s| s.address);
    let ip = ip.map_or_else(|| "its own address".to_owned(), |ip| ip.to_string());
    finding.fixes = vec![
        Fix::disruptive(
            format!("the switch, at the port of {owner}, if that is in the wrong VLAN"),
            format!(
                "switchport access vlan {x}   # a trunk: switchport trunk allowed vlan add {x}"
            ),
            format!("switchport access vlan {y}"),
        ),
        Fix::disruptive(
            format!("{owner}, if it tags its frames itself"),
            format!(
                "ip link add link PARENT name PARENT.{x} type vlan id {x} && ip link set PARENT.{x} up   # then move {ip} and {vip} there"
            ),
            format!("ip link del PARENT.{x}"),
        ).or(),
    ];
    let proof = |mark, note: String| Proof::on(split.at, mark, note);
    finding.proofs = vec![
        proof(ask.first, format!("{} asks for {vip} in VLAN {x}", ask.asker)),
        proof(ask.last, "the last time; no answer".to_owned()),
        split.claim.clone(),
    ];
    finding.subjects.extend(subject);
    finding.subjects.push(Subject {
        role: Role::Router,
        address: Some(ask.asker),
        mac: Some(ask.asker_mac),
        port: None,
    });
    finding.addresses = vec![vip];
    finding.connections = ids;
    finding
}
