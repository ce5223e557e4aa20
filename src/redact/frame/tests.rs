use super::*;
use crate::capture::{Frame, Timestamp};
use crate::wire::{Body, IcmpKind, Transport, decode};

/// Adds one to the last byte of every address.
struct PlusOne;

impl StandIns for PlusOne {
    fn ip(&mut self, ip: Ip) -> Ip {
        match ip.addr() {
            std::net::IpAddr::V4(ip) => Ip::v4((ip.to_bits() + 1).to_be_bytes()),
            std::net::IpAddr::V6(ip) => Ip::v6((ip.to_bits() + 1).to_be_bytes()),
        }
    }

    fn mac(&mut self, mac: Mac) -> Mac {
        let [a, b, c, d, e, f] = mac.0;
        Mac([a, b, c, d, e, f.wrapping_add(1)])
    }
}

const SRC: [u8; 4] = [10, 0, 0, 1];
const DST: [u8; 4] = [10, 0, 0, 2];

fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut header = vec![0x45, 0];
    header.extend(total.to_be_bytes());
    header.extend([0, 7, 0x40, 0, 64, protocol, 0, 0]);
    header.extend(SRC);
    header.extend(DST);
    let check = !sum::sum(&header);
    header[10..12].copy_from_slice(&check.to_be_bytes());
    [header, payload.to_vec()].concat()
}

fn tcp(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x9c, 0x40, 0, 80, 0, 0, 0, 5, 0, 0, 0, 6];
    bytes.extend([((20 + options.len()) / 4 * 16) as u8, 0x18, 1, 0, 0, 0, 0, 0]);
    bytes.extend(options);
    bytes.extend(payload);
    let pseudo = pseudo(6, bytes.len());
    let check = !sum::add(sum::sum(&bytes), pseudo);
    bytes[16..18].copy_from_slice(&check.to_be_bytes());
    bytes
}

fn pseudo(protocol: u8, len: usize) -> u16 {
    let mut bytes = [SRC, DST].concat();
    bytes.extend([0, protocol]);
    bytes.extend((len as u16).to_be_bytes());
    sum::sum(&bytes)
}

fn frame(kind: u16, packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3];
    bytes.extend(kind.to_be_bytes());
    bytes.extend(packet);
    bytes
}

fn rewritten(bytes: &[u8]) -> Vec<u8> {
    let new = rewrite(&mut PlusOne, LinkType::ETHERNET, bytes);
    assert_eq!(new.len(), bytes.len());
    new
}

