//! A real server answers SYNs with RST,ACK: nobody listens there.

use crate::correlate::Outcome;
use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::symptom::syn_refused as symptom;
use crate::diagnose::words::commands::ipvsadm::{Server, spared};
use crate::diagnose::words::{agree, name, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-refused"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // Without a balancer a refusal is what it is: the symptom says it all.
    let hit = facts.requests().filter(|(id, c)| {
        c.outcome == Outcome::Refused && facts.service(*id).mode != Mode::Unknown
    });
    let findings = by_service(facts, hit.map(|(id, _)| id))
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || match symptom::blind(facts) {
        Some(why) => Detection::Unchecked(why),
        None => Detection::Clean,
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let mut subjects = servers(facts, &ids);
    let by_server = !subjects.is_empty();
    if !by_server {
        subjects = vec![Subject {
            role: Role::Service,
            address: Some(s.vip),
            mac: None,
            port: Some(s.port),
        }];
    }
    let who = crate::diagnose::words::names(&subjects);
    let port = subjects[0].port.unwrap_or(s.port);
    let (verb, answer) = agree(subjects.len(), ("refuses", "answers"), ("refuse", "answer"));
    let title = format!("{who} {verb} connections on port {port}");
    let listens = match s.mode {
        Mode::Dr | Mode::Tun => format!(
            " In {} it must listen on {} or on all addresses, not on its own address alone.",
            s.mode.name().to_uppercase(),
            s.vip
        ),
        _ => String::new(),
    };
    let explanation = format!(
        "{who} {answer} SYNs for {} with RST,ACK: no process listens on port {port} there.{listens} {} connections are refused.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("connection-refused", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = confidence(facts, &ids, by_server);
    if finding.confidence != Confidence::Certain {
        finding.candidate(
            "ipvs-no-destination",
            "then the director itself refuses, and no real server sees the SYN".to_owned(),
        );
    }
    for subject in &subjects {
        finding.confirm(
            name(subject),
            format!("ss -ltn 'sport = :{port}'"),
            "shows whether anything listens, and on which address",
        );
        if by_server {
            let server = Server::subject(subject, s.port);
            finding.fixes.push(spared(Names(facts), s, server, "until the service runs again"));
        }
    }
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    finding.subjects = subjects;
    finding.connections = ids;
    finding
}

/// Seen where it is sent, or where the director gets it from the real server.
fn confidence(trace: &Trace, ids: &[ConnectionId], by_server: bool) -> Confidence {
    let shown = ids.iter().any(|id| {
        let service = trace.service(*id);
        symptom::legs(trace, *id).iter().any(|leg| {
            let host = trace.host_of(leg);
            let server = trace.server(*id).and_then(|s| s.host);
            let at_server = host.is_some() && host == server;
            let at_director = leg.tuple > 0 && host.is_some_and(|h| service.is_director(h));
            at_server || at_director
        })
    });
    if shown && by_server { Confidence::Certain } else { Confidence::Likely }
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(leg) = symptom::legs(trace, id).first().copied() else { return Vec::new() };
    let server = trace.server(id).and_then(|s| s.host);
    let at_server = trace.host_of(leg).is_some() && trace.host_of(leg) == server;
    let syn = if at_server { "the SYN as the real server gets it" } else { "the SYN" };
    let here = if trace.host_of(leg).is_some() && trace.host_of(leg) == server {
        ", by the real server itself"
    } else {
        ""
    };
    [
        trace.proof(leg, trace.forward(leg).first, syn),
        trace.proof(leg, trace.reply(leg).rst, format!("RST,ACK with sequence 0{here}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
