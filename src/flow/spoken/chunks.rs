//! Answers in HTTP/1 that come in chunks (RFC 9112, section 7.1): where the next chunk has to begin.
//!
//! Each chunk says how long it is, so one that was read tells where the one after it begins. A segment that begins
//! or goes on there is read on from there; where that place lies in one that is not looked at, or was cut off,
//! nothing more is known of this answer.

use crate::flow::{Mark, Side, StreamId};
use crate::hashed::HashMap;
use crate::wire::http;

/// Answers that are followed at a time.
const MAX_ANSWERS: usize = 1 << 12;

/// An answer that goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// Its head.
    pub mark: Mark,
    /// The sequence number at which the next chunk is to begin.
    pub next: u32,
    /// Whether a chunk was read: an answer to HEAD says that it would come in chunks, and has none.
    pub begun: bool,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunks {
    open: HashMap<(StreamId, Side), Answer>,
}

impl Chunks {
    /// A side's last answer is over.
    #[inline]
    pub fn over(&mut self, key: (StreamId, Side)) {
        if !self.open.is_empty() {
            self.open.remove(&key);
        }
    }

    /// Takes in a segment that begins an answer whose head is so long.
    pub fn answer(
        &mut self,
        key: (StreamId, Side),
        mark: Mark,
        (seq, len): (u32, u32),
        (head, payload): (u32, &[u8]),
    ) {
        if self.open.len() < MAX_ANSWERS {
            self.open.insert(key, Answer { mark, next: seq.wrapping_add(head), begun: false });
            self.segment(key, (seq, len), payload);
        }
    }

    /// Reads on in a segment in which the next chunk begins.
    #[inline]
    pub fn segment(&mut self, key: (StreamId, Side), (seq, len): (u32, u32), payload: &[u8]) {
        if self.open.is_empty() {
            return;
        }
        let Some(answer) = self.open.get_mut(&key) else { return };
        loop {
            let at = answer.next.wrapping_sub(seq);
            if at >= len {
                return;
            }
            let chunk = payload.get(at as usize..).and_then(http::chunk);
            match chunk {
                Some((head, size)) if size > 0 => {
                    answer.begun = true;
                    // Data, and the line end after it.
                    let whole = (head as u32).wrapping_add(size).wrapping_add(2);
                    answer.next = answer.next.wrapping_add(whole);
                }
                // It is not among the bytes that are there: what follows is not known.
                None if payload.len() < len as usize => return,
                // The last one, or what cannot be read.
                _ => break,
            }
        }
        self.open.remove(&key);
    }

    /// Those of which no last chunk was read, by stream.
    pub fn unended(&mut self) -> Vec<(StreamId, Side, Answer)> {
        let open = std::mem::take(&mut self.open).into_iter();
        let mut list: Vec<_> = open.map(|((id, side), answer)| (id, side, answer)).collect();
        list.sort_unstable_by_key(|(id, side, _)| (*id, side.index()));
        list
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        if !self.open.is_empty() {
            for side in [Side::A, Side::B] {
                self.open.remove(&(id, side));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const KEY: (StreamId, Side) = (1, Side::B);

    /// Where each segment lies that is given, one after the other from 100 on; those at `unread` are not looked at.
    fn next(segments: &[&[u8]], unread: &[usize]) -> Option<u32> {
        let mut chunks = Chunks::default();
        let mut seq = 100;
        for (n, payload) in segments.iter().enumerate() {
            let (mark, at) = (Mark::new(n as u32 + 1, Timestamp(0)), (seq, payload.len() as u32));
            match payload {
                _ if unread.contains(&n) => {}
                [b'H', ..] => chunks.answer(KEY, mark, at, (HEAD.len() as u32, payload)),
                _ => chunks.segment(KEY, at, payload),
            }
            seq += payload.len() as u32;
        }
        let begun = chunks.unended().into_iter().find(|(.., answer)| answer.begun);
        begun.map(|(.., answer)| answer.next.wrapping_sub(seq))
    }

    #[test]
    fn an_answer_ends_with_its_last_chunk() {
        let begun = [HEAD, b"5\r\nhello\r\n"].concat();
        assert_eq!(next(&[&begun], &[]), Some(0));
        assert_eq!(next(&[&begun, b"0\r\n\r\n"], &[]), None);
        assert_eq!(next(&[&begun, b"2;a=b\r\nhi\r\n0\r\n\r\n"], &[]), None);
        assert_eq!(next(&[HEAD, b"A\r\n0123456789\r\n", b"3\r\nabc\r\n"], &[]), Some(0));
        // One that was announced with ten bytes, and of which three came.
        assert_eq!(next(&[&begun, b"a\r\n012"], &[]), Some(9));
    }

    #[test]
    fn what_was_not_read_says_nothing() {
        let begun = [HEAD, b"5\r\nhello\r\n"].concat();
        // The place of the next chunk was passed: the answer is longer than what is known of it.
        let passed = next(&[&begun, b"3\r\nabc\r\n", b"3\r\nabc\r\n"], &[1]);
        assert!(passed.is_some_and(|next| next as i32 <= -8));
        assert_eq!(next(&[&begun, b"no chunk"], &[]), None);
        // An answer to HEAD, and one that has not begun.
        assert_eq!(next(&[HEAD], &[]), None);
    }
}
