//! What a director took in of a connection and did not send on, by its own
//! capture: the ground of several causes.

use crate::diagnose::Proof;
use crate::flow::{Link, Mark};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Outer, seq_gt};

/// A frame of a leg, by the leg's place among the connection's.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Frame<'a> {
    /// Place of the leg in [`Trace::legs`].
    pub leg: usize,
    /// The link that it is the last of.
    pub link: &'a Link,
}

/// The end of the client's packets at one host.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Passage<'a> {
    /// The link on which the last of them arrived.
    pub came: Frame<'a>,
    /// The link on which the last of them left, if any did.
    pub left: Option<Frame<'a>>,
}

/// How the client's packets of a connection passed a host, by its own captures;
/// `None` where none arrived there.
pub(in crate::diagnose) fn passage(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
) -> Option<Passage<'_>> {
    let (mut came, mut left) = (None::<Frame<'_>>, None::<Frame<'_>>);
    for (i, leg) in trace.legs(id).iter().enumerate() {
        if trace.host_of(leg) != Some(host) {
            continue;
        }
        let own = &trace.vantage(leg).own;
        for (link, hop) in trace.path(leg, trace.forward(leg)) {
            let slot = match (own.arrived(hop), own.sent(hop)) {
                (Some(true), _) => &mut came,
                (_, Some(true)) => &mut left,
                _ => continue,
            };
            let frame = Frame { leg: i, link };
            if slot.is_none_or(|known| is_later(trace, id, frame, known)) {
                *slot = Some(frame);
            }
        }
    }
    came.map(|came| Passage { came, left })
}

/// Whether a link's last frame is later than another's, both on one host, whose
/// captures have one clock.
fn is_later(trace: &Trace, id: ConnectionId, a: Frame<'_>, b: Frame<'_>) -> bool {
    let capture = |f: Frame<'_>| trace.legs(id).get(f.leg).map(|leg| trace.vantage(leg).capture);
    if capture(a) == capture(b) {
        a.link.last.frame() > b.link.last.frame()
    } else {
        a.link.last.at() > b.link.last.at()
    }
}

impl Passage<'_> {
    /// Whether the last packet that came did not leave.
    pub fn is_withheld(&self, trace: &Trace, id: ConnectionId) -> bool {
        self.left.is_none_or(|left| is_later(trace, id, self.came, left))
    }

    /// Payload bytes that came and never left; 0 also where none can be told.
    pub fn missing(&self, trace: &Trace, id: ConnectionId) -> u32 {
        let Some(left) = self.left else { return 0 };
        if left.leg == self.came.leg {
            return self.came.link.unseen_by(left.link);
        }
        let end = |f: Frame<'_>| trace.legs(id).get(f.leg).map(|leg| trace.forward(leg).end_seq);
        match (end(self.came), end(left)) {
            (Some(came), Some(left)) if seq_gt(came, left) => came.wrapping_sub(left),
            _ => 0,
        }
    }

    /// Whether packets came bare and left in an overlay (VXLAN, Geneve, bridged GRE).
    pub fn enters_overlay(&self, trace: &Trace, id: ConnectionId) -> bool {
        let tunnel = |frame: Frame<'_>| {
            let leg = trace.legs(id).get(frame.leg)?;
            Some(leg.of(&trace.vantages).key.tunnel)
        };
        let (came, left) = (tunnel(self.came), self.left.and_then(tunnel));
        left.is_some_and(|left| {
            left != 0 && !Outer::tag_is_forwarding(left) && came.is_some_and(|came| came != left)
        })
    }

    /// The first packet that came with bytes that had come before.
    pub fn first_repeat(&self, trace: &Trace, id: ConnectionId) -> Mark {
        let leg = trace.legs(id).get(self.came.leg);
        leg.map_or(Mark::NONE, |leg| trace.vantage(leg).first_repeat(self.came.link))
    }

    /// When the last packet left.
    pub fn last_out(&self, trace: &Trace, id: ConnectionId) -> Option<At> {
        let left = self.left?;
        Some(trace.at(trace.legs(id).get(left.leg)?, left.link.last))
    }

    /// A proof at the last packet that left.
    pub fn proof_out(&self, trace: &Trace, id: ConnectionId, note: &str) -> Option<Proof> {
        let left = self.left?;
        trace.proof(trace.legs(id).get(left.leg)?, left.link.last, note)
    }

    /// A proof at a moment of the link on which packets came.
    pub fn proof_in(
        &self,
        trace: &Trace,
        id: ConnectionId,
        mark: Mark,
        note: &str,
    ) -> Option<Proof> {
        trace.proof(trace.legs(id).get(self.came.leg)?, mark, note)
    }
}
