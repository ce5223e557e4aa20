//! The way of one connection: who it was sent to, where its answers show, and how they
//! left it.

use crate::correlate::{Connection, Leg};
use crate::diagnose::facts::way::interfaces::is_elsewhere;
use crate::diagnose::finding::Proof;
use crate::flow::{Flow, Hop, Mark, Reset};
use crate::topology::{HostId, Mode};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;

/// Connections that are asked what holds for all.
const FIRST: usize = 1 << 12;

impl Trace {
    /// Whether the real server that a connection was sent to is its own client.
    #[must_use]
    pub fn is_self_access(&self, connection: &Connection) -> bool {
        connection
            .back
            .is_some_and(|back| back.is_self() && back.client.0 == connection.front.client.0)
    }

    /// Whether a caller's own packets were sent back to it as they were: a director that
    /// rewrites no address chose the caller for its own call.
    #[must_use]
    pub fn is_sent_back(&self, id: ConnectionId) -> bool {
        let caller = self.host_by_ip(self.connection(id).front.client.0);
        let forward = &self.route(id).forward;
        caller.is_some()
            && forward.iter().enumerate().any(|(i, left)| {
                left.from == caller
                    && left.to != caller
                    && forward[i + 1..].iter().any(|came| {
                        came.tuple == left.tuple
                            && !came.loopback
                            && came.arrived
                            && came.to == caller
                            && came.from.is_some()
                            && (left.to.is_none() || came.from == left.to)
                    })
            })
    }

    /// Whether a connection's destination was rewritten and its client kept.
    #[must_use]
    pub fn is_translated(&self, connection: &Connection) -> bool {
        connection.back.is_some_and(|back| {
            back.server != connection.front.server && back.client == connection.front.client
        })
    }

    /// Whether a connection is to a balanced service, or to one of its real
    /// servers, or whether no service is known to be balanced.
    #[must_use]
    pub fn concerns(&self, id: ConnectionId) -> bool {
        let service = self.service(id);
        service.mode != Mode::Unknown || service.is_backend || !self.topology.balanced
    }

    /// The legs of a connection that carry its real server's five-tuple.
    pub fn back_legs(&self, id: ConnectionId) -> impl Iterator<Item = &Leg> {
        let last = self.connection(id).tuples.saturating_sub(1);
        self.legs(id).iter().filter(move |leg| leg.tuple == last)
    }

    /// Whether clients themselves were captured, by the first of the connections.
    #[must_use]
    pub fn shows_clients(&self) -> bool {
        self.iter()
            .take(FIRST)
            .any(|(id, _)| self.legs(id).iter().any(|leg| self.is_client_side(id, leg)))
    }

    /// A moment of a leg.
    #[must_use]
    pub fn at(&self, leg: &Leg, mark: Mark) -> At {
        At { vantage: leg.vantage, mark }
    }

    /// The SYN as it reached a host, and the refusal in another name that left it: nobody on the way translated.
    #[must_use]
    pub(in crate::diagnose) fn refused_by_another(&self, id: ConnectionId) -> Option<(&Leg, &Leg)> {
        let legs = self.legs(id);
        crate::topology::refused_by_another(self.connection(id), legs, &self.vantages)
    }

