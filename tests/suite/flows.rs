//! What one vantage makes of segments: new bytes, bytes sent again, and packets
//! that are only shown again; connections that follow each other on one
//! five-tuple; and floods.

use crate::support::frames::*;
use lbdiag::flow::{Answer, Flow, MAX_EMBRYOS, Observations, Reset, Side, Stream};
use lbdiag::wire::{Ip, Mac};

const BODY: &[u8] = &[7; 1000];

/// The only stream, and what the end that is given sent.
fn sent_by(seen: &Observations, end: End) -> (&Stream, &Flow) {
    let [stream] = &seen.streams[..] else { panic!("{} streams", seen.streams.len()) };
    let is = |side: Side| (stream.key.ip(side), stream.key.port(side)) == (Ip::v4(end.0), end.1);
    let side = if is(Side::A) { Side::A } else { Side::B };
    assert!(is(side));
    (stream, stream.flow(side))
}

/// Copies that the capture made, on all links of a flow.
fn copies(seen: &Observations, flow: &Flow) -> u16 {
    seen.links_of(flow).map(|link| link.copies).sum()
}

fn see(segments: &[(i64, Segment)]) -> Observations {
    let mut vantage = Vantage::default();
    for (us, segment) in segments {
        vantage.see(*us, segment);
    }
    vantage.finish()
}

fn body(seq: u32) -> Segment {
    Segment::data(SERVER, CLIENT, seq, 1, BODY)
}

#[test]
fn an_exchange_is_two_flows_and_nothing_odd() {
    let seen = see(&exchange(CLIENT, VIP, 1000, 0));
    let (stream, client) = sent_by(&seen, CLIENT);
    let (_, server) = sent_by(&seen, VIP);
    assert!(client.opened() && server.accepted());
    assert_eq!((client.payload, server.payload), (27, 21));
    assert_eq!((client.packets, server.packets, stream.packets()), (4, 4, 8));
    assert_eq!((client.fin.frame(), server.fin.frame()), (7, 6));
    assert_eq!((client.reset, server.retransmissions), (Reset::None, 0));
    assert_eq!(stream.client_isn(), Some(1000));
    assert_eq!((server.isn, server.syn_ack_of), (1000 + 0x1000_0000, 1001));
    let turnaround = server.turnaround_ns.unwrap().get();
    assert_eq!(turnaround, 100_000, "the SYN-ACK came 100 us after the SYN");
    assert_eq!((seen.tally.tcp, seen.tally.stopped, seen.tally.other), (8, 0, 0));
}

#[test]
fn bytes_sent_again_after_a_timeout_are_a_retransmission() {
    let seen = see(&[(0, body(100).id(1)), (200_000, body(100).id(2)), (600_000, body(100).id(3))]);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!((flow.retransmissions, copies(&seen, flow), flow.payload), (2, 0, 1000));
    assert_eq!(seen.first_repeat(seen.links_of(flow).next().unwrap()).frame(), 2);
}

#[test]
fn the_same_packet_shown_twice_at_once_is_a_copy() {
    let seen = see(&[(0, body(100).id(1)), (3, body(100).id(1)), (9, body(1100).id(2))]);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!((flow.retransmissions, copies(&seen, flow), flow.payload), (0, 1, 2000));
}

#[test]
fn a_fast_retransmission_with_an_id_of_its_own_is_no_copy() {
    let seen = see(&[(0, body(100).id(1)), (300, body(100).id(2))]);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!((flow.retransmissions, copies(&seen, flow)), (1, 0));
}

#[test]
fn a_packet_that_a_director_sends_on_is_no_retransmission() {
    let mut frames = Vec::new();
    for n in 0..5_u32 {
        let segment = body(100 + n * 1000).id(n as u16);
        let us = i64::from(n) * 400;
        frames.push((us, segment.clone().on(CLIENT_MAC, DIRECTOR_MAC, 64)));
        frames.push((us + 40, segment.on(DIRECTOR_MAC, SERVER_MAC, 63)));
    }
    let seen = see(&frames);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!((flow.retransmissions, copies(&seen, flow), flow.payload), (0, 0, 5000));
    let path: Vec<_> = seen.path(flow).map(|(l, h)| (h.link.dst, h.ttl, l.packets)).collect();
    let expected = [(Some(Mac(DIRECTOR_MAC)), 64, 5), (Some(Mac(SERVER_MAC)), 63, 5)];
    assert_eq!(path, expected);
}

