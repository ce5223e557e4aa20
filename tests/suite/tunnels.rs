//! Whole samples in other tunnels: what is found must not depend on the kind of
//! tunnel that a balancer forwards in, nor on the mirror or overlay that frames
//! were captured in.

use crate::support::bytes::{Pcap, records};
use crate::support::check::{deviations, difference, essence, none, of_each};
use crate::support::expected::{Sample, samples};
use crate::support::frames::{CLIENT, CLIENT_MAC, DIRECTOR_MAC, SERVER, Segment, VIP, Vantage};
use crate::support::run::{Run, run_paths, whole};
use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, ip_number};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes another frame, or none, of a frame and its length on the wire.
type Rewrite = fn(&[u8], usize) -> Option<Vec<u8>>;

/// Writes the captures of a sample anew and diagnoses them; `None` where one is
/// not plain little-endian pcap on Ethernet.
fn rewritten(sample: &Sample, rewrite: Rewrite) -> Option<Run> {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &PathBuf| -> Option<PathBuf> {
        let bytes = std::fs::read(path).unwrap();
        if bytes[..4] != [0xd4, 0xc3, 0xb2, 0xa1] || bytes[20..24] != [1, 0, 0, 0] {
            return None;
        }
        let mut out = Pcap::new(1).bytes;
        for (from, to) in records(&bytes)? {
            let (header, frame) = bytes[from..to].split_at(16);
            let wire = word(&header[12..16]);
            let Some(new) = rewrite(frame, wire as usize) else { continue };
            let cut = wire - frame.len() as u32;
            out.extend(&header[..8]);
            out.extend((new.len() as u32).to_le_bytes());
            out.extend((new.len() as u32 + cut).to_le_bytes());
            out.extend(new);
        }
        let to = dir.path().join(Path::new(path.file_name().unwrap()));
        std::fs::write(&to, out).unwrap();
        Some(to)
    };
    let paths: Option<Vec<PathBuf>> = sample.captures.iter().map(write).collect();
    paths.map(|paths| run_paths(&paths))
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The outer header and the inner packet of an IPIP frame, as far as captured.
fn ipip(frame: &[u8]) -> Option<(Ipv4Header, &[u8])> {
    let (ether_type, packet) = (frame.get(12..14)?, frame.get(14..)?);
    let (header, rest) = Ipv4Header::from_slice(packet).ok()?;
    (ether_type == [8, 0] && header.protocol == ip_number::IPV4).then_some((header, rest))
}

/// An IPIP frame with more between its two IP headers.
fn instead(frame: &[u8], protocol: IpNumber, between: impl Fn(u16) -> Vec<u8>) -> Option<Vec<u8>> {
    let Some((mut header, inner)) = ipip(frame) else { return Some(frame.to_vec()) };
    let between = between(header.total_len - 20);
    header.protocol = protocol;
    header.total_len += between.len() as u16;
    header.header_checksum = header.calc_header_checksum();
    Some([&frame[..14], &header.to_bytes(), &between, inner].concat())
}

/// A UDP header in front of `header` and `len` bytes more.
fn udp(port: u16, header: &[u8], len: u16) -> Vec<u8> {
    let len = 8 + header.len() as u16 + len;
    let words = [51_000, port, len, 0];
    words.iter().flat_map(|w: &u16| w.to_be_bytes()).chain(header.iter().copied()).collect()
}

const TUNNELS: [(&str, &str, Rewrite); 7] = [
    ("GRE", "GRE tunnel ", |f, _| instead(f, ip_number::GRE, |_| vec![0, 0, 8, 0])),
    ("GRE with checksum", "GRE tunnel ", |f, _| {
        instead(f, ip_number::GRE, |_| vec![0x80, 0, 8, 0, 1, 2, 0, 0])
    }),
    ("GUE", "GUE tunnel ", |f, _| instead(f, ip_number::UDP, |len| udp(6080, &[0, 4, 0, 0], len))),
    ("GUE with remote checksum", "GUE tunnel ", |f, _| {
        let header = [2, 4, 0, 1, 0, 0, 0, 1, 0, 20, 0, 36];
        instead(f, ip_number::UDP, |len| udp(6080, &header, len))
    }),
    ("FOU", "FOU tunnel ", |f, _| instead(f, ip_number::UDP, |len| udp(5555, &[], len))),
    ("GRE in GUE", "GRE tunnel ", |f, _| {
        instead(f, ip_number::UDP, |len| udp(6080, &[0, 47, 0, 0, 0, 0, 8, 0], len))
    }),
    ("4in6", "tunnel ", |frame, _| {
        let Some((outer, inner)) = ipip(frame) else { return Some(frame.to_vec()) };
        let v6 = |v4: [u8; 4]| {
            let mut bytes = [0; 16];
            bytes[..2].copy_from_slice(&[0xfd, 0]);
            bytes[12..].copy_from_slice(&v4);
            bytes
        };
        let header = Ipv6Header {
            traffic_class: 0,
            flow_label: Ipv6FlowLabel::ZERO,
            payload_length: outer.total_len - 20,
            next_header: ip_number::IPV4,
            hop_limit: outer.time_to_live,
            source: v6(outer.source),
            destination: v6(outer.destination),
        };
        Some([&frame[..12], &[0x86, 0xdd], &header.to_bytes(), inner].concat())
    }),
];

#[test]
fn lvs_tun_is_told_in_every_tunnel_that_it_can_use() {
    let mut tried = 0;
    let mut wrong = Vec::new();
    for sample in samples().iter().filter(|s| s.expected.mode.as_deref() == Some("tun")) {
        let own = essence(&whole(sample).report, true);
        for (name, drawn, rewrite) in TUNNELS {
            // Cooked captures are left as they are.
            let Some(run) = rewritten(sample, rewrite) else { continue };
            let mut found = deviations(&run.report, &sample.expected);
            found.extend(difference(&own, &essence(&run.report, true)));
            found.extend(run.failures);
            if !sample.expected.is_healthy()
                && !run.text.contains(&format!("{drawn}172.16.0.2 "))
                && !run.text.contains(&format!("{drawn}fd00"))
            {
                found.push(format!("not drawn:\n{}", run.text));
            }
            wrong
                .extend(found.into_iter().map(|line| format!("{} in {name}: {line}", sample.name)));
            tried += 1;
        }
    }
    none(wrong);
    assert!(tried >= 2 * TUNNELS.len(), "the samples with tunnels are missing");
}

fn outside(protocol: IpNumber, len: usize) -> Vec<u8> {
    let mut header =
        Ipv4Header::new(len as u16, 60, protocol, [203, 0, 113, 1], [203, 0, 113, 2]).unwrap();
    header.header_checksum = header.calc_header_checksum();
    [&[2, 0, 0, 0, 0xee, 2, 2, 0, 0, 0, 0xee, 1, 8, 0], &header.to_bytes()[..]].concat()
}

fn in_erspan(frame: &[u8], wire: usize) -> Option<Vec<u8>> {
    let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 9, 0x10, 1, 0, 1, 0, 0, 0, 0];
    Some([&outside(ip_number::GRE, header.len() + wire)[..], &header, frame].concat())
}

