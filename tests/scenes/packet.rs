//! Packets by their fields, as bytes with the checksums that they must have.

use etherparse::{IpNumber, TcpHeader, checksum};
use std::net::{IpAddr, SocketAddr};

/// TCP flags.
pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
/// ECE and CWR, by which a SYN asks for ECN (RFC 3168, section 6.1.1).
pub const ECN: u8 = 0xc0;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

/// What an IP packet carries.
#[derive(Debug, Clone)]
pub enum Body {
    /// A TCP segment; `options` as bytes, padded by the writer.
    Tcp {
        sport: u16,
        dport: u16,
        seq: u32,
        ack: u32,
        flags: u8,
        window: u16,
        options: Vec<u8>,
        payload: Vec<u8>,
    },
    /// A UDP datagram.
    Udp { sport: u16, dport: u16, payload: Vec<u8> },
    /// ICMP or ICMPv6 after its checksum: type, code, the rest.
    Icmp { kind: u8, code: u8, rest: Vec<u8> },
    /// A whole IP packet in this one (RFC 2003, RFC 2473).
    Ip(Box<Packet>),
    /// Anything else: protocol number and bytes.
    Raw(u8, Vec<u8>),
}

/// An IP packet.
#[derive(Debug, Clone)]
pub struct Packet {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub ttl: u8,
    /// IPv4 identification.
    pub id: u16,
    /// Don't fragment (IPv4).
    pub df: bool,
    /// IPv4 options, a multiple of four bytes.
    pub options: Vec<u8>,
    /// Of a fragment: bytes before it, and whether more follow.
    pub fragment: Option<(u16, bool)>,
    /// The transport checksum is wrong on the wire.
    pub bad_checksum: bool,
    pub body: Body,
}

impl Packet {
    /// A packet that its sender has just made.
    pub fn new(src: IpAddr, dst: IpAddr, body: Body) -> Self {
        Self {
            src,
            dst,
            ttl: 64,
            id: 0,
            df: true,
            options: Vec::new(),
            fragment: None,
            bad_checksum: false,
            body,
        }
    }

    /// A UDP datagram.
    pub fn udp(src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> Self {
        let body = Body::Udp { sport: src.port(), dport: dst.port(), payload: payload.to_vec() };
        Self::new(src.ip(), dst.ip(), body)
    }

    /// An ICMP error of a host about a packet: type, code, second word of the header
    /// (RFC 792, RFC 4443); it quotes the packet's header and 8 bytes, or all that fits.
    pub fn icmp_about(host: IpAddr, about: &Self, kind: u8, code: u8, word: u32) -> Self {
        let mut rest = word.to_be_bytes().to_vec();
        let quote = about.bytes();
        let most = if host.is_ipv4() { 548 } else { 1232 };
        rest.extend(&quote[..quote.len().min(most)]);
        Self::new(host, about.src, Body::Icmp { kind, code, rest })
    }

    /// The same with another identification, as each transmission has.
    pub fn id(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// The same with another time to live.
    pub fn ttl(self, ttl: u8) -> Self {
        Self { ttl, ..self }
    }

    /// The TCP or UDP ports, as endpoints: source, destination.
    pub fn ends(&self) -> (SocketAddr, SocketAddr) {
        let (s, d) = match self.body {
            Body::Tcp { sport, dport, .. } | Body::Udp { sport, dport, .. } => (sport, dport),
            _ => (0, 0),
        };
        (SocketAddr::new(self.src, s), SocketAddr::new(self.dst, d))
    }

    /// The same from another source.
    pub fn from(mut self, src: SocketAddr) -> Self {
        self.src = src.ip();
        if let Body::Tcp { sport, .. } | Body::Udp { sport, .. } = &mut self.body {
            *sport = src.port();
        }
        self
    }

    /// The same to another destination.
    pub fn to(mut self, dst: SocketAddr) -> Self {
        self.dst = dst.ip();
        if let Body::Tcp { dport, .. } | Body::Udp { dport, .. } = &mut self.body {
            *dport = dst.port();
        }
        self
    }

    /// The same with another TCP option before the others.
    pub fn with_option(mut self, option: &[u8]) -> Self {
        if let Body::Tcp { options, .. } = &mut self.body {
            options.splice(..0, option.iter().copied());
        }
        self
    }

    /// The same inside a tunnel's packet.
    pub fn within(self, src: IpAddr, dst: IpAddr) -> Self {
        let id = self.id;
        Self::new(src, dst, Body::Ip(Box::new(self))).id(id)
    }

    /// The packet inside a tunnel's.
    pub fn inner(self) -> Self {
        match self.body {
            Body::Ip(inner) => *inner,
            _ => self,
        }
    }

    /// The fragments of a packet, each with at most `size` bytes after its IPv4 header
    /// (a multiple of 8, RFC 791).
    pub fn fragments(&self, size: usize) -> Vec<Self> {
        let (protocol, whole) = self.transport();
        let last = whole.len().div_ceil(size) - 1;
        let piece = |(n, part): (usize, &[u8])| Self {
            df: false,
            fragment: Some(((n * size) as u16, n < last)),
            body: Body::Raw(protocol.0, part.to_vec()),
            ..self.clone()
        };
        whole.chunks(size).enumerate().map(piece).collect()
    }

    /// Its bytes from the IP header on.
    pub fn bytes(&self) -> Vec<u8> {
        let (protocol, mut transport) = self.transport();
        if self.bad_checksum {
            let at = match self.body {
                Body::Tcp { .. } => 16,
                Body::Udp { .. } => 6,
                _ => 2,
            };
            transport[at] ^= 0x5a;
        }
        let mut bytes = self.header(protocol, transport.len());
        bytes.extend(transport);
        bytes
    }

    fn header(&self, protocol: IpNumber, payload: usize) -> Vec<u8> {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let len = payload as u16;
                let mut ip = etherparse::Ipv4Header::new(
                    len,
                    self.ttl,
                    protocol,
                    src.octets(),
                    dst.octets(),
                )
                .unwrap();
                ip.identification = self.id;
                ip.dont_fragment = self.df && self.fragment.is_none();
                ip.options = self.options.as_slice().try_into().unwrap();
                ip.set_payload_len(payload).unwrap();
                if let Some((offset, more)) = self.fragment {
                    ip.more_fragments = more;
                    ip.fragment_offset = (offset / 8).try_into().unwrap();
                }
                ip.header_checksum = ip.calc_header_checksum();
                let mut bytes = Vec::new();
                ip.write(&mut bytes).unwrap();
                bytes
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let ip = etherparse::Ipv6Header {
                    payload_length: payload as u16,
                    next_header: protocol,
                    hop_limit: self.ttl,
                    source: src.octets(),
                    destination: dst.octets(),
                    ..Default::default()
                };
                ip.to_bytes().to_vec()
            }
            _ => panic!("one family a packet"),
        }
    }

