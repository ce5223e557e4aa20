//! First words of clients that a server has to answer, until it says anything.

use super::{MAX_STREAMS, Spoken, Words};
use crate::flow::{Mark, Side, StreamId};
use crate::hashed::HashMap;
use crate::wire::answered;

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Due {
    open: HashMap<StreamId, (Side, Mark, u16)>,
}

impl Due {
    /// Takes in the first payload of a side; `begins` if the other has said none.
    pub fn first(&mut self, id: StreamId, side: Side, mark: Mark, payload: &[u8], begins: bool) {
        if !begins {
            self.forget(id);
        } else if self.open.len() < MAX_STREAMS && answered::is_due_an_answer(payload) {
            let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            self.open.insert(id, (side, mark, len));
        }
    }

    /// Those that have no answer.
    pub fn settle(&mut self) -> Vec<(StreamId, Spoken)> {
        let mut all: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        let said = |(side, mark, len)| Spoken { side, mark, words: Words::AnswerDue(len) };
        all.into_iter().map(|(id, first)| (id, said(first))).collect()
    }

    /// Forgets a stream that is answered or let go.
    pub fn forget(&mut self, id: StreamId) {
        if !self.open.is_empty() {
            self.open.remove(&id);
        }
    }
}