    /// How the answer of a translated connection went around its director, if
    /// it did: the step that did not lead there.
    #[must_use]
    pub(super) fn looks_around(&self, id: ConnectionId) -> Option<Around> {
        let connection = self.connection(id);
        if !self.is_translated(connection) || self.is_self_access(connection) {
            return None;
        }
        // One segment that came untranslated is another matter, and so is a refusal in another name by the very
        // host that was called.
        if self.stray(id).is_some() || self.refused_by_another(id).is_some() {
            return None;
        }
        let last = connection.tuples - 1;
        let client = self.host_by_ip(connection.front.client.0);
        let service = self.service(id);
        let next = self.route(id).back.iter().find(|step| {
            step.tuple == last
                && !step.loopback
                && step.from.is_some()
                && step.from == self.server(id).and_then(|s| s.host)
                // A capture of incoming frames alone may be the director's as well as anybody's.
                && step.to.is_some_and(|to| {
                    !service.is_director(to) && !self.topology.hosts.is_nameless(to)
                })
        });
        let left_to = next.and_then(|step| step.to);
        // Untranslated, it reached the client: nothing is surer.
        for leg in self.back_legs(id) {
            let at_client = self.host_of(leg).is_some_and(|host| {
                Some(host) == client
                    || self
                        .legs(id)
                        .iter()
                        .any(|l| self.is_client_side(id, l) && l.vantage == leg.vantage)
            });
            if !at_client {
                continue;
            }
            let (there, reply) = (self.forward(leg), self.reply(leg));
            if reply.seen() && !there.opened() {
                let hop = self.vantage(leg).first_hop(reply);
                let from = self.host_by_mac(hop.and_then(|h| h.link.src));
                let server = self.host_by_ip(connection.back?.server.0);
                let direct = from.is_some() && from == server;
                return Some(Around { direct, next: left_to.or(from), at_client: true });
            }
        }
        if let Some(direct) = self.reset_untranslated(id) {
            return Some(Around { direct, next: None, at_client: true });
        }
        // Where frames have no MACs: untranslated at a place that has the client's own SYN, and
        // not the one to the real server.
        if self.is_untranslated_in_text(id) {
            return Some(Around { direct: false, next: None, at_client: false });
        }
        let next = next?;
        // With the director unknown no way can be said to lead around it; nor does one that
        // comes to it in the end, through an overlay or a router.
        let reaches = |step: &crate::topology::Step| {
            step.tuple == last && step.to.is_some_and(|to| service.is_director(to))
        };
        if service.directors.is_empty() || self.route(id).back.iter().any(reaches) {
            return None;
        }
        Some(Around { direct: next.to == client, next: next.to, at_client: false })
    }

    /// Whether the client resets the SYN-ACK in the real server's own name, which it never
    /// called: at the place that translates the SYN, no answer comes in the service's name, and
    /// the reset goes past it too. If so, whether the two are neighbours on one link.
    #[must_use]
    pub fn reset_untranslated(&self, id: ConnectionId) -> Option<bool> {
        self.back_legs(id).find_map(|leg| {
            let (there, back) = (self.forward(leg), self.reply(leg));
            let denied = there.opened() && back.accepted() && there.reset == Reset::NoSocket;
            if !denied || back.ack.is_set() || there.data.is_set() {
                return None;
            }
            let mut legs = self.legs(id).iter();
            let front = legs.find(|l| l.vantage == leg.vantage && l.tuple == 0)?;
            let asked = self.forward(front);
            let unheard = asked.opened() && !self.reply(front).seen() && !asked.rst.is_set();
            if !unheard {
                return None;
            }
            let link = |flow| self.vantage(leg).first_hop(flow).map(|hop| hop.link);
            let (called, passed, answered) = (link(asked)?, link(there)?, link(back)?);
            let straight = answered.dst.is_some()
                && answered.dst == called.src
                && answered.src.is_some()
                && answered.src == passed.dst;
            Some(straight)
        })
    }

    /// Whether the host that translated the SYN gets the answer and sends it on by another
    /// interface as it came, untranslated: it passes that host, and is not routed past it.
    #[must_use]
    pub fn passed_on_untranslated(&self, id: ConnectionId) -> bool {
        self.back_legs(id).any(|leg| {
            let own = &self.vantage(leg).own;
            let turned = self.legs(id).iter().any(|front| {
                front.vantage == leg.vantage
                    && front.tuple == 0
                    && self.forward(front).opened()
                    && !self.reply(front).seen()
                    && self
                        .path(front, self.forward(front))
                        .any(|(_, hop)| own.arrived(hop) == Some(true))
            });
            let seen = self.vantage(leg);
            let answers = |which: fn(&crate::flow::Own, &Hop) -> Option<bool>| {
                let mut path = self.path(leg, self.reply(leg));
                path.any(|(link, hop)| link.syns > 0 && which(own, hop) == Some(true))
            };
            let goes_on = answers(crate::flow::Own::arrived) && answers(crate::flow::Own::sent);
            turned && goes_on && is_elsewhere(seen, self.reply(leg), self.reply(leg)) == Some(true)
        })
    }

