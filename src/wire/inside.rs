//! What the header of a tunnel leads to, or why it stays closed.

use super::{Arp, LinkHeader, Tunnel};

/// Why a tunnel stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// It is none, or none that is known.
    Closed,
    /// The bytes end before that can be told.
    Cut,
}

/// What a tunnel's header leads to.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    /// `None` for a mirror, which is no part of the way.
    pub kind: Option<Tunnel>,
    /// See [`Outer::id`](super::Outer::id).
    pub id: Option<u32>,
    /// See [`Outer::options`](super::Outer::options).
    pub options: Option<bool>,
    /// An Ethernet frame, not an IP packet.
    pub is_frame: bool,
    /// The rest of the payload behind the tunnel's header.
    pub bytes: &'a [u8],
}

impl<'a> Inside<'a> {
    /// An IP packet of this version.
    pub(super) fn packet(
        kind: Tunnel,
        id: Option<u32>,
        version: u8,
        bytes: &'a [u8],
    ) -> Result<Self, Shut> {
        match bytes.first() {
            Some(byte) if byte >> 4 == version => {
                Ok(Self { kind: Some(kind), id, options: None, is_frame: false, bytes })
            }
            Some(_) => Err(Shut::Closed),
            None => Err(Shut::Cut),
        }
    }

    /// An Ethernet frame.
    pub(super) fn frame(kind: Option<Tunnel>, id: Option<u32>, bytes: &'a [u8]) -> Self {
        Self { kind, id, options: None, is_frame: true, bytes }
    }
}

/// What an Ethernet frame in a tunnel says in place of the outer one.
#[derive(Debug)]
pub(super) struct Inner {
    pub link: LinkHeader,
    pub vlan: u32,
    pub carries: Carries,
}

/// What an Ethernet frame in a tunnel carries.
#[derive(Debug)]
pub(super) enum Carries {
    Ip,
    /// ARP that a mirror shows.
    Arp(Arp),
    /// ARP of an overlay's network.
    OverlayArp,
}
