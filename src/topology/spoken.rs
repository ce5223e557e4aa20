//! What one side of a connection said at one vantage, and whose addresses that shows.

use super::hosts::{HostId, MAX_HOSTS, begins, is_origin};
use super::survey::Survey;
use super::untold::Untold;
use crate::correlate::{Connection, Leg};
use crate::flow::{Flow, Hop, Observations, VantageId};
use crate::wire::{Direction, Ip};

/// Openers of one MAC that are held against each other.
const MAX_OPENERS: usize = 64;

/// What one side of a connection said at one vantage.
pub(super) struct Spoken<'a> {
    pub(super) vantage: &'a Observations,
    pub(super) hop: &'a Hop,
    /// What the other side said there.
    pub(super) asked: &'a Flow,
    pub(super) ip: Ip,
    pub(super) peer: Ip,
    /// Passed on by a director in its client's name.
    pub(super) in_the_name: bool,
    /// It opened the connection.
    pub(super) opens: bool,
}

impl Spoken<'_> {
    /// It left the captured host; `answers` where it is of the side that was called.
    pub(super) fn left(
        &self,
        survey: &mut Survey,
        untold: &mut Untold,
        (at, host): (VantageId, HostId),
        answers: Option<(&Connection, &Leg)>,
    ) {
        let Self { vantage, hop, ip, .. } = *self;
        let blank = hop.known_ttl().is_none();
        // A translator answers in the service's name; and without a direction it may be a router's.
        let translated = answers.is_some_and(|(c, leg)| leg.tuple == 0 && c.tuples > 1);
        if blank && !translated {
            if hop.link.direction == Direction::Out {
                untold.leaves(at, host, ip);
            } else {
                untold.sends(host, ip, self.opens);
            }
        }
        if !(blank && !translated || begins(hop, vantage)) {
            return;
        }
        if !blank {
            survey.owns(host, ip);
        }
        let asked = vantage.first_hop(self.asked);
        let from = asked.filter(|h| vantage.own.arrived(h) == Some(true));
        // What nobody rewrote may be a VIP.
        if answers.is_some_and(|(connection, _)| ip == connection.front.server.0)
            && let (Some(to), Some(from)) = (hop.link.dst, from.and_then(|h| h.link.src))
            && to != from
        {
            survey.apart.insert((host, ip));
        }
    }

    /// It came from another host.
    pub(super) fn came(&self, survey: &mut Survey, untold: &mut Untold, from: HostId) {
        let sender = survey.senders.entry(from).or_default();
        if self.hop.known_ttl().is_none() && !self.in_the_name {
            untold.sends(from, self.ip, self.opens);
        } else if !is_origin(self.hop) {
            sender.relays = true;
        } else if !self.in_the_name && sender.originates.len() < MAX_HOSTS {
            sender.originates.insert(self.ip);
            if self.opens {
                sender.opens.insert(self.ip);
                let opener = (self.ip, self.peer);
                if sender.openers.len() < MAX_OPENERS && !sender.openers.contains(&opener) {
                    sender.openers.push(opener);
                }
            }
        }
    }
}
