//! Streams of many connections, fetched before they are looked at.
//!
//! A stream is six lines of memory, and those of a connection lie at all vantages. Whoever walks connections
//! waits for each line in turn; asked for together, by loads that do not wait for each other, they come while
//! others are on their way.

use super::union::StreamRef;
use super::{Connection, Connections, Leg};
use crate::flow::{Flow, Observations, Stream};
use std::ops::Range;

/// Connections whose streams are fetched together.
pub const TOGETHER: usize = 16;

/// Has all lines of a stream fetched.
#[inline(always)]
fn touch(stream: &Stream) -> u32 {
    let [a, b] = &stream.flows;
    let begins = stream.key.vlan ^ a.packets ^ a.ack.frame() ^ a.rst.frame();
    begins ^ b.packets ^ b.ack.frame() ^ b.fin.frame() ^ b.shape.tsecr
}

/// Has streams fetched, the first links of their flows, and the hops of those: where each connection comes by
/// a way of its own, as through the internet, hops are as many.
pub(super) fn with_links(
    vantages: &[Observations],
    streams: impl Iterator<Item = StreamRef> + Clone,
) {
    let own = streams.clone().fold(0, |all, at| all ^ touch(at.of(vantages)));
    let links = || {
        streams.clone().flat_map(|at| {
            let vantage = &vantages[at.vantage.index()];
            let flows = at.of(vantages).flows.iter();
            let first = move |flow: &Flow| Some((vantage, vantage.links.get(flow.link.index()?)?));
            flows.filter_map(first)
        })
    };
    let own = links().fold(own, |all, (_, link)| all ^ link.packets);
    let hops = links().filter_map(|(vantage, link)| vantage.hops.get(link.hop.index()));
    std::hint::black_box(hops.fold(own, |all, hop| all ^ u32::from(hop.ttl)));
}

impl Connections {
    /// Has the streams and links of some connections fetched.
    pub fn fetch(&self, vantages: &[Observations], some: &[Connection]) {
        let legs = some.iter().flat_map(|connection| self.legs(connection));
        let at = |leg: &Leg| StreamRef { vantage: leg.vantage, stream: leg.stream };
        with_links(vantages, legs.map(at));
    }

    /// Has the ways of some connections fetched, and the hops that they lead by.
    pub fn fetch_ways(&self, vantages: &[Observations], some: Range<usize>) {
        let legs = self.list[some].iter().flat_map(|connection| self.legs(connection));
        let ways = legs.flat_map(|leg| [leg.there, leg.back].map(|id| (leg, id)));
        let hops = ways.filter_map(|(leg, id)| Some((leg, self.ways.get(id)?.first()?)));
        std::hint::black_box(hops.fold(0, |all, (leg, hop)| {
            let at = vantages[leg.vantage.index()].hops.get(hop.index());
            all ^ at.map_or(0, |hop| hop.ttl)
        }));
    }

    /// The places of connections, one after the other, each given when its streams are fetched.
    pub fn ahead<'a>(
        &'a self,
        vantages: &'a [Observations],
        range: Range<usize>,
    ) -> impl Iterator<Item = usize> + use<'a> {
        let end = range.end;
        range.step_by(TOGETHER).flat_map(move |from| {
            let some = from..end.min(from + TOGETHER);
            // The legs of connections lie in their order.
            let legs = self.list[some.clone()].iter().flat_map(|c| self.legs(c));
            std::hint::black_box(legs.fold(0, |all, leg| all ^ touch(leg.of(vantages))));
            some
        })
    }
}
