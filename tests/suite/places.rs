//! Where connections break is told by the right place: small worlds, one kind each, with what comes
//! close and is something else.

use crate::support::bytes::Pcap;
use crate::support::frames::{CLIENT, CLIENT_MAC, End, SERVER, SERVER_MAC, Segment, VIP, exchange};
use crate::support::run::{Run, run_with};
use lbdiag::report::Break;
use lbdiag::state::{HostState, parse};

/// A frame at milliseconds.
type Timed = (u32, Vec<u8>);

/// Diagnoses captures, each with its label and link type.
fn diagnosed(captures: &[(&str, u32, Vec<Timed>)], states: Vec<HostState>) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let paths = captures.iter().map(|(name, link, frames)| {
        let path = dir.path().join(format!("{name}.pcap"));
        let mut frames = frames.clone();
        frames.sort_by_key(|(ms, _)| *ms);
        std::fs::write(&path, &Pcap::new(*link).frames(&frames).bytes).unwrap();
        path.display().to_string()
    });
    run_with(&paths.collect::<Vec<_>>(), states)
}

fn lines(run: &Run) -> Vec<String> {
    run.report.breaks.iter().map(Break::sentence).collect()
}

/// One Ethernet capture named `host`.
fn of_one(frames: Vec<Timed>) -> Run {
    diagnosed(&[("host", 1, frames)], Vec::new())
}

/// Segments as the server's capture has them: the client's come by a router.
fn at_server(segments: impl IntoIterator<Item = (u32, Segment)>) -> Vec<Timed> {
    let placed = |segment: Segment| match segment.src {
        src if src.0 == CLIENT.0 => segment.on(CLIENT_MAC, SERVER_MAC, 58),
        _ => segment.on(SERVER_MAC, CLIENT_MAC, 64),
    };
    segments.into_iter().map(|(ms, segment)| (ms, placed(segment).ethernet())).collect()
}

fn client(port: u16) -> End {
    (CLIENT.0, port)
}

fn fin(segment: Segment) -> Segment {
    Segment { fin: true, ..segment }
}

fn rst(segment: Segment) -> Segment {
    Segment { rst: true, ..segment }
}

/// SYN, SYN-ACK, ACK.
fn handshake(client: End, server: End, (c, s): (u32, u32), at: u32) -> Vec<(u32, Segment)> {
    vec![
        (at, Segment::syn(client, server, c)),
        (at + 1, Segment { ack: Some(c + 1), ..Segment::syn(server, client, s) }),
        (at + 2, Segment::ack(client, server, c + 1, s + 1)),
    ]
}

/// A connection that is in use, a new one on its five-tuple that the server meets with a challenge ACK, and
/// what the old one's client says once the new one stands.
fn displaced() -> Vec<Timed> {
    let (old, new) = ((1_000, 2_878_352_608), (3_567_643_106, 2_041_042_363));
    let mut all = handshake(CLIENT, SERVER, old, 0);
    all.push((10, Segment::data(CLIENT, SERVER, old.0 + 1, old.1 + 1, b"one more")));
    all.push((11, Segment::data(SERVER, CLIENT, old.1 + 1, old.0 + 9, b"answered")));
    let (c, s) = (old.0 + 9, old.1 + 9);
    all.push((12, Segment::ack(CLIENT, SERVER, c, s)));
    all.push((900, Segment::syn(CLIENT, SERVER, new.0)));
    all.push((901, Segment::ack(SERVER, CLIENT, s, c)));
    all.push((909, rst(Segment::new(CLIENT, SERVER, c))));
    all.extend(handshake(CLIENT, SERVER, new, 1_916));
    all.push((1_920, Segment::data(CLIENT, SERVER, new.0 + 1, new.1 + 1, b"and this")));
    all.push((1_921, Segment::data(SERVER, CLIENT, new.1 + 1, new.0 + 9, b"answered")));
    all.push((1_930, fin(Segment::ack(CLIENT, SERVER, new.0 + 9, new.1 + 9))));
    all.push((1_931, fin(Segment::ack(SERVER, CLIENT, new.1 + 9, new.0 + 10))));
    all.push((1_932, Segment::ack(CLIENT, SERVER, new.0 + 10, new.1 + 10)));
    all.push((2_416, Segment::data(CLIENT, SERVER, c, s, b"the old one goes on")));
    all.push((2_417, rst(Segment::new(SERVER, CLIENT, s))));
    at_server(all)
}

