//! Frames built by etherparse, and what lbdiag sees in them.

use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader, TcpOptionElement};
use lbdiag::capture::{Frame, LinkType, Timestamp};
use lbdiag::flow::{Mark, Observations, Observer};
use lbdiag::wire::{self, Packet};

/// An address with a port.
pub type End = ([u8; 4], u16);

pub const CLIENT: End = ([198, 51, 100, 7], 40_000);
pub const VIP: End = ([192, 0, 2, 8], 80);
pub const SERVER: End = ([10, 0, 0, 11], 8000);

pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x0c];
pub const DIRECTOR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x0d];
pub const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x0e];

/// A TCP segment, to be changed field by field.
#[derive(Debug, Clone)]
pub struct Segment {
    pub macs: ([u8; 6], [u8; 6]),
    pub src: End,
    pub dst: End,
    pub ttl: u8,
    pub id: u16,
    pub seq: u32,
    pub ack: Option<u32>,
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    /// What a Linux SYN has: MSS, SACK, timestamps, window scale.
    pub options: bool,
    /// Its timestamp, else its sequence number stands for one.
    pub tsval: Option<u32>,
    /// A client that a balancer wrote into the segment (TOA, kind 254).
    pub names: Option<End>,
    /// Class of service (RFC 2474).
    pub dscp: u8,
    /// Don't fragment.
    pub df: bool,
    /// In a Geneve tunnel, whose header has options or not.
    pub tunnel: Option<bool>,
    pub payload: Vec<u8>,
}

impl Segment {
    /// A bare segment from one end to the other.
    pub fn new(src: End, dst: End, seq: u32) -> Self {
        Self {
            macs: (CLIENT_MAC, DIRECTOR_MAC),
            src,
            dst,
            ttl: 64,
            id: (seq >> 3) as u16 | 1,
            seq,
            ack: None,
            syn: false,
            fin: false,
            rst: false,
            options: false,
            tsval: None,
            names: None,
            dscp: 0,
            df: true,
            tunnel: None,
            payload: Vec::new(),
        }
    }

    pub fn syn(src: End, dst: End, isn: u32) -> Self {
        Self { syn: true, options: true, ..Self::new(src, dst, isn) }
    }

    pub fn ack(src: End, dst: End, seq: u32, ack: u32) -> Self {
        Self { ack: Some(ack), ..Self::new(src, dst, seq) }
    }

    pub fn data(src: End, dst: End, seq: u32, ack: u32, payload: &[u8]) -> Self {
        Self { payload: payload.to_vec(), ..Self::ack(src, dst, seq, ack) }
    }

    /// With another IP identification, as each transmission has.
    pub fn id(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// On another link: from, to, TTL.
    pub fn on(self, from: [u8; 6], to: [u8; 6], ttl: u8) -> Self {
        Self { macs: (from, to), ttl, ..self }
    }

    fn header(&self) -> TcpHeader {
        let mut tcp = TcpHeader::new(self.src.1, self.dst.1, self.seq, 64_240);
        tcp.syn = self.syn;
        tcp.fin = self.fin;
        tcp.rst = self.rst;
        if let Some(ack) = self.ack {
            tcp.ack = true;
            tcp.acknowledgment_number = ack;
        }
        if self.options {
            tcp.set_options(&[
                TcpOptionElement::MaximumSegmentSize(1460),
                TcpOptionElement::SelectiveAcknowledgementPermitted,
                TcpOptionElement::Timestamp(self.tsval.unwrap_or(self.seq), 0),
                TcpOptionElement::Noop,
                TcpOptionElement::WindowScale(7),
            ])
            .unwrap();
        }
        if let Some((ip, port)) = self.names {
            let mut raw = vec![254, 8];
            raw.extend(port.to_be_bytes());
            raw.extend(ip);
            tcp.set_options_raw(&raw).unwrap();
        }
        tcp
    }

    /// The IPv4 packet without a link header.
    pub fn packet(&self) -> Vec<u8> {
        self.ethernet().split_off(14)
    }

    /// The frame on Ethernet.
    pub fn ethernet(&self) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2(self.macs.0, self.macs.1);
        let mut ip = etherparse::Ipv4Header::new(
            0,
            self.ttl,
            etherparse::ip_number::TCP,
            self.src.0,
            self.dst.0,
        )
        .unwrap();
        ip.identification = self.id;
        ip.dont_fragment = self.df;
        ip.dscp = self.dscp.try_into().unwrap();
        let builder = builder.ip(etherparse::IpHeaders::Ipv4(ip, Default::default()));
        let frame = build(builder.tcp_header(self.header()), &self.payload);
        self.tunnel.map_or(frame.clone(), |options| geneve(&frame, options))
    }
}

