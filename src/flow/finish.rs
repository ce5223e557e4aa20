//! The end of the pass: what an [`Observer`] collected becomes [`Observations`].

use super::left_out::{has_acks, is_one_way};
use super::{Hop, Link, Neighbors, Observations, Observer, Own, Shows, Stream, Tally, own};
use crate::capture::Timestamp;
use crate::wire::Mac;

/// What a vantage lets through.
fn shows(
    (streams, tally, end): (&[Stream], &Tally, Timestamp),
    (links, hops): (&[Link], &[Hop]),
    neighbors: &Neighbors,
    own: &Own,
) -> Shows {
    let two_sided = |s: &Stream| s.flows[0].seen() && s.flows[1].seen();
    // With all conversations one-sided, other frames in and out still show
    // that the capture has both ways.
    let by_hops = || {
        let bindings = &neighbors.bindings;
        let sent = hops.iter().any(|hop| own.sent(hop) == Some(true));
        let came = hops.iter().any(|hop| own.arrived(hop) == Some(true));
        (sent || bindings.iter().any(|b| own.has(b.mac)))
            && (came || bindings.iter().any(|b| !own.has(b.mac)))
    };
    let later = |s: &Stream| s.flows.iter().any(|f| f.ack.is_set() || f.rst.is_set());
    Shows {
        both_ways: streams.iter().any(two_sided) || by_hops(),
        beyond_syn: streams.iter().any(later),
        acks: has_acks(streams, tally, end),
        one_way: is_one_way(streams, links, hops),
    }
}

impl Observations {
    /// Which MACs are its own, if it was not taken on hosts with these.
    pub(crate) fn own_without(&self, absent: &[Mac]) -> Own {
        own::infer(
            &self.streams,
            &self.links,
            &self.hops,
            &self.neighbors,
            &self.vrrp,
            &self.errors,
            absent,
        )
    }

    /// Takes these MACs for its own.
    pub(crate) fn adopt(&mut self, own: Own) {
        let seen = (&*self.streams, &self.tally, self.end);
        self.shows = shows(seen, (&self.links, &self.hops), &self.neighbors, &own);
        self.own = own;
    }
}

impl Observer {
    /// What was seen, under the user's name for the vantage.
    #[must_use]
    pub fn finish(mut self, label: String, capture: usize) -> Observations {
        self.settle_embryos();
        self.side_tables.hellos.settle(&self.streams);
        self.side_tables.dns_pairs.settle();
        if let Some(spoken) = self.side_tables.spoken.get_mut() {
            spoken.settle(&self.streams, self.tally.cut > 0);
        }
        if let Some(health) = self.side_tables.health.get_mut() {
            health.settle();
        }
        self.side_tables.pieces = std::mem::take(&mut self.fragments).into_pieces();
        let hops = self.hops.into_list();
        let own = own::infer(
            &self.streams,
            &self.links,
            &hops,
            &self.neighbors,
            &self.vrrp,
            &self.errors,
            &[],
        );
        let seen = (&*self.streams, &self.tally, self.end);
        let shows = shows(seen, (&self.links, &hops), &self.neighbors, &own);
        let empty = self.tally.frames == 0;
        Observations {
            label,
            capture,
            link_type: self.link_type,
            tally: self.tally,
            unopened: self.unopened,
            start: if empty { Timestamp(0) } else { self.start },
            end: if empty { Timestamp(0) } else { self.end },
            streams: self.streams,
            links: self.links,
            hops,
            neighbors: self.neighbors,
            errors: self.errors,
            errors_dropped: self.errors_dropped,
            echoes: self.echoes,
            echoes_dropped: self.echoes_dropped,
            vrrp: self.vrrp,
            vrrp_dropped: self.vrrp_dropped,
            side_tables: self.side_tables,
            evicted: self.evicted,
            own,
            shows,
        }
    }
}
