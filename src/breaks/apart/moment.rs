//! The moment from which connections were not answered any more that had been until then, if it is one for all of them:
//! so it is where what keeps their state on the way loses it, by a failover without its table, a restart or a flush.

use crate::correlate::Leg;
use crate::flow::Flow;
use crate::trace::{At, ConnectionId, Trace};

/// Connections that fall silent at one moment, before that is no chance. Judgement.
const SEVERAL: usize = 3;

/// The last answer to any of them, nanoseconds, where each was answered before it and none after it had begun to ask in
/// vain.
pub(super) fn shared(trace: &Trace, broken: &[ConnectionId]) -> Option<i64> {
    if broken.len() < SEVERAL {
        return None;
    }
    let (mut answered, mut in_vain) = (i64::MIN, i64::MAX);
    for id in broken {
        let (last, again) = stall(trace, *id)?;
        (answered, in_vain) = (answered.max(last), in_vain.min(again));
    }
    (answered < in_vain).then_some(answered)
}

/// When a connection that stands was answered last, and when its client first sent something again after that.
fn stall(trace: &Trace, id: ConnectionId) -> Option<(i64, i64)> {
    let (leg, there, back) = shown(trace, id)?;
    let vantage = trace.vantage(leg);
    let after = |frame: u32| frame > back.last.frame();
    let again = vantage.repeats_of(there).into_iter().map(|repeat| repeat.mark);
    let first = again.filter(|mark| after(mark.frame())).min_by_key(|mark| mark.frame())?;
    let time = |mark| trace.time(At { vantage: leg.vantage, mark }).0;
    (there.opened() && back.data.is_set()).then(|| (time(back.last), time(first)))
}

/// Whether a connection stood at a moment, as far as it is known: what was over by then is not asked.
pub(super) fn stood(trace: &Trace, id: ConnectionId, moment: i64) -> Option<bool> {
    let (leg, there, back) = shown(trace, id)?;
    let time = |mark| trace.time(At { vantage: leg.vantage, mark }).0;
    let began = there.opened().then(|| time(there.syn))?;
    let ended = time(there.last).max(time(back.last));
    match (began < moment, ended > moment) {
        (false, _) => Some(false),
        (true, true) => Some(true),
        (true, false) => None,
    }
}

fn shown(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Flow, &Flow)> {
    let mut all = trace.legs(id).iter().map(|leg| (leg, trace.forward(leg), trace.reply(leg)));
    all.find(|(_, there, back)| there.seen() && back.seen())
}
