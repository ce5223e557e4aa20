//! Machines: MACs that belong together, and who they are.

use crate::correlate::Connections;
use crate::flow::{Hop, Observations, OwnEvidence, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::{Ip, Mac};
use std::collections::{BTreeMap, BTreeSet};

/// Index of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub u32);

/// A machine.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Its MACs, sorted, a virtual router's last; none where only its address is known, or where its own capture
    /// does not tell them.
    pub macs: Vec<Mac>,
    /// Addresses that it alone claimed or originated, sorted.
    pub ips: Vec<Ip>,
    /// Addresses that it and others claimed or originated, or may have.
    pub contested: Vec<Ip>,
    /// Addresses that it claimed by ARP or neighbour discovery, sorted.
    pub claimed: Vec<Ip>,
    /// Vantages that were taken on it.
    pub vantages: Vec<VantageId>,
    /// Its MAC is the next hop for many: a router, a balancer that passes clients'
    /// packets, or the fabric of a cloud. Who is behind it is told by address alone.
    pub next_hop: bool,
    /// It passes on packets of several peers with the TTL that they began with, as a
    /// cloud's fabric does and a router does not.
    pub fabric: bool,
}

/// All machines that the captures show.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    pub(super) list: Vec<Host>,
    by_mac: HashMap<Mac, HostId>,
    pub(super) by_ip: HashMap<Ip, HostId>,
    /// Who asks as an address without answering for it or announcing it.
    pub(super) askers: HashSet<(HostId, Ip)>,
    /// By vantage: the host that it was taken on.
    at: Vec<Option<HostId>>,
}

/// Initial TTLs of the stacks in use; a packet that has one comes from the
/// host that sent the frame, not through it.
const INITIAL_TTLS: [u8; 3] = [64, 128, 255];
/// Hosts and originated addresses that are kept.
pub(super) const MAX_HOSTS: usize = 1 << 16;

impl Hosts {
    pub(super) fn build(vantages: &[Observations], connections: &Connections) -> Self {
        let mut hosts = Self::default();
        for (v, vantage) in VantageId::each(vantages) {
            hosts.own(v, vantage);
        }
        for vantage in vantages {
            for hop in &vantage.hops {
                for mac in [hop.link.src, hop.link.dst].into_iter().flatten() {
                    hosts.host_of(mac);
                }
            }
            for binding in &vantage.neighbors.bindings {
                hosts.host_of(binding.mac);
            }
        }
        hosts.join_virtual(vantages);
        hosts.join_overlays(vantages);
        hosts.join_nameless(vantages, connections);
        for (a, b) in super::interfaces::shared(vantages, connections, |mac| hosts.by_mac(mac)) {
            let first = |v: VantageId| vantages[v.index()].own.macs.first().copied();
            if let (Some(a), Some(b)) = (first(a), first(b))
                && let Some(id) = hosts.by_mac(a)
            {
                hosts.merge(id, b);
            }
        }
        hosts.at = vec![None; vantages.len()];
        for (i, host) in hosts.list.iter().enumerate() {
            for v in &host.vantages {
                hosts.at[v.index()] = Some(HostId(i as u32));
            }
        }
        hosts.name(vantages, connections);
        hosts.join_far_ends(vantages);
        for host in &mut hosts.list {
            host.ips.sort_unstable();
        }
        hosts
    }

    /// All hosts.
    pub fn iter(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.list.iter().enumerate().map(|(i, host)| (HostId(i as u32), host))
    }

    /// A host.
    #[must_use]
    pub fn get(&self, id: HostId) -> &Host {
        &self.list[id.0 as usize]
    }

    /// The host that uses a MAC.
    #[must_use]
    pub fn by_mac(&self, mac: Mac) -> Option<HostId> {
        self.by_mac.get(&mac).copied()
    }

    /// The host that alone owns an address.
    #[must_use]
    pub fn by_ip(&self, ip: Ip) -> Option<HostId> {
        self.by_ip.get(&ip).copied()
    }

    /// The host that a vantage was taken on, by the vantage's index.
    #[must_use]
    pub fn of_vantage(&self, vantage: VantageId) -> Option<HostId> {
        self.at.get(vantage.index()).copied().flatten()
    }

    /// Whether the host claims an address by ARP or neighbour discovery, alone or
    /// among others. A DR real server originates the VIP without claiming it.
    #[must_use]
    pub fn claims_ip(&self, id: HostId, ip: Ip) -> bool {
        self.get(id).claimed.binary_search(&ip).is_ok()
    }

