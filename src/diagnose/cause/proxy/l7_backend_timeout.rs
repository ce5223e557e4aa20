//! A request reaches the real server through the proxy and is never answered
//! before the proxy gives up.

use super::one_a_service;
use crate::breaks::unfilled;
use crate::correlate::Leg;
use crate::diagnose::symptom::http_5xx;
use crate::diagnose::words::{agree, name, names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof, Severity};
use crate::exchange::Exchange;
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{seq_gt, seq_lt};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["http-5xx"];

/// RFC 9110, section 15.6.5.
const GATEWAY_TIMEOUT: u16 = 504;
/// The number that a FIN takes, which a side that gave up may leave unacknowledged.
const FIN: u32 = 1;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let fronts = facts.pairs.carried.keys().map(|front| ConnectionId(*front));
    let fronts = fronts
        .filter(|id| {
            http_5xx::exchange(facts, *id).is_some_and(|e| e.status == Some(GATEWAY_TIMEOUT))
        })
        .filter(|id| waited(facts, *id).is_some());
    one_a_service(facts, fronts, |service, ids| finding(facts, service, ids))
}

/// The backend exchange that was never answered, though the real server has the request.
fn waited(trace: &Trace, id: ConnectionId) -> Option<&Exchange> {
    let carried = trace.pairs.carried.get(&id.0)?;
    let mut carried = carried.iter().filter_map(|at| trace.pairs.exchanges.get(*at));
    carried.find(|e| is_given_up(trace, e) && is_the_servers(trace, e))
}

/// Whether no answer came, or only when the proxy had closed.
fn is_given_up(trace: &Trace, exchange: &Exchange) -> bool {
    let Some(answer) = exchange.response.get() else { return true };
    let mut legs = trace.legs(ConnectionId(exchange.connection)).iter();
    legs.any(|leg| {
        let there = trace.forward(leg);
        let ends = [there.fin, there.rst].into_iter().filter_map(crate::flow::Mark::get);
        leg.vantage == exchange.vantage
            && ends.map(|end| end.frame()).min().is_some_and(|end| end < answer.frame())
    })
}

/// Whether the request was acknowledged as a whole, and no part of an answer was lost on the way: then
/// the wait is the real server's.
fn is_the_servers(trace: &Trace, exchange: &Exchange) -> bool {
    let legs = || trace.legs(ConnectionId(exchange.connection)).iter();
    let mut here = legs().filter(|leg| leg.vantage == exchange.vantage);
    here.any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let has_it = back.seen() && !seq_lt(back.max_ack, there.end_seq.wrapping_sub(FIN));
        let more = |other: &Leg| seq_gt(trace.reply(other).end_seq.wrapping_sub(FIN), back.end_seq);
        let elsewhere = legs().any(|other| trace.reply(other).seen() && more(other));
        has_it && !elsewhere && unfilled(trace, leg).is_none()
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let subjects = servers(facts, &ids);
    let who = names(&subjects);
    let longest = ids
        .iter()
        .filter_map(|id| http_5xx::exchange(facts, *id))
        .map(|e| e.response.since(e.request) / 1_000_000)
        .max()
        .unwrap_or_default();
    let verb = agree(subjects.len(), "does", "do");
    let title = format!("{who} {verb} not answer the proxy's requests in time");
    let late = is_answered_after(facts, &ids);
    let (answer, then) = if late {
        ("no response in time", " The response came after that, to nobody.")
    } else {
        ("no response", "")
    };
    let explanation = format!(
        "The proxy passed the request on, {who} acknowledged it and sent {answer}; the proxy gave up after {longest} ms and told the client 504.{then} {} concerned.",
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("l7-backend-timeout", title, explanation);
    // A server error is a failed request on a connection that looks complete.
    let errors = ids.iter().any(|id| http_5xx::exchange(facts, *id).is_some());
    finding.severity = if errors { Severity::Critical } else { Severity::Warning };
    finding.confidence = Confidence::Certain;
    finding.candidate(
        "slow-real-server",
        if late {
            "the response does come, once the proxy has given up"
        } else {
            "the response would come if the proxy waited longer: ask the server directly"
        },
    );
    for subject in &subjects {
        finding.confirm(
            name(subject),
            format!(
                "curl -sv -o /dev/null -w '%{{time_starttransfer}}' http://{}:{}/",
                name(subject),
                subject.port.unwrap_or(80)
            ),
            "how long the server takes without the proxy",
        );
    }
    finding.fix("the proxy, if the server may take that long", "# raise 'timeout server' (haproxy) or proxy_read_timeout (nginx) above the slowest response", "Set the old value again.");
    finding.proofs = ids.first().map(|id| proofs(facts, *id)).unwrap_or_default();
    finding.concerning(subjects, ids)
}

/// Whether these servers answered all the same, once the proxy had given up.
fn is_answered_after(trace: &Trace, ids: &[ConnectionId]) -> bool {
    ids.iter().all(|id| waited(trace, *id).is_some_and(|e| e.response.is_set()))
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let proof = |e: &Exchange, mark, note: &str| Proof::on(e.vantage, mark, note.to_owned());
    let front = http_5xx::exchange(trace, id);
    proofs.extend(front.map(|e| proof(e, e.request, "the client's request reaches the proxy")));
    if let Some(e) = waited(trace, id) {
        let none = if e.response.is_set() { "" } else { "; no response follows" };
        let sent = format!("the proxy sends it to the real server{none}");
        proofs.push(proof(e, e.request, &sent));
        if e.response.is_set() {
            proofs.push(proof(e, e.response, "the response, when the proxy has closed"));
        }
    }
    proofs.extend(front.map(|e| proof(e, e.response, "the client gets status 504")));
    proofs
}