    /// Whether a text without hardware addresses shows the client's SYN to one address and the
    /// answer to it from another, not translated.
    fn is_untranslated_in_text(&self, id: ConnectionId) -> bool {
        self.back_legs(id).any(|leg| {
            let (reply, there) = (self.reply(leg), self.forward(leg));
            let without =
                self.vantage(leg).first_hop(reply).is_some_and(|hop| hop.link.src.is_none());
            let asked = |l: &Leg| {
                l.vantage == leg.vantage
                    && l.tuple == 0
                    && self.forward(l).opened()
                    && !self.reply(l).seen()
            };
            without && reply.accepted() && !there.opened() && self.legs(id).iter().any(asked)
        })
    }

    /// The leg at the client, else at the director that sent it, of an answer that was not
    /// translated, on a connection whose answers the director otherwise translates.
    #[must_use]
    pub fn stray(&self, id: ConnectionId) -> Option<&Leg> {
        let connection = self.connection(id);
        if !self.is_translated(connection) || self.is_self_access(connection) {
            return None;
        }
        // A capture may have begun late, or show one direction.
        let served = |leg: &Leg| {
            let back = self.reply(leg);
            leg.tuple == 0 && (back.accepted() || back.ack.is_set())
        };
        let front = |leg: &Leg| {
            let here = leg.vantage;
            self.legs(id).iter().filter(move |l| l.vantage == here && l.tuple == 0)
        };
        // Who a leg was captured on is told without its flows, which lie far apart in memory.
        let at_client = |leg: &&Leg| {
            if !front(leg).any(|l| self.is_client_side(id, l)) {
                return false;
            }
            let (there, back) = (self.forward(leg), self.reply(leg));
            back.seen() && !back.accepted() && !there.opened() && front(leg).any(served)
        };
        let by_director = |leg: &&Leg| {
            let (own, hops) = (&self.vantage(leg).own, &self.vantage(leg).hops);
            let left = |hop: &Hop| own.sent(hop) == Some(true) && !hop.link.is_loopback();
            let way = self.connections.ways.get(leg.back);
            self.host_of(leg).is_some_and(|h| self.service(id).is_director(h))
                && way.is_none_or(|way| way.hops().any(|hop| left(&hops[hop.index()])))
                && self.path(leg, self.reply(leg)).any(|(link, hop)| left(hop) && link.syns == 0)
                && front(leg).any(served)
        };
        self.back_legs(id).find(at_client).or_else(|| self.back_legs(id).find(by_director))
    }

    /// Whether a step's frames arrived at a host, seen by that host itself.
    #[must_use]
    pub fn delivered(&self, id: ConnectionId, host: HostId) -> bool {
        let vantages = &self.topology.hosts.get(host).vantages;
        vantages.iter().any(|v| self.vantages[v.index()].shows.both_ways)
            && self.route(id).forward.iter().any(|step| step.to == Some(host) && step.arrived)
    }

