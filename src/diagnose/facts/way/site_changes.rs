//! Addresses whose way changes back and forth between two sites, by the TTL of answers.

use crate::correlate::{Connection, Leg};
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::facts::state::resets::link_at;
use crate::diagnose::thresholds::{
    SITE_CHANGES_APART_NS, SITE_CHANGES_MIN_CHANGES, SITE_CHANGES_MIN_RUN,
};
use crate::flow::{Mark, Reset, VantageId};
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// A connection that one site accepted and another reset.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Moved {
    pub id: ConnectionId,
    /// Place in [`Trace::legs`].
    pub leg: usize,
    /// TTL of the site that accepted, and of the one that reset.
    pub ttls: (u8, u8),
    pub reset: Mark,
}

/// A new connection, by the site that accepted it.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Opened {
    pub ttl: u8,
    pub mark: Mark,
    /// The last answer of that site.
    pub last: Mark,
}

/// A change of the way: between two new connections, with what it moved.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Change {
    /// The first new connection at the other site.
    pub to: Opened,
    /// How many connections it moved, and the first of them.
    pub moved: usize,
    pub one: Option<Moved>,
}

/// One address whose way changes back and forth.
#[derive(Debug)]
pub(in crate::diagnose) struct Flap {
    pub service: ServiceId,
    pub vantage: VantageId,
    /// The two sites by TTL, the first that was seen first.
    pub ttls: [u8; 2],
    pub changes: Vec<Change>,
    pub moved: Vec<Moved>,
}

pub(in crate::diagnose) fn flaps(facts: &Indexed<'_>) -> Vec<Flap> {
    // Mostly nobody was reset by another site, and that is soon told.
    let mut sets: BTreeMap<(ServiceId, VantageId, [u8; 2]), Vec<Moved>> = BTreeMap::new();
    let reset =
        |c: &Connection| c.protocol.is_tcp() && c.progress.no_socket && c.progress.established;
    for (id, _) in facts.requests().filter(|(_, c)| reset(c)) {
        if let Some(one) = judge(facts, id) {
            let (a, b) = one.ttls;
            let service = facts.service_of(id);
            let vantage = facts.legs(id)[one.leg].vantage;
            sets.entry((service, vantage, [a.min(b), a.max(b)])).or_default().push(one);
        }
    }
    sets.retain(|_, set| set.len() >= SITE_CHANGES_MIN_CHANGES);
    let mut found: Vec<Flap> = sets
        .into_iter()
        .filter_map(|((service, vantage, ttls), set)| flap(facts, service, vantage, ttls, set))
        .collect();
    // One a service: where it is seen best.
    found.sort_by_key(|f| (f.service, std::cmp::Reverse(f.moved.len()), f.vantage));
    found.dedup_by_key(|f| f.service);
    found
}

fn judge(trace: &Trace, id: ConnectionId) -> Option<Moved> {
    trace.legs(id).iter().enumerate().filter(|(_, leg)| leg.tuple == 0).find_map(|(i, leg)| {
        let back = trace.reply(leg);
        if back.reset != Reset::NoSocket || !back.accepted() || back.fin.is_set() {
            return None;
        }
        let accepted = opening(trace, leg)?;
        let (_, hop) = link_at(trace, leg, back, back.rst)?;
        let known = hop.known_ttl().is_some() && accepted.ttl != 0;
        let other = known && hop.ttl != accepted.ttl;
        other.then_some(Moved { id, leg: i, ttls: (accepted.ttl, hop.ttl), reset: back.rst })
    })
}

/// By which site a leg's connection was accepted.
fn opening(trace: &Trace, leg: &Leg) -> Option<Opened> {
    let back = trace.reply(leg);
    let (link, hop) = trace.path(leg, back).find(|(link, _)| link.syns > 0)?;
    back.accepted().then_some(Opened { ttl: hop.ttl, mark: back.syn, last: link.last })
}

fn flap(
    facts: &Indexed<'_>,
    service: ServiceId,
    vantage: VantageId,
    ttls: [u8; 2],
    moved: Vec<Moved>,
) -> Option<Flap> {
    let mut opened: Vec<Opened> = facts
        .requests_to(service)
        .filter_map(|(id, _)| {
            let mut legs = facts.legs(id).iter().filter(|l| l.tuple == 0 && l.vantage == vantage);
            legs.find_map(|leg| opening(facts, leg)).filter(|o| ttls.contains(&o.ttl))
        })
        .collect();
    opened.sort_by_key(|o| o.mark.frame());
    let runs: Vec<&[Opened]> = opened.chunk_by(|a, b| a.ttl == b.ttl).collect();
    // Where both are used at once, runs are short and old connections live on.
    let inner = runs.len().saturating_sub(2);
    if runs.len() <= SITE_CHANGES_MIN_CHANGES
        || runs.iter().skip(1).take(inner).any(|run| run.len() < SITE_CHANGES_MIN_RUN)
    {
        return None;
    }
    let mut changes = Vec::new();
    for (n, pair) in runs.windows(2).enumerate() {
        let (first, last) = (pair[1].first()?, pair[1].last()?);
        let until =
            runs.get(n + 2).and_then(|next| next.first()).map_or(u32::MAX, |o| o.mark.frame());
        let from = pair[0].last()?.mark.frame();
        let within = |mark: Mark| (from..until).contains(&mark.frame());
        let way = (pair[0][0].ttl, first.ttl);
        let mut those = moved.iter().filter(|m| m.ttls == way && within(m.reset));
        let lives_on = runs[..=n].iter().flat_map(|run| run.iter()).any(|o| {
            let later = first.mark.frame() < o.last.frame() && o.last.frame() < last.mark.frame();
            o.ttl == pair[0][0].ttl && later
        });
        if lives_on {
            return None;
        }
        let one = those.next().copied();
        changes.push(Change { to: *first, moved: usize::from(one.is_some()) + those.count(), one });
    }
    let near = |pair: &[Change]| {
        pair.iter().all(|c| c.moved > 0)
            && pair[1].to.mark.since(pair[0].to.mark) <= SITE_CHANGES_APART_NS
    };
    if !changes.windows(SITE_CHANGES_MIN_CHANGES).any(near) {
        return None;
    }
    let first = opened.first()?.ttl;
    let other = ttls.into_iter().find(|t| *t != first)?;
    Some(Flap { service, vantage, ttls: [first, other], changes, moved })
}

/// The connections that changes moved: who reset them is not to blame.
pub(in crate::diagnose) fn moved(flaps: &[Flap]) -> BTreeSet<ConnectionId> {
    flaps.iter().flat_map(|flap| &flap.moved).map(|one| one.id).collect()
}
