//! One direction of a five-tuple: counters, milestones, options, resets.

use super::stream::NEAR;
use super::{LinkId, Mark};
use crate::wire::{Signing, TIMESTAMPS, Tcp, TcpFlags};
use std::num::NonZeroU32;

/// Options of a SYN that every layer-4 mode keeps: a fingerprint of the stack
/// that sent it. The maximum segment size may be clamped on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SynShape {
    /// Maximum segment size; 0 where not seen.
    pub mss: u16,
    /// Window scale plus one; 0 where not seen.
    pub window_scale: u8,
    // One byte for three: flows hold two of these.
    pub(super) marks: u8,
    /// TSval, where [`Self::stamped`].
    pub tsval: u32,
    /// TSecr, where [`Self::stamped`]: what a SYN-ACK echoes.
    pub tsecr: u32,
}

impl SynShape {
    const NONE: Self = Self { mss: 0, window_scale: 0, marks: 0, tsval: 0, tsecr: 0 };
    pub(super) const SACK: u8 = 1;
    pub(super) const STAMPED: u8 = 2;
    pub(super) const CUT: u8 = 4;
    pub(super) const CLOSED: u8 = 8;
    pub(super) const MD5: u8 = 16;
    pub(super) const AUTHENTICATED: u8 = 32;

    fn of(tcp: &Tcp<'_>) -> Self {
        let options = &tcp.parse_options();
        let mark = |set: bool, mark: u8| if set { mark } else { 0 };
        Self {
            mss: options.mss.unwrap_or(0),
            window_scale: options.window_scale.map_or(0, |w| w.saturating_add(1)),
            marks: mark(options.sack_permitted, Self::SACK)
                | mark(options.timestamps.is_some(), Self::STAMPED)
                | mark(tcp.header_cut || options.cut, Self::CUT)
                | mark(tcp.window == 0, Self::CLOSED)
                | mark(options.signing == Some(Signing::Md5), Self::MD5)
                | mark(options.signing == Some(Signing::Authentication), Self::AUTHENTICATED),
            tsval: options.timestamps.map_or(0, |t| t.0),
            tsecr: options.timestamps.map_or(0, |t| t.1),
        }
    }

    /// SACK permitted.
    #[must_use]
    pub fn sack(&self) -> bool {
        self.marks & Self::SACK != 0
    }

    /// The timestamps option was there and whole.
    #[must_use]
    pub fn stamped(&self) -> bool {
        self.marks & Self::STAMPED != 0
    }

    /// By what it is signed.
    #[must_use]
    pub fn signing(&self) -> Option<Signing> {
        match self.marks & (Self::MD5 | Self::AUTHENTICATED) {
            0 => None,
            Self::MD5 => Some(Signing::Md5),
            _ => Some(Signing::Authentication),
        }
    }

    /// Its window was 0: the other side may send nothing yet.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.marks & Self::CLOSED != 0
    }

    /// The header was cut off, so what is absent here may have been there.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.marks & Self::CUT != 0
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
// In memory order: what every packet touches comes first, in one cache line;
// what few packets touch comes after.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Flow {
    /// First of its links.
    pub link: LinkId,
    /// Frames, copies included.
    pub packets: u32,
    /// Payload bytes sent, repeats and copies not counted.
    pub payload: u64,
    /// Last frame.
    pub last: Mark,
    /// Highest sequence number sent, plus one.
    pub end_seq: u32,
    /// Acknowledgment number of the latest segment; for UDP a digest of the first payload.
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
    /// SYN-ACKs with different initial sequence numbers; for UDP how often the first
    /// payload was sent while the other side was silent.
    pub isns: u8,
    /// `ack` is set: asked of every packet, so kept near.
    pub(super) acked: bool,
    /// Its latest segment advertises a window of 0 (RFC 9293, section 3.8.6).
    pub closed: bool,
    /// Its sequence numbers follow each other, but what they were on the wire is not known, as
    /// a text counts them from a beginning that it does not show.
    pub counted: bool,
    /// Shortest time from a segment of the other side to one of this side that
    /// acknowledges it, nanoseconds; absent if none did within four seconds.
    pub turnaround_ns: Option<NonZeroU32>,
    /// First segment after the SYN, with ACK.
    pub ack: Mark,
    /// First payload.
    pub data: Mark,
    /// First frame.
    pub first: Mark,
    /// First SYN or SYN-ACK.
    pub syn: Mark,
    /// First FIN.
    pub fin: Mark,
    /// First RST.
    pub rst: Mark,
    /// Frame that the first RST answered, where that could be told.
    pub rst_answers: Mark,
    /// Initial sequence number of the latest SYN, without one the sequence number of the
    /// first segment; for UDP a digest of the first datagram, comparable within one
    /// vantage.
    pub isn: u32,
    /// Acknowledgment number of the SYN-ACK: the client's ISN plus one.
    pub syn_ack_of: u32,
    /// Options of the first SYN.
    pub shape: SynShape,
}

