//! Client ports that were used before and stick to a real server that is gone.

use super::port_reuse::forerunners;
use crate::diagnose::facts::index::Indexed;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::HashSet;

/// Ports that stick to a server.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Pinned {
    pub server: Ip,
    /// An earlier connection on one of the ports, which that server had.
    pub forerunner: ConnectionId,
    /// Connections on new ports that went elsewhere meanwhile.
    pub fresh: usize,
}

/// Whether connections to a server that is not on the wire are those of used ports.
pub(in crate::diagnose) fn pinned(
    facts: &Indexed<'_>,
    service: ServiceId,
    ids: &[ConnectionId],
    targets: &[Ip],
) -> Option<Pinned> {
    let before = forerunners(facts, ids);
    if ids.iter().any(|id| !before.contains_key(id)) {
        return None;
    }
    let had = |id: ConnectionId| facts.server(id).and_then(|s| s.address);
    let mut olds: Vec<ConnectionId> = before.values().copied().collect();
    olds.sort_unstable();
    let server = match targets[..] {
        [server] => server,
        // A question that was answered once, long ago, tells nothing: the forerunners do.
        [] => {
            let server = had(*olds.first()?)?;
            if olds.iter().any(|old| had(*old) != Some(server)) {
                return None;
            }
            server
        }
        _ => return None,
    };
    let forerunner = olds.into_iter().find(|old| had(*old) == Some(server))?;
    let start = |id: ConnectionId| facts.start(id).map(|at| facts.time(at));
    let first = ids.iter().filter_map(|id| start(*id)).min()?;
    let own: HashSet<ConnectionId> = ids.iter().copied().collect();
    let since: Vec<ConnectionId> = facts
        .requests_to(service)
        .map(|(id, _)| id)
        .filter(|id| !own.contains(id) && start(*id).is_some_and(|t| t > first))
        .collect();
    // One that went there on a new port shows it is still in the table.
    let used = forerunners(facts, &since);
    let new = || since.iter().filter(|id| !used.contains_key(id));
    if new().any(|id| had(*id) == Some(server)) {
        return None;
    }
    let fresh = new().filter(|id| had(**id).is_some()).count();
    Some(Pinned { server, forerunner, fresh })
}
