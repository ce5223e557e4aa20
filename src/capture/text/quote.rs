//! The packet that an ICMP error is about, where its line does not print it.
//!
//! Without `-v` tcpdump says who sent that packet, often where it went, and how long the error
//! is; the packet itself stands above, in a line of its own. So what was sent is remembered, and
//! the error gets the ports of the packet that fits: RFC 792 has routers quote it from its network
//! header on, and RFC 1812, section 4.3.2.3, as much of it as 576 bytes hold, so the length of the
//! error tells the length of the packet. Refused: a packet that the text does not show.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::shown::{Body, Extent, Quoted, Shown, Tcp};

/// Packets of a sender that are remembered, the latest.
const PACKETS: usize = 64;
/// Senders that are remembered; beyond this all are forgotten.
const SENDERS: usize = 1 << 14;
/// Bytes of an ICMP header.
const ICMP: u32 = 8;
/// An error of this length or less quotes the network header and 8 bytes: of any packet.
const SHORT: u32 = ICMP + 28;
/// An error of this length or more quotes a part of a packet.
const LONG: u32 = 548;

/// A packet that was sent.
#[derive(Copy, Clone, Debug)]
struct Packet {
    dst: IpAddr,
    protocol: u8,
    ports: (u16, u16),
    /// Bytes from the network header on, where the line tells them.
    length: Option<u32>,
    /// Of a SYN, whose number is printed as it is on the wire.
    isn: Option<u32>,
    quoted: bool,
}

/// What carries a line that prints no ports (tshark, of DNS) is not told; IANA gives 255 to nobody.
const UNTOLD: u8 = 255;

/// What was sent, by sender.
#[derive(Debug, Default)]
pub(super) struct Sent(HashMap<IpAddr, VecDeque<Packet>>);

impl Sent {
    /// Remembers a packet, or completes an error about one.
    pub(super) fn take(&mut self, shown: &mut Shown) {
        let Some(layer) = shown.layers.last() else { return };
        let (src, dst) = (layer.src, layer.dst);
        match &mut shown.body {
            Body::Tcp(tcp) => {
                let syn = tcp.flags.is_some_and(|flags| flags & 0x12 == 0x02) && !tcp.counted;
                let packet = Packet {
                    dst,
                    protocol: 6,
                    ports: tcp.ports,
                    length: layer.header.length.or_else(|| length(tcp, dst)),
                    isn: tcp.seq.filter(|_| syn),
                    quoted: false,
                };
                self.remember(src, packet);
            }
            Body::Udp { ports, length } => {
                let length = length.map(|payload| payload.saturating_add(8 + header(dst)));
                let (ports, isn) = (*ports, None);
                let packet = Packet { dst, protocol: 17, ports, length, isn, quoted: false };
                self.remember(src, packet);
            }
            Body::Proto { number: UNTOLD, .. } => {
                let (ports, length, isn) = ((0, 0), None, None);
                let packet = Packet { dst, protocol: UNTOLD, ports, length, isn, quoted: false };
                self.remember(src, packet);
            }
            Body::Icmp { bytes, length, quote: None } if asks(dst, bytes) => {
                let protocol = if dst.is_ipv4() { 1 } else { 58 };
                let length = length.map(|message| message.saturating_add(header(dst)));
                let (ports, isn) = ((0, 0), None);
                self.remember(src, Packet { dst, protocol, ports, length, isn, quoted: false });
            }
            Body::Icmp { bytes, length, quote: Some(quote) } => {
                // The error goes to who sent the packet.
                let about = self.about(dst, src, *quote, *length);
                bytes.extend(written(dst, *quote, about));
            }
            _ => {}
        }
    }

    fn remember(&mut self, src: IpAddr, packet: Packet) {
        if self.0.len() >= SENDERS && !self.0.contains_key(&src) {
            self.0.clear();
        }
        let packets = self.0.entry(src).or_default();
        if packets.len() == PACKETS {
            packets.pop_front();
        }
        packets.push_back(packet);
    }

