//! What the findings on a proxy's failed attempts share: what the clients got, and the frames around the
//! attempt.

use crate::breaks::Fate;
use crate::diagnose::symptom::http_5xx;
use crate::diagnose::{Facts, Proof, Severity};
use crate::trace::{At, ConnectionId, Trace};

/// What clients of a proxy got whose attempt was refused at once, and how bad that is.
pub(super) fn outcome(facts: &Facts, clients: &[ConnectionId]) -> (&'static str, Severity) {
    // A proxy that passes bytes through has no words of its own for it.
    let unanswered = clients.iter().any(|id| !facts.connection(*id).progress.response);
    // A server error is a failed request on a connection that looks complete.
    let errors = clients.iter().any(|id| http_5xx::exchange(facts, *id).is_some());
    let failed = clients.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    let got = if unanswered {
        "The client's connection ends without an answer."
    } else {
        "The client gets an error from the proxy, or waits until another server is tried."
    };
    let harmed = errors || unanswered || failed;
    (got, if harmed { Severity::Critical } else { Severity::Warning })
}

/// The frames of an attempt between the client's request and what the client was told.
pub(super) fn proofs(trace: &Trace, client: ConnectionId, attempt: Vec<Proof>) -> Vec<Proof> {
    let exchange = trace.pairs.of(client.0).next();
    let at = |mark| exchange.map(|e| At { vantage: e.vantage, mark });
    let asked = exchange
        .and_then(|e| at(e.request))
        .map(|at| Proof::at(at, "the client's request reaches the proxy"));
    let told = exchange.and_then(|e| {
        let (status, at) = (e.status?, e.response.get().and_then(at)?);
        Some(Proof::at(at, format!("the client gets status {status}")))
    });
    asked.into_iter().chain(attempt).chain(told).collect()
}
