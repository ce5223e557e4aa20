//! Services of which the first answer on each connection comes when a resolver gives up (resolv.conf(5): after 5 s, or
//! 10 s with a second try): who answers asks for its client's name first, and whom it asks is silent. A long poll that
//! finds nothing by then looks the same, so nobody is accused.

use crate::diagnose::Facts;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Connections that show it, and none that does not. Judgement.
const ENOUGH: usize = 5;
/// When a resolver gives up, nanoseconds, and how soon after that the answer comes. Judgement: a tenth of it.
const TIMER_NS: i64 = 5_000_000_000;
const SOON_NS: i64 = 500_000_000;
/// Tries that are looked for.
const TRIES: i64 = 2;

pub(super) fn first_waits(facts: &Facts) -> Option<String> {
    // One that does not wait so speaks for its service: nothing more of that is looked at.
    let mut all: BTreeMap<ServiceId, Option<Vec<(i64, ConnectionId)>>> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let told = c.progress.syn && c.progress.request && c.progress.response;
        let of = all.entry(facts.service_of(id)).or_insert_with(|| Some(Vec::new()));
        let Some(list) = of.as_mut().filter(|_| told) else { continue };
        let Some(ns) = facts.timing(id).server_ns() else { continue };
        let tries = list.first().map_or(ns, |(first, _)| *first) / TIMER_NS;
        let waits = ns / TIMER_NS == tries && ns % TIMER_NS < SOON_NS;
        if waits && (1..=TRIES).contains(&tries) {
            list.push((ns, id));
        } else {
            *of = None;
        }
    }
    all.into_iter().find_map(|(service, list)| {
        let list = list.filter(|list| list.len() >= ENOUGH)?;
        let (ns, first) = list.iter().min_by_key(|(_, id)| *id)?;
        let leg = facts.legs(*first).first()?;
        Some(format!(
            "the first answer on each of {} connections to {} comes after {:.1} s ({} #{}), as long as a resolver waits for a name server that does not answer: so does a server that looks for its client's name first, and so does a long poll that finds nothing",
            list.len(),
            facts.topology.service(service).name(),
            *ns as f64 / 1e9,
            facts.vantage(leg).label,
            facts.reply(leg).data.frame()
        ))
    })
}
