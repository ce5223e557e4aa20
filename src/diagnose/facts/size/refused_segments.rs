//! Segments that a director refuses as too large for its tunnel, and that come again.

use crate::correlate::Leg;
use crate::diagnose::facts::way::passages::Passage;
use crate::diagnose::thresholds::REPEATS;
use crate::flow::{IcmpErrorKind, Link, Mark};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};

/// Network and TCP headers without options, bytes: IPv4, IPv6.
pub(in crate::diagnose) const HEADERS: [u32; 2] = [40, 60];

/// Segments of a connection that a director refused.
pub(in crate::diagnose) struct Refused {
    pub id: ConnectionId,
    /// MTU that the director told, bytes.
    pub mtu: u32,
    /// Maximum segment size that the real server asked for; 0 where not seen.
    pub mss: u32,
    /// First message of the director, by its own capture.
    pub told: At,
    /// The last time that the same bytes came again.
    pub again: At,
    /// The client's own capture shows a message arrive; `None` without one.
    pub heard: Option<bool>,
}

/// What a director refused of a connection.
pub(in crate::diagnose) fn refused(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
    passage: &Passage<'_>,
) -> Option<Refused> {
    let left = passage.left?;
    let c = trace.connection(id);
    let came = trace.legs(id).get(passage.came.leg)?;
    let sent = trace.legs(id).get(left.leg)?;
    // What the capture itself did not see come in proves nothing.
    if trace.vantage(came).has_hole(passage.came.link) {
        return None;
    }
    let holes = trace.vantage(sent).has_hole(left.link);
    if !holes && passage.missing(trace, id) == 0 {
        return None;
    }
    let (told, mtu) = trace.errors_of(id).find_map(|(vantage, error)| {
        let IcmpErrorKind::TooBig { mtu } = error.kind else { return None };
        let seen = &trace.vantages[vantage.index()];
        let by_host = trace.host_of_vantage(vantage) == Some(host)
            && seen.own.sent(&seen.hops[error.hop.index()]) == Some(true);
        let to_client = error.dst == c.front.client.0 && error.quote.src == c.front.client.0;
        (by_host && to_client && mtu > 0).then_some((At { vantage, mark: error.mark }, mtu))
    })?;
    let again = trace.at(came, last_repeat(trace, came, passage.came.link));
    let in_vain = passage.came.link.retransmissions >= REPEATS
        && again.mark.is_set()
        && trace.time(told) < trace.time(again);
    let mss = trace.legs(id).iter().map(|leg| trace.reply(leg).shape.mss).max().unwrap_or(0);
    let mss = u32::from(mss);
    // Segments that fit and were merged by the director's own network card are
    // not too large.
    let fits = mss > 0 && mss + HEADERS[usize::from(!c.front.server.0.is_v4())] <= mtu;
    (in_vain && !fits).then(|| Refused { id, mtu, mss, told, again, heard: heard(trace, id) })
}

/// Whether the director's message reaches the client, by the client's own capture.
fn heard(trace: &Trace, id: ConnectionId) -> Option<bool> {
    let leg = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg))?;
    let too_big = |kind| matches!(kind, IcmpErrorKind::TooBig { .. });
    Some(trace.errors_of(id).any(|(vantage, error)| vantage == leg.vantage && too_big(error.kind)))
}

/// The last frame with which the client repeated bytes on a link, as far as repeats were kept.
fn last_repeat(trace: &Trace, leg: &Leg, link: &Link) -> Mark {
    let vantage = trace.vantage(leg);
    let here = |index: u32| vantage.links.get(index as usize).map(|l| (l.hop, l.first));
    let repeats = vantage.repeats_of(trace.forward(leg));
    let last = repeats.into_iter().rfind(|r| here(r.link) == Some((link.hop, link.first)));
    last.map_or_else(|| vantage.first_repeat(link), |r| r.mark)
}
