//! The parameters of a synthetic world, and which of them go together.
//!
//! Addresses are parameters so that a test can vary them. What cannot work (a five-tuple that would come back while its
//! connection lives, too few packets for a handshake and a close) is refused by [`World::check`], not bent into shape.

use super::rng;
use super::script::Script;
use std::io;
use std::net::Ipv4Addr;

/// How the director sends a packet on to a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Two-armed director that rewrites the destination, and the source of the replies, which come back through it.
    Nat,
    /// One-armed director that rewrites the destination MAC alone; replies go to the router directly.
    Dr,
}

/// The addresses and ports of a world. Clients and real servers count up from their first address.
#[derive(Clone, Debug)]
pub struct Network {
    /// The first client's address; the clients are behind the client gateway.
    pub first_client: Ipv4Addr,
    /// The client gateway's address on the link to the router: the host of the client capture.
    pub client_gateway: Ipv4Addr,
    /// The router's address on the client gateway's link.
    pub router_outside: Ipv4Addr,
    /// The router's address on the director's link.
    pub router_inside: Ipv4Addr,
    /// The service's address.
    pub vip: Ipv4Addr,
    /// The service's port.
    pub vip_port: u16,
    /// The director's own address on the real servers' link, which asks for their MACs.
    pub director: Ipv4Addr,
    /// The first real server's address.
    pub first_real_server: Ipv4Addr,
    /// The real servers' port; DR cannot rewrite it, so there it is not used.
    pub real_server_port: u16,
}

impl Network {
    /// The usual addresses for a mode: with NAT the VIP lies on its own link, with DR on the real servers' link.
    pub fn new(mode: Mode) -> Self {
        let nat = mode == Mode::Nat;
        Self {
            first_client: Ipv4Addr::new(198, 18, 0, 10),
            client_gateway: Ipv4Addr::new(188, 88, 88, 10),
            router_outside: Ipv4Addr::new(188, 88, 88, 1),
            router_inside: if nat {
                Ipv4Addr::new(203, 0, 113, 1)
            } else {
                Ipv4Addr::new(172, 16, 0, 1)
            },
            vip: if nat { Ipv4Addr::new(203, 0, 113, 8) } else { Ipv4Addr::new(172, 16, 0, 8) },
            vip_port: 80,
            director: Ipv4Addr::new(172, 16, 0, 2),
            first_real_server: Ipv4Addr::new(172, 16, 0, 11),
            real_server_port: if nat { 8000 } else { 80 },
        }
    }
}

/// How a vantage's clock reads: `t + offset + drift * (t - start)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Ahead of the true time at the start of the capture, in nanoseconds.
    pub offset_ns: i64,
    /// Gains this many parts per million; above -1,000,000.
    pub drift_ppm: i32,
}

/// The clocks of all vantages; a real server without an entry is honest.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    /// The client gateway's.
    pub client: Clock,
    /// The director's.
    pub director: Clock,
    /// The real servers', in order.
    pub real_servers: Vec<Clock>,
}

/// Where captures are taken. What the world does never depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Vantages {
    /// `client.pcap`, Ethernet, at the client gateway.
    pub client: bool,
    /// `director.pcap`: the `any` device (SLL2) with NAT, Ethernet with DR.
    pub director: bool,
    /// `rs1.pcap`, `rs2.pcap`, ..., Ethernet.
    pub real_servers: bool,
}

/// What becomes of a spoofed SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloodFate {
    /// The director takes it and forwards nothing.
    DroppedAtDirector,
    /// It reaches a real server, whose backlog is full: no answer.
    DroppedAtRealServer,
    /// A real server answers with a SYN cookie; nobody asked for it, nobody acknowledges it.
    Answered,
}

/// A SYN flood to the VIP: every SYN from its own source, spread evenly over the life of the true connections.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// How many SYNs, below 2^31.
    pub syns: u32,
    /// Every so many SYNs carry one and the same ISN, as floods do whose tool keeps it fixed; 0: none does.
    pub same_isn_every: u32,
    /// What becomes of them.
    pub fate: FloodFate,
}

/// A world: who talks to whom, how much, and where it is captured.
#[derive(Clone, Debug)]
pub struct World {
    /// The same seed and parameters give the same files, byte for byte.
    pub seed: u64,
    /// Forwarding mode of the service.
    pub mode: Mode,
    /// Addresses and ports.
    pub network: Network,
    /// Number of clients, each with its own address; connections take them in turn.
    pub clients: u32,
    /// A client's first source port.
    pub first_port: u16,
    /// A client's number of source ports: `clients * ports_per_client` connections later a five-tuple comes again.
    pub ports_per_client: u16,
    /// Number of real servers (1 to 200), chosen in turn.
    pub real_servers: u16,
    /// Number of true connections.
    pub connections: u32,
    /// Packets that each connection sends, both directions counted: 6, or 8 and more. See [`Script`].
    pub packets_per_connection: u32,
    /// Payload bytes of a response segment: 128 to 1448 (an Ethernet MTU less the headers).
    pub response_segment: u16,
    /// New connections a second.
    pub rate: u32,
    /// Connections that live at the same time, on average: sets the clients' thinking time. A connection needs some
    /// milliseconds at least, so `rate` may lead to more.
    pub in_flight: u32,
    /// True time of the captures' start, nanoseconds since 1970 in UTC.
    pub start_ns: u64,
    /// The vantages' clocks.
    pub clocks: Clocks,
    /// A SYN flood among the true connections.
    pub flood: Option<Flood>,
    /// Where captures are taken.
    pub vantages: Vantages,
}

