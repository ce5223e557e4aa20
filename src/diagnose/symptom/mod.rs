//! What is seen, before any reason: one symptom a file.
//!
//! Every file has the same four functions: where the symptom shows, which
//! frames show it, how it is worded, and why captures could not show it.

pub mod arp_unanswered;
pub mod asymmetric_return_path;
mod broken;
pub mod connection_reset;
pub mod datagram_unanswered;
mod first_words;
pub mod handshake_incomplete;
pub mod health_check_failing;
pub mod http2_refused;
pub mod http_5xx;
pub mod icmp_unreachable;
pub(in crate::diagnose) mod next;
pub mod no_greeting;
pub mod request_unanswered;
pub(in crate::diagnose) mod reset_moment;
pub mod retransmission;
pub mod routing_loop;
pub mod rst_no_socket;
pub mod service_error;
mod settles;
pub mod slow_answer;
pub mod slow_connect;
pub mod syn_ack_to_self;
pub mod syn_from_self;
pub mod syn_refused;
pub mod syn_unanswered;
pub mod tls_refused;
pub mod vip_arp_conflict;
mod who_said;

use super::words::{count, list, server_subject, service_subject};
use super::{Sighting, Subject, Wording};
use crate::hashed::HashSet;
use crate::trace::{ConnectionId, Trace};
use std::fmt::Display;

/// The connections of a set of sightings.
fn connections(sightings: &[Sighting]) -> impl Iterator<Item = ConnectionId> {
    sightings.iter().filter_map(|s| s.connection)
}

/// The services of a set of sightings, by name, each once.
fn services(trace: &Trace, sightings: &[Sighting]) -> Vec<String> {
    let mut known = HashSet::default();
    let services = connections(sightings).map(|id| trace.service_of(id));
    let each = services.filter(|service| known.insert(*service));
    each.map(|service| trace.topology.service(service).name()).collect()
}

/// "3 connections to 192.0.2.8:80".
fn connections_to(trace: &Trace, sightings: &[Sighting]) -> String {
    let n = connections(sightings).count();
    format!("{} to {}", count(n, "connection"), list(&services(trace, sightings)))
}

/// The real servers concerned, or the services where none is known.
fn concerned(trace: &Trace, sightings: &[Sighting]) -> Vec<Subject> {
    let mut known = HashSet::default();
    let all = connections(sightings)
        .map(|id| server_subject(trace, id).unwrap_or_else(|| service_subject(trace.service(id))));
    let mut subjects: Vec<Subject> = all.filter(|subject| known.insert(subject.clone())).collect();
    // Hosts are numbered in the order of the captures, which says nothing.
    subjects.sort_by_key(|s| (s.address, s.mac, s.port));
    subjects
}

/// A title, and which connections met what.
fn worded(
    trace: &Trace,
    sightings: &[Sighting],
    title: impl Into<String>,
    what: impl Display,
) -> Wording {
    Wording {
        title: title.into(),
        explanation: format!("{}: {what}", connections_to(trace, sightings)),
        subjects: concerned(trace, sightings),
    }
}

/// Said by symptoms of connections when there is none to look at.
fn no_tcp(trace: &Trace) -> Option<String> {
    let any = trace.connections.list.iter().any(|c| c.protocol.is_tcp());
    (!any).then(|| {
        "no TCP connection was captured; capture the service's port on the client or the director"
            .to_owned()
    })
}
