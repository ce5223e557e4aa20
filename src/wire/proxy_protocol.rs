//! The PROXY protocol header, versions 1 and 2, as haproxy's
//! doc/proxy-protocol.txt states it.

use super::Ip;
use std::net::IpAddr;

/// The connection that a proxy accepted, as it tells the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyHeader {
    /// The client's address and port.
    pub client: (Ip, u16),
    /// The address and port that the client connected to.
    pub server: (Ip, u16),
    /// Bytes that the header takes.
    pub len: usize,
}

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

impl ProxyHeader {
    /// Reads the header at the start of a segment's payload; a header that names
    /// nobody (`UNKNOWN`, `LOCAL`) is none.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        if payload.starts_with(b"PROXY TCP") { Self::v1(payload) } else { Self::v2(payload) }
    }

    fn v1(payload: &[u8]) -> Option<Self> {
        // At most 107 bytes with the line end.
        let end = payload.iter().take(107).position(|b| *b == b'\n')?;
        let line = std::str::from_utf8(&payload[..end]).ok()?.trim_end();
        let mut words = line.split(' ').skip(2);
        let mut ip = || words.next()?.parse::<IpAddr>().ok().map(Ip::from);
        let (client, server) = (ip()?, ip()?);
        let mut port = || words.next()?.parse::<u16>().ok();
        Some(Self { client: (client, port()?), server: (server, port()?), len: end + 1 })
    }

    fn v2(payload: &[u8]) -> Option<Self> {
        let rest = payload.strip_prefix(V2)?;
        let [0x21, family, hi, lo, body @ ..] = rest else { return None };
        let len = usize::from(u16::from_be_bytes([*hi, *lo]));
        let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
        let (client, server) = match family >> 4 {
            1 => {
                let ip = |at: usize| body.get(at..at + 4)?.first_chunk().map(|b| Ip::v4(*b));
                ((ip(0)?, port(8)?), (ip(4)?, port(10)?))
            }
            2 => {
                let ip = |at: usize| body.get(at..at + 16)?.first_chunk().map(|b| Ip::v6(*b));
                ((ip(0)?, port(32)?), (ip(16)?, port(34)?))
            }
            _ => return None,
        };
        Some(Self { client, server, len: V2.len() + 4 + len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_name_both_ends() {
        let v1 = ProxyHeader::parse(b"PROXY TCP4 192.0.2.7 203.0.113.8 40000 80\r\nGET").unwrap();
        assert_eq!(v1.client.0.with_port(v1.client.1), "192.0.2.7:40000");
        assert_eq!((v1.server.1, v1.len), (80, 43));
        let mut v2 = V2.to_vec();
        v2.extend([0x21, 0x11, 0, 12, 192, 0, 2, 7, 203, 0, 113, 8, 0x9c, 0x40, 0, 80]);
        let v2 = ProxyHeader::parse(&v2).unwrap();
        assert_eq!((v2.client, v2.server, v2.len), (v1.client, v1.server, 28));
    }

    #[test]
    fn cut_and_local_headers_name_nobody() {
        let text = b"PROXY TCP4 192.0.2.7 203.0.113.8 40000 80\r\n";
        for len in 0..text.len() {
            assert_eq!(ProxyHeader::parse(&text[..len]), None, "cut at {len}");
        }
        assert_eq!(ProxyHeader::parse(b"PROXY UNKNOWN\r\n"), None);
        let mut local = V2.to_vec();
        local.extend([0x20, 0, 0, 0]);
        assert_eq!(ProxyHeader::parse(&local), None);
    }
}
