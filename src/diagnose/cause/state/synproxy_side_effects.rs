//! A director that answers SYNs itself (SYN proxy) tells clients that they are connected
//! before a real server is, and something goes wrong between the two.
//!
//! [`crate::diagnose::facts::state::syn_proxies`] says what; here it is worded. A SYN proxy that works is no finding.

use super::synproxy_words::words;
use crate::diagnose::cause::{by_address, needs_mode, severity};
use crate::diagnose::facts::state::syn_proxies::{Fault, Spoilt, guards, second_answerer};
use crate::diagnose::thresholds::PAIR;
use crate::diagnose::words::commands::ipvsadm::Virtual;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{names, rest, servers, service_subject, share};
use crate::diagnose::{Candidate, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["connection-reset", "rst-no-socket", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, Fault), Vec<Spoilt<'_>>> = BTreeMap::new();
    for one in facts.spoilt().iter().copied() {
        let service = facts.topology.service_of[one.id.0 as usize];
        sets.entry((service, one.fault)).or_default().push(one);
    }
    sets.retain(|(_, fault), set| *fault != Fault::Cookie || set.len() >= PAIR);
    let findings =
        sets.into_iter().map(|((service, fault), set)| finding(facts, service, fault, &set));
    Detection::from(findings.collect(), || {
        if let Some(other) = needs_mode(facts, &Mode::LAYER_4) {
            return other;
        }
        let mut services =
            facts.topology.services.iter().filter(|s| Mode::LAYER_4.contains(&s.mode));
        Detection::clean_if(
            services.any(|s| s.directors.iter().any(|d| facts.is_captured(d.host))),
            "no director was captured; who answers a SYN first shows there, 'tcpdump -i any'",
        )
    })
}

fn finding(facts: &Facts, service: ServiceId, fault: Fault, set: &[Spoilt<'_>]) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|x| x.id).collect();
    let mut hosts: Vec<HostId> = set.iter().filter_map(|x| x.director).collect();
    by_address(facts, &mut hosts);
    let mut directors: Vec<Subject> = say.subjects(Role::Director, &hosts);
    if directors.is_empty() {
        let own = servers(facts, &ids);
        match own.len() {
            // Without a director in sight the server itself answers so.
            1 if fault == Fault::Stalled => directors = own,
            _ => directors.push(service_subject(s)),
        }
    }
    let director = names(&directors);
    let on_servers: Vec<Subject> = match fault {
        Fault::Cookie | Fault::Closed | Fault::Stalled => Vec::new(),
        Fault::Direct => {
            let mut hosts: Vec<HostId> =
                set.iter().filter_map(|x| second_answerer(facts, x)).collect();
            by_address(facts, &mut hosts);
            say.subjects(Role::RealServer, &hosts)
        }
        Fault::Refused | Fault::Silent => servers(facts, &ids),
    };
    let server =
        if on_servers.is_empty() { "the real server".to_owned() } else { names(&on_servers) };
    let known = fault == Fault::Closed && !hosts.is_empty() && guards(facts, service);
    let told = words(facts, service, fault, (&director, &server), known);
    let how = match (fault, known) {
        (Fault::Closed, false) => "as a SYN proxy does that waits for the client",
        (Fault::Stalled, _) => "as a SYN proxy does that has no server yet",
        _ => "before a real server was asked (SYN proxy)",
    };
    let explanation = format!(
        "{director} answers SYNs for {} itself, {how}. {} {} concerned.",
        s.name(),
        told.reason,
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("synproxy-side-effects", told.title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = told.confidence;
    finding.candidates = Candidate::all(told.candidates);
    let (host, command, why) = told.confirm;
    finding.confirm(host, command, why.to_owned());
    if matches!(fault, Fault::Refused | Fault::Silent) {
        let mut resting: Vec<HostId> =
            ids.iter().filter_map(|id| facts.server(*id)?.host).collect();
        by_address(facts, &mut resting);
        let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
        let until = "until it answers";
        finding.fixes = rest(facts, service, &resting, port, until);
    } else if fault == Fault::Stalled {
        finding.fixes = vec![mend(director)];
    } else {
        finding.fixes = vec![off(&Virtual::of(s), director)];
    }
    finding.proofs = set.first().map(|x| proofs(facts, x)).unwrap_or_default();
    finding.concerning(
        match fault {
            Fault::Refused | Fault::Silent => [on_servers, directors].concat(),
            _ => [directors, on_servers].concat(),
        },
        ids,
    )
}

/// The SYN proxy off for a service.
fn off(table: &Virtual, director: String) -> Fix {
    let why = "SCHEDULER: with its options, as the first line printed it; dpvs, alibaba/LVS; netfilter: delete the rule with '-j SYNPROXY'. A flood of SYNs then reaches the real servers";
    step::disruptive(director, table.rescheduled("SCHEDULER -j disable", why)).or()
}

/// What netfilter's SYNPROXY needs beside its rule.
fn mend(director: String) -> Fix {
    sysctl::change(
        format!("{director}, if its rules have SYNPROXY"),
        &[("net.netfilter.nf_conntrack_tcp_loose", "0", "1")],
    )
    .because("or delete the rule with '-j SYNPROXY': a flood of SYNs then reaches the server")
}

fn proofs(trace: &Trace, x: &Spoilt<'_>) -> Vec<Proof> {
    let (there, back) = (trace.forward(x.front), trace.reply(x.front));
    let mut proofs = Vec::new();
    let answer = match x.fault {
        Fault::Closed | Fault::Stalled => "the SYN-ACK, with a window of 0",
        _ => "the director's own SYN-ACK",
    };
    proofs.extend(trace.proof(x.front, back.syn, answer));
    proofs.extend(trace.proof(x.front, there.ack, "the client is connected"));
    match (x.fault, x.back) {
        (Fault::Refused, Some(leg)) => {
            let note = "only now a SYN goes to the real server";
            proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
            proofs.extend(trace.proof(leg, trace.reply(leg).rst, "which refuses it"));
        }
        (Fault::Silent, Some(leg)) => {
            let note = "only now a SYN goes to the real server";
            proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
            proofs.extend(trace.proof(leg, trace.forward(leg).last, "and again; nothing answers"));
        }
        (Fault::Direct, Some(leg)) => {
            let note = "another SYN-ACK, of the real server, with another number";
            proofs.extend(trace.proof(leg, trace.reply(leg).syn, note));
        }
        (Fault::Stalled, _) => {
            let note = "what it sends is not acknowledged, and comes again";
            proofs.extend(trace.proof(x.front, there.data, note));
            proofs.extend(trace.proof(x.front, back.last, "an ACK that takes nothing of it"));
        }
        (Fault::Cookie, _) if back.rst.is_set() => {
            proofs.extend(trace.proof(x.front, back.rst, "the director resets it"));
        }
        _ => proofs.extend(trace.proof(x.front, there.last, "it still tries, and gets nowhere")),
    }
    proofs
}