    fn transport(&self) -> (IpNumber, Vec<u8>) {
        let v6 = self.src.is_ipv6();
        match &self.body {
            Body::Tcp { sport, dport, seq, ack, flags, window, options, payload } => {
                let mut tcp = TcpHeader::new(*sport, *dport, *seq, *window);
                tcp.acknowledgment_number = *ack;
                let has = |flag| flags & flag != 0;
                (tcp.fin, tcp.syn, tcp.rst) = (has(FIN), has(SYN), has(RST));
                (tcp.psh, tcp.ack) = (has(PSH), has(ACK));
                (tcp.ece, tcp.cwr) = (has(ECN & 0x40), has(ECN & 0x80));
                tcp.set_options_raw(options).unwrap();
                let mut bytes = tcp.to_bytes().to_vec();
                bytes.extend(payload);
                self.sum(6, &mut bytes, 16);
                (IpNumber::TCP, bytes)
            }
            Body::Udp { sport, dport, payload } => {
                let len = payload.len() as u16 + 8;
                let mut bytes: Vec<u8> =
                    [*sport, *dport, len, 0].into_iter().flat_map(u16::to_be_bytes).collect();
                bytes.extend(payload);
                self.sum(17, &mut bytes, 6);
                (IpNumber::UDP, bytes)
            }
            Body::Icmp { kind, code, rest } => {
                let mut bytes = vec![*kind, *code, 0, 0];
                bytes.extend(rest);
                if v6 {
                    self.sum(58, &mut bytes, 2);
                    return (IpNumber::IPV6_ICMP, bytes);
                }
                let sum = checksum::Sum16BitWords::new().add_slice(&bytes).ones_complement();
                bytes[2..4].copy_from_slice(&sum.to_ne_bytes());
                (IpNumber::ICMP, bytes)
            }
            Body::Ip(inner) => {
                let number = if inner.src.is_ipv6() { IpNumber::IPV6 } else { IpNumber::IPV4 };
                (number, inner.bytes())
            }
            Body::Raw(protocol, bytes) => (IpNumber(*protocol), bytes.clone()),
        }
    }

    /// Puts the checksum with the pseudo-header in place (RFC 9293, 3.1; RFC 8200, 8.1).
    fn sum(&self, protocol: u8, bytes: &mut [u8], at: usize) {
        let mut sum = checksum::Sum16BitWords::new();
        let sum = match (self.src, self.dst) {
            (IpAddr::V4(s), IpAddr::V4(d)) => sum.add_4bytes(s.octets()).add_4bytes(d.octets()),
            (IpAddr::V6(s), IpAddr::V6(d)) => sum.add_16bytes(s.octets()).add_16bytes(d.octets()),
            _ => panic!("one family a packet"),
        };
        let sum = sum.add_2bytes([0, protocol]).add_2bytes((bytes.len() as u16).to_be_bytes());
        let sum = sum.add_slice(bytes).ones_complement();
        bytes[at..at + 2].copy_from_slice(&sum.to_ne_bytes());
    }
}
