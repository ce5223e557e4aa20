//! A real server answers SYNs with RST,ACK: nobody listens there.

use crate::correlate::Outcome;
use crate::diagnose::cause::{by_service, name, servers, severity, share, telling};
use crate::diagnose::symptom::syn_refused as symptom;
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject, ToConfirm,
};
use crate::topology::{Mode, ServiceId};
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
        subjects =
            vec![Subject { role: "service", address: Some(s.vip), mac: None, port: Some(s.port) }];
    }
    let who = crate::diagnose::cause::names(&subjects);
    let port = subjects[0].port.unwrap_or(s.port);
    let (verb, answer) =
        if subjects.len() == 1 { ("refuses", "answers") } else { ("refuse", "answer") };
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
        finding.candidates.push(Candidate {
            id: "ipvs-no-destination",
            tell_apart: "then the director itself refuses, and no real server sees the SYN"
                .to_owned(),
        });
    }
    for subject in &subjects {
        finding.to_confirm.push(ToConfirm {
            host: name(subject),
            command: format!("ss -ltn 'sport = :{port}'"),
            why: "shows whether anything listens, and on which address".to_owned(),
        });
        if by_server {
            finding.fixes.push(drain(facts, service, subject));
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

fn drain(trace: &Trace, service: ServiceId, subject: &Subject) -> Fix {
    let s = trace.topology.service(service);
    let flag = match s.mode {
        Mode::Dr => "-g",
        Mode::Tun => "-i",
        _ => "-m",
    };
    let server = subject
        .address
        .map_or_else(|| "RIP".to_owned(), |ip| ip.with_port(subject.port.unwrap_or(s.port)));
    let edit = |weight: &str| {
        format!(
            "ipvsadm -e -{} {} -r {server} {flag} -w {weight}",
            if s.protocol.is_udp() { 'u' } else { 't' },
            s.name()
        )
    };
    let host = s.directors.first().map_or_else(
        || "the director".to_owned(),
        |d| format!("the director {}", Names(trace).host(d.host)),
    );
    Fix {
        host: format!("{host}, until the service runs again"),
        command: edit("0"),
        disruptive: false,
        undo: edit("1"),
    }
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
