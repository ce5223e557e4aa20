//! Which MACs send from the addresses that groups of broken connections go to, and until when each MAC was heard:
//! one walk over all streams, however many groups ask.

use crate::breaks::Breaks;
use crate::flow::{Mark, Side, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::topology::is_origin;
use crate::trace::Trace;
use crate::wire::{Ip, Mac};

/// MACs of one address that are told apart: one that it had, one that it has, and one more shows that it is no
/// single host's.
const TOLD_APART: usize = 3;

/// A MAC that sends from an address by itself, not as a router that passes packets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Source {
    pub mac: Mac,
    /// Its first frame from that address.
    pub first: Mark,
}

/// What vantages show of senders.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct Senders {
    /// By address, the first [`TOLD_APART`] of its MACs.
    sources: HashMap<(VantageId, Ip), Vec<Source>>,
    /// The last frame of each MAC, whatever address it sent from.
    heard: HashMap<(VantageId, Mac), u32>,
}

impl Senders {
    /// Of the addresses that connections went to which broke.
    pub(in crate::diagnose::facts) fn of(trace: &Trace, breaks: &Breaks) -> Self {
        let asked: HashSet<Ip> = breaks
            .groups
            .iter()
            .filter_map(|group| group.connections.first())
            .flat_map(|id| trace.legs(*id))
            .map(|leg| leg.of(&trace.vantages).key.ip(leg.client.other()))
            .collect();
        let mut senders = Self::default();
        for (v, vantage) in VantageId::each(&trace.vantages) {
            let mut last_by_hop = vec![0; vantage.hops.len()];
            for stream in &vantage.streams {
                for side in [Side::A, Side::B] {
                    let ip = stream.key.ip(side);
                    let asked = asked.contains(&ip);
                    for link in vantage.links_of(stream.flow(side)) {
                        let last: &mut u32 = &mut last_by_hop[link.hop.index()];
                        *last = link.last.frame().max(*last);
                        let hop = &vantage.hops[link.hop.index()];
                        if let Some(mac) = hop.link.src.filter(|_| asked && is_origin(hop)) {
                            senders.see(v, ip, Source { mac, first: link.first });
                        }
                    }
                }
            }
            let sent = vantage.hops.iter().zip(last_by_hop);
            let sent = sent.filter_map(|(hop, last)| Some((hop.link.src?, last)));
            let claimed = vantage.neighbors.bindings.iter().map(|b| (b.mac, b.last.frame()));
            for (mac, frame) in sent.chain(claimed) {
                let last = senders.heard.entry((v, mac)).or_default();
                *last = frame.max(*last);
            }
        }
        senders
    }

    fn see(&mut self, vantage: VantageId, ip: Ip, source: Source) {
        let sources = self.sources.entry((vantage, ip)).or_default();
        if let Some(known) = sources.iter_mut().find(|known| known.mac == source.mac) {
            if source.first.frame() < known.first.frame() {
                *known = source;
            }
        } else if sources.len() < TOLD_APART {
            sources.push(source);
        }
    }

    /// MACs besides `old` that send from an address: of more than one, two at least.
    pub(in crate::diagnose) fn others(
        &self,
        old: Mac,
        vantage: VantageId,
        ip: Ip,
    ) -> impl Iterator<Item = &Source> {
        let sources = self.sources.get(&(vantage, ip)).into_iter().flatten();
        sources.filter(move |source| source.mac != old)
    }

    /// The number of the last frame that a MAC sent; 0 where it sent none.
    pub(in crate::diagnose) fn last_of(&self, vantage: VantageId, mac: Mac) -> u32 {
        self.heard.get(&(vantage, mac)).copied().unwrap_or_default()
    }
}
