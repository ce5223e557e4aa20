//! A client asks a proxy to go on in WebSocket, and the proxy passes the request on without that.

use super::one_a_service;
use crate::diagnose::words::{list_of, name, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity};
use crate::exchange::Exchange;
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

/// RFC 9110, section 15.2.2.
const SWITCHING_PROTOCOLS: u16 = 101;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let fronts = facts.pairs.carried.keys().map(|front| ConnectionId(*front));
    let fronts = fronts.filter(|id| stripped(facts, *id).is_some());
    one_a_service(facts, fronts, |service, ids| finding(facts, service, ids))
}

/// The request that asks for it and what became of it behind the proxy, where that does not ask.
fn stripped(trace: &Trace, id: ConnectionId) -> Option<(&Exchange, &Exchange)> {
    let pairs = &trace.pairs;
    pairs.carried.get(&id.0)?.iter().find_map(|at| {
        let (back, front) =
            (pairs.exchanges.get(*at)?, pairs.exchanges.get(*pairs.asked.get(at)?)?);
        let refused = front.status.is_some_and(|status| status != SWITCHING_PROTOCOLS);
        (front.upgrade && !back.upgrade && refused).then_some((front, back))
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let statuses: BTreeSet<u16> =
        ids.iter().filter_map(|id| stripped(facts, *id)?.0.status).collect();
    let statuses = list_of(statuses);
    let host = facts.host_by_ip(facts.topology.service(service).vip);
    let subject = host.map(|host| Names(facts).subject(Role::Director, host));
    let proxy = subject.as_ref().map_or_else(|| facts.topology.service(service).name(), name);
    let title = format!("the proxy {proxy} does not pass on that clients ask for WebSocket");
    let explanation = format!(
        "The client asks to go on in WebSocket (Upgrade: websocket), and what the proxy sends to the server for it lacks that: Upgrade goes no further than the next hop unless the proxy is told to pass it on. The server takes it for a plain request, and the client gets {statuses} instead of 101. {} so.",
        share(facts, service, &ids, "go")
    );
    let mut finding = Finding::cause("l7-upgrade-not-passed", title, explanation);
    finding.severity = Severity::Warning;
    finding.confidence = Confidence::Certain;
    finding.fix(
        "the proxy, where it passes this path on",
        "# nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; with 'map $http_upgrade $connection_upgrade { default upgrade; \"\" close; }' in http (Apache: ProxyPass with upgrade=websocket, or mod_proxy_wstunnel)",
        "Take the lines out again and reload.",
    );
    let shown = ids.first().and_then(|id| stripped(facts, *id));
    finding.proofs = shown.map(|(front, back)| proofs(front, back)).unwrap_or_default();
    finding.concerning(subject.into_iter().collect(), ids)
}

fn proofs(front: &Exchange, back: &Exchange) -> Vec<Proof> {
    let status = front.status.unwrap_or_default();
    let on = |e: &Exchange, mark, note: String| Proof::on(e.vantage, mark, note);
    vec![
        on(front, front.request, "the client asks for WebSocket".to_owned()),
        on(back, back.request, "the proxy passes it on without Upgrade".to_owned()),
        on(front, front.response, format!("the client gets {status}, not 101")),
    ]
}
