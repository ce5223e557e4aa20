//! How a balancer forwards.

/// How the director sends a packet on to a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Two-armed director that rewrites the destination, and the source of the replies, which come back through it.
    Nat,
    /// One-armed director that rewrites the destination MAC alone; replies go to the router directly.
    Dr,
    /// One-armed director that puts packets into an IP tunnel (IPIP, 6in6) to the real server; replies go to the router
    /// directly.
    Tun,
    /// Two-armed director that rewrites both ends, the client's to an address and port of its own.
    FullNat(FullNat),
    /// Layer 7: the client's connection ends at the director, which has connections of its own to the real servers.
    Proxy(Proxy),
}

/// How a proxy carries requests to real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What a request tells of the one that it carries.
    pub said: Said,
    /// Requests of several clients share a back-end connection, one after another; else each has its own.
    pub pooled: bool,
    /// All requests have the same target.
    pub alike: bool,
}

/// What a proxy's request tells of the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing: they only nest in time.
    Nothing,
    /// X-Forwarded-For, and an X-Request-Id that the proxy made.
    Forwarded,
    /// X-Forwarded-For, and the X-Request-Id that the client sent.
    RequestId,
}

/// What FullNAT does beside the rewriting of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullNat {
    /// Nothing: ISN and timestamps are kept.
    Kept,
    /// Takes the timestamps from the client's SYN, so the connection goes without.
    Stripped,
    /// As [`FullNat::Stripped`]; shifts the client's sequence numbers by a constant of the connection, and names the client
    /// in the TOA option of the SYN and of the first data segment.
    Shifted,
}

impl Mode {
    /// The director's capture is of the `any` device: it has two arms.
    pub fn two_armed(self) -> bool {
        matches!(self, Self::Nat | Self::FullNat(_) | Self::Proxy(_))
    }

    /// As `truth.json` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nat => "nat",
            Self::Dr => "dr",
            Self::Tun => "tun",
            Self::FullNat(_) => "fullnat",
            Self::Proxy(_) => "proxy",
        }
    }
}
