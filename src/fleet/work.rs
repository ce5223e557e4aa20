//! The two pieces of work that are lbdiag's own: what an engine calls where the data is. Bytes in, bytes
//! out; nothing here knows an engine.

use super::broadcast::{Broadcast, Counted};
use super::options::Page;
use super::packed::{Cursor, Of, all, append, entries, entry};
use super::rows::{Rows, Unfit};
use super::totals::{self, Sums, To};
use crate::breaks::{Breaks, Fate};
use crate::correlate::Outcome;
use crate::diagnose;
use crate::flow::Stream;
use crate::ladder;
use crate::load::Seen;
use crate::report::topology::topology;
use crate::report::{self, ConnectionFilter, Options, Report};
use crate::trace::Trace;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// What a fleet's tables come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The report.
    pub report: Report,
    /// The sums over all connections.
    pub sums: Sums,
    /// What a page shows beside the report.
    pub page: Option<Page>,
    /// What stands for what, where addresses were replaced.
    pub map: Option<String>,
}

/// The part in which a stream is tied: streams that the handshake can tie have one number, whoever saw
/// them, and lie in one part. Others lie with the client's end of theirs; what is tied by more than that
/// lies in the first part.
pub(super) fn part_of(broadcast: &Broadcast, packed: &[u8]) -> Option<u32> {
    let parts = broadcast.how.parts.max(1);
    let stream = stream_of(packed)?;
    let together = &broadcast.together;
    if stream.key.protocol.is_tcp() && !stream.is_evicted() {
        let Some(isn) = stream.client_isn() else { return Some(0) };
        let here = together.isns.binary_search(&isn).is_ok();
        return Some(if here { 0 } else { mixed(u64::from(isn)) % parts });
    }
    if !stream.is_evicted() && (together.datagrams || together.is_stated(&stream)) {
        return Some(0);
    }
    let client = stream.client();
    let words = stream.key.ip(client).words();
    let end = words[0] ^ words[1].rotate_left(17) ^ u64::from(stream.key.port(client)) << 48;
    Some(mixed(end) % parts)
}

/// A packed stream.
pub(super) fn stream_of(packed: &[u8]) -> Option<Stream> {
    Cursor::new(entry(packed)?.values, &[], &[]).row().ok()
}

/// Spreads numbers that lie close together.
fn mixed(number: u64) -> u32 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

fn trace_of(broadcast: &Broadcast, seen: Seen) -> Trace {
    let Broadcast { said, stated, .. } = broadcast;
    let Seen { captures, vantages, heard, .. } = seen;
    Trace::new(captures, vantages, &heard, stated, !said.own_clocks)
        .with_states(said.states.clone())
}

/// Ties the streams of a part, counts how their connections ended, and keeps the rows of those that are
/// to be diagnosed: all that did not do well, as far as there is room, and enough that did.
pub(super) fn tie(broadcast: &Broadcast, list: &[u8]) -> Result<Vec<u8>, Unfit> {
    if broadcast.how.parts <= 1 {
        // All is diagnosed together, where it is tied and counted.
        return Ok(part(&Sums::default(), Counted::of(list), list));
    }
    let mut rows = Rows::new(broadcast, &[&broadcast.rows, list], None)?;
    let mut trace = trace_of(broadcast, rows.seen()?);
    // Sums name vantages.
    broadcast.said.begin(&mut trace).map_err(lost)?;
    let breaks = Breaks::of(&trace);
    let mut sums = Sums::of(&trace, &breaks);
    let mut kept: HashSet<(u32, u32)> = HashSet::new();
    let mut room: HashMap<(To, Outcome, Fate), u32> = HashMap::new();
    let [well, ill] = broadcast.how.keep;
    for (id, connection) in trace.iter() {
        let fate = breaks.fate(id);
        let ended = room.entry((totals::to(&trace, id), connection.outcome, fate)).or_default();
        *ended += 1;
        if *ended > if fate.is_harm() { ill } else { well } {
            continue;
        }
        sums.diagnosed += 1;
        for leg in trace.legs(id) {
            let vantage = leg.vantage.index();
            kept.extend(rows.stream(vantage, leg.stream).map(|at| (vantage as u32, at)));
        }
    }
    let mut chosen = Vec::new();
    rows.of_streams(&kept, |row| append(&mut chosen, row));
    Ok(part(&sums, Counted::of(list), &chosen))
}

