//! Why an answer is late, or a sender has to wait.

use crate::diagnose::facts::state::paired_questions;
use crate::diagnose::thresholds::{
    DELAY_OWN_PART, DNS_CONNTRACK_RACE_5S_CHANCE, DNS_CONNTRACK_RACE_5S_OTHER_ONE_IN,
    DNS_CONNTRACK_RACE_5S_TIMER_NS, NO_COINCIDENCE, PAIR,
};

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

/// Why one of two DNS questions that leave together is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyAskedAgain {
    /// `dns-conntrack-race-5s`: their entries collide, as the director's capture shows.
    Race,
    /// The same, by chance and by a timer that is always the same.
    LikelyRace,
    /// The same, of too few to tell it from chance, in a cluster, where it is usual.
    PossibleRace,
    /// `packet-loss`, a server that is deaf to one kind, or too few.
    Untold,
}

impl paired_questions::Signs {
    /// The reason.
    pub fn why(&self) -> WhyAskedAgain {
        // What a question alone meets too is no race.
        let otherwise = self.other * DNS_CONNTRACK_RACE_5S_OTHER_ONE_IN > self.lost;
        let alike = self.spread_ns <= DNS_CONNTRACK_RACE_5S_TIMER_NS;
        if self.cluster && alike && self.lost >= PAIR && self.other == 0 && self.elsewhere == 0 {
            return self.of_several().unwrap_or(WhyAskedAgain::PossibleRace);
        }
        if otherwise || self.elsewhere > 0 {
            return WhyAskedAgain::Untold;
        }
        self.of_several().unwrap_or(WhyAskedAgain::Untold)
    }

    /// The reason, where there are enough of them to tell it.
    fn of_several(&self) -> Option<WhyAskedAgain> {
        if self.lost < NO_COINCIDENCE {
            return None;
        }
        // What comes in and does not go out is no loss of the network.
        if self.shown >= NO_COINCIDENCE && self.alone >= self.lost {
            return Some(WhyAskedAgain::Race);
        }
        let alike = self.chance <= DNS_CONNTRACK_RACE_5S_CHANCE
            && self.spread_ns <= DNS_CONNTRACK_RACE_5S_TIMER_NS;
        alike.then_some(WhyAskedAgain::LikelyRace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pairs at a director, of which one question each did not go out.
    const RACE: paired_questions::Signs = paired_questions::Signs {
        lost: NO_COINCIDENCE,
        shown: NO_COINCIDENCE,
        elsewhere: 0,
        alone: NO_COINCIDENCE,
        other: 0,
        chance: 1.0,
        spread_ns: i64::MAX,
        cluster: false,
    };

    #[test]
    fn two_alike_in_a_cluster_may_be_a_race() {
        use paired_questions::Signs;
        let two = Signs {
            lost: PAIR,
            shown: 0,
            spread_ns: DNS_CONNTRACK_RACE_5S_TIMER_NS,
            cluster: true,
            ..RACE
        };
        assert_eq!(two.why(), WhyAskedAgain::PossibleRace);
        assert_eq!(Signs { lost: PAIR - 1, ..two }.why(), WhyAskedAgain::Untold);
        assert_eq!(Signs { cluster: false, ..two }.why(), WhyAskedAgain::Untold);
        assert_eq!(Signs { other: 1, ..two }.why(), WhyAskedAgain::Untold);
        assert_eq!(Signs { elsewhere: 1, ..two }.why(), WhyAskedAgain::Untold);
        assert_eq!(Signs { spread_ns: i64::MAX, ..two }.why(), WhyAskedAgain::Untold);
        let many = Signs { lost: NO_COINCIDENCE, chance: DNS_CONNTRACK_RACE_5S_CHANCE, ..two };
        assert_eq!(many.why(), WhyAskedAgain::LikelyRace);
    }

    #[test]
    fn what_the_director_takes_in_and_keeps_is_a_race() {
        use paired_questions::Signs;
        assert_eq!(RACE.why(), WhyAskedAgain::Race);
        let few = NO_COINCIDENCE - 1;
        assert_eq!(Signs { lost: few, ..RACE }.why(), WhyAskedAgain::Untold);
        assert_eq!(Signs { shown: few, ..RACE }.why(), WhyAskedAgain::Untold);
        assert_eq!(Signs { alone: few, ..RACE }.why(), WhyAskedAgain::Untold);
        assert_eq!(Signs { elsewhere: 1, ..RACE }.why(), WhyAskedAgain::Untold);
    }

    #[test]
    fn questions_that_are_lost_alone_are_no_race() {
        let of = |lost, other| paired_questions::Signs { lost, other, alone: lost, ..RACE };
        let most = DNS_CONNTRACK_RACE_5S_OTHER_ONE_IN;
        assert_eq!(of(most, 1).why(), WhyAskedAgain::Race);
        assert_eq!(of(most - 1, 1).why(), WhyAskedAgain::Untold);
    }

    #[test]
    fn at_the_client_chance_and_timer_must_both_tell() {
        use paired_questions::Signs;
        let client = Signs {
            shown: 0,
            chance: DNS_CONNTRACK_RACE_5S_CHANCE,
            spread_ns: DNS_CONNTRACK_RACE_5S_TIMER_NS,
            ..RACE
        };
        assert_eq!(client.why(), WhyAskedAgain::LikelyRace);
        let more = DNS_CONNTRACK_RACE_5S_CHANCE + 0.001;
        assert_eq!(Signs { chance: more, ..client }.why(), WhyAskedAgain::Untold);
        let late = DNS_CONNTRACK_RACE_5S_TIMER_NS + 1;
        assert_eq!(Signs { spread_ns: late, ..client }.why(), WhyAskedAgain::Untold);
    }

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
