//! Web sockets that the server's side ends after a silence, each after the same, without the frame by which one is
//! closed (RFC 6455, section 5.5.1): so ends what stands between and has a limit for silence. One that nothing was
//! said on was not in use, and its client opens another; so it is a word, and no failure.

use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::flow::{Mark, Words};
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Silences are of one limit if they differ by no more than a part of the longest: what a timer that is looked at
/// each second makes of half a minute.
const PART: i64 = 30;

/// A connection that ended so: the silence, nanoseconds, and the frame of its end.
type Ended<'a> = (i64, &'a Leg, Mark);

pub(super) fn quiet_sockets(facts: &Facts) -> Option<String> {
    if !facts.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return None;
    }
    let mut all: BTreeMap<ServiceId, Vec<Ended<'_>>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.response) {
        if let Some(ended) = ended(facts, id) {
            all.entry(facts.service_of(id)).or_default().push(ended);
        }
    }
    all.into_iter().find_map(|(service, list)| {
        let longest = list.iter().map(|(ns, ..)| *ns).max()?;
        let alike = |(ns, ..): &&Ended<'_>| longest - ns <= longest / PART;
        if list.len() < NO_COINCIDENCE || !list.iter().all(|one| alike(&one)) {
            return None;
        }
        let (_, leg, mark) = list.first()?;
        Some(format!(
            "{} connections of {} that went on as web sockets or the like (HTTP 101) are ended by its side, each after {:.0} s in which nothing was said, and without a Close frame ({} #{}): so does a limit for idle connections between the two",
            list.len(),
            facts.topology.service(service).name(),
            longest as f64 / 1e9,
            facts.vantage(leg).label,
            mark.frame()
        ))
    })
}

/// How a web socket ended that its server's side closed out of a silence.
fn ended<'a>(facts: &'a Facts, id: ConnectionId) -> Option<Ended<'a>> {
    facts.legs(id).iter().find_map(|leg| {
        let spoken = facts.spoken(leg);
        let changed =
            |s: &crate::flow::Spoken| s.words == Words::NoAnswerDue && s.side != leg.client;
        let closed = spoken.iter().any(|s| s.words == Words::CloseFrame);
        if closed || !spoken.iter().any(changed) {
            return None;
        }
        let silence = facts.vantage(leg).side_tables.idle(leg.stream)?.last;
        let end = facts.reply(leg).fin.get()?;
        (silence.by != leg.client && silence.after == end).then_some((silence.ns(), leg, end))
    })
}
