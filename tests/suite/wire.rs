//! What a frame says through VLAN tags, extension headers, fragments and
//! tunnels, and what is left of it where it is cut.

use crate::support::frames::*;
use etherparse::{
    IpFragOffset, IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, Ipv6Extensions,
    Ipv6FragmentHeader, Ipv6Header, Ipv6RawExtHeader, PacketBuilder, VlanId, ip_number,
};
use lbdiag::capture::LinkType;
use lbdiag::wire::{self, Body, Fragment, Ip, IpPacket, Packet, Protocol, Stop, Tcp, Transport};

fn ip<'a>(packet: &'a Packet<'a>) -> &'a IpPacket<'a> {
    let Body::Ip(ip) = &packet.body else { panic!("no IP: {packet:?}") };
    ip
}

fn tcp<'a>(packet: &'a Packet<'a>) -> &'a Tcp<'a> {
    let Transport::Tcp(tcp) = &ip(packet).transport else { panic!("no TCP: {packet:?}") };
    tcp
}

const V6_A: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const V6_B: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8];

/// Puts an Ethernet header in front of a packet.
fn ethernet(ether_type: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = [SERVER_MAC, CLIENT_MAC].concat();
    frame.extend(ether_type.to_be_bytes());
    frame.extend(packet);
    frame
}

/// Puts an IPv4 header in front of a payload.
fn around(protocol: IpNumber, src: [u8; 4], dst: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Header::new(payload.len() as u16, 63, protocol, src, dst).unwrap();
    let mut packet = header.to_bytes().to_vec();
    packet.extend(payload);
    packet
}

#[test]
fn vlan_tags_are_opened_and_kept() {
    let vlan = |n: u16| VlanId::try_new(n).unwrap();
    let plain = || PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC);
    let one = plain().single_vlan(vlan(100)).ipv4(CLIENT.0, VIP.0, 64);
    let two = plain().double_vlan(vlan(7), vlan(100)).ipv4(CLIENT.0, VIP.0, 64);
    for (builder, id) in [(one, 100), (two, 7 << 16 | 100)] {
        let bytes = build(builder.tcp(40_000, 80, 5, 1000).syn(), b"");
        let packet = decode(&bytes);
        assert_eq!((packet.vlan, packet.stop), (id, None));
        assert_eq!((tcp(&packet).dst_port, tcp(&packet).seq), (80, 5));
    }
}

#[test]
fn like_five_tuples_on_two_vlans_are_two_streams() {
    let mut vantage = Vantage::default();
    for (us, id) in [(0, 10), (50, 20), (100, 10)] {
        let builder = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC)
            .single_vlan(VlanId::try_new(id).unwrap())
            .ipv4(CLIENT.0, VIP.0, 64);
        vantage.frame(us, &build(builder.tcp(40_000, 80, 5, 1000).ack(1), b"abc"));
    }
    let packets: Vec<u64> = vantage.finish().streams.iter().map(|s| s.packets()).collect();
    assert_eq!(packets, [2, 1]);
}

#[test]
fn tags_without_end_are_refused_not_followed() {
    let mut tags = Vec::new();
    for _ in 0..200 {
        tags.extend([0, 100, 0x81, 0]);
    }
    let packet_bytes = ethernet(0x8100, &tags);
    assert!(matches!(decode(&packet_bytes).body, Body::Other(_)));
}

#[test]
fn ipv6_extension_headers_are_stepped_over() {
    let header =
        Ipv6Header { hop_limit: 61, source: V6_A, destination: V6_B, ..Ipv6Header::default() };
    let options = Ipv6RawExtHeader::new_raw(ip_number::IPV6_ROUTE, &[1, 4, 0, 0, 0, 0]).unwrap();
    let extensions = Ipv6Extensions {
        hop_by_hop_options: Some(options.clone()),
        destination_options: Some(options),
        ..Ipv6Extensions::default()
    };
    let builder =
        PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC).ip(IpHeaders::Ipv6(header, extensions));
    let bytes = build(builder.tcp(40_000, 443, 9, 1000).ack(77), b"hello");
    let packet = decode(&bytes);
    assert_eq!((packet.stop, ip(&packet).ttl, ip(&packet).protocol), (None, 61, Protocol::TCP));
    assert_eq!((ip(&packet).src, ip(&packet).id), (Ip::v6(V6_A), None));
    let segment = tcp(&packet);
    assert_eq!((segment.dst_port, segment.ack, segment.payload), (443, 77, &b"hello"[..]));
    assert_eq!(segment.payload_len, 5, "extension headers are no payload");
}

