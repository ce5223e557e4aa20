//! What stays closed: headers that lie, and whatever only looks like a tunnel.

use super::super::super::{Fragment, Stop};
use super::*;

#[test]
fn headers_that_lie_stay_closed() {
    let geneve = |len: u8, options: &[u8]| {
        let header = [&[len], &GENEVE[1..], options].concat();
        in_udp(6081, &header, &inner_frame())
    };
    let key = [0x20, 0, 8, 0, 0, 0, 0, 7];
    let closed = [
        ("all of GRE's flags", gre(&[0xff, 0xff, 8, 0], &[&[0; 12], &inner()[..]].concat())),
        ("a source route", gre(&[0x40, 0, 8, 0, 0, 0, 0, 0], &inner())),
        ("PPTP", gre(&[0x20, 1, 8, 0, 0, 0, 0, 7], &inner())),
        ("another protocol", gre(&[0, 0, 0x88, 0x3e], &inner())),
        ("another version than said", gre(&[0, 0, 0x86, 0xdd], &inner())),
        ("a key that is not there", gre(&key[..6], &[])),
        ("ERSPAN of another version", gre(&[&ERSPAN2[..8], &[0x30; 8]].concat(), &inner_frame())),
        ("options to beyond the end", geneve(63, &[])),
        ("options that end in one", geneve(1, &[])),
        ("an option longer than all", geneve(1, &[0, 0, 1, 1])),
        ("a control packet", in_udp(6081, &[&[0, 0x80], &GENEVE[2..]].concat(), &inner_frame())),
        ("GUE control", in_udp(6080, &[0x20, 4, 0, 0], &inner())),
        ("GUE longer than all", in_udp(6080, &[31, 4, 0, 0], &inner())),
        ("GUE variant 2", in_udp(6080, &[0x80, 4, 0, 0], &inner())),
        ("GUE of TCP", in_udp(6080, &[0, 6, 0, 0], &inner())),
        ("VXLAN without a network", in_udp(4789, &[0, 0, 0, 0, 0, 0, 42, 0], &inner_frame())),
    ];
    for (name, packet) in closed {
        let data = on_wire(&packet);
        let seen = ethernet(&data);
        let Body::Ip(ip) = &seen.body else { panic!("{name}: {seen:?}") };
        assert_eq!((ip.dst, ip.outer, seen.stop), (Ip::v4(SERVER), None, None), "{name}");
        assert_eq!(seen.link.src, Some(Mac(OUTER_MACS[0])), "{name}");
    }
}

/// A service on a tunnel's port is a service.
#[test]
fn udp_that_only_looks_like_a_tunnel_stays_udp() {
    let bent = |at: usize, values: &[u8]| {
        let mut packet = inner();
        packet[at..at + values.len()].copy_from_slice(values);
        packet
    };
    // Neither length nor checksum are right.
    let wrong = [bent(2, &[0, 39]), bent(2, &[1, 0]), bent(0, &[0x44]), bent(2, &[0, 10])];
    let group = frame([[3, 0, 0, 0, 9, 1], INNER_MACS[1]], 0x0800, &inner());
    let mut six = v6(6, &syn());
    six[5] -= 1;
    let text = b"GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n0123456789";
    let mut payloads: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0],
        vec![0; 60],
        vec![8; 60],
        vec![0x45; 60],
        vec![0x60; 60],
        vec![0xff; 60],
        text.to_vec(),
        six.clone(),
        [&VXLAN[..], &group].concat(),
        [&VXLAN[..], &frame(INNER_MACS, 0x86dd, &six)].concat(),
        [&VXLAN[..], &frame(INNER_MACS, 0x0806, &[0; 28])].concat(),
        [&VXLAN[..], &frame(INNER_MACS, 0x88cc, &inner())].concat(),
        [&VXLAN[..7], &[1], &inner_frame()[..]].concat(),
        [&GENEVE[..], &frame(INNER_MACS, 0x0806, &[0; 28])].concat(),
    ];
    for packet in wrong {
        payloads.push([&VXLAN[..], &frame(INNER_MACS, 0x0800, &packet)].concat());
        payloads.push([&GENEVE[..], &frame(INNER_MACS, 0x0800, &packet)].concat());
        payloads.push([&[0, 4, 0, 0], &packet[..]].concat());
        payloads.push(packet);
    }
    for port in [4789, 8472, 6081, 6080, 5555, 9737, 9886, 19523] {
        for payload in &payloads {
            let data = on_wire(&v4(17, CLIENT, VIP, &udp(port, payload)));
            let seen = ethernet(&data);
            let Body::Ip(ip) = &seen.body else { panic!("{seen:?}") };
            let Transport::Udp(datagram) = &ip.transport else { panic!("{port} {seen:?}") };
            assert_eq!((datagram.dst_port, seen.stop, ip.outer), (port, None, None));
            assert_eq!(datagram.payload, &payload[..]);
        }
    }
}

