//! Which addresses are one host's, before there are hosts: by ARP, and by what a capturing
//! host takes in and sends.

use crate::flow::{Observations, Stream};
use crate::hashed::{HashMap, HashSet};
use crate::wire::{Ip, Mac};

/// Streams of a vantage that are asked whose addresses they show: that shows early.
const SAMPLE: usize = 1 << 12;

/// Addresses of one host, named by the lowest of them.
pub(super) struct Groups(HashMap<Ip, Ip>);

impl Groups {
    pub(super) fn of(vantages: &[Observations]) -> Self {
        let mut by_mac: HashMap<Mac, Ip> = HashMap::default();
        let mut names: HashMap<Ip, Ip> = HashMap::default();
        // What one capturing host claims with any of its MACs is one host's.
        for vantage in vantages {
            let own: Vec<Ip> = vantage
                .neighbors
                .bindings
                .iter()
                .filter(|b| vantage.own.has(b.mac))
                .map(|b| b.ip)
                .collect();
            if let Some(low) = own.iter().min() {
                for ip in &own {
                    names.insert(*ip, *low);
                }
                for mac in &vantage.own.macs {
                    by_mac.insert(*mac, *low);
                }
            }
        }
        for binding in vantages.iter().flat_map(|v| &v.neighbors.bindings) {
            let name = *by_mac.entry(binding.mac).or_insert(binding.ip);
            names.entry(binding.ip).or_insert(name);
        }
        // Without ARP: what the capturing host takes in and what it sends.
        for vantage in vantages {
            let mut low: Option<Ip> = None;
            let mut own = Vec::new();
            // What a transparent proxy sends in its clients' names is not its own.
            let guests = guests(vantage);
            for stream in vantage.streams.iter().take(SAMPLE) {
                let client = stream.client();
                for side in [client, client.other()] {
                    let sent =
                        vantage.first_hop(stream.flow(side)).and_then(|h| vantage.own.sent(h));
                    let origin = vantage
                        .first_hop(stream.flow(side))
                        .is_some_and(|h| matches!(h.ttl, 64 | 128 | 255));
                    if sent == Some(true)
                        && origin
                        && own.len() < 64
                        && !own.contains(&stream.key.ip(side))
                        && !guests.contains(&stream.key.ip(side))
                    {
                        own.push(stream.key.ip(side));
                    }
                }
            }
            for ip in &own {
                let name = *names.get(ip).unwrap_or(ip);
                low = Some(low.map_or(name, |l| l.min(name)));
            }
            for ip in own {
                if let Some(low) = low {
                    names.insert(ip, low);
                }
            }
        }
        Self(names)
    }

    /// The name of the host that a vantage was taken on, where it says an address of its own.
    pub(super) fn own(&self, vantage: &Observations) -> Option<Ip> {
        let bindings = vantage.neighbors.bindings.iter();
        let own = bindings.filter(|b| vantage.own.has(b.mac)).map(|b| self.host(b.ip)).min();
        own.or_else(|| {
            // Without ARP: whom its visitors call.
            let called = vantage.streams.iter().take(SAMPLE).find_map(|stream| {
                let side = stream.opener()?;
                let hop = vantage.first_hop(stream.flow(side))?;
                let back = vantage.first_hop(stream.flow(side.other()))?;
                let takes = vantage.own.arrived(hop) == Some(true)
                    && vantage.own.sent(back) == Some(true)
                    && matches!(back.ttl, 64 | 128 | 255);
                takes.then(|| stream.key.ip(side.other()))
            });
            called.map(|ip| self.host(ip))
        })
    }

    /// The name of the host that has an address.
    pub(super) fn host(&self, ip: Ip) -> Ip {
        self.0.get(&ip).copied().unwrap_or(ip)
    }
}

/// The addresses from which the first streams of a vantage came: others' addresses,
/// whatever the vantage sends in their name.
fn guests(vantage: &Observations) -> HashSet<Ip> {
    let opened = |s: &&Stream| s.key.protocol.is_tcp() && s.opener().is_some();
    let came = |stream: &Stream| {
        let side = stream.client();
        let there = vantage.first_hop(stream.flow(side))?;
        (vantage.own.arrived(there) == Some(true)).then(|| stream.key.ip(side))
    };
    vantage.streams.iter().take(SAMPLE).filter(opened).filter_map(came).collect()
}
