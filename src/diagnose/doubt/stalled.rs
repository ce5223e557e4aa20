//! Answers that come at one moment to clients that had waited for seconds each for his own, where the like is answered
//! at once otherwise: so answers who does nothing for a while, since one request holds it or its machine stands still.
//! So are clients answered, too, that wait for one event.

use crate::capture::Timestamp;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::{BTreeMap, BTreeSet};

/// One that waited for less may have been at work, nanoseconds. Judgement.
const LONG_NS: i64 = 1_000_000_000;
/// Answers are of one moment if each follows the one before within this time, nanoseconds. Judgement: who catches up
/// does so as fast as it ordinarily answers.
const MOMENT_NS: i64 = 50_000_000;
/// Those who wait have asked at different times, apart by this at least, nanoseconds: questions of one moment are one
/// piece of work.
const APART_NS: i64 = 100_000_000;
/// The others are quicker by this factor at least. Judgement.
const FACTOR: i64 = 20;

/// A first question and its answer: when asked, when answered, on which connection.
type Waited = (Timestamp, Timestamp, ConnectionId);

pub(super) fn stalled(facts: &Facts) -> Option<String> {
    let mut all: BTreeMap<(ServiceId, u64), Vec<Waited>> = BTreeMap::new();
    for (id, c) in facts.requests() {
        let answered =
            c.protocol.is_tcp() && c.progress.syn && c.progress.request && c.progress.response;
        let Some(leg) = facts.legs(id).first().filter(|_| answered) else { continue };
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let (Some(asked), Some(told)) = (there.data.get(), back.data.get()) else { continue };
        let key = (facts.service_of(id), there.payload);
        all.entry(key).or_default().push((asked.at(), told.at(), id));
    }
    all.into_iter().find_map(|((service, _), list)| said(facts, service, list))
}

fn said(facts: &Facts, service: ServiceId, mut list: Vec<Waited>) -> Option<String> {
    let wait = |(asked, told, _): &Waited| told.0 - asked.0;
    list.sort_unstable_by_key(|(_, told, id)| (told.0, *id));
    let slow: Vec<Waited> = list.iter().copied().filter(|one| wait(one) >= LONG_NS).collect();
    let moments = slow.chunk_by(|a, b| b.1.0 - a.1.0 <= MOMENT_NS).filter(|moment| {
        let clients = moment.iter().map(|(.., id)| facts.connection(*id).front.client.0);
        let first = moment.iter().map(|(asked, ..)| asked.0).min().unwrap_or_default();
        let last = moment.iter().map(|(asked, ..)| asked.0).max().unwrap_or_default();
        // By halving, as a list that is walked for each moment costs its square.
        let next = list.partition_point(|(_, told, _)| told.0 < first + MOMENT_NS);
        let meanwhile = list.get(next).is_some_and(|one| one.1.0 < moment[0].1.0 - MOMENT_NS);
        moment.len() >= NO_COINCIDENCE
            && clients.collect::<BTreeSet<_>>().len() > 1
            && last - first >= APART_NS
            && !meanwhile
    });
    let moments: Vec<&[Waited]> = moments.collect();
    let held: usize = moments.iter().map(|moment| moment.len()).sum();
    let longest = slow.iter().map(wait).max()?;
    let quick = list.iter().filter(|one| wait(one) <= longest / FACTOR).count();
    let whole = held + quick == list.len() && held > 0 && quick >= NO_COINCIDENCE;
    let (.., first) = *moments.first().filter(|_| whole)?.iter().min_by_key(|(.., id)| *id)?;
    let leg = facts.legs(first).first()?;
    Some(format!(
        "{held} of {} answers of {} to requests of one size come at {}, to clients that had waited for up to {:.1} s and asked at different times, and it answers nothing in between ({} #{}): so answers who is held by one request, or whose machine stands still; what waits for one event is answered so, too",
        list.len(),
        facts.topology.service(service).name(),
        crate::diagnose::words::count(moments.len(), "moment"),
        longest as f64 / 1e9,
        facts.vantage(leg).label,
        facts.reply(leg).data.frame()
    ))
}
