//! What few flows show, kept aside so that the others do not pay for it: bytes
//! sent again, holes in streams, and windows that closed.
//!
//! Tables grow by links at most, or are bounded; what does not fit is counted.

use super::dns_pairs::{DnsPair, DnsPairs};
use super::fragments::Pieces;
use super::health::{Health, LocalEndpoints};
use super::hello::Hellos;
use super::idle::{Idle, Idles};
use super::options::Options;
use super::preface::Prefaces;
use super::spoken::AllSpoken;
use super::token::Tokens;
use super::trouble::Troubles;
use super::{Hello, Mark, Preface, Side, Spoken, Stream, StreamId};
use crate::hashed::HashMap;
use crate::wire::tls::Random;
use crate::wire::{Ip, Sum, Tcp, Toa};

/// Repeats that are kept, and flows whose window closed.
const MAX_REPEATS: usize = 1 << 14;
const MAX_CLOSED: usize = 1 << 12;
/// Links whose repeated SYNs are weighed.
const MAX_SUMS: usize = 1 << 13;
/// Streams whose first payload is kept for leaving little room.
const MAX_FULL: usize = 1 << 13;
/// Option bytes and payload bytes above which it does: a client's address, with its port,
/// takes 8 or 20 of 40 bytes of options.
const ROOM: usize = 20;
const LARGE: u32 = 1200;

/// A segment that sent bytes again on a link.
#[derive(Debug, Clone, Copy)]
pub struct Repeat {
    /// Index of the link.
    pub link: u32,
    /// Sequence number of its first byte.
    pub from: u32,
    /// The one after its last; a FIN counts.
    pub to: u32,
    /// Frame and time.
    pub mark: Mark,
}

/// A side of a stream that advertised a window of 0.
#[derive(Debug, Clone, Copy)]
pub struct ClosedWindow {
    /// Index of the stream.
    pub stream: StreamId,
    /// The side that would take no more.
    pub side: Side,
    /// Segments with a window of 0.
    pub frames: u32,
    /// Segments that the other side sent meanwhile: probes (RFC 9293, section
    /// 3.8.6.1), and what was on its way.
    pub probes: u32,
    /// The longest time that it stayed closed, nanoseconds.
    pub longest_ns: i64,
    /// When that time began.
    pub closed: Mark,
    /// The segment that opened it again; not set where none did.
    pub opened: Mark,
    since: Mark,
}

/// Checksums of repeated SYNs on one link.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Those that a receiver takes.
    pub taken: u32,
    /// Those for which it drops the packet.
    pub wrong: u32,
    /// The first of these.
    pub first_wrong: Mark,
    /// The same of the datagram around it, where it came in a tunnel over UDP: those that a
    /// receiver takes.
    pub outer_taken: u32,
    /// Those for which it drops all that is inside.
    pub outer_wrong: u32,
    /// The first of these.
    pub first_outer_wrong: Mark,
    /// Between whom the tunnel is.
    pub outer: Option<(Ip, Ip)>,
}

/// The client's first segment with payload, where it leaves little room for an option.
#[derive(Debug, Clone, Copy)]
pub struct FullFirst {
    /// Frame and time.
    pub mark: Mark,
    /// Bytes of TCP options.
    pub options: u8,
    /// Bytes of payload.
    pub payload: u32,
}

impl FullFirst {
    /// Payload bytes below which a segment with few options leaves room, and is not kept.
    pub const LARGE: u32 = LARGE;
}

/// The rare facts of one vantage.
#[derive(Debug, Clone, Default)]
pub struct SideTables {
    /// In order.
    pub repeats: Vec<Repeat>,
    /// Repeats beyond the bound.
    pub repeats_dropped: u64,
    /// By first appearance.
    pub closed: Vec<ClosedWindow>,
    /// Flows with a closed window beyond the bound.
    pub closed_dropped: u64,
    by_side: HashMap<(StreamId, Side), u32>,
    pub(super) troubles: Troubles,
    toa: HashMap<StreamId, Toa>,
    full: HashMap<StreamId, FullFirst>,
    pub(super) hellos: Hellos,
    pub(super) tokens: Tokens,
    pub(super) prefaces: Prefaces,
    pub(super) spoken: AllSpoken,
    pub(super) dns_pairs: DnsPairs,
    pub(super) health: Health,
    pub(super) pieces: HashMap<u32, Pieces>,
    pub(super) options: Options,
    pub(super) idles: Idles,
    sums: HashMap<u32, Sums>,
}

