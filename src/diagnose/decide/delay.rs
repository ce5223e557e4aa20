//! Why an answer is late, or a sender has to wait.

use crate::diagnose::thresholds::DELAY_OWN_PART;

/// Why a server's SYN-ACKs come late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyFar {
    /// `network-latency`: the way takes it.
    Network,
    /// The server takes it, or nothing tells.
    Server,
}

/// By medians, nanoseconds: of the time from SYN to SYN-ACK before the server (`before`)
/// and at it (`at_server`, where it was captured), and of the time from request to answer
/// before it (`reply`). A server that is busy is late with both; one that answers a request
/// within little more than a handshake takes is not.
pub(in crate::diagnose) fn why_far(
    before: u64,
    at_server: Option<u64>,
    reply: Option<u64>,
) -> WhyFar {
    let own = at_server.or_else(|| reply?.checked_sub(before));
    match own {
        Some(own) if own.saturating_mul(DELAY_OWN_PART) <= before => WhyFar::Network,
        _ => WhyFar::Server,
    }
}

/// Why a window stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyShut {
    /// `zero-window`: a program does not read.
    Unread,
    /// `synproxy-side-effects`: a director does not let the client send.
    SynProxy,
}

/// By whether a SYN proxy spoilt the connection.
pub(in crate::diagnose) fn why_shut(spoilt: bool) -> WhyShut {
    if spoilt { WhyShut::SynProxy } else { WhyShut::Unread }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_blamed_where_the_server_needs_a_quarter_at_most() {
        assert_eq!(why_far(400, Some(100), None), WhyFar::Network);
        assert_eq!(why_far(399, Some(100), None), WhyFar::Server);
        assert_eq!(why_far(400, None, None), WhyFar::Server);
        assert_eq!(why_far(u64::MAX - 1, Some(u64::MAX), None), WhyFar::Server);
    }

    #[test]
    fn without_the_servers_capture_its_answers_tell_how_busy_it_is() {
        assert_eq!(why_far(400, None, Some(500)), WhyFar::Network);
        assert_eq!(why_far(400, None, Some(501)), WhyFar::Server);
        // Quicker than its handshake: whatever was late was not the way.
        assert_eq!(why_far(400, None, Some(2)), WhyFar::Server);
        // What the server itself shows goes before that.
        assert_eq!(why_far(400, Some(300), Some(400)), WhyFar::Server);
    }

    #[test]
    fn a_window_that_never_was_open_is_no_programs() {
        assert_eq!(why_shut(true), WhyShut::SynProxy);
        assert_eq!(why_shut(false), WhyShut::Unread);
    }
}
