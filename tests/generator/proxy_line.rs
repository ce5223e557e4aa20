//! One TCP connection to or from a proxy, and what its segments carry.

use super::frame::{self, Segment};
use super::options::Options;
use super::paths::Hop;
use super::script::{ACK, FIN, SYN};
use super::world::{Proxy, Said, World};
use std::net::Ipv4Addr;

/// A request or a response of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchange {
    /// The client's connection.
    pub number: u32,
    /// Which of its requests.
    pub index: u16,
    /// The real server that gets it, counted from 0.
    pub server: u16,
}

/// What a segment carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A request.
    Request(Exchange),
    /// The response to it.
    Response(Exchange),
}

/// A segment under way. The side that sent it opened the connection (0) or accepted it (1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    /// Who sent it.
    pub side: u8,
    /// TCP flags.
    pub flags: u8,
    /// What it carries.
    pub body: Body,
    seq: u32,
    ack: u32,
    id: u16,
    stamps: (u32, u32),
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The client's connection of this number.
    Front(u32),
    /// The proxy's connection to this real server.
    Back(u16),
}

/// A connection that lives.
#[derive(Clone, Debug)]
pub struct Line {
    /// What for.
    pub of: Use,
    /// Addresses and ports, opener first.
    pub ends: [(u32, u16); 2],
    /// What the proxy carries on it now, and on which of the clients' lines that came.
    pub carries: Option<(Exchange, u32)>,
    /// Both sides have sent their FIN.
    pub closing: bool,
    /// The opener's ISN.
    pub isn: u32,
    next: [u32; 2],
    id: [u16; 2],
    clock: [u32; 2],
    seen: [u32; 2],
}

impl Line {
    /// A line between `ends`, all of whose other numbers come from `bits`.
    pub fn new(of: Use, ends: [(u32, u16); 2], isn: u32, bits: u64) -> Self {
        Self {
            of,
            ends,
            carries: None,
            closing: false,
            isn,
            next: [isn, (bits >> 32) as u32],
            id: [bits as u16, (bits >> 16) as u16],
            clock: [(bits >> 7) as u32, (bits >> 21) as u32],
            seen: [0, 0],
        }
    }

    /// Which of the proxy's paths it takes.
    pub fn path(&self) -> usize {
        match self.of {
            Use::Front(_) => 0,
            Use::Back(server) => 1 + usize::from(server),
        }
    }

    /// A side sends a segment of `len` bytes.
    pub fn send(&mut self, side: u8, flags: u8, body: Body, len: usize, milliseconds: u32) -> Sent {
        let (me, peer) = (usize::from(side), 1 - usize::from(side));
        let answers_syn = flags & (SYN | ACK) == SYN | ACK;
        let sent = Sent {
            side,
            flags,
            body,
            seq: self.next[me],
            ack: if flags & ACK == 0 { 0 } else { self.next[peer] },
            id: if answers_syn { 0 } else { self.id[me] },
            stamps: (milliseconds.wrapping_add(self.clock[me]), self.seen[me]),
        };
        self.next[me] =
            self.next[me].wrapping_add(len as u32) + u32::from(flags & (SYN | FIN) != 0);
        self.id[me] = self.id[me].wrapping_add(u16::from(!answers_syn));
        sent
    }

    /// A segment has arrived.
    pub fn arrive(&mut self, sent: &Sent) {
        self.seen[1 - usize::from(sent.side)] = sent.stamps.0;
    }

    /// The segment where it passes a hop.
    pub fn segment(&self, world: &World, sent: &Sent, hop: Hop) -> Segment {
        let me = usize::from(sent.side);
        let (from, to) = (self.ends[me], self.ends[1 - me]);
        Segment {
            family: world.family,
            tunnel: None,
            from: from.0,
            to: to.0,
            from_port: from.1,
            to_port: to.1,
            seq: sent.seq,
            ack: sent.ack,
            flags: sent.flags,
            window: frame::window(me == 0, sent.flags),
            ttl: 64 - hop.ttl_gone,
            id: sent.id,
            options: Options::Stamps { value: sent.stamps.0, echo: sent.stamps.1 },
            named: None,
        }
    }
}

/// The bytes of a body; `behind` the proxy a request may tell of the client.
pub fn bytes(world: &World, how: Proxy, body: Body, behind: bool) -> Vec<u8> {
    let target = |of: Exchange| match how.alike {
        true => "/".to_owned(),
        false => format!("/{:08x}/{:04x}", of.number, of.index),
    };
    match body {
        Body::Empty => Vec::new(),
        Body::Request(of) => {
            let mut head = format!("GET {} HTTP/1.1\r\nHost: www.lab.test\r\n", target(of));
            if behind && how.said != Said::Nothing {
                let client: Ipv4Addr = world.client(of.number);
                head += &format!("X-Forwarded-For: {}\r\n", world.family.address(client));
            }
            let made = behind && how.said == Said::Forwarded;
            if made || how.said == Said::RequestId {
                let id = super::rng::at(
                    world.seed ^ 0x1d,
                    u64::from(of.number) << 16 | u64::from(of.index),
                );
                head += &format!("X-Request-Id: {id:016x}\r\n");
            }
            (head + "\r\n").into_bytes()
        }
        Body::Response(of) => {
            let mut head = format!("HTTP/1.1 200 OK\r\nServer: rs{:03}\r\n", of.server + 1);
            let rest = usize::from(world.response_segment) - head.len() - 23;
            head += &format!("Content-Length: {rest:03}\r\n\r\n");
            let mut all = head.into_bytes();
            all.resize(all.len() + rest, b'x');
            all
        }
    }
}
