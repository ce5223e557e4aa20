//! Why a real server answers no SYN, drops some, or asks again for an ACK that it has.

use crate::diagnose::facts::silence::held_handshakes::{self, Holding};
use crate::diagnose::facts::silence::queues::{self, Dropping};
use crate::diagnose::facts::silence::silent_servers::{Signs, Silent};
use crate::diagnose::thresholds::{NO_COINCIDENCE, PAIR};
use crate::topology::Mode;

/// The reason of a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhySilent {
    /// `node-without-local-endpoint`: it says so itself.
    NoEndpoint,
    /// `rs-missing-vip`: the address is not there.
    NoVip,
    /// `windows-strong-host`: it looks so, and the host runs Windows.
    Windows,
    /// `rs-route-overlap`: it looks for its clients on a link of its own.
    RouteOverlap,
    /// `tunnel-not-decapsulated`: nothing opens the tunnel.
    ClosedTunnel,
    /// `dr-vip-foreign-subnet-return`: its router does not heed its question.
    ForeignRouter,
    /// `rp-filter-drop`: an answer would leave by another interface.
    ReverseFilter,
    /// `rs-silent`: nothing ranks one reason first.
    Untold,
}

impl Silent {
    /// The reason.
    pub fn why(&self) -> WhySilent {
        self.signs.why()
    }
}

impl Signs {
    fn why(&self) -> WhySilent {
        // What it says of itself on another port is surer than what is missing.
        if self.no_endpoint && !self.sent_on {
            return WhySilent::NoEndpoint;
        }
        // Nobody sends on what is addressed to him.
        if self.sent_on {
            return WhySilent::NoVip;
        }
        // Frames tell before what is missing does: a host that asks for somebody wants to
        // answer, so it has the VIP, and its filter let the SYN in.
        if self.asks_elsewhere() {
            return WhySilent::RouteOverlap;
        }
        if self.mode == Mode::Tun && self.delivered && self.closed_tunnel {
            return WhySilent::ClosedTunnel;
        }
        if self.waits_for_router() {
            return WhySilent::ForeignRouter;
        }
        if self.is_filtered() {
            return WhySilent::ReverseFilter;
        }
        match self.lacks_vip() {
            true if self.windows && self.mode == Mode::Dr && self.has_vip.is_none() => {
                WhySilent::Windows
            }
            true => WhySilent::NoVip,
            false => WhySilent::Untold,
        }
    }

    fn asks_elsewhere(&self) -> bool {
        let sees_client = matches!(self.mode, Mode::Nat | Mode::Dr | Mode::Tun);
        self.delivered && self.asks_for_clients && sees_client
    }

    fn waits_for_router(&self) -> bool {
        let answers_itself = matches!(self.mode, Mode::Dr | Mode::Tun);
        self.delivered && self.asks_for_router && answers_itself
    }

    /// Without a filter, or an address to filter for, it is another's.
    fn is_filtered(&self) -> bool {
        let has_vip = self.has_vip != Some(false);
        self.delivered
            && !self.filter_idle
            && match self.mode {
                Mode::Tun => has_vip && self.opened_tunnel,
                Mode::Dr => has_vip && self.peers_turn,
                // Translated packets are for the server's own address.
                Mode::Nat => self.peers_turn,
                _ => false,
            }
    }

    /// Every SYN for the VIP is lost on the host while its own address answers; what the
    /// host says of its addresses decides where it is known. In a tunnel the reverse path
    /// filter drops the inner packet just as silently.
    fn lacks_vip(&self) -> bool {
        self.delivered
            && match (self.mode, self.has_vip) {
                (Mode::Dr | Mode::Tun, Some(has)) => !has,
                (Mode::Dr, None) => self.own_answers,
                _ => false,
            }
    }
}

/// Why a server that serves a source drops some of its SYNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyDropped {
    /// `accept-queue-overflow`: the queue of its listener is full.
    Queue,
    /// `tw-recycle-nat-timestamps`, or what cannot be told from it.
    Timestamps,
    /// Too few, or nobody waits.
    Untold,
}

