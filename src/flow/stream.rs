//! Both directions of a five-tuple at one vantage, one incarnation.

use super::{Key, LinkId, Mark, Side};
use crate::wire::{Tcp, TcpFlags, seq_gt};
use std::num::NonZeroU32;

/// Index of a stream.
pub type StreamId = u32;

/// Options of a SYN that every layer-4 mode keeps: a fingerprint of the stack
/// that sent it. The maximum segment size may be clamped on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SynShape {
    /// Maximum segment size; 0 where not seen.
    pub mss: u16,
    /// Window scale plus one; 0 where not seen.
    pub window_scale: u8,
    /// SACK permitted.
    pub sack: bool,
    /// The timestamps option was there and whole.
    pub stamped: bool,
    /// The header was cut off, so what is absent here may have been there.
    pub cut: bool,
    /// TSval, where `stamped`.
    pub tsval: u32,
    /// TSecr, where `stamped`: what a SYN-ACK echoes.
    pub tsecr: u32,
}

impl SynShape {
    const NONE: Self = Self {
        mss: 0,
        window_scale: 0,
        sack: false,
        stamped: false,
        cut: false,
        tsval: 0,
        tsecr: 0,
    };

    fn of(tcp: &Tcp<'_>) -> Self {
        let options = &tcp.parse_options();
        Self {
            mss: options.mss.unwrap_or(0),
            window_scale: options.window_scale.map_or(0, |w| w.saturating_add(1)),
            sack: options.sack_permitted,
            stamped: options.timestamps.is_some(),
            tsval: options.timestamps.map_or(0, |t| t.0),
            tsecr: options.timestamps.map_or(0, |t| t.1),
            cut: tcp.header_cut || options.cut,
        }
    }
}

/// The form of a reset, which tells who sent it and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reset {
    /// None was seen.
    #[default]
    None,
    /// RST,ACK with sequence 0 and acknowledgment SYN + 1: nobody listens
    /// (RFC 9293, section 3.10.7.1).
    Refused,
    /// A bare RST with the sequence number of the acknowledgment that it
    /// answers: no socket for the segment (RFC 9293, section 3.10.7.1).
    NoSocket,
    /// Anything else: an application or a device ended the connection.
    Abort,
}

/// Packets of a five-tuple in one direction.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// First of its links.
    pub link: LinkId,
    /// Frames, copies included.
    pub packets: u32,
    /// Payload bytes sent, repeats and copies not counted.
    pub payload: u64,
    /// First frame.
    pub first: Mark,
    /// Last frame.
    pub last: Mark,
    /// First SYN or SYN-ACK.
    pub syn: Mark,
    /// First segment after the SYN, with ACK.
    pub ack: Mark,
    /// First payload.
    pub data: Mark,
    /// First FIN.
    pub fin: Mark,
    /// First RST.
    pub rst: Mark,
    /// Frame that the first RST answered, where that could be told.
    pub rst_answers: Mark,
    /// Initial sequence number of the latest SYN; for UDP a digest of the first
    /// datagram, comparable within one vantage.
    pub isn: u32,
    /// Acknowledgment number of the SYN-ACK: the client's ISN plus one.
    pub syn_ack_of: u32,
    /// Options of the first SYN.
    pub shape: SynShape,
    /// Sequence number of the first segment.
    pub first_seq: u32,
    /// Highest sequence number sent, plus one.
    pub end_seq: u32,
    /// Acknowledgment number of the latest segment.
    pub last_ack: u32,
    /// Highest acknowledgment number.
    pub max_ack: u32,
    /// All control bits seen.
    pub flags: TcpFlags,
    /// Form of the first RST.
    pub reset: Reset,
    /// SYN or SYN-ACK transmissions on the link that showed most.
    pub syns: u16,
    /// Segments repeated on the link that showed most.
    pub retransmissions: u16,
    /// SYN-ACKs with different initial sequence numbers.
    pub isns: u8,
    /// Shortest time from a segment of the other side to one of this side that
    /// acknowledges it, nanoseconds; absent if none did within four seconds.
    pub turnaround_ns: Option<NonZeroU32>,
}

impl Flow {
    const EMPTY: Self = Self {
        link: LinkId::NONE,
        packets: 0,
        payload: 0,
        first: NO_MARK,
        last: NO_MARK,
        syn: NO_MARK,
        ack: NO_MARK,
        data: NO_MARK,
        fin: NO_MARK,
        rst: NO_MARK,
        rst_answers: NO_MARK,
        isn: 0,
        syn_ack_of: 0,
        shape: SynShape::NONE,
        first_seq: 0,
        end_seq: 0,
        last_ack: 0,
        max_ack: 0,
        flags: TcpFlags(0),
        reset: Reset::None,
        syns: 0,
        retransmissions: 0,
        isns: 0,
        turnaround_ns: None,
    };

    /// Whether any frame was seen.
    #[must_use]
    pub fn seen(&self) -> bool {
        self.packets > 0
    }

    /// Whether it sent a SYN without ACK: the client's side.
    #[must_use]
    pub fn opened(&self) -> bool {
        self.syn.is_set() && self.syn_ack_of == 0
    }

    /// Whether it sent a SYN-ACK: the server's side.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.syn.is_set() && self.syn_ack_of != 0
    }
}

const NO_MARK: Mark = Mark::NONE;

