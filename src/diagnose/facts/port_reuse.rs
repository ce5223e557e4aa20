//! Client ports that are used again: what several causes rest on.

use crate::correlate::Tuple;
use crate::trace::{ConnectionId, Trace};
use std::collections::HashMap;

/// For each of these connections that has a forerunner on the same five-tuple, as the
/// client sees it: the latest that began before it.
pub(in crate::diagnose) fn forerunners(
    trace: &Trace,
    ids: &[ConnectionId],
) -> HashMap<ConnectionId, ConnectionId> {
    let start = |id: ConnectionId| trace.start(id).map(|at| trace.time(at));
    let mut wanted: HashMap<Tuple, Vec<ConnectionId>> = HashMap::new();
    for id in ids {
        wanted.entry(trace.connection(*id).front).or_default().push(*id);
    }
    let mut found: HashMap<ConnectionId, ConnectionId> = HashMap::new();
    if wanted.is_empty() {
        return found;
    }
    for (before, c) in trace.iter() {
        for id in wanted.get(&c.front).into_iter().flatten() {
            let earlier = start(before) < start(*id) && before != *id;
            if earlier && found.get(id).is_none_or(|known| start(*known) < start(before)) {
                found.insert(*id, before);
            }
        }
    }
    found
}
