//! Addresses and ports of a world, in IPv4 or IPv6.

use super::world::Mode;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

/// The addresses and ports of a world. Clients and real servers count up from their first address.
#[derive(Clone, Debug)]
pub struct Network {
    /// The first client's address; the clients are behind the client gateway.
    pub first_client: Ipv4Addr,
    /// The client gateway's address on the link to the router: the host of the client capture.
    pub client_gateway: Ipv4Addr,
    /// The router's address on the client gateway's link.
    pub router_outside: Ipv4Addr,
    /// The router's address on the director's link.
    pub router_inside: Ipv4Addr,
    /// The service's address.
    pub vip: Ipv4Addr,
    /// The service's port.
    pub vip_port: u16,
    /// The director's own address on the real servers' link, which asks for their MACs.
    pub director: Ipv4Addr,
    /// The first of a FullNAT director's own addresses that it puts in the client's place.
    pub first_local: Ipv4Addr,
    /// The first real server's address.
    pub first_real_server: Ipv4Addr,
    /// The real servers' port; DR and TUN cannot rewrite it, so there it is not used.
    pub real_server_port: u16,
}

impl Network {
    /// The usual addresses for a mode: with two arms the VIP lies on its own link, with one on the real servers' link.
    pub fn new(mode: Mode) -> Self {
        let nat = mode.two_armed();
        Self {
            first_client: Ipv4Addr::new(198, 18, 0, 10),
            client_gateway: Ipv4Addr::new(188, 88, 88, 10),
            router_outside: Ipv4Addr::new(188, 88, 88, 1),
            router_inside: if nat {
                Ipv4Addr::new(203, 0, 113, 1)
            } else {
                Ipv4Addr::new(172, 16, 0, 1)
            },
            vip: if nat { Ipv4Addr::new(203, 0, 113, 8) } else { Ipv4Addr::new(172, 16, 0, 8) },
            vip_port: 80,
            director: Ipv4Addr::new(172, 16, 0, 2),
            first_local: Ipv4Addr::new(172, 16, 0, 240),
            first_real_server: Ipv4Addr::new(172, 16, 0, 11),
            real_server_port: if nat { 8000 } else { 80 },
        }
    }
}

/// The Internet Protocol's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    #[default]
    V4,
    /// IPv6: an address is 2001:db8::/96 with the IPv4 address of the same host behind it.
    V6,
}

/// The prefix of a V6 world's addresses (RFC 3849).
const PREFIX: [u8; 12] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0];

impl Family {
    /// Bytes of an IP header.
    pub fn header(self) -> u16 {
        match self {
            Self::V4 => 20,
            Self::V6 => 40,
        }
    }

    /// The 16 bytes of an IPv6 address.
    pub fn v6(address: u32) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..12].copy_from_slice(&PREFIX);
        bytes[12..].copy_from_slice(&address.to_be_bytes());
        bytes
    }

    /// An address as it is in this family.
    pub fn address(self, address: Ipv4Addr) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(address),
            Self::V6 => IpAddr::from(Self::v6(u32::from(address))),
        }
    }

    /// An endpoint as it is in this family.
    pub fn endpoint(self, endpoint: SocketAddrV4) -> SocketAddr {
        SocketAddr::new(self.address(*endpoint.ip()), endpoint.port())
    }
}

/// The address `steps` after `first`.
pub fn nth(first: Ipv4Addr, steps: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(first).wrapping_add(steps))
}
