//! Frames taken in together: plain segments are read once, their streams are looked up for all of them,
//! and only then is each taken in, in order.
//!
//! Most of the time of a large capture goes into waiting for memory: the table, the stream that it leads
//! to, the link that the stream leads to. Looked up one after the other those waits add up; looked up
//! for many frames step by step, they overlap. Nothing that is observed depends on it: what was found
//! ahead counts only while no five-tuple was given to another stream meanwhile.

use super::marked::Marks;
use super::steady;
use super::{Hop, LinkId, Look, Mark, Observer, Side, StreamId};
use crate::capture::{Frame, Known};
use crate::wire::{self, Plain};

/// Frames that are looked up together.
const TOGETHER: usize = 32;
/// No stream.
const NONE: StreamId = StreamId::MAX;

/// Where a segment goes, as far as that is known before it is taken in.
#[derive(Clone, Copy)]
struct Ahead {
    /// Its stream; [`NONE`] where none was found, and for what is no plain segment.
    stream: StreamId,
    /// The first link of its flow.
    link: LinkId,
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
        let looker = self.table.looker().clone();
        let mut looks = [Look::NOTHING; TOGETHER];
        for some in frames.chunks(TOGETHER) {
            for (frame, look) in some.iter().zip(&mut looks) {
                looker.look(frame, look);
            }
            self.observe_some(some, &looks[..some.len()], base);
        }
    }

    /// The same of frames that were looked at before, by the looker that this observer was made with.
    pub fn observe_looked(&mut self, frames: &[Frame<'_>], looks: &[Look], base: u32) {
        for (some, looks) in frames.chunks(TOGETHER).zip(looks.chunks(TOGETHER)) {
            self.observe_some(some, looks, base);
        }
    }

    #[inline(always)]
    fn observe_some(&mut self, frames: &[Frame<'_>], looks: &[Look], base: u32) {
        let all = self.look_ahead(looks);
        let moves = self.table.moves();
        for ((frame, look), ahead) in frames.iter().zip(looks).zip(&all) {
            let mark = Mark::new(base.saturating_add(frame.number), frame.time);
            let known = ahead.stream != NONE && self.table.moves() == moves;
            if !(known && self.steady(mark, frame, look, *ahead)) {
                self.unsteady(mark, frame, look, known.then_some(ahead.stream));
            }
        }
    }

    /// Finds the streams of segments, and has their links fetched. Each step asks for what the one before told;
    /// within one nothing waits for another.
    #[inline(always)]
    fn look_ahead(&self, looks: &[Look]) -> [Ahead; TOGETHER] {
        let mut all = [Ahead { stream: NONE, link: LinkId::NONE }; TOGETHER];
        for (look, ahead) in looks.iter().zip(&mut all) {
            if look.plain {
                ahead.stream = self.table.likely(look.hash);
            }
        }
        let mut fetched = 0;
        for (look, ahead) in looks.iter().zip(&mut all) {
            match self.streams.get(ahead.stream as usize) {
                Some(stream) if stream.key == look.ends.key() => {
                    ahead.link = stream.flow(look.side).link;
                    // What is sent is held against what came back.
                    fetched ^= stream.flow(look.side.other()).packets;
                }
                _ => ahead.stream = NONE,
            }
        }
        let link = |at: LinkId| self.links.get(at.index()?);
        let firsts = || all.iter().filter_map(|ahead| link(ahead.link));
        let fetched = firsts().fold(fetched, |all, link| all ^ link.packets);
        // A host that forwards shows each segment twice, coming in and going out; and where each connection comes
        // by a way of its own, hops are as many.
        let seconds = firsts().filter_map(|first| link(first.next));
        let fetched = seconds.fold(fetched, |all, link| all ^ link.packets);
        std::hint::black_box(firsts().fold(fetched, |all, l| all ^ self.hops.fetch(l.hop)));
        all
    }

    /// Takes in a segment of a stream that is known, where it only goes on; `false`: it was not taken in.
    #[inline(always)]
    fn steady(&mut self, mark: Mark, frame: &Frame<'_>, look: &Look, ahead: Ahead) -> bool {
        let Some(stream) = self.streams.get_mut(ahead.stream as usize) else { return false };
        let by_way = |at: LinkId| {
            let at = at.index()?;
            let link = self.links.get(at)?;
            Some((at, link.next, self.hops.is(link.hop, look.way)))
        };
        // A host that forwards shows each segment twice, coming in and going out.
        let at = match by_way(stream.flow(look.side).link) {
            Some((first, _, true)) => first,
            Some((_, next, false)) => match by_way(next) {
                Some((second, _, true)) => second,
                _ => return false,
            },
            None => return false,
        };
        let Some(link) = self.links.get_mut(at) else { return false };
        let Some(words) = steady::take(stream, link, mark, frame, look) else {
            return false;
        };
        self.count_frame(mark, is_cut(frame));
        self.count_segment(u32::from(look.payload), look.flags);
        if words && let Some(payload) = Plain::of(frame).and_then(|plain| plain.segment.payload()) {
            let at = (look.seq, u32::from(look.payload));
            self.side_tables.spoken.make().segment(
                ahead.stream,
                look.side,
                mark,
                at,
                payload.captured,
            );
        }
        true
    }

    /// As [`Self::observe`]; `known`: the stream of a plain segment, where it was found.
    #[inline(never)]
    fn unsteady(&mut self, mark: Mark, frame: &Frame<'_>, look: &Look, known: Option<StreamId>) {
        let plain = if look.plain { Plain::of(frame) } else { None };
        let plain = plain.and_then(|plain| Some((plain, plain.segment.tcp()?)));
        let Some((Plain { way, segment }, tcp)) = plain else {
            return self.observe_frame(mark, frame);
        };
        self.count_frame(mark, is_cut(frame));
        self.count_segment(tcp.payload_len, tcp.flags);
        let (key, side) = (look.ends.key(), look.side);
        let id = known.unwrap_or_else(|| self.stream_by(look.hash, key));
        let id = self.opened(id, side, key, &tcp);
        self.side_tables.idles.see(id, side, mark, &self.streams[id as usize]);
        self.count(id, side, mark);
        let at = self.link_of(id, side, mark, frame, way);
        if tcp.flags.syn() {
            self.side_tables.marked.see(at, Marks::plain(segment.bits()));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{LinkType, Timestamp};
    use crate::flow::Observations;

    /// Numbers that look drawn, the same ones in every run.
    struct Drawn(u64);

    impl Drawn {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) % end
        }

        fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
            all[self.below(all.len() as u64) as usize]
        }
    }

    /// One side of a conversation, as far as its numbers go.
    #[derive(Clone, Copy, Default)]
    struct Sender {
        seq: u32,
        id: u16,
    }

    /// A frame of one of a few conversations: mostly the next of its flow, at times anything else.
    fn frame(drawn: &mut Drawn, senders: &mut [[Sender; 2]; 6]) -> Vec<u8> {
        let (stream, side) = (drawn.below(6) as usize, drawn.below(2) as usize);
        let (seq, id, ack) = {
            let [own, other] = [senders[stream][side], senders[stream][1 - side]];
            let seq = match drawn.below(8) {
                0 => own.seq.wrapping_sub(300),
                1 => own.seq.wrapping_add(200),
                _ => own.seq,
            };
            (seq, own.id.wrapping_add(drawn.one_of(&[0, 1, 1, 1, 2])), other.seq)
        };
        let ack_only = [0x10u8, 0x18, 0x10, 0x18, 0x10, 0x18, 0x11, 0x12, 0x02, 0x14, 0x04];
        let flags = drawn.one_of(&ack_only);
        let begin = drawn.one_of(b"xxHGP2\x15\x16\r");
        let bytes = drawn.one_of(&[0usize, 0, 1, 100, 1400]);
        let mac = |n: u8| [2, 0, 0, 0, 0, n];
        let hop = drawn.one_of(&[1u8, 1, 1, 1, 1, 1, 3]);
        let mut frame = [mac(hop), mac(2), [8, 0, 0x45, 0, 0, 0]].concat();
        frame[16..18].copy_from_slice(&(40 + bytes as u16).to_be_bytes());
        frame.extend(id.to_be_bytes());
        frame.extend([0x40, 0, drawn.one_of(&[64, 64, 64, 63]), 6, 0, 0]);
        let ends = [[10, 0, 0, stream as u8, 0x9c, 0x40], [10, 0, 1, 1, 0, 80]];
        let (src, dst) = (ends[side], ends[1 - side]);
        frame.extend([&src[..4], &dst[..4], &src[4..], &dst[4..]].concat());
        frame.extend([seq.to_be_bytes(), ack.to_be_bytes()].concat());
        frame.extend([0x50, flags, 0, drawn.one_of(&[9, 9, 9, 9, 9, 0]), 0, 0, 0, 0]);
        frame.extend(vec![begin; bytes]);
        let took = bytes as u32 + u32::from(flags & 1) + u32::from(flags >> 1 & 1);
        senders[stream][side] = Sender { seq: seq.wrapping_add(took), id };
        frame
    }

    /// All that is told of streams, in an order that does not depend on tables.
    fn told(seen: &Observations) -> String {
        let tables = &seen.side_tables;
        let each = |at: usize| {
            let id = at as u32;
            let tokens = [Side::A, Side::B].map(|side| tables.tokens(id, side).to_vec());
            let said =
                (tables.spoken(id), tables.idle(id), tables.preface(id), tables.hello_of(id));
            format!("{said:?} {tokens:?} {:?}", tables.first_error(id))
        };
        let streams: Vec<String> = (0..seen.streams.len()).map(each).collect();
        let all = (&seen.streams, &seen.links, &seen.hops, &seen.tally, seen.start, seen.end);
        format!("{all:?} {streams:?} {:?} {:?}", tables.repeats, tables.closed())
    }

    /// Frames taken in together, few of them in full, give what each gives that is taken in by itself.
    #[test]
    fn together_is_as_one_by_one() {
        let mut drawn = Drawn(7);
        for round in 0..200 {
            let mut senders = [[Sender::default(); 2]; 6];
            for sender in senders.as_flattened_mut() {
                // Some begin where numbers wrap.
                sender.seq = drawn.one_of(&[1_000_000, u32::MAX - 2_000]);
            }
            let bytes: Vec<Vec<u8>> = (0..300).map(|_| frame(&mut drawn, &mut senders)).collect();
            let mut time = 0;
            let frames: Vec<Frame<'_>> = bytes
                .iter()
                .zip(1..)
                .map(|(data, number)| {
                    time += drawn.one_of(&[10_000, 10_000, 1_000_000, 300_000_000]);
                    time += if drawn.below(100) == 0 { 31_000_000_000 } else { 0 };
                    Frame {
                        number,
                        time: Timestamp(time),
                        interface: 0,
                        link_type: LinkType::ETHERNET,
                        wire_len: data.len() as u32,
                        data,
                        known: Known::ALL,
                    }
                })
                .collect();
            let (mut together, mut single) =
                (Observer::new(LinkType::ETHERNET), Observer::new(LinkType::ETHERNET));
            together.observe_all(&frames, 0);
            for frame in &frames {
                single.observe_frame(Mark::new(frame.number, frame.time), frame);
            }
            let [together, single] =
                [together, single].map(|observer| told(&observer.finish("x".to_owned(), 0)));
            assert_eq!(together, single, "round {round}");
        }
    }
}
