//! The VIP is asked for in one VLAN and claimed in another, so the question never meets
//! its answer.
//!
//! Tags are believed only where they are: both the question and the claim must have been
//! captured with one, since network cards and captures on a VLAN's own interface strip
//! them, and no claim may be without or in the VLAN of the question. Connections must
//! fail: two networks with the same addresses in VLANs of their own are no fault, nor is a
//! host with one MAC in several VLANs. VRRP often has a VLAN of its own and claims nothing
//! here.

use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::thresholds::{ARP_WAIT_NS, QUESTIONS};
use crate::diagnose::words::{count, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::flow::{Ask, Binding, Claim};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "arp-unanswered", "icmp-unreachable"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let asks = || facts.vantages.iter().flat_map(|v| &v.neighbors.asks);
    if !asks().any(|ask| is_tag(ask.vlan)) {
        return Detection::Unchecked(
            "no ARP was captured with VLAN tags; capture on the trunk, or on the parent of the VLAN interfaces: tcpdump -eni PARENT 'arp or vrrp or vlan'"
                .to_owned(),
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
    let findings = by_service(facts, hit)
        .into_iter()
        .filter_map(|(service, ids)| Some(finding(facts, service, of(ids[0])?, ids)))
        .collect();
    Detection::from(findings, || Detection::Clean)
}

/// A question with a tag that is asked again and again.
fn is_begging(ask: &Ask) -> bool {
    is_tag(ask.vlan) && ask.again >= QUESTIONS && ask.asker.is_host()
}

fn is_tag(vlan: u32) -> bool {
    vlan != 0 && vlan != Ask::SEVERAL_VLANS
}

/// The innermost tag, for people.
fn tag(vlan: u32) -> String {
    match (vlan >> 16, vlan & 0xffff) {
        (0, inner) => inner.to_string(),
        (outer, inner) => format!("{outer}.{inner}"),
    }
}

/// A question in one VLAN and the claim in another, each with its vantage.
struct Split<'a> {
    at: usize,
    ask: &'a Ask,
    owner: Option<HostId>,
    claim: Proof,
    vlan: u32,
}

fn claims(trace: &Trace, vip: Ip) -> impl Iterator<Item = (usize, &Binding)> {
    let all = trace.vantages.iter().enumerate();
    all.flat_map(|(v, vantage)| vantage.neighbors.bindings.iter().map(move |b| (v, b)))
        .filter(move |(_, b)| b.ip == vip)
}

fn split(trace: &Trace, vip: Ip) -> Option<Split<'_>> {
    let asks = trace.vantages.iter().enumerate().flat_map(|(v, vantage)| {
        vantage.neighbors.asks.iter().filter(|a| a.target == vip).map(move |a| (v, a))
    });
    let vlans: BTreeSet<u32> = claims(trace, vip).map(|(_, b)| b.vlan).collect();
    let (at, ask) = asks.clone().find(|(_, a)| is_begging(a))?;
    // Who asks anywhere else too, or is answered, or an owner without a tag: all is open.
    if asks.into_iter().any(|(_, a)| a.vlan != ask.vlan || a.answers > 0)
        || vlans.iter().any(|vlan| !is_tag(*vlan) || *vlan == ask.vlan)
    {
        return None;
    }
    let [vlan] = vlans.into_iter().collect::<Vec<_>>()[..] else { return None };
    let here = |v: usize| (v != at, v);
    let said = claims(trace, vip).filter(|(_, b)| b.claim != Claim::Sender);
    let (v, binding) = said.min_by_key(|(v, _)| here(*v))?;
    let note = format!("{} claims it in VLAN {}", binding.mac, tag(vlan));
    let owner = trace.host_by_mac(Some(binding.mac));
    let claim = Proof { at: At { vantage: v, mark: binding.first }, note };
    // Two captures that each show their own side: the owner's must lack the question.
    let other = claim.at.vantage;
    let owns = other == at || owner.is_some() && trace.host_of_vantage(other) == owner;
    owns.then_some(Split { at, ask, owner, claim, vlan })
}

/// Whether a connection was under way when the question was asked.
fn waits(trace: &Trace, id: ConnectionId, split: &Split<'_>) -> bool {
    let time = |mark| trace.time(At { vantage: split.at, mark });
    let (Some(start), Some(end)) = (trace.start(id), trace.end(id)) else { return false };
    let (first, last) = (time(split.ask.first), time(split.ask.last));
    first.0 - ARP_WAIT_NS <= trace.time(end).0 && trace.time(start).0 <= last.0 + ARP_WAIT_NS
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
    let owner =
        subject.as_ref().map_or_else(|| "its owner".to_owned(), crate::diagnose::words::name);
    let title = format!("{vip} is asked for in VLAN {x} and is in VLAN {y}");
    let explanation = format!(
        "{} asks for {vip} in VLAN {x}, {}, and gets no answer: {owner} claims {vip} in VLAN {y} and nowhere else. Frames of one VLAN do not reach the other. {} connections fail.",
        ask.asker,
        count(ask.count as usize, "time"),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("vlan-mismatch", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Likely;
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
    let proof = |mark, note: String| Proof { at: At { vantage: split.at, mark }, note };
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