/// Connections begin this long after the captures; what comes before is ARP. Nanoseconds.
pub const WARM_UP_NS: u64 = 20_000_000;

impl World {
    /// A small healthy world: 100 clients, two real servers, 1,000 connections of 10 packets, all vantages.
    pub fn new(mode: Mode) -> Self {
        Self {
            seed: 1,
            mode,
            network: Network::new(mode),
            clients: 100,
            first_port: 32_768,
            ports_per_client: 28_000,
            real_servers: 2,
            connections: 1_000,
            packets_per_connection: 10,
            response_segment: 600,
            rate: 500,
            in_flight: 50,
            start_ns: 1_790_000_000_000_000_000,
            clocks: Clocks::default(),
            flood: None,
            vantages: Vantages { client: true, director: true, real_servers: true },
        }
    }

    /// Nanoseconds between two new connections.
    pub fn interval_ns(&self) -> u64 {
        1_000_000_000 / u64::from(self.rate.max(1))
    }

    /// How long a connection lives on average, as `in_flight` and `rate` want it (Little's law). Nanoseconds.
    pub fn lifetime_ns(&self) -> u64 {
        self.interval_ns() * u64::from(self.in_flight)
    }

    /// Nanoseconds over which connections begin.
    pub fn span_ns(&self) -> u64 {
        self.interval_ns() * u64::from(self.connections)
    }

    /// How many connections later a five-tuple comes again.
    pub fn reuse_distance(&self) -> u64 {
        u64::from(self.clients) * u64::from(self.ports_per_client)
    }

    /// Connection `number`'s client address.
    pub fn client(&self, number: u32) -> Ipv4Addr {
        nth(self.network.first_client, number % self.clients)
    }

    /// Connection `number`'s client port.
    pub fn port(&self, number: u32) -> u16 {
        self.first_port + ((number / self.clients) % u32::from(self.ports_per_client)) as u16
    }

    /// Connection `number`'s client ISN: another one whenever its five-tuple comes again.
    pub fn isn(&self, number: u32) -> u32 {
        rng::at(self.seed, u64::from(number) << 3) as u32
    }

    /// Connection `number`'s real server, counted from 0: round robin, shifted when five-tuples come again.
    pub fn server_of(&self, number: u32) -> u16 {
        let round = u64::from(number) / self.reuse_distance();
        ((u64::from(number) + round) % u64::from(self.real_servers)) as u16
    }

    /// Real server `index`'s address, counted from 0.
    pub fn real_server(&self, index: u16) -> Ipv4Addr {
        nth(self.network.first_real_server, u32::from(index))
    }

    /// The port that real servers answer from: with DR it is the service's.
    pub fn real_port(&self) -> u16 {
        match self.mode {
            Mode::Nat => self.network.real_server_port,
            Mode::Dr => self.network.vip_port,
        }
    }

    /// A MAC in QEMU's range, as the hosts of a small laboratory have; its last byte is the interface's number.
    pub fn mac(&self, interface: u8) -> [u8; 6] {
        let bits = rng::at(self.seed, (u64::from(interface) << 3) | 7);
        [0x52, 0x54, 0x00, bits as u8, (bits >> 8) as u8, interface]
    }

    /// Refuses parameters that do not go together.
    ///
    /// # Errors
    /// `InvalidInput` with the reason in words.
    pub fn check(&self) -> io::Result<()> {
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        let packets = self.packets_per_connection;
        if packets < 6 || packets == 7 || packets > 60_000 {
            return refuse("packets_per_connection must be 6 or 8 to 60,000");
        }
        if self.clients == 0
            || self.ports_per_client == 0
            || self.rate == 0
            || self.connections == 0
        {
            return refuse("clients, ports_per_client, rate and connections must not be 0");
        }
        if !(1..=200).contains(&self.real_servers) {
            return refuse("real_servers must be 1 to 200");
        }
        if !(128..=1448).contains(&self.response_segment) {
            return refuse("response_segment must be 128 to 1448");
        }
        if self.first_port.checked_add(self.ports_per_client - 1).is_none() {
            return refuse("first_port + ports_per_client goes beyond 65535");
        }
        if self.flood.is_some_and(|flood| flood.syns > 1 << 31) {
            return refuse("a flood is limited to 2^31 SYNs");
        }
        let back = self.reuse_distance().saturating_mul(self.interval_ns());
        if back <= Script::new(self).longest_ns() + 2 * self.interval_ns() {
            return refuse(
                "five-tuples would come again before their connections end: more clients, more ports_per_client or a lower in_flight",
            );
        }
        Ok(())
    }
}

/// The address `steps` after `first`.
pub fn nth(first: Ipv4Addr, steps: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(first).wrapping_add(steps))
}
