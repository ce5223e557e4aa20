//! A real server calls a service behind a proxy and is chosen itself: two TCP
//! connections with the proxy between them, so nothing loops and nothing is wrong.
//!
//! Says nothing where the two are not tied as one request, and nothing of layer 4,
//! where such a call fails (`l4-self-access-hairpin`).

use super::super::cause::{by_service, no_proxy};
use super::super::words::{agree, count};
use super::super::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut fronts: Vec<ConnectionId> = facts
        .pairs
        .backends
        .keys()
        .map(|id| ConnectionId(*id))
        .filter(|id| facts.ordinary(*id).is_none() && own_backend(facts, *id).is_some())
        .collect();
    fronts.sort_unstable();
    let findings = by_service(facts, fronts.into_iter())
        .into_iter()
        .filter_map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || no_proxy(facts))
}

/// The proxy's connection back to the host that the client's comes from.
fn own_backend(trace: &Trace, id: ConnectionId) -> Option<ConnectionId> {
    let client = trace.connection(id).front.client.0;
    let host = trace.host_by_ip(client);
    let backends = trace.pairs.backends.get(&id.0)?.iter().map(|b| ConnectionId(*b));
    backends.into_iter().find(|back| {
        let server = trace.connection(*back).front.server.0;
        // One MAC may be a next hop for both: two addresses are one host's only where it
        // claims them.
        let own = |host| {
            let hosts = &trace.topology.hosts;
            hosts.claims_ip(host, client) && hosts.claims_ip(host, server)
        };
        server == client
            || host.is_some_and(|host| own(host) && trace.host_by_ip(server) == Some(host))
    })
}

fn finding(trace: &Trace, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let first = *ids.first()?;
    let back = own_backend(trace, first)?;
    let s = trace.topology.service(service);
    let client = trace.connection(first).front.client.0;
    let title = format!("{client} calls {} and is chosen itself; that works here", s.name());
    let explanation = format!(
        "{} from {client} to the proxy went on to {client} itself, on {} of the proxy's own. The two have nothing in common but what is said on them: no packet has one host at both ends, so this is no layer-4 hairpin and needs no mending.",
        count(ids.len(), "connection"),
        agree(ids.len(), "a connection", "connections")
    );
    let mut note = Finding::note("l7-self-access-two-flows", title, explanation);
    note.confidence = Confidence::Certain;
    let shown = |id: ConnectionId, what: &str| -> Option<Proof> {
        let legs = trace.legs(id);
        let leg = legs.iter().find(|leg| trace.forward(leg).syn.is_set()).or(legs.first())?;
        trace.proof(leg, trace.forward(leg).first, what)
    };
    note.proofs.extend(shown(first, "the real server's own connection to the proxy"));
    note.proofs.extend(shown(back, "the proxy's connection that carries its request back"));
    note.subjects = trace
        .host_by_ip(client)
        .map(|host| Names(trace).subject(Role::RealServer, host))
        .into_iter()
        .collect();
    note.connections = ids;
    Some(note)
}
