//! How far the streams of a vantage reach, so that who looks for the stream of a frame stops where none before
//! can hold it.

use super::Trace;
use crate::flow::VantageId;

/// By vantage, for each stream in its order: the last frame of it and of all before it.
pub(super) type Reach = Vec<Vec<u32>>;

impl Trace {
    /// That of a vantage.
    pub(crate) fn reach(&self, vantage: VantageId) -> &[u32] {
        let all = self.reach.get_or_init(|| {
            let each = self.vantages.iter().map(|vantage| {
                let mut latest = 0;
                let of = |stream: &crate::flow::Stream| {
                    latest = stream.last().frame().max(latest);
                    latest
                };
                vantage.streams.iter().map(of).collect()
            });
            each.collect()
        });
        all.get(vantage.index()).map_or(&[], Vec::as_slice)
    }
}
