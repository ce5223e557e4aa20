//! No host answers for the VIP: the last router asks for it in vain.

use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::decide::refusal::WhyRejected;
use crate::diagnose::facts::address::asks::asked_here;
use crate::diagnose::facts::refusal::refusals::Refusal;
use crate::diagnose::symptom::arp_unanswered as symptom;
use crate::diagnose::words::commands::{ip, step};
use crate::diagnose::words::{service_subject, share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::flow::{Ask, VantageId};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::HashSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["arp-unanswered", "icmp-unreachable", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let asks = facts.unanswered();
    let wanted: HashSet<Ip> = asks.iter().map(|(_, ask)| ask.target).collect();
    let bindings = facts.vantages.iter().flat_map(|v| &v.neighbors.bindings);
    let claimed: HashSet<Ip> = bindings.map(|b| b.ip).filter(|ip| wanted.contains(ip)).collect();
    let hit = facts.requests().filter(|(id, c)| {
        let vip = c.front.server.0;
        c.protocol.is_tcp()
            && c.outcome.failed()
            && wanted.contains(&vip)
            && !claimed.contains(&vip)
            && facts.unanswered_for(vip).any(|(_, ask)| !sends(facts, *id, ask))
    });
    // One answer, from whomever, and somebody has the address.
    let answers = facts.iter().filter(|(_, c)| c.progress.answered || c.progress.established);
    let answered: HashSet<Ip> =
        answers.map(|(_, c)| c.front.server.0).filter(|ip| wanted.contains(ip)).collect();
    let hit = hit.filter(|(_, c)| !answered.contains(&c.front.server.0));
    let findings =
        each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids));
    Detection::from(findings, || Detection::unless(symptom::blind(facts)))
}

/// Whether the asker sends the connection's packets on: then it was answered.
fn sends(trace: &Trace, id: ConnectionId, ask: &Ask) -> bool {
    let asker = trace.host_by_mac(Some(ask.asker_mac));
    trace.route(id).forward.iter().any(|step| step.from.is_some() && step.from == asker)
}

/// The router's word that nobody answered it: not in the name of the VIP, which
/// is what a director says of a real server.
fn told(trace: &Trace, id: ConnectionId) -> Option<Refusal<'_>> {
    trace.refusals(id).find(|r| trace.signs_of(id, r).why() == WhyRejected::NoOwner)
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let s = facts.topology.service(service);
    let mut asks: Vec<_> = facts.unanswered_for(s.vip).collect();
    asks.sort_by_key(|(v, ask)| (!asked_here(&facts.vantages[v.index()], ask), *v));
    let (v, ask) = *asks.first()?;
    let by_asker = asked_here(&facts.vantages[v.index()], ask);
    let refusal = ids.iter().find_map(|id| told(facts, *id));
    let vip = s.vip;
    let title = format!("no host has the VIP {vip}");
    let report = match &refusal {
        Some(r) => {
            format!(" {} tells the client so with {}, host unreachable.", r.error.src, r.name())
        }
        None => String::new(),
    };
    let explanation = format!(
        "{} asks for {vip} {} times, and nobody claims it, in none of these captures: no reply, no announcement.{report} {}. Either no director has the address, or it is on another network than the one where it is asked for.",
        ask.asker,
        ask.count,
        share(facts, service, &ids, "fail")
    );
    let mut finding = Finding::cause("vip-unowned", title, explanation);
    finding.severity = severity(facts, &ids);
    let sure = by_asker && refusal.is_some();
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    finding.candidate("vlan-mismatch", "then 'ip -br addr' on the director shows the VIP, and a capture there does not show the questions");
    // Who passes packets on to a link asks there for servers as for services.
    if s.directors.is_empty() {
        finding.candidate("rs-unreachable", format!("then {vip} is no service's address but a server's or a pod's own, which is down or gone, and whoever sends clients there still takes it for one that serves"));
    }
    finding.confirm(
        "every director",
        format!("ip -br addr show to {vip}; systemctl status keepalived"),
        "printed nowhere: this is it",
    );
    let captured = facts.host_by_ip(ask.asker).is_some_and(|host| facts.is_captured(host));
    if !by_asker && !captured {
        finding.to_confirm.push(to_capture(
            format!("the router {}", ask.asker),
            "router",
            &[vip],
            s.port,
            "an answer that comes to the asker shows there only",
        ));
    }
    let given = ip::Address::single(vip, "IFACE").given().because(&format!(
        "the interface on the network of {}; with keepalived, see first why no node is master",
        ask.asker
    ));
    finding.fixes.push(step::safe(
        "the director that should have it, if it is a service's address",
        [given],
    ));
    finding.proofs = proofs(v, ask, refusal.as_ref());
    finding.subjects = vec![service_subject(s), asker(facts, ask)];
    finding.connections = ids;
    finding.addresses = vec![vip];
    Some(finding)
}

fn asker(trace: &Trace, ask: &Ask) -> Subject {
    let host = trace.host_by_mac(Some(ask.asker_mac));
    let known = host.map(|host| Names(trace).subject(Role::Router, host));
    known.unwrap_or(Subject {
        role: Role::Router,
        address: Some(ask.asker),
        mac: Some(ask.asker_mac),
        port: None,
    })
}

fn proofs(vantage: VantageId, ask: &Ask, refusal: Option<&Refusal<'_>>) -> Vec<Proof> {
    let first = format!("who-has {} tell {}: the first of {}", ask.target, ask.asker, ask.count);
    let mut proofs = vec![
        Proof::on(vantage, ask.first, first),
        Proof::on(vantage, ask.last, "the last, still no answer"),
    ];
    proofs.extend(refusal.map(|r| {
        Proof::at(r.at(), format!("{}, host unreachable, from {}", r.name(), r.error.src))
    }));
    proofs
}
