//! Every format from bytes written by hand, cut, bent and nested.

mod closed;

use super::super::{Body, Direction, Ip, Mac, Packet, Transport, decode};
use super::*;
use crate::capture::{Frame, Timestamp};

const CLIENT: [u8; 4] = [198, 51, 100, 7];
const VIP: [u8; 4] = [192, 0, 2, 8];
const DIRECTOR: [u8; 4] = [10, 0, 0, 2];
const SERVER: [u8; 4] = [10, 0, 0, 11];
const OUTER_MACS: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];
const INNER_MACS: [[u8; 6]; 2] = [[2, 0, 0, 0, 9, 1], [2, 0, 0, 0, 9, 2]];

/// A SYN from port 40000 to port 80 with sequence number 5.
fn syn() -> Vec<u8> {
    let mut bytes = vec![0x9c, 0x40, 0, 80, 0, 0, 0, 5, 0, 0, 0, 0, 0x50, 2, 0xfa, 0xf0];
    bytes.extend([0; 4]);
    bytes
}

fn v4(protocol: u8, src: [u8; 4], dst: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 1, 0x40, 0, 63, protocol, 0, 0]);
    bytes.extend([src, dst].concat());
    let words = bytes.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let sum = words.sum::<u32>();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next, 64]);
    for host in [7, 8] {
        bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    bytes.extend(payload);
    bytes
}

fn frame(macs: [[u8; 6]; 2], kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [macs[1], macs[0]].concat();
    bytes.extend(kind.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = 51_000_u16.to_be_bytes().to_vec();
    bytes.extend(port.to_be_bytes());
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

/// The client's packet in each family, and in an Ethernet frame.
fn inner() -> Vec<u8> {
    v4(6, CLIENT, VIP, &syn())
}

fn inner_frame() -> Vec<u8> {
    frame(INNER_MACS, 0x0800, &inner())
}

fn tagged_frame() -> Vec<u8> {
    frame(INNER_MACS, 0x8100, &[&[0, 100, 8, 0], &inner()[..]].concat())
}

fn gre(bytes: &[u8], inside: &[u8]) -> Vec<u8> {
    v4(47, DIRECTOR, SERVER, &[bytes, inside].concat())
}

fn in_udp(port: u16, bytes: &[u8], inside: &[u8]) -> Vec<u8> {
    v4(17, DIRECTOR, SERVER, &udp(port, &[bytes, inside].concat()))
}

const VXLAN: [u8; 8] = [8, 0, 0, 0, 0, 0, 42, 0];
const GENEVE: [u8; 8] = [0, 0, 0x65, 0x58, 0, 0, 42, 0];
const ERSPAN2: [u8; 16] = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 9, 0x10, 1, 0, 1, 0, 0, 0, 0];

struct Format {
    name: &'static str,
    packet: Vec<u8>,
    kind: Option<Tunnel>,
    id: Option<u32>,
    /// The VLAN of the frame inside, where there is a frame.
    vlan: Option<u32>,
}

#[rustfmt::skip]
fn formats() -> Vec<Format> {
    use Tunnel::{Fou, Geneve, Gre, GreTap, Gue, Ip, Vxlan};
    let six = v6(6, &syn());
    let list = [
        ("ipip", v4(4, DIRECTOR, SERVER, &inner()), Some(Ip), None, None),
        ("6in4", v4(41, DIRECTOR, SERVER, &six), Some(Ip), None, None),
        ("4in6", v6(4, &inner()), Some(Ip), None, None),
        ("gre", gre(&[0, 0, 8, 0], &inner()), Some(Gre), None, None),
        ("gre in v6", v6(47, &[&[0, 0, 8, 0], &inner()[..]].concat()), Some(Gre), None, None),
        ("gre 6", gre(&[0, 0, 0x86, 0xdd], &six), Some(Gre), None, None),
        ("gre checksum", gre(&[0x80, 0, 8, 0, 1, 2, 0, 0], &inner()), Some(Gre), None, None),
        ("gre key", gre(&[0x20, 0, 8, 0, 0, 0, 0, 7], &inner()), Some(Gre), Some(7), None),
        ("gre sequence", gre(&[0x10, 0, 8, 0, 0, 0, 0, 7], &inner()), Some(Gre), None, None),
        ("gre c+k+s", gre(&[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], &inner()), Some(Gre), Some(7), None),
        ("gretap", gre(&[0x20, 0, 0x65, 0x58, 0, 0, 0, 7], &inner_frame()), Some(GreTap), Some(7), Some(0)),
        ("nvgre", gre(&[0x20, 0, 0x65, 0x58, 0, 0x20, 1, 0xee], &inner_frame()), Some(GreTap), Some(0x2001), Some(0)),
        ("erspan 1", gre(&[0, 0, 0x88, 0xbe], &inner_frame()), None, None, Some(0)),
        ("erspan 2", gre(&ERSPAN2, &tagged_frame()), None, None, Some(100)),
        ("erspan 3", gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 9, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], &inner_frame()), None, None, Some(0)),
        ("erspan 3 long", gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 9, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], &inner_frame()), None, None, Some(0)),
        ("vxlan", in_udp(4789, &VXLAN, &inner_frame()), Some(Vxlan), Some(42), Some(0)),
        ("vxlan tagged", in_udp(4789, &VXLAN, &tagged_frame()), Some(Vxlan), Some(42), Some(100)),
        ("vxlan policy", in_udp(4789, &[0x88, 8, 1, 2, 0, 0, 42, 0], &inner_frame()), Some(Vxlan), Some(42), Some(0)),
        ("vxlan linux", in_udp(8472, &VXLAN, &inner_frame()), Some(Vxlan), Some(42), Some(0)),
        ("vxlan 6", in_udp(4789, &VXLAN, &frame(INNER_MACS, 0x86dd, &six)), Some(Vxlan), Some(42), Some(0)),
        ("geneve", in_udp(6081, &GENEVE, &inner_frame()), Some(Geneve), Some(42), Some(0)),
        ("geneve options", in_udp(6081, &[3, 0x40, 0x65, 0x58, 0, 0, 42, 0, 1, 8, 1, 1, 9, 9, 9, 9, 1, 8, 2, 0], &inner_frame()), Some(Geneve), Some(42), Some(0)),
        ("geneve ip", in_udp(6081, &[0, 0, 8, 0, 0, 0, 42, 0], &inner()), Some(Geneve), Some(42), None),
        ("gue", in_udp(6080, &[0, 4, 0, 0], &inner()), Some(Gue), None, None),
        ("gue 6", in_udp(6080, &[0, 41, 0, 0], &six), Some(Gue), None, None),
        ("gue options", in_udp(19523, &[2, 4, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4], &inner()), Some(Gue), None, None),
        ("gue gre", in_udp(6080, &[0, 47, 0, 0, 0, 0, 8, 0], &inner()), Some(Gre), None, None),
        ("fou", in_udp(5555, &[], &inner()), Some(Fou), None, None),
        ("fou 9886", in_udp(9886, &[], &inner()), Some(Fou), None, None),
        ("fou 6", in_udp(9737, &[], &six), Some(Fou), None, None),
    ];
    list.into_iter().map(|(name, packet, kind, id, vlan)| Format { name, packet, kind, id, vlan }).collect()
}