impl Counted {
    fn of(list: &[u8]) -> Self {
        let mut own = Self::default();
        for entry in entries(list) {
            match all()[entry.table].of {
                Of::Streams => own.streams += 1,
                Of::Links | Of::Stream | Of::Link => own.about += 1,
                Of::All => {}
            }
        }
        own
    }

    /// What is wrong where other rows came than there are: an engine lost some, or has them twice.
    fn fault(self, there: Self) -> Option<String> {
        if self.streams == there.streams && self.about <= there.about {
            return None;
        }
        Some(format!(
            "of {} streams with {} rows about them, the engine handed over {} with {}; no report is made of that",
            there.streams, there.about, self.streams, self.about
        ))
    }
}

/// What comes of a part: its sums and what was counted, then rows.
fn part(sums: &Sums, counted: Counted, rows: &[u8]) -> Vec<u8> {
    // It holds nothing that cannot be written so.
    let head = serde_json::to_vec(&(sums, counted)).unwrap_or_default();
    let mut out = Vec::with_capacity(head.len() + rows.len() + 8);
    out.extend((head.len() as u64).to_le_bytes());
    out.extend(head);
    out.extend(rows);
    out
}

fn taken(part: &[u8]) -> Option<(Sums, Counted, &[u8])> {
    let (length, rest) = part.split_first_chunk::<8>()?;
    let (head, rows) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let (sums, counted) = serde_json::from_slice(head).ok()?;
    Some((sums, counted, rows))
}

fn lost(why: impl ToString) -> Unfit {
    Unfit { capture: None, why: why.to_string() }
}

/// Diagnoses what was kept of all parts.
pub(super) fn diagnosed(broadcast: &Broadcast, parts: &[Vec<u8>]) -> Result<Told, Unfit> {
    let mut sums = Sums::default();
    let mut counted = Counted::default();
    let mut lists: Vec<&[u8]> = vec![&broadcast.rows];
    for part in parts {
        let damaged = || lost("what a part gave is damaged".to_owned());
        let (own, rows_of, rows) = taken(part).ok_or_else(damaged)?;
        sums.add(own);
        counted.streams += rows_of.streams;
        counted.about += rows_of.about;
        lists.push(rows);
    }
    if let Some(why) = broadcast.how.rows.and_then(|there| counted.fault(there)) {
        return Err(lost(why));
    }
    let mut rows = Rows::new(broadcast, &lists, None)?;
    let mut trace = trace_of(broadcast, rows.seen()?);
    drop(rows);
    trace.sampled = sums.diagnosed < sums.connections();
    let mut redactor = broadcast.said.begin(&mut trace).map_err(lost)?;
    let diagnosis = diagnose::diagnose(&trace);
    let connections = match broadcast.how.list.as_str() {
        "all" => ConnectionFilter::All,
        "none" => ConnectionFilter::None,
        "" if broadcast.how.page => ConnectionFilter::of_page(&trace),
        _ => ConnectionFilter::Affected,
    };
    let options = Options { connections, notes: Vec::new() };
    let built = report::build(&trace, &diagnosis, &options);
    let mut report = redactor.document(built).map_err(lost)?;
    report.redacted = redactor.is_on();
    if broadcast.how.parts <= 1 {
        sums = Sums::of(&trace, &diagnosis.breaks);
        sums.diagnosed = sums.connections();
    }
    let page = match broadcast.how.page {
        true => {
            let ladders = ladder::of_findings(&trace, &diagnosis);
            let topology = redactor.document(topology(&trace, &diagnosis.breaks)).map_err(lost)?;
            Some((topology, redactor.document(ladders).map_err(lost)?))
        }
        false => None,
    };
    let map = redactor.kept();
    let sums = redactor.document(sums).map_err(lost)?;
    sums.tell(&mut report);
    Ok(Told { report, sums, page, map })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_lost_or_come_twice_are_no_report() {
        let there = Counted { streams: 24, about: 62 };
        let fault = |streams, about| Counted { streams, about }.fault(there);
        // Rows about links that were let go are dropped.
        assert!(fault(24, 62).is_none() && fault(24, 60).is_none());
        assert!(fault(18, 62).unwrap().contains("of 24 streams"));
        assert!(fault(25, 62).is_some() && fault(24, 188).is_some());
    }
}
