//! The packet that an ICMP error quotes (RFC 792; RFC 4443, section 2.4).

use super::Protocol;
use super::ip::{self, Transport};
use super::{Icmp, Ip};

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
        let inner = ip::quoted(self.rest)?;
        let (src_port, dst_port, seq, syn) = match inner.transport {
            Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port, Some(tcp.seq), tcp.flags.syn()),
            Transport::Udp(udp) => (udp.src_port, udp.dst_port, None, false),
            // Cut before the sequence number: the ports are there.
            _ if inner.protocol.is_tcp() => {
                let (src, dst) = ip::quoted_ports(self.rest).unwrap_or((0, 0));
                (src, dst, None, false)
            }
            _ => (0, 0, None, false),
        };
        Some(Quote {
            src: inner.src,
            dst: inner.dst,
            protocol: inner.protocol,
            src_port,
            dst_port,
            seq,
            syn,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::icmp::decode_v4;

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
