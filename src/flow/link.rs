//! Where a flow's frames travelled, and what each link saw of its bytes.

use super::trouble::{TroubleId, Troubles};
use super::{HopId, Mark};
use crate::capture::Known;
use crate::wire::{Tcp, seq_gt};

/// Index of a link, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkId(u32);

impl LinkId {
    /// No link.
    pub const NONE: Self = Self(u32::MAX);

    pub(super) fn new(index: usize) -> Self {
        Self(index as u32)
    }

    /// As an index into [`super::Observations::links`].
    #[inline]
    #[must_use]
    pub fn index(self) -> Option<usize> {
        (self != Self::NONE).then_some(self.0 as usize)
    }
}

/// A second transmission this close to the first is a copy made by the
/// capture, not by a host: the soonest that a stack sends its last segment
/// again is two ticks after it (tail loss probe, RFC 8985, section 7.2).
pub const COPY_WINDOW_NS: i64 = 2_000_000;
/// The same where the identification shows that the sender sent it once: a mirror, or the
/// second of two taps, may be that late.
const MARKED_COPY_WINDOW_NS: i64 = 100_000_000;
/// Identifications by which a copy may trail its sender's latest packet.
const COPY_WINDOW_IDS: u16 = 256;

/// The frames of one flow on one hop.
// In memory order: what every packet touches comes first, in 48 bytes, which lie in one cache line where
// a list of these begins 16 bytes into one, as large ones do.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Link {
    /// Where.
    pub hop: HopId,
    /// The flow's next link.
    pub next: LinkId,
    /// Frames.
    pub packets: u32,
    /// Last frame.
    pub last: Mark,
    pub(super) next_seq: u32,
    pub(super) trouble: TroubleId,
    /// Ends of the latest segments, for senders without identifications.
    recent: [u32; 2],
    last_id: u16,
    /// SYN or SYN-ACK transmissions.
    pub syns: u16,
    /// Segments that sent bytes again, not counting copies and keep-alives.
    pub retransmissions: u16,
    pub(super) started: bool,
    /// Copies of one packet that the capture itself made.
    pub copies: u16,
    /// IPv4 identification of the first frame.
    pub first_id: u16,
    /// First frame.
    pub first: Mark,
}

/// What a segment was to its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// New bytes, or none.
    New,
    /// New bytes after a hole.
    Ahead,
    /// Bytes that fill a hole.
    Late,
    /// The capture shows one packet twice.
    Copy,
    /// The sender sent bytes again.
    Again,
}

impl Link {
    /// One without a frame.
    pub(super) const BLANK: Self = Self {
        hop: HopId(0),
        next: LinkId::NONE,
        packets: 0,
        first: Mark::NONE,
        last: Mark::NONE,
        retransmissions: 0,
        copies: 0,
        syns: 0,
        first_id: 0,
        last_id: 0,
        recent: [0; 2],
        next_seq: 0,
        trouble: TroubleId::NONE,
        started: false,
    };

    pub(super) fn new(hop: HopId, mark: Mark) -> Self {
        let mut link = Self::BLANK;
        link.begin(hop, mark);
        link
    }

    /// Begins a blank one.
    #[inline(always)]
    pub(super) fn begin(&mut self, hop: HopId, mark: Mark) {
        self.hop = hop;
        self.first = mark;
        self.last = mark;
    }

    /// Bytes that were seen here and lie beyond all that another link of the
    /// same flow saw.
    #[must_use]
    pub fn unseen_by(&self, other: &Self) -> u32 {
        if self.started && other.started && seq_gt(self.next_seq, other.next_seq) {
            self.next_seq.wrapping_sub(other.next_seq)
        } else {
            0
        }
    }

