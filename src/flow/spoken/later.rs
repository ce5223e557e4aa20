//! Connections in HTTP/1 on which a later answer is 400 after a first one that served its asker, beside those that are
//! answered as often and well.

use super::{MAX_STREAMS, Spoken, Words};
use crate::flow::{Mark, Side, StreamId};
use crate::hashed::HashMap;

/// Bad Request (RFC 9110, section 15.5.1).
pub const BAD_REQUEST: u16 = 400;
/// Of fewer nothing is kept: a request that is wrong is its client's. Judgement.
const SEVERAL: usize = 3;

/// What a server answered on one stream.
#[derive(Debug, Clone, Copy)]
struct Answers {
    side: Side,
    first: u16,
    /// The second one.
    second: Mark,
    count: u32,
    /// The first later one that is 400.
    bad: Mark,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Later(HashMap<StreamId, Answers>);

impl Later {
    /// Takes in the head of an answer.
    pub fn status(&mut self, (id, side): (StreamId, Side), mark: Mark, status: u16) {
        if self.0.len() >= MAX_STREAMS && !self.0.contains_key(&id) {
            return;
        }
        let none = Answers { side, first: status, second: Mark::NONE, count: 0, bad: Mark::NONE };
        let of = self.0.entry(id).or_insert(none);
        of.count += 1;
        if of.count > 1 {
            of.second.set_once(mark);
            if status == BAD_REQUEST {
                of.bad.set_once(mark);
            }
        }
    }

    /// Those that were answered more than once, where several have such an answer.
    pub fn settle(&mut self) -> Vec<(StreamId, Spoken)> {
        let all = std::mem::take(&mut self.0).into_iter();
        let mut again: Vec<(StreamId, Answers)> =
            all.filter(|(_, of)| of.count > 1 && of.first < BAD_REQUEST).collect();
        if again.iter().filter(|(_, of)| of.bad.is_set()).count() < SEVERAL {
            return Vec::new();
        }
        again.sort_unstable_by_key(|(id, _)| *id);
        let said = |of: Answers| {
            let (mark, bad) = if of.bad.is_set() { (of.bad, true) } else { (of.second, false) };
            Spoken { side: of.side, mark, words: Words::AnsweredAgain(bad) }
        };
        again.into_iter().map(|(id, of)| (id, said(of))).collect()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        if !self.0.is_empty() {
            self.0.remove(&id);
        }
    }
}