#[test]
fn a_tunnel_on_any_other_port_stays_udp() {
    for port in [53, 443, 4788, 4790, 6082, 51_820] {
        let data = on_wire(&in_udp(port, &VXLAN, &inner_frame()));
        assert!(!is_opened(&ethernet(&data)), "{port}");
    }
    // From a tunnel's port, not to it.
    let mut packet = in_udp(4789, &VXLAN, &inner_frame());
    packet.copy_within(22..24, 20);
    packet[22..24].copy_from_slice(&[0, 53]);
    assert!(!is_opened(&ethernet(&on_wire(&packet))));
}

#[test]
fn a_right_length_or_a_right_checksum_is_enough() {
    let mut rewritten = inner();
    rewritten[10] ^= 0xff;
    let mut offloaded = inner();
    offloaded[2..4].copy_from_slice(&[0, 0]);
    // The checksum follows: the length was 40.
    let sum = u16::from_be_bytes([offloaded[10], offloaded[11]]) + 40;
    offloaded[10..12].copy_from_slice(&sum.to_be_bytes());
    for packet in [rewritten, offloaded] {
        for data in [
            in_udp(4789, &VXLAN, &frame(INNER_MACS, 0x0800, &packet)),
            in_udp(6080, &[0, 4, 0, 0], &packet),
        ] {
            assert!(is_opened(&ethernet(&on_wire(&data))), "{data:?}");
        }
    }
    // Ethernet's padding inside.
    let padded = [&inner_frame()[..], &[0; 6]].concat();
    let data = on_wire(&in_udp(4789, &VXLAN, &padded));
    let seen = ethernet(&data);
    let Body::Ip(ip) = &seen.body else { panic!("{seen:?}") };
    assert!(matches!(&ip.transport, Transport::Tcp(tcp) if tcp.payload_len == 0));
}

#[test]
fn a_fragment_of_a_tunnel_stays_closed() {
    for Format { name, packet, .. } in formats().into_iter().filter(|f| f.packet[0] == 0x45) {
        let mut piece = packet;
        piece[6] = 0x20;
        let data = on_wire(&piece);
        let seen = ethernet(&data);
        let Body::Ip(ip) = &seen.body else { panic!("{name}: {seen:?}") };
        let first = matches!(ip.fragment, Fragment::First { .. });
        assert_eq!((first, ip.outer), (true, None), "{name}");
    }
}

#[test]
fn an_icmp_quote_of_a_tunnel_stays_what_was_quoted() {
    let quoted = in_udp(4789, &VXLAN, &inner_frame());
    let seen = super::super::super::quote::packet(&quoted[..28]).unwrap();
    assert_eq!((seen.protocol, seen.outer), (crate::wire::Protocol::UDP, None));
    assert!(matches!(seen.transport, Transport::Udp(udp) if udp.dst_port == 4789));
}

#[test]
fn a_stop_is_only_for_what_was_cut() {
    // A datagram to a tunnel's port that is whole and short.
    let data = on_wire(&v4(17, CLIENT, VIP, &udp(4789, &VXLAN[..5])));
    assert_eq!(ethernet(&data).stop, None);
    let cut = read(&data[..data.len() - 1], data.len(), LinkType::ETHERNET);
    assert_eq!(cut.stop, Some(Stop::Network));
    let Body::Ip(ip) = &cut.body else { panic!("{cut:?}") };
    assert!(matches!(ip.transport, Transport::Udp(_)), "its flow is still named");
}