    /// Frames, without copies that the capture made.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.packets.saturating_sub(u32::from(self.copies))
    }

    /// Counts a frame that has no sequence space.
    #[inline]
    pub(super) fn count(&mut self, mark: Mark) {
        self.packets += 1;
        self.last = mark;
    }

    /// Counts a datagram.
    pub(super) fn datagram(&mut self, mark: Mark, id: Option<u16>) {
        let before = self.last;
        self.count(mark);
        let id = id.unwrap_or_default();
        self.copied(mark, before, id);
        self.last_id = id;
    }

    /// The next segment has no sequence space and says what the one before it said, in a protocol without
    /// identifications: a copy where it comes at once.
    pub(super) fn bare_again(&mut self, mark: Mark) {
        if self.packets > 0 && mark.since(self.last) < COPY_WINDOW_NS {
            self.copies = self.copies.saturating_add(1);
        }
    }

    /// Counts as a copy what has no sequence space and the identification of the frame before it.
    #[inline(always)]
    fn copied(&mut self, mark: Mark, before: Mark, id: u16) {
        let again = id != 0 && id == self.last_id && self.packets > 1;
        if again && mark.since(before) < MARKED_COPY_WINDOW_NS {
            self.copies = self.copies.saturating_add(1);
        }
    }

    /// Counts a later fragment, which continues the segment before it.
    pub(super) fn carry(&mut self, mark: Mark, bytes: u32) {
        self.count(mark);
        self.next_seq = self.next_seq.wrapping_add(bytes);
    }

    /// Counts a segment and says what it was.
    #[inline]
    pub(super) fn segment(
        &mut self,
        mark: Mark,
        tcp: &Tcp<'_>,
        id: Option<u16>,
        troubles: &mut Troubles,
    ) -> Sending {
        let before = self.last;
        self.count(mark);
        let len = tcp.seq_len();
        // IPv6 has none to compare.
        let same_id = (id == Some(self.last_id) || id.is_none()) && self.packets > 1;
        let known = id.filter(|id| *id != 0);
        // Senders count upwards: what was sent again has a new identification,
        // a copy that the capture made has one that came before.
        let older =
            known.map(|id| self.packets > 1 && self.last_id.wrapping_sub(id) < COPY_WINDOW_IDS);
        // Without times nothing is told of how soon a packet came again.
        let timed = tcp.known.has(Known::TIME);
        if self.packets == 1 {
            self.first_id = id.unwrap_or(0);
        }
        if len == 0 {
            self.copied(mark, before, id.unwrap_or_default());
        }
        if let Some(id) = id.filter(|_| older != Some(true)) {
            self.last_id = id;
        }
        if len == 0 {
            return Sending::New;
        }
        let same_id = same_id.then_some(known.is_some());
        let same_id = same_id.filter(|marked| timed || *marked);
        let sending = self.classify(mark, before, tcp, same_id, older, troubles);
        if sending != Sending::Copy {
            self.recent = [tcp.seq.wrapping_add(len), self.recent[0]];
        }
        sending
    }

    /// Whether bytes from `from` to `end` follow those that were seen, without a hole, and are new.
    #[inline(always)]
    pub(super) fn continues(&self, from: u32, end: u32) -> bool {
        self.started && !seq_gt(from, self.next_seq) && seq_gt(end, self.next_seq)
    }

    /// As [`Self::segment`] of one that [`Self::continues`], or of one without bytes; not the first of the link.
    #[inline(always)]
    pub(super) fn go_on(&mut self, mark: Mark, id: u16, end: u32, bytes: bool) {
        let before = self.last;
        self.count(mark);
        if !bytes {
            self.copied(mark, before, id);
        }
        if id == 0 || self.last_id.wrapping_sub(id) >= COPY_WINDOW_IDS {
            self.last_id = id;
        }
        if bytes {
            self.next_seq = end;
            self.recent = [end, self.recent[0]];
        }
    }

    #[inline]
    fn classify(
        &mut self,
        mark: Mark,
        before: Mark,
        tcp: &Tcp<'_>,
        same_id: Option<bool>,
        older: Option<bool>,
        troubles: &mut Troubles,
    ) -> Sending {
        let end = tcp.seq.wrapping_add(tcp.seq_len());
        if !self.started {
            self.started = true;
            self.next_seq = end;
            self.syns = u16::from(tcp.flags.syn());
            return Sending::New;
        }
        if tcp.flags.syn() {
            // A SYN-ACK after a reset starts another sequence space on the link.
            troubles.restart(self.trouble);
            return self.repeated_syn(mark, before, same_id, end);
        }
        if seq_gt(tcp.seq, self.next_seq) {
            troubles.hole(&mut self.trouble, self.next_seq, tcp.seq);
            self.next_seq = end;
            return Sending::Ahead;
        }
        if seq_gt(end, self.next_seq) {
            self.next_seq = end;
            return Sending::New;
        }
        // All of it lies below what was seen: keep-alives and window probes
        // repeat at most one byte, a late segment fills a gap, the rest repeats.
        if tcp.payload_len <= 1 && !tcp.flags.fin() {
            return Sending::New;
        }
        if troubles.fills(self.trouble, tcp.seq, end) {
            return Sending::Late;
        }
        let by_number = tcp.known.has(Known::TIME) && self.recent.contains(&end);
        let shown = older.unwrap_or(by_number);
        if shown && mark.since(before) < copy_window(older.is_some()) {
            self.copies = self.copies.saturating_add(1);
            return Sending::Copy;
        }
        self.retransmissions = self.retransmissions.saturating_add(1);
        troubles.repeat(&mut self.trouble, mark);
        Sending::Again
    }

    /// `same_id`: the identification is that of the segment before, and whether it says
    /// anything, as 0 does not.
    fn repeated_syn(
        &mut self,
        mark: Mark,
        before: Mark,
        same_id: Option<bool>,
        end: u32,
    ) -> Sending {
        let moved = end != self.next_seq;
        self.next_seq = end;
        let copied = |known| mark.since(before) < copy_window(known);
        if !moved && same_id.is_some_and(copied) {
            self.copies = self.copies.saturating_add(1);
            return Sending::Copy;
        }
        self.syns = self.syns.saturating_add(1);
        Sending::New
    }
}

/// How late a copy may come; `marked` where its identification tells it from a repeat.
fn copy_window(marked: bool) -> i64 {
    if marked { MARKED_COPY_WINDOW_NS } else { COPY_WINDOW_NS }
}

#[cfg(test)]
mod tests;
