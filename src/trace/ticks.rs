//! Captures whose times tell no wait: all frames bear one, as a converter writes that has none, or whole seconds.

use super::Trace;
use crate::flow::{Mark, Observations, Side};
use std::collections::BTreeSet;

/// A second, nanoseconds: waits that anybody notices are told by less.
const SECOND_NS: i64 = 1_000_000_000;
/// Frames whose times are looked at before they are called coarse. Judgement: that so many fall on a second by
/// chance is out of the question; of fewer a made-up example may consist.
const ENOUGH: u64 = 12;

/// What is wrong with the times of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coarse {
    /// All frames bear one time.
    One,
    /// All times are whole seconds.
    Seconds,
}

impl Trace {
    /// Why no wait can be told, where no capture has times for it.
    #[must_use]
    pub fn coarse(&self) -> Option<Coarse> {
        let times: Vec<Times> = self.vantages.iter().map(of).collect();
        if times.contains(&Times::Fine) {
            return None;
        }
        let coarse = |times: &Times| if let Times::Coarse(why) = times { Some(*why) } else { None };
        times.iter().find_map(coarse)
    }
}

/// The times of one vantage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Fine,
    Coarse(Coarse),
    /// Too few frames show it.
    Untold,
}

fn of(vantage: &Observations) -> Times {
    let enough = vantage.tally.frames >= ENOUGH;
    if vantage.end == vantage.start {
        return if enough { Times::Coarse(Coarse::One) } else { Times::Untold };
    }
    if vantage.start.0 % SECOND_NS != 0 || vantage.end.0 % SECOND_NS != 0 {
        return Times::Fine;
    }
    let flows = vantage.streams.iter().flat_map(|s| [s.flow(Side::A), s.flow(Side::B)]);
    let mut frames = BTreeSet::new();
    for flow in flows {
        let marks = [flow.first, flow.syn, flow.ack, flow.data, flow.fin, flow.last];
        for mark in marks.into_iter().filter_map(Mark::get) {
            if mark.at().0 % SECOND_NS != 0 {
                return Times::Fine;
            }
            frames.insert(mark.frame());
        }
    }
    if frames.len() as u64 >= ENOUGH { Times::Coarse(Coarse::Seconds) } else { Times::Untold }
}
