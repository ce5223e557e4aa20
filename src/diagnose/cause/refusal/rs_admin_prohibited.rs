//! A firewall on a real server rejects SYNs with an ICMP error.

use crate::diagnose::cause::{by_service, severity, syns_or_blind};
use crate::diagnose::facts::telling;
use crate::diagnose::refusal::{Refusal, Says};
use crate::diagnose::words::{agree, name, names, servers, share};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Fix, Proof, ToConfirm};
use crate::topology::{Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["icmp-unreachable", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, c)| {
        c.protocol.is_tcp()
            && c.outcome.failed()
            && facts.service(*id).mode != Mode::Unknown
            && by_server(facts, *id).next().is_some()
    });
    let findings = by_service(facts, hit.map(|(id, _)| id))
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || syns_or_blind(facts))
}

/// Rejections that come from the real server. A port unreachable is one too:
/// TCP itself refuses with a reset (RFC 1122, section 3.2.2.1), so a rule made
/// it.
fn by_server(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = Refusal<'_>> {
    let server = trace
        .server(id)
        .filter(|server| server.host.is_none_or(|host| !trace.service(id).is_director(host)));
    let vip = trace.service(id).vip;
    trace.refusals(id).filter(move |refusal| {
        let from = Some(refusal.error.src);
        let made = trace.maker(refusal);
        matches!(refusal.says, Says::Prohibited | Says::Port)
            && server.is_some_and(|server| {
                (made.is_some() && made == server.host)
                    || (from == server.address && from != Some(vip))
            })
    })
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
    let subjects = servers(facts, &ids);
    let who = names(&subjects);
    let all = || ids.iter().flat_map(|id| by_server(facts, *id).map(move |r| (*id, r)));
    let port = subjects.first().and_then(|subject| subject.port).unwrap_or(s.port);
    let what = all().next().map_or_else(|| "ICMP".to_owned(), |(_, r)| r.name());
    let forbidden = all().any(|(_, r)| r.says == Says::Prohibited);
    let means = if forbidden { "administratively prohibited" } else { "port unreachable" };
    let (verb, answer, its) =
        agree(subjects.len(), ("rejects", "answers", "its"), ("reject", "answer", "their"));
    let title = format!("a firewall on {who} {verb} connections to port {port}");
    let explanation = format!(
        "{who} {answer} SYNs for {} with {what}, {means}: a rule in {its} firewall does, TCP refuses with a reset. {} connections are rejected; the director goes on choosing that server unless a health check of the same port removes it.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("rs-admin-prohibited", title, explanation);
    finding.severity = severity(facts, &ids);
    let shown = all().any(|(id, r)| r.says == Says::Prohibited && is_shown(facts, id, &r));
    finding.confidence = if shown { Confidence::Certain } else { Confidence::Likely };
    if !forbidden {
        finding.candidates.push(Candidate {
            id: "ipvs-no-destination",
            tell_apart: format!(
                "then {who} is a director itself, and 'ipvsadm -Ln' there shows a service without real servers"
            ),
        });
    }
    let tables = crate::diagnose::words::tables(s.vip);
    for subject in &subjects {
        let host = name(subject);
        finding.to_confirm.push(ToConfirm {
            host: host.clone(),
            command: format!("{tables} -L INPUT -nvx --line-numbers | grep -i reject; nft list ruleset | grep -i reject"),
            why: "the rule whose counter grows with every SYN is it".to_owned(),
        });
        finding.fixes.push(Fix {
            host,
            command: format!("{tables} -I INPUT 1 -p tcp --dport {port} -j ACCEPT"),
            disruptive: false,
            undo: format!("{tables} -D INPUT -p tcp --dport {port} -j ACCEPT"),
        });
    }
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    finding.subjects = subjects;
    finding.connections = ids;
    finding
}

/// The error where it is nearest to its maker, after the SYN that it answers.
fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut seen: Vec<Refusal<'_>> = by_server(trace, id).collect();
    seen.sort_by_key(|r| (!trace.sent_here(r), trace.maker(r).is_none()));
    let Some(refusal) = seen.first() else { return Vec::new() };
    let here = if trace.sent_here(refusal) { ", by the real server itself" } else { "" };
    let leg = trace.back_legs(id).find(|leg| usize::from(leg.vantage) == refusal.vantage);
    let syn =
        leg.and_then(|leg| trace.proof(leg, trace.forward(leg).syn, "the SYN for the real server"));
    let note = format!("{} from {}{here}", refusal.name(), refusal.error.src);
    syn.into_iter().chain([Proof { at: refusal.at(), note }]).collect()
}
