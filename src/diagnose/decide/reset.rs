//! Why a host resets a connection in mid-stream: whose state is gone.

use crate::diagnose::facts::state::resets::{Forgotten, Keeper, Signs};
use crate::diagnose::facts::{state::expired, way::moved_connections};
use crate::diagnose::thresholds::{EXPIRED_LONG_NS, EXPIRED_SEVERAL, PAIR, RESET_LONG_NS};

/// The reason of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyReset {
    /// `bgp-anycast-flap`: the way to the address changed to another site.
    OtherSite,
    /// `synproxy-side-effects`: the director answered the SYN itself.
    SynProxy,
    /// `syn-retry-rescheduled`: another real server had accepted as well.
    TwoServers,
    /// `rs-lost-socket`: the real server had accepted it and knows it no more.
    LostSocket,
    /// `ecmp-rehash-wrong-server`: it is another real server's.
    OtherServer,
    /// `director-no-entry-rst`: the director has no entry.
    NoEntry,
    /// `lb-idle-timeout`: the entry expired.
    IdleTimeout,
    /// Nothing tells.
    Untold,
}

impl Forgotten {
    /// The reason.
    pub fn why(&self) -> WhyReset {
        self.signs.why()
    }
}

impl Signs {
    fn why(&self) -> WhyReset {
        // Who resets what was never his to know has lost nothing.
        if self.two_servers {
            return WhyReset::TwoServers;
        }
        if self.other_site {
            return WhyReset::OtherSite;
        }
        if self.spoilt {
            return WhyReset::SynProxy;
        }
        match self.keeper {
            // A director that kept the last segment did not let the server see it.
            Keeper::RealServer
                if self.known != Some(false) && !self.astray && self.sent_on != Some(false) =>
            {
                WhyReset::LostSocket
            }
            Keeper::Stranger if self.served_elsewhere => WhyReset::OtherServer,
            // What it sent on, it had an entry for.
            Keeper::Director if self.sent_on == Some(true) => WhyReset::Untold,
            Keeper::Director
                if !self.moved && self.idle_ns.is_some_and(|ns| ns >= RESET_LONG_NS) =>
            {
                WhyReset::IdleTimeout
            }
            Keeper::Director => WhyReset::NoEntry,
            Keeper::RealServer | Keeper::Stranger => WhyReset::Untold,
        }
    }
}

impl WhyReset {
    /// Whether the reset says whose state is gone: then no timeout that only the ends show
    /// is to blame.
    pub fn is_of_an_end(self) -> bool {
        !matches!(self, Self::OtherSite | Self::SynProxy | Self::TwoServers)
    }
}

/// Why connections died after silences, where no capture shows what lies between the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyDied {
    /// `lb-idle-timeout`: something between them forgot who was silent.
    Forgotten,
    /// One outlived a longer silence, or nothing contrasts.
    Untold,
}

impl expired::ExpiredSet {
    /// The reason.
    pub fn why(&self) -> WhyDied {
        why_died(self.least_ns(), self.outlived_ns, self.expired.len(), self.cut_between())
    }
}

/// By the shortest silence that killed and the longest that one outlived, nanoseconds, how
/// many died, and whether neither end reset one of them.
fn why_died(least_ns: i64, outlived_ns: i64, died: usize, between: bool) -> WhyDied {
    let contrast = died >= EXPIRED_SEVERAL && outlived_ns > 0;
    let alone = between && least_ns >= EXPIRED_LONG_NS;
    let longest_lived = outlived_ns < least_ns;
    if longest_lived && (contrast || alone) { WhyDied::Forgotten } else { WhyDied::Untold }
}

/// Why several open connections were reset by another host than their server, where no capture
/// shows what lies behind the balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyMoved {
    /// `ecmp-rehash-wrong-server`: some of those open at the time, and not all.
    OtherServer,
    /// `director-no-entry-rst`, `lb-idle-timeout`, or somebody who cuts what he dislikes.
    Untold,
}

