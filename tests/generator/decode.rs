//! Reads a generated capture with code that the generator does not share: pcap-parser and etherparse.

use etherparse::{NetSlice, SlicedPacket, TcpOptionElement, TransportSlice};
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
            0x0800 => Some(tcp(&SlicedPacket::from_ip(&data[20..])?, data.len() - 20)?),
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
        _ => Some(tcp(&packet, data.len() - 14)?),
    };
    Ok(Frame { at, macs: (Some(mac(&data[..6])?), mac(&data[6..12])?), cooked: None, tcp })
}

fn tcp(packet: &SlicedPacket, len: usize) -> Result<Tcp, Fault> {
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) =
        (&packet.net, &packet.transport)
    else {
        return Err("not TCP over IPv4".into());
    };
    let header = ip.header();
    assert_eq!(usize::from(header.total_len()), len);
    assert!(header.dont_fragment());
    assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
    assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(header.source(), header.destination())?);
    let mut stamps = None;
    for option in tcp.options_iterator() {
        if let TcpOptionElement::Timestamp(value, echo) = option? {
            stamps = Some((value, echo));
        }
    }
    Ok(Tcp {
        from: (header.source_addr(), tcp.source_port()),
        to: (header.destination_addr(), tcp.destination_port()),
        ttl: header.ttl(),
        id: header.identification(),
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        stamps,
        payload: tcp.payload().to_vec(),
    })
}
