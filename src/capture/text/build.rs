//! A frame from what a text says of it: as many bytes as are told, and which fields of them are
//! known. A frame ends where the text ends, as one ends that a snapshot length cut.

use std::net::IpAddr;

use etherparse::checksum::Sum16BitWords;

use super::numbers::{Numbers, Resolved};
use super::outer;
use super::shown::{Arp, Body, Carrier, Extent, Layer, MacBytes, Shown, Sum, Tcp};
use crate::capture::{Known, LinkType};

/// Bytes of a segment at most; what claims more is no length.
const LONGEST: u32 = 1 << 24;
/// Bytes of a TCP header without options.
const TCP: u32 = 20;
/// Bytes of an Ethernet frame without its sum that no frame is shorter than.
const SHORTEST: u32 = 60;
/// Stands in a frame inside an overlay where the text prints no hardware address: unicast,
/// locally administered.
const UNTOLD: MacBytes = [2, 0, 0, 0, 0, 0];

/// A frame that was built.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) link_type: LinkType,
    pub(super) known: Known,
    pub(super) wire_len: u32,
}

/// Writes the frame of a packet; `None` where nothing is told of one.
pub(super) fn frame(shown: &Shown, numbers: &mut Numbers, out: &mut Vec<u8>) -> Option<Built> {
    out.clear();
    let ether_type = match (&shown.body, shown.layers.first()) {
        (Body::Arp(_), _) => 0x0806,
        (_, Some(layer)) if layer.dst.is_ipv6() => 0x86dd,
        (_, Some(_)) => 0x0800,
        _ => return None,
    };
    let link_type = link(shown, ether_type, out);
    let start = out.len();
    let mut known =
        macs(shown, link_type).and_if(shown.stamp != super::shown::Stamp::None, Known::TIME);
    let above = match &shown.body {
        Body::Arp(arp) => {
            known = known.and(write_arp(arp, out));
            28
        }
        _ => {
            let room =
                shown.frame_len.filter(|l| *l > SHORTEST).map(|l| l.saturating_sub(start as u32));
            let mut writer = Writer { shown, numbers: Some(numbers), known, room };
            let length = writer.layer(0, out);
            known = writer.known;
            length
        }
    };
    let wire = (start as u32).saturating_add(above).max(out.len() as u32);
    let wire_len = shown.frame_len.unwrap_or(wire).max(out.len() as u32);
    Some(Built { link_type, known, wire_len })
}

/// Writes the packet that an error quotes, from its network header on.
pub(super) fn quoted(shown: &Shown, out: &mut Vec<u8>) {
    if !shown.layers.is_empty() {
        Writer { shown, numbers: None, known: Known::NONE, room: None }.layer(0, out);
    }
}

/// The header of the link, as far as it is told.
pub(super) fn link(shown: &Shown, ether_type: u16, out: &mut Vec<u8>) -> LinkType {
    let tagged = !shown.vlans.is_empty();
    let first = if tagged { 0x8100 } else { ether_type };
    let link_type = if shown.cooked {
        out.extend(first.to_be_bytes());
        out.extend([0, 0]);
        out.extend(shown.ifindex.unwrap_or(0).to_be_bytes());
        out.extend([0, 1]);
        // Beyond the packet types that there are: not told.
        out.push(shown.direction.unwrap_or(u8::MAX));
        let mac = shown.src_mac.or((shown.interface.as_deref() == Some("lo")).then_some([0; 6]));
        out.push(if mac.is_some() { 6 } else { 0 });
        out.extend(mac.unwrap_or_default());
        out.extend([0, 0]);
        LinkType::LINUX_SLL2
    } else if shown.src_mac.is_some() || ether_type == 0x0806 || tagged {
        out.extend(shown.dst_mac.unwrap_or_default());
        out.extend(shown.src_mac.unwrap_or_default());
        out.extend(first.to_be_bytes());
        LinkType::ETHERNET
    } else {
        return LinkType::RAW;
    };
    for (n, vlan) in shown.vlans.iter().enumerate() {
        let next = if n + 1 < shown.vlans.len() { 0x8100 } else { ether_type };
        out.extend((vlan & 0x0fff).to_be_bytes());
        out.extend(next.to_be_bytes());
    }
    link_type
}

/// Which of the addresses that the link type has are known; those inside an overlay, where one
/// carries a frame.
pub(super) fn macs(shown: &Shown, link_type: LinkType) -> Known {
    for layer in shown.layers.iter().rev() {
        if let Carrier::Overlay { macs, .. } = &layer.carrier {
            let both = Known::SRC_MAC.and(Known::DST_MAC);
            return Known::NONE.and_if(macs.is_some(), both);
        }
    }
    // A cooked header has no receiver.
    let cooked = link_type == LinkType::LINUX_SLL2;
    let lo = cooked && shown.interface.as_deref() == Some("lo");
    Known::NONE
        .and_if(shown.src_mac.is_some() || lo, Known::SRC_MAC)
        .and_if(shown.dst_mac.is_some() || cooked, Known::DST_MAC)
}

