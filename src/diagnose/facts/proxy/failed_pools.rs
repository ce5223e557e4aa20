//! Hosts that turn clients away while all the servers that they ask for their health fail.
//!
//! A balancer without a server that passes answers 503 or resets, by itself and at once. What
//! it asks, and what became of that, is in its own capture, beside the clients' connections.

use crate::breaks::{Fate, server_error};
use crate::capture::Timestamp;
use crate::correlate::{Leg, Outcome};
use crate::diagnose::facts::Facts;
use crate::diagnose::facts::refusal::own_refusals::refuser;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::flow::Mark;
use crate::topology::{HostId, Ordinary, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// Unavailable: no server (RFC 9110, section 15.6.4).
const UNAVAILABLE: u16 = 503;
/// Checks of several servers that begin within this time are one round of them, nanoseconds. Judgement: balancers check
/// each second at most.
const APART_NS: i64 = 900_000_000;

/// One host, and what it asks for in vain.
#[derive(Debug, Clone)]
pub(in crate::diagnose) struct FailedPool {
    /// Who asks.
    pub host: HostId,
    /// The checks, all failed, in order.
    pub checks: Vec<ConnectionId>,
    /// From when on they tell.
    since: Timestamp,
    /// The first that passes after them: from then on there is a server.
    until: Option<Timestamp>,
    /// Whom.
    pub servers: BTreeSet<(Ip, u16)>,
    /// A check of another server that passes.
    pub passing: Option<ConnectionId>,
    /// Clients that it turned away, by service.
    pub turned_away: BTreeMap<ServiceId, Vec<ConnectionId>>,
}

/// Whether a client was turned away with a reset, else with a status.
pub(in crate::diagnose) fn is_refusal(facts: &Facts, id: ConnectionId) -> bool {
    facts.connection(id).outcome == Outcome::Refused
}

/// All of them.
pub(in crate::diagnose::facts) fn all(facts: &Facts) -> Vec<FailedPool> {
    let mut asked: BTreeMap<(HostId, u16), Vec<ConnectionId>> = BTreeMap::new();
    let mut passing: BTreeMap<HostId, BTreeMap<(Ip, u16), ConnectionId>> = BTreeMap::new();
    for (id, c) in facts.iter() {
        if facts.ordinary(id) == Some(Ordinary::HealthCheck)
            && let Some(host) = facts.host_by_ip(c.front.client.0)
        {
            asked.entry((host, c.front.server.1)).or_default().push(id);
            if facts.breaks.fate(id) == Fate::Well {
                passing.entry(host).or_default().entry(c.front.server).or_insert(id);
            }
        }
    }
    let fails = |id: &ConnectionId| facts.breaks.fate(*id).is_harm();
    let mut pools: BTreeMap<HostId, FailedPool> = BTreeMap::new();
    for ((host, _), ids) in &mut asked {
        let Some(Fall { ids, since, until }) = longest_fall(facts, ids, fails) else { continue };
        let pool = pools.entry(*host).or_insert_with(|| FailedPool {
            host: *host,
            checks: Vec::new(),
            since,
            until,
            servers: BTreeSet::new(),
            passing: None,
            turned_away: BTreeMap::new(),
        });
        pool.since = pool.since.min(since);
        // Of pools on several ports the one that is without a server for longer tells.
        pool.until = pool.until.zip(until).map(|(a, b)| a.max(b));
        pool.servers.extend(ids.iter().map(|id| facts.connection(*id).front.server));
        pool.checks.extend(ids);
    }
    for pool in pools.values_mut() {
        let mut passing = passing.get(&pool.host).into_iter().flatten();
        pool.passing = passing.find(|(to, _)| !pool.servers.contains(to)).map(|(_, id)| *id);
    }
    if !pools.is_empty() {
        turn_away(facts, &mut pools);
    }
    // Whose clients a server serves meanwhile is not without one.
    for pool in pools.values_mut() {
        pool.turned_away.retain(|service, ids| !is_served_meanwhile(facts, *service, ids));
    }
    pools.retain(|_, pool| !pool.turned_away.is_empty());
    pools.into_values().collect()
}

/// Checks of a port that all failed, one after the other.
struct Fall<'a> {
    ids: &'a [ConnectionId],
    /// The first; where none passed before it, as long before as the next came after it: one that this capture began too
    /// late for had failed as well.
    since: Timestamp,
    /// When the next one passed.
    until: Option<Timestamp>,
}

