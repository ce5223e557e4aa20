//! What sets the connections that fail apart from those that do well is told, one trait a
//! test, and nothing where nothing does.

use crate::support::bytes::Pcap;
use crate::support::frames::{CLIENT_MAC, DIRECTOR_MAC, End, Segment, VIP, exchange};
use crate::support::program::parsed;

const DONE: usize = 40;
const FAILED: usize = 12;

fn client(n: usize) -> End {
    ([198, 51, 100, 7], 40_000 + n as u16)
}

/// Three SYNs that nobody answers, as Linux sends them.
fn in_vain(client: End, isn: u32, start: i64) -> Vec<(i64, Segment)> {
    [0, 1_000_000, 3_000_000]
        .iter()
        .enumerate()
        .map(|(n, us)| (start + us, Segment::syn(client, VIP, isn).id(n as u16 + 1)))
        .collect()
}

/// A handshake, and a request of two segments that is sent again and again.
fn stalls(client: End, isn: u32, start: i64) -> Vec<(i64, Segment)> {
    let (c, s) = (isn, isn.wrapping_add(0x1000_0000));
    let mut frames = vec![
        (start, Segment::syn(client, VIP, c)),
        (start + 300, Segment { ack: Some(c + 1), ..Segment::syn(VIP, client, s) }),
        (start + 400, Segment::ack(client, VIP, c + 1, s + 1)),
    ];
    for (n, us) in [1_000, 300_000, 900_000, 2_100_000].into_iter().enumerate() {
        for (part, seq) in [(0, c + 1), (1, c + 1401)] {
            let segment = Segment::data(client, VIP, seq, s + 1, &[b'x'; 1400]);
            frames.push((start + us + part, segment.id((n * 2) as u16 + part as u16 + 1)));
        }
    }
    frames
}

/// A capture in which every fourth connection or so fails, the failing ones changed as
/// stated, and what its one group is told apart by.
fn told(change: impl Fn(usize, Segment) -> Segment) -> Vec<(String, String, u64, u64)> {
    apart(in_vain, change, |segment| segment)
}

