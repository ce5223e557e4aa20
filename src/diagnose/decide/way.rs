//! Why an answer does not come back by the way that it should.

use crate::diagnose::facts::Around;
use crate::diagnose::facts::way::answers_out::Signs;
use crate::diagnose::facts::way::denied_answers::Denied;
use crate::diagnose::facts::way::held_answers::Held;

/// Why an answer goes around a director that translates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyAround {
    /// `nat-same-subnet-client`: the client is the real server's neighbour.
    Neighbour,
    /// `nat-return-bypasses-director`: the real server's gateway is another one.
    Gateway,
}

impl Around {
    /// The reason.
    pub(in crate::diagnose) fn why(&self) -> WhyAround {
        why_around(self.direct)
    }
}

impl Denied {
    /// The reason.
    pub fn why(&self) -> WhyAround {
        why_around(self.direct)
    }
}

fn why_around(direct: bool) -> WhyAround {
    if direct { WhyAround::Neighbour } else { WhyAround::Gateway }
}

/// Why a director keeps an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyHeld {
    /// `rp-filter-drop`: it came by another interface than the request left by.
    ReverseFilter,
    /// `nat-director-not-forwarding`: forwarding is off, or a rule drops it.
    NotForwarded,
}

impl Held<'_> {
    /// The reason.
    pub fn why(&self) -> WhyHeld {
        why_held(self.elsewhere)
    }
}

fn why_held(elsewhere: bool) -> WhyHeld {
    if elsewhere { WhyHeld::ReverseFilter } else { WhyHeld::NotForwarded }
}

/// Where an answer of DR or TUN is lost that left its real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyLost {
    /// `dr-vip-foreign-subnet-return`: at the router, or after it.
    Router,
    /// `fabric-anti-spoof`: before the next hop, whose own capture lacks it.
    Fabric,
    /// The same, where no router has a reason to drop it, and nobody captured there.
    LikelyFabric,
    /// Nothing tells, or it is not lost.
    Untold,
}

impl Signs {
    /// The reason.
    pub fn why(&self) -> WhyLost {
        if self.told {
            return WhyLost::Untold;
        }
        match self.comes {
            Some(false) if self.hears => WhyLost::Fabric,
            // A router whose own capture lacks the answers never got them.
            Some(false) => WhyLost::Untold,
            None if self.is_unheard() && self.at_home => WhyLost::LikelyFabric,
            _ if self.is_unheard() && !self.at_home && !self.goes_on => WhyLost::Router,
            _ => WhyLost::Untold,
        }
    }

    fn is_unheard(&self) -> bool {
        self.arrives == Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_answered_directly_others_by_a_gateway() {
        let around = |direct| Around { direct, next: None, at_client: false };
        assert_eq!(around(true).why(), WhyAround::Neighbour);
        assert_eq!(around(false).why(), WhyAround::Gateway);
    }

    #[test]
    fn a_denied_answer_goes_to_a_neighbour_or_to_a_gateway() {
        assert_eq!(why_around(true), WhyAround::Neighbour);
        assert_eq!(why_around(false), WhyAround::Gateway);
    }

    #[test]
    fn an_answer_by_another_interface_is_filtered() {
        assert_eq!(why_held(true), WhyHeld::ReverseFilter);
        assert_eq!(why_held(false), WhyHeld::NotForwarded);
    }

    const UNHEARD: Signs = Signs {
        arrives: Some(false),
        told: false,
        comes: None,
        hears: false,
        at_home: false,
        goes_on: false,
    };

    #[test]
    fn an_answer_that_the_client_lacks_is_the_routers_where_nothing_speaks_against_it() {
        assert_eq!(UNHEARD.why(), WhyLost::Router);
        assert_eq!(Signs { comes: Some(true), ..UNHEARD }.why(), WhyLost::Router);
        assert_eq!(Signs { goes_on: true, ..UNHEARD }.why(), WhyLost::Untold);
        assert_eq!(Signs { told: true, ..UNHEARD }.why(), WhyLost::Untold);
        assert_eq!(Signs { arrives: None, ..UNHEARD }.why(), WhyLost::Untold);
        assert_eq!(Signs { arrives: Some(true), ..UNHEARD }.why(), WhyLost::Untold);
    }

    #[test]
    fn a_next_hop_that_hears_the_server_and_not_its_answer_leaves_the_fabric() {
        let lacks = Signs { comes: Some(false), hears: true, ..UNHEARD };
        assert_eq!(lacks.why(), WhyLost::Fabric);
        assert_eq!(Signs { arrives: None, ..lacks }.why(), WhyLost::Fabric);
        assert_eq!(Signs { at_home: true, ..lacks }.why(), WhyLost::Fabric);
        assert_eq!(Signs { hears: false, ..lacks }.why(), WhyLost::Untold);
        assert_eq!(Signs { told: true, ..lacks }.why(), WhyLost::Untold);
    }

    #[test]
    fn where_the_vip_is_at_home_no_router_has_a_reason() {
        let home = Signs { at_home: true, ..UNHEARD };
        assert_eq!(home.why(), WhyLost::LikelyFabric);
        assert_eq!(Signs { comes: Some(true), ..home }.why(), WhyLost::Untold);
    }
}
