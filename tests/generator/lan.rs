//! Who asks whom for a MAC before the first packet, and which captures hear it.

use super::frame::Link;
use super::neighbor;
use super::network::Family;
use super::paths::{Arp, INSIDE, Map, OUTSIDE, interface, server_interface};
use super::world::{LOCAL_ADDRESSES, Mode, World, nth};

impl Map<'_> {
    /// Who asks for whom before the first packet: gateway for router, router for VIP, director for each real server, and
    /// with one arm each real server for the router, with FullNAT each for the director's own addresses.
    pub(super) fn arp(&self) -> Vec<Arp> {
        use interface::{CLIENT, DIRECTOR, DIRECTOR_INSIDE, ROUTER_INSIDE, ROUTER_OUTSIDE};
        let world = self.world;
        let network = &world.network;
        let nat = world.mode.two_armed();
        let host = |interface, address: std::net::Ipv4Addr| Host {
            interface,
            address: u32::from(address),
        };
        let router = host(ROUTER_INSIDE, network.router_inside);
        let asks = if nat { DIRECTOR_INSIDE } else { DIRECTOR };
        let director = host(asks, network.director);
        let servers: Vec<(Host, Option<usize>)> = (0..world.real_servers)
            .map(|index| {
                (
                    host(server_interface(index), world.real_server(index)),
                    self.servers[usize::from(index)],
                )
            })
            .collect();
        let mut all = Vec::new();
        let outside = Lan {
            ifindex: OUTSIDE,
            cooked: None,
            listeners: self.client.map(|capture| (CLIENT, capture)).into_iter().collect(),
        };
        outside.exchange(
            world,
            &mut all,
            1_000_000,
            host(CLIENT, network.client_gateway),
            host(ROUTER_OUTSIDE, network.router_outside),
        );

        // With NAT the director's two arms are two segments; with DR all hosts hear each other's broadcasts.
        let own = |interface| self.director.map(|capture| (interface, capture));
        let cooked = if nat { self.director } else { None };
        let translating = self.router.map(|capture| (ROUTER_INSIDE, capture));
        let hearing: Vec<(u8, usize)> = servers
            .iter()
            .filter_map(|(server, capture)| Some((server.interface, (*capture)?)))
            .collect();
        let inside = Lan {
            ifindex: INSIDE,
            cooked,
            listeners: own(asks)
                .into_iter()
                .chain(hearing)
                .chain(translating.filter(|_| !nat))
                .collect(),
        };
        let vip = host(DIRECTOR, network.vip);
        if nat {
            let listeners = own(DIRECTOR).into_iter().chain(translating).collect();
            let front = Lan { ifindex: OUTSIDE, cooked, listeners };
            front.exchange(world, &mut all, 2_000_000, router, vip);
        } else {
            inside.exchange(world, &mut all, 2_000_000, router, vip);
        }
        let mut at = 3_000_000;
        for (server, _) in servers {
            inside.exchange(world, &mut all, at, director, server);
            if !nat {
                inside.exchange(world, &mut all, at + 20_000, server, router);
            }
            if matches!(world.mode, Mode::FullNat(_)) {
                let local = nth(network.first_local, u32::from(server.interface) % LOCAL_ADDRESSES);
                inside.exchange(world, &mut all, at + 20_000, server, host(asks, local));
            }
            at += 40_000;
        }
        all.sort_by_key(|arp| arp.at);
        all
    }
}

/// An interface and the address that it asks with or is asked for.
#[derive(Clone, Copy)]
struct Host {
    interface: u8,
    address: u32,
}

/// A broadcast domain, with the captures on it.
struct Lan {
    /// Its interface's index in the cooked capture.
    ifindex: u32,
    /// The capture that is cooked.
    cooked: Option<usize>,
    /// Interface and capture of each host that captures here.
    listeners: Vec<(u8, usize)>,
}

impl Lan {
    /// `asker` broadcasts a who-has, which every capture of the segment shows; the reply only `asker` and `owner` see.
    fn exchange(&self, world: &World, all: &mut Vec<Arp>, at: u64, asker: Host, owner: Host) {
        let (question, answer) = (
            (world.mac(asker.interface), asker.address),
            (world.mac(owner.interface), owner.address),
        );
        for &(interface, capture) in &self.listeners {
            let sent = interface == asker.interface;
            let (all_of, kind) = match world.family {
                Family::V4 => ([0xff; 6], 1),
                Family::V6 => (neighbor::group_mac(owner.address), 2),
            };
            let link = self.link(capture, if sent { 4 } else { kind }, all_of, question.0);
            let later = if sent { 0 } else { 5_000 };
            all.push(Arp {
                capture,
                link,
                reply: false,
                from: question,
                to: ([0; 6], owner.address),
                at: at + later,
            });
            if sent || interface == owner.interface {
                let link = self.link(capture, if sent { 0 } else { 4 }, question.0, answer.0);
                let later = if sent { 15_000 } else { 10_000 };
                all.push(Arp {
                    capture,
                    link,
                    reply: true,
                    from: answer,
                    to: question,
                    at: at + later,
                });
            }
        }
    }

    fn link(&self, capture: usize, kind: u8, to: [u8; 6], from: [u8; 6]) -> Link {
        if self.cooked == Some(capture) {
            Link::Sll2 { ifindex: self.ifindex, kind, from }
        } else {
            Link::Ethernet { to, from }
        }
    }
}