fn write_arp(arp: &Arp, out: &mut Vec<u8>) -> Known {
    out.extend([0, 1, 8, 0, 6, 4, 0, if arp.reply { 2 } else { 1 }]);
    out.extend(arp.sender_mac.unwrap_or_default());
    out.extend(arp.sender.unwrap_or_default());
    out.extend(arp.target_mac.unwrap_or_default());
    out.extend(arp.target.unwrap_or_default());
    Known::NONE
        .and_if(arp.sender_mac.is_some(), Known::ARP_SENDER)
        // A question has no hardware address to tell.
        .and_if(!arp.reply || arp.target.is_some(), Known::ARP_TARGET)
}

struct Writer<'s, 'n> {
    shown: &'s Shown,
    numbers: Option<&'n mut Numbers>,
    known: Known,
    /// Bytes of the outermost packet, where the frame's length tells them.
    room: Option<u32>,
}

impl Writer<'_, '_> {
    /// Writes a header and all in it; gives the bytes that were on the wire.
    fn layer(&mut self, at: usize, out: &mut Vec<u8>) -> u32 {
        let Some(layer) = self.shown.layers.get(at) else { return 0 };
        let last = at + 1 == self.shown.layers.len();
        let start = out.len();
        let head = header(layer, last.then_some(&self.shown.body), out);
        let content = out.len();
        if last {
            let header = &layer.header;
            self.known = self
                .known
                .and_if(header.ttl.is_some(), Known::TTL)
                .and_if(header.id.is_some() || layer.dst.is_ipv6(), Known::ID);
        }
        let told = layer.header.length.map(|l| match layer.dst.is_ipv6() {
            true => l.saturating_add(head),
            false => l,
        });
        let told = told.or(self.room.filter(|_| at == 0));
        let inside = if last {
            self.body(layer, told.map(|l| l.saturating_sub(head)), out)
        } else {
            let between = carrier(&layer.carrier, self.shown.layers.get(at + 1), out);
            between.saturating_add(self.layer(at + 1, out))
        };
        let total =
            layer.header.length.map_or(head.saturating_add(inside), |_| told.unwrap_or(head));
        patch(layer, start, content, total, out);
        self.known = outer::write(layer, &mut out[content..], self.known);
        total
    }

    /// Writes what the innermost header carries, of which `told` bytes were on the wire.
    fn body(&mut self, layer: &Layer, told: Option<u32>, out: &mut Vec<u8>) -> u32 {
        match &self.shown.body {
            Body::Tcp(tcp) => self.tcp(layer, tcp, told, out),
            Body::Udp { ports, length } => {
                let payload = &self.shown.payload;
                let length = length.or(told.map(|l| l.saturating_sub(8)));
                let size = length.unwrap_or(payload.len() as u32).saturating_add(8);
                out.extend(ports.0.to_be_bytes());
                out.extend(ports.1.to_be_bytes());
                out.extend(u16::try_from(size).unwrap_or(0).to_be_bytes());
                out.extend([0, 0]);
                out.extend(&payload[..payload.len().min(size as usize - 8)]);
                size
            }
            Body::Icmp { bytes, length, .. } | Body::Proto { bytes, length, .. } => {
                out.extend(bytes);
                length.or(told).unwrap_or(0).max(bytes.len() as u32)
            }
            Body::None | Body::Arp(_) => told.unwrap_or(0),
        }
    }

