//! What answers in HTTP/1 announce of their length, and which of them ended before it had come.

use super::chunks::Chunks;
use super::{MAX_STREAMS, Spoken, Words};
use crate::flow::{Flow, Mark, Side, Stream, StreamId};
use crate::hashed::HashMap;
use crate::wire::http::{self, Content};

/// What an answer announces.
#[derive(Debug, Clone, Copy)]
struct Body {
    mark: Mark,
    /// The sequence number of its first byte.
    from: u32,
    /// How many.
    len: u32,
}

/// Answers of which more is to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Announced {
    /// The latest answer of a side that announces more than its first segment has.
    bodies: HashMap<(StreamId, Side), Body>,
    /// Answers that come in chunks.
    chunks: Chunks,
}

impl Announced {
    /// Takes in a segment that may begin with a chunk: each begins with its length in hexadecimal digits.
    #[inline]
    pub fn segment(&mut self, key: (StreamId, Side), place: (u32, u32), payload: &[u8]) {
        if payload.first().is_some_and(u8::is_ascii_hexdigit) {
            self.chunks.segment(key, place, payload);
        }
    }

    /// Notes what an answer announces, where more of it is to come: the side's last one is over.
    pub fn answer(
        &mut self,
        key: (StreamId, Side),
        mark: Mark,
        (seq, here): (u32, u32),
        payload: &[u8],
    ) {
        self.chunks.over(key);
        if !self.bodies.is_empty() {
            self.bodies.remove(&key);
        }
        match http::content(payload) {
            Some((head, Content::Chunked)) => {
                self.chunks.answer(key, mark, (seq, here), (head as u32, payload));
            }
            Some((head, Content::Length(len))) => {
                let head = head as u32;
                let more = here < head.saturating_add(len);
                if more && self.bodies.len() < MAX_STREAMS {
                    self.bodies.insert(key, Body { mark, from: seq.wrapping_add(head), len });
                }
            }
            None => {}
        }
    }

    /// Those whose server closed, or whose client left, with a part of what it had announced. An answer to HEAD
    /// announces and has none.
    pub fn cut_short(&mut self, streams: &[Stream]) -> Vec<(StreamId, Spoken)> {
        let mut bodies: Vec<_> = std::mem::take(&mut self.bodies).into_iter().collect();
        bodies.sort_unstable_by_key(|((id, side), _)| (*id, side.index()));
        let short = bodies.into_iter().filter_map(|((id, side), body)| {
            let stream = streams.get(id as usize)?;
            let words = match (closed_first(stream, side), left_first(stream, side)) {
                (true, _) => Words::CutShort,
                (_, true) => Words::LeftMidway,
                _ => return None,
            };
            let flow = stream.flow(side);
            let fin = u32::from(flow.fin.is_set());
            let came = flow.end_seq.wrapping_sub(body.from).wrapping_sub(fin);
            let spoken = Spoken { side, mark: body.mark, words };
            (1..body.len).contains(&came).then_some((id, spoken))
        });
        short.collect()
    }

    /// Those that come in chunks and whose server closed, before its client did, in the middle of one or after a
    /// whole one that was not the last; or of which that cannot be told, since the bytes are not there.
    /// `cuts`: not all bytes of each frame are there.
    pub fn unended(&mut self, streams: &[Stream], cuts: bool) -> Vec<(StreamId, Spoken)> {
        let all = self.chunks.unended().into_iter();
        let unended = all.filter_map(|(id, side, answer)| {
            let stream = streams.get(id as usize).filter(|s| closed_first(s, side))?;
            let lacks = answer.next.wrapping_sub(stream.flow(side).end_seq.wrapping_sub(1));
            let words = match lacks as i32 {
                0.. if answer.begun => Words::Unended,
                // More than is known of it came: its last chunk may have.
                ..0 if cuts => Words::EndUnseen,
                _ => return None,
            };
            Some((id, Spoken { side, mark: answer.mark, words }))
        });
        unended.collect()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.chunks.forget(id);
        if !self.bodies.is_empty() {
            for side in [Side::A, Side::B] {
                self.bodies.remove(&(id, side));
            }
        }
    }
}

/// Whether a side closed in order, and the other had not ended before.
fn closed_first(stream: &Stream, side: Side) -> bool {
    let (flow, other) = (stream.flow(side), stream.flow(side.other()));
    let sooner = |end: Mark| end.is_set() && end.frame() < flow.fin.frame();
    flow.fin.is_set() && !sooner(other.fin) && !sooner(other.rst) && !flow.rst.is_set()
}

/// Whether the other side ended its direction, or the connection, while this one had not.
fn left_first(stream: &Stream, side: Side) -> bool {
    let first =
        |flow: &Flow| [flow.fin, flow.rst].into_iter().filter_map(Mark::get).map(Mark::frame).min();
    match (first(stream.flow(side.other())), first(stream.flow(side))) {
        (Some(left), Some(ended)) => left < ended,
        (left, _) => left.is_some(),
    }
}
