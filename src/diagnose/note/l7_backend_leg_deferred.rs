//! A client connected to a proxy and asked nothing, so the proxy called no real
//! server: proxies of HTTP and TLS do that once they have a request.
//!
//! Says nothing where request bytes were sent, where the proxy itself was not
//! captured, or where it may have opened a connection that nothing ties.

use super::super::cause::{by_service, no_proxy};
use super::super::words::count;
use super::super::{Confidence, Detection, Facts, Finding, Names};
use crate::correlate::Connection;
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::HashSet;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // Only a service whose requests are known to be carried by requests.
    let speaks: HashSet<ServiceId> = facts
        .pairs
        .carried
        .keys()
        .filter_map(|id| facts.topology.service_of.get(*id as usize).copied())
        .collect();
    let idle = facts.requests().filter(|(id, c)| {
        let service = facts.service_of(*id);
        speaks.contains(&service) && is_idle(c) && proxy_was_seen(facts, service)
    });
    let sets = by_service(facts, idle.map(|(id, _)| id));
    let findings: Vec<Finding> = sets
        .into_iter()
        .filter(|(service, _)| !opens_early(facts, *service))
        .filter_map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || no_proxy(facts))
}

/// Accepted, and nobody said anything.
fn is_idle(connection: &Connection) -> bool {
    let p = connection.progress;
    connection.protocol.is_tcp() && p.established && p.syn && !p.request && !p.response
}

fn proxy_was_seen(trace: &Trace, service: ServiceId) -> bool {
    let s = trace.topology.service(service);
    s.mode == Mode::Proxy
        && !s.is_backend
        && (s.directors.iter().any(|d| trace.is_captured(d.host))
            || server_was_seen(trace, service))
}

/// Whether a real server was captured, to which the proxy connects as it has a request.
fn server_was_seen(trace: &Trace, service: ServiceId) -> bool {
    let s = trace.topology.service(service);
    s.real_servers.iter().filter_map(|r| r.host).any(|host| trace.is_captured(host))
}

/// Whether the proxy opened connections to a real server on which it said nothing
/// either: one of them may be the idle client's.
fn opens_early(trace: &Trace, service: ServiceId) -> bool {
    let s = trace.topology.service(service);
    trace.iter().filter(|(_, c)| is_idle(c)).any(|(_, c)| {
        let (ip, port) = c.front.server;
        let by_proxy = trace.host_by_ip(c.front.client.0).is_some_and(|h| s.is_director(h));
        by_proxy && s.real_servers.iter().any(|r| r.address == Some(ip) && r.port == port)
    })
}

fn finding(trace: &Trace, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let first = *ids.first()?;
    let s = trace.topology.service(service);
    let title = format!(
        "{} to {} asked nothing, so the proxy called no real server",
        count(ids.len(), "connection"),
        s.name()
    );
    let proxy = s.directors.iter().any(|d| trace.is_captured(d.host));
    let explanation = "The handshake with the proxy is complete and the client sent no byte. A proxy that chooses by the request connects to a real server when it has one; that no backend connection follows is how it works.".to_owned();
    let mut note = Finding::note("l7-backend-leg-deferred", title, explanation);
    // Another real server than the captured one may have been connected to.
    note.confidence = if proxy { Confidence::Certain } else { Confidence::Likely };
    let leg = trace.legs(first).iter().find(|leg| trace.forward(leg).ack.is_set())?;
    let accepted = trace.reply(leg).syn;
    note.proofs.extend(trace.proof(leg, accepted, "the proxy accepts"));
    note.proofs.extend(trace.proof(leg, trace.forward(leg).ack, "the client goes no further"));
    note.subjects =
        s.directors.iter().map(|d| Names(trace).subject(Role::Director, d.host)).collect();
    note.connections = ids;
    Some(note)
}
