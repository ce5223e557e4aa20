//! Captures that are wide: services, servers and interfaces by the ten thousand. Work that
//! grows with their square takes minutes here, and with their cube never ends.

use crate::support::frames::*;
use crate::support::program::parsed;
use crate::support::spoofs::{ACK, File, RST, SYN, Spoofs};
use lbdiag::flow::Observations;

const SERVICES: u32 = 4_000;

/// The report on captures: name and bytes.
fn report(captures: &[(&str, Vec<u8>)]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = ["--json", "--connections", "none"].map(str::to_owned).to_vec();
    for (name, bytes) in captures {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        arguments.push(path.to_str().unwrap().to_owned());
    }
    parsed(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// One host with many addresses, each of them a service that refuses.
#[test]
fn a_host_of_many_services() {
    let mut file = File::default();
    let mut wire = Spoofs::with_ttls(CLIENT_MAC, SERVER_MAC, (64, 64));
    for n in 0..SERVICES {
        let [_, _, a, b] = n.to_be_bytes();
        let (client, server) = (([11, 0, a, b], 1024), ([12, 0, a, b], 80));
        file.add(wire.frame(client, server, (n << 8, 0), SYN));
        file.add(wire.answer(server, client, (0, (n << 8) + 1), RST | ACK));
    }
    let report = report(&[("server.pcap", file.bytes())]);
    assert_eq!(report["captures"][0]["frames"], 2 * SERVICES);
    let hosts = report["hosts"].as_array().unwrap();
    let most = hosts.iter().map(|host| host["addresses"].as_array().unwrap().len()).max();
    assert!(most.is_some_and(|n| n > 3_900), "{most:?}");
}

/// A pcapng file with a frame on each of so many interfaces, which all have one name.
fn many_interfaces(interfaces: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut words = |words: &[u32]| out.extend(words.iter().flat_map(|w| w.to_le_bytes()));
    words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
    for _ in 0..interfaces {
        let name = u32::from_le_bytes(*b"eth0");
        words(&[1, 32, 1, 65_535, 4 << 16 | 2, name, 0, 32]);
    }
    for n in 0..interfaces {
        let mut frame = Segment::syn((CLIENT.0, n as u16), VIP, n).ethernet();
        let length = frame.len() as u32;
        frame.resize(frame.len().next_multiple_of(4), 0);
        let block = 32 + frame.len() as u32;
        words(&[6, block, n, 0x0005_f000, n, length, length]);
        let frame: Vec<u32> =
            frame.chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
        words(&frame);
        words(&[block]);
    }
    out
}

#[test]
fn interfaces_beyond_what_can_be_numbered_are_said() {
    let captures =
        [("first.pcapng", many_interfaces(1 << 16)), ("more.pcapng", many_interfaces(9))];
    let report = report(&captures);
    let [first, more] = &report["captures"].as_array().unwrap()[..] else { panic!("two files") };
    let vantages = first["vantages"].as_array().unwrap();
    assert_eq!((vantages.len(), &vantages[3]), (1 << 16, &"first#eth0.4".into()));
    let notes = more["notes"].to_string();
    assert!(notes.contains("9 frames of interfaces beyond the first 65536"), "{notes}");
}

/// What an interface with one frame costs, its strings and heap blocks left out.
#[test]
fn an_interface_is_small() {
    let (observer, seen) = (size_of::<lbdiag::flow::Observer>(), size_of::<Observations>());
    assert!(observer + seen < 4096, "{observer} and {seen} bytes");
}
