//! What hosts are called in sentences and in front of commands.

use super::{list, list_of};
use crate::diagnose::Subject;
use crate::topology::{HostId, Role, Service};
use crate::trace::Trace;
use crate::wire::{Ip, Mac};

/// How to speak of hosts.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(pub &'a Trace);

impl Names<'_> {
    /// The address that a reader knows a host by: its own, else a MAC.
    #[must_use]
    pub fn host(&self, id: HostId) -> String {
        self.address(id).map_or_else(|| self.mac_text(id), |ip| ip.to_string())
    }

    /// A host's own address ([`Trace::own_address`]).
    #[must_use]
    pub fn address(&self, id: HostId) -> Option<Ip> {
        self.0.own_address(id)
    }

    /// Where a command is to be run: the host's own address, else its MAC and the capture
    /// taken on it.
    #[must_use]
    pub fn place(&self, id: HostId) -> String {
        if self.address(id).is_some() { self.host(id) } else { self.full(id) }
    }

    /// The same of a subject: an address that others may have too names nobody.
    #[must_use]
    pub fn place_of(&self, subject: &Subject) -> String {
        match subject.address {
            Some(ip) if subject.role == Role::Service || self.0.is_shared(ip) => {
                format!("the server of {ip}")
            }
            _ => name(subject),
        }
    }

    /// The same of several.
    #[must_use]
    pub fn places_of(&self, subjects: &[Subject]) -> String {
        list_of(subjects.iter().map(|subject| self.place_of(subject)))
    }

    /// The director of a service, the first of several, where a command is to be run.
    #[must_use]
    pub fn director(&self, service: &Service) -> String {
        let director = service.directors.first();
        director.map_or_else(
            || format!("the director of {}", service.vip),
            |d| match self.address(d.host) {
                // The MAC of a fabric is that of everybody behind it.
                None if self.0.topology.hosts.get(d.host).fabric => {
                    format!("the director of {}", service.vip)
                }
                _ => format!("the director {}", self.place(d.host)),
            },
        )
    }

    /// A real server by its MAC, where its own address is asked for.
    #[must_use]
    pub fn by_mac(&self, id: HostId) -> String {
        format!("the real server (MAC {})", self.mac_text(id))
    }

    fn mac_text(&self, id: HostId) -> String {
        let host = self.0.topology.hosts.get(id);
        match (host.macs.first(), self.capture_of(id), host.ips.first()) {
            (Some(mac), ..) => mac.to_string(),
            (None, Some(capture), _) => format!("the host of capture {capture}"),
            // All that is known of who is behind a next hop.
            (None, None, Some(ip)) => ip.to_string(),
            (None, None, None) => "an unknown host".to_owned(),
        }
    }

    /// A host as `address (MAC)`; one without an address by the capture taken on it. Of several
    /// MACs none is meant: see [`Self::by_frame`].
    #[must_use]
    pub fn full(&self, id: HostId) -> String {
        let macs = self.0.topology.hosts.get(id).macs.len();
        match (self.address(id), self.capture_of(id)) {
            (Some(ip), _) if macs != 1 => ip.to_string(),
            _ if macs == 0 => self.mac_text(id),
            (Some(ip), _) => format!("{ip} ({})", self.mac_text(id)),
            (None, Some(capture)) => format!("{} (capture {capture})", self.mac_text(id)),
            (None, None) => self.mac_text(id),
        }
    }

    /// A host as `address (MAC)`, by the MAC that a frame has of it.
    #[must_use]
    pub fn by_frame(&self, id: HostId, mac: Option<Mac>) -> String {
        match (self.address(id), mac) {
            (Some(ip), Some(mac)) => format!("{ip} ({mac})"),
            _ => self.full(id),
        }
    }

    /// The same, or what is said instead where the host is not known.
    #[must_use]
    pub fn full_or(&self, id: Option<HostId>, otherwise: &str) -> String {
        id.map_or_else(|| otherwise.to_owned(), |id| self.full(id))
    }

    /// Hosts in a sentence.
    #[must_use]
    pub fn hosts(&self, ids: &[HostId]) -> String {
        list_of(ids.iter().map(|id| self.host(*id)))
    }

    /// Hosts as subjects in one role.
    #[must_use]
    pub fn subjects(&self, role: Role, ids: &[HostId]) -> Vec<Subject> {
        ids.iter().map(|id| self.subject(role, *id)).collect()
    }

    /// A host as a subject.
    #[must_use]
    pub fn subject(&self, role: Role, id: HostId) -> Subject {
        Subject {
            role,
            address: self.address(id),
            mac: self.0.topology.hosts.get(id).macs.first().copied(),
            port: None,
        }
    }

    /// The label of a capture taken on a host, for `to confirm` lines.
    #[must_use]
    pub fn capture_of(&self, id: HostId) -> Option<&str> {
        let vantage = self.0.topology.hosts.get(id).vantages.first()?;
        Some(&self.0.vantages[vantage.index()].label)
    }
}

/// A subject's shortest name.
#[must_use]
pub fn name(subject: &Subject) -> String {
    match (subject.address, subject.mac) {
        (Some(ip), _) => ip.to_string(),
        (None, Some(mac)) => mac.to_string(),
        (None, None) => "an unknown host".to_owned(),
    }
}

/// Names of subjects, for a sentence: by address and port where one address has several.
#[must_use]
pub fn names(subjects: &[Subject]) -> String {
    let plain: Vec<String> = subjects.iter().map(name).collect();
    let again = plain.iter().enumerate().any(|(i, name)| plain[..i].contains(name));
    let whole = |s: &Subject| match (s.address, s.port) {
        (Some(ip), Some(port)) => ip.with_port(port),
        _ => name(s),
    };
    if again { list_of(subjects.iter().map(whole)) } else { list(&plain) }
}