fn on_wire(packet: &[u8]) -> Vec<u8> {
    let kind = if packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 };
    frame(OUTER_MACS, kind, packet)
}

fn read(data: &[u8], wire_len: usize, link_type: LinkType) -> Packet<'_> {
    let wire_len = wire_len as u32;
    decode(&Frame {
        number: 1,
        time: Timestamp(0),
        interface: 0,
        link_type,
        wire_len,
        data,
        known: crate::capture::Known::ALL,
    })
}

fn ethernet(data: &[u8]) -> Packet<'_> {
    read(data, data.len(), LinkType::ETHERNET)
}

/// The TCP ports of the client's packet, if it is what was found.
fn is_opened(packet: &Packet<'_>) -> bool {
    let Body::Ip(ip) = &packet.body else { return false };
    ip.src == Ip::v4(CLIENT) || ip.protocol.is_tcp()
}

#[test]
fn every_format_is_opened() {
    for Format { name, packet, kind, id, vlan } in formats() {
        let data = on_wire(&packet);
        let seen = ethernet(&data);
        let Body::Ip(ip) = &seen.body else { panic!("{name}: {seen:?}") };
        let Transport::Tcp(tcp) = &ip.transport else { panic!("{name}: {seen:?}") };
        assert_eq!((tcp.dst_port, tcp.seq, tcp.payload_len), (80, 5, 0), "{name}");
        assert_eq!(ip.outer.map(|o| (o.kind, o.id)), kind.map(|kind| (kind, id)), "{name}");
        if let Some(outer) = ip.outer.filter(|outer| outer.src.is_v4()) {
            assert_eq!((outer.src, outer.dst), (Ip::v4(DIRECTOR), Ip::v4(SERVER)), "{name}");
        }
        let macs = if vlan.is_some() { INNER_MACS } else { OUTER_MACS };
        assert_eq!((seen.link.src, seen.link.dst), (Some(Mac(macs[0])), Some(Mac(macs[1]))));
        assert_eq!((seen.vlan, seen.stop), (vlan.unwrap_or(0), None), "{name}");
        assert_eq!(seen.link.overlay, vlan.is_some() && kind.is_some(), "{name}");
    }
}

#[test]
fn cut_anywhere_it_says_so_or_shows_what_is_inside() {
    for Format { name, packet, .. } in formats() {
        let data = on_wire(&packet);
        for cut in 0..data.len() {
            let seen = read(&data[..cut], data.len(), LinkType::ETHERNET);
            let told = seen.stop.is_some() || is_opened(&seen);
            assert!(told, "{name} cut at {cut}: {seen:?}");
        }
    }
}