/// What captures count time in mostly, nanoseconds: what takes less is told from nothing by none.
const TICK_NS: u32 = 1_000;

impl Flow {
    pub(super) const EMPTY: Self = Self {
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
        end_seq: 0,
        last_ack: 0,
        max_ack: 0,
        flags: TcpFlags(0),
        reset: Reset::None,
        syns: 0,
        retransmissions: 0,
        isns: 0,
        acked: false,
        closed: false,
        counted: false,
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

impl Flow {
    pub(super) fn syn_seen(&mut self, mark: Mark, tcp: &Tcp<'_>) {
        if !self.syn.is_set() {
            self.shape = SynShape::of(tcp);
            self.isns = 1;
            self.leave_older(tcp.seq);
        } else if self.isn != tcp.seq {
            self.isns = self.isns.saturating_add(1);
        }
        self.syn.set_once(mark);
        self.isn = tcp.seq;
        if tcp.flags.ack() {
            self.syn_ack_of = tcp.ack;
        }
    }

    /// What was sent before a SYN-ACK with numbers far from its own is an older connection's, such as a
    /// challenge ACK (RFC 5961, section 4.2): they are not what this one's bytes are counted from.
    fn leave_older(&mut self, seq: u32) {
        let ahead = self.end_seq.wrapping_sub(seq);
        if self.packets > 1 && ahead.min(ahead.wrapping_neg()) > NEAR {
            self.end_seq = seq;
            self.max_ack = 0;
        }
    }

    /// Whether a segment without bytes says no more than the one before it. Who acknowledges again what it
    /// did before, since bytes are missing, names those that it has (RFC 2018).
    pub(super) fn says_again(&self, tcp: &Tcp<'_>) -> bool {
        let bare = tcp.seq_len() == 0 && tcp.options.len() <= TIMESTAMPS;
        let same = tcp.ack == self.last_ack || tcp.flags.rst() && self.rst.is_set();
        bare && self.packets > 1 && tcp.seq == self.end_seq && same
    }

    /// A segment after the SYN, with ACK.
    #[inline]
    pub(super) fn ack_seen(&mut self, mark: Mark) {
        if !self.acked {
            self.acked = true;
            self.ack = mark;
        }
    }

    /// An acknowledgment of all that the other side sent was sent after the
    /// last of it arrived: the time between is this side's own, plus the
    /// network's where the vantage is far from it.
    #[inline]
    pub(super) fn time(&mut self, mark: Mark, ack: u32, back: &Self) {
        if back.packets > 0 && ack == back.end_seq && ack != self.max_ack {
            let ns = u32::try_from(mark.since(back.last)).ok();
            let ns = ns.and_then(|ns| NonZeroU32::new(ns.max(TICK_NS)));
            self.turnaround_ns = match (self.turnaround_ns, ns) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }

    pub(super) fn reset_seen(&mut self, mark: Mark, tcp: &Tcp<'_>, back: &Self) {
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