impl SideTables {
    pub(super) fn repeat(&mut self, link: usize, mark: Mark, tcp: &Tcp<'_>) {
        if self.repeats.len() >= MAX_REPEATS {
            self.repeats_dropped += 1;
            return;
        }
        let to = tcp.seq.wrapping_add(tcp.seq_len());
        self.repeats.push(Repeat { link: link as u32, from: tcp.seq, to, mark });
    }

    /// The clients that a balancer named in a TCP option, by stream.
    pub fn clients(&self) -> impl Iterator<Item = (&StreamId, &Toa)> {
        self.toa.iter()
    }

    /// The client that a balancer, or the client itself, named in a stream.
    #[must_use]
    pub fn client_of(&self, stream: StreamId) -> Option<&Toa> {
        self.toa.get(&stream)
    }

    /// The client's first payload, where it leaves little room for an option. A large one
    /// is kept only where clients were named before.
    #[must_use]
    pub fn full_first(&self, stream: StreamId) -> Option<&FullFirst> {
        self.full.get(&stream)
    }

    /// The first ClientHello of each stream that shows one, by stream.
    #[must_use]
    pub fn hellos(&self) -> &[Hello] {
        self.hellos.list()
    }

    /// What one side of a stream without a handshake is recognised by elsewhere: hashes of
    /// its segments, the smallest first; none where a handshake was seen.
    #[must_use]
    pub fn tokens(&self, stream: StreamId, side: Side) -> &[u64] {
        self.tokens.of(stream, side)
    }

    /// Segments of streams without a handshake that are more than keep tokens.
    #[must_use]
    pub fn tokens_dropped(&self) -> u64 {
        self.tokens.dropped
    }

    /// The PROXY header that a stream begins with, if it does.
    #[must_use]
    pub fn preface(&self, id: StreamId) -> Option<&Preface> {
        self.prefaces.of(id)
    }

    /// What the sides of a stream said in so many words, in order.
    #[must_use]
    pub fn spoken(&self, id: StreamId) -> &[Spoken] {
        self.spoken.of(id)
    }

    /// Whether any side of any stream said such words.
    #[must_use]
    pub fn has_spoken(&self) -> bool {
        !self.spoken.is_empty()
    }

    /// The ClientHello of a stream, the first.
    #[must_use]
    pub fn hello_of(&self, id: StreamId) -> Option<&Hello> {
        let list = self.hellos.list();
        list.binary_search_by_key(&id, |hello| hello.stream).ok().map(|at| &list[at])
    }

    /// What nodes of a cluster said on their health-check ports, by endpoint.
    pub fn local_endpoints(&self) -> impl Iterator<Item = (&(Ip, u16), &LocalEndpoints)> {
        self.health.said().iter()
    }

    /// Whether a stream begins with a request that says it asks for health.
    #[must_use]
    pub fn is_probe(&self, id: StreamId) -> bool {
        self.health.is_probe(id)
    }

    /// The first answer of a stream and its status, if that is an HTTP error (400 to 599).
    #[must_use]
    pub fn first_error(&self, id: StreamId) -> Option<(Mark, u16)> {
        self.health.error(id)
    }

    /// The DNS questions that opened a stream together and were not both answered at once,
    /// if it shows such.
    #[must_use]
    pub fn dns_pair(&self, id: StreamId) -> Option<&DnsPair> {
        self.dns_pairs.of(id)
    }

    /// The silences of a stream, if it was silent for half a minute or longer.
    #[must_use]
    pub fn idle(&self, id: StreamId) -> Option<&Idle> {
        self.idles.of(id)
    }

    /// Whether there are any.
    #[must_use]
    pub fn has_dns_pairs(&self) -> bool {
        !self.dns_pairs.is_empty()
    }

    /// The fragments that a link carried, by its index; `None` where it carried none.
    #[must_use]
    pub fn pieces(&self, link: u32) -> Option<&Pieces> {
        self.pieces.get(&link)
    }

