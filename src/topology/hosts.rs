//! Machines: MACs that belong together, and the addresses that they own.

use crate::correlate::Connections;
use crate::flow::{Claim, Hop, Observations, OwnEvidence};
use crate::wire::{Ip, Mac};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Index of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub u32);

/// A machine.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Its MACs, sorted.
    pub macs: Vec<Mac>,
    /// Addresses that it alone claimed or originated, sorted.
    pub ips: Vec<Ip>,
    /// Addresses that it and others claimed or originated.
    pub contested: Vec<Ip>,
    /// Addresses that it claimed by ARP or neighbour discovery.
    pub claimed: Vec<Ip>,
    /// Vantages that were taken on it.
    pub vantages: Vec<usize>,
}

/// All machines that the captures show.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    list: Vec<Host>,
    by_mac: HashMap<Mac, HostId, RandomState>,
    by_ip: HashMap<Ip, HostId, RandomState>,
    /// Who asks as an address without answering for it or announcing it.
    askers: HashSet<(HostId, Ip)>,
}

/// Initial TTLs of the stacks in use; a packet that has one comes from the
/// host that sent the frame, not through it.
const INITIAL_TTLS: [u8; 3] = [64, 128, 255];
/// Connections that are asked for their opener's address: it shows early.
const SAMPLE: usize = 1 << 14;
/// Hosts and originated addresses that are kept.
const MAX_HOSTS: usize = 1 << 16;

impl Hosts {
    pub(super) fn build(vantages: &[Observations], connections: &Connections) -> Self {
        let mut hosts = Self::default();
        for (v, vantage) in vantages.iter().enumerate() {
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
        hosts.claims(vantages);
        hosts.origins(vantages, connections);
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

    /// The host that a vantage was taken on.
    #[must_use]
    pub fn of_vantage(&self, vantage: &Observations) -> Option<HostId> {
        vantage.own.macs.first().and_then(|mac| self.by_mac(*mac))
    }

    /// Whether the host claims an address by ARP or neighbour discovery, alone or
    /// among others. A DR real server originates the VIP without claiming it.
    #[must_use]
    pub fn claims_ip(&self, id: HostId, ip: Ip) -> bool {
        self.get(id).claimed.contains(&ip)
    }

    /// Whether the host names an address as its own in what it asks, and never answers
    /// for it: as a real server that is quiet about the VIP and not quiet enough.
    #[must_use]
    pub fn asks_as(&self, id: HostId, ip: Ip) -> bool {
        self.askers.contains(&(id, ip))
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

    /// The MACs that a host was seen to send with are one machine.
    fn own(&mut self, vantage: usize, seen: &Observations) {
        let macs = &seen.own.macs;
        // A virtual router's MAC moves between machines.
        let fixed: Vec<Mac> = macs.iter().copied().filter(|mac| !mac.is_vrrp()).collect();
        let Some(id) = fixed.first().and_then(|mac| self.host_of(*mac)) else {
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
                host.macs.sort_unstable();
            }
            None => {
                self.by_mac.insert(mac, id);
                let host = &mut self.list[id.0 as usize];
                host.macs.push(mac);
                host.macs.sort_unstable();
            }
        }
    }

    fn claims(&mut self, vantages: &[Observations]) {
        let mut claimants: BTreeMap<Ip, BTreeSet<HostId>> = BTreeMap::new();
        let mut owners: HashSet<(HostId, Ip)> = HashSet::new();
        for binding in vantages.iter().flat_map(|v| &v.neighbors.bindings) {
            if let Some(id) = self.by_mac(binding.mac) {
                claimants.entry(binding.ip).or_default().insert(id);
                let asks = binding.claim == Claim::Sender && binding.asked != binding.ip;
                (if asks { &mut self.askers } else { &mut owners }).insert((id, binding.ip));
            }
        }
        self.askers.retain(|of| !owners.contains(of));
        for (ip, ids) in claimants {
            let alone = ids.len() == 1;
            for id in ids {
                let host = &mut self.list[id.0 as usize];
                host.claimed.push(ip);
                if alone {
                    host.ips.push(ip);
                    self.by_ip.insert(ip, id);
                } else {
                    host.contested.push(ip);
                }
            }
        }
    }

    /// The host that originates packets on a hop, if its address is not known.
    fn nameless(&self, hop: &Hop) -> Option<HostId> {
        let from = hop.link.src.filter(|_| is_origin(hop) && !hop.link.is_loopback())?;
        self.by_mac(from).filter(|id| self.get(*id).ips.is_empty())
    }

    /// Without ARP in the capture, what a host originates tells its address.
    fn origins(&mut self, vantages: &[Observations], connections: &Connections) {
        let wanted: Vec<Vec<Option<HostId>>> = vantages
            .iter()
            .map(|vantage| vantage.hops.iter().map(|hop| self.nameless(hop)).collect())
            .collect();
        let mut found: HashSet<(HostId, Ip)> = HashSet::new();
        let nameless = wanted.iter().flatten().any(Option::is_some);
        for (i, connection) in connections.list.iter().enumerate() {
            // Who opens a connection owns the address that it comes from.
            if i < SAMPLE && !self.by_ip.contains_key(&connection.front.client.0) {
                for leg in connections.legs(connection).iter().filter(|leg| leg.tuple == 0) {
                    let there = leg.forward(vantages);
                    let hop = vantages[usize::from(leg.vantage)].first_hop(there);
                    let from = hop.filter(|hop| there.opened() && is_origin(hop));
                    let from = from.filter(|hop| !hop.link.is_loopback());
                    if let Some(id) = from.and_then(|hop| self.by_mac(hop.link.src?))
                        && found.len() < MAX_HOSTS
                    {
                        found.insert((id, connection.front.client.0));
                    }
                }
            }
            if !nameless {
                if i >= SAMPLE {
                    break;
                }
                continue;
            }
            for leg in connections.legs(connection) {
                let vantage = &vantages[usize::from(leg.vantage)];
                let stream = leg.of(vantages);
                for side in [leg.client, leg.client.other()] {
                    let Some(link) = vantage.links_of(stream.flow(side)).next() else { continue };
                    if let Some(id) = wanted[usize::from(leg.vantage)][link.hop.index()]
                        && found.len() < MAX_HOSTS
                    {
                        found.insert((id, stream.key.ip(side)));
                    }
                }
            }
        }
        // What several hosts claim is nobody's own, whoever originates it.
        let contested: HashSet<Ip> =
            self.list.iter().flat_map(|host| host.contested.iter().copied()).collect();
        found.retain(|(_, ip)| !contested.contains(ip));
        let mut per_ip: HashMap<Ip, u32> = HashMap::new();
        for (_, ip) in &found {
            *per_ip.entry(*ip).or_default() += 1;
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_unstable();
        for (id, ip) in found {
            let host = &mut self.list[id.0 as usize];
            if per_ip[&ip] == 1 && !self.by_ip.contains_key(&ip) {
                host.ips.push(ip);
                self.by_ip.insert(ip, id);
            } else if !host.contested.contains(&ip) {
                host.contested.push(ip);
            }
        }
    }
}

/// Whether packets on a hop have the TTL with which stacks begin.
#[must_use]
pub fn is_origin(hop: &Hop) -> bool {
    INITIAL_TTLS.contains(&hop.ttl)
}
