//! Where a packet passes a capture between client and real server, with which link header, TTL and addresses, and the ARP
//! by which the hosts found each other.

use super::capture::{Capture, ETHERNET, SLL2};
use super::frame::Link;
use super::world::{Clock, Mode, World};
use std::io;
use std::path::Path;

/// One passing of a vantage.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    /// Which capture shows it; none where no capture is taken.
    pub capture: Option<usize>,
    /// The link header there.
    pub link: Link,
    /// How much of the sender's TTL is gone.
    pub ttl_gone: u8,
    /// The packet bears the real server's address and port here, else the VIP's.
    pub real: bool,
    /// Nanoseconds to the next hop, without jitter.
    pub delay: u64,
}

/// An ARP packet at one vantage.
#[derive(Clone, Copy, Debug)]
pub struct Arp {
    /// Which capture shows it.
    pub capture: usize,
    /// The link header there.
    pub link: Link,
    /// A reply, else a who-has.
    pub reply: bool,
    /// Sender MAC and address.
    pub from: ([u8; 6], u32),
    /// Target MAC (zero in a who-has) and address.
    pub to: ([u8; 6], u32),
    /// Nanoseconds after the start.
    pub at: u64,
}

/// The hops and ARP of a world.
#[derive(Debug, Default)]
pub struct Paths {
    /// Client to real server, for each real server.
    pub forward: Vec<Vec<Hop>>,
    /// Real server to client, for each real server.
    pub backward: Vec<Vec<Hop>>,
    /// In the order of time.
    pub arp: Vec<Arp>,
}

/// The hop of a forward path at which a packet from elsewhere than the client gateway appears: the director's ingress.
pub const DIRECTOR_IN: usize = 1;
/// The director's interfaces in a cooked capture: outside, and towards the real servers.
const OUTSIDE: u32 = 2;
const INSIDE: u32 = 3;
/// Nanoseconds client to director, through the director, director to real server, and real server to client past it.
const TO_DIRECTOR: u64 = 300_000;
const THROUGH: u64 = 15_000;
const TO_SERVER: u64 = 60_000;
const DIRECT: u64 = 340_000;

/// Numbers of the hosts' interfaces, which their MACs are made from.
pub mod interface {
    /// The client gateway's.
    pub const CLIENT: u8 = 1;
    /// The router's towards the clients.
    pub const ROUTER_OUTSIDE: u8 = 2;
    /// The router's towards the director.
    pub const ROUTER_INSIDE: u8 = 3;
    /// The director's towards the router.
    pub const DIRECTOR: u8 = 4;
    /// The NAT director's towards the real servers.
    pub const DIRECTOR_INSIDE: u8 = 5;
    /// The first real server's.
    pub const REAL_SERVER: u8 = 11;
}

/// Creates the captures in `folder` and the paths through them.
///
/// # Errors
/// What creating a file gives.
pub fn open(world: &World, folder: &Path) -> io::Result<(Vec<Capture>, Paths)> {
    let mut captures = Vec::new();
    let mut open =
        |wanted: bool, name: &str, link_type: u32, clock: Clock| -> io::Result<Option<usize>> {
            if !wanted {
                return Ok(None);
            }
            captures.push(Capture::create(folder, name, link_type, clock, world.start_ns)?);
            Ok(Some(captures.len() - 1))
        };
    let at = world.vantages;
    let client = open(at.client, "client", ETHERNET, world.clocks.client)?;
    let cooked = if world.mode == Mode::Nat { SLL2 } else { ETHERNET };
    let director = open(at.director, "director", cooked, world.clocks.director)?;
    let mut servers = Vec::new();
    for index in 0..world.real_servers {
        let clock = world.clocks.real_servers.get(usize::from(index)).copied().unwrap_or_default();
        servers.push(open(at.real_servers, &format!("rs{}", index + 1), ETHERNET, clock)?);
    }
    let map = Map { world, client, director, servers };
    let mut paths = Paths::default();
    for index in 0..world.real_servers {
        let (forward, backward) = map.paths(index);
        paths.forward.push(forward);
        paths.backward.push(backward);
    }
    paths.arp = map.arp();
    Ok((captures, paths))
}