/// Both directions of a five-tuple, from one SYN to the next.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    /// Five-tuple, VLAN, tunnel.
    pub key: Key,
    /// The two directions: what [`Side::A`] sent, what [`Side::B`] sent.
    pub flows: [Flow; 2],
}

impl Stream {
    pub(super) fn new(key: Key) -> Self {
        Self { key, flows: [Flow::EMPTY; 2] }
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

    /// The side that acts as the client: the opener, else the one with the
    /// higher port, as services have low ones.
    #[must_use]
    pub fn client(&self) -> Side {
        self.opener().unwrap_or(if self.key.ports[0] >= self.key.ports[1] {
            Side::A
        } else {
            Side::B
        })
    }

    /// The client's initial sequence number, as the SYN or the SYN-ACK or the
    /// refusal tells it.
    #[must_use]
    pub fn client_isn(&self) -> Option<u32> {
        let client = self.opener()?;
        let (there, back) = (self.flow(client), self.flow(client.other()));
        if there.opened() {
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
        if there.shape.stamped {
            return Some(there.shape.tsval);
        }
        (back.shape.stamped && back.shape.tsecr != 0).then_some(back.shape.tsecr)
    }

    /// First frame of either direction.
    #[must_use]
    pub fn first(&self) -> Mark {
        earlier(self.flows[0].first, self.flows[1].first)
    }

    /// Last frame of either direction.
    #[must_use]
    pub fn last(&self) -> Mark {
        if self.flows[0].last.frame() > self.flows[1].last.frame() {
            self.flows[0].last
        } else {
            self.flows[1].last
        }
    }

    /// Frames of both directions.
    #[must_use]
    pub fn packets(&self) -> u64 {
        u64::from(self.flows[0].packets) + u64::from(self.flows[1].packets)
    }

    /// Whether nothing but an opening from one side was seen: what a flood is
    /// made of. A repeated SYN is a host that means it.
    pub(super) fn is_embryo(&self) -> bool {
        let [a, b] = &self.flows;
        let one_sided = |f: &Flow, g: &Flow| {
            f.packets <= 4
                && f.syns <= 1
                && f.payload == 0
                && !f.ack.is_set()
                && g.packets <= 4
                && !g.ack.is_set()
                && g.payload == 0
        };
        (a.seen() != b.seen() || a.syn.is_set() && b.syn.is_set())
            && one_sided(a, b)
            && one_sided(b, a)
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
            self.flows.iter().any(Flow::seen) && self.client_isn() != Some(tcp.seq)
        }
    }

    /// Takes in a segment that a side sent.
    #[inline]
    pub(super) fn segment(&mut self, side: Side, mark: Mark, tcp: &Tcp<'_>) {
        let [a, b] = &mut self.flows;
        let (flow, back) = if side == Side::A { (a, &*b) } else { (b, &*a) };
        flow.flags.0 |= tcp.flags.0;
        if flow.packets == 1 {
            flow.first_seq = tcp.seq;
            flow.end_seq = tcp.seq;
        }
        if tcp.flags.syn() {
            flow.syn_seen(mark, tcp);
        } else if tcp.flags.rst() {
            flow.reset_seen(mark, tcp, back);
        } else if tcp.flags.ack() {
            flow.ack.set_once(mark);
        }
        flow.time(mark, tcp, back);
        let end = tcp.seq.wrapping_add(tcp.seq_len());
        if tcp.payload_len > 0 && !tcp.flags.rst() {
            flow.data.set_once(mark);
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

impl Flow {
    fn syn_seen(&mut self, mark: Mark, tcp: &Tcp<'_>) {
        if !self.syn.is_set() {
            self.shape = SynShape::of(tcp);
            self.isns = 1;
        } else if self.isn != tcp.seq {
            self.isns = self.isns.saturating_add(1);
        }
        self.syn.set_once(mark);
        self.isn = tcp.seq;
        if tcp.flags.ack() {
            self.syn_ack_of = tcp.ack;
        }
    }

    /// An acknowledgment of all that the other side sent was sent after the
    /// last of it arrived: the time between is this side's own, plus the
    /// network's where the vantage is far from it.
    #[inline]
    fn time(&mut self, mark: Mark, tcp: &Tcp<'_>, back: &Self) {
        if tcp.flags.ack() && back.packets > 0 && tcp.ack == back.end_seq && tcp.ack != self.max_ack
        {
            let ns = u32::try_from(mark.since(back.last)).ok().and_then(NonZeroU32::new);
            self.turnaround_ns = match (self.turnaround_ns, ns) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }

    fn reset_seen(&mut self, mark: Mark, tcp: &Tcp<'_>, back: &Self) {
        if self.rst.is_set() {
            return;
        }
        self.rst = mark;
        self.rst_answers = back.last;
        let answers_syn = back.opened() && tcp.ack == back.isn.wrapping_add(1);
        self.reset = if tcp.flags.ack() {
            // Some stacks refuse with a sequence number of their own; what makes
            // it a refusal is that it answers a SYN and nothing came before.
            if (tcp.seq == 0 && (answers_syn || !back.seen()))
                || (answers_syn && !self.syn.is_set() && !self.ack.is_set())
            {
                Reset::Refused
            } else {
                Reset::Abort
            }
        } else if back.flags.ack() && tcp.seq == back.last_ack && !self.fin.is_set() {
            Reset::NoSocket
        } else {
            Reset::Abort
        };
        if self.reset == Reset::Refused {
            self.last_ack = tcp.ack;
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