#[test]
fn two_connections_on_one_five_tuple_are_two() {
    let run = of_one(displaced());
    assert_eq!(
        lines(&run),
        [
            "1 connection to 10.0.0.11:8000 fails: connection  host out #19 ✗ RST that leaves here",
            "1 connection to 10.0.0.11:8000 suffers: SYN  host in #7 ✗ answered by an ACK of an older connection; the client goes on after 1.0 s",
        ]
    );
    let notes = &run.report.captures[0].notes;
    assert!(notes.is_empty(), "nothing is lacking: {notes:?}");
}

#[test]
fn an_answer_under_another_address_is_the_response_that_was_reset() {
    let pod: End = ([10, 0, 0, 12], 9898);
    let mut all = Vec::new();
    for n in 0..3 {
        let (client, at) = (client(40_000 + n), u32::from(n) * 4_000);
        let (c, s) = (500_000 + u32::from(n) * 77_777, 900_000 + u32::from(n) * 99_999);
        all.push((at, Segment { ack: Some(c + 1), ..Segment::syn(VIP, client, s) }));
        all.push((at + 2, Segment::ack(pod, client, s + 1, c + 81)));
        all.push((at + 3, rst(Segment::new(client, pod, c + 81))));
    }
    let run = of_one(at_server(all));
    assert_eq!(
        lines(&run),
        [
            "3 connections to 192.0.2.8:80 fail: response  host out #2 ✗ answered by RST: no such connection"
        ]
    );
    let totals = &run.report.totals;
    assert_eq!((totals.connections, totals.failed, run.report.services.len()), (3, 3, 1));
}

/// Connections to a server that speaks first; those of `mute` never hear it, and a talk goes on after them.
fn greeted(mute: &[u16]) -> Run {
    let mail: End = (SERVER.0, 3306);
    let mut all = Vec::new();
    for n in 0..6_u16 {
        let (client, at) = (client(40_000 + n), u32::from(n) * 20);
        let (c, s) = (500_000 + u32::from(n) * 77_777, 900_000 + u32::from(n) * 99_999);
        all.extend(handshake(client, mail, (c, s), at));
        if mute.contains(&n) {
            continue;
        }
        all.push((at + 3, Segment::data(mail, client, s + 1, c + 1, b"ready")));
        for turn in 0..4 {
            let (c, s, at) = (c + 1 + turn * 4, s + 6 + turn * 4, at + 500 + turn * 1_500);
            all.push((at, Segment::data(client, mail, c, s, b"ask?")));
            all.push((at + 2, Segment::data(mail, client, s, c + 4, b"yes!")));
        }
    }
    of_one(at_server(all))
}

#[test]
fn each_connection_that_lacks_its_greeting_fails() {
    let told = lines(&greeted(&[2, 4]));
    assert_eq!(
        told,
        [
            "2 connections to 10.0.0.11:3306 fail: greeting  host in #11 ✗ (no answer to it, and not sent on, in this capture)"
        ]
    );
    assert!(lines(&greeted(&[])).is_empty());
}

