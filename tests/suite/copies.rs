//! Packets that are shown twice or late are no retransmissions, however the
//! copies interleave.

use crate::support::frames::*;
use etherparse::PacketBuilder;

fn body(seq: u32) -> Segment {
    Segment::data(SERVER, CLIENT, seq, 1, &[7; 1000])
}

fn retransmissions(frames: &[(i64, Vec<u8>)]) -> u16 {
    let mut vantage = Vantage::default();
    for (us, frame) in frames {
        vantage.frame(*us, frame);
    }
    let seen = vantage.finish();
    seen.streams[0].flows.iter().map(|f| f.retransmissions).max().unwrap()
}

#[test]
fn copies_that_come_after_the_next_packet_are_copies() {
    // A mirror of both directions of a switch port: A B, then A B again.
    let frames = [
        (0, body(100).id(1)),
        (5, body(1100).id(2)),
        (20, body(100).id(1)),
        (25, body(1100).id(2)),
    ];
    assert_eq!(retransmissions(&frames.map(|(us, s)| (us, s.ethernet()))), 0);
}

#[test]
fn segments_that_overtake_each_other_are_no_retransmissions() {
    // 1, 5, 3, 4, 2 as two receive queues deliver them.
    let frames = [(0, 100, 1), (5, 4100, 5), (9, 2100, 3), (12, 3100, 4), (15, 1100, 2)];
    assert_eq!(retransmissions(&frames.map(|(us, seq, id)| (us, body(seq).id(id).ethernet()))), 0);
}

#[test]
fn copies_of_ipv6_packets_are_copies() {
    let frame = |seq: u32| {
        let builder = PacketBuilder::ethernet2(CLIENT_MAC, DIRECTOR_MAC).ipv6([1; 16], [2; 16], 64);
        build(builder.tcp(40_000, 80, seq, 1000).ack(1), &[7; 1000])
    };
    let frames = [(0, frame(100)), (3, frame(100)), (900, frame(1100)), (903, frame(1100))];
    assert_eq!(retransmissions(&frames), 0);
}

#[test]
fn senders_that_leave_the_identification_zero_retransmit_too() {
    // DF is set and the identification is 0, as macOS sends; fast retransmission.
    let mut frames: Vec<(i64, Vec<u8>)> =
        (0..20_u32).map(|n| (i64::from(n) * 100, body(100 + n * 1000).id(0).ethernet())).collect();
    frames.push((2000, body(3100).id(0).ethernet()));
    assert_eq!(retransmissions(&frames), 1);
}

/// What captures together can show is said: a copy, captures that share nothing, one alone.
#[test]
fn what_the_captures_can_show_is_said() {
    use crate::support::expected::root;
    use crate::support::run::run_paths;
    let sample = |name: &str, file: &str| root().join("samples").join(name).join(file);
    let notes = |paths: &[std::path::PathBuf]| run_paths(paths).report.notes.join("\n");
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.pcap");
    std::fs::copy(sample("healthy-nat", "rs1.pcap"), &copy).unwrap();
    let (rs1, client) = (sample("healthy-nat", "rs1.pcap"), sample("healthy-nat", "client.pcap"));
    let said = notes(&[client.clone(), rs1.clone(), copy]);
    assert!(said.contains("rs1 and copy hold the same frames"), "{said}");
    let said = notes(&[rs1.clone(), sample("tun-mtu-blackhole", "director.pcap")]);
    assert!(said.contains("no connection was seen on both sides of: rs1; director"), "{said}");
    assert!(notes(&[rs1]).contains("one capture, on a real server"));
    assert!(notes(&[client]).contains("one capture, on the client's side"));
    let director = sample("healthy-dr", "director.pcap");
    assert!(notes(&[director]).contains("answers, which pass it by"));
    let all: Vec<_> = ["client", "director", "rs1", "rs2"]
        .map(|name| sample("healthy-nat", &format!("{name}.pcap")))
        .to_vec();
    assert_eq!(notes(&all), "");
}
