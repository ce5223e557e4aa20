//! The details that `tshark -V` prints and Wireshark exports: a section a header, a line a field.
//! Raw numbers stand beside relative ones, so nothing has to be counted.

use super::build;
use super::fields::{after, flow, hex, mac, num, option, port};
use super::scan::Scan;
use super::shown::{Arp, Body, Carrier, Extent, Options, Shown, Stamp, Tcp};
use super::stamp;

/// Headers inside each other at most.
const MAX_LAYERS: usize = 5;
/// Bytes of payload that are taken.
const PAYLOAD: usize = 4096;

/// Whether a frame begins here: `Frame 1: 74 bytes on wire (592 bits), ..`
pub(super) fn begins(text: &str) -> bool {
    number(text).is_some()
}

/// The number of the frame that begins here.
pub(super) fn number(text: &str) -> Option<u64> {
    let (number, rest) = text.strip_prefix("Frame ")?.split_once([':', ' '])?;
    let number = number.parse().ok()?;
    rest.contains(" bytes on wire").then_some(number)
}

/// The section of details that a line is in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Section {
    Other,
    Frame,
    Ethernet,
    Cooked,
    Ip,
    Tcp,
    Udp,
    Icmp,
    Arp,
    Vxlan,
    Http,
}

struct Reader {
    shown: Shown,
    section: Section,
    /// Ports of the UDP header that was read last: those of an overlay, where one follows.
    udp: (u16, u16),
    icmp: [u8; 8],
    /// The packet that an ICMP error is about.
    inner: Shown,
    arp: Arp,
}

/// Reads the details of one frame.
pub(super) fn parse(text: &str) -> Option<Shown> {
    let mut reader = Reader {
        shown: Shown::default(),
        section: Section::Other,
        udp: (0, 0),
        icmp: [0; 8],
        inner: Shown::default(),
        arp: Arp::default(),
    };
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            reader.field(line.trim());
        } else {
            reader.heading(line.trim());
        }
    }
    reader.finish()
}

impl Reader {
    fn heading(&mut self, line: &str) {
        self.section = match line {
            _ if line.starts_with("Frame ") => Section::Frame,
            _ if line.starts_with("Ethernet II") => {
                let macs = mac(line, "Src: ").zip(mac(line, "Dst: "));
                match self.shown.layers.last_mut().map(|layer| &mut layer.carrier) {
                    Some(Carrier::Overlay { macs: inside, .. }) => *inside = macs,
                    _ => (self.shown.src_mac, self.shown.dst_mac) = macs.unzip(),
                }
                Section::Ethernet
            }
            _ if line.starts_with("Linux cooked") => {
                self.shown.cooked = true;
                Section::Cooked
            }
            _ if line.starts_with("802.1Q") => {
                self.shown.vlans.extend(num::<u16>(line, "ID: "));
                Section::Other
            }
            _ if line.starts_with("Internet Protocol Version ") => self.layer(line),
            _ if line.starts_with("Transmission Control Protocol") => {
                let ports = port(line, "Src Port: ").zip(port(line, "Dst Port: "));
                let Some(ports) = ports else { return };
                let options = Options { bytes: Vec::new(), extent: Extent::All, edges: 0..0 };
                self.shown.body = Body::Tcp(Tcp { ports, options, ..Tcp::default() });
                Section::Tcp
            }
            _ if line.starts_with("User Datagram Protocol") => {
                let ports = port(line, "Src Port: ").zip(port(line, "Dst Port: "));
                let Some(ports) = ports else { return };
                self.udp = ports;
                self.shown.body = Body::Udp { ports, length: None };
                Section::Udp
            }
            _ if line.starts_with("Internet Control Message Protocol") => {
                self.shown.body = Body::Icmp { bytes: Vec::new(), length: None, quote: None };
                Section::Icmp
            }
            _ if line.starts_with("Address Resolution Protocol") => Section::Arp,
            _ if line.starts_with("Virtual eXtensible Local Area Network") => Section::Vxlan,
            _ if line.starts_with("Generic Routing Encapsulation") => {
                if let Some(layer) = self.shown.layers.last_mut() {
                    layer.carrier = Carrier::Gre { key: None };
                }
                Section::Other
            }
            _ if line.starts_with("Hypertext Transfer Protocol") => Section::Http,
            _ => Section::Other,
        };
    }

    fn layer(&mut self, line: &str) -> Section {
        match flow(line) {
            Some(layer) if self.shown.layers.len() < MAX_LAYERS => {
                self.shown.layers.push(layer);
                self.shown.body = Body::None;
                Section::Ip
            }
            _ => Section::Other,
        }
    }

