//! A UDP service answers from another address of its host than was asked, as that of a
//! DR or TUN pool from the real server's own, and the client refuses a datagram from
//! somebody whom it never asked.
//!
//! The client's ICMP error proves it. Where a firewall keeps that back, the host's own
//! capture shows the question come and the answer leave from its other address, and the
//! client ask the very same again.

use crate::diagnose::cause::by_service;
use crate::diagnose::facts::stray_answers::{in_vain, is_chosen, pairs, refused, seen_after};
use crate::diagnose::facts::telling;
use crate::diagnose::words::{agree, names, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof, Severity, Subject};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, Protocol};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["icmp-unreachable", "asymmetric-return-path"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let pairs = pairs(facts);
    let by_query: BTreeMap<ConnectionId, ConnectionId> =
        pairs.iter().map(|p| (p.query, p.answer)).collect();
    let mut findings: Vec<Finding> = by_service(facts, by_query.keys().copied())
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids, &by_query))
        .collect();
    findings.extend(super::other_port::findings(facts));
    Detection::from(findings, || {
        // A DR director sees no answers, right or wrong.
        let blind = facts.requests().any(|(id, c)| {
            let dr = matches!(facts.service(id).mode, Mode::Dr | Mode::Tun);
            dr && c.protocol == Protocol::UDP && !c.progress.response
        });
        if blind {
            return Detection::Unchecked(
                "datagrams for a DR service have no answer in these captures; capture on a real server or on the client".to_owned(),
            );
        }
        Detection::Clean
    })
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    by_query: &BTreeMap<ConnectionId, ConnectionId>,
) -> Finding {
    let s = facts.topology.service(service);
    let answers: Vec<ConnectionId> = ids.iter().map(|id| by_query[id]).collect();
    let subjects = answering(facts, &answers);
    let who = names(&subjects);
    let vip = s.name();
    let (verb, its) = agree(subjects.len(), ("answers", "its"), ("answer", "their"));
    let title = format!("{who} {verb} from {its} own address instead of {}", s.vip);
    let told = answers.iter().any(|id| refused(facts, *id).is_some());
    let refuses = if told {
        "takes nothing from anybody else, and refuses with ICMP port unreachable"
    } else {
        "takes nothing from anybody else, and asks the same again"
    };
    let explanation = format!(
        "Queries for {vip} reach {who}, whose answers leave with {its} own address as source. The client asked {}, {refuses}. A UDP socket bound to all addresses lets the routing table choose the source. {} exchanges fail.",
        s.vip,
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("udp-reply-from-rip", title, explanation);
    finding.severity = Severity::Critical;
    let known = matches!(s.mode, Mode::Dr | Mode::Tun);
    let sure = known && ids.iter().any(|id| is_chosen(facts, *id, by_query[id]));
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    // A host that answers itself is no director.
    let itself = ids.iter().any(|id| in_vain(facts, *id, by_query[id]));
    if !known && !itself {
        finding.candidate(
            "nat-return-bypasses-director",
            "then the director rewrites the queries' destination, and the answers go around it"
                .to_owned(),
        );
    }
    for subject in &subjects {
        let host = crate::diagnose::words::name(subject);
        finding.confirm(
            host.clone(),
            format!("ss -lunp 'sport = :{}'", s.port),
            "'0.0.0.0' or '*': the socket has no address of its own to answer from",
        );
        finding.fixes.push(fix(host, subject, s.vip, s.port));
    }
    let shown = telling(facts, &ids);
    finding.proofs = shown.map(|id| proofs(facts, id, by_query[&id])).unwrap_or_default();
    finding.subjects = subjects;
    finding.addresses = answers.iter().map(|id| facts.connection(*id).front.server.0).collect();
    finding.addresses.sort_unstable();
    finding.addresses.dedup();
    finding.connections = ids;
    finding.strays = answers;
    finding
}

fn fix(host: String, subject: &Subject, vip: Ip, port: u16) -> Fix {
    let own = subject.address.map_or_else(|| "RIP".to_owned(), |ip| ip.to_string());
    let tool = crate::diagnose::words::tables(vip);
    let raw = format!("PREROUTING -p udp -d {vip} --dport {port} -j NOTRACK");
    let nat = format!("POSTROUTING -p udp -s {own} --sport {port} -j SNAT --to-source {vip}");
    // A tracked query holds the very address and port that the answer needs.
    Fix::safe(
        format!("{host}, until the daemon is bound to {vip} or answers from where it was asked"),
        format!("{tool} -t raw -I {raw}\n{tool} -t nat -I {nat}"),
        format!("{tool} -t nat -D {nat}\n{tool} -t raw -D {raw}"),
    )
}

/// Who answers, each once, most answers first.
fn answering(trace: &Trace, answers: &[ConnectionId]) -> Vec<Subject> {
    let mut counts: BTreeMap<(Ip, u16), usize> = BTreeMap::new();
    for id in answers {
        *counts.entry(trace.connection(*id).front.server).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mac = |ip| {
        let host = trace.host_by_ip(ip)?;
        trace.topology.hosts.get(host).macs.first().copied()
    };
    let subject = |(ip, port)| Subject {
        role: Role::RealServer,
        address: Some(ip),
        mac: mac(ip),
        port: Some(port),
    };
    counts.into_iter().map(|(end, _)| subject(end)).collect()
}

/// Query and answer at the real server before other vantages, then the refusal.
fn proofs(trace: &Trace, query: ConnectionId, answer: ConnectionId) -> Vec<Proof> {
    let front = trace.connection(answer).front;
    let host = trace.host_by_ip(front.server.0);
    let mut seen: Vec<_> = seen_after(trace, query, answer).collect();
    seen.sort_by_key(|(leg, _)| (host.is_none() || trace.host_of(leg) != host, leg.vantage));
    let mut proofs = Vec::new();
    if let Some((asked, replied)) = seen.first() {
        let asked_for = trace.connection(query).front.server.0;
        proofs.extend(trace.proof(
            asked,
            trace.forward(asked).first,
            format!("the query, for {asked_for}"),
        ));
        let from = format!("the answer, from {}", front.server.0);
        proofs.extend(trace.proof(replied, trace.reply(replied).first, from));
    }
    if let Some((asked, _)) = seen.first().filter(|_| refused(trace, answer).is_none()) {
        let again = "the client asks the same again";
        proofs.extend(trace.proof(asked, trace.forward(asked).last, again));
    }
    proofs.extend(refused(trace, answer).map(|(vantage, error)| Proof {
        at: At { vantage, mark: error.mark },
        note: "the client refuses it: ICMP port unreachable".to_owned(),
    }));
    proofs
}
