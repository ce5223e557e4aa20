//! Causes that rest on shares, of a trace that has all connections that failed or suffered and only some of
//! those that did well: there a server with many failures seems to get most, and a way with losses to lose
//! most. What such a cause would say, it does not.

use super::{Detection, FindingId};
use crate::trace::Trace;

/// Those causes.
const BY_SHARES: &[&str] =
    &["network-latency", "packet-loss", "scheduler-imbalance", "slow-real-server"];

/// What a look was worth.
pub(super) fn hide(trace: &Trace, id: FindingId, detection: Detection) -> Detection {
    if !trace.sampled || !id.is_of(BY_SHARES) {
        return detection;
    }
    Detection::unchecked(
        "it rests on shares, and of the connections that did well only some are looked at; the sums count all",
    )
}
