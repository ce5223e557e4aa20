//! Open connections that another host than their server reset, several at one moment, while
//! others that were open then went on: seen where neither server nor balancer was captured.

use crate::correlate::Leg;
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::thresholds::{MOVED_AT_ONCE_NS, PAIR};
use crate::flow::{Mark, Reset};
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId};

/// One connection that was reset from elsewhere.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Reseated {
    pub id: ConnectionId,
    /// The segment and the reset.
    pub shown: [At; 2],
    /// TTL of the reset, and of all that the server sent before.
    pub ttls: (u8, u8),
}

/// Those of one service at one vantage.
#[derive(Debug, Clone)]
pub(in crate::diagnose) struct Moved {
    pub service: ServiceId,
    pub cut: Vec<Reseated>,
    /// Connections that were open then and went on.
    pub went_on: Vec<ConnectionId>,
    pub signs: Signs,
}

/// What tells why they were reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    /// How many were reset.
    pub cut: usize,
    /// From the first reset to the last, nanoseconds.
    pub spread_ns: i64,
    /// Others that were open before and went on after.
    pub went_on: usize,
    /// How many of those that were reset had been silent for half a minute.
    pub idle: usize,
}

/// The TTL of the reset in a server's name, where it has another than all that the server sent
/// before on its connection, and that one's.
pub(in crate::diagnose) fn foreign_reset(facts: &Indexed<'_>, leg: &Leg) -> Option<(u8, u8)> {
    let back = facts.reply(leg);
    let (mut reset, mut before) = (None, None);
    for (link, hop) in facts.path(leg, back) {
        let alone = link.first.frame() == back.rst.frame() && link.last.frame() == back.rst.frame();
        *(if alone { &mut reset } else { &mut before }) = hop.known_ttl();
    }
    reset.zip(before).filter(|(reset, before)| reset != before)
}

/// All services where several were.
pub(in crate::diagnose) fn all(facts: &Indexed<'_>) -> Vec<Moved> {
    let mut found = Vec::new();
    for (at, s) in facts.topology.services.iter().enumerate() {
        // Where a balancer or a server was told, whose reset it is is told by its hardware address.
        if s.is_backend
            || !s.directors.is_empty()
            || s.real_servers.iter().any(|r| r.host.is_some())
        {
            continue;
        }
        let service = ServiceId(at as u32);
        let mut cut: Vec<(Reseated, Leg)> = facts
            .requests_to(service)
            .filter(|(_, c)| c.progress.no_socket && c.progress.established && c.progress.response)
            .filter_map(|(id, _)| reseated(facts, id))
            .collect();
        if cut.len() < PAIR {
            continue;
        }
        cut.sort_by_key(|(one, _)| (one.shown[1].vantage, one.shown[1].mark.frame()));
        let vantage = cut[0].1.vantage;
        cut.retain(|(_, leg)| leg.vantage == vantage);
        let (first, last) = (cut[0].0.shown[1].mark, cut[cut.len() - 1].0.shown[1].mark);
        let goes_on = |id: ConnectionId| {
            facts.legs(id).iter().any(|leg| {
                let (there, back) = (facts.forward(leg), facts.reply(leg));
                let open = there.ack.is_set() && there.ack.frame() < first.frame();
                let on = back.last.frame() > last.frame() && there.last.frame() > last.frame();
                leg.vantage == vantage && open && on && !back.rst.is_set() && !there.rst.is_set()
            })
        };
        let went_on: Vec<ConnectionId> =
            facts.requests_to(service).map(|(id, _)| id).filter(|id| goes_on(*id)).collect();
        let was_idle = |leg: &Leg| facts.vantage(leg).side_tables.idle(leg.stream).is_some();
        let idle = cut.iter().filter(|(_, leg)| was_idle(leg)).count();
        let signs =
            Signs { cut: cut.len(), spread_ns: last.since(first), went_on: went_on.len(), idle };
        let cut = cut.into_iter().map(|(one, _)| one).collect();
        found.push(Moved { service, cut, went_on, signs });
    }
    found
}

fn reseated(facts: &Indexed<'_>, id: ConnectionId) -> Option<(Reseated, Leg)> {
    facts.legs(id).iter().find_map(|leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let closed = [there.fin, back.fin, there.rst].into_iter().any(Mark::is_set);
        if back.reset != Reset::NoSocket || closed || !back.rst_answers.is_set() {
            return None;
        }
        let ttls = foreign_reset(facts, leg)?;
        let at = |mark| At { vantage: leg.vantage, mark };
        let shown = [at(back.rst_answers), at(back.rst)];
        Some((Reseated { id, shown, ttls }, *leg))
    })
}

impl Signs {
    /// Whether they were reset at one moment.
    pub fn at_once(&self) -> bool {
        self.cut >= PAIR && self.spread_ns <= MOVED_AT_ONCE_NS
    }
}
