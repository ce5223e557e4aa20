//! Where a packet passes a capture between client and real server, with which link header, TTL and addresses.

use super::capture::{Capture, ETHERNET, SLL2};
use super::frame::Link;
use super::world::{Between, Clock, Mode, Vantage, World};
use std::io;
use std::path::Path;

/// Whose endpoint stands for the client in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Its own.
    Own,
    /// The source-NAT router's.
    Translated,
    /// The FullNAT director's.
    Local,
}

/// One passing of a vantage.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    /// Which capture shows it; none where no capture is taken.
    pub capture: Option<usize>,
    /// The link header there.
    pub link: Link,
    /// How much of the sender's TTL is gone.
    pub ttl_gone: u8,
    /// Whose endpoint stands for the client here.
    pub caller: Caller,
    /// The packet bears the real server's address and port here, else the VIP's.
    pub real: bool,
    /// The packet is in the director's tunnel to the real server here.
    pub tunnel: bool,
    /// Nanoseconds to the next hop, without jitter.
    pub delay: u64,
    /// Between which hosts the next hop lies, where it is another host's.
    pub crosses: Option<Between>,
    /// Segments of one response are captured here as one.
    pub merges: bool,
}

/// An ARP packet at one vantage, or neighbour discovery.
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
    /// Client to real server, for each real server. With a proxy: client to proxy, then proxy to each real server.
    pub forward: Vec<Vec<Hop>>,
    /// The same ways back.
    pub backward: Vec<Vec<Hop>>,
    /// In the order of time.
    pub arp: Vec<Arp>,
}

/// The hop of a forward path at which a packet from elsewhere than the client gateway appears: the director's ingress.
pub const DIRECTOR_IN: usize = 1;
/// The director's interfaces in a cooked capture: outside, and towards the real servers.
pub(super) const OUTSIDE: u32 = 2;
pub(super) const INSIDE: u32 = 3;
/// Nanoseconds router to director, where the router is a vantage; the rest of the way is the client's to the router.
const FROM_ROUTER: u64 = 100_000;
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
    let router = open(at.client && world.source_nat, "router", ETHERNET, world.clocks.router)?;
    let cooked = if world.mode.two_armed() { SLL2 } else { ETHERNET };
    let director = open(at.director, "director", cooked, world.clocks.director)?;
    let mut servers = Vec::new();
    for index in 0..world.real_servers {
        let clock = world.clocks.real_servers.get(usize::from(index)).copied().unwrap_or_default();
        servers.push(open(at.real_servers, &format!("rs{}", index + 1), ETHERNET, clock)?);
    }
    let map = Map { world, client, router, director, servers };
    let mut paths = Paths::default();
    for index in 0..world.real_servers {
        let (forward, backward) = map.paths(index);
        paths.forward.push(forward);
        paths.backward.push(backward);
    }
    if matches!(world.mode, Mode::Proxy(_)) {
        (paths.forward, paths.backward) = map.proxied();
    }
    paths.arp = map.arp();
    Ok((captures, paths))
}

/// The captures by host.
pub(super) struct Map<'w> {
    pub(super) world: &'w World,
    pub(super) client: Option<usize>,
    pub(super) router: Option<usize>,
    pub(super) director: Option<usize>,
    pub(super) servers: Vec<Option<usize>>,
}

