//! Addresses in the form that tables compare and hash fastest.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An IP address of either family in 16 bytes; IPv4 is held IPv4-mapped
/// (RFC 4291, section 2.5.5.2), so that one comparison serves both families.
// Aligned to four bytes: an address with its port takes 20 bytes, not 24.
#[repr(C, packed(4))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ip {
    hi: u64,
    lo: u64,
}

const MAPPED: u64 = 0xffff_0000_0000;

impl Ip {
    /// From four octets, network order.
    #[inline]
    #[must_use]
    pub const fn v4(octets: [u8; 4]) -> Self {
        Self { hi: 0, lo: MAPPED | u32::from_be_bytes(octets) as u64 }
    }

    /// From sixteen octets, network order.
    #[inline]
    #[must_use]
    pub const fn v6(octets: [u8; 16]) -> Self {
        let all = u128::from_be_bytes(octets);
        Self { hi: (all >> 64) as u64, lo: all as u64 }
    }

    /// The address as two words, for hashing.
    #[inline]
    #[must_use]
    pub const fn words(self) -> [u64; 2] {
        [self.hi, self.lo]
    }

    /// Whether it is an IPv4 address.
    #[inline]
    #[must_use]
    pub const fn is_v4(self) -> bool {
        self.hi == 0 && self.lo >> 32 == MAPPED >> 32
    }

    /// The standard library's form.
    #[must_use]
    pub fn addr(self) -> IpAddr {
        if self.is_v4() {
            IpAddr::V4(Ipv4Addr::from(self.lo as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from((u128::from(self.hi) << 64) | u128::from(self.lo)))
        }
    }

    /// Whether it is 0.0.0.0 or ::.
    #[must_use]
    pub fn is_unspecified(self) -> bool {
        self.addr().is_unspecified()
    }

    /// Whether a single host can own it: not multicast, broadcast, unspecified.
    #[must_use]
    pub fn is_host(self) -> bool {
        match self.addr() {
            IpAddr::V4(a) => !(a.is_multicast() || a.is_broadcast() || a.is_unspecified()),
            IpAddr::V6(a) => !(a.is_multicast() || a.is_unspecified()),
        }
    }

    /// Whether it is fe80::/10 or 169.254.0.0/16.
    #[must_use]
    pub fn is_link_local(self) -> bool {
        match self.addr() {
            IpAddr::V4(a) => a.is_link_local(),
            IpAddr::V6(a) => a.is_unicast_link_local(),
        }
    }

    /// Whether it is 127.0.0.0/8 or ::1.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        self.addr().is_loopback()
    }

    /// Whether it is an address of IPv4 that no router of the Internet knows (RFC 1918).
    #[must_use]
    pub fn is_private_v4(self) -> bool {
        matches!(self.addr(), IpAddr::V4(a) if a.is_private())
    }

    /// Whether it is an address of IPv4 that the Internet may know: no private, shared, loopback or link-local one.
    #[must_use]
    pub fn is_public_v4(self) -> bool {
        let IpAddr::V4(a) = self.addr() else { return false };
        self.is_host()
            && !(a.is_private() || a.is_loopback() || a.is_link_local() || self.is_shared_space())
    }

    /// Whether it lies in the shared address space 100.64.0.0/10 (RFC 6598),
    /// which cloud load balancers use for their proxies and health checks.
    #[must_use]
    pub fn is_shared_space(self) -> bool {
        self.is_v4() && (self.lo as u32) >> 22 == (100 << 2 | 64 >> 6)
    }

    /// The network of its link, as far as an address tells it: 24 bits of IPv4, 64 of IPv6 (RFC 4291, section
    /// 2.5.4).
    #[must_use]
    pub fn network(self) -> u128 {
        match self.addr() {
            IpAddr::V4(ip) => u128::from(u32::from(ip) >> 8),
            IpAddr::V6(ip) => u128::from(ip) >> 64 | 1 << 127,
        }
    }

    /// Whether it lies in the network of which the first `bits` of an address count.
    #[must_use]
    pub fn is_within(self, network: Self, bits: u8) -> bool {
        match (self.addr(), network.addr()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let left = 32 - u32::from(bits.min(32));
                (u64::from(a.to_bits()) >> left) == (u64::from(b.to_bits()) >> left)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let left = 128 - u32::from(bits.min(128));
                let head = |address: u128| address.checked_shr(left).unwrap_or(0);
                head(a.to_bits()) == head(b.to_bits())
            }
            _ => false,
        }
    }

    /// `ip:port`, or `[ip]:port` for IPv6.
    #[must_use]
    pub fn with_port(self, port: u16) -> String {
        std::net::SocketAddr::new(self.addr(), port).to_string()
    }
}

impl From<IpAddr> for Ip {
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(a) => Self::v4(a.octets()),
            IpAddr::V6(a) => Self::v6(a.octets()),
        }
    }
}

impl fmt::Display for Ip {
    /// Reports name addresses by the hundred thousand: those of IPv4 are written at once, for a fifth of what
    /// the standard library takes, number by number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addr() {
            IpAddr::V4(ip) => {
                let mut text = [0; DOTTED];
                let len = dotted(ip.octets(), &mut text);
                f.pad(std::str::from_utf8(&text[..len]).unwrap_or_default())
            }
            IpAddr::V6(ip) => ip.fmt(f),
        }
    }
}

/// Bytes of the longest IPv4 address.
const DOTTED: usize = "255.255.255.255".len();

/// Writes an IPv4 address, and says how long it is.
fn dotted(octets: [u8; 4], text: &mut [u8; DOTTED]) -> usize {
    let mut len = 0;
    let mut put = |byte: u8| {
        text[len] = byte;
        len += 1;
    };
    for (i, n) in octets.into_iter().enumerate() {
        if i > 0 {
            put(b'.');
        }
        if n >= 100 {
            put(b'0' + n / 100);
        }
        if n >= 10 {
            put(b'0' + n / 10 % 10);
        }
        put(b'0' + n % 10);
    }
    len
}

