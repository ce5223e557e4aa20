//! A frame as a list of fields, one value a line.
//!
//! Fields have the same names at every vantage, so that what a rewrite changed is found by
//! comparing values. Only what `wire` decodes is shown; it refuses to be Wireshark, whose
//! frame numbers stand above each list.

use crate::capture::{Frame, Timestamp};
use crate::render::units::instant;
use crate::report::rfc3339;
use crate::wire::{
    self, Body, Direction, Fragment, IpPacket, Packet, Protocol, Stop, Tcp, Transport,
};

/// Bytes of a payload's head that are shown as text.
const HEAD: usize = 48;

/// One line of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// `frame`, `link`, `tunnel`, `IP`, `TCP`, `UDP`, `ICMP`, `ARP`, `payload`.
    pub layer: &'static str,
    /// Its name within the layer.
    pub name: &'static str,
    /// Its value, as it came: not cleaned.
    pub value: String,
    /// It differs from place to place without anybody rewriting it.
    pub ordinary: bool,
}

/// The fields of a frame; `time` is its time on the reference clock.
#[must_use]
pub fn dissect(frame: &Frame<'_>, time: Timestamp) -> Vec<Field> {
    let packet = wire::decode(frame);
    let mut list = List { layer: "frame", fields: Vec::new() };
    list.ordinary("time", instant_of(time));
    if time != frame.time {
        list.ordinary("own clock", instant_of(frame.time));
    }
    let (kept, sent) = (frame.data.len(), frame.wire_len);
    list.ordinary(
        "length",
        if kept as u64 == u64::from(sent) {
            format!("{sent}")
        } else {
            format!("{sent}, {kept} kept")
        },
    );
    link(&mut list, &packet);
    match &packet.body {
        Body::Ip(ip) => network(&mut list, ip),
        Body::Arp(arp) => {
            list.layer = "ARP";
            list.push("operation", format!("{:?}", arp.operation).to_lowercase());
            list.push("sender", format!("{} {}", arp.sender, arp.sender_mac));
            list.push("target", format!("{} {}", arp.target, arp.target_mac));
        }
        Body::Other(kind) => list.push("EtherType", format!("{kind:#06x}")),
    }
    if let Some(stop) = packet.stop {
        let what = match stop {
            Stop::LinkType => "the link type is not decoded",
            Stop::Link => "cut or malformed in the link header",
            Stop::Network => "cut or malformed in the network header",
            Stop::Transport => "cut or malformed in the transport header",
        };
        list.layer = "frame";
        list.push("stopped", what.to_owned());
    }
    list.fields
}

/// Fields as they come.
struct List {
    layer: &'static str,
    fields: Vec<Field>,
}

impl List {
    fn push(&mut self, name: &'static str, value: String) {
        self.fields.push(Field { layer: self.layer, name, value, ordinary: false });
    }

    fn ordinary(&mut self, name: &'static str, value: String) {
        self.fields.push(Field { layer: self.layer, name, value, ordinary: true });
    }
}

/// Time of day to the microsecond.
fn instant_of(time: Timestamp) -> String {
    let text = rfc3339(time);
    text.get(11..26).map_or_else(|| instant(&text), str::to_owned)
}

fn link(list: &mut List, packet: &Packet<'_>) {
    list.layer = "link";
    let way = match packet.link.direction {
        Direction::Unknown => None,
        Direction::In => Some("in"),
        Direction::Group => Some("in, to a group"),
        Direction::OtherHost => Some("to another host"),
        Direction::Out => Some("out"),
    };
    if let Some(way) = way {
        list.ordinary("direction", way.to_owned());
    }
    if packet.link.is_loopback() {
        list.ordinary("interface", "lo".to_owned());
    } else if packet.link.ifindex > 0 {
        list.ordinary("interface", format!("ifindex {}", packet.link.ifindex));
    }
    if let Some(mac) = packet.link.src {
        list.push("source", mac.to_string());
    }
    if let Some(mac) = packet.link.dst {
        list.push("destination", mac.to_string());
    }
    if packet.vlan != 0 {
        let (outer, inner) = (packet.vlan >> 16, packet.vlan & 0xffff);
        list.push("VLAN", if outer == 0 { inner.to_string() } else { format!("{outer}.{inner}") });
    }
}

fn network(list: &mut List, ip: &IpPacket<'_>) {
    if let Some(outer) = &ip.outer {
        list.layer = "tunnel";
        list.push("kind", outer.kind.name().to_owned());
        list.push("source", outer.src.to_string());
        list.push("destination", outer.dst.to_string());
        if let Some(id) = outer.id {
            list.push("identifier", id.to_string());
        }
    }
    list.layer = "IP";
    list.push("source", ip.src.to_string());
    list.push("destination", ip.dst.to_string());
    list.push("TTL", ip.ttl.to_string());
    if let Some(id) = ip.id {
        list.push("identification", format!("{id:#06x}"));
    }
    match ip.fragment {
        Fragment::Whole => {}
        Fragment::First { .. } => list.push("fragment", "first".to_owned()),
        Fragment::Later { bytes, .. } => list.push("fragment", format!("later, {bytes} bytes")),
    }
    match &ip.transport {
        Transport::Tcp(tcp) => segment(list, tcp),
        Transport::Udp(udp) => {
            list.layer = if ip.protocol == Protocol::SCTP { "SCTP" } else { "UDP" };
            list.push("source port", udp.src_port.to_string());
            list.push("destination port", udp.dst_port.to_string());
            payload(list, udp.payload, udp.payload_len);
        }
        Transport::Icmp(icmp) => {
            list.layer = "ICMP";
            list.push("type", format!("{}, code {}", icmp.kind_number, icmp.code));
            list.push("meaning", format!("{:?}", icmp.kind));
        }
        Transport::Vrrp(_) => list.push("protocol", "VRRP".to_owned()),
        Transport::Other => list.push("protocol", ip.protocol.to_string()),
    }
}

fn segment(list: &mut List, tcp: &Tcp<'_>) {
    list.layer = "TCP";
    list.push("source port", tcp.src_port.to_string());
    list.push("destination port", tcp.dst_port.to_string());
    list.push("flags", tcp.flags.name().to_owned());
    list.push("sequence", tcp.seq.to_string());
    if tcp.flags.ack() {
        list.push("acknowledgment", tcp.ack.to_string());
    }
    list.push("window", tcp.window.to_string());
    let options = tcp.parse_options();
    if let Some(mss) = options.mss {
        list.push("MSS", mss.to_string());
    }
    if let Some(shift) = options.window_scale {
        list.push("window scale", shift.to_string());
    }
    if options.sack_permitted {
        list.push("SACK", "permitted".to_owned());
    }
    if let Some((from, to)) = options.sack {
        list.push("SACK block", format!("{from} to {to}"));
    }
    if let Some((value, echo)) = options.timestamps {
        list.push("TSval", value.to_string());
        list.push("TSecr", echo.to_string());
    }
    if let Some(toa) = options.toa {
        list.push("TOA", toa.addr.with_port(toa.port));
    }
    if tcp.header_cut || options.cut {
        list.ordinary("options", "cut".to_owned());
    }
    payload(list, tcp.payload, tcp.payload_len);
}

fn payload(list: &mut List, bytes: &[u8], len: u32) {
    list.layer = "payload";
    list.push("bytes", len.to_string());
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let line = head.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    let text: String =
        line.iter().take_while(|b| (0x20..0x7f).contains(*b)).map(|b| char::from(*b)).collect();
    if text.len() >= 4 {
        list.push("begins", text);
    }
}