fn in_vxlan(frame: &[u8], wire: usize) -> Option<Vec<u8>> {
    let header = udp(4789, &[8, 0, 0, 0, 0, 0, 42, 0], wire as u16);
    Some([&outside(ip_number::UDP, header.len() + wire), &header, frame].concat())
}

/// Without ARP and what IPv6 has in its place (RFC 4861).
fn without_arp(frame: &[u8], _: usize) -> Option<Vec<u8>> {
    let six = frame[12..14] == [0x86, 0xdd] && frame.get(20) == Some(&58);
    let discovery = six && matches!(frame.get(54), Some(133..=137));
    let arp = frame[12..14] == [8, 6] || frame[12..14] == [0x81, 0] && frame[16..18] == [8, 6];
    (!arp && !discovery).then(|| frame.to_vec())
}

#[test]
fn a_mirror_in_erspan_is_read_as_the_frames_that_it_shows() {
    let tried = AtomicUsize::new(0);
    none(of_each(|sample| {
        let Some(run) = rewritten(sample, in_erspan) else { return Vec::new() };
        tried.fetch_add(1, Ordering::Relaxed);
        let own = essence(&whole(sample).report, true);
        let changed = difference(&own, &essence(&run.report, true));
        deviations(&run.report, &sample.expected).into_iter().chain(changed).collect()
    }));
    assert!(tried.into_inner() > 10);
}

/// ARP inside an overlay is not opened: all else is as if it had not been.
#[test]
fn an_overlay_hides_nothing_but_arp() {
    let tried = AtomicUsize::new(0);
    none(of_each(|sample| {
        let Some(bare) = rewritten(sample, without_arp) else { return Vec::new() };
        tried.fetch_add(1, Ordering::Relaxed);
        let inside = rewritten(sample, in_vxlan).unwrap();
        let changed = difference(&essence(&bare.report, true), &essence(&inside.report, true));
        let modes = |run: &Run| -> Vec<String> {
            run.report.services.iter().map(|s| format!("{}:{} {}", s.vip, s.port, s.mode)).collect()
        };
        let modes = difference(&modes(&bare), &modes(&inside));
        changed.into_iter().chain(modes).chain(inside.failures).collect()
    }));
    assert!(tried.into_inner() > 10);
}

/// A frame in VXLAN of a network.
fn in_network(id: u8, frame: &[u8]) -> Vec<u8> {
    let header = udp(4789, &[8, 0, 0, 0, 0, 0, id, 0], frame.len() as u16);
    [&outside(ip_number::UDP, header.len() + frame.len()), &header, frame].concat()
}

