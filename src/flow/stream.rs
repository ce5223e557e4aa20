//! Both directions of a five-tuple at one vantage, one incarnation.

use super::{Answer, Flow, Key, Mark, Reset, Side, Unopened};
use crate::capture::Known;
use crate::wire::{Tcp, seq_gt};

/// Index of a stream.
pub type StreamId = u32;

/// Ports of services among those that clients take who prove that they are root (IANA,
/// Service Name and Transport Protocol Port Number Registry).
const ROOTS_SERVICES: [u16; 15] =
    [631, 636, 646, 749, 750, 853, 860, 873, 902, 989, 990, 992, 993, 994, 995];

/// Whether a port is such a client's towards another: glibc's bindresvport(3) takes 600 to
/// 1023, and no stack takes its other clients' ports from below 10,000 today.
fn is_privileged_client(port: u16, other: u16) -> bool {
    (600..1024).contains(&port)
        && !ROOTS_SERVICES.contains(&port)
        && (1024..10_000).contains(&other)
}

/// The first port that clients draw from (Linux `ip_local_port_range`; RFC 6335 has 49152).
pub const EPHEMERAL: u16 = 32_768;

/// Numbers that are not further apart are of one connection: a window that is not scaled (RFC 9293, section
/// 3.1). By chance two drawn ones are so near once in 32,768 times.
pub(super) const NEAR: u32 = 65_535;

/// Packets that a stream of a flood has at most: one, as often as it passes.
const EMBRYO_PACKETS: u32 = 4;

/// Both directions of a five-tuple, from one SYN to the next.
// In memory order: the key is compared for every packet, and lies beside the flow that begins with what
// every packet touches.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Stream {
    /// Five-tuple, VLAN, tunnel.
    pub key: Key,
    /// An ICMP error quotes a packet of it: that was an answer.
    pub error: bool,
    /// The two directions: what [`Side::A`] sent, what [`Side::B`] sent.
    pub flows: [Flow; 2],
}

impl Stream {
    /// One of which nothing was seen.
    pub(super) const BLANK: Self = Self { key: Key::BLANK, flows: [Flow::EMPTY; 2], error: false };

    pub(super) fn new(key: Key) -> Self {
        Self { key, ..Self::BLANK }
    }

    /// What a side sent.
    #[inline]
    #[must_use]
    pub fn flow(&self, side: Side) -> &Flow {
        &self.flows[side.index()]
    }

    /// Whether it was released under a flood and holds nothing.
    #[must_use]
    pub fn is_evicted(&self) -> bool {
        !self.flows[0].seen() && !self.flows[1].seen()
    }

    /// The side that opened it, from SYN or SYN-ACK; `None` in mid-stream.
    #[must_use]
    pub fn opener(&self) -> Option<Side> {
        for side in [Side::A, Side::B] {
            if self.flow(side).opened() {
                return Some(side);
            }
        }
        for side in [Side::A, Side::B] {
            if self.flow(side).accepted() || self.flow(side).reset == Reset::Refused {
                return Some(side.other());
            }
        }
        None
    }

    /// Whether a SYN or a SYN-ACK of it was seen.
    #[inline]
    pub(super) fn has_syn(&self) -> bool {
        self.flows.iter().any(|flow| flow.flags.syn())
    }

    /// The side that acts as the client: the opener, else the one with the
    /// higher port, as services have low ones; but a privileged port before a
    /// service's is a client that shows that it is root (NFS, rsh). Of two ports that clients
    /// draw, and of two that are one (SIP, NTP), neither tells: who sends the first datagram asks.
    #[must_use]
    pub fn client(&self) -> Side {
        let [a, b] = self.key.ports;
        // A tunnel's port is asked, whatever the other is.
        let tunnel = |port| self.key.protocol.is_udp() && Unopened::datagram(port).is_some();
        if tunnel(a) != tunnel(b) {
            return if tunnel(b) { Side::A } else { Side::B };
        }
        if self.key.protocol.is_datagrams() && (a.min(b) >= EPHEMERAL || a == b) {
            let first = |side| self.flow(side).first.get().map(|mark| mark.frame());
            let b_began = match (first(Side::A), first(Side::B)) {
                (Some(a), Some(b)) => b < a,
                (a, _) => a.is_none(),
            };
            return if b_began { Side::B } else { Side::A };
        }
        self.opener().unwrap_or(
            if is_privileged_client(a, b) || a >= b && !is_privileged_client(b, a) {
                Side::A
            } else {
                Side::B
            },
        )
    }