    /// The packet of `sender` that an error is about: of those that fit the latest which no
    /// other error was about, one to `reporter` itself before others, a SYN before what came on a
    /// connection that stands.
    fn about(
        &mut self,
        sender: IpAddr,
        reporter: IpAddr,
        quote: Quoted,
        length: Option<u32>,
    ) -> Option<Packet> {
        let fits = |packet: &Packet| {
            quote.dst.is_none_or(|dst| dst == packet.dst)
                && quote.protocol.is_none_or(|protocol| protocol == packet.protocol)
                && quote.port.is_none_or(|port| port == packet.ports.1)
                && may_be(length, packet.length)
        };
        let packets = self.0.get_mut(&sender)?;
        let ranked = packets.iter_mut().enumerate().filter(|(_, packet)| fits(packet));
        let (_, best) = ranked.max_by_key(|(at, packet)| {
            (!packet.quoted, packet.dst == reporter, packet.isn.is_some(), *at)
        })?;
        best.quoted = true;
        Some(*best)
    }
}

/// Whether a message asks for an echo.
fn asks(dst: IpAddr, message: &[u8]) -> bool {
    message.first() == Some(if dst.is_ipv4() { &8 } else { &128 })
}

/// Whether an error of this length may quote a packet of that length.
fn may_be(error: Option<u32>, packet: Option<u32>) -> bool {
    match (error, packet) {
        (Some(error), Some(packet)) if error > SHORT && error < LONG => error - ICMP == packet,
        _ => true,
    }
}

/// Bytes of a segment from the network header on, where all of its options are printed.
fn length(tcp: &Tcp, dst: IpAddr) -> Option<u32> {
    if tcp.options.extent != Extent::All {
        return None;
    }
    let options = (tcp.options.bytes.len() as u32).div_ceil(4) * 4;
    tcp.length?.checked_add(header(dst) + 20 + options)
}

fn header(dst: IpAddr) -> u32 {
    if dst.is_ipv4() { 20 } else { 40 }
}

