//! Client ports that are used again: what several causes rest on.

use crate::capture::Timestamp;
use crate::correlate::Tuple;
use crate::diagnose::facts::index::Indexed;
use crate::trace::ConnectionId;
use std::collections::HashMap;

/// For each of these connections that has a forerunner on the same five-tuple, as the
/// client sees it: the latest that began before it.
pub(in crate::diagnose) fn forerunners(
    facts: &Indexed<'_>,
    ids: &[ConnectionId],
) -> HashMap<ConnectionId, ConnectionId> {
    let start = |id: ConnectionId| facts.start(id).map(|at| facts.time(at));
    let mut wanted: HashMap<Tuple, Vec<ConnectionId>> = HashMap::new();
    for id in ids {
        wanted.entry(facts.connection(*id).front).or_default().push(*id);
    }
    let mut found = HashMap::new();
    for (tuple, ids) in wanted {
        let same = facts.connections_of(tuple.client).filter(|(_, c)| c.front == tuple);
        let mut began: Vec<(Option<Timestamp>, ConnectionId)> =
            same.map(|(id, _)| (start(id), id)).collect();
        if began.len() < 2 {
            continue;
        }
        began.sort_unstable();
        for id in ids {
            let own = start(id);
            let earlier = &began[..began.partition_point(|(at, _)| *at < own)];
            let Some((latest, _)) = earlier.last() else { continue };
            let before = earlier.partition_point(|(at, _)| at < latest);
            found.insert(id, earlier[before].1);
        }
    }
    found
}