/// The same of those that fail as `broken` has it; `all` is done to every segment first.
fn apart(
    broken: impl Fn(End, u32, i64) -> Vec<(i64, Segment)>,
    change: impl Fn(usize, Segment) -> Segment,
    all: impl Fn(Segment) -> Segment,
) -> Vec<(String, String, u64, u64)> {
    let mut frames: Vec<(i64, Segment)> = Vec::new();
    // At odd times and places, so that order and seconds say nothing.
    let places: Vec<usize> = (0..FAILED).map(|n| n * 4 + (n * n) % 3).collect();
    for n in 0..DONE + FAILED {
        let start = n as i64 * 413_000;
        let isn = 1_000_000 + n as u32 * 77_777;
        if places.contains(&n) {
            frames.extend(
                broken(client(n), isn, start).into_iter().map(|(us, s)| (us, change(n, all(s)))),
            );
        } else {
            let well = exchange(client(n), VIP, isn, start);
            frames.extend(well.into_iter().map(|(us, s)| (us, all(s))));
        }
    }
    for (_, segment) in frames.iter_mut().filter(|(_, segment)| segment.src == VIP) {
        segment.macs = (DIRECTOR_MAC, CLIENT_MAC);
    }
    frames.sort_by_key(|(us, _)| *us);
    let mut pcap = Pcap::new(1);
    for (us, segment) in &frames {
        pcap.frame((*us / 1000) as u32, &segment.ethernet());
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("client.pcap");
    std::fs::write(&path, &pcap.bytes).unwrap();
    let report = parsed(&["--json", path.to_str().unwrap()]);
    let groups = report["breaks"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(groups[0]["connections"], FAILED as u64);
    groups[0]["apart"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| {
            let text = |key: &str| a[key].as_str().unwrap().to_owned();
            let count = |key: &str| a[key].as_u64().unwrap();
            (text("what"), text("value"), count("broken"), count("well"))
        })
        .collect()
}

fn one(what: &str, value: &str) -> Vec<(String, String, u64, u64)> {
    vec![(what.to_owned(), value.to_owned(), FAILED as u64, 0)]
}

#[test]
fn nothing_is_told_where_nothing_sets_them_apart() {
    assert_eq!(told(|_, segment| segment), []);
}

#[test]
fn a_ttl_of_their_own() {
    assert_eq!(told(|_, segment| Segment { ttl: 57, ..segment }), one("ttl", "57"));
}

#[test]
fn no_timestamps() {
    let told = told(|_, segment| Segment { options: false, ..segment });
    // No segment size either: counts alike are told once.
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(["segment-size", "tcp-timestamps"].contains(&told[0].0.as_str()), "{told:?}");
}

#[test]
fn a_mac_that_they_come_from() {
    let other = [2, 0, 0, 0, 0, 0x1c];
    let told = told(|_, segment| Segment { macs: (other, segment.macs.1), ..segment });
    assert_eq!(told, one("incoming-mac", "02:00:00:00:00:1c"));
}

#[test]
fn a_network_that_they_come_from() {
    let told = told(|n, segment| Segment { src: ([203, 0, 113, 7], client(n).1), ..segment });
    assert_eq!(told, one("client-network", "203.0.113.0/24"));
}

#[test]
fn a_port_that_was_used_before() {
    // The port of one that did well before.
    let told = told(|n, segment| match n {
        0..4 => segment,
        _ => Segment { src: client(3), ..segment },
    });
    // All on one port are told from the others by it, save for the first ones.
    assert!(told.iter().any(|(what, value, ..)| what == "port-used-before" && value == "yes"));
}

#[test]
fn requests_that_take_more_than_one_segment() {
    assert_eq!(apart(stalls, |_, s| s, |s| s), one("large-request", "yes"));
}

#[test]
fn timestamps_of_another_clock_behind_one_address() {
    // Every SYN of these is of a host whose clock is behind that of the others.
    let told = told(|n, segment| Segment { tsval: Some(1_000 + n as u32), ..segment });
    // The first of all has none before it.
    let [(what, value, broken, well)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((what.as_str(), value.as_str(), *well), ("older-timestamp", "yes", 0));
    assert_eq!(*broken, FAILED as u64 - 1);
}

#[test]
fn a_class_of_service() {
    assert_eq!(told(|_, segment| Segment { dscp: 46, ..segment }), one("dscp", "46"));
}

#[test]
fn packets_that_may_be_fragmented() {
    assert_eq!(told(|_, segment| Segment { df: false, ..segment }), one("dont-fragment", "no"));
}

#[test]
fn options_of_the_tunnel() {
    let in_tunnel = |segment| Segment { tunnel: Some(false), ..segment };
    let told = apart(in_vain, |_, s| Segment { tunnel: Some(true), ..s }, in_tunnel);
    assert_eq!(told, one("tunnel-options", "yes"));
}

/// A handshake and first words that are answered with a reset.
fn reset_after(client: End, isn: u32, start: i64, words: &[u8]) -> Vec<(i64, Segment)> {
    let (c, s) = (isn, isn.wrapping_add(0x1000_0000));
    let rst = Segment { rst: true, ..Segment::ack(VIP, client, s + 1, c + 1 + words.len() as u32) };
    let segments = [
        Segment::syn(client, VIP, c),
        Segment { ack: Some(c + 1), ..Segment::syn(VIP, client, s) },
        Segment::ack(client, VIP, c + 1, s + 1),
        Segment::data(client, VIP, c + 1, s + 1, words),
        rst,
    ];
    segments.into_iter().enumerate().map(|(n, s)| (start + n as i64 * 100, s)).collect()
}

#[test]
fn a_method_of_http() {
    let post = |client, isn, start| {
        reset_after(client, isn, start, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    };
    assert_eq!(apart(post, |_, s| s, |s| s), one("http-method", "POST"));
}

/// A ClientHello that offers TLS 1.2 at most and names a server.
fn hello(name: &str) -> Vec<u8> {
    let length = |bytes: usize| (bytes as u16).to_be_bytes();
    let entry = [&[0][..], &length(name.len()), name.as_bytes()].concat();
    let list = [&length(entry.len())[..], &entry].concat();
    let extension = [&[0, 0][..], &length(list.len()), &list].concat();
    let body =
        [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0], &length(extension.len()), &extension]
            .concat();
    let handshake = [&[1, 0][..], &length(body.len()), &body].concat();
    [&[22, 3, 1][..], &length(handshake.len()), &handshake].concat()
}

#[test]
fn a_name_of_a_server_in_tls() {
    let unknown = |client, isn, start| reset_after(client, isn, start, &hello("new.example.net"));
    // Those that do well ask in HTTP, for another.
    assert_eq!(apart(unknown, |_, s| s, |s| s), one("server-name", "new.example.net"));
}
