//! Who is turned away for his name or his password, until he is served: a client may ask first and log in then, and
//! HTTP and SIP ask each for his name by a first refusal (RFC 9110, section 15.5.2; RFC 3261, section 22.1).

use super::{Spoken, Words};
use crate::flow::{Side, StreamId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::fault::{Service, is_of_asker};
use crate::wire::{http, sip};

/// Streams of which challenges are counted.
const MAX_CHALLENGED: usize = 1 << 12;
/// Challenges of SIP without a success between them that are more than the question who asks: the second is to a nonce
/// that is stale (RFC 7616, section 3.3).
const AGAIN: u8 = 3;

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    open: HashSet<StreamId>,
    challenged: HashMap<StreamId, u8>,
}

impl Refusals {
    /// Takes in what is kept of a stream.
    pub fn keep(&mut self, id: StreamId, words: Words) {
        if is_refusal(words) {
            self.open.insert(id);
        }
    }

    /// Takes in an answer that serves its asker, and forgets what the same side had refused.
    #[inline]
    pub fn served(
        &mut self,
        kept: &mut HashMap<StreamId, Vec<Spoken>>,
        (id, side): (StreamId, Side),
    ) {
        if self.open.is_empty() || !self.open.contains(&id) {
            return;
        }
        let Some(known) = kept.get_mut(&id) else { return };
        let before = known.len();
        known.retain(|s| s.side != side || !is_refusal(s.words));
        if known.len() < before {
            self.open.remove(&id);
        }
        if known.is_empty() {
            kept.remove(&id);
        }
    }

    /// Takes in a response of HTTP/1, which is a refusal if it asks who asks.
    pub fn status(
        &mut self,
        kept: &mut HashMap<StreamId, Vec<Spoken>>,
        (id, side): (StreamId, Side),
        payload: &[u8],
    ) -> Option<Words> {
        const UNAUTHORIZED: u16 = 401;
        match http::status(payload)? {
            UNAUTHORIZED => Some(Words::Fault(Service::Http, UNAUTHORIZED)),
            200..=399 => {
                self.served(kept, (id, side));
                None
            }
            _ => None,
        }
    }

    /// Takes in a message of SIP, which is a refusal if it is one challenge too many.
    pub fn sip(
        &mut self,
        kept: &mut HashMap<StreamId, Vec<Spoken>>,
        (id, side): (StreamId, Side),
        payload: &[u8],
    ) -> Option<Words> {
        match sip::status(payload)? {
            200..=299 => {
                self.challenged.remove(&id);
                self.served(kept, (id, side));
                None
            }
            code if is_of_asker(Service::Sip, code) => {
                if self.challenged.len() >= MAX_CHALLENGED && !self.challenged.contains_key(&id) {
                    return None;
                }
                let times = self.challenged.entry(id).or_default();
                *times = times.saturating_add(1);
                (*times == AGAIN).then_some(Words::Fault(Service::Sip, code))
            }
            _ => None,
        }
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.open.remove(&id);
        self.challenged.remove(&id);
    }
}

fn is_refusal(words: Words) -> bool {
    matches!(words, Words::Fault(service, code) if is_of_asker(service, code))
}
