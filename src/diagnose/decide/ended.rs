//! Why SYNs end at a host that passes packets on: dropped by a rule, sent on with an address that
//! only it knows, or sent on untranslated.

use crate::breaks::Manner;
use crate::diagnose::facts::silence::ended_ways::{Ended, Signs};
use crate::diagnose::thresholds::PAIR;
use crate::topology::Mode;

/// The reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyEnded {
    /// `forward-rule-drop`: it keeps those of some clients, and of no others.
    Rule,
    /// `masquerade-missing`: nobody knows the way back to whom they come from.
    NotMasqueraded,
    /// `untranslated-by-old-entry`: an entry of its table is older than the rule.
    OldEntry,
    /// Nothing tells.
    Untold,
}

impl Ended<'_> {
    /// The reason.
    pub fn why(&self) -> WhyEnded {
        self.signs.why()
    }
}

impl Signs {
    fn why(&self) -> WhyEnded {
        let several = self.connections >= PAIR;
        if self.manner == Manner::Swallowed {
            // Loss and a full table hit every client now and then.
            let rule = several && self.each_often && self.by_client && self.others >= PAIR;
            return if rule { WhyEnded::Rule } else { WhyEnded::Untold };
        }
        if !self.left || !matches!(self.manner, Manner::UnseenBeyond | Manner::LostBetween) {
            return WhyEnded::Untold;
        }
        match self.mode {
            // What the next host was seen not to get is no question of the way back.
            Mode::Unknown if self.manner == Manner::UnseenBeyond => {
                let foreign = several && self.by_client && self.unchanged && !self.calls;
                if foreign && self.own_call { WhyEnded::NotMasqueraded } else { WhyEnded::Untold }
            }
            Mode::Nat | Mode::FullNat if self.director && self.untranslated && self.translates => {
                WhyEnded::OldEntry
            }
            _ => WhyEnded::Untold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two connections that end at a host, of clients that never get through, and nothing more
    /// is known.
    const ENDED: Signs = Signs {
        manner: Manner::Swallowed,
        left: false,
        mode: Mode::Nat,
        connections: PAIR,
        by_client: true,
        each_often: true,
        others: PAIR,
        unchanged: false,
        untranslated: false,
        translates: false,
        director: true,
        calls: false,
        own_call: false,
    };

    #[test]
    fn a_rule_drops_all_of_some_clients_and_nothing_of_others() {
        assert_eq!(ENDED.why(), WhyEnded::Rule);
        assert_eq!(Signs { mode: Mode::Unknown, ..ENDED }.why(), WhyEnded::Rule);
        for other in [
            Signs { connections: PAIR - 1, ..ENDED },
            Signs { each_often: false, ..ENDED },
            Signs { by_client: false, ..ENDED },
            Signs { others: PAIR - 1, ..ENDED },
        ] {
            assert_eq!(other.why(), WhyEnded::Untold, "{other:?}");
        }
        // What it sent on it did not drop.
        let left = Signs { left: true, manner: Manner::UnseenBeyond, ..ENDED };
        assert_eq!(left.why(), WhyEnded::Untold);
    }

    #[test]
    fn what_leaves_as_it_came_and_is_not_answered_is_not_masqueraded() {
        let sent = Signs {
            manner: Manner::UnseenBeyond,
            left: true,
            mode: Mode::Unknown,
            unchanged: true,
            untranslated: true,
            own_call: true,
            director: false,
            ..ENDED
        };
        assert_eq!(sent.why(), WhyEnded::NotMasqueraded);
        for other in [
            // The server answers nobody, or these callers now and then.
            Signs { own_call: false, ..sent },
            Signs { by_client: false, ..sent },
            Signs { connections: PAIR - 1, ..sent },
            // It has the host's address already.
            Signs { unchanged: false, ..sent },
            // The host is the caller.
            Signs { calls: true, ..sent },
            // The next host did not get them.
            Signs { manner: Manner::LostBetween, ..sent },
            Signs { left: false, ..sent },
        ] {
            assert_eq!(other.why(), WhyEnded::Untold, "{other:?}");
        }
        // Kept there, it is a rule's, however its others leave.
        assert_eq!(Signs { manner: Manner::Swallowed, ..sent }.why(), WhyEnded::Rule);
    }

    #[test]
    fn what_leaves_untranslated_where_others_are_translated_has_an_old_entry() {
        let sent = Signs {
            manner: Manner::UnseenBeyond,
            left: true,
            untranslated: true,
            unchanged: true,
            translates: true,
            connections: 1,
            by_client: false,
            ..ENDED
        };
        assert_eq!(sent.why(), WhyEnded::OldEntry);
        assert_eq!(Signs { manner: Manner::LostBetween, ..sent }.why(), WhyEnded::OldEntry);
        assert_eq!(Signs { mode: Mode::FullNat, ..sent }.why(), WhyEnded::OldEntry);
        for other in [
            Signs { translates: false, ..sent },
            Signs { untranslated: false, ..sent },
            Signs { director: false, ..sent },
            Signs { mode: Mode::Dr, ..sent },
            Signs { left: false, ..sent },
            Signs { manner: Manner::Rejected, ..sent },
        ] {
            assert_eq!(other.why(), WhyEnded::Untold, "{other:?}");
        }
        // With masquerading in question, too, the mode decides: a service that is translated
        // knows its own ways.
        let both = Signs { connections: PAIR, by_client: true, own_call: true, ..sent };
        assert_eq!(both.why(), WhyEnded::OldEntry);
    }
}
