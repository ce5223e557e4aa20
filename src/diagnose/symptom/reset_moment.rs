//! Connections that are reset out of a silence, with all that was said acknowledged: nothing was on its way, and nobody
//! is told that he has no such connection.

use super::broken::seconds;
use super::connections;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::{Facts, Sighting};
use crate::trace::ConnectionId;

/// Silence before a reset that answers nothing, at least, nanoseconds. Judgement: a kernel answers what it has no
/// socket for at once, and what is on its way arrives sooner.
const SILENT_NS: i64 = 1_000_000_000;
/// Resets of one event come within this, nanoseconds, as [`crate::breaks::cut_at_once`] has it; silences that differ by
/// twice as much are of no timer.
const MOMENT_NS: i64 = 500_000_000;

/// The moment, and how long it had been silent, nanoseconds.
pub(in crate::diagnose) type Cut = (i64, i64);

/// What is so of all of several: reset at one moment.
pub(super) fn told(facts: &Facts, sightings: &[Sighting]) -> Option<String> {
    let all: Option<Vec<Cut>> = connections(sightings).map(|id| cut(facts, id)).collect();
    let all = all.filter(|all| all.len() >= NO_COINCIDENCE)?;
    let span = |of: fn(&Cut) -> i64| {
        let least = all.iter().map(of).min().unwrap_or_default();
        (least, all.iter().map(of).max().unwrap_or_default())
    };
    let (first, last) = span(|cut| cut.0);
    let (least, most) = span(|cut| cut.1);
    let at_once = last - first <= MOMENT_NS && most - least >= 2 * MOMENT_NS;
    at_once.then(|| {
        format!(
            "stood with all that was said acknowledged and were reset within half a second of each other, after {} to {} of silence: no timer of theirs, but what held them ended or let them go, as a proxy or a server that is restarted, or a balancer whose server fails its checks. Whether an answer was still to come does not show.",
            seconds(least),
            seconds(most)
        )
    })
}

/// When a connection was reset in its server's name out of a silence, with all that was said acknowledged.
pub(in crate::diagnose) fn cut(facts: &Facts, id: ConnectionId) -> Option<Cut> {
    facts.legs(id).iter().find_map(|leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let silent = back.rst.get()?.since(back.rst_answers.get()?);
        let whole = back.max_ack == there.end_seq
            && there.max_ack == back.end_seq
            && !there.fin.is_set()
            && !back.fin.is_set()
            && !there.rst.is_set();
        let at = facts.time(facts.at(leg, back.rst)).0;
        (whole && silent >= SILENT_NS).then_some((at, silent))
    })
}
