//! Connections that a proxy tried for a client's.

use crate::breaks::tls_refused;
use crate::correlate::Outcome;
use crate::trace::{ConnectionId, Trace};

/// The connections that the proxy tried for a client's and that were refused.
pub(in crate::diagnose) fn refused(
    trace: &Trace,
    id: ConnectionId,
) -> impl Iterator<Item = ConnectionId> {
    tried(trace, id).filter(|back| trace.connection(*back).outcome == Outcome::Refused)
}

/// Those that nothing answered, or that an ICMP error did. What a transparent proxy asks in its client's name is
/// answered to the client, be it past the proxy.
pub(in crate::diagnose) fn unanswered(
    trace: &Trace,
    id: ConnectionId,
) -> impl Iterator<Item = ConnectionId> {
    tried(trace, id).filter(|back| {
        trace.connection(*back).outcome == Outcome::Unanswered
            && !trace.pairs.tried.contains(&back.0)
    })
}

/// Those whose TLS handshake failed.
pub(in crate::diagnose) fn turned_down(
    trace: &Trace,
    id: ConnectionId,
) -> impl Iterator<Item = ConnectionId> {
    tried(trace, id).filter(|back| tls_refused(trace, *back).is_some())
}

fn tried(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = ConnectionId> {
    let tried = trace.pairs.attempts.get(&id.0).map_or(&[][..], Vec::as_slice);
    tried.iter().map(|back| ConnectionId(*back))
}
