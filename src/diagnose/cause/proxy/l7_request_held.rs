//! A proxy has requests and does not pass them on: they wait in it.

use super::one_a_service;
use crate::breaks::{Fate, Held, Untold, held};
use crate::diagnose::symptom::http_5xx;
use crate::diagnose::words::{name, service_subject, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["slow-answer", "http-5xx"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let fronts = facts.pairs.carried.keys().map(|front| ConnectionId(*front));
    let mut found: BTreeMap<ConnectionId, Held<'_>> =
        fronts.filter_map(|id| Some((id, held(facts, id)?))).collect();
    // Only a break says that a request failed: all others need no look at what was read.
    let failed = facts.requests().map(|(id, _)| id).filter(|id| facts.breaks.broken(*id).is_some());
    let mut errors = failed.filter_map(|id| Some((id, http_5xx::exchange(facts, id)?))).peekable();
    if errors.peek().is_some() {
        let untold = Untold::of(facts);
        found
            .extend(errors.filter_map(|(id, e)| Some((id, untold.never_passed_on(facts, id, e)?))));
    }
    one_a_service(facts, found.keys().copied(), |service, ids| finding(facts, service, ids, &found))
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    found: &BTreeMap<ConnectionId, Held<'_>>,
) -> Finding {
    let kept = || ids.iter().filter_map(|id| found.get(id));
    let longest = kept().map(|held| held.ns).max();
    let longest = longest.unwrap_or_default() as f64 / 1e9;
    let given_up: Vec<u16> =
        kept().filter(|held| held.passed_on.is_none()).filter_map(|h| h.front.status).collect();
    let named = facts.topology.service(service);
    let host = facts.host_by_ip(named.vip);
    let subject = host
        .map_or_else(|| service_subject(named), |host| Names(facts).subject(Role::Director, host));
    let proxy = name(&subject);
    let then = if given_up.len() == ids.len() {
        "and passes them on to nobody"
    } else {
        "before it passes them on"
    };
    let title = format!("the proxy {proxy} keeps requests for up to {longest:.1} s {then}");
    let mut explanation = format!(
        "The request reaches the proxy, and for {longest:.1} s at most the proxy sends it to no server and opens no connection for it: the time passes before it leaves the proxy, not at the server that answers it. Whatever else the proxy asks meanwhile, as for an authorisation, is part of that. {} kept so.",
        share(facts, service, &ids, "are")
    );
    if let Some(status) = given_up.first() {
        explanation.push_str(&format!(
            " {} got {status} from the proxy itself, and no server was asked.",
            match given_up.len() {
                1 => "One of them".to_owned(),
                n => format!("{n} of them"),
            }
        ));
    }
    let mut finding = Finding::cause("l7-request-held", title, explanation);
    let failed = ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    finding.confidence = Confidence::Certain;
    advise(&mut finding, &proxy);
    // The worst tells most.
    let worst = kept().max_by_key(|held| held.ns);
    finding.proofs = worst.map(proofs).unwrap_or_default();
    finding.concerning(vec![subject], ids)
}

/// A limit may be what keeps servers alive, so the queue and their load are looked at before it is touched.
fn advise(finding: &mut Finding, proxy: &str) {
    finding.confirm(
        proxy,
        "echo 'show stat' | socat stdio /run/haproxy/admin.sock   # qcur, qmax: requests in the queue; scur against slim",
        "whether they wait in a queue since a server may have no more at a time (haproxy: 'maxconn' of a server line, 'timeout queue'); in nginx a limit (limit_req, max_conns with queue), or what is asked first (auth_request)",
    );
    finding.confirm(
        "each of its servers",
        "uptime; vmstat 1 5   # while requests wait",
        "whether it could do more: busy with as many as it has, the limit protects it, and more at a time would slow or stop it",
    );
    finding.fix_disruptive(
        "the proxy, only if requests queue there and its servers have room",
        "# raise 'maxconn' on the server lines (haproxy) or max_conns (nginx) by a tenth at a time, as long as answers do not get slower: too many at a time stop the servers\n# servers that are busy: add some, or find out what makes each request slow",
        "Set the old value again.",
    );
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