fn decoded<T>(bytes: &[u8], look: impl FnOnce(crate::wire::Packet<'_>) -> T) -> T {
    look(decode(&Frame {
        number: 1,
        time: Timestamp(0),
        interface: 0,
        link_type: LinkType::ETHERNET,
        wire_len: bytes.len() as u32,
        data: bytes,
        known: crate::capture::Known::ALL,
    }))
}

/// Sums of header and segment over the stand-ins.
fn checks(packet: &[u8]) -> (u16, u16) {
    let (header, rest) = packet.split_at(20);
    let around = sum::add(sum::sum(&header[12..20]), sum::sum(&[0, header[9]]));
    let len = sum::sum(&(rest.len() as u16).to_be_bytes());
    (sum::sum(header), sum::add(sum::add(around, len), sum::sum(rest)))
}

#[test]
fn a_segment_keeps_its_numbers_and_loses_its_payload() {
    let options =
        [1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 254, 8, 0x9c, 0x40, 10, 0, 0, 9, 34, 4, 7, 7];
    let old = frame(IPV4, &ip4(6, &tcp(&options, b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n")));
    let new = rewritten(&old);
    assert_eq!(checks(&old[14..]), (0xffff, 0xffff));
    assert_eq!(checks(&new[14..]), (0xffff, 0xffff));
    assert!(!new.windows(6).any(|w| w == b"secret"));
    decoded(&new, |packet| {
        assert_eq!(packet.link.src, Some(Mac([2, 0, 0, 0, 0, 4])));
        let Body::Ip(ip) = packet.body else { panic!() };
        assert_eq!((ip.src, ip.dst), (Ip::v4([10, 0, 0, 2]), Ip::v4([10, 0, 0, 3])));
        let Transport::Tcp(tcp) = ip.transport else { panic!() };
        assert_eq!((tcp.seq, tcp.ack, tcp.payload_len), (5, 6, 33));
        assert!(tcp.payload.iter().all(|byte| *byte == 0));
        let options = tcp.parse_options();
        assert_eq!(options.timestamps, Some((7, 9)));
        assert_eq!(options.toa.unwrap().addr, Ip::v4([10, 0, 0, 10]));
        // TCP Fast Open's cookie tells clients apart.
        assert!(tcp.options.ends_with(&[34, 4, 0, 0]));
    });
    let mut wrong = old;
    wrong[14 + 20 + 16] ^= 1;
    assert_ne!(checks(&rewritten(&wrong)[14..]).1, 0xffff);
}

#[test]
fn who_has_which_address_is_replaced_on_both_layers() {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 3];
    arp.extend(SRC);
    arp.extend([2, 0, 0, 0, 0, 1]);
    arp.extend(DST);
    let new = rewritten(&frame(ARP, &[&arp[..], &[9; 18]].concat()));
    decoded(&new, |packet| {
        let Body::Arp(arp) = packet.body else { panic!() };
        assert_eq!((arp.sender, arp.target), (Ip::v4([10, 0, 0, 2]), Ip::v4([10, 0, 0, 3])));
        assert_eq!((arp.sender_mac.0[5], arp.target_mac.0[5]), (4, 2));
    });
    assert!(new[42..].iter().all(|byte| *byte == 0), "padding may hold old memory");
}

#[test]
fn errors_quote_the_packet_that_was_sent() {
    let quoted = ip4(6, &tcp(&[], b"secret payload"));
    let mut icmp = vec![3, 4, 0, 0, 0, 0, 5, 0xdc];
    icmp.extend(&quoted[..20 + 8]);
    let check = !sum::sum(&icmp);
    icmp[2..4].copy_from_slice(&check.to_be_bytes());
    let new = rewritten(&frame(IPV4, &ip4(1, &icmp)));
    assert_eq!(sum::sum(&new[34..]), 0xffff);
    decoded(&new, |packet| {
        let Body::Ip(ip) = packet.body else { panic!() };
        let Transport::Icmp(icmp) = ip.transport else { panic!() };
        assert_eq!(icmp.kind, IcmpKind::TooBig { mtu: 1500 });
        let quote = icmp.quote().unwrap();
        assert_eq!((quote.src, quote.src_port, quote.seq), (Ip::v4([10, 0, 0, 2]), 40000, Some(5)));
    });
}

#[test]
fn packets_in_tunnels_are_replaced_too() {
    let inner = ip4(6, &tcp(&[], b"secret"));
    let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame(IPV4, &inner)].concat();
    let udp = [&[0x30, 0x39, 0x12, 0xb5, 0, (8 + vxlan.len()) as u8, 0, 0][..], &vxlan].concat();
    let gre = [&[0, 0, 8, 0][..], &inner].concat();
    for (protocol, payload) in [(4, inner.clone()), (47, gre), (17, udp)] {
        let new = rewritten(&frame(IPV4, &ip4(protocol, &payload)));
        assert!(!new.windows(6).any(|w| w == b"secret"), "{protocol}");
        assert!(!new.windows(4).any(|w| w == SRC), "{protocol}");
        decoded(&new, |packet| {
            let Body::Ip(ip) = packet.body else { panic!("{protocol}") };
            assert!(ip.outer.is_some(), "{protocol}");
            assert!(matches!(ip.transport, Transport::Tcp(_)), "{protocol}");
        });
    }
}

#[test]
fn a_proxy_header_names_the_stand_ins() {
    let v1 = b"PROXY TCP4 10.0.0.1 10.0.0.2 40000 80\r\nGET /secret";
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x17".to_vec();
    v2.extend([10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0, 80, 2, 0, 8]);
    v2.extend(b"host.example");
    for payload in [&v1[..], &v2] {
        let new = rewritten(&frame(IPV4, &ip4(6, &tcp(&[], payload))));
        let said = crate::wire::ProxyHeader::parse(&new[54..]).unwrap();
        assert_eq!(said.client, (Ip::v4([10, 0, 0, 2]), 40000));
        assert_eq!(said.server, (Ip::v4([10, 0, 0, 3]), 80));
        assert!(!new.windows(4).any(|w| w == b"host" || w == b"GET "));
        assert_eq!(checks(&new[14..]), (0xffff, 0xffff));
    }
}

#[test]
fn routers_and_neighbours_of_ipv6_are_replaced() {
    let ip = |last: u8| -> Vec<u8> { [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[last]].concat() };
    let mut message = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
    message.extend(ip(8));
    message.extend([2, 1, 2, 0, 0, 0, 0, 9]);
    let mut packet = vec![0x60, 0, 0, 0, 0, message.len() as u8, 58, 255];
    packet.extend(ip(1));
    packet.extend(ip(2));
    packet.extend(message);
    decoded(&rewritten(&frame(IPV6, &packet)), |packet| {
        let Body::Ip(ip) = packet.body else { panic!() };
        let Transport::Icmp(icmp) = ip.transport else { panic!() };
        let IcmpKind::NeighborAdvertisement { target, target_mac, .. } = icmp.kind else {
            panic!()
        };
        assert_eq!(target.to_string(), "2001:db8::9");
        assert_eq!(target_mac, Some(Mac([2, 0, 0, 0, 0, 10])));
    });
    let mut vrrp = vec![0x21, 51, 100, 1, 1, 1, 0, 0];
    vrrp.extend(SRC);
    vrrp.extend(b"password");
    let new = rewritten(&frame(IPV4, &ip4(112, &vrrp)));
    assert!(new.ends_with(&[&[10, 0, 0, 2][..], &[0; 8]].concat()));
}

/// Nothing panics, nothing grows, and what is not understood is zeros.
#[test]
fn whatever_the_bytes() {
    let tunnel = ip4(47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1][..], &[0x20; 40]].concat());
    let whole = [
        frame(
            IPV4,
            &ip4(6, &tcp(&[254, 20, 1, 2, 3, 4, 5, 6], b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n")),
        ),
        frame(IPV4, &tunnel),
        frame(
            0x8100,
            &[&[0, 7, 0x86, 0xdd][..], &[0x60, 0, 0, 0, 0, 60, 43, 1], &[3; 90]].concat(),
        ),
        frame(0x88cc, b"LLDP with a host name"),
    ];
    for bytes in &whole {
        for cut in 0..=bytes.len() {
            for link in [1, 0, 9, 101, 113, 276, 147] {
                let new = rewrite(&mut PlusOne, LinkType(link), &bytes[..cut]);
                assert_eq!(new.len(), cut);
            }
        }
        for at in 12..bytes.len() {
            for value in [0, 4, 0x45, 0x60, 0xff] {
                let mut odd = bytes.clone();
                odd[at] = value;
                assert_eq!(rewrite(&mut PlusOne, LinkType::ETHERNET, &odd).len(), odd.len());
            }
        }
    }
    assert!(rewrite(&mut PlusOne, LinkType(147), &whole[0]).iter().all(|byte| *byte == 0));
    assert!(rewritten(&whole[3])[14..].iter().all(|byte| *byte == 0));
}

#[test]
fn sessions_and_labels_lose_their_numbers_and_nothing_else() {
    let inside = ip4(6, &tcp(&[], b"secret"));
    let length = (inside.len() + 2) as u16;
    let [hi, lo] = length.to_be_bytes();
    let session = [&[0x11, 0, 0x12, 0x34, hi, lo, 0, 0x21][..], &inside].concat();
    let labels = [&[0x12, 0x34, 0x50, 63, 0x0a, 0xbc, 0xd1, 62][..], &inside].concat();
    let heads: [(u16, Vec<u8>, &[u8]); 2] = [
        (0x8864, session, &[0x11, 0, 0, 0, hi, lo, 0, 0x21]),
        (0x8847, labels, &[0, 0, 0, 63, 0, 0, 1, 62]),
    ];
    let plain = rewrite(&mut PlusOne, LinkType::ETHERNET, &frame(IPV4, &inside));
    for (kind, bytes, head) in heads {
        let new = rewrite(&mut PlusOne, LinkType::ETHERNET, &frame(kind, &bytes));
        assert_eq!(&new[14..22], head, "{kind:#06x}");
        assert_eq!(new[22..], plain[14..], "{kind:#06x}");
        let control = frame(kind, &[0x11, 0, 0x12, 0x34, 0, 2, 0xc0, 0x21]);
        let new = rewrite(&mut PlusOne, LinkType::ETHERNET, &control);
        assert!(new[14..].iter().all(|byte| *byte == 0), "{kind:#06x}");
    }
}
