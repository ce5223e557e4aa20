//! Whose addresses a text shows that prints no TTL, so that nothing says whether who sends a packet also made
//! it.
//!
//! What a capture of all interfaces (`-i any`) marks as leaving, and shows nowhere come in, is the capturing
//! host's own. What comes with another's MAC is that host's own where it is the only address of that MAC and at
//! home on the link: claimed with that MAC, or of a network of which others are there too. What else comes is
//! passed on, as a router's MAC has many addresses and those of other networks.

use super::HostId;
use super::survey::{Sender, Survey};
use crate::flow::{Claim, Observations, VantageId};
use crate::hashed::HashSet;
use crate::wire::{Ip, Mac};
use std::collections::{BTreeMap, BTreeSet};

/// Addresses that are kept.
const MAX: usize = 1 << 14;

/// Sources of packets of which no TTL is known.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// What left the capturing host, by vantage.
    left: BTreeSet<(VantageId, HostId, Ip)>,
    /// What came in.
    came: HashSet<(VantageId, Ip)>,
    /// What others sent, and whether they opened a connection with it.
    others: BTreeMap<HostId, BTreeMap<Ip, bool>>,
}

impl Untold {
    pub fn leaves(&mut self, at: VantageId, host: HostId, ip: Ip) {
        if self.left.len() < MAX {
            self.left.insert((at, host, ip));
        }
    }

    pub fn comes(&mut self, at: VantageId, ip: Ip) {
        if self.came.len() < MAX {
            self.came.insert((at, ip));
        }
    }

    pub fn sends(&mut self, from: HostId, ip: Ip, opens: bool) {
        if self.others.len() < MAX {
            let of = self.others.entry(from).or_default();
            if of.len() < MAX {
                *of.entry(ip).or_default() |= opens;
            }
        }
    }

    /// Decides whose each of them is.
    pub fn settle(
        self,
        survey: &mut Survey,
        vantages: &[Observations],
        by_mac: impl Fn(Mac) -> Option<HostId>,
        is_captured: impl Fn(HostId) -> bool,
    ) {
        if self.left.is_empty() && self.others.is_empty() {
            return;
        }
        for (at, host, ip) in &self.left {
            if self.came.len() < MAX && !self.came.contains(&(*at, *ip)) {
                survey.owns(*host, *ip);
            }
        }
        let bindings = || vantages.iter().flat_map(|v| &v.neighbors.bindings);
        let claims: HashSet<(HostId, Ip)> = bindings()
            .filter(|b| b.claim != Claim::Sender || b.asked != b.ip)
            .filter_map(|b| Some((by_mac(b.mac)?, b.ip)))
            .collect();
        let alone = |of: &BTreeMap<Ip, bool>| {
            of.first_key_value().map(|(ip, _)| *ip).filter(|_| of.len() == 1)
        };
        // Networks with the hosts that are in them.
        let mut here: BTreeMap<u128, BTreeSet<HostId>> = BTreeMap::new();
        let own = survey.own.iter().copied().chain(claims.iter().copied());
        let single = self.others.iter().filter_map(|(id, of)| Some((*id, alone(of)?)));
        for (id, ip) in own.chain(single) {
            here.entry(ip.network()).or_default().insert(id);
        }
        for (id, of) in self.others {
            let on_link = |ip: Ip| {
                let near =
                    here.get(&ip.network()).is_some_and(|ids| ids.iter().any(|of| *of != id));
                claims.contains(&(id, ip)) || near
            };
            match alone(&of).filter(|ip| on_link(*ip)) {
                Some(ip) if is_captured(id) => survey.owns(id, ip),
                Some(ip) => survey.senders.entry(id).or_default().originates(ip, of[&ip]),
                None => survey.senders.entry(id).or_default().relays = true,
            }
        }
    }
}

impl Sender {
    fn originates(&mut self, ip: Ip, opens: bool) {
        self.originates.insert(ip);
        if opens {
            self.opens.insert(ip);
        }
    }
}
