//! Where time goes, in the document: of one connection, and of a real server's usual one.

use super::build::Builder;
use super::{Segment, Timing};
use crate::flow::VantageId;
use crate::trace::ConnectionId;
use crate::trace::timing::{self, Timing as Spent, median};
use std::collections::BTreeMap;

/// Connections of a real server that are looked at: the first tell as well as all.
const SAMPLE: usize = 1_024;

impl Builder<'_> {
    /// Of one connection.
    pub(super) fn timing(&self, id: ConnectionId) -> Option<Timing> {
        let spent = self.trace.timing(id);
        spent.connect_ns()?;
        Some(Timing {
            connect_ns: spent.connect_ns(),
            first_byte_ns: spent.answer_ns(),
            server_ns: spent.server_ns(),
            segments: spent.segments().map(|s| self.segment(s)).collect(),
        })
    }

    /// The medians of some connections, each for itself.
    pub(super) fn typical(&self, ids: &[ConnectionId]) -> Option<Timing> {
        let ids = &ids[..ids.len().min(SAMPLE)];
        let spent: Vec<Spent> = ids.iter().map(|id| self.trace.timing(*id)).collect();
        let of = |get: fn(&Spent) -> Option<i64>| median(spent.iter().filter_map(get).collect());
        // By the place in the path first, which is the same for most.
        let mut segments: BTreeMap<(usize, VantageId, VantageId), Vec<i64>> = BTreeMap::new();
        for (at, segment) in spent.iter().flat_map(|s| s.segments().enumerate()) {
            let key = (at, segment.from, segment.to);
            segments.entry(key).or_default().push(segment.round_trip_ns);
        }
        let usual = segments.into_iter().filter_map(|((_, from, to), durations)| {
            // A few that went another way are not the usual one.
            let most = durations.len() * 2 > spent.len();
            let round_trip_ns = median(durations).filter(|_| most)?;
            Some(self.segment(timing::Segment { from, to, round_trip_ns }))
        });
        Some(Timing {
            connect_ns: Some(of(Spent::connect_ns)?),
            first_byte_ns: of(Spent::answer_ns),
            server_ns: of(Spent::server_ns),
            segments: usual.collect(),
        })
    }

    fn segment(&self, segment: timing::Segment) -> Segment {
        let label = |vantage: VantageId| self.trace.vantages[vantage.index()].label.clone();
        Segment {
            from: label(segment.from),
            to: label(segment.to),
            round_trip_ns: segment.round_trip_ns,
        }
    }
}
