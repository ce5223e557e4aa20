//! Why packets are lost on the way: by chance, for their size, or for what they are.

use crate::diagnose::thresholds::{SIZE_MIN_OVERLAY_SEGMENT, SIZE_TUNNEL_MISSING};
use crate::topology::Mode;

/// Whether a repeated segment of so many bytes may be kept for its size.
pub(in crate::diagnose) fn is_large_for_overlay(size: u32) -> bool {
    size > SIZE_MIN_OVERLAY_SEGMENT
}

/// Why a director keeps bytes of a connection that it forwarded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyWithheld {
    /// `backend-removed-silent-drop`: the entry's server is gone.
    Removed,
    /// `tun-mtu-blackhole` and the like: they may be too large for the tunnel.
    TooLarge,
    /// `rs-unreachable`: it asks for the real server, and nobody answers.
    Unreachable,
}

/// By how a service is forwarded, whether in an overlay, the bytes that came in and never went
/// out, and whether the director asks for the real server meanwhile: it would ask for nobody who
/// is not in its table.
pub(in crate::diagnose) fn why_withheld(
    mode: Mode,
    overlay: bool,
    missing: u32,
    sought: bool,
) -> WhyWithheld {
    let in_tunnel = mode == Mode::Tun && missing > SIZE_TUNNEL_MISSING;
    if in_tunnel || overlay && is_large_for_overlay(missing) {
        WhyWithheld::TooLarge
    } else if sought {
        WhyWithheld::Unreachable
    } else {
        WhyWithheld::Removed
    }
}

/// Why packets of a connection are lost between two captured hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyLost {
    /// `stateful-device-half-path`: a firewall on the way saw one direction alone.
    HalfPath,
    /// `toa-not-inserted`: a director made them longer than the way takes.
    TooLong,
    /// `packet-loss`: the link.
    Link,
}

/// By what else is known of the connection.
pub(in crate::diagnose) fn why_lost(half_path: bool, too_long: bool) -> WhyLost {
    match (half_path, too_long) {
        (true, _) => WhyLost::HalfPath,
        (false, true) => WhyLost::TooLong,
        (false, false) => WhyLost::Link,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tunnel_is_too_small_and_only_for_large_packets() {
        let most = SIZE_TUNNEL_MISSING;
        assert_eq!(why_withheld(Mode::Tun, false, most, false), WhyWithheld::Removed);
        assert_eq!(why_withheld(Mode::Tun, false, most + 1, false), WhyWithheld::TooLarge);
        for mode in [Mode::Nat, Mode::Dr, Mode::FullNat] {
            assert_eq!(why_withheld(mode, false, u32::MAX, false), WhyWithheld::Removed);
            assert_eq!(why_withheld(mode, false, 1, true), WhyWithheld::Unreachable);
        }
    }

    #[test]
    fn a_small_segment_fits_into_every_overlay() {
        let most = SIZE_MIN_OVERLAY_SEGMENT;
        assert!(!is_large_for_overlay(most) && is_large_for_overlay(most + 1));
        assert_eq!(why_withheld(Mode::Nat, true, most, false), WhyWithheld::Removed);
        assert_eq!(why_withheld(Mode::Nat, true, most + 1, true), WhyWithheld::TooLarge);
    }

    #[test]
    fn a_link_is_blamed_for_what_nobody_else_dropped() {
        assert_eq!(why_lost(false, false), WhyLost::Link);
        assert_eq!(why_lost(true, false), WhyLost::HalfPath);
        assert_eq!(why_lost(false, true), WhyLost::TooLong);
        assert_eq!(why_lost(true, true), WhyLost::HalfPath);
    }
}