    /// The checksums of repeated SYNs on a link, by its index.
    #[must_use]
    pub fn sums(&self, link: u32) -> Option<&Sums> {
        self.sums.get(&link)
    }

    fn sums_at(&mut self, link: u32) -> Option<&mut Sums> {
        let full = self.sums.len() >= MAX_SUMS && !self.sums.contains_key(&link);
        (!full).then(|| self.sums.entry(link).or_default())
    }

    pub(super) fn outer_summed(&mut self, link: u32, mark: Mark, sum: Sum, ends: (Ip, Ip)) {
        let Some(sums) = self.sums_at(link) else { return };
        sums.outer = Some(ends);
        if sum == Sum::Wrong {
            sums.outer_wrong = sums.outer_wrong.saturating_add(1);
            sums.first_outer_wrong.set_once(mark);
        } else {
            sums.outer_taken = sums.outer_taken.saturating_add(1);
        }
    }

    pub(super) fn summed(&mut self, link: u32, mark: Mark, sum: Sum) {
        let Some(sums) = self.sums_at(link) else { return };
        if sum == Sum::Wrong {
            sums.wrong = sums.wrong.saturating_add(1);
            sums.first_wrong.set_once(mark);
        } else {
            sums.taken = sums.taken.saturating_add(1);
        }
    }

    /// Whether a frame is the first later fragment of a link.
    #[must_use]
    pub fn is_later_fragment(&self, mark: Mark) -> bool {
        self.pieces.values().any(|pieces| pieces.later == mark)
    }