#[test]
fn the_length_of_a_payload_is_what_was_sent_not_the_padding() {
    // Ethernet pads a bare acknowledgment to 60 bytes.
    let mut bytes = Segment::ack(CLIENT, VIP, 1, 2).ethernet();
    bytes.resize(60, 0);
    assert_eq!((tcp(&decode(&bytes)).payload_len, tcp(&decode(&bytes)).payload.len()), (0, 0));
}

#[test]
fn segmentation_offload_leaves_the_length_to_the_frame() {
    let mut bytes = Segment::data(SERVER, CLIENT, 1, 2, &[7; 5000]).ethernet();
    bytes[16..18].copy_from_slice(&[0, 0]);
    assert_eq!(tcp(&decode(&bytes)).payload_len, 5000);
}

#[test]
fn only_the_first_fragment_has_ports() {
    let segment = Segment::data(SERVER, CLIENT, 1000, 2, &[7; 64]).packet();
    let whole = Ipv4Header::from_slice(&segment).unwrap().0;
    let piece = |offset: u16, more: bool, payload: &[u8]| {
        let mut header = whole.clone();
        header.dont_fragment = false;
        header.more_fragments = more;
        header.fragment_offset = IpFragOffset::try_new(offset).unwrap();
        header.set_payload_len(payload.len()).unwrap();
        header.header_checksum = header.calc_header_checksum();
        ethernet(0x0800, &[&header.to_bytes()[..], payload].concat())
    };
    let (first, later) = (piece(0, true, &segment[20..60]), piece(5, false, &segment[60..]));
    let packet = decode(&first);
    assert!(matches!(ip(&packet).fragment, Fragment::First { .. }));
    assert_eq!(tcp(&packet).src_port, SERVER.1);
    let packet = decode(&later);
    assert!(matches!(ip(&packet).fragment, Fragment::Later { .. }) && packet.stop.is_none());
    assert_eq!(ip(&packet).transport, Transport::Other, "payload is not taken for ports");
    let mut vantage = Vantage::default();
    vantage.frame(0, &first).frame(5, &later);
    let seen = vantage.finish();
    assert_eq!((seen.streams.len(), seen.tally.tcp, seen.tally.other), (1, 2, 0));
    // The later piece belongs to the flow: its bytes leave no hole behind them.
    let flow = seen.streams[0].flows.iter().find(|flow| flow.seen()).unwrap();
    assert_eq!((flow.packets, flow.payload), (2, (segment.len() - 40) as u64));
    let mut vantage = Vantage::default();
    vantage.frame(0, &later);
    let seen = vantage.finish();
    assert_eq!((seen.streams.len(), seen.tally.other), (0, 1), "nobody's without its first");
}

#[test]
fn packets_with_options_are_known_by_their_header() {
    let segment = Segment::syn(CLIENT, VIP, 5).packet();
    let plain = ethernet(0x0800, &segment);
    assert!(!ip(&decode(&plain)).options);
    // Router alert (RFC 2113) behind the 20 bytes of the header.
    let mut alert = segment.clone();
    alert[0] = 0x46;
    let total = u16::from_be_bytes([segment[2], segment[3]]) + 4;
    alert[2..4].copy_from_slice(&total.to_be_bytes());
    alert.splice(20..20, [0x94, 4, 0, 0]);
    let frame = ethernet(0x0800, &alert);
    let packet = decode(&frame);
    assert!(ip(&packet).options && tcp(&packet).flags.syn());
}

