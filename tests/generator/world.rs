//! The parameters of a synthetic world, and which of them go together.
//!
//! Addresses are parameters so that a test can vary them. What cannot work (a five-tuple that would come back while its
//! connection lives, too few packets for a handshake and a close) is refused by [`World::check`], not bent into shape.

pub use super::clock::{Clock, Clocks};
pub use super::loss::{Between, Loss};
pub use super::mode::{FullNat, Mode, Proxy, Said};
pub use super::network::{Family, Network, nth};
use super::rng;
use super::script::Script;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Where captures are taken. What the world does never depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Vantages {
    /// `client.pcap`, Ethernet, at the client gateway.
    pub client: bool,
    /// `director.pcap`: the `any` device (SLL2) where the director has two arms, else Ethernet.
    pub director: bool,
    /// `rs1.pcap`, `rs2.pcap`, ..., Ethernet.
    pub real_servers: bool,
}

/// A kind of vantage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// The client gateway.
    Client,
    /// The director.
    Director,
    /// The real servers.
    RealServer,
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
    /// IPv4, or IPv6 with addresses that are made from those of `network`.
    pub family: Family,
    /// The router translates the clients' addresses to its own: `router.pcap` is taken on its outside, towards the director.
    pub source_nat: bool,
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
    /// Packets that are lost.
    pub loss: Option<Loss>,
    /// Here segments of a response that follow each other are captured merged into one frame, as receive offload (GRO) and
    /// send offload (TSO) have it.
    pub merged_at: Option<Vantage>,
    /// Where captures are taken.
    pub vantages: Vantages,
}

/// Ports that a source-NAT router gives.
const TRANSLATED: u32 = 22_000;
/// A FullNAT director's own addresses, and below the ports of each.
pub const LOCAL_ADDRESSES: u32 = 4;
const LOCAL_PORTS: u32 = 60_000;
/// Bytes of an Ethernet frame's payload.
const MTU: u16 = 1_500;

/// Connections begin this long after the captures; what comes before is ARP. Nanoseconds.
pub const WARM_UP_NS: u64 = 20_000_000;

impl World {
    /// A small healthy world: 100 clients, two real servers, 1,000 connections of 10 packets, all vantages.
    pub fn new(mode: Mode) -> Self {
        Self {
            seed: 1,
            mode,
            network: Network::new(mode),
            family: Family::V4,
            source_nat: false,
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
            loss: None,
            merged_at: None,
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

    /// When connection `number` begins, nanoseconds after the start: connections begin in the order of their numbers, each
    /// somewhere in the first half of its interval.
    pub fn begin_ns(&self, number: u32) -> u64 {
        let interval = self.interval_ns();
        let late = rng::at(self.seed, (u64::from(number) << 3) | 1) % (interval / 2 + 1);
        WARM_UP_NS + u64::from(number) * interval + late
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
            Mode::Nat | Mode::FullNat(_) | Mode::Proxy(_) => self.network.real_server_port,
            Mode::Dr | Mode::Tun => self.network.vip_port,
        }
    }

    /// The endpoint that a source-NAT router gives connection `number`: the first client keeps its port, as Linux lets it,
    /// the others get one of 22,000 in turn.
    pub fn translated(&self, number: u32) -> SocketAddrV4 {
        let kept = number.is_multiple_of(self.clients);
        let port = if kept { self.port(number) } else { 10_000 + (number % TRANSLATED) as u16 };
        SocketAddrV4::new(self.network.router_inside, port)
    }

    /// The endpoint that a FullNAT director gives connection `number`.
    pub fn local(&self, number: u32) -> SocketAddrV4 {
        let address = nth(self.network.first_local, number % LOCAL_ADDRESSES);
        let port = (number / LOCAL_ADDRESSES) % LOCAL_PORTS;
        SocketAddrV4::new(address, 1_025 + port as u16)
    }

    /// What a FullNAT director adds to the client's sequence numbers of connection `number`; else 0.
    pub fn shift(&self, number: u32) -> u32 {
        match self.mode {
            Mode::FullNat(FullNat::Shifted) => {
                (rng::at(self.seed, (u64::from(number) << 3) | 5) as u32).max(1)
            }
            _ => 0,
        }
    }

    /// Connection `number` as the client sees it: its own end, and the service's.
    pub fn front(&self, number: u32) -> (SocketAddr, SocketAddr) {
        let client = SocketAddrV4::new(self.client(number), self.port(number));
        let vip = SocketAddrV4::new(self.network.vip, self.network.vip_port);
        (self.family.endpoint(client), self.family.endpoint(vip))
    }

    /// Connection `number` as the real server sees it; behind a proxy it is another connection.
    pub fn back(&self, number: u32) -> (SocketAddr, SocketAddr) {
        let (client, vip) = self.front(number);
        if matches!(self.mode, Mode::Proxy(_)) {
            return (client, vip);
        }
        let client = match self.mode {
            Mode::FullNat(_) => self.family.endpoint(self.local(number)),
            _ if self.source_nat => self.family.endpoint(self.translated(number)),
            _ => client,
        };
        let real = SocketAddrV4::new(
            self.real_server(self.server_of(number)),
            self.network.real_server_port,
        );
        (client, if self.mode.two_armed() { self.family.endpoint(real) } else { vip })
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
        let header = self.family.header();
        let outer = if self.mode == Mode::Tun { header } else { 0 };
        if !(128..=MTU - 32 - header - outer).contains(&self.response_segment) {
            return refuse(
                "response_segment must be 128 to what fits the MTU (1448 without a tunnel in IPv4)",
            );
        }
        let plain = matches!(self.mode, Mode::Nat | Mode::Dr) && self.family == Family::V4;
        if self.flood.is_some() && (!plain || self.source_nat) {
            return refuse("a flood comes to NAT and DR in IPv4 alone, without source NAT");
        }
        let odd = self.source_nat || self.loss.is_some() || self.merged_at.is_some();
        if odd && matches!(self.mode, Mode::Proxy(_)) {
            return refuse("a proxy goes neither with source NAT nor loss nor merged segments");
        }
        if self.source_nat && self.first_port < 32_000 {
            return refuse("source NAT needs clients' ports from 32000 on");
        }
        if self.first_port.checked_add(self.ports_per_client - 1).is_none() {
            return refuse("first_port + ports_per_client goes beyond 65535");
        }
        if self.flood.is_some_and(|flood| flood.syns > 1 << 31) {
            return refuse("a flood is limited to 2^31 SYNs");
        }
        if self.loss.is_some() && (self.merged_at.is_some() || self.flood.is_some()) {
            return refuse("loss goes neither with merged segments nor with a flood");
        }
        let mut again = self.reuse_distance();
        if matches!(self.mode, Mode::FullNat(_)) {
            again = again.min(u64::from(LOCAL_ADDRESSES * LOCAL_PORTS));
        }
        if self.source_nat {
            again = again.min(u64::from(TRANSLATED));
        }
        let back = again.saturating_mul(self.interval_ns());
        let mut lost = if self.loss.is_some() { Loss::longest_ns() } else { 0 };
        if matches!(self.mode, Mode::Proxy(_)) {
            // The ways behind the proxy.
            lost += 5_000_000 * u64::from(packets);
        }
        if back <= Script::new(self).longest_ns() + lost + 2 * self.interval_ns() {
            return refuse(
                "five-tuples would come again before their connections end: more clients, more ports_per_client or a lower in_flight",
            );
        }
        Ok(())
    }
}
