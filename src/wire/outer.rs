//! Kinds of tunnels, and the outer header of one that was opened.

use super::Ip;

/// A kind of tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tunnel {
    /// IPv4 or IPv6 directly in either (RFC 2003, 2473, 4213).
    Ip = 1,
    /// IP in GRE (RFC 2784, 2890).
    Gre = 2,
    /// IP in Generic UDP Encapsulation, variant 0 (draft-ietf-intarea-gue).
    Gue = 3,
    /// IP directly in UDP: Linux' FOU, which is GUE's variant 1 on the wire.
    Fou = 4,
    /// Ethernet in GRE (RFC 1701; NVGRE, RFC 7637).
    GreTap = 5,
    /// Ethernet in VXLAN (RFC 7348).
    Vxlan = 6,
    /// Ethernet or IP in Geneve (RFC 8926).
    Geneve = 7,
}

impl Tunnel {
    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "IP-in-IP",
            Self::Gre => "GRE",
            Self::Gue => "GUE",
            Self::Fou => "FOU",
            Self::GreTap => "bridged GRE",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
        }
    }

    /// Whether a balancer forwards in it; the others are how a network is built.
    #[inline]
    #[must_use]
    pub fn is_forwarding(self) -> bool {
        matches!(self, Self::Ip | Self::Gre | Self::Gue | Self::Fou)
    }
}

/// Set in [`Outer::tag`] of tunnels in which a balancer forwards.
const FORWARDING: u16 = 1 << 15;

/// An outer header that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outer {
    /// Outer source.
    pub src: Ip,
    /// Outer destination.
    pub dst: Ip,
    /// Protocol number of the outer header: 4 (IPv4), 41 (IPv6), 47 (GRE) or 17 (UDP).
    pub protocol: u8,
    /// What kind of tunnel it begins.
    pub kind: Tunnel,
    /// Network identifier of VXLAN and Geneve (24 bits) or key of GRE; of the
    /// tunnel around it where this one has none.
    pub id: Option<u32>,
    /// Whether its header has options; `None` where its kind has none.
    pub options: Option<bool>,
}

impl Outer {
    /// Whether a balancer forwards in it, see [`Tunnel::is_forwarding`].
    #[inline]
    #[must_use]
    pub fn is_forwarding(&self) -> bool {
        self.kind.is_forwarding()
    }

    /// Kind and identifier in a word that is never 0, for keys: kind in the upper
    /// four bits, identifier folded into the lower twelve. Identifiers below 4096
    /// stay apart, larger ones nearly always.
    #[inline]
    #[must_use]
    pub fn tag(&self) -> u16 {
        let id = self.id.unwrap_or(0);
        let kind = (self.kind as u16) << 12;
        let forwarding = if self.is_forwarding() { FORWARDING } else { 0 };
        forwarding | kind | ((id ^ id >> 12 ^ id >> 24) & 0xfff) as u16
    }

    /// Bytes of the headers of a [`tag`](Self::tag)'s tunnel around the packet inside, over IPv4
    /// and without options; none outside of tunnels.
    #[must_use]
    pub fn headers(tag: u16) -> Option<u32> {
        const IP: u32 = 20;
        const UDP: u32 = 8;
        const ETHERNET: u32 = 14;
        let of = |tunnel: Tunnel| Self::kind_of(tag) == Some(tunnel);
        let known = [
            (Tunnel::Ip, IP),
            (Tunnel::Gre, IP + 4),
            (Tunnel::Gue, IP + UDP + 4),
            (Tunnel::Fou, IP + UDP),
            (Tunnel::GreTap, IP + 4 + ETHERNET),
            (Tunnel::Vxlan, IP + UDP + 8 + ETHERNET),
            (Tunnel::Geneve, IP + UDP + 8 + ETHERNET),
        ];
        known.into_iter().find(|(tunnel, _)| of(*tunnel)).map(|(_, bytes)| bytes)
    }

    /// The kind of a [`tag`](Self::tag)'s tunnel.
    #[must_use]
    pub fn kind_of(tag: u16) -> Option<Tunnel> {
        use Tunnel::{Fou, Geneve, Gre, GreTap, Gue, Ip, Vxlan};
        let kind = (tag & !FORWARDING) >> 12;
        [Ip, Gre, Gue, Fou, GreTap, Vxlan, Geneve].into_iter().find(|t| kind == *t as u16)
    }

    /// The kind of a [`tag`](Self::tag)'s tunnel, where a balancer forwards in it.
    #[must_use]
    pub fn forwarding_kind(tag: u16) -> Option<Tunnel> {
        Self::kind_of(tag).filter(|_| Self::tag_is_forwarding(tag))
    }

    /// Whether a [`tag`](Self::tag) is of a tunnel in which a balancer forwards.
    #[inline]
    #[must_use]
    pub fn tag_is_forwarding(tag: u16) -> bool {
        tag & FORWARDING != 0
    }
}