/// A proxy that serves clients, and asks another server the same at these milliseconds.
fn asks(times: &[u32], status: &str) -> Run {
    let (proxy, asked): (End, End) = ((SERVER.0, 80), ([10, 0, 0, 20], 9000));
    let peer = [2, 0, 0, 0, 0, 0x20];
    let mut all = Vec::new();
    for n in 0..2_u16 {
        let at = 300 + u32::from(n) * 3_000;
        let served = exchange(client(50_000 + n), proxy, 7_000 + u32::from(n) * 99_999, 0);
        all.extend(at_server(served.into_iter().map(|(us, s)| (at + (us / 100) as u32, s))));
    }
    for (n, at) in times.iter().enumerate() {
        let (own, n) = ((SERVER.0, 47_000 + n as u16), n as u32);
        let (c, s) = (500_000 + n * 77_777, 900_000 + n * 99_999);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let mut segments = handshake(own, asked, (c, s), *at);
        let length = answer.len() as u32;
        segments
            .push((at + 3, Segment::data(own, asked, c + 1, s + 1, b"GET /up HTTP/1.0\r\n\r\n")));
        segments.push((at + 5, Segment::data(asked, own, s + 1, c + 21, answer.as_bytes())));
        let ends = rst(Segment::ack(own, asked, c + 21, s + 1 + length));
        segments.push((at + 6, ends));
        all.extend(segments.into_iter().map(|(ms, segment)| {
            let there = segment.src.0 == own.0;
            let (from, to) = if there { (SERVER_MAC, peer) } else { (peer, SERVER_MAC) };
            (ms, segment.on(from, to, 64).ethernet())
        }));
    }
    of_one(all)
}

#[test]
fn what_a_proxy_asks_like_a_clock_and_is_told_no_is_a_check_that_fails() {
    let run = asks(&[0, 2_000, 4_000, 6_000, 8_000], "400 Bad Request");
    assert_eq!(
        lines(&run),
        [
            "5 health checks of 10.0.0.20:9000 fail: health check  host in #5 ✗ answered with an error"
        ]
    );
    let well = asks(&[0, 2_000, 4_000, 6_000, 8_000], "200 OK");
    assert!(lines(&well).is_empty());
    // As clients come: that may be theirs.
    let other = asks(&[0, 500, 4_000, 4_700, 8_000], "400 Bad Request");
    assert!(lines(&other).iter().all(|line| !line.contains("health check")));
}

fn state(text: &str) -> Vec<HostState> {
    let mut state = HostState { name: "host".to_owned(), ..HostState::default() };
    assert!(parse(&mut state, "ip-addr", text) && state.notes.is_empty(), "{:?}", state.notes);
    vec![state]
}

/// SYNs that come to a host, which says of itself what addresses it has.
fn with_addresses(more: &str) -> Vec<String> {
    let own = "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n    link/ether 02:00:00:00:00:0e brd ff:ff:ff:ff:ff:ff\n    inet 10.0.0.11/24 brd 10.0.0.255 scope global eth0\n5: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN\n    link/ether 02:00:00:00:00:77 brd ff:ff:ff:ff:ff:ff\n";
    let mut frames = Vec::new();
    for n in 0..3_u32 {
        for (id, ms) in [0, 1_000, 3_000, 7_000].into_iter().enumerate() {
            let (end, isn) = (client(40_000 + n as u16), 1_000 + n * 99_999);
            let syn = Segment::syn(end, SERVER, isn).id(id as u16 + 1);
            frames.push((n * 15_000 + ms, syn.on(CLIENT_MAC, SERVER_MAC, 64).ethernet()));
        }
    }
    lines(&diagnosed(&[("host", 1, frames)], state(&format!("{own}{more}"))))
}

#[test]
fn what_a_host_takes_for_its_own_goes_no_further() {
    let told = with_addresses("    inet 198.51.100.7/32 scope global kube-ipvs0\n");
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("has its source address itself"), "{told:?}");
    let other = with_addresses("    inet 198.51.100.8/32 scope global kube-ipvs0\n");
    assert!(other[0].ends_with("? (nothing shows whether it arrived)"), "{other:?}");
}

/// A frame as `tcpdump -i any` has it: kind 0 came in, 4 left; no MAC of the receiver.
fn cooked(kind: u8, from: [u8; 6], segment: &Segment) -> Vec<u8> {
    with_header(kind, from, 0x0800, &segment.packet())
}

