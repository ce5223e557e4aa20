//! What all packets show of their senders, before addresses are given to hosts.

use super::hosts::{HostId, MAX_HOSTS};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// What the packets of one MAC's host show, where it was not captured.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// It passed on packets of others.
    pub(super) relays: bool,
    /// Sources of packets that begin with it, by their TTL.
    pub(super) originates: BTreeSet<Ip>,
    /// Those of them that opened connections.
    pub(super) opens: BTreeSet<Ip>,
    /// Who opened, and to whom.
    pub(super) openers: Vec<(Ip, Ip)>,
}

impl Sender {
    /// Peers of different networks that call one address through it: a host itself
    /// takes one source address for one destination.
    pub(super) fn stands_for_many(&self) -> bool {
        self.openers.iter().enumerate().any(|(i, (src, dst))| {
            self.openers[..i].iter().any(|(s, d)| d == dst && s.network() != src.network())
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Survey {
    /// What captured hosts send that they did not get.
    pub(super) own: BTreeSet<(HostId, Ip)>,
    /// The same by address: how many hosts.
    pub(super) owners: HashMap<Ip, u32>,
    /// Those of them that may be shared: answers that leave another way than their
    /// questions came.
    pub(super) apart: HashSet<(HostId, Ip)>,
    pub(super) senders: BTreeMap<HostId, Sender>,
}

impl Survey {
    /// Something left a captured host that had not got it.
    pub(super) fn owns(&mut self, host: HostId, ip: Ip) {
        if self.own.len() < MAX_HOSTS && self.own.insert((host, ip)) {
            *self.owners.entry(ip).or_default() += 1;
        }
    }

    pub(super) fn is_own(&self, ip: Ip) -> bool {
        self.owners.contains_key(&ip)
    }
}
