//! Reads a generated capture with code that the generator does not share: pcap-parser and etherparse.

use etherparse::{
    NetSlice, SlicedPacket, TcpOptionElement, TransportSlice, TransportSlice::Icmpv6,
};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};
use std::error::Error;
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::Path;

/// An error of any kind, for tests.
pub type Fault = Box<dyn Error>;

/// A decoded TCP frame, or none for ARP.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Nanoseconds since 1970.
    pub at: u64,
    /// Ethernet destination and source; a cooked frame has its source alone.
    pub macs: (Option<[u8; 6]>, [u8; 6]),
    /// Cooked: interface and packet type.
    pub cooked: Option<(u32, u8)>,
    /// What the frame carries.
    pub tcp: Option<Tcp>,
}

/// A TCP segment whose IP and TCP checksums were found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    pub from: (Ipv4Addr, u16),
    pub to: (Ipv4Addr, u16),
    pub ttl: u8,
    pub id: u16,
    pub seq: u32,
    pub ack: Option<u32>,
    pub syn: bool,
    pub fin: bool,
    /// TSval, TSecr.
    pub stamps: Option<(u32, u32)>,
    /// The client that the TOA option names.
    pub named: Option<(Ipv4Addr, u16)>,
    /// The ends of the tunnel around it.
    pub tunnel: Option<(Ipv4Addr, Ipv4Addr)>,
    pub v6: bool,
    pub payload: Vec<u8>,
}

/// All frames of a capture with nanosecond timestamps. Fails on a frame that does not decode to its end, on a wrong
/// checksum and on a length that is not the record's.
pub fn frames(path: &Path) -> Result<Vec<Frame>, Fault> {
    let mut reader =
        LegacyPcapReader::new(1 << 20, File::open(path)?).map_err(|e| format!("{e:?}"))?;
    let mut frames = Vec::new();
    let mut cooked = false;
    loop {
        match reader.next() {
            Ok((used, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        assert!(header.is_nanosecond_precision());
                        cooked = header.network.0 == 276;
                        assert!(cooked || header.network.0 == 1);
                    }
                    PcapBlockOwned::Legacy(record) => {
                        assert_eq!(record.caplen, record.origlen);
                        let at =
                            u64::from(record.ts_sec) * 1_000_000_000 + u64::from(record.ts_usec);
                        frames.push(decode(at, record.data, cooked)?);
                    }
                    PcapBlockOwned::NG(_) => return Err("pcapng".into()),
                }
                reader.consume(used);
            }
            Err(PcapError::Eof) => return Ok(frames),
            Err(PcapError::Incomplete(_)) => reader.refill().map_err(|e| format!("{e:?}"))?,
            Err(e) => return Err(format!("{e:?}").into()),
        }
    }
}

fn decode(at: u64, data: &[u8], cooked: bool) -> Result<Frame, Fault> {
    let mac = |bytes: &[u8]| <[u8; 6]>::try_from(bytes);
    if cooked {
        let number = |range: std::ops::Range<usize>| {
            data[range].iter().fold(0u32, |n, &b| n << 8 | u32::from(b))
        };
        assert_eq!((number(8..10), data[11]), (1, 6), "ARPHRD_ETHER with a MAC");
        let tcp = match number(0..2) {
            0x0800 | 0x86dd => tcp(&data[20..])?,
            0x0806 => None,
            other => return Err(format!("EtherType {other:#x}").into()),
        };
        return Ok(Frame {
            at,
            macs: (None, mac(&data[12..18])?),
            cooked: Some((number(4..8), data[10])),
            tcp,
        });
    }
    let packet = SlicedPacket::from_ethernet(data)?;
    let tcp = match &packet.net {
        Some(NetSlice::Arp(_)) => None,
        _ => tcp(&data[14..])?,
    };
    Ok(Frame { at, macs: (Some(mac(&data[..6])?), mac(&data[6..12])?), cooked: None, tcp })
}

/// An IPv6 address of the worlds, which all hold an IPv4 address.
fn v4(address: std::net::Ipv6Addr) -> Ipv4Addr {
    let bytes = address.octets();
    assert_eq!(bytes[..12], [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0]);
    Ipv4Addr::new(bytes[12], bytes[13], bytes[14], bytes[15])
}

/// The TCP segment of an IP packet, through one tunnel; none for neighbour discovery.
fn tcp(data: &[u8]) -> Result<Option<Tcp>, Fault> {
    let packet = SlicedPacket::from_ip(data)?;
    let (from, to, ttl, id, inner) = match &packet.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            assert_eq!(usize::from(header.total_len()), data.len());
            assert!(header.dont_fragment());
            assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
            let tunnel = (header.protocol().0 == 4).then_some(20);
            let ends = (header.source_addr(), header.destination_addr());
            (ends.0, ends.1, header.ttl(), header.identification(), tunnel)
        }
        Some(NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            assert_eq!(usize::from(header.payload_length()) + 40, data.len());
            if let Some(Icmpv6(icmp)) = &packet.transport {
                let (from, to) = (header.source(), header.destination());
                assert!(icmp.is_checksum_valid(from, to) && header.hop_limit() == 255);
                return Ok(None);
            }
            let tunnel = (header.next_header().0 == 41).then_some(40);
            let ends = (v4(header.source_addr()), v4(header.destination_addr()));
            (ends.0, ends.1, header.hop_limit(), 0, tunnel)
        }
        _ => return Err("not IP".into()),
    };
    if let Some(outer) = inner {
        let inner = tcp(&data[outer..])?.ok_or("no TCP in the tunnel")?;
        assert!(inner.tunnel.is_none() && inner.ttl == ttl);
        return Ok(Some(Tcp { tunnel: Some((from, to)), ..inner }));
    }
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
        return Err("not TCP".into());
    };
    let calculated = match &packet.net {
        Some(NetSlice::Ipv6(ip)) => {
            tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination())?
        }
        _ => tcp.calc_checksum_ipv4(from.octets(), to.octets())?,
    };
    assert_eq!(tcp.checksum(), calculated);
    let (mut stamps, mut named) = (None, None);
    let mut options = tcp.options();
    while let [kind, rest @ ..] = options {
        match kind {
            1 => options = rest,
            254 => {
                // In IPv6 the address ends as that of the same host in IPv4.
                let [8, p0, p1, a, b, c, d, left @ ..] = rest else {
                    let [20, p0, p1, _, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, left @ ..] =
                        rest
                    else {
                        return Err("a wrong TOA option".into());
                    };
                    named = Some((Ipv4Addr::new(*a, *b, *c, *d), u16::from_be_bytes([*p0, *p1])));
                    options = left;
                    continue;
                };
                named = Some((Ipv4Addr::new(*a, *b, *c, *d), u16::from_be_bytes([*p0, *p1])));
                options = left;
            }
            _ => options = &options[usize::from(options[1])..],
        }
    }
    for option in tcp.options_iterator() {
        if let Ok(TcpOptionElement::Timestamp(value, echo)) = option {
            stamps = Some((value, echo));
        }
    }
    Ok(Some(Tcp {
        from: (from, tcp.source_port()),
        to: (to, tcp.destination_port()),
        ttl,
        id,
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        stamps,
        named,
        tunnel: None,
        v6: matches!(packet.net, Some(NetSlice::Ipv6(_))),
        payload: tcp.payload().to_vec(),
    }))
}
