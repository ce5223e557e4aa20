//! Connections on which one side acknowledges, beyond a gap, bytes that the other never sent, where that costs
//! something: what was lost is sent again only when a timer ends.

use crate::breaks::Fate;
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::flow::StrangeSacks;
use crate::trace::ConnectionId;

/// Segments that say so before they are believed. Judgement: one may be garbled.
const SEGMENTS: u32 = 2;

/// One of them, at the vantage that shows it.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Untranslated<'a> {
    pub id: ConnectionId,
    pub leg: &'a Leg,
    /// What the client acknowledges, else what the server does.
    pub by_client: bool,
    pub sacks: &'a StrangeSacks,
}

/// Those of clients' connections that failed, or whose bytes were sent again.
pub(in crate::diagnose) fn all<'a>(facts: &'a Facts<'_>) -> Vec<Untranslated<'a>> {
    if facts.vantages.iter().all(|v| !v.side_tables.has_strange_sacks()) {
        return Vec::new();
    }
    let harmed = facts.requests().filter(|(id, c)| {
        c.protocol.is_tcp() && (c.progress.repeats || facts.breaks.fate(*id).is_harm())
    });
    harmed.filter_map(|(id, _)| of(facts, id)).collect()
}

fn of<'a>(facts: &'a Facts<'_>, id: ConnectionId) -> Option<Untranslated<'a>> {
    facts.legs(id).iter().find_map(|leg| {
        [true, false].into_iter().find_map(|by_client| {
            let side = if by_client { leg.client } else { leg.client.other() };
            let sacks = facts.vantage(leg).side_tables.strange_sacks(leg.stream, side)?;
            (sacks.count >= SEGMENTS).then_some(Untranslated { id, leg, by_client, sacks })
        })
    })
}

/// How many of them failed.
pub(in crate::diagnose) fn failed(facts: &Facts, ids: &[ConnectionId]) -> usize {
    ids.iter().filter(|id| facts.breaks.fate(**id) == Fate::Failed).count()
}