impl fmt::Debug for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An IEEE 802 MAC address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// ff:ff:ff:ff:ff:ff
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// 00:00:00:00:00:00, which Linux shows on lo.
    pub const ZERO: Self = Self([0; 6]);

    /// From the first six bytes of a slice that holds at least as many.
    #[inline]
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk::<6>().map(|b| Self(*b))
    }

    /// Whether it names one interface: not a group address, not all zero.
    #[inline]
    #[must_use]
    pub fn is_unicast(self) -> bool {
        self.0[0] & 1 == 0 && self != Self::ZERO
    }

    /// Whether it names several interfaces, and not all.
    #[must_use]
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1 && self != Self::BROADCAST
    }

    /// Whether it is the one MAC that the gateways of a cloud's networks have (Azure, Alibaba
    /// Cloud): no machine of its users.
    #[must_use]
    pub fn is_clouds_gateway(self) -> bool {
        matches!(
            self.0,
            [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc] | [0xee, 0xff, 0xff, 0xff, 0xff, 0xff]
        )
    }

    /// Whether it is a VRRP virtual router's MAC (RFC 5798, section 7.3).
    #[must_use]
    pub fn is_vrrp(self) -> bool {
        self.0[..4] == [0, 0, 0x5e, 0] && (self.0[4] == 1 || self.0[4] == 2)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"00:00:00:00:00:00";
        for (digits, byte) in text.chunks_mut(3).zip(self.0) {
            digits[0] = HEX[usize::from(byte >> 4)];
            digits[1] = HEX[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A text that is no MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotMac;

impl FromStr for Mac {
    type Err = NotMac;

    /// `52:54:00:0d:47:99`, also with `-`, with leading zeros left out as BSD prints it, or as
    /// `5254.000d.4799`.
    fn from_str(text: &str) -> Result<Self, NotMac> {
        let (separator, digits, groups) = match text.find(['-', '.', ':']) {
            Some(at) if text.as_bytes()[at] == b'-' => ('-', 1..=2, 6),
            Some(at) if text.as_bytes()[at] == b'.' => ('.', 4..=4, 3),
            _ => (':', 1..=2, 6),
        };
        let mut parts = text.split(separator);
        let mut number = 0_u64;
        for _ in 0..groups {
            let hex = |p: &&str| p.bytes().all(|b| b.is_ascii_hexdigit());
            let part =
                parts.next().filter(|p| digits.contains(&p.len())).filter(hex).ok_or(NotMac)?;
            let group = u64::from_str_radix(part, 16).map_err(|_| NotMac)?;
            number = number << (48 / groups) | group;
        }
        let [_, _, bytes @ ..] = number.to_be_bytes();
        parts.next().is_none().then_some(Self(bytes)).ok_or(NotMac)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_read_in_the_forms_that_tools_print() {
        let wanted = Ok(Mac([0x52, 0x54, 0, 0x0d, 0x47, 0x99]));
        for text in ["52:54:00:0d:47:99", "52-54-00-0D-47-99", "52:54:0:d:47:99", "5254.000d.4799"]
        {
            assert_eq!(text.parse(), wanted, "{text}");
        }
        for text in [
            "",
            ":::::",
            "52:54:00:0d:47",
            "52:54:00:0d:47:99:01",
            "52:54:00:0d:47:+9",
            "52:54:00:0d:47:999",
            "52-54:00:0d:47:99",
            "5254.000d.479",
            "0x52:54:00:0d:47:99",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(NotMac), "{text}");
        }
    }

    #[test]
    fn both_families_round_trip() {
        for text in ["192.0.2.1", "::", "::1", "2001:db8::7", "0.0.0.0", "255.255.255.255"] {
            let addr: IpAddr = text.parse().unwrap();
            assert_eq!(Ip::from(addr).addr(), addr);
        }
        assert!(!Ip::from("::1".parse::<IpAddr>().unwrap()).is_v4());
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_writes_them() {
        for n in 0..=255u8 {
            for octets in [[n, 0, 255, 10], [1, n, n, 99], [100, 9, 1, n]] {
                let (own, theirs) = (Ip::v4(octets), Ipv4Addr::from(octets));
                assert_eq!(own.to_string(), theirs.to_string());
                assert_eq!(format!("{own:<17}|{own:>3}"), format!("{theirs:<17}|{theirs:>3}"));
            }
        }
        let mapped = "::ffff:192.0.2.1".parse::<IpAddr>().unwrap();
        assert_eq!(Ip::from(mapped).to_string(), "192.0.2.1");
        let long = "2001:db8::7".parse::<IpAddr>().unwrap();
        assert_eq!(format!("{:>13}", Ip::from(long)), "  2001:db8::7");
    }

    #[test]
    fn shared_space_is_a_slash_ten() {
        let shared = |s: &str| Ip::from(s.parse::<IpAddr>().unwrap()).is_shared_space();
        assert!(shared("100.64.0.0") && shared("100.127.255.255"));
        assert!(!shared("100.63.255.255") && !shared("100.128.0.0") && !shared("10.64.0.1"));
    }

    #[test]
    fn group_and_zero_addresses_are_not_unicast() {
        assert!(!Mac::BROADCAST.is_unicast() && !Mac::ZERO.is_unicast());
        assert!(!Mac([1, 0, 0x5e, 0, 0, 0x12]).is_unicast());
        assert!(Mac([0, 0, 0x5e, 0, 1, 51]).is_vrrp());
    }
}
