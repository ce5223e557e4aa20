//! Why a connection is rejected, or its real server is not on the wire.

use crate::diagnose::facts::address::missing_neighbours::Missing;
use crate::diagnose::facts::refusal::refusals::{Says, Signs};
use crate::diagnose::facts::state::stale_ports::Stale;
use crate::diagnose::facts::state::used_ports::Pinned;
use crate::diagnose::thresholds::{FIRST_TRY_NS, NO_COINCIDENCE};

/// The reason of an ICMP error that answers a SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyRejected {
    /// `ipvs-no-destination`: the service has no real server.
    NoDestination,
    /// `rs-admin-prohibited`: a rule on the real server.
    Firewall,
    /// `rs-unreachable`, `ipvs-reuse-to-dead-backend`: the director finds no neighbour.
    NoServer,
    /// `vip-unowned`: the last router finds no neighbour.
    NoOwner,
    /// Nothing tells.
    Untold,
}

impl Signs {
    /// The reason.
    pub fn why(&self) -> WhyRejected {
        let after = |least: i64| self.after_ns.is_some_and(|ns| ns >= least);
        match self.says {
            // Of the VIP itself only a router could say it, and not in its name.
            Says::Host if !self.in_vips_name => WhyRejected::NoOwner,
            Says::Host => WhyRejected::NoServer,
            // TCP itself refuses with a reset (RFC 1122, section 3.2.2.1), so a rule made it.
            _ if self.of_its_server || self.in_servers_name => WhyRejected::Firewall,
            Says::Port
                if after(0)
                    && !after(FIRST_TRY_NS)
                    && (self.in_vips_name || self.of_director)
                    && !self.of_any_server =>
            {
                WhyRejected::NoDestination
            }
            _ => WhyRejected::Untold,
        }
    }
}

/// Why a real server is not on the wire and gets connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyMissing {
    /// `rs-unreachable`: it is down, and still in the table.
    Down,
    /// `ipvs-reuse-to-dead-backend`: it was taken out, and entries of used ports lead there.
    UsedPorts,
}

impl Missing {
    /// The reason.
    pub fn why(&self) -> WhyMissing {
        why_missing(self.pinned.as_ref())
    }
}

fn why_missing(pinned: Option<&Pinned>) -> WhyMissing {
    match pinned {
        Some(pinned) if pinned.fresh >= NO_COINCIDENCE => WhyMissing::UsedPorts,
        _ => WhyMissing::Down,
    }
}

/// Why datagrams of a client port go to a server that answers no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum WhyStale {
    /// `udp-stale-entry`: the entry lives on, and its server does not.
    Entry,
    /// `backend-removed-silent-drop`: the director drops them itself, since the entry's
    /// server is no longer in its table.
    Removed,
    /// Too few new ports went elsewhere: the server may just be down.
    Untold,
}

impl Stale<'_> {
    /// The reason.
    pub fn why(&self) -> WhyStale {
        why_stale(self.fresh, self.withheld)
    }
}

fn why_stale(fresh: usize, withheld: bool) -> WhyStale {
    match withheld {
        _ if fresh < NO_COINCIDENCE => WhyStale::Untold,
        true => WhyStale::Removed,
        false => WhyStale::Entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ConnectionId;
    use crate::wire::Ip;

    fn said(says: Says) -> Signs {
        Signs {
            says,
            after_ns: Some(1_000_000),
            in_vips_name: false,
            in_servers_name: false,
            of_director: false,
            of_its_server: false,
            of_any_server: false,
        }
    }

    #[test]
    fn host_unreachable_is_the_directors_word_in_the_vips_name_and_else_a_routers() {
        let own = Signs { in_vips_name: true, ..said(Says::Host) };
        assert_eq!(own.why(), WhyRejected::NoServer);
        assert_eq!(Signs { in_vips_name: false, ..own }.why(), WhyRejected::NoOwner);
        let makers = Signs { of_its_server: true, of_director: true, ..own };
        assert_eq!(makers.why(), WhyRejected::NoServer);
    }

    #[test]
    fn a_real_servers_own_error_is_a_rules_whatever_it_says() {
        for says in [Says::Port, Says::Prohibited] {
            let own = Signs { of_its_server: true, of_any_server: true, ..said(says) };
            assert_eq!(own.why(), WhyRejected::Firewall);
            let named = Signs { in_servers_name: true, of_director: true, ..said(says) };
            assert_eq!(named.why(), WhyRejected::Firewall);
        }
    }

    #[test]
    fn port_unreachable_at_once_in_the_vips_name_is_an_empty_service() {
        let empty = Signs { in_vips_name: true, ..said(Says::Port) };
        assert_eq!(empty.why(), WhyRejected::NoDestination);
        let own = Signs { in_vips_name: false, of_director: true, ..empty };
        assert_eq!(own.why(), WhyRejected::NoDestination);
        assert_eq!(Signs { in_vips_name: false, ..empty }.why(), WhyRejected::Untold);
        // A rule of a real server that has the VIP may have made it.
        assert_eq!(Signs { of_any_server: true, ..empty }.why(), WhyRejected::Untold);
        assert_eq!(Signs { says: Says::Prohibited, ..empty }.why(), WhyRejected::Untold);
        let edge = |ns| Signs { after_ns: Some(ns), ..empty }.why();
        assert_eq!(edge(FIRST_TRY_NS - 1), WhyRejected::NoDestination);
        assert_eq!(edge(FIRST_TRY_NS), WhyRejected::Untold);
        assert_eq!(edge(-1), WhyRejected::Untold);
    }

    #[test]
    fn used_ports_are_blamed_where_enough_new_ones_went_elsewhere() {
        let server = Ip::from(std::net::IpAddr::from([192, 0, 2, 1]));
        let pinned = |fresh| Pinned { server, forerunner: ConnectionId(0), fresh };
        assert_eq!(why_missing(None), WhyMissing::Down);
        assert_eq!(why_missing(Some(&pinned(NO_COINCIDENCE - 1))), WhyMissing::Down);
        assert_eq!(why_missing(Some(&pinned(NO_COINCIDENCE))), WhyMissing::UsedPorts);
    }

    #[test]
    fn datagrams_that_the_director_keeps_are_of_a_removed_server() {
        assert_eq!(why_stale(NO_COINCIDENCE, false), WhyStale::Entry);
        assert_eq!(why_stale(NO_COINCIDENCE, true), WhyStale::Removed);
        assert_eq!(why_stale(NO_COINCIDENCE - 1, false), WhyStale::Untold);
        assert_eq!(why_stale(NO_COINCIDENCE - 1, true), WhyStale::Untold);
    }
}
