//! A TCP segment in plain IPv4, without IP options and in one piece: its fields, each read when it is asked for.

use super::{HeaderBits, Tcp, TcpFlags};
use crate::capture::Known;
use etherparse::ip_number;

/// Bytes of an IPv4 header, and of both headers, without options.
const IP: usize = 20;
const BOTH: usize = 40;

/// The headers of a segment, and all of its packet that was captured.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    headers: &'a [u8; BOTH],
    packet: &'a [u8],
}

/// What a segment carries.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    /// Bytes that were captured.
    pub captured: &'a [u8],
    /// How many were on the wire.
    pub len: u32,
}

impl<'a> Segment<'a> {
    /// Looks at a packet; `None` where it is no such segment or lacks the fixed part of a header.
    #[inline(always)]
    pub(super) fn of(packet: &'a [u8]) -> Option<Self> {
        let h = packet.first_chunk::<BOTH>()?;
        let segment = Self { headers: h, packet };
        let whole = h[6] & 0x3f == 0 && h[7] == 0;
        let fits = usize::from(segment.half(2)) >= BOTH;
        (h[0] == 0x45 && whole && h[9] == ip_number::TCP.0 && fits).then_some(segment)
    }

    #[inline(always)]
    fn half(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.headers[at], self.headers[at + 1]])
    }

    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        let h = self.headers;
        u32::from_be_bytes([h[at], h[at + 1], h[at + 2], h[at + 3]])
    }

    /// IPv4 identification.
    #[inline(always)]
    #[must_use]
    pub fn id(&self) -> u16 {
        self.half(4)
    }

    /// Time to live.
    #[inline(always)]
    #[must_use]
    pub fn ttl(&self) -> u8 {
        self.headers[8]
    }

    /// What its header asks of the network.
    #[inline(always)]
    #[must_use]
    pub fn bits(&self) -> HeaderBits {
        HeaderBits::v4(self.headers[1], self.headers[6])
    }

    /// Source and destination address.
    #[inline(always)]
    #[must_use]
    pub fn addresses(&self) -> [u32; 2] {
        [self.word(12), self.word(16)]
    }

    /// Source and destination, each an address with a port.
    #[inline(always)]
    #[must_use]
    pub fn ends(&self) -> [(u32, u16); 2] {
        [(self.word(12), self.half(20)), (self.word(16), self.half(22))]
    }

    /// Sequence number.
    #[inline(always)]
    #[must_use]
    pub fn seq(&self) -> u32 {
        self.word(24)
    }

    /// Acknowledgment number.
    #[inline(always)]
    #[must_use]
    pub fn ack(&self) -> u32 {
        self.word(28)
    }

    /// Control bits.
    #[inline(always)]
    #[must_use]
    pub fn flags(&self) -> TcpFlags {
        TcpFlags(self.headers[33])
    }

    /// Window as sent, unscaled.
    #[inline(always)]
    #[must_use]
    pub fn window(&self) -> u16 {
        self.half(34)
    }

    /// Where its options end, and what was captured of it.
    #[inline(always)]
    fn split(&self) -> Option<(usize, usize)> {
        let options = IP + usize::from(self.headers[32] >> 4) * 4;
        let captured = usize::from(self.half(2)).min(self.packet.len());
        (BOTH <= options && options <= captured).then_some((options, captured))
    }

    /// The bytes of its options; `None` where they do not fit.
    #[inline(always)]
    #[must_use]
    pub fn options(&self) -> Option<&'a [u8]> {
        let (options, _) = self.split()?;
        self.packet.get(BOTH..options)
    }

    /// Whether its options may hold SACK blocks.
    #[inline(always)]
    #[must_use]
    pub fn may_sack(&self) -> bool {
        self.options().is_some_and(super::tcp::may_sack)
    }

    /// What it carries; `None` where its options do not fit.
    #[inline(always)]
    #[must_use]
    pub fn payload(&self) -> Option<Payload<'a>> {
        let (options, captured) = self.split()?;
        // More may have been on the wire than was captured.
        let len = (usize::from(self.half(2)) - options) as u32;
        Some(Payload { captured: self.packet.get(options..captured)?, len })
    }

    /// All of it; `None` where its options do not fit.
    #[inline(always)]
    #[must_use]
    pub fn tcp(&self) -> Option<Tcp<'a>> {
        let payload = self.payload()?;
        Some(Tcp {
            src_port: self.half(20),
            dst_port: self.half(22),
            seq: self.seq(),
            ack: self.ack(),
            flags: self.flags(),
            window: self.window(),
            options: self.options()?,
            header_cut: false,
            payload: payload.captured,
            payload_len: payload.len,
            known: Known::ALL,
        })
    }
}
