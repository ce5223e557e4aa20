//! Hosts and services as the subjects of a finding.

use super::Names;
use crate::diagnose::Subject;
use crate::topology::{HostId, RealServer, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

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

/// A real server as a subject, by the address and port that are called.
#[must_use]
pub fn server_at(trace: &Trace, (ip, port): (Ip, u16)) -> Subject {
    let host = trace.host_by_ip(ip);
    let mac = host.and_then(|h| trace.topology.hosts.get(h).macs.first().copied());
    Subject { role: Role::RealServer, address: Some(ip), mac, port: Some(port) }
}

/// The real servers that a proxy's connections call, each once.
#[must_use]
pub fn servers_called(trace: &Trace, ids: impl Iterator<Item = ConnectionId>) -> Vec<Subject> {
    let mut found: Vec<Subject> = Vec::new();
    for id in ids {
        let subject = server_at(trace, trace.connection(id).front.server);
        if !found.contains(&subject) {
            found.push(subject);
        }
    }
    found
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

/// Hosts as subjects, each in its role in a service.
#[must_use]
pub fn in_roles(trace: &Trace, service: &Service, hosts: &[HostId]) -> Vec<Subject> {
    let role = |host: HostId| {
        if service.is_director(host) {
            Role::Director
        } else if service.real_servers.iter().any(|r| r.host == Some(host)) {
            Role::RealServer
        } else {
            Role::Client
        }
    };
    hosts.iter().map(|host| Names(trace).subject(role(*host), *host)).collect()
}