#[test]
fn like_five_tuples_in_two_networks_are_two_streams() {
    let frame = Segment::data(CLIENT, VIP, 1, 2, b"abc").ethernet();
    let mut vantage = Vantage::default();
    for (us, id) in [(0, 1), (50, 2), (100, 1)] {
        vantage.frame(us, &in_network(id, &frame));
    }
    vantage.frame(150, &frame);
    let seen = vantage.finish();
    let packets: Vec<u64> = seen.streams.iter().map(|s| s.packets()).collect();
    assert_eq!(packets, [2, 1, 1]);
    assert!(seen.streams.iter().all(|s| !s.key.is_forwarded()));
}

#[test]
fn the_macs_of_an_overlay_are_not_mixed_with_those_around_it() {
    // Alike in number: neither pair has 60 % of all frames. One frame more is in
    // the overlay.
    let outer = |segment: Segment| segment.on([2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2], 64);
    let back = |segment: Segment| segment.on([2, 0, 0, 0, 1, 2], [2, 0, 0, 0, 1, 1], 63);
    for more_inside in [true, false] {
        let mut vantage = Vantage::default();
        for n in 0..20 {
            let at = i64::from(n) * 100;
            let (there, here) = (
                Segment::ack(CLIENT, VIP, n, 2),
                Segment::ack(VIP, CLIENT, 2, n).on(DIRECTOR_MAC, CLIENT_MAC, 63),
            );
            vantage.frame(at, &in_network(1, &there.ethernet()));
            vantage.frame(at + 10, &in_network(1, &here.ethernet()));
            vantage.see(at + 20, &outer(Segment::ack(CLIENT, SERVER, n, 2)));
            vantage.see(at + 30, &back(Segment::ack(SERVER, CLIENT, 2, n)));
        }
        let last = Segment::ack(CLIENT, VIP, 99, 2);
        let last =
            if more_inside { in_network(1, &last.ethernet()) } else { outer(last).ethernet() };
        vantage.frame(9999, &last);
        let seen = vantage.finish();
        let own = if more_inside { CLIENT_MAC } else { [2, 0, 0, 0, 1, 1] };
        assert_eq!(seen.own.macs, [lbdiag::wire::Mac(own)]);
        assert_eq!((seen.own.overlay, seen.own.span), (more_inside, false));
        for hop in &seen.hops {
            // Of what is outside of the own overlay an outer address may tell as well.
            let told = hop.link.overlay == more_inside || seen.own.arrived(hop).is_some();
            assert_eq!(
                (seen.own.arrived(hop).is_some(), seen.own.sent(hop).is_some()),
                (told, told)
            );
        }
    }
}

#[test]
fn one_virtual_router_identifier_in_two_networks_is_no_contest() {
    let advert = |host: u8| {
        let mut header =
            Ipv4Header::new(20, 255, IpNumber(112), [10, 0, 0, host], [224, 0, 0, 18]).unwrap();
        header.header_checksum = header.calc_header_checksum();
        let vrrp = [0x21, 51, 100, 1, 0, 1, 0, 0, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
        let macs = [1, 0, 0x5e, 0, 0, 18, 2, 0, 0, 0, 0, host, 8, 0];
        [&macs[..], &header.to_bytes(), &vrrp].concat()
    };
    for (networks, contested) in [([1, 1], true), ([1, 2], false)] {
        let mut vantage = Vantage::default();
        for n in 0..10 {
            for (host, id) in [1, 2].into_iter().zip(networks) {
                vantage.frame(n * 1_000_000 + i64::from(host), &in_network(id, &advert(host)));
            }
        }
        let seen = vantage.finish();
        assert_eq!(seen.vrrp.len(), 2);
        assert!(seen.vrrp.iter().all(|s| (s.contest.count > 0) == contested), "{:?}", seen.vrrp);
    }
}

#[test]
fn what_an_overlays_hosts_advertise_is_no_claim_on_this_network() {
    let source = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let header = Ipv6Header {
        payload_length: 32,
        next_header: ip_number::IPV6_ICMP,
        hop_limit: 255,
        source,
        destination: source,
        ..Ipv6Header::default()
    };
    // A neighbour advertisement with the target's link-layer address.
    let said = [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &source, &[2, 1, 2, 0, 0, 0, 0, 9]].concat();
    let macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd];
    let frame = [&macs[..], &header.to_bytes(), &said].concat();
    for (data, claims) in [(frame.clone(), true), (in_network(1, &frame), false)] {
        let mut vantage = Vantage::default();
        vantage.frame(0, &data);
        let seen = vantage.finish();
        assert_eq!(!seen.neighbors.bindings.is_empty(), claims);
        assert_eq!(seen.tally.neighbor, 1);
    }
}