    /// Whether the host names an address as its own in what it asks, and never answers
    /// for it: as a real server that is quiet about the VIP and not quiet enough.
    #[must_use]
    pub fn asks_as(&self, id: HostId, ip: Ip) -> bool {
        self.askers.contains(&(id, ip))
    }

    /// Whether a host's MAC stands for others too, so that what comes from it may be
    /// anybody's.
    #[must_use]
    pub fn is_next_hop(&self, id: HostId) -> bool {
        self.get(id).next_hop
    }

    /// Whether neither a MAC nor an address of it is known, so that it may be any of the others.
    #[must_use]
    pub fn is_nameless(&self, id: HostId) -> bool {
        let host = self.get(id);
        host.macs.is_empty() && host.ips.is_empty()
    }

    fn host_of(&mut self, mac: Mac) -> Option<HostId> {
        if let Some(id) = self.by_mac(mac) {
            return Some(id);
        }
        if !mac.is_unicast() || self.list.len() >= MAX_HOSTS {
            return None;
        }
        let id = HostId(self.list.len() as u32);
        self.list.push(Host { macs: vec![mac], ..Host::default() });
        self.by_mac.insert(mac, id);
        Some(id)
    }

    /// A host of which only the address is known.
    pub(super) fn add_address(&mut self, ip: Ip) -> Option<HostId> {
        if self.by_ip.contains_key(&ip) || self.list.len() >= MAX_HOSTS {
            return None;
        }
        let id = HostId(self.list.len() as u32);
        self.list.push(Host { ips: vec![ip], ..Host::default() });
        self.by_ip.insert(ip, id);
        Some(id)
    }

    /// The MACs that a host was seen to send with are one machine.
    fn own(&mut self, vantage: VantageId, seen: &Observations) {
        // A virtual router's MAC moves between machines.
        let fixed: Vec<Mac> = seen.own.macs.iter().copied().filter(|mac| !mac.is_vrrp()).collect();
        let Some(id) = fixed.first().and_then(|mac| self.host_of(*mac)) else {
            if seen.own.evidence == OwnEvidence::Incoming {
                self.list.push(Host { vantages: vec![vantage], ..Host::default() });
            }
            return;
        };
        if seen.own.evidence == OwnEvidence::Outgoing {
            for mac in &fixed[1..] {
                self.merge(id, *mac);
            }
        }
        let id = self.by_mac(fixed[0]).unwrap_or(id);
        self.list[id.0 as usize].vantages.push(vantage);
    }

    fn merge(&mut self, id: HostId, mac: Mac) {
        match self.by_mac(mac) {
            Some(other) if other == id => {}
            Some(other) => {
                let moved = std::mem::take(&mut self.list[other.0 as usize]);
                for mac in &moved.macs {
                    self.by_mac.insert(*mac, id);
                }
                let host = &mut self.list[id.0 as usize];
                host.macs.extend(moved.macs);
                host.vantages.extend(moved.vantages);
                host.macs.sort_unstable_by_key(own_first);
            }
            None => {
                self.by_mac.insert(mac, id);
                let host = &mut self.list[id.0 as usize];
                host.macs.push(mac);
                host.macs.sort_unstable_by_key(own_first);
            }
        }
    }

    /// A virtual router's MAC that one captured machine alone spoke for is that machine's.
    fn join_virtual(&mut self, vantages: &[Observations]) {
        let mut of: BTreeMap<Mac, BTreeSet<Option<HostId>>> = BTreeMap::new();
        for (v, vantage) in VantageId::each(vantages) {
            let virtual_macs: Vec<Mac> =
                vantage.own.macs.iter().copied().filter(|mac| mac.is_vrrp()).collect();
            if virtual_macs.is_empty() {
                continue;
            }
            let captured = self.list.iter().position(|host| host.vantages.contains(&v));
            for mac in virtual_macs {
                of.entry(mac).or_default().insert(captured.map(|at| HostId(at as u32)));
            }
        }
        let speakers = || vantages.iter().flat_map(|v| &v.vrrp);
        of.retain(|mac, _| {
            let sources: BTreeSet<Ip> =
                speakers().filter(|s| s.virtual_mac() == *mac).map(|s| s.src).collect();
            sources.len() == 1
        });
        for (mac, hosts) in of {
            if let (1, Some(Some(id))) = (hosts.len(), hosts.first()) {
                self.merge(*id, mac);
            }
        }
    }