    /// Whether any fragment was seen.
    #[must_use]
    pub fn has_pieces(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Whether any packet of a flow had IP options.
    #[must_use]
    pub fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// Whether any stream begins with a PROXY header.
    #[must_use]
    pub fn has_prefaces(&self) -> bool {
        !self.prefaces.is_empty()
    }

    /// Keeps the client that a segment names, the first of its stream.
    pub(super) fn name(&mut self, id: StreamId, tcp: &Tcp<'_>) {
        if let Some(toa) = tcp.parse_options().toa.filter(|toa| toa.addr.is_host()) {
            self.toa.entry(id).or_insert(toa);
        }
    }

    /// Keeps the first payload of a client that leaves little room for an option.
    #[inline]
    pub(super) fn fill(
        &mut self,
        id: StreamId,
        stream: &Stream,
        side: Side,
        mark: Mark,
        tcp: &Tcp<'_>,
    ) {
        let large = tcp.payload_len >= LARGE && !self.toa.is_empty();
        let full = large || tcp.options.len() > ROOM;
        if full && self.full.len() < MAX_FULL && stream.client() == side {
            let options = tcp.options.len() as u8;
            self.full.entry(id).or_insert(FullFirst { mark, options, payload: tcp.payload_len });
        }
    }

    /// Keeps a ClientHello, where there is one.
    #[inline]
    pub(super) fn hello(
        &mut self,
        stream: StreamId,
        mark: Mark,
        random: Option<Random>,
        all: &[Stream],
    ) {
        if let Some(random) = random {
            self.hellos.push(Hello { stream, mark, random }, all);
        }
    }

    /// Forgets a link that is let go.
    pub(super) fn forget_link(&mut self, link: u32) {
        self.sums.remove(&link);
        self.options.forget(link);
    }

    /// Forgets a stream that is let go.
    pub(super) fn forget(&mut self, id: StreamId) {
        self.toa.remove(&id);
        self.full.remove(&id);
        self.tokens.forget(id);
        self.prefaces.forget(id);
        self.spoken.forget(id);
        self.dns_pairs.forget(id);
        self.health.forget(id);
        self.idles.forget(id);
    }

    /// Follows the window of the side that sent a segment.
    #[inline]
    pub(super) fn window(
        &mut self,
        id: StreamId,
        side: Side,
        mark: Mark,
        stream: &mut Stream,
        tcp: &Tcp<'_>,
    ) {
        let [a, b] = &stream.flows;
        let zero = tcp.window == 0;
        if !(zero || a.closed || b.closed) {
            return;
        }
        // A reset has no window, and that of a SYN may be held back.
        if tcp.header_cut || tcp.flags.rst() || tcp.flags.syn() || !tcp.flags.ack() {
            return;
        }
        if stream.flow(side.other()).closed
            && let Some(&at) = self.by_side.get(&(id, side.other()))
        {
            let entry = &mut self.closed[at as usize];
            entry.probes = entry.probes.saturating_add(1);
        }
        match (zero, stream.flow(side).closed) {
            (true, was) => {
                stream.flows[side.index()].closed = true;
                self.close(id, side, mark, was);
            }
            (false, true) => {
                stream.flows[side.index()].closed = false;
                if let Some(&at) = self.by_side.get(&(id, side)) {
                    self.closed[at as usize].until(mark, true);
                }
            }
            (false, false) => {}
        }
    }

    fn close(&mut self, stream: StreamId, side: Side, mark: Mark, was: bool) {
        let at = match self.by_side.get(&(stream, side)) {
            Some(&at) => at as usize,
            None if self.closed.len() >= MAX_CLOSED => {
                self.closed_dropped += u64::from(!was);
                return;
            }
            None => {
                self.by_side.insert((stream, side), self.closed.len() as u32);
                self.closed.push(ClosedWindow {
                    stream,
                    side,
                    frames: 0,
                    probes: 0,
                    longest_ns: 0,
                    closed: mark,
                    opened: Mark::NONE,
                    since: mark,
                });
                self.closed.len() - 1
            }
        };
        let entry = &mut self.closed[at];
        entry.frames = entry.frames.saturating_add(1);
        if was {
            entry.until(mark, false);
        } else {
            entry.since = mark;
        }
    }
}

impl ClosedWindow {
    /// It is still closed, or opens, at a moment.
    fn until(&mut self, mark: Mark, opens: bool) {
        let ns = mark.since(self.since);
        if ns >= self.longest_ns {
            self.longest_ns = ns;
            self.closed = self.since;
            self.opened = if opens { mark } else { Mark::NONE };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::flow::Key;
    use crate::wire::{Ip, TcpFlags};

    fn segment(window: u16, flags: u8) -> Tcp<'static> {
        Tcp {
            src_port: 1,
            dst_port: 2,
            seq: 1,
            ack: 1,
            flags: TcpFlags(flags),
            window,
            options: &[],
            header_cut: false,
            payload: &[],
            payload_len: 0,
            known: crate::capture::Known::ALL,
        }
    }

    fn at(ms: i64) -> Mark {
        Mark::new(1 + ms as u32, Timestamp(ms * 1_000_000))
    }

    fn stream() -> Stream {
        let end = |n| (Ip::v4([192, 0, 2, n]), 80);
        let (key, _) = Key::of(crate::wire::Protocol::TCP, end(1), end(2), 0, None);
        Stream::new(key)
    }

    #[test]
    fn a_window_is_closed_from_the_first_zero_to_the_update() {
        let (mut tables, mut stream) = (SideTables::default(), stream());
        let mut see = |side, ms, window| {
            tables.window(7, side, at(ms), &mut stream, &segment(window, TcpFlags::ACK));
        };
        see(Side::A, 0, 0);
        see(Side::B, 300, 500);
        see(Side::A, 301, 0);
        see(Side::A, 2000, 1460);
        see(Side::A, 2001, 0);
        see(Side::A, 2002, 1460);
        let [closed] = tables.closed[..] else { panic!("one flow closed its window") };
        assert_eq!((closed.stream, closed.side), (7, Side::A));
        assert_eq!((closed.frames, closed.probes), (3, 1));
        assert_eq!(closed.longest_ns, 2_000_000_000);
        assert_eq!((closed.closed, closed.opened), (at(0), at(2000)));
    }

    #[test]
    fn resets_and_syns_close_nothing() {
        let (mut tables, mut stream) = (SideTables::default(), stream());
        for flags in [TcpFlags::RST, TcpFlags::SYN, TcpFlags::SYN | TcpFlags::ACK] {
            tables.window(0, Side::A, at(0), &mut stream, &segment(0, flags));
        }
        assert!(tables.closed.is_empty());
    }
}
