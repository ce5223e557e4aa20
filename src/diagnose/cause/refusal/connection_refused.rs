//! A host answers SYNs with RST,ACK: nobody listens there.
//!
//! Of a balanced service it is a real server, or the director. Without a forwarding mode it
//! is said only where the refusing host's own capture shows that it kept the SYN: then the
//! address is that host's, whoever was meant to serve it.

use crate::correlate::Outcome;
use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::own_refusals::refuser;
use crate::diagnose::facts::telling;
use crate::diagnose::symptom::syn_refused as symptom;
use crate::diagnose::thresholds::PAIR;
use crate::diagnose::words::commands::ipvsadm::{Server, spared};
use crate::diagnose::words::{agree, list, name, servers, share, tables};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-refused"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let refused = || facts.requests().filter(|(_, c)| c.outcome == Outcome::Refused);
    let mode = |id: &ConnectionId| facts.service(*id).mode;
    let hit = refused().map(|(id, _)| id).filter(|id| mode(id) != Mode::Unknown);
    let mut findings: Vec<Finding> = by_service(facts, hit)
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    let mut own: BTreeMap<(ServiceId, HostId), Vec<ConnectionId>> = BTreeMap::new();
    for (id, _) in refused().filter(|(id, _)| mode(id) == Mode::Unknown) {
        if let Some((host, _)) = refuser(facts, id) {
            own.entry((facts.service_of(id), host)).or_default().push(id);
        }
    }
    // One connection to a port that serves nobody may be anybody's mistake; the symptom says so.
    own.retain(|_, ids| ids.len() >= PAIR);
    findings.extend(own.into_iter().map(|(of, ids)| by_itself(facts, of, ids)));
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

/// A host that refuses what comes to it, where nothing shows a balancer of the service.
fn by_itself(
    facts: &Facts,
    (service, host): (ServiceId, HostId),
    ids: Vec<ConnectionId>,
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let (who, port) = (names.full(host), s.port);
    let lo = ids.iter().filter(|id| {
        refuser(facts, **id).is_some_and(|(_, leg)| {
            facts.path(leg, facts.reply(leg)).any(|(_, hop)| hop.link.is_loopback())
        })
    });
    let over_lo = match (lo.count(), ids.len()) {
        (0, _) => String::new(),
        (n, all) if n == all => " The calls are its own and run over lo.".to_owned(),
        (n, _) => format!(" {n} of them are its own calls and run over lo."),
    };
    // What else it does with that address tells what was meant.
    let others: Vec<String> = facts
        .topology
        .services
        .iter()
        .filter(|other| other.vip == s.vip && other.port != port && other.is_director(host))
        .map(crate::topology::Service::name)
        .collect();
    let meant = if others.is_empty() {
        String::new()
    } else {
        format!(
            " It has the address {} and sends on what comes for {}, but knows no service on port {port}: what another host was to answer there ends on this one.",
            s.vip,
            list(&others)
        )
    };
    let title = format!("{who} itself refuses connections to {}", s.name());
    let explanation = format!(
        "The SYNs for {} reach {who} and go no further: it answers them with RST,ACK itself, since no process listens on port {port} of {} there.{over_lo}{meant} {} connections are refused.",
        s.name(),
        s.vip,
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("connection-refused", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Certain;
    // Whether a proxy asks for a client shows in bytes that a text does not print.
    if facts.unprinted().bytes {
        finding.confidence = Confidence::Likely;
        finding.candidate(
            "l7-backend-refused",
            "then it is a proxy's backend: a capture as a file shows whose request the proxy tried",
        );
    }
    finding.confirm(
        who.clone(),
        format!("ss -ltn 'sport = :{port}'; ip -br addr show | grep -wF {}", s.vip),
        "whether anything listens there, and which interface has the address",
    );
    if !others.is_empty() {
        finding.confirm(who, format!(
                "ipvsadm -Ln | grep -wF {0}; {1}-save -t nat | grep -wF {0}",
                s.vip,
                tables(s.vip)
            ), "the ports of the address that it sends on; kube-proxy in IPVS mode puts the addresses of all services on kube-ipvs0");
    }
    finding.proofs = telling(facts, &ids).map(|id| own_proofs(facts, id)).unwrap_or_default();
    // Who makes it take an address that is not its own accounts for this.
    finding.addresses = vec![s.vip];
    finding.subjects = vec![Subject { port: Some(port), ..names.subject(Role::RealServer, host) }];
    finding.connections = ids;
    finding
}

fn own_proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some((_, leg)) = refuser(trace, id) else { return Vec::new() };
    let proofs = [
        trace.proof(leg, trace.forward(leg).first, "the SYN, which goes no further"),
        trace.proof(leg, trace.reply(leg).rst, "RST,ACK, by this host itself"),
    ];
    proofs.into_iter().flatten().collect()
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