/// The beginning of the packet: its network header and, as far as they are known, its ports.
/// It ends before what nothing tells.
fn written(src: IpAddr, quote: Quoted, about: Option<Packet>) -> Vec<u8> {
    let Some(dst) = about.map(|packet| packet.dst).or(quote.dst) else { return Vec::new() };
    let told = about.filter(|packet| packet.protocol != UNTOLD);
    let protocol = told.map(|packet| packet.protocol).or(quote.protocol).unwrap_or(0);
    let mut bytes = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, protocol, 0, 0];
            bytes.extend(src.octets());
            bytes.extend(dst.octets());
            bytes
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let mut bytes = vec![0x60, 0, 0, 0, 0, 20, protocol, 64];
            bytes.extend(src.octets());
            bytes.extend(dst.octets());
            bytes
        }
        _ => return Vec::new(),
    };
    match (told, quote.port) {
        (Some(packet), _) => {
            bytes.extend(packet.ports.0.to_be_bytes());
            bytes.extend(packet.ports.1.to_be_bytes());
            bytes.extend(packet.isn.map(u32::to_be_bytes).into_iter().flatten());
        }
        (None, Some(port)) => {
            bytes.extend([0, 0]);
            bytes.extend(port.to_be_bytes());
        }
        (None, None) => {}
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::ends::Names;
    use super::super::packet;
    use super::*;

    /// Ports of the packets that the errors of a text are about, with its number.
    fn about(lines: &[&str]) -> Vec<Option<(u16, u16)>> {
        let (mut sent, mut names) = (Sent::default(), Names::default());
        let mut found = Vec::new();
        for line in lines {
            let mut shown = packet::parse(line, &mut names).unwrap();
            sent.take(&mut shown);
            if let Body::Icmp { bytes, quote: Some(_), .. } = &shown.body {
                let v4 = shown.layers[0].dst.is_ipv4();
                let ports = bytes.get(8 + if v4 { 20 } else { 40 }..).unwrap_or_default();
                let port = |at: usize| Some(u16::from_be_bytes([*ports.get(at)?, ports[at + 1]]));
                found.push(port(0).zip(port(2)));
            }
        }
        found
    }

    const OPTIONS: &str = "options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7]";

    #[test]
    fn a_rejected_syn_is_found_among_what_else_was_sent() {
        let syn = |port: u16| {
            format!(
                "IP 10.0.0.1.{port} > 10.0.0.2.80: Flags [S], seq 7, win 9, {OPTIONS}, length 0"
            )
        };
        let ack = "IP 10.0.0.1.5002 > 10.0.0.2.80: Flags [.], ack 1, win 9, options [nop,nop,TS val 1 ecr 1], length 0";
        let no =
            "IP 10.0.0.2 > 10.0.0.1: ICMP host 10.0.0.2 unreachable - admin prohibited, length 68";
        let other =
            "IP 10.0.0.2 > 10.0.0.9: ICMP host 10.0.0.2 unreachable - admin prohibited, length 68";
        let found = about(&[&syn(5001), ack, no, &syn(5003), no, other]);
        assert_eq!(found, [Some((5001, 80)), Some((5003, 80)), None]);
    }

    #[test]
    fn what_the_line_says_of_the_packet_counts() {
        let asked = "IP 10.0.0.1.5001 > 10.0.0.2.53: 7+ A? a.example. (27)";
        let answer = "IP 10.0.0.2.53 > 10.0.0.1.5001: UDP, length 14";
        let port = |port: u16| {
            format!("IP 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 udp port {port} unreachable, length 63")
        };
        assert_eq!(about(&[asked, answer, &port(53)]), [Some((5001, 53))]);
        // Another port: nothing above it went there.
        assert_eq!(about(&[asked, &port(54)]), [Some((0, 54))]);
        let tcp = "IP 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 tcp port 53 unreachable, length 63";
        assert_eq!(about(&[asked, tcp]), [Some((0, 53))]);
    }

    #[test]
    fn the_length_of_an_error_is_that_of_its_packet() {
        let data = |port: u16, length: u32| {
            format!(
                "IP 10.0.0.1.{port} > 10.0.0.2.80: Flags [P.], seq 1:{}, ack 1, win 9, options [], length {length}",
                length + 1
            )
        };
        let big = "IP 10.0.0.9 > 10.0.0.1: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 556";
        let some = "IP 10.0.0.9 > 10.0.0.1: ICMP time exceeded in-transit, length 148";
        let short = "IP 10.0.0.9 > 10.0.0.1: ICMP time exceeded in-transit, length 36";
        let sent = [data(5001, 100), data(5002, 90), data(5003, 1460)];
        let above: Vec<&str> = sent.iter().map(String::as_str).collect();
        assert_eq!(about(&[&above[..], &[some]].concat()), [Some((5001, 80))]);
        assert_eq!(about(&[&above[..], &[big]].concat()), [Some((5003, 80))]);
        assert_eq!(about(&[&above[..], &[short]].concat()), [Some((5003, 80))], "the latest");
    }

    #[test]
    fn ipv6_errors_name_their_packet_too() {
        let syn = format!(
            "IP6 2001:db8::1.5001 > 2001:db8::2.80: Flags [S], seq 7, win 9, {OPTIONS}, length 0"
        );
        let no = "IP6 2001:db8::2 > 2001:db8::1: ICMP6, destination unreachable, unreachable port, 2001:db8::2 tcp port 80, length 88";
        let address = "IP6 2001:db8::9 > 2001:db8::1: ICMP6, destination unreachable, unreachable address 2001:db8::2, length 88";
        assert_eq!(about(&[&syn, no]), [Some((5001, 80))]);
        assert_eq!(about(&[&syn, address]), [Some((5001, 80))]);
        let elsewhere = address.replace("address 2001:db8::2", "address 2001:db8::3");
        assert_eq!(about(&[&syn, &elsewhere]), [None]);
    }
}
