//! A TCP conversation: both ends' sequence numbers, identifications and clocks, and
//! the ways that its packets take.

use crate::packet::{ACK, Body, FIN, PSH, Packet, RST, SYN};
use crate::stage::{Nic, Stage};
use std::net::{IpAddr, SocketAddr};

/// A short answer in HTTP/1.1.
pub const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

/// What a host does to a packet before it sends it on.
#[derive(Debug, Clone, Copy)]
pub enum Rewrite {
    /// Another destination.
    Dst(SocketAddr),
    /// Another source.
    Src(SocketAddr),
    /// Both.
    Both(SocketAddr, SocketAddr),
    /// Both, and a TCP option that names the client (TOA, kind 254; IPv4).
    Named(SocketAddr, SocketAddr, SocketAddr),
    /// Into a tunnel: outer source, outer destination.
    Wrap(IpAddr, IpAddr),
    /// Out of it.
    Unwrap,
}

/// One step of a way.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub from: Nic,
    pub to: Nic,
    pub rewrite: Option<Rewrite>,
}

/// A step that rewrites nothing.
pub const fn step(from: Nic, to: Nic) -> Step {
    Step { from, to, rewrite: None }
}

/// A step before which the sender rewrites the packet.
pub const fn rewritten(from: Nic, to: Nic, rewrite: Rewrite) -> Step {
    Step { from, to, rewrite: Some(rewrite) }
}

impl Rewrite {
    fn apply(self, packet: Packet) -> Packet {
        match self {
            Self::Dst(dst) => packet.to(dst),
            Self::Src(src) => packet.from(src),
            Self::Both(src, dst) => packet.from(src).to(dst),
            Self::Named(src, dst, client) => {
                packet.from(src).to(dst).with_option(&client_option(client))
            }
            Self::Wrap(src, dst) => packet.within(src, dst),
            Self::Unwrap => packet.inner(),
        }
    }
}

/// The TCP option by which a balancer names a client (IPv4).
pub fn client_option(client: SocketAddr) -> Vec<u8> {
    let IpAddr::V4(ip) = client.ip() else { panic!("IPv4") };
    [&[254, 8], &client.port().to_be_bytes()[..], &ip.octets()].concat()
}

impl Stage {
    /// A packet takes a way: each host after the first takes one from its TTL.
    pub fn carry(&mut self, way: &[Step], packet: &Packet) -> &mut Self {
        let all = way.len();
        self.carry_part(way, packet, all)
    }

    /// A packet takes the first steps of a way; the last of them loses it on the link.
    pub fn carry_and_lose(&mut self, way: &[Step], packet: &Packet, steps: usize) -> &mut Self {
        let mut packet = packet.clone();
        for (n, step) in way[..steps].iter().enumerate() {
            packet = forwarded(packet, step, n);
            if n + 1 == steps {
                self.lose(step.from, step.to, &packet);
            } else {
                self.pass(step.from, step.to, &packet);
            }
        }
        self
    }

    /// A packet takes the first steps of a way and goes no further: the host that it
    /// reaches drops it.
    pub fn carry_part(&mut self, way: &[Step], packet: &Packet, steps: usize) -> &mut Self {
        let mut packet = packet.clone();
        for (n, step) in way[..steps].iter().enumerate() {
            packet = forwarded(packet, step, n);
            self.pass(step.from, step.to, &packet);
        }
        self
    }
}

fn forwarded(mut packet: Packet, step: &Step, n: usize) -> Packet {
    if n > 0 {
        packet.ttl -= 1;
    }
    match step.rewrite {
        Some(rewrite) => rewrite.apply(packet),
        None => packet,
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Client,
    Server,
}

/// One side's state.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub at: SocketAddr,
    /// Next sequence number.
    pub next: u32,
    /// Next IPv4 identification.
    pub id: u16,
    /// TCP timestamp clock, milliseconds; `None` sends no timestamps.
    pub clock: Option<u32>,
}

/// A conversation as its two ends know it: every packet made here has the addresses that
/// the client uses; rewrites are the way's.
#[derive(Debug, Clone)]
pub struct Talk {
    pub client: End,
    pub server: End,
}

