//! Addresses in headers, and what of their change reaches other sums.

use super::StandIns;
use crate::wire::Ip;

/// Sums of the pseudo headers (RFC 9293, section 3.1; RFC 8200, section 8.1), as far as
/// they change: of the addresses, before and after.
pub(super) type Around = (u16, u16);

/// Puts a stand-in in the place of an IPv4 address.
pub(super) fn v4_at(with: &mut impl StandIns, bytes: &mut [u8], at: usize) {
    if let Some(bytes) = bytes.get_mut(at..at + 4)
        && let Some(octets) = bytes.first_chunk::<4>()
    {
        let to = with.ip(Ip::v4(*octets));
        if let std::net::IpAddr::V4(to) = to.addr() {
            bytes.copy_from_slice(&to.octets());
        }
    }
}

/// The same for IPv6, also for an address that holds an IPv4 one.
pub(super) fn v6_at(with: &mut impl StandIns, bytes: &mut [u8], at: usize) {
    if let Some(bytes) = bytes.get_mut(at..at + 16)
        && let Some(octets) = bytes.first_chunk::<16>()
    {
        let octets = match with.ip(Ip::v6(*octets)).addr() {
            std::net::IpAddr::V4(to) => to.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(to) => to.octets(),
        };
        bytes.copy_from_slice(&octets);
    }
}