    fn field(&mut self, line: &str) {
        match self.section {
            Section::Frame => self.frame(line),
            Section::Cooked => {
                if let Some(kind) = line.strip_prefix("Packet type: ") {
                    self.shown.direction =
                        kind.rsplit_once('(').and_then(|(_, n)| Scan::new(n).num());
                } else if line.starts_with("Source: ") {
                    self.shown.src_mac = mac(line, "Source: ");
                }
            }
            Section::Ip => self.ip(line),
            Section::Tcp => self.tcp(line),
            Section::Udp => {
                if let (Some(length), Body::Udp { length: own, .. }) =
                    (num::<u32>(line, "Length: "), &mut self.shown.body)
                {
                    *own = own.or(length.checked_sub(8));
                }
            }
            Section::Icmp => self.icmp(line),
            Section::Arp => self.arp(line),
            Section::Vxlan => {
                let vni = num(line, "(VNI): ");
                if let (Some(vni), Some(layer)) = (vni, self.shown.layers.last_mut()) {
                    let ports = self.udp;
                    layer.carrier = Carrier::Overlay { ports, vni, macs: None, geneve: false };
                }
            }
            Section::Http => {
                let payload = &mut self.shown.payload;
                if let Some(text) = line.strip_suffix("\\r\\n")
                    && payload.len() + text.len() < PAYLOAD
                {
                    payload.extend(text.bytes());
                    payload.extend(*b"\r\n");
                }
            }
            Section::Ethernet | Section::Other => {}
        }
    }

    fn frame(&mut self, line: &str) {
        let shown = &mut self.shown;
        if let Some(time) =
            ["Epoch Time: ", "Epoch Arrival Time: "].iter().find_map(|name| line.strip_prefix(name))
        {
            shown.stamp = stamp::stamp(&mut Scan::new(time)).unwrap_or(shown.stamp);
        } else if let Some(time) = line.strip_prefix("Arrival Time: ")
            && shown.stamp == Stamp::None
        {
            shown.stamp = stamp::stamp(&mut Scan::new(time)).unwrap_or_default();
        } else if line.starts_with("Frame Length: ") {
            shown.frame_len = num(line, "Frame Length: ");
        }
    }

    fn ip(&mut self, line: &str) {
        let Some(header) = self.shown.layers.last_mut().map(|layer| &mut layer.header) else {
            return;
        };
        let value = line.split_once(": ").map_or("", |(_, value)| value);
        let name = line.split(": ").next().unwrap_or("").rsplit(" = ").next().unwrap_or("");
        match name {
            "Total Length" | "Payload Length" | "Payload length" => {
                header.length = Scan::new(value).num();
            }
            "Identification" => {
                header.id = hex(value).and_then(|id| u16::try_from(id).ok());
            }
            "Time to Live" | "Time to live" | "Hop Limit" | "Hop limit" => {
                header.ttl = Scan::new(value).num();
            }
            "Protocol" | "Next Header" | "Next header" => {
                header.proto = value.rsplit_once('(').and_then(|(_, n)| Scan::new(n).num());
            }
            "Differentiated Services Field" => {
                header.tos = hex(value).and_then(|tos| u8::try_from(tos).ok());
            }
            "Flags" => {
                header.dont = value.contains("Don't fragment");
                header.more = value.contains("More fragments");
            }
            "Fragment Offset" | "Fragment offset" => header.offset = Scan::new(value).num(),
            _ => {}
        }
    }

    fn tcp(&mut self, line: &str) {
        let Body::Tcp(tcp) = &mut self.shown.body else { return };
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        if let Some(text) = line.strip_prefix("TCP Option - ") {
            option(text, &mut tcp.options);
            return;
        }
        match name.trim_start_matches('[') {
            "Sequence Number" | "Sequence number" if tcp.seq.is_none() => {
                tcp.seq = Scan::new(value).num();
                tcp.counted = value.contains("relative");
            }
            "Sequence Number (raw)" | "Sequence number (raw)" => {
                tcp.seq = Scan::new(value).num();
                tcp.counted = false;
            }
            "Acknowledgment Number" | "Acknowledgment number" if tcp.ack.is_none() => {
                tcp.ack = Scan::new(value).num();
            }
            "Acknowledgment Number (raw)" | "Acknowledgment number (raw)" => {
                tcp.ack = Scan::new(value).num();
            }
            "TCP Segment Len" => tcp.length = Scan::new(value).num(),
            "Flags" => {
                tcp.flags = hex(value).map(|flags| flags as u8);
            }
            "Window" | "Window size value" => tcp.window = Scan::new(value).num(),
            _ => {}
        }
    }

    fn icmp(&mut self, line: &str) {
        if line.starts_with("Internet Protocol Version ") {
            self.inner.layers.extend(flow(line).filter(|_| self.inner.layers.is_empty()));
        } else if line.starts_with("Transmission Control Protocol") {
            let ports = port(line, "Src Port: ").zip(port(line, "Dst Port: "));
            if let Some(ports) = ports {
                let seq = num(line, "Seq: ");
                self.inner.body = Body::Tcp(Tcp { ports, flags: Some(0), seq, ..Tcp::default() });
            }
        } else if line.starts_with("User Datagram Protocol") {
            let ports = port(line, "Src Port: ").zip(port(line, "Dst Port: "));
            if let Some(ports) = ports {
                self.inner.body = Body::Udp { ports, length: None };
            }
        } else if let (Some(kind), true) = (num(line, "Type: "), self.inner.layers.is_empty()) {
            self.icmp[0] = kind;
        } else if let (Some(code), true) = (num(line, "Code: "), self.inner.layers.is_empty()) {
            self.icmp[1] = code;
        } else if let Some(id) = num::<u16>(line, "Identifier (BE): ") {
            self.icmp[4..6].copy_from_slice(&id.to_be_bytes());
        } else if let Some(word) =
            num::<u16>(line, "Sequence Number (BE): ").or_else(|| num(line, "MTU of next hop: "))
        {
            self.icmp[6..8].copy_from_slice(&word.to_be_bytes());
        }
    }

