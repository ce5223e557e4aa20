//! What the host where a group's packet was last seen does otherwise: it tells which causes
//! fit there.

use super::Against;
use super::evidence::ASKED;
use crate::breaks::{Fate, Group, Journey, Milestone, Passage};
use crate::correlate::Connection;
use crate::diagnose::Facts;
use crate::diagnose::facts::address::vrrp::is_own;
use crate::diagnose::facts::way::passing::{Through, passed, through};
use crate::topology::{HostId, ServiceId};
use crate::trace::{At, ConnectionId};

/// The host of a group's last place.
#[derive(Clone, Copy)]
pub(super) struct Place<'a, 'b> {
    facts: &'a Facts<'b>,
    group: &'a Group,
    host: Option<HostId>,
}

impl<'a, 'b> Place<'a, 'b> {
    pub fn of(facts: &'a Facts<'b>, group: &'a Group) -> Self {
        Self { facts, group, host: group.last.and_then(|last| last.host) }
    }

    /// It passes on what others send to this service, so that no socket of its own is asked:
    /// where a packet of another connection leaves it.
    pub fn passes_on(&self) -> Option<At> {
        passed(self.facts, self.group.service, self.host?).first().map(|way| way.left.at)
    }

    /// It passes on what comes for the same address on another port, as a router or an
    /// appliance does: where a packet of that leaves it.
    pub fn passes_on_for_the_address(&self) -> Option<At> {
        let host = self.host?;
        let vip = self.facts.topology.service(self.group.service).vip;
        let services = self.facts.topology.services.iter().enumerate();
        services.filter(|(_, s)| s.vip == vip).find_map(|(at, _)| {
            let service = ServiceId(u32::try_from(at).ok()?);
            let ways = passed(self.facts, service, host);
            let keeps = |way: &&Through| way.keeps_server(self.facts);
            ways.iter().find(keeps).map(|way| way.left.at)
        })
    }

    /// Another host announces the address by VRRP where the packet came in, or addresses that are
    /// not printed, and this one none: its advertisement.
    pub fn announced_by_another(&self) -> Option<At> {
        let last = self.group.last?;
        let vip = self.facts.topology.service(self.group.service).vip;
        let vantage = &self.facts.vantages[last.at.vantage.index()];
        let speaker = vantage.vrrp.iter().find(|s| {
            let addresses = s.addresses.list();
            (addresses.is_empty() || addresses.contains(&vip))
                && !is_own(self.facts, last.at.vantage, s)
        })?;
        if vantage.vrrp.iter().any(|s| is_own(self.facts, last.at.vantage, s)) {
            return None;
        }
        Some(At { vantage: last.at.vantage, mark: speaker.last })
    }

    /// It sent the SYNs of these connections on.
    pub fn sent_on(&self) -> Option<Against> {
        let (host, mut ids) = (self.host?, self.group.connections.iter().take(ASKED));
        let way = ids.find_map(|id| through(self.facts, *id, host))?;
        let why = "the host where it ends sent the SYN on: its own sockets are not asked";
        Some(Against { why, at: Some(way.left.at) })
    }

    /// The same as what speaks against causes of a socket.
    pub fn no_socket(&self) -> Option<Against> {
        let at = self.passes_on()?;
        let why = "the host where it ends passes on what comes for this service: no socket of its own is asked";
        Some(Against { why, at: Some(at) })
    }

    /// It sent the packet on with the client's own address and port, and is not who called.
    pub fn relays(&self) -> bool {
        let Some(host) = self.host else { return false };
        let ids = self.group.connections.iter().take(ASKED);
        !self.calls()
            && ids
                .filter_map(|id| through(self.facts, *id, host))
                .any(|way| way.keeps_client(self.facts) && way.keeps_server(self.facts))
    }

    /// Others of the service that it passes on so do well.
    pub fn relays_well(&self) -> bool {
        let Some(host) = self.host else { return false };
        passed(self.facts, self.group.service, host)
            .iter()
            .any(|way| way.keeps_client(self.facts) && way.keeps_server(self.facts))
    }

    /// It is the caller's own.
    pub fn calls(&self) -> bool {
        let out = self.group.last.is_some_and(|last| last.passage == Passage::Out);
        let own = |id: &ConnectionId| {
            let client = self.facts.connection(*id).front.client.0;
            self.host.is_some() && self.facts.host_by_ip(client) == self.host
        };
        out && self.group.connections.first().is_some_and(own)
    }

    /// Who got the packet claims the address that is asked for.
    pub fn next_owns(&self) -> bool {
        let vip = self.facts.topology.service(self.group.service).vip;
        let to = self.group.last.and_then(|last| last.to);
        to.is_some_and(|host| self.facts.topology.hosts.claims_ip(host, vip))
    }

    /// Others call it, and it accepts: what it asks may be a service that it is part of.
    pub fn serves(&self) -> bool {
        let Some(host) = self.host else { return false };
        let accepted = |(id, c): (ConnectionId, &Connection)| {
            let server = c.back.map_or(c.front.server, |back| back.server).0;
            c.progress.answered
                && self.facts.host_by_ip(server) == Some(host)
                && self.facts.host_by_ip(c.front.client.0) != Some(host)
                && Journey::of(self.facts, id, true, Milestone::Syn)
                    .last()
                    .is_some_and(|s| s.passage == Passage::In && s.host == Some(host))
        };
        self.facts.iter().any(accepted)
    }

    /// Connections of the same clients to the same service that did well.
    pub fn some_do_well(&self) -> bool {
        let id = self.group.connections.first();
        let Some(client) = id.map(|id| self.facts.connection(*id).front.client.0) else {
            return false;
        };
        self.facts.requests_to(self.group.service).any(|(id, c)| {
            c.front.client.0 == client
                && c.progress.established
                && self.facts.breaks.fate(id) == Fate::Well
        })
    }

    /// Packets of the group leave it with IP options.
    pub fn adds_options(&self) -> bool {
        let ids = self.group.connections.iter().take(ASKED);
        ids.flat_map(|id| self.facts.legs(*id)).any(|leg| {
            let vantage = self.facts.vantage(leg);
            vantage.options_of(self.facts.forward(leg)).any(|(_, hop, with)| {
                let left = vantage.own.sent(hop) == Some(true)
                    || leg.tuple > 0 && vantage.own.arrived(hop) != Some(true);
                with.packets > 0 && left
            })
        })
    }
}
