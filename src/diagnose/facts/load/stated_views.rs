//! What a director states of a service, beside what the captures show of it.

use crate::diagnose::Facts;
use crate::diagnose::thresholds::STATED_NOT_SEEN_MIN_SHARE;
use crate::state::{Forwarding, StatedServer, StatedService};
use crate::topology::{HostId, Mode, RealServer, Service, ServiceId};
use crate::trace::{ConnectionId, Said, Trace};
use std::collections::BTreeSet;

/// Schedulers that give every idle server its turn. Others (sed, nq, fo, ovf,
/// lblc, dh) may rightly leave one out.
const FAIR: [&str; 4] = ["rr", "wrr", "lc", "wlc"];
/// Schedulers that choose by the client's address.
const BY_CLIENT: [&str; 2] = ["sh", "mh"];

/// A service as seen and as stated by the director that forwarded it.
pub(in crate::diagnose) struct View<'a> {
    pub trace: &'a Trace,
    pub service: &'a Service,
    pub director: HostId,
    pub said: Said<'a, &'a StatedService>,
    pub ids: Vec<ConnectionId>,
}

/// Which stated server a seen one is.
pub(in crate::diagnose) enum Place {
    Stated(usize),
    None,
    /// Its address is not known.
    Unknown,
}

/// Stated servers that got nothing of connections of which they should have had a share.
pub(in crate::diagnose) struct Idle<'a> {
    pub servers: Vec<&'a StatedServer>,
    /// Connections whose server shows.
    pub of: usize,
}

impl<'a> View<'a> {
    pub fn of(facts: &'a Facts<'_>, id: ServiceId, service: &'a Service) -> Option<Self> {
        let [director] = &service.directors[..] else { return None };
        let said = facts.stated_service(director.host, service)?;
        let ids: Vec<ConnectionId> = facts.requests_to(id).map(|(id, _)| id).collect();
        (!ids.is_empty()).then_some(Self {
            trace: facts.trace,
            service,
            director: director.host,
            said,
            ids,
        })
    }

    pub fn place(&self, seen: &RealServer) -> Place {
        let stated = &self.said.value.servers;
        let host_of = |s: &StatedServer| self.trace.host_of_stated(self.said.state, s.address);
        let same = |s: &StatedServer| {
            seen.address == Some(s.address)
                || seen.host.is_some_and(|host| host_of(s) == Some(host))
        };
        // One address may be stated with several ports.
        let whole = |s: &StatedServer| same(s) && self.port_of(s) == seen.port;
        if let Some(at) = stated.iter().position(whole).or_else(|| stated.iter().position(same)) {
            return Place::Stated(at);
        }
        // A server that is known by its MAC alone may be any that is not known.
        let open = seen.address.is_none() && stated.iter().any(|s| host_of(s).is_none());
        if open || (seen.address.is_none() && seen.host.is_none()) {
            Place::Unknown
        } else {
            Place::None
        }
    }

    /// The port that a stated server is to be sent to.
    pub fn port_of(&self, server: &StatedServer) -> u16 {
        if server.port == 0 { self.service.port } else { server.port }
    }

    /// Servers that were sent to on another port than is stated, as seen and as stated. Direct
    /// routing and tunnels leave the port as it is, whatever the table says.
    pub fn other_ports(&self) -> Vec<(&'a RealServer, &'a StatedServer)> {
        if !matches!(self.service.mode, Mode::Nat | Mode::FullNat) {
            return Vec::new();
        }
        let service = self.said.value;
        let differs = |seen: &'a RealServer| {
            let Place::Stated(at) = self.place(seen) else { return None };
            let server = service.servers.get(at)?;
            let other = seen.connections > 0 && self.port_of(server) != seen.port;
            other.then_some((seen, server))
        };
        self.service.real_servers.iter().filter_map(differs).collect()
    }

    /// The first method that is stated, where none of those stated is what the captures show.
    pub fn other_method(&self) -> Option<(Forwarding, &'a StatedServer)> {
        let service = self.said.value;
        let methods: Vec<(Forwarding, &StatedServer)> = service
            .servers
            .iter()
            .filter_map(|s| Some((service.method_of(s)?, s)))
            .filter(|(m, _)| *m != Forwarding::Local)
            .collect();
        let fits = |m: Forwarding| match m {
            Forwarding::Masquerading => matches!(self.service.mode, Mode::Nat | Mode::FullNat),
            Forwarding::Direct => self.service.mode == Mode::Dr,
            Forwarding::Tunnel(_) => self.service.mode == Mode::Tun,
            Forwarding::FullNat => self.service.mode == Mode::FullNat,
            Forwarding::Local => true,
        };
        if methods.iter().any(|(m, _)| fits(*m)) {
            return None;
        }
        methods.first().copied()
    }

    /// Stated servers with a weight that got none of many connections.
    pub fn idle(&self) -> Option<Idle<'a>> {
        let stated = self.said.value;
        let mut got = vec![0usize; stated.servers.len()];
        let mut unknown = 0;
        for id in &self.ids {
            match self.trace.server(*id).map(|s| self.place(s)) {
                Some(Place::Stated(at)) => got[at] += 1,
                Some(Place::None) => {}
                Some(Place::Unknown) | None => unknown += 1,
            }
        }
        let known: usize = got.iter().sum();
        if unknown * 10 > known {
            return None;
        }
        let weight = |s: &StatedServer| match stated.method_of(s) {
            Some(Forwarding::Local) => 0,
            _ => s.weight.unwrap_or(0) as usize,
        };
        let total: usize = stated.servers.iter().map(weight).sum();
        let chances = self.chances(known);
        let deserves = |s: &StatedServer| {
            let share = chances * weight(s) / total.max(1);
            weight(s) > 0 && share >= STATED_NOT_SEEN_MIN_SHARE
        };
        let all = stated.servers.iter().zip(&got);
        let servers = all.filter(|(s, n)| **n == 0 && deserves(s)).map(|(s, _)| s).collect();
        Some(Idle { servers, of: known })
    }

    /// How often the scheduler had to choose, as far as a choice is free.
    fn chances(&self, known: usize) -> usize {
        let stated = self.said.value;
        let scheduler = stated.scheduler.as_deref().unwrap_or("");
        let clients: BTreeSet<_> =
            self.ids.iter().map(|id| self.trace.connection(*id).front.client.0).collect();
        if stated.persistence.is_some() || BY_CLIENT.contains(&scheduler) {
            clients.len().min(known)
        } else if FAIR.contains(&scheduler) {
            known
        } else {
            0
        }
    }

    /// Servers that got connections and are in no table of the director, and these.
    pub fn strangers(&self) -> Option<(Vec<&RealServer>, Vec<ConnectionId>)> {
        // What was not followed may name it.
        if self.said.value.configured && self.said.state.partial {
            return None;
        }
        let seen: Vec<&RealServer> = self
            .service
            .real_servers
            .iter()
            .filter(|s| s.connections > 0 && matches!(self.place(s), Place::None))
            .collect();
        let of = |id: &ConnectionId| self.trace.server(*id).is_some_and(|s| seen.contains(&s));
        let ids: Vec<ConnectionId> = self.ids.iter().copied().filter(of).collect();
        (!ids.is_empty()).then_some((seen, ids))
    }
}