#[test]
fn no_byte_makes_it_panic() {
    for Format { packet, .. } in formats() {
        let data = on_wire(&packet);
        for at in 14..data.len() {
            for value in [0, 1, 0x0f, 0x7f, 0x80, 0xf0, 0xff, data[at] ^ 1, data[at] ^ 0x40] {
                let mut bent = data.clone();
                bent[at] = value;
                let whole = ethernet(&bent);
                assert!(whole.stop.is_some() || !matches!(whole.body, Body::Other(0)));
                let cut = read(&bent[..at], data.len(), LinkType::ETHERNET);
                assert!(cut.link.src.is_some());
            }
        }
    }
}

#[test]
fn tunnels_in_tunnels_are_opened_four_deep() {
    type Wrap = fn(&[u8]) -> Vec<u8>;
    let wraps: [Wrap; 6] = [
        |p| v4(4, DIRECTOR, SERVER, p),
        |p| gre(&[0, 0, 8, 0], p),
        |p| in_udp(6080, &[0, 4, 0, 0], p),
        |p| in_udp(5555, &[], p),
        |p| in_udp(4789, &VXLAN, &frame(INNER_MACS, 0x0800, p)),
        |p| gre(&ERSPAN2, &frame(INNER_MACS, 0x0800, p)),
    ];
    for first in 0..wraps.len() {
        for step in 0..wraps.len() {
            for depth in 1..=10 {
                let nested =
                    (0..depth).fold(inner(), |p, n| wraps[(first + n * step) % wraps.len()](&p));
                let data = on_wire(&nested);
                let seen = ethernet(&data);
                let opened = is_opened(&seen);
                assert_eq!(opened, depth <= usize::from(MAX_TUNNELS), "{first} {step} {depth}");
            }
        }
    }
}

#[test]
fn a_balancers_tunnel_in_an_overlay_keeps_the_overlays_network() {
    let ipip = v4(4, DIRECTOR, SERVER, &inner());
    let data = on_wire(&in_udp(4789, &VXLAN, &frame(INNER_MACS, 0x0800, &ipip)));
    let seen = ethernet(&data);
    let Body::Ip(ip) = &seen.body else { panic!("{seen:?}") };
    let outer = ip.outer.unwrap();
    assert_eq!((outer.kind, outer.id, outer.is_forwarding()), (Tunnel::Ip, Some(42), true));
    assert_eq!(seen.link.src, Some(Mac(INNER_MACS[0])));
}

#[test]
fn a_mirror_shows_arp_and_an_overlay_does_not() {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1];
    arp.extend(INNER_MACS[0]);
    arp.extend(CLIENT);
    arp.extend([0; 6]);
    arp.extend(VIP);
    let inside = frame(INNER_MACS, 0x0806, &arp);
    let data = on_wire(&gre(&ERSPAN2, &inside));
    let seen = ethernet(&data);
    let Body::Arp(found) = &seen.body else { panic!("{seen:?}") };
    assert_eq!((found.target, seen.link.src), (Ip::v4(VIP), Some(Mac(INNER_MACS[0]))));
    assert!(!seen.link.overlay);
    for packet in [
        in_udp(4789, &VXLAN, &inside),
        in_udp(6081, &GENEVE, &inside),
        gre(&[0, 0, 0x65, 0x58], &inside),
    ] {
        let data = on_wire(&packet);
        assert_eq!(ethernet(&data).body, Body::Other(0x0806));
    }
}

#[test]
fn an_overlay_leaves_in_the_direction_of_its_frame_and_a_mirror_in_none() {
    let mut cooked = [0u8; 20];
    cooked[0..2].copy_from_slice(&[8, 0]);
    cooked[7] = 3;
    cooked[10] = 4;
    for (packet, direction) in [
        (in_udp(4789, &VXLAN, &inner_frame()), Direction::Out),
        (gre(&ERSPAN2, &inner_frame()), Direction::Unknown),
    ] {
        let data = [&cooked[..], &packet].concat();
        let seen = read(&data, data.len(), LinkType::LINUX_SLL2);
        assert_eq!((seen.link.direction, seen.link.ifindex), (direction, 3));
        assert_eq!(seen.link.dst, Some(Mac(INNER_MACS[1])));
    }
}

#[test]
fn tags_tell_kinds_and_networks_apart() {
    use Tunnel::{Fou, Geneve, Gre, GreTap, Gue, Ip as IpIp, Vxlan};
    let mut tags = std::collections::BTreeSet::new();
    for kind in [IpIp, Gre, Gue, Fou, GreTap, Vxlan, Geneve] {
        for id in 0..4096 {
            let outer = Outer {
                src: Ip::v4(DIRECTOR),
                dst: Ip::v4(SERVER),
                protocol: 0,
                kind,
                id: Some(id),
                options: None,
            };
            assert_ne!(outer.tag(), 0);
            assert_eq!(Outer::tag_is_forwarding(outer.tag()), kind.is_forwarding());
            assert!(tags.insert(outer.tag()), "{kind:?} {id}");
        }
    }
    // Nor do networks meet that lie side by side further up.
    let of = |id| Outer {
        src: Ip::v4(DIRECTOR),
        dst: Ip::v4(SERVER),
        protocol: 17,
        kind: Vxlan,
        id: Some(id),
        options: None,
    };
    assert_ne!(of(10_001).tag(), of(10_002).tag());
    assert_ne!(of(1 << 12).tag(), of(1 << 13).tag());
}