impl Map<'_> {
    fn ethernet(&self, from: u8, to: u8) -> Link {
        Link::Ethernet { to: self.world.mac(to), from: self.world.mac(from) }
    }

    /// Paths of real server `index`: to it and back.
    fn paths(&self, index: u16) -> (Vec<Hop>, Vec<Hop>) {
        use interface::{CLIENT, DIRECTOR, DIRECTOR_INSIDE, ROUTER_INSIDE, ROUTER_OUTSIDE};
        let world = self.world;
        let outside = if world.source_nat { Caller::Translated } else { Caller::Own };
        let inside = if matches!(world.mode, Mode::FullNat(_)) { Caller::Local } else { outside };
        let real = world.mode.two_armed();
        let hop = |capture, link, ttl_gone, delay| Hop {
            capture,
            link,
            ttl_gone,
            caller: outside,
            real: false,
            tunnel: false,
            delay,
            crosses: match delay {
                TO_DIRECTOR | FROM_ROUTER => Some(Between::ClientDirector),
                TO_SERVER => Some(Between::DirectorServer),
                DIRECT => Some(Between::ServerClient),
                _ => None,
            },
            merges: false,
        };
        let behind = |hop| Hop { caller: inside, real, tunnel: world.mode == Mode::Tun, ..hop };
        let cooked = |ifindex, kind, from| Link::Sll2 { ifindex, kind, from: world.mac(from) };
        let server = server_interface(index);
        let here = self.servers[usize::from(index)];
        let outward = self.ethernet(CLIENT, ROUTER_OUTSIDE);
        let homeward = self.ethernet(ROUTER_OUTSIDE, CLIENT);
        let own = |hop| Hop { caller: Caller::Own, ..hop };

        // From the client to the director's door.
        let to_router = if world.source_nat { TO_DIRECTOR - FROM_ROUTER } else { TO_DIRECTOR };
        let mut there = vec![own(hop(self.client, outward, 1, to_router))];
        if world.source_nat {
            let link = self.ethernet(ROUTER_INSIDE, DIRECTOR);
            there.push(hop(self.router, link, 2, FROM_ROUTER));
        }
        let home = own(hop(self.client, homeward, if real { 2 } else { 1 }, 0));
        let mut back;
        if real {
            there.extend([
                hop(self.director, cooked(OUTSIDE, 0, ROUTER_INSIDE), 2, THROUGH),
                behind(hop(self.director, cooked(INSIDE, 4, DIRECTOR_INSIDE), 3, TO_SERVER)),
                behind(hop(here, self.ethernet(DIRECTOR_INSIDE, server), 3, 0)),
            ]);
            let leaving = if world.source_nat { FROM_ROUTER } else { TO_DIRECTOR };
            back = vec![
                behind(hop(here, self.ethernet(server, DIRECTOR_INSIDE), 0, TO_SERVER)),
                behind(hop(self.director, cooked(INSIDE, 0, server), 0, THROUGH)),
                hop(self.director, cooked(OUTSIDE, 4, DIRECTOR), 1, leaving),
            ];
            if world.source_nat {
                let link = self.ethernet(DIRECTOR, ROUTER_INSIDE);
                back.push(hop(self.router, link, 1, to_router));
            }
        } else {
            there.extend([
                hop(self.director, self.ethernet(ROUTER_INSIDE, DIRECTOR), 2, THROUGH),
                behind(hop(self.director, self.ethernet(DIRECTOR, server), 3, TO_SERVER)),
                behind(hop(here, self.ethernet(DIRECTOR, server), 3, 0)),
            ]);
            let leaving = if world.source_nat { FROM_ROUTER } else { DIRECT };
            back = vec![hop(here, self.ethernet(server, ROUTER_INSIDE), 0, leaving)];
            if world.source_nat {
                let link = self.ethernet(server, ROUTER_INSIDE);
                back.push(hop(self.router, link, 0, DIRECT - FROM_ROUTER));
            }
        }
        back.push(home);
        if !real && world.source_nat {
            // What leaves the real server goes past the director all the way.
            back[0].crosses = Some(Between::ServerClient);
        }
        let merging = match world.merged_at {
            Some(Vantage::Client) => self.client,
            Some(Vantage::Director) => self.director,
            Some(Vantage::RealServer) => here,
            None => None,
        };
        for hop in &mut back {
            hop.merges = merging.is_some() && hop.capture == merging;
        }
        (there, back)
    }

    /// Client to proxy and proxy to each real server; then the same ways back.
    fn proxied(&self) -> (Vec<Vec<Hop>>, Vec<Vec<Hop>>) {
        use interface::{CLIENT, DIRECTOR, DIRECTOR_INSIDE, ROUTER_INSIDE, ROUTER_OUTSIDE};
        let hop = |capture, link, ttl_gone, delay| Hop {
            capture,
            link,
            ttl_gone,
            caller: Caller::Own,
            real: false,
            tunnel: false,
            delay,
            crosses: None,
            merges: false,
        };
        let at = self.director;
        let cooked = |ifindex, kind, from| Link::Sll2 { ifindex, kind, from: self.world.mac(from) };
        let mut there = vec![vec![
            hop(self.client, self.ethernet(CLIENT, ROUTER_OUTSIDE), 1, TO_DIRECTOR),
            hop(at, cooked(OUTSIDE, 0, ROUTER_INSIDE), 2, 0),
        ]];
        let mut back = vec![vec![
            hop(at, cooked(OUTSIDE, 4, DIRECTOR), 0, TO_DIRECTOR),
            hop(self.client, self.ethernet(ROUTER_OUTSIDE, CLIENT), 1, 0),
        ]];
        for (index, here) in self.servers.iter().enumerate() {
            let server = server_interface(index as u16);
            there.push(vec![
                hop(at, cooked(INSIDE, 4, DIRECTOR_INSIDE), 0, TO_SERVER),
                hop(*here, self.ethernet(DIRECTOR_INSIDE, server), 0, 0),
            ]);
            back.push(vec![
                hop(*here, self.ethernet(server, DIRECTOR_INSIDE), 0, TO_SERVER),
                hop(at, cooked(INSIDE, 0, server), 0, 0),
            ]);
        }
        (there, back)
    }
}

/// The interface's number of real server `index`.
pub(super) fn server_interface(index: u16) -> u8 {
    interface::REAL_SERVER + index as u8
}
