//! Hosts and services as the subjects of a finding.

use super::Names;
use crate::diagnose::Subject;
use crate::topology::{RealServer, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};

/// A service as a subject.
#[must_use]
pub fn service_subject(service: &Service) -> Subject {
    Subject { role: Role::Service, address: Some(service.vip), mac: None, port: Some(service.port) }
}

/// The real server of a connection as a subject.
#[must_use]
pub fn server_subject(trace: &Trace, id: ConnectionId) -> Option<Subject> {
    let server = trace.server(id)?;
    Some(Subject {
        role: Role::RealServer,
        address: server.address,
        mac: server.mac,
        port: Some(server.port),
    })
}

/// The real servers of a set of connections as subjects, most concerned first.
#[must_use]
pub fn servers(trace: &Trace, ids: &[ConnectionId]) -> Vec<Subject> {
    let mut counts: Vec<(Subject, usize)> = Vec::new();
    for id in ids {
        let Some(subject) = server_subject(trace, *id) else { continue };
        match counts.iter_mut().find(|(known, _)| *known == subject) {
            Some((_, n)) => *n += 1,
            None => counts.push((subject, 1)),
        }
    }
    counts.sort_by_key(|(s, n)| (std::cmp::Reverse(*n), s.address, s.mac, s.port));
    counts.into_iter().map(|(subject, _)| subject).collect()
}

/// A real server as a subject.
#[must_use]
pub fn server_of(server: &RealServer) -> Subject {
    Subject {
        role: Role::RealServer,
        address: server.address,
        mac: server.mac,
        port: Some(server.port),
    }
}

/// Directors of a service as subjects.
#[must_use]
pub fn directors(trace: &Trace, service: ServiceId) -> Vec<Subject> {
    let service = trace.topology.service(service);
    service.directors.iter().map(|d| Names(trace).subject(Role::Director, d.host)).collect()
}
