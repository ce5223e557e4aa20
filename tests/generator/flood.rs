//! A spoofed SYN flood: every SYN from its own source, made from its number when it is needed, never stored.
//!
//! The tools behind floods differ, and so do the SYNs: without options, with MSS alone, or like Linux's; most have random
//! ISNs, some repeat one. No source is an address of the world, of a private range, loopback or multicast.

use super::frame::Segment;
use super::network::Family;
use super::options::Options;
use super::rng;
use super::script::SYN;
use super::world::{Flood, WARM_UP_NS, World, nth};

/// The source of a flood's SYNs, in the order of their sending.
pub struct Source {
    flood: Flood,
    seed: u64,
    vip: u32,
    vip_port: u16,
    /// Addresses that belong to the world: ranges, both ends included.
    taken: Vec<(u32, u32)>,
    span_ns: u64,
    sent: u32,
    /// The next candidate for a source address.
    next: u32,
}

impl Source {
    /// The flood of a world.
    pub fn new(world: &World, flood: Flood) -> Self {
        let network = &world.network;
        let clients = u32::from(network.first_client);
        let mut taken = vec![(clients, clients.saturating_add(world.clients))];
        let hosts = [
            network.client_gateway,
            network.router_outside,
            network.router_inside,
            network.vip,
            network.director,
            network.first_real_server,
            nth(network.first_real_server, u32::from(world.real_servers)),
        ];
        taken.extend(hosts.map(|host| (u32::from(host) & !0xff, u32::from(host) | 0xff)));
        Self {
            flood,
            seed: rng::at(world.seed, 1),
            vip: u32::from(network.vip),
            vip_port: network.vip_port,
            taken,
            span_ns: world.span_ns() + world.lifetime_ns(),
            sent: 0,
            next: 0,
        }
    }

    /// When the next SYN reaches the director, nanoseconds after the start; none when all are sent.
    pub fn due(&self) -> Option<u64> {
        (self.sent < self.flood.syns).then(|| {
            let elapsed =
                u128::from(self.span_ns) * u128::from(self.sent) / u128::from(self.flood.syns);
            WARM_UP_NS + elapsed as u64
        })
    }

    /// Takes the next SYN: its number, from which [`Source::syn`] makes it.
    pub fn take(&mut self) -> u32 {
        self.sent += 1;
        loop {
            let number = self.next;
            self.next = self.next.wrapping_add(1);
            if self.usable(rng::permute(self.seed, number)) {
                return number;
            }
        }
    }

    /// The SYN of this number, with the TTL as if its sender were two hops before the director.
    pub fn syn(&self, number: u32) -> Segment {
        let bits = rng::at(self.seed, u64::from(number));
        let shared =
            self.flood.same_isn_every != 0 && number.is_multiple_of(self.flood.same_isn_every);
        let (options, window) = match bits & 3 {
            0 => (Options::None, 512),
            1 => (Options::Stamps { value: (bits >> 17) as u32, echo: 0 }, 64_240),
            2 => (Options::Mss, 1_024),
            _ => (Options::Mss, 65_535),
        };
        Segment {
            family: Family::V4,
            tunnel: None,
            from: rng::permute(self.seed, number),
            to: self.vip,
            from_port: 1_024 + ((bits >> 2) % 64_512) as u16,
            to_port: self.vip_port,
            seq: if shared { self.seed as u32 } else { (bits >> 32) as u32 },
            ack: 0,
            flags: SYN,
            window,
            ttl: 44 + ((bits >> 8) & 15) as u8,
            id: (bits >> 12) as u16,
            options,
            named: None,
        }
    }

    /// The real server that the director sends this SYN to, of `servers`.
    pub fn server(&self, number: u32, servers: u16) -> u16 {
        (number % u32::from(servers)) as u16
    }

    fn usable(&self, address: u32) -> bool {
        let [a, b, ..] = address.to_be_bytes();
        let reserved = matches!(
            (a, b),
            (0 | 10 | 127 | 224.., _) | (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168)
        );
        !reserved && !self.taken.iter().any(|&(first, last)| (first..=last).contains(&address))
    }
}
