//! The packet that an ICMP error quotes (RFC 792; RFC 4443, section 2.4).

use super::ip;
use super::tunnel::MAX_TUNNELS;
use super::{Icmp, Ip, IpPacket, Protocol, Transport};
use etherparse::LaxIpSlice;

/// The packet that an ICMP error quotes, as far as it was quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Source address.
    pub src: Ip,
    /// Destination address.
    pub dst: Ip,
    /// IP protocol.
    pub protocol: Protocol,
    /// Source port; 0 where none was quoted.
    pub src_port: u16,
    /// Destination port; 0 where none was quoted.
    pub dst_port: u16,
    /// TCP sequence number, where quoted.
    pub seq: Option<u32>,
    /// TCP control bits, where quoted.
    pub syn: bool,
}

impl Icmp<'_> {
    /// The packet that it quotes.
    #[must_use]
    pub fn quote(&self) -> Option<Quote> {
        if !self.is_error() {
            return None;
        }
        Some(Quote::of(&packet(self.rest)?, self.rest))
    }

    /// The packet inside the one that it quotes, where that is a tunnel in which a balancer forwards.
    #[must_use]
    pub fn quote_inside(&self) -> Option<Quote> {
        let inside = self.is_error().then(|| inside(self.rest)).flatten()?;
        Some(Quote::of(&inside, &[])).filter(|quote| quote.dst_port != 0)
    }
}

impl Quote {
    /// Of a packet, or of its first bytes, which may hold no more than its ports.
    fn of(inner: &IpPacket<'_>, bytes: &[u8]) -> Self {
        let (src_port, dst_port, seq, syn) = match &inner.transport {
            Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port, Some(tcp.seq), tcp.flags.syn()),
            Transport::Udp(udp) => (udp.src_port, udp.dst_port, None, false),
            // Cut before the sequence number: the ports are there.
            _ if inner.protocol.is_tcp() => {
                let (src, dst) = ports(bytes).unwrap_or((0, 0));
                (src, dst, None, false)
            }
            _ => (0, 0, None, false),
        };
        Self {
            src: inner.src,
            dst: inner.dst,
            protocol: inner.protocol,
            src_port,
            dst_port,
            seq,
            syn,
        }
    }
}

/// The packet that an ICMP error quotes.
pub(super) fn packet(bytes: &[u8]) -> Option<IpPacket<'_>> {
    ip::open(bytes, bytes.len() as u32, None, MAX_TUNNELS).map(|opened| opened.ip)
}

/// The packet inside a quoted one, where that is a tunnel in which a balancer forwards.
fn inside(bytes: &[u8]) -> Option<IpPacket<'_>> {
    let opened = ip::open(bytes, bytes.len() as u32, None, MAX_TUNNELS - 1)?;
    opened.ip.outer.is_some_and(|outer| outer.is_forwarding()).then_some(opened.ip)
}

/// The ports of a quoted packet of which no more was quoted.
fn ports(bytes: &[u8]) -> Option<(u16, u16)> {
    let (slice, _) = LaxIpSlice::from_slice(bytes).ok()?;
    let payload = match &slice {
        LaxIpSlice::Ipv4(v4) => v4.payload().payload,
        LaxIpSlice::Ipv6(v6) => v6.payload().payload,
    };
    let ports = payload.first_chunk::<4>()?;
    Some((u16::from_be_bytes([ports[0], ports[1]]), u16::from_be_bytes([ports[2], ports[3]])))
}

#[cfg(test)]
mod tests {
    use super::super::icmp::decode_v4;

    #[test]
    fn what_a_quoted_tunnel_carries_is_read() {
        let mut bytes = vec![3, 3, 0, 0, 0, 0, 0, 0];
        bytes.extend([0x45, 0, 0, 76, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend([0x9c, 0x40, 0x17, 0xc0, 0, 56, 0, 0, 0, 4, 0, 0]);
        let plain = decode_v4(&bytes).unwrap();
        assert_eq!(plain.quote_inside(), None);
        bytes.extend([0x45, 0, 0, 44, 0, 1, 0x40, 0, 63, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]);
        bytes.extend([
            0xaf, 0xc8, 0, 80, 0, 0, 0, 5, 0, 0, 0, 0, 0x60, 2, 0xff, 0xff, 0, 0, 0, 0, 2, 4, 5,
            0xb4,
        ]);
        let error = decode_v4(&bytes).unwrap();
        let (outer, inner) = (error.quote().unwrap(), error.quote_inside().unwrap());
        assert_eq!((outer.dst.to_string(), outer.dst_port), ("10.0.0.2".to_owned(), 6080));
        assert_eq!((inner.dst.to_string(), inner.dst_port), ("198.51.100.7".to_owned(), 80));
        assert!(inner.syn);
    }

    #[test]
    fn an_error_quotes_eight_bytes_of_the_transport() {
        let mut bytes = vec![3, 1, 0, 0, 0, 0, 0, 0];
        bytes.extend([0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]);
        bytes.extend([0xaf, 0xc8, 0, 80, 0, 0, 0, 5]);
        let quote = decode_v4(&bytes).unwrap().quote().unwrap();
        assert_eq!((quote.src_port, quote.dst_port, quote.seq), (45000, 80, Some(5)));
        assert_eq!(quote.dst.to_string(), "198.51.100.7");
    }
}
