//! A proxy's connection to a real server is refused, and the client gets an error
//! or waits for another server.

use super::{attempted, one_a_service};
use crate::breaks::Fate;
use crate::diagnose::facts::proxy::attempts::Attempt;
use crate::diagnose::words::{self, agree, name, names, servers_called, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof};
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-refused", "http-5xx"];

/// Attempts whose frames are shown.
const SHOWN: usize = 2;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let clients = Attempt::Refused.clients(facts);
    one_a_service(facts, clients, |service, ids| finding(facts, service, ids))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let servers = servers_called(facts, ids.iter().flat_map(|id| Attempt::Refused.of(facts, *id)));
    let who = names(&servers);
    let port = servers.first().and_then(|s| s.port).unwrap_or_default();
    let verb = agree(servers.len(), "refuses", "refuse");
    let (got, severity) = attempted::outcome(facts, &ids);
    let title = format!("{who} {verb} the proxy's connections on port {port}");
    let explanation = format!(
        "The proxy tried {who} for a client and got RST,ACK: nobody listens on port {port} there. {} {} concerned.",
        got,
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("l7-backend-refused", title, explanation);
    finding.severity = severity;
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
    let mut tried = Vec::new();
    for (n, back) in Attempt::Refused.of(trace, id).take(SHOWN).enumerate() {
        let what = if n == 0 { "the proxy's SYN to the real server" } else { "it tries again" };
        for leg in trace.legs(back) {
            let (there, reply) = (trace.forward(leg), trace.reply(leg));
            tried.extend(trace.proof(leg, there.syn, what));
            tried.extend(trace.proof(leg, reply.rst, "RST,ACK: refused"));
        }
    }
    attempted::proofs(trace, id, tried)
}
