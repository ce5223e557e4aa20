//! Groups of SYNs that end at one host that passes packets on, with what tells why: what became
//! of them there, and what the host does with others to the same service.

use crate::breaks::{Fate, Group, Manner, Passage};
use crate::diagnose::Facts;
use crate::diagnose::facts::way::passing::{
    Through, by_client, clients, each_often, ended, passed, through,
};
use crate::topology::{HostId, Mode};
use crate::trace::ConnectionId;

/// SYNs of one group that end at a host.
pub(in crate::diagnose) struct Ended<'a> {
    pub group: &'a Group,
    pub host: HostId,
    /// How they passed it.
    pub ways: Vec<Through>,
    /// How others to the same service, which did well, passed it.
    pub others: Vec<Through>,
    /// A connection to the same server that did well with an address of the host's own.
    pub own_call: Option<ConnectionId>,
    pub signs: Signs,
}

/// What tells why they end there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    /// What became of them.
    pub manner: Manner,
    /// They left the host.
    pub left: bool,
    /// How their service is forwarded.
    pub mode: Mode,
    /// How many there are.
    pub connections: usize,
    /// No client of theirs ever got through, while others do.
    pub by_client: bool,
    /// Each client asked so often that chance is no reason.
    pub each_often: bool,
    /// Connections of others that passed the host and did well.
    pub others: usize,
    /// All of them left as they came, with the client's address and the service's.
    pub unchanged: bool,
    /// All of them left for the address that the client called.
    pub untranslated: bool,
    /// Others' are translated.
    pub translates: bool,
    /// The host is one that forwards this service.
    pub director: bool,
    /// The host itself is who calls.
    pub calls: bool,
    /// The same server answers what comes with an address of the host.
    pub own_call: bool,
}

/// All of them.
pub(in crate::diagnose) fn all<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = Ended<'a>> {
    ended(facts, |_| true).map(|(group, host)| of_group(facts, group, host))
}

fn of_group<'a>(facts: &'a Facts<'_>, group: &'a Group, host: HostId) -> Ended<'a> {
    let ids = &group.connections;
    let s = facts.topology.service(group.service);
    let ways: Vec<Through> = ids.iter().filter_map(|id| through(facts, *id, host)).collect();
    let others = passed(facts, group.service, host);
    let own_call = own_call(facts, group, host);
    let every = |test: &dyn Fn(&Through) -> bool| !ways.is_empty() && ways.iter().all(test);
    let mut callers = clients(facts, ids.iter().copied()).into_iter();
    let signs = Signs {
        manner: group.manner,
        left: group.last.is_some_and(|last| last.passage == Passage::Out),
        mode: s.mode,
        connections: ids.len(),
        by_client: by_client(facts, group),
        each_often: each_often(facts, group),
        others: others.len(),
        unchanged: ways.len() == ids.len()
            && every(&|way| way.keeps_client(facts) && way.keeps_server(facts)),
        untranslated: every(&|way| way.keeps_server(facts)),
        translates: others.iter().any(|way| !way.keeps_server(facts)),
        director: s.is_director(host),
        calls: callers.any(|ip| facts.host_by_ip(ip) == Some(host)),
        own_call: own_call.is_some(),
    };
    Ended { group, host, ways, others, own_call, signs }
}

/// A connection to the same server that did well with an address of the host: its own, or
/// one that it masqueraded.
fn own_call(facts: &Facts, group: &Group, host: HostId) -> Option<ConnectionId> {
    let well = facts
        .requests_to(group.service)
        .filter(|(id, c)| c.progress.established && facts.breaks.fate(*id) == Fate::Well);
    let own = |id: &ConnectionId| match through(facts, *id, host) {
        Some(way) => !way.keeps_client(facts),
        None => facts.host_by_ip(facts.connection(*id).front.client.0) == Some(host),
    };
    let own: Vec<ConnectionId> = well.map(|(id, _)| id).filter(own).collect();
    // One that was answered meanwhile says more than one of before.
    let start = |id: ConnectionId| facts.start(id).map(|at| facts.time(at));
    let since = group.connections.iter().filter_map(|id| start(*id)).min();
    own.iter().copied().find(|id| start(*id) > since).or_else(|| own.first().copied())
}