#[test]
fn a_retransmission_that_is_sent_on_counts_once() {
    let there = |segment: Segment| segment.on(CLIENT_MAC, DIRECTOR_MAC, 64);
    let on = |segment: Segment| segment.on(DIRECTOR_MAC, SERVER_MAC, 63);
    let seen = see(&[
        (0, there(body(100).id(1))),
        (40, on(body(100).id(1))),
        (220_000, there(body(100).id(2))),
        (220_040, on(body(100).id(2))),
    ]);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!((flow.retransmissions, flow.payload, flow.packets), (1, 1000, 4));
}

#[test]
fn segments_that_offload_merged_differently_are_no_retransmission() {
    // Three segments come in one by one and leave as one large packet.
    let merged = Segment::data(SERVER, CLIENT, 100, 1, &[7; 3000]);
    let seen = see(&[
        (0, body(100).id(1)),
        (10, body(1100).id(2)),
        (20, body(2100).id(3)),
        (60, merged.clone().on(DIRECTOR_MAC, SERVER_MAC, 63).id(1)),
    ]);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!((flow.retransmissions, copies(&seen, flow), flow.payload), (0, 0, 3000));
    // And the other way about.
    let seen = see(&[
        (0, merged.id(1)),
        (40, body(100).on(DIRECTOR_MAC, SERVER_MAC, 63).id(1)),
        (41, body(1100).on(DIRECTOR_MAC, SERVER_MAC, 63).id(2)),
        (42, body(2100).on(DIRECTOR_MAC, SERVER_MAC, 63).id(3)),
    ]);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!((flow.retransmissions, copies(&seen, flow), flow.payload), (0, 0, 3000));
}

#[test]
fn keep_alives_and_late_segments_repeat_nothing() {
    let keep_alive = Segment::data(SERVER, CLIENT, 2099, 1, b"x");
    let empty = Segment::ack(SERVER, CLIENT, 2099, 1);
    let seen = see(&[
        (0, body(100).id(1)),
        (10, body(2100).id(3)),
        (20, body(1100).id(2)),
        (9_000_000, keep_alive.id(4)),
        (19_000_000, empty.id(5)),
    ]);
    let (_, flow) = sent_by(&seen, SERVER);
    assert_eq!(flow.retransmissions, 0);
}

#[test]
fn repeated_syns_are_counted_once_a_transmission() {
    let syn = |id: u16| Segment::syn(CLIENT, VIP, 1000).id(id);
    let on = |segment: Segment| segment.on(DIRECTOR_MAC, SERVER_MAC, 63);
    let mut frames = Vec::new();
    for (n, second) in [0, 1, 3, 7].into_iter().enumerate() {
        let id = n as u16 + 10;
        frames.push((second * 1_000_000, syn(id)));
        frames.push((second * 1_000_000 + 40, on(syn(id))));
    }
    let seen = see(&frames);
    let (_, flow) = sent_by(&seen, CLIENT);
    assert_eq!((flow.syns, flow.packets, flow.isns, flow.retransmissions), (4, 8, 1, 0));
}

#[test]
fn a_new_syn_on_a_used_five_tuple_is_another_connection() {
    let first = exchange(CLIENT, VIP, 1000, 0);
    let second = exchange(CLIENT, VIP, 900_000, 5_000_000);
    let seen = see(&[first, second].concat());
    let isns: Vec<_> = seen.streams.iter().map(Stream::client_isn).collect();
    assert_eq!(isns, [Some(1000), Some(900_000)]);
    for stream in &seen.streams {
        assert_eq!(stream.packets(), 8);
        assert!(stream.flows.iter().all(|f| f.fin.is_set() && f.retransmissions == 0));
    }
    assert_eq!(seen.streams[1].first().frame(), 9);
}

#[test]
fn a_repeated_syn_begins_no_other_connection() {
    let mut frames = exchange(CLIENT, VIP, 1000, 1_000_000);
    frames.insert(0, (0, Segment::syn(CLIENT, VIP, 1000).id(77)));
    let seen = see(&frames);
    let (stream, client) = sent_by(&seen, CLIENT);
    assert_eq!((stream.packets(), client.syns), (9, 2));
}

