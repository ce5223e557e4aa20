//! The links of a flow: where its frames passed, one after the other.

use super::observe::grow;
use super::{Hop, HopId, Link, LinkId, Mark, Observer, Side, StreamId};
use crate::wire::LinkHeader;

/// Links of one flow that are kept apart; a loop makes one a TTL.
const MAX_LINKS_PER_FLOW: usize = 48;

impl Observer {
    /// The link of a frame, with the flow's own counts brought up to date.
    #[inline]
    pub(super) fn link(
        &mut self,
        id: StreamId,
        side: Side,
        header: LinkHeader,
        ttl: u8,
        mark: Mark,
    ) -> usize {
        self.count(id, side, mark);
        self.link_by(id, side, Hop { link: header, ttl }, mark)
    }

    /// Counts a frame of a flow.
    #[inline(always)]
    pub(super) fn count(&mut self, id: StreamId, side: Side, mark: Mark) {
        let flow = &mut self.streams[id as usize].flows[side.index()];
        flow.packets += 1;
        if flow.packets == 1 {
            flow.first = mark;
        }
        flow.last = mark;
    }

    /// The link of a flow by a hop.
    pub(super) fn link_by(&mut self, id: StreamId, side: Side, hop: Hop, mark: Mark) -> usize {
        // Most frames go where the first of their flow went.
        let first = self.streams[id as usize].flows[side.index()].link.index();
        let goes_by = |at: &usize| self.hops.list()[self.links[*at].hop.index()] == hop;
        if let Some(at) = first.filter(goes_by) {
            return at;
        }
        let hop = self.hop(hop);
        self.link_by_id(id, side, hop, mark)
    }

    /// The link of a flow by a hop that is known, added where there is none.
    #[inline(always)]
    pub(super) fn link_by_id(&mut self, id: StreamId, side: Side, hop: HopId, mark: Mark) -> usize {
        let mut tail = None;
        let mut next = self.streams[id as usize].flows[side.index()].link;
        let mut length = 0;
        while let Some(at) = next.index() {
            let link = &self.links[at];
            if link.hop == hop {
                return at;
            }
            tail = Some(at);
            next = link.next;
            length += 1;
        }
        if let Some(at) = tail
            && length >= MAX_LINKS_PER_FLOW
        {
            self.tally.rounds_dropped += 1;
            return at;
        }
        self.add_link((id, side), hop, mark, tail)
    }

    fn add_link(
        &mut self,
        (id, side): (StreamId, Side),
        hop: HopId,
        mark: Mark,
        tail: Option<usize>,
    ) -> usize {
        let at = match self.free_links.pop().and_then(LinkId::index) {
            Some(free) => {
                self.links[free] = Link::BLANK;
                free
            }
            None => {
                grow(&mut self.links);
                self.links.push(Link::BLANK);
                self.links.len() - 1
            }
        };
        self.links[at].begin(hop, mark);
        let new = LinkId::new(at);
        match tail {
            Some(tail) => self.links[tail].next = new,
            None => self.streams[id as usize].flows[side.index()].link = new,
        }
        at
    }

    /// The number of a hop, added where it is new; beyond the bound that of an unknown one.
    pub(super) fn hop(&mut self, hop: Hop) -> HopId {
        self.hops.id(hop).unwrap_or_else(|| {
            self.tally.hops_dropped += 1;
            self.hops.unknown()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Frame, Known, LinkType, Timestamp};
    use crate::flow::hops::MAX_HOPS;
    use crate::wire::Mac;

    fn mac(n: u32) -> Mac {
        let [a, b, c, d] = n.to_be_bytes();
        Mac([2, 0, a, b, c, d])
    }

    /// A segment without bytes, from one MAC to another.
    fn frame(src: Mac, dst: Mac, ttl: u8) -> Vec<u8> {
        let mut frame = [&dst.0[..], &src.0, &[8, 0, 0x45, 0, 0, 40, 0, 1, 0x40, 0]].concat();
        frame.extend([ttl, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0x9c, 0x40, 0, 80]);
        frame.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0, 0, 0]);
        frame
    }

    /// A director of many real servers has more hops than are kept apart: what passes by another is counted by one
    /// of which nothing is known, and not by somebody else's.
    #[test]
    fn beyond_the_bound_a_hop_is_unknown() {
        let mut observer = Observer::new(LinkType::ETHERNET);
        for n in 0..MAX_HOPS as u32 {
            let link = LinkHeader { src: Some(mac(n)), dst: Some(mac(1)), ..LinkHeader::default() };
            assert_eq!(observer.hop(Hop { link, ttl: 64 }), HopId(n));
        }
        let passing = [(5, 63), (9, 63), (5, 63), (9, 63)];
        for (number, (src, ttl)) in (1..).zip(passing) {
            let data = frame(mac(src), mac(2), ttl);
            let frame = Frame {
                number,
                time: Timestamp(0),
                interface: 0,
                link_type: LinkType::ETHERNET,
                wire_len: data.len() as u32,
                data: &data,
                known: Known::ALL,
            };
            observer.observe_all(&[frame], 0);
        }
        let dropped = observer.tally.hops_dropped;
        let seen = observer.finish("x".to_owned(), 0);
        let links: Vec<_> = seen.path(seen.streams[0].flow(Side::A)).collect();
        assert_eq!((links.len(), dropped), (1, 4));
        assert_eq!((links[0].0.packets, links[0].1.is_blank()), (4, true));
    }
}