    /// A tunnel's end that sends in one MAC's name alone is that MAC's machine; several
    /// are machines behind it.
    fn join_overlays(&mut self, vantages: &[Observations]) {
        // A cooked capture has no receivers, and a sender may be the gateway of several ends.
        let ends = vantages.iter().flat_map(|v| {
            let cooked = v.own.evidence == OwnEvidence::Outgoing;
            let all = v.neighbors.overlay_ends.iter();
            all.filter(move |end| !cooked || v.own.has(end.outer))
        });
        let mut inner: BTreeMap<Mac, BTreeSet<Mac>> = BTreeMap::new();
        let mut outer: BTreeMap<Mac, BTreeSet<Mac>> = BTreeMap::new();
        for end in ends.filter(|end| end.outer != Mac::ZERO) {
            inner.entry(end.outer).or_default().insert(end.inner);
            outer.entry(end.inner).or_default().insert(end.outer);
        }
        for (at, macs) in inner {
            // What is behind several ends is behind a router to them.
            let one = macs.iter().next().filter(|mac| macs.len() == 1 && outer[mac].len() == 1);
            if let Some(mac) = one
                && let Some(id) = self.by_mac(at)
            {
                self.merge(id, *mac);
            }
        }
    }

    /// A MAC inside an overlay is the machine's at the other end of the tunnel, which its outer address names
    /// where a capture lacks the MAC outside, or where that is a router's. Several are machines behind it.
    fn join_far_ends(&mut self, vantages: &[Observations]) {
        let mut inner: BTreeMap<Ip, BTreeSet<Mac>> = BTreeMap::new();
        let mut outer: BTreeMap<Mac, BTreeSet<Ip>> = BTreeMap::new();
        let ends = vantages.iter().flat_map(|v| &v.neighbors.overlay_ends);
        for end in ends.filter(|end| end.ip.is_host()) {
            inner.entry(end.ip).or_default().insert(end.inner);
            outer.entry(end.inner).or_default().insert(end.ip);
        }
        for (ip, macs) in inner {
            let one = macs.first().filter(|mac| macs.len() == 1 && outer[*mac].len() == 1);
            let (Some(mac), Some(id)) = (one, self.by_ip(ip)) else { continue };
            let nobody = |at: HostId| {
                let host = self.get(at);
                at != id && host.macs == [*mac] && host.ips.is_empty() && host.vantages.is_empty()
            };
            if self.by_mac(*mac).is_some_and(nobody) {
                self.merge(id, *mac);
            }
        }
    }

    /// A capture of incoming frames alone, without their receiver: another capture may
    /// show to whom they went.
    fn join_nameless(&mut self, vantages: &[Observations], connections: &Connections) {
        let nameless: Vec<VantageId> = VantageId::all(vantages)
            .filter(|v| vantages[v.index()].own.evidence == OwnEvidence::Incoming)
            .collect();
        if nameless.is_empty() || vantages.len() < 2 {
            return;
        }
        let mut sent_to: BTreeMap<VantageId, BTreeSet<Mac>> = BTreeMap::new();
        for connection in &connections.list {
            let legs = connections.legs(connection);
            for leg in legs.iter().filter(|leg| nameless.contains(&leg.vantage)) {
                let at = leg.vantage;
                let here = &vantages[at.index()];
                for other in
                    legs.iter().filter(|l| l.tuple == leg.tuple && l.vantage != leg.vantage)
                {
                    let there = &vantages[other.vantage.index()];
                    let came = here.path(leg.forward(vantages));
                    for (_, hop) in came {
                        let same = |h: &&Hop| {
                            h.link.src == hop.link.src && h.link.src.is_some() && h.ttl == hop.ttl
                        };
                        let left = there.path(other.forward(vantages)).map(|(_, h)| h);
                        sent_to
                            .entry(at)
                            .or_default()
                            .extend(left.filter(same).filter_map(|h| h.link.dst));
                    }
                }
            }
        }
        for (v, macs) in sent_to {
            let mac = macs.iter().next().filter(|mac| macs.len() == 1 && mac.is_unicast());
            let Some(id) = mac.and_then(|mac| self.host_of(*mac)) else { continue };
            for host in &mut self.list {
                host.vantages.retain(|of| *of != v);
            }
            self.list[id.0 as usize].vantages.push(v);
        }
    }
}

/// A virtual router's MAC names nobody who has another.
fn own_first(mac: &Mac) -> (bool, Mac) {
    (mac.is_vrrp(), *mac)
}

/// Whether packets on a hop have the TTL with which stacks begin.
#[must_use]
pub fn is_origin(hop: &Hop) -> bool {
    INITIAL_TTLS.contains(&hop.ttl)
}

/// The same, and as the capturing host's own packets begin.
#[must_use]
pub(super) fn begins(hop: &Hop, vantage: &Observations) -> bool {
    is_origin(hop) || Some(hop.ttl) == vantage.own.ttl && vantage.own.sent(hop) == Some(true)
}