impl Talk {
    /// Between two endpoints; initial sequence numbers follow from them.
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        let mix = |end: SocketAddr, salt: u32| {
            let ip = match end.ip() {
                IpAddr::V4(ip) => u32::from(ip),
                IpAddr::V6(ip) => u128::from(ip) as u32,
            };
            (ip ^ salt ^ u32::from(client.port()) << 13).wrapping_mul(0x9e37_79b1)
        };
        let end = |at: SocketAddr, salt| {
            let isn = mix(at, salt);
            End { at, next: isn, id: (isn >> 7) as u16 | 1, clock: Some(isn >> 2) }
        };
        Self { client: end(client, 0x1111), server: end(server, 0x7777_0000) }
    }

    /// Without TCP timestamps.
    pub fn without_timestamps(mut self) -> Self {
        (self.client.clock, self.server.clock) = (None, None);
        self
    }

    fn sides(&mut self, who: Who) -> (&mut End, &mut End) {
        match who {
            Who::Client => (&mut self.client, &mut self.server),
            Who::Server => (&mut self.server, &mut self.client),
        }
    }

    /// A segment of one side that takes no sequence space, as it stands now; nothing
    /// moves but the sender's identification.
    pub fn segment(&mut self, who: Who, flags: u8, payload: &[u8]) -> Packet {
        let (own, peer) = self.sides(who);
        let mut options = Vec::new();
        if flags & SYN != 0 {
            options.extend([2, 4, 0x05, 0xb4, 4, 2]);
            options.extend(own.clock.map_or(vec![1, 1], |_| Vec::new()));
        }
        if let Some(clock) = own.clock.filter(|_| flags & RST == 0) {
            if flags & SYN == 0 {
                options.extend([1, 1]);
            }
            options.extend([8, 10]);
            options.extend(clock.to_be_bytes());
            let echo = if flags & ACK != 0 { peer.clock.unwrap_or(0) } else { 0 };
            options.extend(echo.to_be_bytes());
        }
        if flags & SYN != 0 {
            options.extend([1, 3, 3, 7]);
        }
        let body = Body::Tcp {
            sport: own.at.port(),
            dport: peer.at.port(),
            seq: own.next,
            ack: if flags & ACK != 0 { peer.next } else { 0 },
            flags,
            window: if flags & RST != 0 { 0 } else { 502 },
            options,
            payload: payload.to_vec(),
        };
        let packet = Packet::new(own.at.ip(), peer.at.ip(), body).id(own.id);
        own.id = own.id.wrapping_add(1);
        if let Some(clock) = &mut own.clock {
            *clock = clock.wrapping_add(1);
        }
        packet
    }

    /// The client's SYN; made again, it is a repeat of it.
    pub fn syn(&mut self) -> Packet {
        self.segment(Who::Client, SYN, &[])
    }

    /// The server's SYN-ACK of a SYN that [`Talk::accept`] counts.
    pub fn syn_ack(&mut self) -> Packet {
        self.segment(Who::Server, SYN | ACK, &[])
    }

    /// The SYN is taken: what the server sends from here on acknowledges it.
    pub fn accept(&mut self) -> &mut Self {
        self.client.next = self.client.next.wrapping_add(1);
        self
    }

    /// The SYN-ACK is taken.
    pub fn open(&mut self) -> &mut Self {
        self.server.next = self.server.next.wrapping_add(1);
        self
    }

    /// A bare acknowledgement.
    pub fn ack(&mut self, who: Who) -> Packet {
        self.segment(who, ACK, &[])
    }

    /// New bytes; they count as sent.
    pub fn data(&mut self, who: Who, payload: &[u8]) -> Packet {
        let packet = self.segment(who, PSH | ACK, payload);
        let own = self.sides(who).0;
        own.next = own.next.wrapping_add(payload.len() as u32);
        packet
    }

    /// The end of one side's bytes.
    pub fn fin(&mut self, who: Who) -> Packet {
        let packet = self.segment(who, FIN | ACK, &[]);
        let own = self.sides(who).0;
        own.next = own.next.wrapping_add(1);
        packet
    }

    /// A reset of a side that has its connection, or an answer to a SYN (seq 0).
    pub fn rst_ack(&mut self, who: Who) -> Packet {
        self.segment(who, RST | ACK, &[])
    }

    /// The bare reset of a stack without a socket, in answer to a segment (RFC 9293,
    /// section 3.10.7.1): its sequence number is the segment's acknowledgement.
    pub fn rst_for(answered: &Packet) -> Packet {
        let Body::Tcp { sport, dport, ack, .. } = answered.body else { panic!("a TCP segment") };
        let body = Body::Tcp {
            sport: dport,
            dport: sport,
            seq: ack,
            ack: 0,
            flags: RST,
            window: 0,
            options: Vec::new(),
            payload: Vec::new(),
        };
        Packet::new(answered.dst, answered.src, body)
    }

    /// The refusal of a stack without a listener, in answer to a SYN (the same section):
    /// sequence number 0, the SYN acknowledged.
    pub fn refusal_of(syn: &Packet) -> Packet {
        let Body::Tcp { sport, dport, seq, .. } = syn.body else { panic!("a TCP segment") };
        let body = Body::Tcp {
            sport: dport,
            dport: sport,
            seq: 0,
            ack: seq.wrapping_add(1),
            flags: RST | ACK,
            window: 0,
            options: Vec::new(),
            payload: Vec::new(),
        };
        Packet::new(syn.dst, syn.src, body)
    }

    /// The handshake over two ways.
    pub fn handshake(&mut self, stage: &mut Stage, there: &[Step], back: &[Step]) -> &mut Self {
        stage.carry(there, &self.syn());
        stage.carry(back, &self.accept().syn_ack());
        stage.carry(there, &self.open().ack(Who::Client));
        self
    }

    /// A request and its answer, each acknowledged.
    pub fn exchange(
        &mut self,
        stage: &mut Stage,
        (there, back): (&[Step], &[Step]),
        request: &[u8],
        answer: &[u8],
    ) -> &mut Self {
        stage.carry(there, &self.data(Who::Client, request));
        stage.now += 900;
        stage.carry(back, &self.data(Who::Server, answer));
        stage.carry(there, &self.ack(Who::Client));
        self
    }

    /// Both sides close in turn.
    pub fn close(&mut self, stage: &mut Stage, there: &[Step], back: &[Step]) -> &mut Self {
        stage.carry(there, &self.fin(Who::Client));
        stage.carry(back, &self.fin(Who::Server));
        stage.carry(there, &self.ack(Who::Client));
        self
    }

    /// The server closes, and the client then.
    pub fn close_by_server(
        &mut self,
        stage: &mut Stage,
        there: &[Step],
        back: &[Step],
    ) -> &mut Self {
        for (who, way) in [(Who::Server, back), (Who::Client, there)] {
            let fin = self.fin(who);
            stage.carry(way, &fin);
        }
        stage.carry(back, &self.ack(Who::Server));
        self
    }

    /// A whole conversation: handshake, one request with its answer, end.
    pub fn whole(&mut self, stage: &mut Stage, there: &[Step], back: &[Step]) -> &mut Self {
        self.handshake(stage, there, back);
        self.exchange(
            stage,
            (there, back),
            b"GET /status HTTP/1.1\r\nHost: app.example\r\n\r\n",
            OK,
        );
        self.close(stage, there, back)
    }
}
