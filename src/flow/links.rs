//! The links of a flow: where its frames passed, one after the other.

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
        let link = Link::new(hop, mark);
        let new = match self.free_links.pop() {
            Some(free) => free,
            None => {
                self.links.push(link);
                LinkId::new(self.links.len() - 1)
            }
        };
        let at = new.index().unwrap_or_default();
        self.links[at] = link;
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
