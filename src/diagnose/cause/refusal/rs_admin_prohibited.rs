//! A firewall on a real server rejects SYNs with an ICMP error.
//!
//! Without a balancer in the captures the host's own shows it as well: a SYN for one of its
//! addresses comes in, goes nowhere, and the error leaves in that address's name. A port
//! unreachable is then taken for a rule only where a health check gets it, since a director
//! without real servers says the same to clients.

use crate::diagnose::cause::{by_address, each_service, severity, syns_or_blind};
use crate::diagnose::decide::refusal::WhyRejected;
use crate::diagnose::facts::refusal::refusals::{Refusal, Says};
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::netfilter::let_in;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{self, agree, list, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::topology::{HostId, Mode, Ordinary, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["icmp-unreachable", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.iter().filter(|(id, c)| {
        matches!(facts.ordinary(*id), None | Some(Ordinary::HealthCheck))
            && c.protocol.is_tcp()
            && c.outcome.failed()
            && by_server(facts, *id).next().is_some()
    });
    let findings =
        each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids));
    Detection::from(findings, || syns_or_blind(facts))
}

/// Rejections that come from the real server.
fn by_server(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = Refusal<'_>> {
    let known = trace.service(id).mode != Mode::Unknown;
    let check = trace.ordinary(id) == Some(Ordinary::HealthCheck);
    let of_pool = (known && !check).then(|| of_pool(trace, id));
    // What asks for health may ask a host that serves nobody there.
    let itself = trace.refusals(id).filter(move |refusal| {
        (check && refusal.says == Says::Port || !known && refusal.says == Says::Prohibited)
            && refusal.error.src == trace.connection(id).front.server.0
            && trace.sent_here(refusal)
            && trace.kept_at(id, refusal.vantage)
    });
    of_pool.into_iter().flatten().chain(itself)
}

fn of_pool(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = Refusal<'_>> {
    trace.refusals(id).filter(move |r| trace.signs_of(id, r).why() == WhyRejected::Firewall)
}

/// Seen where it is made, or by a director that got it from there.
fn is_shown(trace: &Trace, id: ConnectionId, refusal: &Refusal<'_>) -> bool {
    let server = trace.server(id).and_then(|s| s.host);
    let at = trace.host_of_vantage(refusal.vantage);
    trace.maker(refusal).is_some_and(|made| Some(made) == server)
        && at.is_some_and(|host| Some(host) == server || trace.service(id).is_director(host))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let mut subjects = servers(facts, &ids);
    if subjects.is_empty() {
        subjects = rejecting(facts, &ids);
    }
    let places: Vec<String> = subjects.iter().map(|s| place(facts, s)).collect();
    let who = list(&places);
    let all = || ids.iter().flat_map(|id| by_server(facts, *id).map(move |r| (*id, r)));
    let port = subjects.first().and_then(|subject| subject.port).unwrap_or(s.port);
    let what = all().next().map_or_else(|| "ICMP".to_owned(), |(_, r)| r.name());
    let forbidden = all().any(|(_, r)| r.says == Says::Prohibited);
    let means = if forbidden { "administratively prohibited" } else { "port unreachable" };
    let (verb, answer, rule) = agree(
        subjects.len(),
        ("rejects", "answers", "a rule in its firewall does so"),
        ("reject", "answer", "rules in their firewalls do so"),
    );
    let rule = if forbidden {
        format!("{rule}, TCP refuses with a reset")
    } else {
        "TCP refuses with a reset, so most likely a firewall's rule does so".to_owned()
    };
    let (firewall, one) =
        agree(subjects.len(), ("a firewall", "a director"), ("firewalls", "directors"));
    let title = format!("{firewall} on {who} {verb} connections to port {port}");
    let checks = ids.iter().all(|id| facts.ordinary(*id) == Some(Ordinary::HealthCheck));
    let harm = if checks {
        format!(
            "These are health checks ({} of them): the balancer takes the host for dead, or, where every host rejects its checks, may send to any of them.",
            ids.len()
        )
    } else {
        let chosen = if s.directors.is_empty() {
            ""
        } else {
            "; the director goes on choosing that server unless a health check of the same port removes it"
        };
        format!("{} rejected{chosen}.", share(facts, service, &ids, "are"))
    };
    let explanation =
        format!("{who} {answer} SYNs for {} with {what}, {means}: {rule}. {harm}", s.name(),);
    let mut finding = Finding::cause("rs-admin-prohibited", title, explanation);
    finding.severity = severity(facts, &ids);
    let shown = all().any(|(id, r)| r.says == Says::Prohibited && is_shown(facts, id, &r));
    finding.confidence = if shown { Confidence::Certain } else { Confidence::Likely };
    if !forbidden {
        finding.candidate("ipvs-no-destination", format!(
                "then {who} {} {one} of the service, and 'ipvsadm -Ln' there shows it without real servers", agree(subjects.len(), "is", "are")
            ));
    }
    let tables = words::tables(s.vip);
    for subject in &subjects {
        let host = place(facts, subject);
        finding.confirm(host.clone(), format!("{tables}-save -c | grep -iE 'reject|drop'; nft list ruleset | grep -iE 'reject|drop'; firewall-cmd --state"), "the rule whose counter grows with every SYN is it; firewalld rejects what none of its zones lets in, and counts nothing");
        finding.fixes.push(step::safe(host, [let_in(s.vip, None, port)]));
    }
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    finding.concerning(subjects, ids)
}

/// What a subject is called where commands are to be run: one without an address of its own by
/// the capture taken on it too.
fn place(facts: &Facts, subject: &Subject) -> String {
    match (subject.address, facts.host_by_mac(subject.mac)) {
        (None, Some(host)) => Names(facts).place(host),
        _ => Names(facts).place_of(subject),
    }
}

/// The hosts whose own captures show them reject, where no pool is known.
fn rejecting(facts: &Facts, ids: &[ConnectionId]) -> Vec<Subject> {
    let makers = ids.iter().flat_map(|id| by_server(facts, *id)).filter_map(|r| facts.maker(&r));
    let mut hosts: Vec<HostId> = makers.collect();
    by_address(facts, &mut hosts);
    let at = ids.first().map(|id| facts.connection(*id).front.server);
    let port = at.map(|(_, port)| port);
    hosts.into_iter().map(|h| Subject { port, ..Names(facts).subject(Role::Server, h) }).collect()
}

/// The error where it is nearest to its maker, after the SYN that it answers.
fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut seen: Vec<Refusal<'_>> = by_server(trace, id).collect();
    seen.sort_by_key(|r| (!trace.sent_here(r), trace.maker(r).is_none()));
    let Some(refusal) = seen.first() else { return Vec::new() };
    let here = if trace.sent_here(refusal) { ", by the real server itself" } else { "" };
    let leg = trace.back_legs(id).find(|leg| leg.vantage == refusal.vantage);
    let syn =
        leg.and_then(|leg| trace.proof(leg, trace.forward(leg).syn, "the SYN for the real server"));
    let note = format!("{} from {}{here}", refusal.name(), refusal.error.src);
    syn.into_iter().chain([Proof::at(refusal.at(), note)]).collect()
}
