//! Services that answer at two paces: some answers at once, others after seconds, all of these after the same time. So
//! waits a program for something that does not answer, a name server or a server of its own, until its timer ends;
//! which request meets it is chance. What is heavy takes now this long and now that.

use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Timers of programs that give up and try another, nanoseconds: a resolver's 5 s (resolv.conf(5)) and multiples of
/// it are among them. Who waits for events lets longer ones run out.
const TIMERS_NS: std::ops::RangeInclusive<i64> = 4_000_000_000..=20_000_000_000;
/// Answers are of one timer if they differ by no more than a part of the longest.
const PART: i64 = 20;
/// The others are quicker by this factor at least. Judgement: nothing is in between.
const FACTOR: i64 = 20;

/// What a connection's first request was like: its method, and the bytes that the client sent in all.
pub(super) type Alike = (&'static str, u64);

pub(super) fn two_paces(facts: &Facts) -> Option<String> {
    let mut all: BTreeMap<(ServiceId, Alike), Vec<(i64, ConnectionId)>> = BTreeMap::new();
    for (id, c) in facts.requests() {
        let answered =
            c.protocol.is_tcp() && c.progress.syn && c.progress.request && c.progress.response;
        if !answered {
            continue;
        }
        let Some(ns) = facts.timing(id).server_ns() else { continue };
        let Some(alike) = alike(facts, id) else { continue };
        all.entry((facts.service_of(id), alike)).or_default().push((ns, id));
    }
    all.into_iter().find_map(|((service, _), list)| said(facts, service, list))
}

pub(super) fn alike(facts: &Facts, id: ConnectionId) -> Option<Alike> {
    let leg = facts.legs(id).first()?;
    let method = facts.vantage(leg).side_tables.first_request(leg.stream).map_or("", |r| r.method);
    Some((method, facts.forward(leg).payload))
}

fn said(facts: &Facts, service: ServiceId, mut list: Vec<(i64, ConnectionId)>) -> Option<String> {
    list.sort_unstable();
    let (longest, _) = *list.last()?;
    let (slow, quick): (Vec<_>, Vec<_>) =
        list.iter().partition(|(ns, _)| longest - ns <= longest / PART);
    let (slowest_of_quick, _) = *quick.last()?;
    let two = TIMERS_NS.contains(&longest)
        && slow.len() >= NO_COINCIDENCE
        && quick.len() >= NO_COINCIDENCE
        && slowest_of_quick <= longest / FACTOR;
    let (_, first) = *slow.iter().min_by_key(|(_, id)| *id).filter(|_| two)?;
    let leg = facts.legs(first).first()?;
    Some(format!(
        "{} of {} answers of {} to requests of one kind come after {:.1} s, and none of the others takes longer than {:.3} s ({} #{}): so waits who asks something that does not answer until a timer ends, such as one of two name servers",
        slow.len(),
        list.len(),
        facts.topology.service(service).name(),
        longest as f64 / 1e9,
        slowest_of_quick as f64 / 1e9,
        facts.vantage(leg).label,
        facts.reply(leg).data.frame()
    ))
}
