//! A proxy has requests and does not pass them on: they wait in it.

use crate::breaks::{Fate, Held, held, never_passed_on};
use crate::diagnose::cause::{each_service, no_exchange};
use crate::diagnose::facts::each_once;
use crate::diagnose::symptom::http_5xx;
use crate::diagnose::words::{count, name, service_subject, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["slow-answer", "http-5xx"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let fronts = facts.pairs.carried.keys().map(|front| ConnectionId(*front));
    let late = fronts.filter(|id| held(facts, *id).is_some());
    let failed = facts.requests().map(|(id, _)| id).filter(|id| in_vain(facts, *id).is_some());
    let ids: Vec<ConnectionId> = late.chain(failed).collect();
    let findings = each_service(facts, each_once(ids).into_iter(), |service, ids| {
        finding(facts, service, ids)
    });
    Detection::from(findings, || no_exchange(facts))
}

/// A request that the proxy answered with an error itself, after it had kept it.
fn in_vain<'a>(facts: &'a Facts, id: ConnectionId) -> Option<Held<'a>> {
    // Only a break says that it failed: all others need no look at what was read.
    facts.breaks.broken(id)?;
    never_passed_on(facts, id, http_5xx::exchange(facts, id)?)
}

fn waited<'a>(facts: &'a Facts, id: ConnectionId) -> Option<Held<'a>> {
    in_vain(facts, id).or_else(|| held(facts, id))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let longest = ids.iter().filter_map(|id| waited(facts, *id)).map(|held| held.ns).max();
    let longest = longest.unwrap_or_default() as f64 / 1e9;
    let given_up: Vec<u16> =
        ids.iter().filter_map(|id| in_vain(facts, *id)).filter_map(|h| h.front.status).collect();
    let named = facts.topology.service(service);
    let host = facts.host_by_ip(named.vip);
    let subject = host
        .map_or_else(|| service_subject(named), |host| Names(facts).subject(Role::Director, host));
    let proxy = name(&subject);
    let title = format!(
        "the proxy {proxy} keeps requests for up to {longest:.1} s before it passes them on"
    );
    let mut explanation = format!(
        "The request reaches the proxy, and for {longest:.1} s at most the proxy sends it to no server and opens no connection for it: the time passes before it leaves the proxy, not at the server that answers it. Whatever else the proxy asks meanwhile, as for an authorisation, is part of that. {} kept so.",
        share(facts, service, &ids, "are")
    );
    if let Some(status) = given_up.first() {
        explanation.push_str(&format!(
            " {} of them got {status} from the proxy itself, and no server was asked.",
            count(given_up.len(), "connection")
        ));
    }
    let mut finding = Finding::cause("l7-request-held", title, explanation);
    let failed = ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    finding.confidence = Confidence::Certain;
    finding.confirm(
        &proxy,
        "echo 'show stat' | socat stdio /run/haproxy/admin.sock | cut -d, -f1-8   # qcur, qmax: requests in the queue; scur against slim".to_owned(),
        "whether they wait in a queue since a server may have no more at a time (haproxy: 'maxconn' of a server line, 'timeout queue'); in nginx a limit (limit_req, max_conns with queue), or what is asked first (auth_request)",
    );
    finding.fix(
        "the proxy, if its servers can do more at a time",
        "# raise 'maxconn' on the server lines (haproxy), max_conns (nginx), or add servers; what the servers can do decides",
        "Set the old value again.",
    );
    // The worst tells most.
    let worst = ids.iter().filter_map(|id| waited(facts, *id)).max_by_key(|held| held.ns);
    finding.proofs = worst.map(|held| proofs(&held)).unwrap_or_default();
    finding.concerning(vec![subject], ids)
}

fn proofs(held: &Held<'_>) -> Vec<Proof> {
    let on = |mark, note: &str| Proof::on(held.front.vantage, mark, note.to_owned());
    let then = match held.passed_on {
        Some(mark) => Some(on(mark, "the proxy calls a server for it")),
        None => Some(on(held.front.response, "the proxy answers it itself; no server was called")),
    };
    [Some(on(held.front.request, "the client's request reaches the proxy")), then]
        .into_iter()
        .flatten()
        .collect()
}
