//! Finding the next record of a pcap file after damage.
//!
//! A pcap record has no mark, so a place is taken for one only if three records in a row, or all to
//! the end of the file, have lengths and times that fit each other and the frames before the damage.
//! A wrong guess would invent frames; rather the rest of the file is given up.

use crate::capture::collect::{Collector, Sink};
use crate::capture::source::ReadBuffer;

/// Records in a row that are believed.
const CHAIN: usize = 3;
/// Captured length that is believed after damage.
const LIMIT: u32 = 262_144;
/// Seconds between the frames before and after the damage that are believed.
const GAP: u32 = 86_400;

/// How records of this file look.
pub(super) struct Rules {
    pub(super) big: bool,
    /// Bytes of a record header.
    pub(super) header: usize,
    /// Largest captured length.
    pub(super) limit: u32,
    /// Units of time in a second.
    pub(super) fraction: u32,
    /// Whether the captured length is at most the wire length.
    pub(super) ordered: bool,
}

impl Rules {
    /// The size and the second of a credible record at the start of `bytes`.
    fn record(&self, bytes: &[u8], near: Option<u32>) -> Option<(usize, u32)> {
        let word = |at: usize| {
            let b = bytes.get(at..)?.first_chunk::<4>()?;
            Some(if self.big { u32::from_be_bytes(*b) } else { u32::from_le_bytes(*b) })
        };
        let (captured, wire) = (word(8)?, word(12)?);
        let (second, fraction) = (word(0)?, word(4)?);
        let lengths = captured > 0
            && captured <= LIMIT.min(self.limit)
            && wire > 0
            && (wire >= captured || !self.ordered)
            && wire <= 1 << 24;
        let times = fraction < self.fraction && near.is_none_or(|n| n.abs_diff(second) <= GAP);
        (lengths && times).then_some((self.header + captured as usize, second))
    }

    /// Whether a chain of records begins at the start of `bytes`; `last`: they end with the file.
    fn chain(&self, bytes: &[u8], near: Option<u32>, last: bool) -> bool {
        let (mut at, mut near) = (0, near);
        for _ in 0..CHAIN {
            if last && at > 0 && at == bytes.len() {
                return true;
            }
            let Some((size, second)) = bytes.get(at..).and_then(|b| self.record(b, near)) else {
                return false;
            };
            at += size;
            near = Some(second);
        }
        at <= bytes.len()
    }
}

/// Moves the window to the next credible record and states the loss. `false`: there is none, or no
/// frame before the damage to compare with.
pub(super) fn resync<F: Sink>(
    window: &mut ReadBuffer<'_>,
    rules: &Rules,
    seconds: Option<u32>,
    collector: &mut Collector<'_, F>,
    what: &str,
) -> bool {
    let from = window.offset();
    // Without a frame before it there is no time to hold a guess against.
    if seconds.is_none() {
        collector.lost_rest(from, what);
        return false;
    }
    let reach = CHAIN * (rules.header + LIMIT as usize);
    window.consume(1);
    loop {
        let whole = window.fill(reach);
        let data = window.data();
        if data.len() < rules.header {
            collector.lost_rest(from, what);
            return false;
        }
        let places = if whole { data.len() - reach + 1 } else { data.len() };
        let found = (0..places).find(|at| rules.chain(&data[*at..], seconds, !whole));
        window.consume(found.unwrap_or(places));
        if found.is_some() {
            let lost = window.offset() - from;
            let what = format!("{what}, and {lost} bytes hold no readable record");
            collector.damaged(from, &what, "the frames before and after them were kept");
            return true;
        }
    }
}
