//! A server that accepted connections and refuses them from one moment on, or accepts others between.

use super::index::Indexed;
use crate::correlate::Outcome;
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;

/// An answer with which a real server of a service accepted a connection after the first that it refused
/// and before the last.
pub(in crate::diagnose) fn accepts_between(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Ip,
    refused: &[ConnectionId],
) -> Option<At> {
    let its = |id: &ConnectionId| facts.server(*id).and_then(|s| s.address) == Some(server);
    let times = || {
        let own = refused.iter().filter(|id| its(id));
        own.filter_map(|id| facts.start(*id)).map(|at| facts.time(at))
    };
    let (first, last) = (times().min()?, times().max()?);
    facts.requests_to(service).filter(|(id, _)| its(id)).find_map(|(id, c)| {
        let accepted = c.outcome != Outcome::Refused && c.progress.answered;
        let leg = facts.legs(id).iter().find(|leg| accepted && facts.reply(leg).accepted())?;
        let at = facts.at(leg, facts.reply(leg).syn);
        (facts.time(at) > first && facts.time(at) < last).then_some(at)
    })
}

/// When a real server of a service was last known to accept a connection, where that was before
/// all that it refused: its answer there.
pub(in crate::diagnose) fn accepted_before(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Ip,
    refused: &[ConnectionId],
) -> Option<At> {
    let its = |id: &ConnectionId| facts.server(*id).and_then(|s| s.address) == Some(server);
    let first = refused
        .iter()
        .filter(|id| its(id))
        .filter_map(|id| facts.start(*id))
        .min_by_key(|at| facts.time(*at))?;
    let mut last: Option<(At, crate::capture::Timestamp)> = None;
    for (id, c) in facts.requests_to(service).filter(|(id, _)| its(id)) {
        if c.outcome == Outcome::Refused || !c.progress.answered {
            continue;
        }
        let leg = facts.legs(id).iter().find(|leg| facts.reply(leg).accepted())?;
        let at = facts.at(leg, facts.reply(leg).syn);
        if facts.time(at) > facts.time(first) {
            return None;
        }
        if last.is_none_or(|(_, known)| facts.time(at) > known) {
            last = Some((at, facts.time(at)));
        }
    }
    last.map(|(at, _)| at)
}