    /// A vantage of a connection that must see its answers: the client's, or a
    /// director's that translates.
    #[must_use]
    pub fn answer_vantage(&self, id: ConnectionId) -> Option<&Leg> {
        let legs = self.legs(id);
        let legs = || legs.iter().filter(|leg| self.vantage(leg).shows.both_ways);
        if let Some(leg) = legs().find(|leg| self.is_client_side(id, leg)) {
            return Some(leg);
        }
        let service = self.service(id);
        let translating = matches!(service.mode, Mode::Nat | Mode::FullNat);
        let at_director = |leg: &&Leg| {
            translating
                && leg.tuple == 0
                && self.host_of(leg).is_some_and(|h| service.is_director(h))
        };
        if let Some(leg) = legs().find(at_director) {
            return Some(leg);
        }
        // A host that takes a packet in and sends it nowhere must answer it; a
        // client that was answered elsewhere does not ask again.
        let keeps = |leg: &&Leg| {
            let (own, there) = (&self.vantage(leg).own, self.forward(leg));
            let came = self.path(leg, there).any(|(_, hop)| own.arrived(hop) == Some(true));
            let left = self.path(leg, there).any(|(_, hop)| own.sent(hop) != Some(false));
            came && !left && there.syns > 1
        };
        if self.connection(id).back.is_none()
            && service.mode == Mode::Unknown
            && let Some(leg) = legs().find(keeps)
        {
            return Some(leg);
        }
        // The real server's own capture shows what it answers.
        legs().find(|leg| {
            let vantage = self.vantage(leg);
            let there = self.forward(leg);
            vantage.path(there).any(|(_, hop)| vantage.own.arrived(hop) == Some(true))
                && self.host_of(leg).is_some_and(|host| {
                    !service.is_director(host)
                        && self.server(id).is_some_and(|s| s.host == Some(host))
                })
        })
    }

    /// A proof at a mark of a leg, if the moment came.
    #[must_use]
    pub fn proof(&self, leg: &Leg, mark: Mark, note: impl Into<String>) -> Option<Proof> {
        mark.get().map(|mark| Proof::at(self.at(leg, mark), note.into()))
    }

    /// A proof at the first frame of a hop of a flow that satisfies a test.
    #[must_use]
    pub fn proof_on(
        &self,
        leg: &Leg,
        flow: &Flow,
        test: impl Fn(&Hop) -> bool,
        note: impl Into<String>,
    ) -> Option<Proof> {
        let (link, _) = self.path(leg, flow).find(|(_, hop)| test(hop))?;
        self.proof(leg, link.first, note)
    }
}

/// Puts frames of one story in the order of time, as far as the clocks of their captures
/// tell it.
pub fn in_time(trace: &Trace, proofs: &mut [Proof]) {
    let earlier = |a: &Proof, b: &Proof| {
        let (at, other) = (
            trace.vantages[a.at.vantage.index()].capture,
            trace.vantages[b.at.vantage.index()].capture,
        );
        let (time, than) = (trace.time(a.at), trace.time(b.at));
        let error = if at == other { Some(0) } else { trace.timeline.uncertainty(at, other, time) };
        error.is_some_and(|error| time.0.saturating_add(error) < than.0)
    };
    for n in 1..proofs.len() {
        let mut at = n;
        while at > 0 && earlier(&proofs[at], &proofs[at - 1]) {
            proofs.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// How an answer went around the director.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// Straight to the client on their common link.
    pub direct: bool,
    /// To whom the real server sent it, or from whom the client got it.
    pub next: Option<HostId>,
    /// The client received it untranslated.
    pub at_client: bool,
}

/// The connection of a set that tells most: seen at most vantages, the first of
/// those.
#[must_use]
pub fn telling(trace: &Trace, ids: &[ConnectionId]) -> Option<ConnectionId> {
    ids.iter().copied().max_by_key(|id| (trace.legs(*id).len(), std::cmp::Reverse(id.0)))
}

/// Values in order, each once.
#[must_use]
pub fn each_once<T: Ord>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    std::collections::BTreeSet::from_iter(all).into_iter().collect()
}

/// Bits of prefix that two addresses share; 0 for two families.
#[must_use]
pub fn shared_bits(a: Ip, b: Ip) -> u32 {
    use std::net::IpAddr::{V4, V6};
    match (a.addr(), b.addr()) {
        (V4(a), V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
        (V6(a), V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
        _ => 0,
    }
}
