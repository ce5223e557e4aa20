//! Connections that a proxy tried for a client's.

use crate::correlate::Outcome;
use crate::trace::{ConnectionId, Trace};

/// The connections that the proxy tried for a client's and that were refused.
pub(in crate::diagnose) fn refused(
    trace: &Trace,
    id: ConnectionId,
) -> impl Iterator<Item = ConnectionId> {
    let tried = trace.pairs.attempts.get(&id.0).map_or(&[][..], Vec::as_slice);
    tried
        .iter()
        .map(|back| ConnectionId(*back))
        .filter(|back| trace.connection(*back).outcome == Outcome::Refused)
}