    fn arp(&mut self, line: &str) {
        let v4 = |name| {
            let value = after(line, name)?.split_whitespace().next()?;
            value.parse().ok().map(|ip: std::net::Ipv4Addr| ip.octets())
        };
        let arp = &mut self.arp;
        arp.reply |= line.starts_with("Opcode: reply");
        arp.sender = arp.sender.or_else(|| v4("Sender IP address: "));
        arp.target = arp.target.or_else(|| v4("Target IP address: "));
        arp.sender_mac = arp.sender_mac.or_else(|| mac(line, "Sender MAC address: "));
        arp.target_mac = arp.target_mac.or_else(|| mac(line, "Target MAC address: "));
    }

    fn finish(mut self) -> Option<Shown> {
        if self.arp.sender.is_some() {
            self.shown.body = Body::Arp(self.arp);
        } else if self.shown.layers.is_empty() {
            return None;
        }
        if let Body::Icmp { bytes, .. } = &mut self.shown.body {
            bytes.extend(self.icmp);
            build::quoted(&self.inner, bytes);
        }
        self.shown.clean = true;
        Some(self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shown::{Body, Stamp};
    use super::{begins, parse};

    const SYN: &str = "Frame 7: 74 bytes on wire (592 bits), 74 bytes captured (592 bits)
    Arrival Time: Mar  5, 2024 12:00:01.500000000 UTC
    Frame Length: 74 bytes (592 bits)
Ethernet II, Src: RealtekU_aa:00:01 (52:54:00:aa:00:01), Dst: 52:54:00:bb:00:01 (52:54:00:bb:00:01)
802.1Q Virtual LAN, PRI: 0, DEI: 0, ID: 100
Internet Protocol Version 4, Src: 10.4.0.7, Dst: 10.4.0.100
    Total Length: 60
    Identification: 0x1a2b (6699)
    010. .... = Flags: 0x2, Don't fragment
    ...0 0000 0000 0000 = Fragment Offset: 0
    Time to Live: 63
    Protocol: TCP (6)
Transmission Control Protocol, Src Port: 51000, Dst Port: http (80), Seq: 0, Len: 0
    [TCP Segment Len: 0]
    Sequence Number: 0    (relative sequence number)
    Sequence Number (raw): 3000111222
    Acknowledgment number (raw): 0
    Flags: 0x002 (SYN)
    Window: 64240
    TCP Option - Maximum segment size: 1460 bytes
    TCP Option - SACK permitted
    TCP Option - Timestamps: TSval 5001, TSecr 0
    TCP Option - No-Operation (NOP)
    TCP Option - Window scale: 7 (multiply by 128)
";

    #[test]
    fn details_of_a_segment_are_read() {
        assert!(begins(SYN) && !begins("Frame 7 of the film"));
        let shown = parse(SYN).unwrap();
        assert_eq!(shown.stamp, Stamp::Whole(1_709_640_001_500_000_000));
        assert_eq!((shown.frame_len, shown.vlans.as_slice()), (Some(74), [100].as_slice()));
        assert_eq!(shown.src_mac, Some([0x52, 0x54, 0, 0xaa, 0, 1]));
        let header = shown.layers[0].header;
        assert_eq!((header.ttl, header.id, header.length), (Some(63), Some(6699), Some(60)));
        assert!(header.dont);
        let Body::Tcp(tcp) = &shown.body else { panic!("{shown:?}") };
        assert_eq!((tcp.ports, tcp.flags), ((51000, 80), Some(2)));
        assert_eq!((tcp.seq, tcp.counted, tcp.window), (Some(3_000_111_222), false, Some(64240)));
        assert_eq!(tcp.options.bytes.len(), 20);
    }

    #[test]
    fn an_error_quotes_its_packet() {
        let text = "Frame 1: 102 bytes on wire (816 bits)
Internet Protocol Version 4, Src: 10.4.0.1, Dst: 10.4.0.7
    Time to Live: 64
Internet Control Message Protocol
    Type: 3 (Destination unreachable)
    Code: 1 (Host unreachable)
    Internet Protocol Version 4, Src: 10.4.0.7, Dst: 10.4.0.100
        Time to Live: 63
    Transmission Control Protocol, Src Port: 51000, Dst Port: 8080, Seq: 3000111222
";
        let shown = parse(text).unwrap();
        assert_eq!(shown.layers.len(), 1);
        let Body::Icmp { bytes, .. } = &shown.body else { panic!("{shown:?}") };
        assert_eq!((bytes[0], bytes[1], bytes[8] >> 4), (3, 1, 4));
        assert_eq!(bytes[8 + 20..8 + 24], [0xc7, 0x38, 0x1f, 0x90]);
    }
}
