//! A proxy sends a request on a kept connection that the real server is closing
//! at that moment: FIN and request cross, and the request is answered by RST.
//!
//! That they crossed shows in the acknowledgment numbers: the real server never
//! acknowledged the request, though it closed after it had answered an earlier
//! one. A server that closes once it has the request acknowledges it.

use crate::diagnose::cause::{each_service, no_exchange, severity};
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::proxy::crossed_requests::{
    Crossed, Race, crossed_at_server, heard, idle, races,
};
use crate::diagnose::words::{self, agree, names, servers, servers_called, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof};
use crate::exchange::Exchange;
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["http-5xx", "rst-no-socket", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let races = races(facts);
    let findings = each_service(facts, races.keys().copied(), |service, ids| {
        finding(facts, service, ids, &races)
    });
    let findings = if findings.is_empty() { alone(facts) } else { findings };
    Detection::from(findings, || no_exchange(facts))
}

/// At the server alone, where nothing tells who the clients are.
fn alone(facts: &Facts) -> Vec<Finding> {
    let hit = facts.requests().filter(|(id, c)| {
        c.protocol.is_tcp() && c.outcome.failed() && crossed_at_server(facts, *id).is_some()
    });
    each_service(facts, hit.map(|(id, _)| id), |service, ids| {
        let found: Vec<Crossed<'_>> =
            ids.iter().filter_map(|id| crossed_at_server(facts, *id)).collect();
        let servers = servers(facts, &ids);
        let who = names(&servers);
        let title = format!("{who} closes idle connections that its clients still use");
        let explanation = format!(
            "{who} closes connections that it has kept since an earlier answer, and a client's next request on them is already on its way: it comes in after the FIN has left, and is answered with RST and never acknowledged. A balancer that sent it gives its own client 502 or 503, unless it repeats the request. The server keeps idle connections for a shorter time than those who call it. {} concerned.",
            share(facts, service, &ids, "are")
        );
        let mut finding = Finding::cause("l7-keepalive-race", title, explanation)
            .rated(severity(facts, &ids), Confidence::Likely);
        finding.fixes = fixes("who calls it, where the server cannot be changed");
        finding.proofs = found.first().map(|crossed| shown(facts, crossed)).unwrap_or_default();
        finding.concerning(servers, ids)
    })
}

fn shown(trace: &Trace, crossed: &Crossed<'_>) -> Vec<Proof> {
    let leg = crossed.leg;
    let back = trace.reply(leg);
    let kept = format!("the server closes, {} ms after that", crossed.kept_ns / 1_000_000);
    Proof::seen([
        trace.proof(leg, back.data, "the first answer on the connection"),
        trace.proof(leg, back.fin, &kept),
        trace.proof(leg, back.rst_answers, "the next request comes in"),
        trace.proof(leg, back.rst, "RST: it is not taken"),
    ])
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    races: &BTreeMap<ConnectionId, Race<'_>>,
) -> Finding {
    let here: Vec<&Race<'_>> = ids.iter().filter_map(|id| races.get(id)).collect();
    let backs = here.iter().map(|race| ConnectionId(race.back.connection));
    let mut subjects = servers_called(facts, backs);
    if subjects.is_empty() {
        subjects = servers(facts, &ids);
    }
    let who = names(&subjects);
    let verb = agree(subjects.len(), "closes", "close");
    let mut idles: Vec<i64> = here.iter().filter_map(|race| idle(facts, race)).collect();
    idles.sort_unstable();
    let after = match (idles.first(), idles.last()) {
        (Some(least), Some(most)) if least / 100_000_000 == most / 100_000_000 => {
            format!(", {} ms after the answer before it", most / 1_000_000)
        }
        (Some(least), Some(most)) => {
            format!(", {} to {} ms after the answer before it", least / 1_000_000, most / 1_000_000)
        }
        _ => String::new(),
    };
    let title = format!("{who} {verb} idle connections that the proxy still uses");
    let explanation = format!(
        "{who} {verb} an idle connection{after}, and the proxy's next request on it is already on its way: FIN and request cross, the request is answered with RST and never acknowledged, and the client gets {}. The server keeps idle connections for a shorter time than the proxy. {} concerned.",
        statuses(&here),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("l7-keepalive-race", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.fixes = fixes("the proxy, where the servers cannot be changed");
    if let Some(subject) = subjects.first() {
        let port = subject.port.unwrap_or(80);
        finding.confirm("the proxy", format!(
                "tcpdump -ni any -s 128 'port {port} and tcp[tcpflags] & (tcp-fin|tcp-rst) != 0'"
            ), "FINs that come from a server the same time after its latest answer: its keep-alive timeout");
    }
    finding.proofs = here.first().map(|race| proofs(facts, race)).unwrap_or_default();
    finding.subjects = subjects;
    finding.subjects.extend(words::directors(facts, service));
    finding.strays = here.iter().map(|race| ConnectionId(race.back.connection)).collect();
    finding.connections = ids;
    finding
}

/// One of the two sides keeps idle connections longer, or lets them go sooner.
fn fixes(callers: &str) -> Vec<Fix> {
    vec![
        Fix::safe(
            "the real servers",
            "# keep idle connections longer than the proxy does: keepalive_timeout (nginx), KeepAliveTimeout (Apache), server.keepAliveTimeout (Node.js), --timeout-keep-alive (uvicorn)",
            "Set the old value again.",
        ),
        Fix::safe(
            callers,
            "# let idle connections go sooner than the server does: keepalive_timeout in 'upstream' (nginx), 'pool-purge-delay' (haproxy); repeat what may be repeated: 'retry-on conn-failure empty-response' with 'option redispatch' (haproxy), proxy_next_upstream error (nginx)",
            "Set the old values again.",
        )
        .or(),
    ]
}

fn statuses(races: &[&Race<'_>]) -> String {
    let seen: Vec<u16> = each_once(races.iter().filter_map(|race| race.front.status));
    seen.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

fn proofs(trace: &Trace, race: &Race<'_>) -> Vec<Proof> {
    let of = |e: &Exchange, mark, note: &str| Proof::on(e.vantage, mark, note.to_owned());
    let mut proofs = vec![
        of(race.front, race.front.request, "the client's request reaches the proxy"),
        of(race.before, race.before.response, "the latest answer on the backend connection"),
        of(race.back, race.back.request, "the proxy sends the request on that connection"),
    ];
    if let Some(leg) = heard(trace, race) {
        let reply = trace.reply(leg);
        proofs.extend(trace.proof(
            leg,
            reply.fin,
            "the real server's FIN, which does not acknowledge the request",
        ));
        proofs.extend(trace.proof(leg, reply.rst, "RST: the request is not taken"));
    }
    let status = race.front.status.unwrap_or_default();
    proofs.push(of(race.front, race.front.response, &format!("the client gets status {status}")));
    proofs.sort_by_key(|proof| trace.time(proof.at));
    proofs
}