/// The longest time in which every check of a port failed.
fn longest_fall<'a>(
    facts: &Facts,
    ids: &'a mut [ConnectionId],
    fails: impl Fn(&ConnectionId) -> bool,
) -> Option<Fall<'a>> {
    let begun = |id: &ConnectionId| {
        let firsts = facts.legs(*id).iter().filter_map(|leg| facts.forward(leg).first.get());
        firsts.map(Mark::at).min()
    };
    ids.sort_by_cached_key(|id| (begun(id), *id));
    let ids = &*ids;
    let mut at = 0;
    let runs = ids.chunk_by(|a, b| fails(a) == fails(b)).filter_map(|run| {
        let first = at == 0;
        at += run.len();
        let since = begun(run.first()?)?;
        let next = || run.iter().filter_map(begun).find(|at| at.0 - since.0 >= APART_NS);
        let before = if first { next().map_or(0, |next| next.0 - since.0) } else { 0 };
        let until = ids.get(at).and_then(begun);
        fails(&run[0]).then_some(Fall { ids: run, since: Timestamp(since.0 - before), until })
    });
    runs.max_by_key(|fall| fall.ids.len()).filter(|fall| fall.ids.len() >= NO_COINCIDENCE)
}

/// Whether a real server served a client of a service between the first that was turned away and the last.
fn is_served_meanwhile(facts: &Facts, service: ServiceId, turned_away: &[ConnectionId]) -> bool {
    let began = |id: ConnectionId| {
        let leg = facts.legs(id).first()?;
        Some((leg.vantage, facts.forward(leg).first.get()?.at().0))
    };
    let times = || turned_away.iter().filter_map(|id| began(*id));
    let Some((vantage, first)) = times().min_by_key(|(_, at)| *at) else { return false };
    let last = times().map(|(_, at)| at).max().unwrap_or(first);
    let by_a_server = |id: ConnectionId| facts.pairs.backends.contains_key(&id.0);
    facts.requests_to(service).any(|(id, _)| {
        facts.breaks.fate(id) == Fate::Well
            && by_a_server(id)
            && began(id).is_some_and(|(v, at)| v == vantage && (first..=last).contains(&at))
    })
}

fn turn_away(facts: &Facts, pools: &mut BTreeMap<HostId, FailedPool>) {
    for (id, c) in facts.requests() {
        let Some((host, mark)) = turned_away(facts, id) else { continue };
        let asks = facts.host_by_ip(c.front.client.0);
        let Some(pool) = pools.get_mut(&host).filter(|_| asks != Some(host)) else { continue };
        // Before the first check nothing was known.
        let over = pool.until.is_some_and(|until| until < mark.at());
        if !over && pool.since < mark.at() {
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
    if is_refusal(facts, id) {
        let (host, leg) = refuser(facts, id).filter(|(_, leg)| !over_lo(facts, leg))?;
        return Some((host, facts.reply(leg).rst));
    }
    let pairs = &facts.pairs;
    // A server of its own on loopback, which has no other use than to say sorry, is the host itself.
    let own = |at: &usize| {
        let asked = pairs.exchanges.get(*at).map(|e| facts.connection(ConnectionId(e.connection)));
        asked.is_some_and(|c| c.front.server.0.addr().is_loopback())
    };
    let carried = pairs.carried.get(&id.0);
    if !carried.is_none_or(|all| all.iter().all(own)) || pairs.attempts.contains_key(&id.0) {
        return None;
    }
    let (leg, spoken, status) = server_error(facts, id)?;
    if carried.is_none() && over_lo(facts, leg) {
        return None;
    }
    let host = facts.host_by_ip(facts.service(id).vip)?;
    (status == UNAVAILABLE).then_some((host, spoken.mark))
}
