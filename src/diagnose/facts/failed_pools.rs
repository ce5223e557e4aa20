//! Hosts that turn clients away while all the servers that they ask for their health fail.
//!
//! A balancer without a server that passes answers 503 or resets, by itself and at once. What
//! it asks, and what became of that, is in its own capture, beside the clients' connections.

use super::Facts;
use super::own_refusals::refuser;
use crate::breaks::server_error;
use crate::correlate::{Leg, Outcome};
use crate::flow::Mark;
use crate::topology::{HostId, Ordinary, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// Checks of one port that must all fail before clients are turned away for it.
const ENOUGH: usize = 3;
/// Unavailable: no server (RFC 9110, section 15.6.4).
const UNAVAILABLE: u16 = 503;

/// One host, and what it asks for in vain.
#[derive(Debug, Clone)]
pub(in crate::diagnose) struct FailedPool {
    /// Who asks.
    pub host: HostId,
    /// The checks, all failed, in order.
    pub checks: Vec<ConnectionId>,
    /// Whom.
    pub servers: BTreeSet<(Ip, u16)>,
    /// Checks of other servers pass.
    pub others: bool,
    /// Clients that it turned away, by service.
    pub turned_away: BTreeMap<ServiceId, Vec<ConnectionId>>,
}

impl FailedPool {
    /// Whether it refused a client with a reset, else with a status.
    pub fn is_refusal(facts: &Facts, id: ConnectionId) -> bool {
        facts.connection(id).outcome == Outcome::Refused
    }
}

/// All of them.
pub(in crate::diagnose) fn failed_pools(facts: &Facts) -> Vec<FailedPool> {
    let mut asked: BTreeMap<(HostId, u16), Vec<ConnectionId>> = BTreeMap::new();
    for (id, c) in facts.iter() {
        if facts.ordinary(id) == Some(Ordinary::HealthCheck)
            && let Some(host) = facts.host_by_ip(c.front.client.0)
        {
            asked.entry((host, c.front.server.1)).or_default().push(id);
        }
    }
    let fails = |id: &ConnectionId| facts.breaks.fate(*id).is_harm();
    let down = |ids: &[ConnectionId]| ids.len() >= ENOUGH && ids.iter().all(fails);
    let mut pools: BTreeMap<HostId, FailedPool> = BTreeMap::new();
    for ((host, _), ids) in asked.iter().filter(|(_, ids)| down(ids)) {
        let pool = pools.entry(*host).or_insert_with(|| FailedPool {
            host: *host,
            checks: Vec::new(),
            servers: BTreeSet::new(),
            others: asked.iter().any(|((other, _), ids)| other == host && !down(ids)),
            turned_away: BTreeMap::new(),
        });
        pool.servers.extend(ids.iter().map(|id| facts.connection(*id).front.server));
        pool.checks.extend(ids);
    }
    if !pools.is_empty() {
        turn_away(facts, &mut pools);
    }
    pools.retain(|_, pool| !pool.turned_away.is_empty());
    pools.into_values().collect()
}

fn turn_away(facts: &Facts, pools: &mut BTreeMap<HostId, FailedPool>) {
    for (id, c) in facts.requests() {
        let Some((host, mark)) = turned_away(facts, id) else { continue };
        let asks = facts.host_by_ip(c.front.client.0);
        let Some(pool) = pools.get_mut(&host).filter(|_| asks != Some(host)) else { continue };
        // Before the first check nothing was known.
        let known = pool.checks.iter().any(|check| {
            let first = facts.legs(*check).iter().find_map(|leg| facts.forward(leg).first.get());
            first.is_some_and(|first| first.at() < mark.at())
        });
        if known {
            pool.turned_away.entry(facts.service_of(id)).or_default().push(id);
        }
    }
}

/// Whether a host calls itself.
fn over_lo(trace: &Trace, leg: &Leg) -> bool {
    trace.path(leg, trace.forward(leg)).any(|(_, hop)| hop.link.is_loopback())
}

/// The host that turned a client away by itself, without asking anybody, and when.
fn turned_away(facts: &Facts, id: ConnectionId) -> Option<(HostId, Mark)> {
    if facts.connection(id).outcome == Outcome::Refused {
        let (host, leg) = refuser(facts, id).filter(|(_, leg)| !over_lo(facts, leg))?;
        return Some((host, facts.reply(leg).rst));
    }
    let pairs = &facts.pairs;
    if pairs.carried.contains_key(&id.0) || pairs.attempts.contains_key(&id.0) {
        return None;
    }
    let (leg, spoken, status) = server_error(facts, id)?;
    if over_lo(facts, leg) {
        return None;
    }
    let host = facts.host_by_ip(facts.service(id).vip)?;
    (status == UNAVAILABLE).then_some((host, spoken.mark))
}
