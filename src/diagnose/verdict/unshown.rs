//! What captures do not show, so that nothing may be called well: answers of a real server, connections that pass no
//! captured director, and those of which a reset is all there is.

use crate::breaks::{Fate, is_unknown_to_server};
use crate::diagnose::Facts;
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Whether no answer of a real server is in the captures where answers pass the director by: that
/// those of another are says nothing of it.
pub(super) fn unheard_server(trace: &Trace) -> bool {
    let mut heard: BTreeMap<(ServiceId, Option<u16>), bool> = BTreeMap::new();
    let past = |id| matches!(trace.service(id).mode, Mode::Dr | Mode::Tun);
    let one_way = |id| past(id) && !trace.service(id).is_backend;
    for (id, _) in trace.requests().filter(|(id, c)| c.protocol.is_tcp() && one_way(*id)) {
        let server = trace.topology.server_of[id.0 as usize];
        *heard.entry((trace.service_of(id), server)).or_default() |=
            !trace.route(id).back.is_empty();
    }
    heard.values().any(|heard| !heard)
}

/// Whether connections to a balanced service are seen elsewhere and at no director, though all that are known of it
/// were captured.
pub(super) fn passed_no_director(trace: &Trace) -> bool {
    trace.requests().any(|(id, _)| {
        let service = trace.service(id);
        let is_director = |host: Option<HostId>| host.is_some_and(|h| service.is_director(h));
        let balanced = service.mode != Mode::Unknown && !service.is_backend;
        let route = trace.route(id);
        let mut steps = route.forward.iter().chain(&route.back);
        balanced
            && service.directors.iter().all(|director| trace.is_captured(director.host))
            && !trace.legs(id).iter().any(|leg| is_director(trace.host_of(leg)))
            && !steps.any(|step| is_director(step.from) || is_director(step.to))
    })
}

/// Whether a kernel reset segments of connections that it does not have, of which nothing else is seen.
pub(super) fn strangers_reset(facts: &Facts) -> bool {
    let untold = |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Untold;
    facts.requests().map(|(id, _)| id).filter(untold).any(|id| is_unknown_to_server(facts, id))
}

/// Whether no director of a balanced service was captured: what happens before
/// and at it is then unknown.
pub(super) fn director_missing(trace: &Trace) -> bool {
    let balanced =
        trace.topology.services.iter().filter(|s| s.mode != Mode::Unknown && !s.is_backend);
    balanced.into_iter().any(|s| !s.directors.iter().any(|d| trace.is_captured(d.host)))
}

/// Whether a balanced service never shows an answer: then nobody knows.
pub(super) fn unanswered_service(trace: &Trace) -> bool {
    let mut answered: Vec<Option<bool>> = vec![None; trace.topology.services.len()];
    for (id, connection) in trace.requests() {
        let p = connection.progress;
        let seen = p.response || p.established || p.answered;
        let slot = &mut answered[trace.service_of(id).0 as usize];
        *slot = Some(slot.unwrap_or(false) || seen);
    }
    let services = trace.topology.services.iter().zip(answered);
    services
        .into_iter()
        .any(|(s, seen)| s.mode != Mode::Unknown && !s.is_backend && seen == Some(false))
}
