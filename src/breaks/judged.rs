//! What a look at one part of a connection says, and what all looks share.

use super::{Break, Fate};
use crate::trace::{ConnectionId, Trace};

/// A capture that ends sooner than this after a packet may have missed its answer, or its
/// repeat: the initial retransmission time-out (RFC 6298, section 2), nanoseconds.
pub(super) const TAIL_NS: i64 = 1_000_000_000;

/// QUIC over the port of HTTPS (RFC 9114, section 3.1): a client's Initial is answered or sent
/// again (RFC 9002, section 6.2).
pub(super) const QUIC: u16 = 443;

/// What a look at one part of a connection says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Judged {
    /// Nothing is amiss.
    Well,
    /// It does not show.
    Untold,
    /// It failed or suffered.
    Harm(Fate, Break),
}

/// Whether every vantage that saw a connection ends within the tail after its last frame.
pub(super) fn at_the_end(trace: &Trace, id: ConnectionId) -> bool {
    ends_within(trace, id, TAIL_NS)
}

/// Whether every vantage that saw a connection ends within so many nanoseconds after its last frame.
pub(super) fn ends_within(trace: &Trace, id: ConnectionId, ns: i64) -> bool {
    trace.legs(id).iter().all(|leg| {
        let last = leg.of(&trace.vantages).last();
        trace.vantage(leg).end.0.saturating_sub(last.at().0) < ns
    })
}
