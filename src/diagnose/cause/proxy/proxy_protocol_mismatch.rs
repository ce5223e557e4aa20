//! A PROXY header is sent to a server that does not expect one, or is not sent to one that does.
//!
//! The first shows in the bytes: the header, and an error or the end in answer to it.
//! The second shows as a server that closes without a word on every request; it is said for certain only where the
//! same server answers connections that bring the header.

use super::header_fixes::{balancer_fix, server_fix};
use crate::correlate::Leg;
use crate::diagnose::cause::no_proxy;
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::proxy::prefaces::{
    Listener, Said, Wrong, end_of, endpoints, judge, misunderstood, preface,
};
use crate::diagnose::thresholds::{NO_COINCIDENCE, PROMPT_NS};
use crate::diagnose::words::{agree, count, list, part};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject,
};
use crate::flow::{FirstReply, Mark};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["http-5xx", "connection-reset", "rst-no-socket"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut groups: BTreeMap<(ServiceId, Wrong), (Vec<Listener>, Said)> = BTreeMap::new();
    let mut served: Vec<Listener> = Vec::new();
    for (at, said) in endpoints(facts) {
        served.extend((!said.accepted.is_empty()).then_some(at));
        let Some(wrong) = judge(facts, at, &said) else { continue };
        let Some(service) = said.service(facts, wrong) else { continue };
        let (servers, all) = groups.entry((service, wrong)).or_default();
        servers.push(at);
        all.join(said);
    }
    let mut findings = Vec::new();
    for ((_, wrong), (servers, said)) in &groups {
        if *wrong != Wrong::Silent || said.dropped.len() >= NO_COINCIDENCE {
            findings.push(finding(facts, servers, said, *wrong, &served));
        }
    }
    Detection::from(findings, || {
        let told = facts.vantages.iter().any(|v| v.side_tables.has_prefaces());
        if told { Detection::Clean } else { no_proxy(facts) }
    })
}

fn finding(
    trace: &Trace,
    servers: &[Listener],
    said: &Said,
    wrong: Wrong,
    served: &[Listener],
) -> Finding {
    let names: Vec<String> = servers.iter().map(|(ip, port)| ip.with_port(*port)).collect();
    let who = list(&names);
    match wrong {
        Wrong::Unexpected => unexpected(trace, servers, &who, said, served),
        Wrong::Missing | Wrong::Silent => missing(trace, servers, &who, said, wrong),
    }
}

/// A header where none is expected.
fn unexpected(
    trace: &Trace,
    servers: &[Listener],
    who: &str,
    said: &Said,
    served: &[Listener],
) -> Finding {
    // A header that names nobody is a balancer's own, before what it asks for itself.
    let own = said.rejected.iter().all(|(_, leg)| preface(trace, leg).is_some_and(|p| p.own));
    let of_clients: Vec<String> = served
        .iter()
        .filter(|(ip, _)| servers.iter().any(|(server, _)| server == ip))
        .map(|(ip, port)| ip.with_port(*port))
        .collect();
    let mut checks = String::new();
    if own {
        checks.push_str(" None of these headers names a client (LOCAL): they are the balancer's own questions, its health checks, and a server that fails them gets no clients.");
    }
    if !of_clients.is_empty() {
        checks.push_str(&format!(
            " {} takes the header and answers: who stops sending it there breaks that.",
            list(&of_clients)
        ));
    }
    let n = said.rejected.len();
    let version =
        said.rejected.iter().find_map(|(_, leg)| preface(trace, leg)).map_or(1, |p| p.version);
    let verb = agree(servers.len(), "is", "are");
    let title = format!("{who} {verb} sent a PROXY header that nobody there expects");
    let explanation = format!(
        "Each connection to {who} begins with a PROXY header of version {version}, and the server takes it for a broken request: {}. {} so. Either the server must be told to read the header, or the balancer must not send it there: one of the two, since both leave them at odds the other way round.{checks}",
        answers(trace, said),
        part(n, n, "such connection", "end"),
    );
    let mut finding = based_on(trace, servers, title, explanation, &said.rejected);
    let twice = |(_, leg): &(ConnectionId, Leg)| preface(trace, leg).is_some_and(|p| p.twice);
    if said.rejected.iter().all(twice) {
        return super::two_headers::word(finding, who, verb, &answers(trace, said));
    }
    let sure = n >= NO_COINCIDENCE || !said.answered.is_empty();
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    finding.fixes = vec![
        server_fix(who, "read the header: 'accept-proxy' on bind (haproxy), 'proxy_protocol' on listen (nginx), 'RemoteIPProxyProtocol' (Apache), 'smtpd_upstream_proxy_protocol = haproxy' (Postfix), 'haproxy = yes' (Dovecot), 'proxy-protocol-networks' (MariaDB, Percona Server; MySQL itself reads none)", "Take the word out again."),
        balancer_fix(
            "send no header there: leave out 'send-proxy' (haproxy server line), 'proxy_protocol on' (nginx stream), the target group's attribute proxy_protocol_v2.enabled (AWS)",
        )
        .or(),
    ];
    finding
}

/// "HTTP 400", "a TLS alert", "it closes without a word".
fn answers(trace: &Trace, said: &Said) -> String {
    let words: Vec<String> =
        each_once(said.rejected.iter().filter_map(|(_, leg)| Some((leg, preface(trace, leg)?))).map(
            |(leg, p)| match p.reply {
                FirstReply::Status(status) => format!("it answers HTTP {status}"),
                FirstReply::Alert => "it answers with a TLS alert".to_owned(),
                _ => match misunderstood(trace, leg) {
                    Some(said) if ends_at_once(trace, leg, said) => {
                        "it says that it does not understand what it is sent, and closes".to_owned()
                    }
                    Some(_) => "it says that it does not understand that line, and what its client says next is answered one late".to_owned(),
                    None => "it closes without a word".to_owned(),
                },
            },
        ));
    list(&words)
}

