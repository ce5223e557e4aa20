//! Clients are sent again and again to the very place that they ask for.

use crate::diagnose::cause::no_exchange;
use crate::diagnose::facts::proxy::sent_back::{Circle, circles};
use crate::diagnose::words::{agree, list_of, part, server_subject};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof, Severity, Subject};
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let all = circles(facts);
    // The servers of a pool are each a service of their own where nothing ties them to the clients.
    let mut sets: BTreeMap<(bool, Ip, u16), (BTreeSet<ConnectionId>, &Circle<'_>)> =
        BTreeMap::new();
    for circle in &all {
        let front = facts.connection(ConnectionId(circle.shown.connection)).front;
        let who = if circle.tls { front.client.0 } else { front.server.0 };
        let set = sets.entry((circle.tls, who, front.server.1));
        set.or_insert_with(|| (BTreeSet::new(), circle)).0.extend(&circle.ids);
    }
    let sets = sets.into_values();
    let findings = sets.map(|(ids, circle)| finding(facts, ids.into_iter().collect(), circle));
    Detection::from(findings.collect(), || no_exchange(facts))
}

const TLS: &str = "The server behind a proxy is asked without TLS, and each time answers that the client should come to the very same place by TLS (https), where it already is: the clients here come to the proxy by TLS alone, and the server does not know. It looks for a header that the proxy does not send, X-Forwarded-Proto most often.";
const PLAIN: &str = "Each answer redirects the client to the very address that it asked for, so it asks for it again: the server takes the request to have come to another one.";

fn finding(facts: &Facts, ids: Vec<ConnectionId>, circle: &Circle<'_>) -> Finding {
    let services: BTreeSet<ServiceId> = ids.iter().map(|id| facts.service_of(*id)).collect();
    let named = list_of(services.iter().map(|service| facts.topology.service(*service).name()));
    let all = services.iter().map(|service| facts.requests_to(*service).len()).sum();
    let status = circle.shown.status.unwrap_or_default();
    let (sends, its) = agree(services.len(), ("sends", "its"), ("send", "their"));
    let title = format!("{named} {sends} {its} clients in a circle ({status})");
    let why = if circle.tls { TLS } else { PLAIN };
    let renamed = if circle.renamed {
        " The proxy asks the server for another host than its client named (Host), and the server sends to its own name."
    } else {
        ""
    };
    let share = part(ids.len(), all, "connection", "go");
    let mut finding =
        Finding::cause("l7-redirect-loop", title, format!("{why}{renamed} {share} so."));
    finding.severity = Severity::Warning;
    finding.confidence = if circle.tls { Confidence::Likely } else { Confidence::Certain };
    if circle.tls {
        finding.fix(
            "the proxy that ends TLS",
            "# tell the server how the client came: http-request set-header X-Forwarded-Proto https (haproxy, in the frontend with ssl), proxy_set_header X-Forwarded-Proto $scheme; (nginx); the program must trust the proxy's address for it",
            "Take the line out again and reload.",
        );
    } else if circle.renamed {
        finding.fix(
            "the proxy",
            "# pass the client's own Host on: proxy_set_header Host $host; (nginx), ProxyPreserveHost On (Apache)",
            "Take the line out again and reload.",
        );
    } else {
        finding.confirm(
            "a client",
            format!("curl -sv -o /dev/null http://{named}/ -H 'Host: NAME'"),
            "the Location that each answer names, and what the server would want instead: a cookie, a header, another scheme",
        );
    }
    finding.proofs = proofs(circle);
    let mut subjects: Vec<Subject> = Vec::new();
    for subject in ids.iter().filter_map(|id| server_subject(facts, *id)) {
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    finding.concerning(subjects, ids)
}

fn proofs(circle: &Circle<'_>) -> Vec<Proof> {
    let e = circle.shown;
    let by = if circle.tls { ", by TLS" } else { "" };
    vec![
        Proof::on(e.vantage, e.request, "what is asked"),
        Proof::on(e.vantage, e.response, format!("Location is the same place{by}")),
    ]
}
