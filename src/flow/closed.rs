//! Windows that closed: sides of streams that would take no more, and for how long.

use super::{Mark, Side, Stream, StreamId};
use crate::hashed::HashMap;
use crate::wire::Tcp;

/// Flows whose window closed that are kept.
const MAX_CLOSED: usize = 1 << 12;

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
    pub(super) since: Mark,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct ClosedWindows {
    /// By first appearance.
    pub(super) list: Vec<ClosedWindow>,
    /// Flows beyond the bound.
    pub(super) dropped: u64,
    by_side: HashMap<(StreamId, Side), u32>,
}

impl ClosedWindows {
    pub(super) fn list(&self) -> &[ClosedWindow] {
        &self.list
    }

    /// Follows the window of the side that sent a segment.
    #[inline]
    pub(super) fn follow(
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
            let entry = &mut self.list[at as usize];
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
                    self.list[at as usize].until(mark, true);
                }
            }
            (false, false) => {}
        }
    }

    fn close(&mut self, stream: StreamId, side: Side, mark: Mark, was: bool) {
        let at = match self.by_side.get(&(stream, side)) {
            Some(&at) => at as usize,
            None if self.list.len() >= MAX_CLOSED => {
                self.dropped += u64::from(!was);
                return;
            }
            None => {
                self.by_side.insert((stream, side), self.list.len() as u32);
                self.list.push(ClosedWindow {
                    stream,
                    side,
                    frames: 0,
                    probes: 0,
                    longest_ns: 0,
                    closed: mark,
                    opened: Mark::NONE,
                    since: mark,
                });
                self.list.len() - 1
            }
        };
        let entry = &mut self.list[at];
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
        Tcp { window, flags: TcpFlags(flags), ..Tcp::example(&[]) }
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
        let (mut tables, mut stream) = (ClosedWindows::default(), stream());
        let mut see = |side, ms, window| {
            tables.follow(7, side, at(ms), &mut stream, &segment(window, TcpFlags::ACK));
        };
        see(Side::A, 0, 0);
        see(Side::B, 300, 500);
        see(Side::A, 301, 0);
        see(Side::A, 2000, 1460);
        see(Side::A, 2001, 0);
        see(Side::A, 2002, 1460);
        let [closed] = tables.list[..] else { panic!("one flow closed its window") };
        assert_eq!((closed.stream, closed.side), (7, Side::A));
        assert_eq!((closed.frames, closed.probes), (3, 1));
        assert_eq!(closed.longest_ns, 2_000_000_000);
        assert_eq!((closed.closed, closed.opened), (at(0), at(2000)));
    }

    #[test]
    fn resets_and_syns_close_nothing() {
        let (mut tables, mut stream) = (ClosedWindows::default(), stream());
        for flags in [TcpFlags::RST, TcpFlags::SYN, TcpFlags::SYN | TcpFlags::ACK] {
            tables.follow(0, Side::A, at(0), &mut stream, &segment(0, flags));
        }
        assert!(tables.list.is_empty());
    }
}
