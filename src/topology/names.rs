//! Which addresses are whose: the capturing host's own first, by what it sends; then
//! what is claimed on the link; then what others originate. What several have, or may
//! have, names nobody, and what comes through a next hop of many is a peer of its own.

use super::hosts::{HostId, Hosts};
use super::spoken::Spoken;
use super::survey::Survey;
use super::untold::Untold;
use crate::correlate::{Connection, Connections, Leg, speaks};
use crate::flow::{Claim, Observations};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// Connections that are asked whose addresses they show: that shows early.
const SAMPLE: usize = 1 << 14;
/// Peers behind next hops that become hosts.
const MAX_PEERS: usize = 1 << 12;

impl Hosts {
    pub(super) fn name(&mut self, vantages: &[Observations], connections: &Connections) {
        let survey = self.survey(vantages, connections);
        for (id, sender) in &survey.senders {
            let host = &mut self.list[id.0 as usize];
            let captured = !host.vantages.is_empty();
            host.next_hop = !captured && (sender.relays || sender.stands_for_many());
            let kept = sender.originates.iter().filter(|ip| !survey.is_own(**ip)).count();
            host.fabric = host.next_hop && (sender.stands_for_many() || kept > 1);
        }
        self.claims(vantages);
        self.own_addresses(&survey);
        self.speakers(vantages);
        self.others(&survey);
    }

    /// Who advertises a virtual router does so from an address of its own and on the link
    /// (RFC 9568, section 5.1.1), which with its own MAC names it.
    fn speakers(&mut self, vantages: &[Observations]) {
        let contested = self.contested();
        for speaker in vantages.iter().flat_map(|v| &v.vrrp) {
            let own = speaker.mac.filter(|mac| !mac.is_vrrp());
            let Some(id) = own.and_then(|mac| self.by_mac(mac)) else { continue };
            let taken = self.by_ip(speaker.src).is_some() || contested.contains(&speaker.src);
            if !taken && !speaker.src.is_link_local() && !self.get(id).next_hop {
                self.list[id.0 as usize].ips.push(speaker.src);
                self.by_ip.insert(speaker.src, id);
            }
        }
    }

    fn survey(&self, vantages: &[Observations], connections: &Connections) -> Survey {
        let (mut survey, mut untold) = (Survey::default(), Untold::default());
        for connection in connections.list.iter().take(SAMPLE) {
            for leg in connections.legs(connection) {
                for forward in [true, false] {
                    self.see((&mut survey, &mut untold), vantages, connection, leg, forward);
                }
            }
        }
        let captured = |id: HostId| !self.get(id).vantages.is_empty();
        untold.settle(&mut survey, vantages, |mac| self.by_mac(mac), captured);
        survey
    }

    fn see(
        &self,
        (survey, untold): (&mut Survey, &mut Untold),
        vantages: &[Observations],
        connection: &Connection,
        leg: &Leg,
        forward: bool,
    ) {
        let (vantage, stream) = (&vantages[leg.vantage.index()], leg.of(vantages));
        let flow = if forward { leg.forward(vantages) } else { leg.reply(vantages) };
        let side = if forward { leg.client } else { leg.client.other() };
        let (ip, peer) = (stream.key.ip(side), stream.key.ip(side.other()));
        let Some(hop) = vantage.first_hop(flow).filter(|h| !h.link.is_loopback()) else { return };
        if !speaks(flow) {
            return;
        }
        let spoken = Spoken {
            vantage,
            hop,
            asked: stream.flow(side.other()),
            ip,
            peer,
            // What a director passes on in its client's name is the client's.
            in_the_name: forward && leg.tuple > 0 && ip == connection.front.client.0,
            opens: forward && flow.opened(),
        };
        if vantage.own.sent(hop) == Some(true) {
            // It left before it came, if it came at all: what comes in again was sent back.
            if let Some(host) = self.of_vantage(leg.vantage).filter(|_| !spoken.in_the_name) {
                let answers = (!forward).then_some((connection, leg));
                spoken.left(survey, untold, (leg.vantage, host), answers);
            }
            return;
        }
        if hop.known_ttl().is_none() && vantage.own.arrived(hop) == Some(true) {
            untold.comes(leg.vantage, ip);
        }
        if let Some(from) = hop.link.src.and_then(|mac| self.by_mac(mac)) {
            spoken.came(survey, untold, from);
        }
    }