    /// The client's initial sequence number, as the SYN or the SYN-ACK or the
    /// refusal tells it.
    #[must_use]
    pub fn client_isn(&self) -> Option<u32> {
        let client = self.opener()?;
        let (there, back) = (self.flow(client), self.flow(client.other()));
        if there.counted || back.counted && !there.opened() {
            None
        } else if there.opened() {
            Some(there.isn)
        } else if back.accepted() {
            Some(back.syn_ack_of.wrapping_sub(1))
        } else {
            Some(back.last_ack.wrapping_sub(1))
        }
    }

    /// The TSval of the client's SYN, also as the SYN-ACK echoes it.
    #[must_use]
    pub fn client_tsval(&self) -> Option<u32> {
        let client = self.opener()?;
        let (there, back) = (self.flow(client), self.flow(client.other()));
        if there.shape.stamped() {
            return Some(there.shape.tsval);
        }
        (back.shape.stamped() && back.shape.tsecr != 0).then_some(back.shape.tsecr)
    }

    /// First frame of either direction.
    #[must_use]
    pub fn first(&self) -> Mark {
        earlier(self.flows[0].first, self.flows[1].first)
    }

    /// Last frame of either direction.
    #[must_use]
    pub fn last(&self) -> Mark {
        let [a, b] = &self.flows;
        let later = if a.last.frame() > b.last.frame() { &a.last } else { &b.last };
        *later
    }

    /// Frames of both directions.
    #[must_use]
    pub fn packets(&self) -> u64 {
        u64::from(self.flows[0].packets) + u64::from(self.flows[1].packets)
    }

    /// What answered its opening, as far as this vantage shows.
    pub(super) fn answer(&self) -> Answer {
        let Some(opener) = self.opener() else {
            return if self.error { Answer::Error } else { Answer::None };
        };
        let back = self.flow(opener.other());
        if back.accepted() {
            Answer::Accepted
        } else if back.rst.is_set() {
            Answer::Reset
        } else if self.error {
            Answer::Error
        } else {
            Answer::None
        }
    }

    /// A number of its own that rewrites leave alone: the client's ISN, or for what has
    /// none the client's endpoint.
    pub(super) fn number(&self) -> u32 {
        let drawn = self.client_isn().map_or_else(
            || {
                let client = self.client();
                let [high, low] = self.key.ip(client).words();
                high ^ low.rotate_left(16) ^ u64::from(self.key.port(client))
            },
            u64::from,
        );
        super::embryo::number(drawn)
    }

    /// Whether it is no more than a flood leaves behind: a few packets of one side,
    /// or a SYN that was answered and never went on. A repeated SYN is a host that
    /// means it; a repeated SYN-ACK is not. A SYN with an ACK after it was answered,
    /// though the answer took another way.
    pub(super) fn is_embryo(&self) -> bool {
        let [a, b] = &self.flows;
        let went_on = |f: &Flow| f.opened() && f.acked;
        let slight = |f: &Flow| f.packets <= EMBRYO_PACKETS && f.syns <= 1 && !went_on(f);
        match (a.seen(), b.seen()) {
            (true, false) => slight(a),
            (false, true) => slight(b),
            _ => {
                let opener = if a.opened() { a } else { b };
                opener.opened() && slight(opener) && !opener.ack.is_set() && opener.payload == 0
            }
        }
    }