/// Whether the server ended the connection at once after a word.
fn ends_at_once(trace: &Trace, leg: &Leg, said: Mark) -> bool {
    end_of(trace, leg).is_some_and(|end| (0..PROMPT_NS).contains(&end.since(said)))
}

/// No header where one is expected.
fn missing(trace: &Trace, servers: &[Listener], who: &str, said: &Said, wrong: Wrong) -> Finding {
    let expected = wrong == Wrong::Missing;
    let several = servers.len() > 1;
    let n = said.dropped.len();
    let title = if expected {
        let verb = if several { "expect" } else { "expects" };
        format!("{who} {verb} a PROXY header and gets none")
    } else {
        let verb = if several { "close" } else { "closes" };
        format!("{who} {verb} every connection at the first request, as without a PROXY header")
    };
    let other = if expected {
        format!(
            " {} that {} with a PROXY header {} answered.",
            count(said.accepted.len(), "connection"),
            agree(said.accepted.len(), "begins", "begin"),
            agree(said.accepted.len(), "is", "are")
        )
    } else {
        String::new()
    };
    let explanation = format!(
        "Connections to {who} are accepted, the first bytes are acknowledged, and the server ends the connection at once without sending a byte: {n} of {n}.{other} A server that is told to expect the PROXY protocol does that with whatever begins otherwise."
    );
    let mut finding = based_on(trace, servers, title, explanation, &said.dropped);
    finding.confidence = if expected { Confidence::Certain } else { Confidence::Possible };
    if !expected {
        finding.candidate("rs-lost-socket", "then the server's program ends or crashes at each request: its log and its process start time tell");
        finding.confirm(Names(trace).places_of(&finding.subjects), "grep -rnE 'proxy_protocol|accept-proxy|RemoteIPProxyProtocol|proxy-protocol' /etc; # and its error log: 'broken header' (nginx), 'PROXY SIG ERROR' (haproxy)", "a listener that requires the header: this is it");
    }
    if expected {
        // Who brings the header is served: the server is not to stop taking it.
        let fix = Fix::disruptive(
            "whoever opens the connections without it",
            "# send the header, as the others do: 'send-proxy' or 'send-proxy-v2' on the server line, with 'check-send-proxy' (haproxy), 'proxy_protocol on' (nginx stream), the target group's attribute proxy_protocol_v2.enabled (AWS); or call by the balancer that sends it",
            "Set it back and reload.",
        );
        finding.fixes = vec![fix];
        return finding;
    }
    finding.fixes = vec![
        balancer_fix(
            "send the header: 'send-proxy' or 'send-proxy-v2' on the server line, with 'check-send-proxy' (haproxy), 'proxy_protocol on' (nginx stream), the target group's attribute proxy_protocol_v2.enabled (AWS)",
        ),
        server_fix(who, "expect none: leave out 'accept-proxy' on bind (haproxy), 'proxy_protocol' on listen (nginx), 'RemoteIPProxyProtocol' (Apache)", "Put the word in again.").or(),
    ];
    finding
}

fn based_on(
    trace: &Trace,
    servers: &[Listener],
    title: String,
    explanation: String,
    shown: &[(ConnectionId, Leg)],
) -> Finding {
    let mut finding = Finding::cause("proxy-protocol-mismatch", title, explanation);
    finding.severity = Severity::Critical;
    for (ip, port) in servers {
        let host = trace.host_by_ip(*ip);
        let mac = host.and_then(|h| trace.topology.hosts.get(h).macs.first().copied());
        let server = Subject { role: Role::RealServer, address: Some(*ip), mac, port: Some(*port) };
        finding.subjects.push(server);
    }
    finding.proofs = shown.first().map(|(_, leg)| proofs(trace, leg)).unwrap_or_default();
    for (id, _) in shown {
        match trace.pairs.clients.get(&id.0) {
            Some(fronts) => {
                finding.connections.extend(fronts.iter().map(|front| ConnectionId(*front)));
                finding.strays.push(*id);
            }
            None => finding.connections.push(*id),
        }
    }
    finding.connections.sort_unstable();
    finding.connections.dedup();
    // A health check may be dropped too, and is nobody's request.
    finding.connections.retain(|id| trace.ordinary(*id).is_none());
    finding
}

fn proofs(trace: &Trace, leg: &Leg) -> Vec<Proof> {
    let there = trace.forward(leg);
    let mut proofs = Vec::new();
    match preface(trace, leg) {
        Some(p) => {
            let note = format!("the connection begins with a PROXY header, version {}", p.version);
            proofs.push(Proof::on(leg.vantage, p.mark, note));
            let note = match p.reply {
                FirstReply::Status(status) => format!("the server answers HTTP {status}"),
                _ => "the server's first word: a TLS alert".to_owned(),
            };
            match misunderstood(trace, leg) {
                Some(mark) => {
                    proofs.extend(trace.proof(leg, mark, "the server does not understand it"))
                }
                None => proofs.extend(trace.proof(leg, p.replied, note)),
            }
        }
        None => {
            let note = "the first bytes, which are no PROXY header";
            proofs.extend(trace.proof(leg, there.data, note));
        }
    }
    if let Some(end) = end_of(trace, leg) {
        proofs.extend(trace.proof(leg, end, "the server ends the connection"));
    }
    proofs
}
