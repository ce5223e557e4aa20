//! TLS handshakes that end in an encrypted record as long as an alert, where a Finished was due.
//!
//! In TLS 1.3 a client has keys when it reads the server's certificate, so that it refuses that in a record which
//! nobody else can read (RFC 8446, section 6). What shows is its length and its place: right behind the
//! ClientHello, and nothing of the client's after it.

use super::{Mark, Side, Spoken, Stream, StreamId, Words};
use crate::hashed::HashMap;
use crate::wire::tls;

/// Hellos that are remembered: a handshake is over when as many others have begun.
const SLOTS: usize = 1 << 12;
/// Records that are kept until the end of the pass.
const MAX_KEPT: usize = 1 << 12;
/// Bytes of a ChangeCipherSpec record, which may have a segment of its own.
const CHANGE_CIPHER_SPEC: u32 = 6;

/// A ClientHello, and the number of the byte behind it.
#[derive(Debug, Clone, Copy)]
struct Begun {
    stream: StreamId,
    side: Side,
    end: u32,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Sealed {
    /// By stream, the last of those that share a place.
    begun: Vec<Option<Begun>>,
    /// Records as long as an alert, with the number of the byte behind them.
    last: HashMap<(StreamId, Side), (Mark, u32)>,
}

/// Whether a segment that begins so, and is so long, may be such a record.
#[inline(always)]
pub(super) fn may_be(byte: u8, len: u32) -> bool {
    const LONGEST: u32 = 30;
    matches!(byte, 20 | 23) && len <= LONGEST
}

impl Sealed {
    /// Takes in a segment's payload that begins a handshake, or may end one.
    pub fn segment(
        &mut self,
        (id, side): (StreamId, Side),
        mark: Mark,
        (seq, len): (u32, u32),
        payload: &[u8],
    ) {
        let place = id as usize % SLOTS;
        if let Some(ends) = tls::hello_ends(payload) {
            if self.begun.is_empty() {
                self.begun = vec![None; SLOTS];
            }
            self.begun[place] = Some(Begun { stream: id, side, end: seq.wrapping_add(ends) });
            return;
        }
        let Some(before) = tls::sealed_alert(payload, len) else { return };
        let Some(begun) = self.begun.get(place).copied().flatten() else { return };
        let behind = seq.wrapping_sub(begun.end);
        let next = behind == 0 || behind == CHANGE_CIPHER_SPEC && before == 0;
        if (begun.stream, begun.side) == (id, side) && next && self.last.len() < MAX_KEPT {
            self.last.entry((id, side)).or_insert((mark, seq.wrapping_add(len)));
        }
    }

    /// Those after which their side said nothing more, and which ended a connection that the other side had
    /// answered on.
    pub fn settle(&mut self, streams: &[Stream]) -> Vec<(StreamId, Spoken)> {
        let mut all: Vec<_> = std::mem::take(&mut self.last).into_iter().collect();
        all.sort_unstable_by_key(|((id, side), _)| (*id, side.index()));
        let ended = |stream: &Stream, side: Side, end: u32| {
            let flow = stream.flow(side);
            let behind = flow.end_seq.wrapping_sub(end);
            let over = stream.flows.iter().any(|flow| flow.fin.is_set() || flow.rst.is_set());
            behind == u32::from(flow.fin.is_set()) && over && stream.flow(side.other()).payload > 0
        };
        all.retain(|((id, side), (_, end))| {
            streams.get(*id as usize).is_some_and(|stream| ended(stream, *side, *end))
        });
        let words = Words::SealedAlert;
        all.into_iter().map(|((id, side), (mark, _))| (id, Spoken { side, mark, words })).collect()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        if let Some(begun) = self.begun.get_mut(id as usize % SLOTS) {
            begun.take_if(|begun| begun.stream == id);
        }
        for side in [Side::A, Side::B] {
            self.last.remove(&(id, side));
        }
    }
}
