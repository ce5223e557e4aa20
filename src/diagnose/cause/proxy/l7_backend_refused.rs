//! A proxy's connection to a real server is refused, and the client gets an error
//! or waits for another server.

use crate::breaks::Fate;
use crate::diagnose::cause::{each_service, no_exchange};
use crate::diagnose::facts::attempts::refused;
use crate::diagnose::facts::each_once;
use crate::diagnose::symptom::http_5xx;
use crate::diagnose::words::{self, agree, name, names, servers_called, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof, Severity};
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-refused", "http-5xx"];

/// Attempts whose frames are shown.
const SHOWN: usize = 2;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let fronts = facts.pairs.attempts.keys().map(|front| ConnectionId(*front));
    let fronts = fronts.filter(|id| refused(facts, *id).next().is_some());
    let findings = each_service(facts, each_once(fronts).into_iter(), |service, ids| {
        finding(facts, service, ids)
    });
    Detection::from(findings, || no_exchange(facts))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let servers = servers_called(facts, ids.iter().flat_map(|id| refused(facts, *id)));
    let who = names(&servers);
    let port = servers.first().and_then(|s| s.port).unwrap_or_default();
    let verb = agree(servers.len(), "refuses", "refuse");
    // A proxy that passes bytes through has no words of its own for it.
    let unanswered = ids.iter().any(|id| !facts.connection(*id).progress.response);
    let title = format!("{who} {verb} the proxy's connections on port {port}");
    let explanation = format!(
        "The proxy tried {who} for a client and got RST,ACK: nobody listens on port {port} there. {} {} concerned.",
        if unanswered {
            "The client's connection ends without an answer."
        } else {
            "The client gets an error from the proxy, or waits until another server is tried."
        },
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("l7-backend-refused", title, explanation);
    // A server error is a failed request on a connection that looks complete.
    let errors = ids.iter().any(|id| http_5xx::exchange(facts, *id).is_some());
    finding.severity = if errors || unanswered { Severity::Critical } else { Severity::Warning };
    // The refusal is seen, and only one request waited for it.
    finding.confidence = Confidence::Certain;
    finding.proofs = ids.first().map(|id| proofs(facts, *id)).unwrap_or_default();
    // Without it others serve, or nobody does.
    let others = facts.requests_to(service).any(|(id, _)| facts.breaks.fate(id) == Fate::Well);
    for subject in &servers {
        finding.confirm(
            name(subject),
            format!("ss -ltn 'sport = :{port}'"),
            "shows whether anything listens, and on which address",
        );
        finding.fixes.extend(others.then(|| words::out_of_proxy(subject)));
    }
    finding.concerning(servers, ids).also(words::directors(facts, service))
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let exchange = trace.pairs.of(id.0).next();
    let at = |mark| exchange.map(|e| At { vantage: e.vantage, mark });
    if let Some(at) = exchange.and_then(|e| at(e.request)) {
        proofs.push(Proof::at(at, "the client's request reaches the proxy"));
    }
    for (n, back) in refused(trace, id).take(SHOWN).enumerate() {
        let what = if n == 0 { "the proxy's SYN to the real server" } else { "it tries again" };
        for leg in trace.legs(back) {
            let (there, reply) = (trace.forward(leg), trace.reply(leg));
            proofs.extend(trace.proof(leg, there.syn, what));
            proofs.extend(trace.proof(leg, reply.rst, "RST,ACK: refused"));
        }
    }
    if let Some(exchange) = exchange
        && let (Some(status), Some(at)) = (exchange.status, exchange.response.get().and_then(at))
    {
        proofs.push(Proof::at(at, format!("the client gets status {status}")));
    }
    proofs
}
