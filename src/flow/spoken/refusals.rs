//! Who is turned away for his name or his password, until he is served: a client may ask first and log in then, and
//! HTTP and SIP ask each for his name by a first refusal (RFC 9110, section 15.5.2; RFC 3261, section 22.1). RADIUS is asked
//! for many users by one stream, of which some are not known.

use super::{Spoken, Words};
use crate::flow::{Mark, Side, StreamId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::fault::{self, Service, is_of_asker};
use crate::wire::{http, sip};

/// Streams of which challenges are counted.
const MAX_CHALLENGED: usize = 1 << 12;
/// Challenges of SIP without a success between them that are more than the question who asks: the second is to a nonce
/// that is stale (RFC 7616, section 3.3).
const AGAIN: u8 = 3;

/// Who lets in fewer than one of so many turns most away. Judgement.
const MOST: u32 = 4;

/// What a server of RADIUS answered by one stream, on which one device asks for many users.
#[derive(Debug, Clone, Copy)]
struct Access {
    side: Side,
    /// The first that was turned away.
    first: Mark,
    let_in: u32,
    turned_away: u32,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    open: HashSet<StreamId>,
    challenged: HashMap<StreamId, u8>,
    access: HashMap<StreamId, Access>,
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

    /// Takes in an answer of RADIUS.
    pub fn access(&mut self, (id, side): (StreamId, Side), mark: Mark, payload: &[u8]) {
        let Some(lets_in) = fault::of_radius(payload) else { return };
        if self.access.len() >= MAX_CHALLENGED && !self.access.contains_key(&id) {
            return;
        }
        let nobody = Access { side, first: Mark::NONE, let_in: 0, turned_away: 0 };
        let of = self.access.entry(id).or_insert(nobody);
        if lets_in {
            of.let_in += 1;
        } else {
            of.turned_away += 1;
            of.first.set_once(mark);
        }
    }

    /// Streams on which RADIUS turned most away.
    pub fn settle(&mut self) -> Vec<(StreamId, Spoken)> {
        let mut all: Vec<(StreamId, Access)> =
            std::mem::take(&mut self.access).into_iter().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        let words = Words::Fault(Service::Radius, fault::ACCESS_REJECT);
        all.into_iter()
            .filter(|(_, of)| of.turned_away > 0 && of.let_in * MOST <= of.let_in + of.turned_away)
            .map(|(id, of)| (id, Spoken { side: of.side, mark: of.first, words }))
            .collect()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.open.remove(&id);
        self.challenged.remove(&id);
        self.access.remove(&id);
    }
}

fn is_refusal(words: Words) -> bool {
    matches!(words, Words::Fault(service, code) if is_of_asker(service, code))
}
