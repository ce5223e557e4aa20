//! What a connection begins with that does not speak HTTP/1 in the clear.

use super::Digests;
use crate::correlate::Leg;
use crate::flow::{Flow, Mark, Observations};
use crate::wire::{Ip, Tcp};
use std::hash::BuildHasher;

/// Lengths at which first bytes are compared: a proxy cuts segments in its own way.
const LENGTHS: [usize; 4] = [16, 32, 64, 128];

/// The first bytes that a side sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head {
    /// The segment.
    pub mark: Mark,
    /// Bytes that were digested; fewer than 16 are all that the segment had.
    pub len: usize,
    /// Digests of the first 16, 32, 64 and 128, or of all where there are fewer than 16.
    pub(super) digests: [u64; 4],
    /// Of all that were digested.
    pub(super) whole: u64,
}

impl Head {
    /// Of the payload of a side's first segment, of which `wire` bytes were on the wire;
    /// `None` where they were cut off.
    pub(super) fn of(mark: Mark, payload: &[u8], wire: usize, by: &Digests) -> Option<Self> {
        let len = payload.len().min(LENGTHS[3]);
        if len == 0 || len < wire.min(LENGTHS[0]) {
            return None;
        }
        let digest = |at: usize| {
            let first = if len < LENGTHS[0] && at == 0 { len } else { LENGTHS[at] };
            payload.get(..first).map_or(0, |bytes| by.hash_one(bytes))
        };
        let whole = by.hash_one(payload.get(..len)?);
        Some(Self { mark, len, digests: std::array::from_fn(digest), whole })
    }

    /// Whether there are as many as tell one greeting from another.
    pub(super) fn is_long(&self) -> bool {
        self.len >= LENGTHS[0]
    }

    /// What all heads have in common that can be the same.
    pub(super) fn kind(&self) -> (usize, u64) {
        (self.len.min(LENGTHS[0]), self.digests[0])
    }

    /// Whether two are the same as far as both go.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        if self.len == other.len {
            return self.whole == other.whole;
        }
        let both = self.len.min(other.len);
        let at = LENGTHS.iter().rposition(|len| *len <= both).unwrap_or(0);
        self.kind() == other.kind() && self.digests[at] == other.digests[at]
    }
}

/// A connection from its first bytes to its end, at the vantage where it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    /// Index of the connection.
    pub connection: u32,
    /// Where it was read.
    pub leg: Leg,
    /// The client's endpoint as a PROXY header before its first bytes names it.
    pub proxied: Option<(Ip, u16)>,
    /// Bytes of that header.
    pub header: u32,
    /// What the client said first.
    pub client: Option<Head>,
    /// What the server said first.
    pub server: Option<Head>,
    /// It begins as TLS does: its hello ties it or nothing.
    pub tls: bool,
}

impl Opening {
    pub(super) fn new(connection: u32, leg: Leg) -> Self {
        let (client, server) = (None, None);
        Self { connection, leg, proxied: None, header: 0, client, server, tls: false }
    }

    /// Keeps what a side said first.
    pub(super) fn heard(
        &mut self,
        of_client: bool,
        mark: Mark,
        tcp: &Tcp<'_>,
        at: usize,
        by: &Digests,
    ) {
        let payload = tcp.payload.get(at..).unwrap_or(&[]);
        let wire = (tcp.payload_len as usize).saturating_sub(at);
        let head = Head::of(mark, payload, wire, by);
        let side = if of_client { &mut self.client } else { &mut self.server };
        *side = side.or(head);
        self.tls |= of_client && crate::wire::tls::is_handshake(payload);
    }

    /// First and last frame.
    pub(super) fn frames(&self, vantages: &[Observations]) -> (u32, u32) {
        let stream = self.leg.of(vantages);
        (stream.first().frame(), stream.last().frame())
    }

    /// Bytes that client and server sent, a PROXY header not counted, where the
    /// connection was seen from its beginning.
    pub(super) fn bytes(&self, vantages: &[Observations]) -> Option<[u32; 2]> {
        let there = sent(self.leg.forward(vantages))?;
        Some([there.wrapping_sub(self.header), sent(self.leg.reply(vantages))?])
    }

    /// Whether a side ended it.
    pub(super) fn has_ended(&self, vantages: &[Observations]) -> bool {
        let flows = [self.leg.forward(vantages), self.leg.reply(vantages)];
        flows.iter().any(|flow| flow.fin.is_set() || flow.rst.is_set())
    }

    /// Whether both sides ended it in order: nothing of it was thrown away.
    pub(super) fn has_closed(&self, vantages: &[Observations]) -> bool {
        let flows = [self.leg.forward(vantages), self.leg.reply(vantages)];
        flows.iter().all(|flow| flow.fin.is_set() && !flow.rst.is_set())
    }
}

/// Bytes from SYN to FIN, modulo 2^32.
fn sent(flow: &Flow) -> Option<u32> {
    let ends = 1 + u32::from(flow.fin.is_set());
    flow.syn.is_set().then(|| flow.end_seq.wrapping_sub(flow.isn).wrapping_sub(ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    #[test]
    fn heads_are_compared_as_far_as_both_go() {
        let by = super::super::digests();
        let mark = Mark::new(1, Timestamp(0));
        let of = |bytes: &[u8]| Head::of(mark, bytes, bytes.len(), &by).unwrap();
        let bytes: Vec<u8> = (0..200).collect();
        let mut other = bytes.clone();
        other[40] ^= 1;
        assert!(of(&bytes[..16]).is_like(&of(&bytes)) && of(&bytes).is_like(&of(&bytes[..33])));
        assert!(of(&bytes[..40]).is_like(&of(&other[..40])));
        assert!(!of(&bytes[..41]).is_like(&of(&other[..41])));
        assert!(!of(&bytes).is_like(&of(&other)));
        assert!(of(b"EHLO a\r\n").is_like(&of(b"EHLO a\r\n")));
        assert!(!of(b"EHLO a\r\n").is_like(&of(b"EHLO b\r\n")));
        assert!(!of(&bytes[..15]).is_like(&of(&bytes)), "a short one is whole");
        assert_eq!(Head::of(mark, &bytes[..10], 300, &by), None, "cut off");
    }
}