fn with_header(kind: u8, from: [u8; 6], protocol: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, kind, 0, 1, 0, 6];
    frame.extend(from);
    frame.extend([0, 0]);
    frame.extend(protocol.to_be_bytes());
    frame.extend(packet);
    frame
}

/// A question by ARP for an address, as it leaves.
fn who_has(from: [u8; 6], (asker, target): ([u8; 4], [u8; 4])) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1];
    packet.extend([&from[..], &asker, &[0; 6], &target].concat());
    with_header(4, from, 0x0806, &packet)
}

#[test]
fn a_host_that_seeks_its_next_hop_in_vain_holds_its_connections_up() {
    let (own, server): ([u8; 4], End) = ([10, 0, 9, 6], ([10, 0, 9, 5], 9000));
    let mut all = Vec::new();
    for n in 0..2_u32 {
        let (client, at) = ((own, 41_800 + n as u16), n * 1_000);
        let (c, s) = (500_000 + n * 77_777, 900_000 + n * 99_999);
        let mut segments = handshake(client, server, (c, s), at);
        for (turn, gap) in [0, 60_000, 300_000].into_iter().enumerate() {
            let (c, s, at) = (c + 1 + turn as u32 * 4, s + 1 + turn as u32 * 4, at + 10 + gap);
            segments.push((at, Segment::data(client, server, c, s, b"ask?")));
            segments.push((at + 20, Segment::data(server, client, s, c + 4, b"yes!")));
            segments.push((at + 20, Segment::ack(client, server, c + 4, s + 4)));
        }
        all.extend(segments.into_iter().map(|(ms, segment)| {
            let there = segment.src.0 == own;
            let (kind, from) = if there { (4, CLIENT_MAC) } else { (0, SERVER_MAC) };
            (ms, cooked(kind, from, &segment))
        }));
    }
    let first = all.len() + 1;
    let asked = [1_300_000, 1_301_020, 1_302_040, 1_310_000, 1_311_020, 1_312_040];
    all.extend(asked.map(|ms| (ms, who_has(CLIENT_MAC, (own, [10, 0, 9, 4])))));
    let run = diagnosed(&[("host", 113, all)], Vec::new());
    assert_eq!(
        lines(&run),
        [format!(
            "2 connections to 10.0.9.5:9000 fail: request  host out #{first} ✗ not sent: its host seeks the next hop by ARP, and nobody answers"
        )]
    );
    assert_eq!(run.report.totals.failed, 2);
}

#[test]
fn an_answer_without_a_mac_is_for_the_captured_host_that_asked() {
    let (first, second, pod_mac) = ([2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2], [2, 0, 0, 0, 1, 3]);
    let pod: End = ([10, 244, 2, 40], 80);
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for n in 0..3_u32 {
        let (asker, node) = (client(40_000 + n as u16), (VIP.0, 54_000 + n as u16));
        let (c, s) = (1_000 + n * 99_999, 700_000 + n * 77_777);
        for (id, ms) in [0, 1_000, 3_000, 7_000].into_iter().enumerate() {
            let (at, id) = (n * 20_000 + ms, id as u16 + 1);
            let syn = |src, dst, ttl| Segment { ttl, ..Segment::syn(src, dst, c).id(id) };
            let back = |ttl| Segment { ack: Some(c + 1), ttl, ..Segment::syn(pod, node, s).id(id) };
            one.push((at, cooked(0, CLIENT_MAC, &syn(asker, VIP, 64))));
            one.push((at, cooked(4, first, &syn(node, pod, 63))));
            two.push((at + 1, cooked(0, first, &syn(node, pod, 63))));
            two.push((at + 1, cooked(4, second, &syn(node, pod, 62))));
            two.push((at + 1, cooked(0, pod_mac, &back(64))));
            two.push((at + 1, cooked(4, second, &back(63))));
        }
    }
    let run = diagnosed(&[("one", 113, one), ("two", 113, two)], Vec::new());
    assert_eq!(
        lines(&run),
        ["3 connections to 192.0.2.8:80 fail: SYN-ACK  two out #4 ✓ → one ? (not in that capture)"]
    );
}
