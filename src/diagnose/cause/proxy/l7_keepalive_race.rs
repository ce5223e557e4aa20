//! A proxy sends a request on a kept connection that the real server is closing
//! at that moment: FIN and request cross, and the request is answered by RST.
//!
//! That they crossed shows in the acknowledgment numbers: the real server never
//! acknowledged the request, though it closed after it had answered an earlier
//! one. A server that closes once it has the request acknowledges it.

use crate::correlate::Leg;
use crate::diagnose::Subject;
use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::thresholds::L7_KEEPALIVE_RACE_NOTICED_NS;
use crate::diagnose::words::{agree, names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof};
use crate::exchange::Exchange;
use crate::topology::{Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::seq_lt;
use std::collections::{BTreeMap, HashMap};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["http-5xx", "rst-no-socket", "connection-reset"];

/// RFC 9110, sections 15.6.3 and 15.6.4: what proxies say of a broken upstream.
const BROKEN: [u16; 2] = [502, 503];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let races = races(facts);
    let findings = by_service(facts, races.keys().copied())
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids, &races))
        .collect();
    Detection::from(findings, || {
        if facts.pairs.exchanges.is_empty() {
            crate::diagnose::cause::no_proxy(facts)
        } else {
            Detection::Clean
        }
    })
}

/// One request that crossed a FIN.
struct Race<'a> {
    /// The client's request, answered with an error.
    front: &'a Exchange,
    /// The proxy's request.
    back: &'a Exchange,
    /// The latest answer that the real server gave on that connection.
    before: &'a Exchange,
}

/// By the client's connection.
fn races(trace: &Trace) -> BTreeMap<ConnectionId, Race<'_>> {
    let exchanges = &trace.pairs.exchanges;
    let crossed: HashMap<usize, &Exchange> =
        exchanges.iter().enumerate().filter(|(_, e)| crossed(trace, e)).collect();
    let mut races = BTreeMap::new();
    if crossed.is_empty() {
        return races;
    }
    let mut before: HashMap<u32, &Exchange> =
        crossed.values().map(|e| (e.connection, *e)).collect();
    for e in exchanges.iter().filter(|e| e.response.is_set()) {
        if let Some(known) = before.get_mut(&e.connection)
            && (!known.response.is_set() || known.request.frame() < e.request.frame())
        {
            *known = e;
        }
    }
    let mut fronts: HashMap<u32, Vec<&Exchange>> = HashMap::new();
    for (front, carried) in &trace.pairs.carried {
        let kept = carried.iter().filter_map(|at| crossed.get(at).copied()).collect::<Vec<_>>();
        if !kept.is_empty() {
            fronts.insert(*front, kept);
        }
    }
    for front in exchanges.iter().filter(|e| e.status.is_some_and(|s| BROKEN.contains(&s))) {
        let carried = fronts.get(&front.connection).map_or(&[][..], Vec::as_slice);
        let within = |back: &&&Exchange| {
            front.vantage != back.vantage
                || (front.request.frame()..=front.response.frame()).contains(&back.request.frame())
        };
        let Some(back) = carried.iter().find(within).copied() else { continue };
        // Without an answer before there was nothing to keep alive.
        let Some(before) = before.get(&back.connection).filter(|e| e.response.is_set()) else {
            continue;
        };
        races.entry(ConnectionId(front.connection)).or_insert(Race { front, back, before });
    }
    races
}

/// Whether a request was never acknowledged, on a connection that the real server
/// closed with FIN, unasked, and then reset.
fn crossed(trace: &Trace, e: &Exchange) -> bool {
    if e.response.is_set() {
        return false;
    }
    let mut legs = trace.legs(ConnectionId(e.connection)).iter();
    legs.any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let closes = back.fin.is_set() && back.rst.is_set() && back.payload > 0;
        // More than the proxy's own FIN is left without acknowledgment.
        let ignored = seq_lt(back.max_ack.wrapping_add(1), there.end_seq);
        let first = !there.fin.is_set() || there.fin.frame() > back.fin.frame();
        closes
            && ignored
            && first
            && back.fin.frame() < back.rst.frame()
            && (leg.vantage != e.vantage
                || (e.request.since(back.fin) <= L7_KEEPALIVE_RACE_NOTICED_NS
                    && e.request.frame() < back.rst.frame()))
    })
}

