//! Receivers that kept the other side waiting with a window of 0 for a second or more.

use crate::correlate::Leg;
use crate::diagnose::finding::Subject;
use crate::diagnose::thresholds::{ZERO_WINDOW_BLIND_FRAMES, ZERO_WINDOW_STALL_NS};
use crate::diagnose::words::{Names, server_subject, service_subject};
use crate::flow::ClosedWindow;
use crate::topology::Role;
use crate::trace::{ConnectionId, Trace};

/// A side that did not read.
pub(in crate::diagnose) struct Stall<'a> {
    pub id: ConnectionId,
    pub leg: Leg,
    pub window: &'a ClosedWindow,
    pub by_client: bool,
    pub subject: Subject,
}

/// One a connection and side: at the vantage that saw most.
pub(in crate::diagnose) fn stalls<'a>(facts: &'a Trace) -> Vec<Stall<'a>> {
    let mut stalls = Vec::new();
    if facts.vantages.iter().all(|v| v.side_tables.closed().is_empty()) {
        return stalls;
    }
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        for by_client in [true, false] {
            let Some((leg, window)) = longest(facts, id, by_client) else { continue };
            let subject = if by_client {
                let (ip, port) = c.front.client;
                let mac =
                    facts.host_by_ip(ip).and_then(|h| Names(facts).subject(Role::Client, h).mac);
                Some(Subject { role: Role::Client, address: Some(ip), mac, port: Some(port) })
            } else {
                // Behind a router nobody knows who reads for the service; that somebody does not, shows.
                let service = || service_subject(facts.service(id));
                Some(server_subject(facts, id).unwrap_or_else(service))
            };
            let host = if by_client {
                subject.as_ref().and_then(|s| facts.host_by_ip(s.address?))
            } else {
                facts.server(id).and_then(|s| s.host)
            };
            // A proxy's window closes because the other end does not read.
            let relays =
                host.is_some_and(|h| facts.topology.services.iter().any(|s| s.is_director(h)));
            if let Some(mut subject) = subject.filter(|_| !relays) {
                if by_client {
                    subject.port = None;
                }
                stalls.push(Stall { id, leg, window, by_client, subject });
            }
        }
    }
    stalls
}

fn longest(trace: &Trace, id: ConnectionId, by_client: bool) -> Option<(Leg, &ClosedWindow)> {
    trace
        .legs(id)
        .iter()
        .filter_map(|leg| {
            let side = if by_client { leg.client } else { leg.client.other() };
            let closed = trace.vantage(leg).side_tables.closed();
            let at = closed.iter().find(|w| w.stream == leg.stream && w.side == side)?;
            let waits = at.probes > 0 || at.frames >= ZERO_WINDOW_BLIND_FRAMES;
            (waits && at.longest_ns >= ZERO_WINDOW_STALL_NS).then_some((*leg, at))
        })
        .max_by_key(|(_, w)| (w.probes > 0, w.longest_ns))
}