#[test]
fn ipv6_fragments_are_told_apart() {
    for (offset, more, fragment) in [
        (0, true, Fragment::First { id: 99 }),
        (9, false, Fragment::Later { id: 99, bytes: 24 }),
        (0, false, Fragment::Whole),
    ] {
        let header = Ipv6Header { source: V6_A, destination: V6_B, ..Ipv6Header::default() };
        let piece = Ipv6FragmentHeader::new(
            ip_number::TCP,
            IpFragOffset::try_new(offset).unwrap(),
            more,
            99,
        );
        let extensions = Ipv6Extensions { fragment: Some(piece), ..Ipv6Extensions::default() };
        let builder = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC)
            .ip(IpHeaders::Ipv6(header, extensions));
        let bytes = build(builder.tcp(40_000, 443, 9, 1000).ack(77), b"abcd");
        let packet = decode(&bytes);
        assert_eq!(ip(&packet).fragment, fragment);
        let is_tcp = matches!(ip(&packet).transport, Transport::Tcp(_));
        assert_eq!(is_tcp, !matches!(fragment, Fragment::Later { .. }));
    }
}

#[test]
fn tunnels_are_opened_to_the_innermost_packet() {
    let inner = Segment::syn(CLIENT, VIP, 5).packet();
    let tunnelled = around(ip_number::IPV4, [10, 0, 0, 2], SERVER.0, &inner);
    let packet_bytes = ethernet(0x0800, &tunnelled);
    let packet = decode(&packet_bytes);
    let outer = ip(&packet).outer.unwrap();
    assert_eq!((outer.src, outer.dst), (Ip::v4([10, 0, 0, 2]), Ip::v4(SERVER.0)));
    assert_eq!((outer.protocol, ip(&packet).dst, ip(&packet).ttl), (4, Ip::v4(VIP.0), 64));
    assert!(tcp(&packet).flags.syn() && tcp(&packet).parse_options().timestamps.is_some());
    // IPv6 in IPv4.
    let mut six = Vec::new();
    let builder = PacketBuilder::ipv6(V6_A, V6_B, 60).tcp(40_000, 443, 9, 1000).syn();
    builder.write_to_vec(&mut six, b"").unwrap();
    let packet_bytes = ethernet(0x0800, &around(ip_number::IPV6, [10, 0, 0, 2], SERVER.0, &six));
    let packet = decode(&packet_bytes);
    assert_eq!((ip(&packet).dst, ip(&packet).outer.unwrap().protocol), (Ip::v6(V6_B), 41));
    assert_eq!(tcp(&packet).dst_port, 443);
}

#[test]
fn the_same_packet_in_a_tunnel_and_out_of_it_is_two_streams() {
    let inner = Segment::syn(CLIENT, VIP, 5).packet();
    let tunnelled = around(ip_number::IPV4, [10, 0, 0, 2], SERVER.0, &inner);
    let mut vantage = Vantage::default();
    vantage.frame(0, &ethernet(0x0800, &tunnelled)).frame(9, &ethernet(0x0800, &inner));
    let seen = vantage.finish();
    assert_eq!(seen.streams.len(), 2);
    assert_eq!(seen.streams[0].client_isn(), seen.streams[1].client_isn());
}

#[test]
fn tunnels_without_end_are_not_followed() {
    let mut packet_bytes = Segment::syn(CLIENT, VIP, 5).packet();
    for n in 0..50 {
        packet_bytes = around(ip_number::IPV4, [10, 0, 0, n], SERVER.0, &packet_bytes);
    }
    let frame = ethernet(0x0800, &packet_bytes);
    let packet = decode(&frame);
    assert_eq!((ip(&packet).protocol, &ip(&packet).transport), (Protocol(4), &Transport::Other));
}

#[test]
fn what_a_snapshot_length_leaves_of_a_syn_is_used() {
    let whole = Segment::syn(CLIENT, VIP, 0x0102_0304).ethernet();
    let header = 14 + 20;
    for cut in 0..=whole.len() {
        let frame = framed(LinkType::ETHERNET, &whole[..cut], whole.len());
        let packet = wire::decode(&frame);
        let Body::Ip(ip) = &packet.body else {
            assert!(cut < header && packet.stop.is_some(), "cut at {cut}: {packet:?}");
            continue;
        };
        let Transport::Tcp(tcp) = &ip.transport else {
            assert!(cut < header + 8 && packet.stop.is_some(), "cut at {cut}: {packet:?}");
            continue;
        };
        assert!(cut >= header + 8, "cut at {cut}: ports and sequence number are needed");
        assert_eq!((tcp.dst_port, tcp.seq), (80, 0x0102_0304), "cut at {cut}");
        if cut > header + 12 {
            assert_eq!(tcp.payload_len, 0, "cut at {cut}");
        }
        assert_eq!(tcp.flags.syn(), cut >= header + 14, "cut at {cut}");
        assert_eq!(tcp.header_cut, cut < whole.len(), "cut at {cut}");
        let options = tcp.parse_options();
        assert_eq!(options.mss.is_some(), cut >= header + 24, "cut at {cut}");
        assert_eq!(options.timestamps.is_some(), cut >= header + 36, "cut at {cut}");
        assert_eq!(options.window_scale.is_some(), cut >= header + 40, "cut at {cut}");
    }
}

