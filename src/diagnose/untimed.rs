//! What is told by how long something took, where the captures have no times for it.

use super::{Checked, FindingId};
use crate::trace::Coarse;

/// Detectors that go by waits.
const BY_WAITS: &[&str] = &[
    "accept-queue-overflow",
    "defer-accept-waits",
    "dns-conntrack-race-5s",
    "ipvs-conn-reuse-1s",
    "l7-backend-timeout",
    "l7-request-held",
    "lb-idle-timeout",
    "network-latency",
    "packet-loss",
    "retransmission",
    "slow-answer",
    "slow-connect",
    "slow-real-server",
    "syn-retry-rescheduled",
    "zero-window",
];

/// Why no wait can be judged.
pub(super) fn why(coarse: Coarse) -> &'static str {
    match coarse {
        Coarse::One => "all frames bear one time, so how long anything took cannot be judged",
        Coarse::Seconds => {
            "all times are whole seconds, so how long anything took cannot be judged"
        }
    }
}

/// What a look was worth where it goes by waits.
pub(super) fn hide(coarse: Option<Coarse>, id: FindingId, checked: Checked) -> Checked {
    match coarse {
        Some(coarse) if checked == Checked::Clean && id.is_of(BY_WAITS) => {
            Checked::Unchecked(why(coarse).to_owned())
        }
        _ => checked,
    }
}

#[cfg(test)]
mod tests {
    use super::BY_WAITS;

    #[test]
    fn every_entry_is_a_detector() {
        crate::diagnose::registry::assert_listed(BY_WAITS.iter().copied());
    }
}
