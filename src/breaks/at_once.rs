//! Connections of one service that are reset at one moment, though nothing of theirs was lost: a proxy or
//! a server that held them ended, or what knew them forgot them all.
//!
//! A timer of its own ends a connection after the same silence as others. Where the silences differ and the
//! moment is one, it is no timer.

use crate::correlate::{Leg, Outcome};
use crate::hashed::HashSet;
use crate::parts::in_parts;
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Resets of one event come within this, nanoseconds. Judgement: a process that ends closes thousands of
/// sockets in less.
const MOMENT_NS: i64 = 500_000_000;
/// Silences before it that differ by so much are not of one timer, nanoseconds: twice [`MOMENT_NS`], by which
/// their ends may differ.
const APART_NS: i64 = 2 * MOMENT_NS;
/// So many at least. Judgement: twice what is no coincidence, as nothing else speaks for it.
const ENOUGH: usize = 6;
/// And so many that come as close together as one process resets them, nanoseconds, where one was silent for less than
/// any timer for silences waits. Judgement: what is no coincidence, and a tenth of the moment; who looks for idle
/// connections now and then resets those that it finds together, too.
const CLOSE: usize = 3;
const CLOSE_NS: i64 = MOMENT_NS / 10;
const IDLE_NS: i64 = 30_000_000_000;

/// A reset in the server's name of a connection that had all its answers.
#[derive(Debug, Clone, Copy)]
struct Cut {
    at_ns: i64,
    silent_ns: i64,
    id: ConnectionId,
}

/// The leg that shows a reset in the server's name of a connection that neither side had closed.
fn cut_leg(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    trace.legs(id).iter().find(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        back.rst.is_set()
            && back.rst_answers.is_set()
            && back.payload > 0
            && !back.fin.is_set()
            && !there.fin.is_set()
            && !there.rst.is_set()
    })
}

/// Connections that look well by themselves and were reset with others.
#[must_use]
pub fn cut_at_once(trace: &Trace) -> HashSet<u32> {
    let cut = |id: ConnectionId| {
        let c = trace.connection(id);
        let well = c.protocol.is_tcp() && c.outcome == Outcome::Completed && c.progress.established;
        if !well || trace.ordinary(id).is_some() {
            return None;
        }
        let leg = cut_leg(trace, id)?;
        let back = trace.reply(leg);
        let silent_ns = back.rst.since(back.rst_answers);
        Some(Cut { at_ns: trace.time(trace.at(leg, back.rst)).0, silent_ns, id })
    };
    let parts = in_parts(trace.connections.list.len(), |part| {
        part.filter_map(|at| cut(ConnectionId(at as u32))).collect::<Vec<Cut>>()
    });
    let mut by_service: BTreeMap<ServiceId, Vec<Cut>> = BTreeMap::new();
    for cut in parts.into_iter().flatten() {
        by_service.entry(trace.service_of(cut.id)).or_default().push(cut);
    }
    let mut found = HashSet::default();
    for cuts in by_service.values_mut() {
        cuts.sort_unstable_by_key(|cut| (cut.at_ns, cut.id));
        let mut rest = &cuts[..];
        while let Some(first) = rest.first() {
            let n = rest.partition_point(|cut| cut.at_ns - first.at_ns <= MOMENT_NS);
            let (event, later) = rest.split_at(n);
            rest = later;
            if is_no_timer(event) {
                found.extend(event.iter().map(|cut| cut.id.0));
            }
        }
    }
    found
}

fn is_no_timer(event: &[Cut]) -> bool {
    let silences = || event.iter().map(|cut| cut.silent_ns);
    let apart = silences().max().unwrap_or(0) - silences().min().unwrap_or(0);
    let spread = match event {
        [first, .., last] => last.at_ns - first.at_ns,
        _ => 0,
    };
    let busy = silences().any(|ns| ns < IDLE_NS);
    let enough = if busy && spread <= CLOSE_NS { CLOSE } else { ENOUGH };
    event.len() >= enough && apart >= APART_NS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: usize, silent_ns: impl Fn(usize) -> i64) -> Vec<Cut> {
        spread(n, 0, silent_ns)
    }

    fn spread(n: usize, each_ns: i64, silent_ns: impl Fn(usize) -> i64) -> Vec<Cut> {
        let cut = |i| Cut {
            at_ns: i as i64 * each_ns,
            silent_ns: silent_ns(i),
            id: ConnectionId(i as u32),
        };
        (0..n).map(cut).collect()
    }

    #[test]
    fn timers_end_what_was_silent_for_as_long() {
        assert!(is_no_timer(&event(ENOUGH, |i| i as i64 * APART_NS)));
        assert!(!is_no_timer(&spread(ENOUGH - 1, CLOSE_NS, |i| i as i64 * APART_NS)));
        assert!(is_no_timer(&event(CLOSE, |i| i as i64 * APART_NS)));
        assert!(!is_no_timer(&event(CLOSE - 1, |i| i as i64 * APART_NS)));
        assert!(!is_no_timer(&event(CLOSE, |i| IDLE_NS + i as i64 * APART_NS)));
        assert!(!is_no_timer(&event(60, |_| 120 * APART_NS)));
        assert!(is_no_timer(&event(ENOUGH, |i| if i == 0 { APART_NS } else { 0 })));
        assert!(!is_no_timer(&event(ENOUGH, |i| if i == 0 { APART_NS - 1 } else { 0 })));
    }
}
