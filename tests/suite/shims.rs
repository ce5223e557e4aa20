//! What lies between Ethernet and IP, and what stays closed: a network that carries the service
//! in PPPoE or behind MPLS labels changes no report, and what is not read is counted and said.

use crate::support::bytes::{Pcap, records};
use crate::support::check::essence;
use crate::support::expected::root;
use crate::support::frames::{CLIENT_MAC, DIRECTOR_MAC};
use crate::support::run::{Run, run_paths};
use std::path::{Path, PathBuf};

/// A shim for an IP packet of this length: EtherType and bytes.
type Shim = fn(usize) -> (u16, Vec<u8>);

fn session(length: usize) -> (u16, Vec<u8>) {
    let mut header = vec![0x11, 0, 0x00, 0x2a];
    header.extend((length as u16 + 2).to_be_bytes());
    header.extend([0, 0x21]);
    (0x8864, header)
}

fn labels(_: usize) -> (u16, Vec<u8>) {
    (0x8847, vec![0, 1, 0x40, 63, 0, 1, 0x71, 63])
}

/// A capture whose IPv4 packets lie behind a shim.
fn shifted(path: &Path, shim: Shim) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut out = bytes[..24].to_vec();
    for (from, to) in records(&bytes).unwrap() {
        let (header, data) = bytes[from..to].split_at(16);
        let mut frame = data.to_vec();
        if data[12..14] == [8, 0] {
            let (kind, between) = shim(data.len() - 14);
            frame.splice(12..14, kind.to_be_bytes());
            frame.splice(14..14, between);
        }
        let longer = (frame.len() - data.len()) as u32;
        out.extend(&header[..8]);
        for at in [8, 12] {
            let length = u32::from_le_bytes(header[at..at + 4].try_into().unwrap()) + longer;
            out.extend(length.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

fn captures(sample: &str) -> Vec<PathBuf> {
    let folder = root().join("samples").join(sample);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "pcap")).collect();
    paths.sort();
    paths
}

#[test]
fn a_report_is_the_same_behind_labels_and_in_a_session() {
    for sample in ["healthy-nat", "nat-rs-gateway-bypasses-director", "dr-rs-port-closed"] {
        let plain = run_paths(&captures(sample));
        for shim in [session as Shim, labels] {
            let folder = tempfile::tempdir().unwrap();
            for path in captures(sample) {
                let to = folder.path().join(path.file_name().unwrap());
                std::fs::write(to, shifted(&path, shim)).unwrap();
            }
            let behind = run_paths(&[folder.path()]);
            assert_eq!(behind.report.totals, plain.report.totals, "{sample}");
            assert_eq!(essence(&behind.report, true), essence(&plain.report, true), "{sample}");
            let notes = behind.report.captures.iter().flat_map(|c| &c.notes);
            assert!(notes.filter(|note| note.contains("not read")).count() == 0, "{sample}");
        }
    }
}

fn ethernet(kind: u16, above: &[u8]) -> Vec<u8> {
    let mut frame = [DIRECTOR_MAC, CLIENT_MAC].concat();
    frame.extend(kind.to_be_bytes());
    frame.extend(above);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// An IPv4 packet of a protocol.
fn ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(payload);
    packet
}

fn of(frames: &[Vec<u8>]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pcap");
    let mut pcap = Pcap::new(1);
    for (n, frame) in frames.iter().enumerate() {
        pcap.frame(n as u32, frame);
    }
    std::fs::write(&path, &pcap.bytes).unwrap();
    run_paths(&[path])
}

#[test]
fn what_is_not_read_is_counted_by_what_hides_it() {
    let gtp = [0x30, 0xff, 0, 8, 0, 0, 0, 1, 0x45, 0, 0, 8, 0, 0, 0, 0];
    let mut datagram = vec![0x9c, 0x40, 0x08, 0x68, 0, 24, 0, 0];
    datagram.extend(gtp);
    let frames = [
        ethernet(0x0800, &ip(17, &datagram)),
        ethernet(0x0800, &ip(17, &datagram)),
        ethernet(0x0800, &ip(50, &[0; 24])),
        ethernet(0x88b5, &[1, 2, 3]),
        ethernet(0x88cc, &[2, 7, 4]),
        ethernet(38, &[0x42, 0x42, 3]),
    ];
    let run = of(&frames);
    let notes = run.report.captures[0].notes.join("\n");
    assert!(
        notes.contains(
            "no count: 2 of GTP-U (UDP port 2152), 1 of EtherType 0x88b5, 1 of ESP (IP protocol 50)"
        ),
        "{notes}"
    );
    assert!(!notes.contains("0x88cc"), "what a network says to itself hides nothing: {notes}");
    let silent = of(&frames[2..]);
    let summary = silent.report.verdict.summary;
    assert!(summary.contains("; what is inside 2 frames is not read"), "{summary}");
}

#[test]
fn control_frames_alone_are_no_note() {
    let run = of(&[ethernet(0x88cc, &[2, 7, 4]), ethernet(38, &[0x42, 0x42, 3])]);
    assert!(!run.report.captures[0].notes.join("\n").contains("not read"));
    assert!(!run.report.verdict.summary.contains("inside"), "{}", run.report.verdict.summary);
}