/// How long after its latest answer the real server closed, nanoseconds.
fn idle(trace: &Trace, race: &Race<'_>) -> Option<i64> {
    let leg = heard(trace, race)?;
    let fin = trace.reply(leg).fin.get()?;
    Some(fin.since(race.before.response)).filter(|ns| *ns > 0)
}

/// The leg of the backend connection at which its requests were read.
fn heard<'a>(trace: &'a Trace, race: &Race<'_>) -> Option<&'a Leg> {
    let legs = trace.legs(ConnectionId(race.back.connection));
    legs.iter().find(|leg| leg.vantage == race.back.vantage && leg.vantage == race.before.vantage)
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    races: &BTreeMap<ConnectionId, Race<'_>>,
) -> Finding {
    let here: Vec<&Race<'_>> = ids.iter().filter_map(|id| races.get(id)).collect();
    let mut subjects: Vec<Subject> = Vec::new();
    for race in &here {
        let (ip, port) = facts.connection(ConnectionId(race.back.connection)).front.server;
        let host = facts.host_by_ip(ip);
        let mac = host.and_then(|h| facts.topology.hosts.get(h).macs.first().copied());
        let subject = Subject { role: Role::RealServer, address: Some(ip), mac, port: Some(port) };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
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
        "{who} {verb} an idle connection{after}, and the proxy's next request on it is already on its way: FIN and request cross, the request is answered with RST and never acknowledged, and the client gets {}. The server keeps idle connections for a shorter time than the proxy. {} connections are concerned.",
        statuses(&here),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("l7-keepalive-race", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Certain;
    finding.fixes = vec![
        Fix::safe(
            "the real servers".to_owned(),
            "# keep idle connections longer than the proxy does: keepalive_timeout (nginx), KeepAliveTimeout (Apache), server.keepAliveTimeout (Node.js), --timeout-keep-alive (uvicorn)",
            "Set the old value again.",
        ),
        Fix::safe(
            "the proxy, where the servers cannot be changed".to_owned(),
            "# let idle connections go sooner than the server does: keepalive_timeout in 'upstream' (nginx), 'pool-purge-delay' (haproxy); repeat what may be repeated: 'retry-on conn-failure empty-response' with 'option redispatch' (haproxy), proxy_next_upstream error (nginx)",
            "Set the old values again.",
        ).or(),
    ];
    if let Some(subject) = subjects.first() {
        let port = subject.port.unwrap_or(80);
        finding.confirm("the proxy".to_owned(), format!(
                "tcpdump -ni any -s 128 'port {port} and tcp[tcpflags] & (tcp-fin|tcp-rst) != 0'"
            ), "FINs that come from a server the same time after its latest answer: its keep-alive timeout");
    }
    finding.proofs = here.first().map(|race| proofs(facts, race)).unwrap_or_default();
    finding.subjects = subjects;
    finding.subjects.extend(crate::diagnose::words::directors(facts, service));
    finding.strays = here.iter().map(|race| ConnectionId(race.back.connection)).collect();
    finding.connections = ids;
    finding
}

fn statuses(races: &[&Race<'_>]) -> String {
    let mut seen: Vec<u16> = races.iter().filter_map(|race| race.front.status).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

fn proofs(trace: &Trace, race: &Race<'_>) -> Vec<Proof> {
    let of = |e: &Exchange, mark, note: &str| Proof {
        at: At { vantage: usize::from(e.vantage), mark },
        note: note.to_owned(),
    };
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