#[test]
fn resets_tell_who_sent_them() {
    let refused = Segment { rst: true, ..Segment::ack(VIP, CLIENT, 0, 1001) };
    let seen = see(&[(0, Segment::syn(CLIENT, VIP, 1000)), (90, refused)]);
    assert_eq!(sent_by(&seen, VIP).1.reset, Reset::Refused);

    let mut frames = exchange(CLIENT, VIP, 1000, 0);
    frames.truncate(2);
    let no_socket = Segment { rst: true, ..Segment::new(CLIENT, VIP, 1001) };
    frames.push((200, no_socket));
    let (seen, odd) = (see(&frames), see(&frames[1..]));
    for seen in [seen, odd] {
        let (_, client) = sent_by(&seen, CLIENT);
        assert_eq!(client.reset, Reset::NoSocket);
        assert_eq!(client.rst_answers, sent_by(&seen, VIP).1.last);
    }

    let mut frames = exchange(CLIENT, VIP, 1000, 0);
    frames.truncate(5);
    let abort = Segment { rst: true, ..Segment::ack(CLIENT, VIP, 1028, 0x1000_0000 + 1022) };
    frames.push((700, abort));
    assert_eq!(sent_by(&see(&frames), CLIENT).1.reset, Reset::Abort);
}

#[test]
fn a_flood_is_counted_and_let_go_and_connections_stay() {
    const FLOOD: u32 = 200_000;
    const EACH: u32 = 4000;
    let mut vantage = Vantage::default();
    let spoofed = |n: u32| {
        let [a, b, c, _] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        ([11, a, b, c], 1024 + (n % 60_000) as u16)
    };
    let mut ours = Vec::new();
    for n in 0..FLOOD {
        let at = i64::from(n) * 10;
        if n % EACH == 0 {
            let client = (CLIENT.0, 20_000 + (n / EACH) as u16);
            for (us, segment) in exchange(client, VIP, n, at) {
                vantage.see(us, &segment);
            }
            ours.push(client);
        }
        vantage.see(at, &Segment { options: false, ..Segment::syn(spoofed(n), VIP, n) });
    }
    let seen = vantage.finish();
    let kept = MAX_EMBRYOS + 2 * ours.len();
    assert!(seen.streams.len() <= kept, "{} streams are kept", seen.streams.len());
    assert!(seen.links.len() <= kept + ours.len(), "{} links are kept", seen.links.len());
    let released = u64::from(FLOOD) - seen.evicted.all.streams;
    // Addresses that came twice are one stream.
    assert!((released as usize) <= MAX_EMBRYOS && seen.evicted.all.streams > 60_000);
    let [(kind, gone)] = seen.evicted.kinds.iter().collect::<Vec<_>>()[..] else {
        panic!("one kind was let go")
    };
    assert_eq!((kind.server, kind.answer), ((Ip::v4(VIP.0), VIP.1), Answer::None));
    assert_eq!(gone.streams, seen.evicted.all.streams);
    assert_eq!(seen.tally.frames, u64::from(FLOOD) + 8 * ours.len() as u64);
    for client in ours {
        let of = |s: &&Stream| {
            (0..2).any(|n| (s.key.ips[n], s.key.ports[n]) == (Ip::v4(client.0), client.1))
        };
        let found: Vec<&Stream> = seen.streams.iter().filter(of).collect();
        assert_eq!(found.len(), 1, "{client:?}");
        assert_eq!(found[0].packets(), 8);
        assert!(found[0].flows.iter().all(|f| f.fin.is_set() && f.payload > 0));
    }
}

#[test]
fn a_host_that_repeats_its_syn_outlives_a_flood() {
    let mut vantage = Vantage::default();
    vantage.see(0, &Segment::syn(CLIENT, VIP, 5).id(1));
    vantage.see(1_000_000, &Segment::syn(CLIENT, VIP, 5).id(2));
    for n in 0..MAX_EMBRYOS as u32 + 1000 {
        let [_, a, b, c] = n.to_be_bytes();
        let spoofed = ([11, a, b, c], 1024);
        vantage.see(1_000_100, &Segment { options: false, ..Segment::syn(spoofed, VIP, n) });
    }
    let seen = vantage.finish();
    let ours = |s: &&Stream| s.key.ips.contains(&Ip::v4(CLIENT.0));
    assert_eq!(seen.streams.iter().filter(ours).map(Stream::packets).collect::<Vec<_>>(), [2]);
    assert!(seen.evicted.all.streams >= 999);
}
