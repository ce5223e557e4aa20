//! Where packets go: what was lost between two captured hosts, and what a capture lost
//! itself.
//!
//! A range of bytes that leaves one host more often than it arrives at the next was lost
//! between them as often as it is missing there. Ranges are compared, not frames, since
//! offload cuts them differently at each host. A capture with holes in a stream, or that
//! began later or ended earlier, proves nothing; bytes that it lacks although their
//! receiver acknowledged them there, it lost itself.
//!
//! `walk` finds the places, `again` compares the repeats there, `capture` counts what a capture lost.

mod again;
mod capture;
mod walk;

pub use capture::CaptureLoss;

use super::{At, ConnectionId, Trace};
use crate::flow::VantageId;
use crate::topology::{HostId, ServiceId};
use again::{by_link, lost};
use std::collections::{BTreeMap, BTreeSet};
use walk::{Walk, one_vantage};

/// A capture that ends sooner after a repeat may have missed it, nanoseconds.
const MARGIN_NS: i64 = 100_000_000;

/// A part of the path between two captured hosts, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// The host that frames leave.
    pub from: HostId,
    /// The host that they are to reach next.
    pub to: HostId,
    /// What the client sent, rather than the server.
    pub forward: bool,
}

/// What a connection lost on a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Where.
    pub stretch: Stretch,
    /// Frames that left.
    pub sent: u64,
    /// The first frame that left.
    pub first: At,
    /// The frames that sent lost bytes again, one a loss; never empty.
    pub again: Vec<At>,
}

/// All losses of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    lost: BTreeMap<ConnectionId, Vec<Lost>>,
    watched: BTreeMap<(ServiceId, Stretch), u64>,
    /// By vantage: what its capture lost itself.
    pub captures: BTreeMap<VantageId, CaptureLoss>,
}

impl Losses {
    /// What the connections of a trace lost.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut losses = Self::default();
        let repeats = by_link(trace);
        // Nothing repeated, nothing lost: then it only matters that it could be seen.
        let repeated = trace.requests().any(|(_, c)| c.progress.repeats);
        // One host alone shows no way to another.
        let hosts: BTreeSet<HostId> =
            VantageId::all(&trace.vantages).filter_map(|v| trace.host_of_vantage(v)).collect();
        let several = hosts.len() > 1;
        let requests = trace.ahead().filter(|(id, _)| trace.ordinary(*id).is_none());
        for (id, c) in requests.filter(|(_, c)| c.protocol.is_tcp()) {
            let service = trace.service_of(id);
            losses.captured(trace, id);
            losses.openings(trace, id);
            if !several || !repeated && !losses.watched.is_empty() {
                continue;
            }
            let walk = Walk::new(trace, id);
            for forward in [true, false] {
                for [from, to] in walk.neighbours(forward) {
                    let stretch = Stretch { from, to, forward };
                    let out = one_vantage(walk.place(from, forward, true));
                    let into = walk.place(to, forward, false);
                    let (Some(first), false) = (out.first(), into.is_empty()) else { continue };
                    let sent = out.iter().map(|p| u64::from(p.link.packets)).sum::<u64>();
                    *losses.watched.entry((service, stretch)).or_default() += sent;
                    // What a host on the way says that it dropped, it dropped.
                    if !c.progress.repeats || trace.errors_of(id).next().is_some() {
                        continue;
                    }
                    let again = lost(trace, &repeats, &out, &into);
                    if let Some(at) = again.first() {
                        let first = At { vantage: at.vantage, mark: first.link.first };
                        let lost = Lost { stretch, sent, first, again };
                        losses.lost.entry(id).or_default().push(lost);
                    }
                }
            }
        }
        losses
    }

    /// What a connection lost, by stretch.
    #[must_use]
    pub fn of_connection(&self, id: ConnectionId) -> &[Lost] {
        self.lost.get(&id).map_or(&[], Vec::as_slice)
    }

    /// All that was lost, in the order of connections.
    pub fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Lost)> {
        self.lost.iter().flat_map(|(id, lost)| lost.iter().map(|l| (*id, l)))
    }

    /// Frames of a service that left on each stretch which both of its hosts captured;
    /// where nothing was repeated anywhere, those of one connection.
    pub fn watched(&self) -> impl Iterator<Item = (ServiceId, Stretch, u64)> {
        self.watched.iter().map(|((service, stretch), frames)| (*service, *stretch, *frames))
    }
}
