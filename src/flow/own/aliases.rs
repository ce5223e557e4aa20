//! MACs of virtual routers, and the MAC of the machine that speaks for each.
//!
//! A virtual router's MAC has no machine of its own (RFC 9568, section 7.3): the master answers ARP with it
//! and sends from it, and does the rest under its own MAC. Which machine that is, its advertisements tell: they
//! leave from its own MAC, or from an address that it also uses with its own MAC. Counted apart, two MACs of
//! one machine look like two of many.

use crate::flow::{Hop, Link, Neighbors, Side, Stream, VrrpSpeaker};
use crate::hashed::HashMap;
use crate::wire::{Ip, Mac};
use std::collections::{BTreeMap, BTreeSet};

/// Streams that are asked for a speaker's address.
const SAMPLE: usize = 1 << 14;

/// Virtual MACs by the machine's own.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<Mac, Mac>);

impl Aliases {
    /// Those of one vantage. A virtual router that several spoke for, as in a hand-over, is nobody's.
    pub fn tell(
        streams: &[Stream],
        links: &[Link],
        hops: &[Hop],
        neighbors: &Neighbors,
        speakers: &[VrrpSpeaker],
    ) -> Self {
        if speakers.is_empty() {
            return Self::default();
        }
        let mut used: HashMap<Ip, BTreeSet<Mac>> =
            speakers.iter().map(|s| (s.src, BTreeSet::new())).collect();
        let mut uses = |ip: Ip, mac: Option<Mac>| {
            if let (Some(of), Some(mac)) = (used.get_mut(&ip), mac.filter(is_machines)) {
                of.insert(mac);
            }
        };
        for stream in streams.iter().take(SAMPLE) {
            for side in [Side::A, Side::B] {
                let link = stream.flow(side).link.index().and_then(|at| links.get(at));
                let hop = link.map(|link| &hops[link.hop.index()]);
                uses(stream.key.ip(side), hop.filter(|h| !h.link.overlay).and_then(|h| h.link.src));
            }
        }
        for binding in &neighbors.bindings {
            uses(binding.ip, Some(binding.mac));
        }
        let mut machines: BTreeMap<Mac, BTreeSet<Option<Mac>>> = BTreeMap::new();
        for speaker in speakers {
            let own = speaker.mac.filter(is_machines);
            let used = &used[&speaker.src];
            let other = used.first().copied().filter(|_| used.len() == 1);
            let sends_as = speaker.mac.filter(|mac| mac.is_vrrp());
            for virtual_mac in sends_as.into_iter().chain([speaker.virtual_mac()]) {
                machines.entry(virtual_mac).or_default().insert(own.or(other));
            }
        }
        let one = |macs: BTreeSet<Option<Mac>>| match (macs.len(), macs.first()) {
            (1, Some(Some(mac))) => Some(*mac),
            _ => None,
        };
        Self(machines.into_iter().filter_map(|(of, macs)| Some((of, one(macs)?))).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The machine's own MAC.
    pub fn machine(&self, mac: Mac) -> Mac {
        self.0.get(&mac).copied().unwrap_or(mac)
    }

    /// The virtual MACs of machines.
    pub fn of<'a>(&'a self, macs: &'a [Mac]) -> impl Iterator<Item = Mac> + use<'a> {
        self.0.iter().filter(|(_, machine)| macs.contains(machine)).map(|(mac, _)| *mac)
    }

    /// What was seen, as the machines' own MACs would have it.
    pub fn apply(&self, hops: &mut [Hop], neighbors: &mut Neighbors) {
        for hop in hops.iter_mut().filter(|hop| !hop.link.overlay) {
            hop.link.src = hop.link.src.map(|mac| self.machine(mac));
            hop.link.dst = hop.link.dst.map(|mac| self.machine(mac));
        }
        for binding in &mut neighbors.bindings {
            binding.mac = self.machine(binding.mac);
        }
        for ask in &mut neighbors.asks {
            ask.asker_mac = self.machine(ask.asker_mac);
        }
    }
}

fn is_machines(mac: &Mac) -> bool {
    mac.is_unicast() && !mac.is_vrrp()
}
