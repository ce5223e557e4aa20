//! A response of status 500 to 599 on a service behind a proxy.

use super::super::{Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::exchange::Exchange;
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(trace: &Trace) -> Vec<Sighting> {
    let mut ids: Vec<ConnectionId> = trace
        .pairs
        .exchanges
        .iter()
        .filter(|e| is_error(e))
        .map(|e| ConnectionId(e.connection))
        .filter(|id| trace.ordinary(*id).is_none())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(|id| Sighting::of(id, true)).collect()
}

fn is_error(exchange: &Exchange) -> bool {
    exchange.status.is_some_and(|status| (500..600).contains(&status))
}

/// The failed exchange of a connection.
pub(in crate::diagnose) fn exchange(trace: &Trace, id: ConnectionId) -> Option<&Exchange> {
    trace.pairs.exchanges.iter().find(|e| e.connection == id.0 && is_error(e))
}

pub(in crate::diagnose) fn proofs(trace: &Trace, sighting: &Sighting) -> Vec<Proof> {
    let Some(exchange) = sighting.connection.and_then(|id| exchange(trace, id)) else {
        return Vec::new();
    };
    let at = |mark| At { vantage: usize::from(exchange.vantage), mark };
    let status = exchange.status.unwrap_or_default();
    vec![
        Proof { at: at(exchange.request), note: "the request".to_owned() },
        Proof { at: at(exchange.response), note: format!("the answer, status {status}") },
    ]
}

pub(in crate::diagnose) fn word(trace: &Trace, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "requests are answered with a server error".to_owned(),
        explanation: format!(
            "{} got a response of status 500 to 599.",
            connections_to(trace, sightings)
        ),
        subjects: concerned(trace, sightings),
    }
}

pub(in crate::diagnose) fn blind(trace: &Trace) -> Option<String> {
    trace.pairs.exchanges.is_empty().then(|| {
        "no HTTP in the clear through a proxy was captured; capture on the proxy with '-s 0'"
            .to_owned()
    })
}