/// A frame in Geneve (RFC 8926) between two hosts of a network below, with one option or none.
fn geneve(frame: &[u8], options: bool) -> Vec<u8> {
    let mut payload = vec![u8::from(options) * 2, 0, 0x65, 0x58, 0, 0, 7, 0];
    if options {
        payload.extend([0x01, 0x08, 1, 1, 0, 0, 0, 9]);
    }
    payload.extend(frame);
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 0x71], [2, 0, 0, 0, 0, 0x72])
        .ipv4([10, 9, 0, 1], [10, 9, 0, 2], 64)
        .udp(40_000, 6081);
    let mut bytes = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut bytes, &payload).unwrap();
    bytes
}

/// Writes what a builder has.
pub fn build(builder: PacketBuilderStep<TcpHeader>, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(builder.size(payload.len()));
    builder.write_to_vec(&mut bytes, payload).unwrap();
    bytes
}

/// A frame around bytes of which `wire` were on the wire.
pub fn framed(link_type: LinkType, data: &[u8], wire: usize) -> Frame<'_> {
    Frame {
        number: 1,
        time: Timestamp(0),
        interface: 0,
        link_type,
        wire_len: wire as u32,
        data,
        known: lbdiag::capture::Known::ALL,
    }
}

/// Decodes a whole Ethernet frame.
pub fn decode(data: &[u8]) -> Packet<'_> {
    wire::decode(&framed(LinkType::ETHERNET, data, data.len()))
}

/// A vantage fed frame by frame; frames are numbered from 1.
#[derive(Debug)]
pub struct Vantage {
    observer: Observer,
    frames: u32,
}

impl Default for Vantage {
    fn default() -> Self {
        Self { observer: Observer::new(LinkType::ETHERNET), frames: 0 }
    }
}

impl Vantage {
    /// Takes in an Ethernet frame at a time in microseconds.
    pub fn frame(&mut self, us: i64, data: &[u8]) -> &mut Self {
        self.frames += 1;
        let mark = Mark::new(self.frames, Timestamp(us * 1000));
        self.observer.observe(mark, &decode(data), false);
        self
    }

    /// Takes in a segment.
    pub fn see(&mut self, us: i64, segment: &Segment) -> &mut Self {
        self.frame(us, &segment.ethernet())
    }

    /// What it saw.
    pub fn finish(self) -> Observations {
        self.observer.finish("test".to_owned(), 0)
    }
}

/// A whole exchange: handshake, request, answer, both FINs; microseconds from
/// `start` on, one frame each 100.
pub fn exchange(client: End, server: End, isn: u32, start: i64) -> Vec<(i64, Segment)> {
    let (c, s) = (isn, isn.wrapping_add(0x1000_0000));
    let fin = |segment: Segment| Segment { fin: true, ..segment };
    let segments = [
        Segment::syn(client, server, c),
        Segment { ack: Some(c + 1), ..Segment::syn(server, client, s) },
        Segment::ack(client, server, c + 1, s + 1),
        Segment::data(client, server, c + 1, s + 1, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Segment::data(server, client, s + 1, c + 28, b"HTTP/1.1 200 OK\r\n\r\nok"),
        fin(Segment::ack(server, client, s + 22, c + 28)),
        fin(Segment::ack(client, server, c + 28, s + 23)),
        Segment::ack(server, client, s + 23, c + 29),
    ];
    let timed = segments.into_iter().enumerate();
    timed
        .map(|(n, segment)| {
            // Answers come through a router: the capture was taken on the client.
            let back = segment.src == server;
            let segment = if back { segment.on(DIRECTOR_MAC, CLIENT_MAC, 63) } else { segment };
            (start + n as i64 * 100, segment)
        })
        .collect()
}