    /// Whether a SYN with this sequence number begins another incarnation.
    pub(super) fn is_reopened_by(&self, side: Side, tcp: &Tcp<'_>) -> bool {
        if !tcp.flags.syn() || tcp.flags.ack() {
            return false;
        }
        let flow = self.flow(side);
        if flow.opened() {
            flow.isn != tcp.seq
        } else {
            // Mid-stream until now: the SYN begins what can be known.
            let known = self.client_isn().is_some() || !self.flows.iter().any(|f| f.counted);
            known && self.flows.iter().any(Flow::seen) && self.client_isn() != Some(tcp.seq)
        }
    }

    /// Whether its SYN was accepted.
    pub(super) fn is_accepted(&self) -> bool {
        self.flows.iter().any(Flow::accepted)
    }

    /// Whether both sides take it for open, as far as is seen: it stands, and nobody closed or reset it.
    pub(super) fn is_in_use(&self) -> bool {
        self.flows.iter().all(|f| f.seen() && !f.counted && !f.fin.is_set() && !f.rst.is_set())
            && self.is_accepted()
            && self.flows.iter().any(|f| f.opened() && f.acked)
    }

    /// Whether a segment goes on where this connection ended, and is far from all that `now` sent, which took
    /// its five-tuple.
    pub(super) fn goes_on_with(&self, side: Side, tcp: &Tcp<'_>, now: &Self) -> bool {
        let near = |known: u32, number: u32| {
            number.wrapping_sub(known).min(known.wrapping_sub(number)) <= NEAR
        };
        let acked = self.flow(side.other()).end_seq;
        near(self.flow(side).end_seq, tcp.seq)
            && !near(now.flow(side).end_seq, tcp.seq)
            && (!tcp.flags.ack() || near(acked, tcp.ack))
    }

    /// Takes in a segment that a side sent.
    #[inline]
    pub(super) fn segment(&mut self, side: Side, mark: Mark, tcp: &Tcp<'_>) {
        let [a, b] = &mut self.flows;
        let (flow, back) = if side == Side::A { (a, &*b) } else { (b, &*a) };
        flow.flags.0 |= tcp.flags.0;
        if flow.packets == 1 || flow.counted && tcp.known.has(Known::SEQ) {
            flow.isn = tcp.seq;
            flow.end_seq = tcp.seq;
            flow.counted = !tcp.known.has(Known::SEQ);
        }
        if tcp.flags.syn() {
            flow.syn_seen(mark, tcp);
        } else if tcp.flags.rst() {
            flow.reset_seen(mark, tcp, back);
        } else if tcp.flags.ack() {
            flow.ack_seen(mark);
        }
        if tcp.flags.ack() {
            flow.time(mark, tcp.ack, back);
        }
        let end = tcp.seq.wrapping_add(tcp.seq_len());
        if tcp.payload_len > 0 && !tcp.flags.rst() {
            if flow.payload == 0 {
                flow.data.set_once(mark);
                // Of several SYN-ACKs with numbers of their own the words tell which one holds.
                if flow.isns > 1 {
                    flow.end_seq = tcp.seq;
                }
            }
            // Copies, forwarded copies and repeats end where the flow does.
            if seq_gt(end, flow.end_seq) {
                flow.payload += u64::from(tcp.payload_len);
            }
        }
        if seq_gt(end, flow.end_seq) && !tcp.flags.rst() {
            flow.end_seq = end;
        }
        if tcp.flags.fin() {
            flow.fin.set_once(mark);
        }
        if tcp.flags.ack() {
            if flow.max_ack == 0 || seq_gt(tcp.ack, flow.max_ack) {
                flow.max_ack = tcp.ack;
            }
            flow.last_ack = tcp.ack;
        }
    }
}

fn earlier(a: Mark, b: Mark) -> Mark {
    match (a.is_set(), b.is_set()) {
        (true, false) => a,
        (false, _) => b,
        _ if a.frame() <= b.frame() => a,
        _ => b,
    }
}
