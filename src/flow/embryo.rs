//! A bound for streams that never became one.
//!
//! A flood of spoofed SYNs makes a stream a packet. Streams that show nothing
//! but an opening wait in a queue of bounded length; when it is full the oldest
//! that is still nothing more is released. A connection that was answered, sent
//! data, or repeated its SYN is never released.

use super::{Mark, StreamId};
use crate::wire::Ip;
use std::collections::{HashMap, VecDeque};

/// Streams of a vantage that may wait, unanswered, at one time.
pub const MAX_EMBRYOS: usize = 1 << 17;

/// Destinations that are counted apart.
const MAX_DESTINATIONS: usize = 1024;

/// What was released.
#[derive(Debug, Clone, Default)]
pub struct Evicted {
    /// Streams.
    pub streams: u64,
    /// First frame of the first of them.
    pub first: Mark,
    /// First frame of the last of them.
    pub last: Mark,
    /// Streams by destination, as many as are counted apart.
    pub destinations: HashMap<(Ip, u16), u64>,
}

impl Evicted {
    pub(super) fn add(&mut self, destination: (Ip, u16), mark: Mark) {
        self.streams += 1;
        self.first.set_once(mark);
        self.last = mark;
        let full = self.destinations.len() >= MAX_DESTINATIONS;
        match self.destinations.get_mut(&destination) {
            Some(count) => *count += 1,
            None if !full => {
                self.destinations.insert(destination, 1);
            }
            None => {}
        }
    }
}

/// Streams that may yet turn out to be nothing, oldest first.
#[derive(Debug, Default)]
pub(super) struct Embryos(VecDeque<StreamId>);

impl Embryos {
    /// Adds a new stream; returns one to look at when there are too many.
    #[inline]
    pub(super) fn push(&mut self, id: StreamId) -> Option<StreamId> {
        self.0.push_back(id);
        if self.0.len() > MAX_EMBRYOS { self.0.pop_front() } else { None }
    }
}