impl moved_connections::Signs {
    /// The reason.
    pub fn why(&self) -> WhyMoved {
        let some = self.at_once() && self.went_on >= PAIR;
        if some && self.idle == 0 { WhyMoved::OtherServer } else { WhyMoved::Untold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_that_are_cut_at_once_while_others_go_on_were_moved() {
        use crate::diagnose::thresholds::MOVED_AT_ONCE_NS;
        use moved_connections::Signs;
        let moved = Signs { cut: PAIR, spread_ns: MOVED_AT_ONCE_NS, went_on: PAIR, idle: 0 };
        assert_eq!(moved.why(), WhyMoved::OtherServer);
        for other in [
            Signs { cut: PAIR - 1, ..moved },
            Signs { spread_ns: MOVED_AT_ONCE_NS + 1, ..moved },
            Signs { went_on: PAIR - 1, ..moved },
            Signs { idle: 1, ..moved },
        ] {
            assert_eq!(other.why(), WhyMoved::Untold, "{other:?}");
        }
    }

    #[test]
    fn who_never_had_it_says_nothing_of_a_timeout() {
        for why in [WhyReset::OtherSite, WhyReset::SynProxy, WhyReset::TwoServers] {
            assert!(!why.is_of_an_end());
        }
        for why in [WhyReset::LostSocket, WhyReset::OtherServer, WhyReset::NoEntry] {
            assert!(why.is_of_an_end());
        }
        assert!(WhyReset::IdleTimeout.is_of_an_end() && WhyReset::Untold.is_of_an_end());
    }

    #[test]
    fn silences_kill_where_several_contrast_with_one_that_lived() {
        let (several, least) = (EXPIRED_SEVERAL, 10_000_000_000);
        assert_eq!(why_died(least, least - 1, several, false), WhyDied::Forgotten);
        // One that was silent for as long lives on: no timer does that.
        assert_eq!(why_died(least, least, several, false), WhyDied::Untold);
        assert_eq!(why_died(least, least, several, true), WhyDied::Untold);
        assert_eq!(why_died(least, least - 1, several - 1, false), WhyDied::Untold);
        assert_eq!(why_died(least, 0, several, false), WhyDied::Untold);
    }

    #[test]
    fn after_minutes_a_reset_that_neither_end_sent_needs_no_contrast() {
        assert_eq!(why_died(EXPIRED_LONG_NS, 0, 1, true), WhyDied::Forgotten);
        assert_eq!(why_died(EXPIRED_LONG_NS - 1, 0, 1, true), WhyDied::Untold);
        assert_eq!(why_died(EXPIRED_LONG_NS, 0, 1, false), WhyDied::Untold);
    }

    fn reset(keeper: Keeper) -> Signs {
        Signs {
            keeper,
            other_site: false,
            spoilt: false,
            two_servers: false,
            astray: false,
            known: Some(true),
            sent_on: None,
            served_elsewhere: keeper == Keeper::Stranger,
            moved: false,
            idle_ns: None,
        }
    }

    const KEEPERS: [Keeper; 3] = [Keeper::RealServer, Keeper::Director, Keeper::Stranger];

    #[test]
    fn each_keeper_has_a_reason_of_its_own() {
        assert_eq!(reset(Keeper::RealServer).why(), WhyReset::LostSocket);
        assert_eq!(reset(Keeper::Director).why(), WhyReset::NoEntry);
        assert_eq!(reset(Keeper::Stranger).why(), WhyReset::OtherServer);
    }

    #[test]
    fn who_never_had_it_lost_nothing_whoever_it_is() {
        for keeper in KEEPERS {
            let own = reset(keeper);
            assert_eq!(Signs { other_site: true, ..own }.why(), WhyReset::OtherSite);
            assert_eq!(Signs { spoilt: true, ..own }.why(), WhyReset::SynProxy);
            assert_eq!(Signs { two_servers: true, ..own }.why(), WhyReset::TwoServers);
            let all = Signs { other_site: true, spoilt: true, two_servers: true, ..own };
            assert_eq!(all.why(), WhyReset::TwoServers);
            assert_eq!(Signs { two_servers: false, ..all }.why(), WhyReset::OtherSite);
        }
    }

    #[test]
    fn a_real_server_lost_only_what_reached_it_and_it_had() {
        let own = reset(Keeper::RealServer);
        assert_eq!(Signs { known: None, ..own }.why(), WhyReset::LostSocket);
        assert_eq!(Signs { known: Some(false), ..own }.why(), WhyReset::Untold);
        assert_eq!(Signs { astray: true, ..own }.why(), WhyReset::Untold);
        assert_eq!(Signs { sent_on: Some(false), ..own }.why(), WhyReset::Untold);
        assert_eq!(Signs { sent_on: Some(true), ..own }.why(), WhyReset::LostSocket);
    }

    #[test]
    fn another_server_must_be_seen_to_have_it() {
        let own = reset(Keeper::Stranger);
        assert_eq!(Signs { served_elsewhere: false, ..own }.why(), WhyReset::Untold);
    }

    #[test]
    fn a_director_that_sent_it_on_had_an_entry() {
        let own = reset(Keeper::Director);
        assert_eq!(Signs { sent_on: Some(true), ..own }.why(), WhyReset::Untold);
        assert_eq!(Signs { sent_on: Some(false), ..own }.why(), WhyReset::NoEntry);
    }

    #[test]
    fn an_entry_expires_after_five_seconds_of_silence_and_not_before() {
        let own = Signs { sent_on: Some(false), ..reset(Keeper::Director) };
        let idle = |ns| Signs { idle_ns: Some(ns), ..own };
        assert_eq!(idle(RESET_LONG_NS - 1).why(), WhyReset::NoEntry);
        assert_eq!(idle(RESET_LONG_NS).why(), WhyReset::IdleTimeout);
        // Another director's entry did not expire here.
        assert_eq!(Signs { moved: true, ..idle(RESET_LONG_NS) }.why(), WhyReset::NoEntry);
    }
}