/// The captures by host.
struct Map<'w> {
    world: &'w World,
    client: Option<usize>,
    director: Option<usize>,
    servers: Vec<Option<usize>>,
}

impl Map<'_> {
    fn ethernet(&self, from: u8, to: u8) -> Link {
        Link::Ethernet { to: self.world.mac(to), from: self.world.mac(from) }
    }

    /// Paths of real server `index`: to it and back.
    fn paths(&self, index: u16) -> (Vec<Hop>, Vec<Hop>) {
        use interface::{CLIENT, DIRECTOR, DIRECTOR_INSIDE, ROUTER_INSIDE, ROUTER_OUTSIDE};
        let hop =
            |capture, link, ttl_gone, real, delay| Hop { capture, link, ttl_gone, real, delay };
        let cooked = |ifindex, kind, from| Link::Sll2 { ifindex, kind, from: self.world.mac(from) };
        let server = server_interface(index);
        let here = self.servers[usize::from(index)];
        let outward = self.ethernet(CLIENT, ROUTER_OUTSIDE);
        let homeward = self.ethernet(ROUTER_OUTSIDE, CLIENT);
        match self.world.mode {
            Mode::Nat => (
                vec![
                    hop(self.client, outward, 1, false, TO_DIRECTOR),
                    hop(self.director, cooked(OUTSIDE, 0, ROUTER_INSIDE), 2, false, THROUGH),
                    hop(self.director, cooked(INSIDE, 4, DIRECTOR_INSIDE), 3, true, TO_SERVER),
                    hop(here, self.ethernet(DIRECTOR_INSIDE, server), 3, true, 0),
                ],
                vec![
                    hop(here, self.ethernet(server, DIRECTOR_INSIDE), 0, true, TO_SERVER),
                    hop(self.director, cooked(INSIDE, 0, server), 0, true, THROUGH),
                    hop(self.director, cooked(OUTSIDE, 4, DIRECTOR), 1, false, TO_DIRECTOR),
                    hop(self.client, homeward, 2, false, 0),
                ],
            ),
            Mode::Dr => (
                vec![
                    hop(self.client, outward, 1, false, TO_DIRECTOR),
                    hop(self.director, self.ethernet(ROUTER_INSIDE, DIRECTOR), 2, false, THROUGH),
                    hop(self.director, self.ethernet(DIRECTOR, server), 3, false, TO_SERVER),
                    hop(here, self.ethernet(DIRECTOR, server), 3, false, 0),
                ],
                vec![
                    hop(here, self.ethernet(server, ROUTER_INSIDE), 0, false, DIRECT),
                    hop(self.client, homeward, 1, false, 0),
                ],
            ),
        }
    }

    /// Who asks for whom before the first packet: gateway for router, router for VIP, director for each real server, and
    /// with DR each real server for the router.
    fn arp(&self) -> Vec<Arp> {
        use interface::{CLIENT, DIRECTOR, DIRECTOR_INSIDE, ROUTER_INSIDE, ROUTER_OUTSIDE};
        let world = self.world;
        let network = &world.network;
        let nat = world.mode == Mode::Nat;
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
        let hearing: Vec<(u8, usize)> = servers
            .iter()
            .filter_map(|(server, capture)| Some((server.interface, (*capture)?)))
            .collect();
        let inside = Lan {
            ifindex: INSIDE,
            cooked,
            listeners: own(asks).into_iter().chain(hearing).collect(),
        };
        let vip = host(DIRECTOR, network.vip);
        if nat {
            let front =
                Lan { ifindex: OUTSIDE, cooked, listeners: own(DIRECTOR).into_iter().collect() };
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
            at += 40_000;
        }
        all.sort_by_key(|arp| arp.at);
        all
    }
}

fn server_interface(index: u16) -> u8 {
    interface::REAL_SERVER + index as u8
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
            let link = self.link(capture, if sent { 4 } else { 1 }, [0xff; 6], question.0);
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
