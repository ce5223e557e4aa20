//! Frames taken in together: plain segments are read once, their streams are looked up for all of them,
//! and only then is each taken in, in order.
//!
//! Most of the time of a large capture goes into waiting for memory: the table, the stream that it leads
//! to, the link that the stream leads to. Looked up one after the other those waits add up; looked up
//! for many frames step by step, they overlap. Nothing that is observed depends on it: what was found
//! ahead counts only while no five-tuple was given to another stream meanwhile.

use super::key::Ends;
use super::steady;
use super::{Hop, LinkId, Mark, Observer, Side, StreamId};
use crate::capture::{Frame, Known};
use crate::wire::{self, Plain};

/// Frames that are looked up together.
const TOGETHER: usize = 32;
/// No stream.
const NONE: StreamId = StreamId::MAX;

/// What is known of a plain segment before it is taken in.
#[derive(Clone, Copy)]
struct Ahead {
    ends: Ends,
    side: Side,
    /// Its stream; [`NONE`] where none was found, and for what is no such segment.
    stream: StreamId,
    /// The first link of its flow.
    link: LinkId,
}

impl Ahead {
    const NOTHING: Self =
        Self { ends: Ends::NONE, side: Side::A, stream: NONE, link: LinkId::NONE };
}

impl Observer {
    /// Takes in one frame; `mark` numbers it through all files of the capture.
    pub fn observe_frame(&mut self, mark: Mark, frame: &Frame<'_>) {
        let packet = wire::decode(frame);
        self.observe(mark, &packet, is_cut(frame));
        if frame.known.has(Known::SUM) {
            self.check_syn(mark, frame.data, &packet);
        }
    }

    /// Takes in frames of this vantage; `base` is the number of frames before those of their file.
    pub fn observe_all(&mut self, frames: &[Frame<'_>], base: u32) {
        for some in frames.chunks(TOGETHER) {
            self.observe_some(some, base);
        }
    }

    fn observe_some(&mut self, frames: &[Frame<'_>], base: u32) {
        let mut all = [Ahead::NOTHING; TOGETHER];
        self.look_ahead(frames, &mut all);
        let moves = self.table.moves();
        for (frame, ahead) in frames.iter().zip(&all) {
            let mark = Mark::new(base.saturating_add(frame.number), frame.time);
            let known = ahead.stream != NONE && self.table.moves() == moves;
            if !(known && self.steady(mark, frame, ahead)) {
                self.unsteady(mark, frame, known.then_some(ahead.stream));
            }
        }
    }

    /// Finds the streams of segments, and has their links fetched. Each step asks for what the one before told;
    /// within one nothing waits for another.
    #[inline(always)]
    fn look_ahead(&self, frames: &[Frame<'_>], all: &mut [Ahead; TOGETHER]) {
        for (frame, ahead) in frames.iter().zip(&mut *all) {
            if let Some(plain) = Plain::of(frame) {
                (ahead.ends, ahead.side) = Ends::of(plain.segment.ends());
                ahead.stream = self.table.likely(self.table.hash(&ahead.ends.key()));
            }
        }
        let mut fetched = 0;
        for ahead in &mut *all {
            match self.streams.get(ahead.stream as usize) {
                Some(stream) if stream.key == ahead.ends.key() => {
                    ahead.link = stream.flow(ahead.side).link;
                    // What is sent is held against what came back.
                    fetched ^= stream.flow(ahead.side.other()).packets;
                }
                _ => ahead.stream = NONE,
            }
        }
        let links = all.iter().filter_map(|ahead| self.links.get(ahead.link.index()?));
        std::hint::black_box(links.fold(fetched, |all, link| all ^ link.packets));
    }

    /// Takes in a segment of a stream that is known, where it only goes on; `false`: it was not taken in.
    #[inline(always)]
    fn steady(&mut self, mark: Mark, frame: &Frame<'_>, ahead: &Ahead) -> bool {
        let Some(Plain { way, segment }) = Plain::of(frame) else { return false };
        let Some(hop) = self.hops.of(frame, way) else { return false };
        let Some(stream) = self.streams.get_mut(ahead.stream as usize) else { return false };
        let first = stream.flow(ahead.side).link.index();
        let Some(link) = first.and_then(|at| self.links.get_mut(at)) else { return false };
        if link.hop != hop {
            return false;
        }
        let Some(words) = steady::take(stream, link, ahead.side, mark, &segment) else {
            return false;
        };
        self.count_frame(mark, is_cut(frame));
        let Some(payload) = segment.payload() else { return true };
        self.count_segment(payload.len);
        if words {
            self.side_tables.spoken.segment(ahead.stream, ahead.side, mark, payload.captured);
        }
        true
    }

    /// As [`Self::observe`]; `known`: the stream of a plain segment, where it was found.
    #[inline(never)]
    fn unsteady(&mut self, mark: Mark, frame: &Frame<'_>, known: Option<StreamId>) {
        let plain = Plain::of(frame).and_then(|plain| Some((plain, plain.segment.tcp()?)));
        let Some((Plain { way, segment }, tcp)) = plain else {
            return self.observe_frame(mark, frame);
        };
        self.count_frame(mark, is_cut(frame));
        self.count_segment(tcp.payload_len);
        let (ends, side) = Ends::of(segment.ends());
        let key = ends.key();
        let id = known.unwrap_or_else(|| self.stream(key));
        let id = self.opened(id, side, key, &tcp);
        self.side_tables.idles.see(id, side, mark, &self.streams[id as usize]);
        self.count(id, side, mark);
        let at = self.link_of(id, side, mark, frame, way);
        self.segment((id, side), &key, at, mark, Some(segment.id()), &tcp);
        if self.doubted.is_some() {
            self.check_syn(mark, frame.data, &wire::decode(frame));
        }
    }

    /// The link of a flow by which a segment passed.
    #[inline(always)]
    fn link_of(
        &mut self,
        id: StreamId,
        side: Side,
        mark: Mark,
        frame: &Frame<'_>,
        way: [u64; 2],
    ) -> usize {
        if let Some(hop) = self.hops.of(frame, way) {
            return self.link_by_id(id, side, hop, mark);
        }
        let link = Plain::link(frame).unwrap_or_default();
        self.link_by(id, side, Hop { link, ttl: Plain::ttl(way) }, mark)
    }
}

fn is_cut(frame: &Frame<'_>) -> bool {
    (frame.data.len() as u32) < frame.wire_len
}
