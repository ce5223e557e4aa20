//! ClientHellos as they pass: what TLS connections of one client are tied by, where a
//! proxy passes them through.
//!
//! A stream has few: only what is new and near its beginning is looked at, where a
//! PROXY header may stand before it.

use super::{Flow, Mark, Stream, StreamId};
use crate::wire::{ProxyHeader, Tcp, tls};

/// Payload bytes before a hello: a PROXY header of version 1 takes at most 107, of
/// version 2 as many as fit the smallest segment that every host takes (haproxy,
/// doc/proxy-protocol.txt, section 2.2).
pub(super) const BEFORE: u64 = 536;

/// A ClientHello of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// Index of the stream.
    pub stream: StreamId,
    /// Frame and time.
    pub mark: Mark,
    /// Its random.
    pub random: tls::Random,
}

/// Hellos that are collected before those of streams that were let go are dropped.
const ROOM: usize = 1 << 12;

/// The hellos of one vantage: as many as streams, after a flood of them no more than
/// twice as many.
#[derive(Debug, Clone, Default)]
pub(super) struct Hellos {
    pub(super) list: Vec<Hello>,
    room: usize,
}

impl Hellos {
    pub(super) fn push(&mut self, hello: Hello, streams: &[Stream]) {
        if self.list.len() >= self.room.max(ROOM) {
            self.settle(streams);
            self.room = self.list.len() * 2;
        }
        self.list.push(hello);
    }

    /// Sorts by stream and keeps the first of each that is still there: another stream
    /// may have taken the place of one that was let go.
    pub(super) fn settle(&mut self, streams: &[Stream]) {
        self.list.retain(|hello| {
            let stream = streams.get(hello.stream as usize).map(Stream::first);
            stream.is_some_and(|m| m.is_set() && m.frame() <= hello.mark.frame())
        });
        self.list.sort_unstable_by_key(|hello| (hello.stream, hello.mark.frame()));
        self.list.dedup_by_key(|hello| hello.stream);
    }

    pub(super) fn list(&self) -> &[Hello] {
        &self.list
    }
}

/// Whether a segment that begins so may bring a hello.
#[inline(always)]
pub(super) fn begins(byte: u8) -> bool {
    matches!(byte, 22 | b'P' | b'\r')
}

/// The random of a hello that a segment brings, where it is new to the flow of its
/// sender, which does not count the segment yet.
#[inline]
pub(super) fn random(flow: &Flow, tcp: &Tcp<'_>) -> Option<tls::Random> {
    let may = tcp.payload.first().copied().is_some_and(begins);
    if !may || flow.payload > BEFORE || (flow.packets > 1 && tcp.seq != flow.end_seq) {
        return None;
    }
    let header = ProxyHeader::parse(tcp.payload).map_or(0, |header| header.len);
    tls::client_random(tcp.payload.get(header..)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::flow::Key;
    use crate::wire::Ip;

    fn hello(stream: StreamId, frame: u32) -> Hello {
        Hello { stream, mark: Mark::new(frame, Timestamp(0)), random: [frame as u8; 32] }
    }

    fn stream(first: u32) -> Stream {
        let end = (Ip::v4([192, 0, 2, 1]), 443);
        let mut stream = Stream::new(Key::of(crate::wire::Protocol::TCP, end, end, 0, None).0);
        if first > 0 {
            stream.flows[0].packets = 1;
            stream.flows[0].first = Mark::new(first, Timestamp(0));
        }
        stream
    }

    #[test]
    fn a_stream_keeps_its_first_and_none_of_one_before_it() {
        let streams = [stream(9), stream(2), stream(0)];
        let mut hellos = Hellos::default();
        for h in [hello(1, 5), hello(0, 3), hello(2, 4), hello(1, 8), hello(0, 11)] {
            hellos.push(h, &streams);
        }
        hellos.settle(&streams);
        assert_eq!(hellos.list(), [hello(0, 11), hello(1, 5)]);
    }

    #[test]
    fn hellos_of_streams_that_were_let_go_take_no_room() {
        let streams = [stream(1)];
        let mut hellos = Hellos::default();
        for frame in 0..5 * ROOM as u32 {
            hellos.push(hello(frame, frame + 1), &streams);
            assert!(hellos.list.len() <= ROOM);
        }
    }

    #[test]
    fn a_hello_is_new_and_near_the_beginning() {
        let mut payload = b"PROXY TCP4 192.0.2.7 203.0.113.8 40000 443\r\n".to_vec();
        payload.extend([22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3]);
        payload.extend([7; 64]);
        let tcp = |payload, seq| Tcp { seq, ..Tcp::example(payload) };
        let mut flow = Flow::EMPTY;
        (flow.packets, flow.end_seq) = (3, 100);
        assert_eq!(random(&flow, &tcp(&payload, 100)), Some([7; 32]));
        assert_eq!(
            random(&flow, &tcp(&payload[44..], 100)),
            Some([7; 32]),
            "in a segment of its own"
        );
        assert_eq!(random(&flow, &tcp(&payload, 99)), None, "sent again");
        assert_eq!(random(&flow, &tcp(&payload[..86], 100)), None, "cut");
        flow.payload = 9000;
        assert_eq!(random(&flow, &tcp(&payload, 100)), None, "late");
    }
}