impl Dropping {
    /// The reason.
    pub fn why(&self) -> WhyDropped {
        self.signs.why()
    }
}

impl queues::Signs {
    fn why(&self) -> WhyDropped {
        if self.by_memory || self.went_back {
            WhyDropped::Timestamps
        } else if self.silent >= PAIR && self.always_waiting {
            WhyDropped::Queue
        } else {
            WhyDropped::Untold
        }
    }
}

/// Why a listener asks again for an ACK that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyHeld {
    /// `defer-accept-waits`: it waits for the client's first bytes.
    Deferred,
    /// Too few, or its queue is full: that holds back who speaks as well, and not always.
    Untold,
}

impl Holding {
    /// The reason.
    pub fn why(&self) -> WhyHeld {
        self.signs.why()
    }
}

impl held_handshakes::Signs {
    fn why(&self) -> WhyHeld {
        let always = self.let_in == 0 && self.in_vain == 0;
        if always && self.held >= NO_COINCIDENCE { WhyHeld::Deferred } else { WhyHeld::Untold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYNs arrive and nothing leaves, and nothing more is known.
    fn silent(mode: Mode) -> Signs {
        Signs {
            mode,
            delivered: true,
            one_way: false,
            sent_on: false,
            own_answers: false,
            windows: false,
            no_endpoint: false,
            asks_for_clients: false,
            asks_for_router: false,
            closed_tunnel: false,
            opened_tunnel: false,
            peers_turn: false,
            has_vip: None,
            filter_idle: false,
        }
    }

    const MODES: [Mode; 4] = [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat];

    #[test]
    fn a_bare_silence_has_no_reason() {
        for mode in MODES {
            assert_eq!(silent(mode).why(), WhySilent::Untold);
            let unseen = Signs { delivered: false, own_answers: true, ..silent(mode) };
            assert_eq!(unseen.why(), WhySilent::Untold);
        }
    }

    #[test]
    fn who_says_that_it_has_no_endpoint_is_believed_first() {
        let all = Signs {
            no_endpoint: true,
            own_answers: true,
            asks_for_clients: true,
            peers_turn: true,
            ..silent(Mode::Dr)
        };
        assert_eq!(all.why(), WhySilent::NoEndpoint);
        // Who sends packets on does not drop them.
        assert_eq!(Signs { sent_on: true, ..all }.why(), WhySilent::NoVip);
    }

    #[test]
    fn who_sends_packets_on_lacks_the_address_whatever_else_shows() {
        let all = Signs {
            sent_on: true,
            windows: true,
            asks_for_clients: true,
            asks_for_router: true,
            closed_tunnel: true,
            peers_turn: true,
            has_vip: Some(true),
            ..silent(Mode::Tun)
        };
        assert_eq!(all.why(), WhySilent::NoVip);
    }

    #[test]
    fn questions_for_clients_go_before_all_that_is_only_missing() {
        let asks = |mode| Signs { asks_for_clients: true, ..silent(mode) };
        for mode in [Mode::Nat, Mode::Dr, Mode::Tun] {
            let rivals = Signs {
                asks_for_router: true,
                closed_tunnel: true,
                opened_tunnel: true,
                peers_turn: true,
                own_answers: true,
                windows: true,
                ..asks(mode)
            };
            assert_eq!(rivals.why(), WhySilent::RouteOverlap);
        }
        // It knows no client there, so it cannot ask for one.
        assert_eq!(asks(Mode::FullNat).why(), WhySilent::Untold);
        let unseen = Signs { delivered: false, ..asks(Mode::Dr) };
        assert_eq!(unseen.why(), WhySilent::Untold);
    }

    #[test]
    fn a_tunnel_that_nobody_opens_is_no_filter_and_no_missing_address() {
        let closed = Signs { closed_tunnel: true, has_vip: Some(false), ..silent(Mode::Tun) };
        assert_eq!(closed.why(), WhySilent::ClosedTunnel);
        let both = Signs { opened_tunnel: true, asks_for_router: true, ..closed };
        assert_eq!(both.why(), WhySilent::ClosedTunnel);
        assert_eq!(Signs { mode: Mode::Dr, ..closed }.why(), WhySilent::NoVip);
    }

    #[test]
    fn a_question_for_the_router_goes_before_the_filter() {
        for mode in [Mode::Dr, Mode::Tun] {
            let asks = Signs {
                asks_for_router: true,
                opened_tunnel: true,
                peers_turn: true,
                own_answers: true,
                ..silent(mode)
            };
            assert_eq!(asks.why(), WhySilent::ForeignRouter);
        }
        let nat = Signs { asks_for_router: true, ..silent(Mode::Nat) };
        assert_eq!(nat.why(), WhySilent::Untold);
    }

    #[test]
    fn the_filter_goes_before_the_address_unless_the_host_says_otherwise() {
        let turned = Signs { peers_turn: true, own_answers: true, ..silent(Mode::Dr) };
        assert_eq!(turned.why(), WhySilent::ReverseFilter);
        assert_eq!(Signs { filter_idle: true, ..turned }.why(), WhySilent::NoVip);
        assert_eq!(Signs { has_vip: Some(false), ..turned }.why(), WhySilent::NoVip);
        assert_eq!(Signs { has_vip: Some(true), ..turned }.why(), WhySilent::ReverseFilter);
        let opened = Signs { opened_tunnel: true, ..silent(Mode::Tun) };
        assert_eq!(opened.why(), WhySilent::ReverseFilter);
        assert_eq!(Signs { has_vip: Some(false), ..opened }.why(), WhySilent::NoVip);
        // Translated packets are for an address that nobody asks after.
        let nat = Signs { peers_turn: true, has_vip: Some(false), ..silent(Mode::Nat) };
        assert_eq!(nat.why(), WhySilent::ReverseFilter);
    }

    #[test]
    fn windows_is_said_only_where_the_address_is_not_known_to_be_missing() {
        let windows = Signs { windows: true, own_answers: true, ..silent(Mode::Dr) };
        assert_eq!(windows.why(), WhySilent::Windows);
        assert_eq!(Signs { has_vip: Some(false), ..windows }.why(), WhySilent::NoVip);
        assert_eq!(Signs { has_vip: Some(true), ..windows }.why(), WhySilent::Untold);
        assert_eq!(Signs { mode: Mode::Nat, ..windows }.why(), WhySilent::Untold);
        assert_eq!(Signs { own_answers: false, ..windows }.why(), WhySilent::Untold);
    }

    #[test]
    fn dropped_syns_are_a_queues_unless_timestamps_tell() {
        let queue = queues::Signs {
            silent: PAIR,
            always_waiting: true,
            by_memory: false,
            went_back: false,
        };
        assert_eq!(queue.why(), WhyDropped::Queue);
        let few = queues::Signs { silent: PAIR - 1, ..queue };
        assert_eq!(few.why(), WhyDropped::Untold);
        assert_eq!(queues::Signs { always_waiting: false, ..queue }.why(), WhyDropped::Untold);
        assert_eq!(queues::Signs { by_memory: true, ..queue }.why(), WhyDropped::Timestamps);
        assert_eq!(queues::Signs { went_back: true, ..queue }.why(), WhyDropped::Timestamps);
    }

    #[test]
    fn a_listener_defers_only_if_it_holds_all_who_wait_and_none_who_speak() {
        let deferred = held_handshakes::Signs { held: NO_COINCIDENCE, let_in: 0, in_vain: 0 };
        assert_eq!(deferred.why(), WhyHeld::Deferred);
        let few = held_handshakes::Signs { held: NO_COINCIDENCE - 1, ..deferred };
        assert_eq!(few.why(), WhyHeld::Untold);
        // A full queue has room at times, and does not ask who spoke.
        assert_eq!(held_handshakes::Signs { let_in: 1, ..deferred }.why(), WhyHeld::Untold);
        assert_eq!(held_handshakes::Signs { in_vain: 1, ..deferred }.why(), WhyHeld::Untold);
    }
}