    fn claims(&mut self, vantages: &[Observations]) {
        let mut claimants: BTreeMap<Ip, BTreeSet<HostId>> = BTreeMap::new();
        let mut owners: HashSet<(HostId, Ip)> = HashSet::default();
        let mut asks: HashSet<HostId> = HashSet::default();
        for binding in vantages.iter().flat_map(|v| &v.neighbors.bindings) {
            if let Some(id) = self.by_mac(binding.mac) {
                claimants.entry(binding.ip).or_default().insert(id);
                let asking = binding.claim == Claim::Sender && binding.asked != binding.ip;
                (if asking { &mut self.askers } else { &mut owners }).insert((id, binding.ip));
                if binding.claim != Claim::Reply {
                    asks.insert(id);
                }
            }
        }
        self.askers.retain(|of| !owners.contains(of));
        // A fabric answers for everybody and asks nothing in its own name.
        let mut answered: HashMap<HostId, usize> = HashMap::default();
        for id in claimants.values().flatten() {
            *answered.entry(*id).or_default() += 1;
        }
        let for_all = |hosts: &Self, id: HostId| {
            hosts.get(id).next_hop
                && answered.get(&id).is_some_and(|n| *n > 1)
                && !asks.contains(&id)
        };
        for (ip, ids) in claimants {
            let alone = ids.len() == 1;
            for id in ids {
                if for_all(self, id) {
                    continue;
                }
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

    fn own_addresses(&mut self, survey: &Survey) {
        let contested = self.contested();
        for (id, ip) in &survey.own {
            let shared = survey.owners.get(ip).is_some_and(|n| *n > 1);
            let known = self.by_ip(*ip);
            if known == Some(*id) || ip.is_link_local() && known.is_some() {
                continue;
            }
            let may_be_shared = survey.apart.contains(&(*id, *ip));
            if known.is_none() && !shared && !may_be_shared && !contested.contains(ip) {
                self.list[id.0 as usize].ips.push(*ip);
                self.by_ip.insert(*ip, *id);
            } else if !self.get(*id).contested.contains(ip) && !contested.contains(ip) {
                self.list[id.0 as usize].contested.push(*ip);
            }
        }
    }

    /// Addresses that several claim: nobody's own, whoever originates them.
    fn contested(&self) -> HashSet<Ip> {
        self.list.iter().flat_map(|host| host.contested.iter().copied()).collect()
    }

    /// What others originate, where nobody claims it.
    fn others(&mut self, survey: &Survey) {
        let contested = self.contested();
        let mut found: Vec<(HostId, Ip)> = Vec::new();
        let mut peers: BTreeSet<Ip> = BTreeSet::new();
        for (id, sender) in &survey.senders {
            let named = !self.get(*id).ips.is_empty();
            for ip in &sender.originates {
                let open = sender.opens.contains(ip);
                if survey.is_own(*ip) || contested.contains(ip) || named && !open {
                    continue;
                }
                if !self.get(*id).next_hop {
                    found.push((*id, *ip));
                } else if peers.len() < MAX_PEERS && !ip.is_link_local() {
                    peers.insert(*ip);
                }
            }
        }
        let mut per_ip: HashMap<Ip, u32> = HashMap::default();
        for (_, ip) in &found {
            *per_ip.entry(*ip).or_default() += 1;
        }
        let opens =
            |id: HostId, ip: Ip| survey.senders.get(&id).is_some_and(|s| s.opens.contains(&ip));
        for (id, ip) in found {
            let known = self.by_ip(ip);
            let host = &mut self.list[id.0 as usize];
            if per_ip[&ip] == 1 && known.is_none() {
                host.ips.push(ip);
                self.by_ip.insert(ip, id);
            } else if known.is_some_and(|known| known != id) && opens(id, ip) {
                // It passes on what its neighbour sends.
            } else if known != Some(id) && !host.contested.contains(&ip) {
                host.contested.push(ip);
            }
        }
        for ip in peers {
            self.add_address(ip);
        }
    }
}
