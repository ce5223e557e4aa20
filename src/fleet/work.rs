//! The two pieces of work that are lbdiag's own: what an engine calls where the data is. Bytes in, bytes
//! out; nothing here knows an engine.

use super::broadcast::Broadcast;
use super::packed::{Cursor, append, entry};
use super::rows::{Rows, Unfit};
use super::totals::{self, Sums, To};
use crate::breaks::{Breaks, Fate};
use crate::correlate::Outcome;
use crate::diagnose;
use crate::flow::Stream;
use crate::load::Seen;
use crate::report::{self, ConnectionFilter, Options, Report};
use crate::topology::StatedRoles;
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
    if together.datagrams && !stream.is_evicted() {
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
    let stated = StatedRoles { vips: broadcast.vips(), ..StatedRoles::default() };
    Trace::new(seen.captures, seen.vantages, &seen.heard, &stated, true)
}

/// Ties the streams of a part, counts how their connections ended, and keeps the rows of those that are
/// to be diagnosed: all that did not do well, as far as there is room, and enough that did.
pub(super) fn tie(broadcast: &Broadcast, list: &[u8]) -> Result<Vec<u8>, Unfit> {
    if broadcast.how.parts <= 1 {
        // All is diagnosed together, where it is tied and counted.
        return Ok(part(&Sums::default(), list));
    }
    let mut rows = Rows::new(broadcast, &[&broadcast.rows, list], None)?;
    let trace = trace_of(broadcast, rows.seen()?);
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
    Ok(part(&sums, &chosen))
}

/// What comes of a part: its sums, then rows.
fn part(sums: &Sums, rows: &[u8]) -> Vec<u8> {
    // It holds nothing that cannot be written so.
    let sums = serde_json::to_vec(sums).unwrap_or_default();
    let mut out = Vec::with_capacity(sums.len() + rows.len() + 8);
    out.extend((sums.len() as u64).to_le_bytes());
    out.extend(sums);
    out.extend(rows);
    out
}

fn taken(part: &[u8]) -> Option<(Sums, &[u8])> {
    let (length, rest) = part.split_first_chunk::<8>()?;
    let (sums, rows) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(sums).ok()?, rows))
}

/// Diagnoses what was kept of all parts.
pub(super) fn diagnosed(broadcast: &Broadcast, parts: &[Vec<u8>]) -> Result<Told, Unfit> {
    let mut sums = Sums::default();
    let mut lists: Vec<&[u8]> = vec![&broadcast.rows];
    for part in parts {
        let lost = || Unfit { capture: None, why: "what a part gave is damaged".to_owned() };
        let (own, rows) = taken(part).ok_or_else(lost)?;
        sums.add(own);
        lists.push(rows);
    }
    let mut rows = Rows::new(broadcast, &lists, None)?;
    let mut trace = trace_of(broadcast, rows.seen()?);
    drop(rows);
    trace.sampled = sums.diagnosed < sums.connections();
    let diagnosis = diagnose::diagnose(&trace);
    let connections = match broadcast.how.list.as_str() {
        "all" => ConnectionFilter::All,
        "none" => ConnectionFilter::None,
        _ => ConnectionFilter::Affected,
    };
    let options = Options { connections, notes: Vec::new() };
    let mut report = report::build(&trace, &diagnosis, &options);
    if broadcast.how.parts <= 1 {
        sums = Sums::of(&trace, &diagnosis.breaks);
        sums.diagnosed = sums.connections();
    }
    sums.tell(&mut report);
    Ok(Told { report, sums })
}