    fn tcp(&mut self, layer: &Layer, tcp: &Tcp, told: Option<u32>, out: &mut Vec<u8>) -> u32 {
        let start = out.len();
        out.extend(tcp.ports.0.to_be_bytes());
        out.extend(tcp.ports.1.to_be_bytes());
        let payload = tcp.length.unwrap_or(0).min(LONGEST);
        let Some(flags) = tcp.flags else {
            return payload.saturating_add(TCP);
        };
        let ends = ((layer.src, tcp.ports.0), (layer.dst, tcp.ports.1));
        let numbers = match &mut self.numbers {
            Some(numbers) => numbers.resolve(ends, tcp),
            None => Resolved {
                seq: tcp.seq.unwrap_or(0),
                ack: tcp.ack.unwrap_or(0),
                seq_known: tcp.seq.is_some(),
                ack_known: false,
            },
        };
        self.known = self
            .known
            .and_if(numbers.seq_known, Known::SEQ)
            .and_if(numbers.ack_known, Known::ACK)
            .and_if(tcp.window.is_some(), Known::WINDOW);
        let room = told.and_then(|l| l.checked_sub(TCP + payload));
        let (size, whole) = options_size(tcp, room);
        out.extend(numbers.seq.to_be_bytes());
        out.extend(numbers.ack.to_be_bytes());
        out.extend([((TCP + size) << 2) as u8, flags]);
        // A window that is not told is not closed.
        out.extend(tcp.window.unwrap_or(u16::MAX).to_be_bytes());
        let at = out.len();
        out.extend([0, 0]);
        out.extend(tcp.urgent.to_be_bytes());
        let options = out.len();
        out.extend(&tcp.options.bytes);
        let counted_from = numbers.ack.wrapping_sub(tcp.ack.unwrap_or(numbers.ack));
        shift(&mut out[options..][tcp.options.edges.clone()], counted_from);
        if whole {
            let options = out.len() - start - TCP as usize;
            out.extend(std::iter::repeat_n(0, (size as usize).saturating_sub(options)));
            let shown = &self.shown.payload;
            out.extend(&shown[..shown.len().min(payload as usize)]);
            if out.len() - start == (TCP + size + payload) as usize && self.numbers.is_some() {
                self.sum(layer, tcp, start, at, out);
            }
            let said = start + (TCP + size) as usize;
            if !self.known.has(Known::SUM) && out.len() > said {
                out.truncate(said + told_exactly(&out[said..]));
            }
        }
        TCP + size + payload
    }

    /// Writes the checksum where it is told and all that it covers is.
    fn sum(&mut self, layer: &Layer, tcp: &Tcp, start: usize, at: usize, out: &mut [u8]) {
        let Some(sum) = tcp.sum else { return };
        let segment = &out[start..];
        let Ok(length) = u16::try_from(segment.len()) else { return };
        let mut words = Sum16BitWords::new();
        let words = match (layer.src, layer.dst) {
            (IpAddr::V4(s), IpAddr::V4(d)) => words.add_4bytes(s.octets()).add_4bytes(d.octets()),
            (IpAddr::V6(s), IpAddr::V6(d)) => words.add_16bytes(s.octets()).add_16bytes(d.octets()),
            _ => return,
        };
        let words = words.add_2bytes([0, 6]).add_2bytes(length.to_be_bytes());
        let right = words.add_slice(segment).ones_complement().to_ne_bytes();
        let (sent, wanted) = match sum {
            Sum::Correct(sent) => (sent, sent),
            Sum::Incorrect(sent, wanted) => (sent, wanted),
        };
        out[at..at + 2].copy_from_slice(&sent.to_be_bytes());
        // Else something was not told as it was.
        self.known = self.known.and_if(right == wanted.to_be_bytes(), Known::SUM);
    }
}

/// Turns edges of SACK blocks to what was on the wire: tcpdump counts them as it counts acknowledgments (print-tcp.c).
fn shift(edges: &mut [u8], by: u32) {
    for edge in edges.chunks_exact_mut(4) {
        let printed = u32::from_be_bytes([edge[0], edge[1], edge[2], edge[3]]);
        edge.copy_from_slice(&printed.wrapping_add(by).to_be_bytes());
    }
}

/// Bytes of the options, and whether all of them are told; `room` is what the lengths leave.
fn options_size(tcp: &Tcp, room: Option<u32>) -> (u32, bool) {
    let told = (tcp.options.bytes.len() as u32).next_multiple_of(4);
    let room = room.filter(|room| room.is_multiple_of(4) && (told..=40).contains(room));
    match (tcp.options.extent, room) {
        (Extent::All, None) => (told.min(40), true),
        (Extent::All, Some(room)) => (room, room == told),
        (_, Some(room)) => (room, room == 0),
        // How many more there are is not told.
        (_, None) => ((told + 4).min(40), false),
    }
}

