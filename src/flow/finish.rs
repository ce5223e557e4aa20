//! The end of the pass: what an [`Observer`] collected becomes [`Observations`].

use super::{Observations, Observer, Own, Shows, Stream, own};
use crate::capture::Timestamp;

impl Observer {
    fn shows(&self, own: &Own) -> Shows {
        let two_sided = |s: &Stream| s.flows[0].seen() && s.flows[1].seen();
        // With all conversations one-sided, other frames in and out still show
        // that the capture has both ways.
        let by_hops = || {
            let bindings = &self.neighbors.bindings;
            let sent = self.hops.iter().any(|hop| own.sent(hop) == Some(true));
            let came = self.hops.iter().any(|hop| own.arrived(hop) == Some(true));
            (sent || bindings.iter().any(|b| own.has(b.mac)))
                && (came || bindings.iter().any(|b| !own.has(b.mac)))
        };
        let later = |s: &Stream| s.flows.iter().any(|f| f.ack.is_set() || f.rst.is_set());
        Shows {
            both_ways: self.streams.iter().any(two_sided) || by_hops(),
            beyond_syn: self.streams.iter().any(later),
        }
    }

    /// What was seen, under the user's name for the vantage.
    #[must_use]
    pub fn finish(mut self, label: String, capture: usize) -> Observations {
        self.rare.hellos.settle(&self.streams);
        self.rare.twins.settle();
        self.rare.pieces = std::mem::take(&mut self.fragments).into_pieces();
        let own = own::infer(&self.streams, &self.links, &self.hops, &self.neighbors);
        let shows = self.shows(&own);
        let empty = self.tally.frames == 0;
        Observations {
            label,
            capture,
            link_type: self.link_type,
            tally: self.tally,
            start: if empty { Timestamp(0) } else { self.start },
            end: if empty { Timestamp(0) } else { self.end },
            streams: self.streams,
            links: self.links,
            hops: self.hops,
            neighbors: self.neighbors,
            errors: self.errors,
            errors_dropped: self.errors_dropped,
            echoes: self.echoes,
            vrrp: self.vrrp,
            rare: self.rare,
            evicted: self.evicted,
            own,
            shows,
        }
    }
}
