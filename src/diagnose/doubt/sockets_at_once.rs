//! Web sockets that the server's side ends at one moment, though they began at different times, and without the frame by
//! which one is closed (RFC 6455, section 5.5.1): so ends what holds them. Their clients open others, so it is a word,
//! and no failure.

use crate::capture::Timestamp;
use crate::diagnose::Facts;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Ends of one event come within this, nanoseconds. Judgement: a process that ends closes thousands of sockets in less.
const MOMENT_NS: i64 = 500_000_000;
/// They began apart by this at least, nanoseconds: what was opened together may have one life.
const APART_NS: i64 = 2 * MOMENT_NS;
/// So many at least. Judgement: twice what is no coincidence, as nothing else speaks for it.
const ENOUGH: usize = 6;

/// When it ended, when it began, and which it is.
type Ended = (Timestamp, Timestamp, ConnectionId);

pub(super) fn sockets_at_once(facts: &Facts) -> Option<String> {
    if !facts.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return None;
    }
    let mut all: BTreeMap<ServiceId, Vec<Ended>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.response) {
        if let Some((end, begin)) = ended(facts, id) {
            all.entry(facts.service_of(id)).or_default().push((end, begin, id));
        }
    }
    all.into_iter().find_map(|(service, mut list)| {
        list.sort_unstable();
        let near = |a: &Ended, b: &Ended| b.0.0 - a.0.0 <= MOMENT_NS;
        let event = list.chunk_by(near).find(|event| {
            let begins = || event.iter().map(|(_, begin, _)| begin.0);
            let apart = begins().max().unwrap_or(0) - begins().min().unwrap_or(0);
            let ends = event[event.len() - 1].0.0 - event[0].0.0;
            event.len() >= ENOUGH && apart >= APART_NS && ends <= MOMENT_NS
        })?;
        let leg = facts.legs(event[0].2).first()?;
        Some(format!(
            "{} connections of {} that went on as web sockets or the like (HTTP 101) are ended by its side within half a second, though they began at different times, and without a Close frame ({} #{}): so ends what holds them, a proxy that is given another configuration or a program that is restarted",
            event.len(),
            facts.topology.service(service).name(),
            facts.vantage(leg).label,
            facts.reply(leg).fin.frame()
        ))
    })
}

/// When a web socket ended that its server's side closed first, and when it began.
fn ended(facts: &Facts, id: ConnectionId) -> Option<(Timestamp, Timestamp)> {
    let leg = facts.legs(id).first()?;
    let spoken = facts.spoken(leg);
    let changed = |s: &crate::flow::Spoken| {
        s.words == crate::flow::Words::NoAnswerDue && s.side != leg.client
    };
    let closed = spoken.iter().any(|s| s.words == crate::flow::Words::CloseFrame);
    let (there, back) = (facts.forward(leg), facts.reply(leg));
    let first = back.fin.is_set() && (!there.fin.is_set() || back.fin.frame() < there.fin.frame());
    (!closed && first && spoken.iter().any(changed)).then(|| (back.fin.at(), there.first.at()))
}