/// Writes an IP header, its lengths left open; gives its bytes.
fn header(layer: &Layer, body: Option<&Body>, out: &mut Vec<u8>) -> u32 {
    let told = &layer.header;
    let v6 = layer.dst.is_ipv6();
    let proto = match (body, &layer.carrier) {
        (Some(Body::Tcp(_)), _) => 6,
        (Some(Body::Udp { .. }), _) => 17,
        (Some(Body::Icmp { .. }), _) => {
            if v6 {
                58
            } else {
                1
            }
        }
        (Some(Body::Proto { number, .. }), _) => *number,
        (Some(_), _) => told.proto.unwrap_or(255),
        // Written when what is inside is known.
        (None, Carrier::Ip) => 0,
        (None, Carrier::Gre { .. }) => 47,
        (None, Carrier::Overlay { .. } | Carrier::GeneveIp { .. }) => 17,
    };
    let ttl = told.ttl.unwrap_or(0);
    match (layer.src, layer.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let offset = (told.offset.unwrap_or(0) / 8) as u16 & 0x1fff;
            let flags = u16::from(told.more) << 13 | u16::from(told.dont) << 14;
            let words = if told.options { 6 } else { 5 };
            out.extend([0x40 | words, told.tos.unwrap_or(0), 0, 0]);
            out.extend(told.id.unwrap_or(0).to_be_bytes());
            out.extend((offset | flags).to_be_bytes());
            out.extend([ttl, proto, 0, 0]);
            out.extend(src.octets());
            out.extend(dst.octets());
            if told.options {
                out.extend([1, 1, 1, 0]);
            }
            u32::from(words) * 4
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let class = told.tos.unwrap_or(0);
            out.extend([0x60 | class >> 4, class << 4, 0, 0, 0, 0, proto, ttl]);
            out.extend(src.octets());
            out.extend(dst.octets());
            40
        }
        _ => 0,
    }
}

/// What stands between a header and the one inside; gives its bytes.
fn carrier(carrier: &Carrier, next: Option<&Layer>, out: &mut Vec<u8>) -> u32 {
    let start = out.len();
    let inside: u16 = if next.is_some_and(|n| n.dst.is_ipv6()) { 0x86dd } else { 0x0800 };
    let udp = |ports: (u16, u16), out: &mut Vec<u8>| {
        out.extend(ports.0.to_be_bytes());
        out.extend(ports.1.to_be_bytes());
        out.extend([0; 4]);
    };
    match carrier {
        Carrier::Ip => {}
        Carrier::Gre { key } => {
            out.extend([if key.is_some() { 0x20 } else { 0 }, 0]);
            out.extend(inside.to_be_bytes());
            out.extend(key.map(u32::to_be_bytes).into_iter().flatten());
        }
        Carrier::Overlay { ports, vni, macs, geneve } => {
            udp(*ports, out);
            let vni = (vni << 8).to_be_bytes();
            out.extend(if *geneve { [0, 0, 0x65, 0x58] } else { [8, 0, 0, 0] });
            out.extend(vni);
            // A sender that is not printed (`macs` says so) is still one that a frame can have.
            let (src, dst) = macs.unwrap_or((UNTOLD, UNTOLD));
            out.extend(dst);
            out.extend(src);
            out.extend(inside.to_be_bytes());
        }
        Carrier::GeneveIp { ports, vni } => {
            udp(*ports, out);
            out.extend([0, 0]);
            out.extend(inside.to_be_bytes());
            out.extend((vni << 8).to_be_bytes());
        }
    }
    (out.len() - start) as u32
}

/// Writes lengths, the protocol of an IP packet inside, and the header's sum.
fn patch(layer: &Layer, start: usize, content: usize, total: u32, out: &mut [u8]) {
    let v6 = layer.dst.is_ipv6();
    let field = if v6 { total.saturating_sub(40) } else { total };
    let field = u16::try_from(field).unwrap_or(0).to_be_bytes();
    let at = if v6 { 4 } else { 2 };
    out[start + at..start + at + 2].copy_from_slice(&field);
    let proto = start + if v6 { 6 } else { 9 };
    if out[proto] == 0 && matches!(layer.carrier, Carrier::Ip) {
        out[proto] = match out.get(content).map(|b| b >> 4) {
            Some(4) => 4,
            Some(6) => 41,
            _ => 0,
        };
    }
    if let Carrier::Overlay { .. } | Carrier::GeneveIp { .. } = layer.carrier
        && out.len() >= content + 8
    {
        let size = total.saturating_sub((content - start) as u32);
        let size = u16::try_from(size).unwrap_or(0).to_be_bytes();
        out[content + 4..content + 6].copy_from_slice(&size);
    }
    if !v6 {
        let sum = Sum16BitWords::new().add_slice(&out[start..content]).ones_complement();
        out[start + 10..start + 12].copy_from_slice(&sum.to_ne_bytes());
    }
}
/// How much of what is printed of an answer in HTTP is as it was on the wire: its head, which has a form. Line ends of
/// what is behind it are those of the text, and what is no character is another one.
fn told_exactly(payload: &[u8]) -> usize {
    const END: &[u8] = b"\r\n\r\n";
    let end = payload.starts_with(b"HTTP/1.").then(|| memchr::memmem::find(payload, END)).flatten();
    end.map_or(payload.len(), |at| at + END.len())
}
