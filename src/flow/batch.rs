//! Frames taken in together: plain segments are read once, their streams are looked up for all of them,
//! and only then is each taken in, in order.
//!
//! Most of the time of a large capture goes into waiting for memory: the table, the stream that it leads
//! to, the link that the stream leads to. Looked up one after the other those waits add up; looked up
//! for many frames step by step, they overlap. Nothing that is observed depends on it: what was found
//! ahead counts only while no five-tuple was given to another stream meanwhile.

use super::marked::Marks;
use super::observe::{Observer, WAYS};
use super::{Hop, HopId, Key, LinkId, Mark, Side, StreamId};
use crate::capture::{Frame, Known};
use crate::wire::{self, Plain};

/// Frames that are looked up together.
const TOGETHER: usize = 32;

/// A segment with the stream that it is of.
#[derive(Clone, Copy)]
struct Found<'a> {
    plain: Plain<'a>,
    key: Key,
    side: Side,
    /// [`StreamId::MAX`] where none was found.
    stream: StreamId,
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
        let mut all: [Option<Found<'_>>; TOGETHER] = [None; TOGETHER];
        for (frame, found) in frames.iter().zip(&mut all) {
            if let Some(plain) = Plain::of(frame) {
                let ends = ((plain.src, plain.tcp.src_port), (plain.dst, plain.tcp.dst_port));
                let (key, side) = Key::plain(ends.0, ends.1);
                let stream = self.likely(self.hash(&key));
                *found = Some(Found { plain, key, side, stream });
            }
        }
        // Each step asks for what the one before told; within one nothing waits for another.
        let mut links = [LinkId::NONE; TOGETHER];
        for (found, link) in all.iter_mut().flatten().zip(&mut links) {
            match self.streams.get(found.stream as usize).filter(|s| s.key == found.key) {
                Some(stream) => *link = stream.flow(found.side).link,
                None => found.stream = StreamId::MAX,
            }
        }
        let fetched = links.iter().filter_map(|link| self.links.get(link.index()?));
        std::hint::black_box(fetched.fold(0u32, |sum, link| sum.wrapping_add(link.packets)));
        let moves = self.moves;
        for (frame, found) in frames.iter().zip(&all) {
            let mark = Mark::new(base.saturating_add(frame.number), frame.time);
            match found {
                Some(found) => {
                    let known = found.stream != StreamId::MAX && self.moves == moves;
                    self.plain(mark, frame, found, known);
                }
                None => self.observe_frame(mark, frame),
            }
        }
    }

    /// As [`Self::observe`]; `known`: its stream was found.
    #[inline(always)]
    fn plain(&mut self, mark: Mark, frame: &Frame<'_>, found: &Found<'_>, known: bool) {
        let (Found { plain, key, side, .. }, tcp) = (found, &found.plain.tcp);
        self.count_frame(mark, is_cut(frame));
        self.count_segment(tcp);
        let id = if known { found.stream } else { self.stream(*key) };
        let id = self.opened(id, *side, *key, tcp);
        self.side_tables.idles.see(id, *side, mark, &self.streams[id as usize]);
        self.count(id, *side, mark);
        let at = self.link_of(id, *side, mark, frame, plain);
        if tcp.flags.syn() {
            self.side_tables.marked.see(at, Marks::plain(plain.bits));
        }
        self.segment((id, *side), key, at, mark, Some(plain.id), tcp);
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
        plain: &Plain<'_>,
    ) -> usize {
        if let Some(hop) = self.hop_of(frame, plain) {
            return self.link_by_id(id, side, hop, mark);
        }
        let link = Plain::link(frame).unwrap_or_default();
        self.link_by(id, side, Hop { link, ttl: plain.ttl }, mark)
    }

    /// The hop of a segment, where it is known: few serve most.
    #[inline(always)]
    fn hop_of(&mut self, frame: &Frame<'_>, plain: &Plain<'_>) -> Option<HopId> {
        let [a, b] = plain.way;
        let drawn = (a ^ b.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let place = drawn as usize & self.ways.len().wrapping_sub(1);
        if let Some((way, hop)) = self.ways.get(place)
            && *way == plain.way
            && *hop != HopId(u32::MAX)
        {
            return Some(*hop);
        }
        if self.ways.len() < self.hops.len() * 2 && self.ways.len() < WAYS {
            // Vantages are many at times, and most have few hops.
            let places = (self.hops.len() * 4).next_power_of_two().min(WAYS);
            self.ways = vec![([0; 2], HopId(u32::MAX)); places];
        }
        let place = drawn as usize & self.ways.len().wrapping_sub(1);
        let link = Plain::link(frame).unwrap_or_default();
        let hop = self.known_hop(&Hop { link, ttl: plain.ttl })?;
        if let Some(entry) = self.ways.get_mut(place) {
            *entry = (plain.way, hop);
        }
        Some(hop)
    }
}

fn is_cut(frame: &Frame<'_>) -> bool {
    (frame.data.len() as u32) < frame.wire_len
}