#[test]
fn a_cut_syn_is_marked_so_that_missing_options_mean_nothing() {
    let whole = Segment::syn(CLIENT, VIP, 5).ethernet();
    for (cut, is_cut) in [(64, true), (whole.len(), false)] {
        let frame = framed(LinkType::ETHERNET, &whole[..cut], whole.len());
        let mut observer = lbdiag::flow::Observer::new(LinkType::ETHERNET);
        let mark = lbdiag::flow::Mark::new(1, lbdiag::capture::Timestamp(1));
        observer.observe(mark, &wire::decode(&frame), is_cut);
        let seen = observer.finish("test".to_owned(), 0);
        let flow = seen.streams[0].flows.iter().find(|f| f.seen()).unwrap();
        assert_eq!(
            (flow.shape.cut(), flow.shape.stamped(), flow.shape.mss),
            (is_cut, !is_cut, 1460)
        );
        assert_eq!((seen.tally.cut, seen.tally.stopped), (u64::from(is_cut), 0));
    }
}

#[test]
fn a_payload_cut_away_still_counts_as_sent() {
    let whole = Segment::data(SERVER, CLIENT, 1, 2, &[7; 1400]).ethernet();
    let frame = framed(LinkType::ETHERNET, &whole[..96], whole.len());
    let packet = wire::decode(&frame);
    assert_eq!((tcp(&packet).payload_len, tcp(&packet).payload.len()), (1400, 42));
}

#[test]
fn link_types_that_are_not_decoded_say_so() {
    let data = Segment::syn(CLIENT, VIP, 5).ethernet();
    for number in [105, 127, 147, 195, 252, 65_535] {
        let link_type = LinkType(number);
        assert!(!wire::supports(link_type));
        let packet = wire::decode(&framed(link_type, &data, data.len()));
        assert_eq!((packet.stop, &packet.body), (Some(Stop::LinkType), &Body::Other(0)));
    }
}

#[test]
fn no_frame_of_any_link_type_panics() {
    let mut frames = vec![
        Segment::data(SERVER, CLIENT, 1, 2, b"abc").ethernet(),
        ethernet(
            0x0800,
            &around(IpNumber(4), SERVER.0, VIP.0, &Segment::syn(CLIENT, VIP, 5).packet()),
        ),
        vec![0x45; 80],
        vec![0x60; 80],
        vec![0xff; 80],
    ];
    let header = Ipv4Header::new(8, 9, ip_number::ICMP, SERVER.0, VIP.0).unwrap();
    let icmp = PacketBuilder::ip(IpHeaders::Ipv4(header, Ipv4Extensions::default()))
        .icmpv4_raw(3, 1, [0; 4]);
    let mut unreachable = Vec::new();
    icmp.write(&mut unreachable, &Segment::syn(CLIENT, VIP, 5).packet()).unwrap();
    frames.push(ethernet(0x0800, &unreachable));
    for number in (0..300).chain([u16::MAX]) {
        for frame in &frames {
            for cut in 0..=frame.len() {
                let mut observer = lbdiag::flow::Observer::new(LinkType(number));
                let mark = lbdiag::flow::Mark::new(1, lbdiag::capture::Timestamp(1));
                let packet = wire::decode(&framed(LinkType(number), &frame[..cut], frame.len()));
                observer.observe(mark, &packet, cut < frame.len());
                assert_eq!(observer.finish(String::new(), 0).tally.frames, 1);
                if !wire::supports(LinkType(number)) {
                    break;
                }
            }
        }
    }
}
