//! Health checks that say nothing of themselves.
//!
//! Those of a proxy are never answered well: a host that serves clients itself asks others the same, as
//! regularly as a clock, and each answer is an HTTP error. What a proxy asks for its clients comes when
//! they come, and differs; and where such a question was a client's, the pair that it makes says so before
//! this is asked. Or none of them is accepted: it calls several servers on one port so, and not one of them
//! ever takes a connection.
//!
//! Those of a balancer that calls servers from its own address for its clients as well are the empty ones of
//! its connections there: each opened and reset at once by who opened it, at one pace.
//!
//! Those of who otherwise says so fail before anything is said: a server that is still starting refuses them.

use super::beat::Beat;
use super::waits::Waits;
use super::{HostId, Topology};
use crate::correlate::{Connection, Connections, Outcome};
use crate::flow::{Mark, Observations, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// One question that was answered with an error: when, and how many bytes went either way.
type Asked = (Mark, u64, u64);

/// Who asks whom: the client's address, the server's address and port.
pub(super) type Pair = (Ip, Ip, u16);

/// The pair of a connection, as the client names it.
pub(super) fn pair(connection: &Connection) -> Pair {
    (connection.front.client.0, connection.front.server.0, connection.front.server.1)
}

/// Who asks whom for its health, and is always told no.
pub(super) fn always_refused(
    vantages: &[Observations],
    connections: &Connections,
) -> HashSet<Pair> {
    if vantages.iter().all(|v| !v.side_tables.has_errors()) {
        return HashSet::default();
    }
    let tcp = || connections.list.iter().filter(|c| c.protocol.is_tcp());
    let serves: HashSet<Ip> =
        tcp().filter(|c| c.progress.answered).map(|c| c.front.server.0).collect();
    let mut asked: HashMap<Pair, Option<Vec<Asked>>> = HashMap::default();
    for c in tcp().filter(|c| serves.contains(&c.front.client.0) && c.back.is_none()) {
        let error = connections.legs(c).iter().find_map(|leg| {
            let v = &vantages[leg.vantage.index()];
            v.side_tables.first_error(leg.stream)?;
            let (there, back) = (leg.forward(vantages), leg.reply(vantages));
            Some((there.data.get()?, there.payload, back.payload))
        });
        let list = asked.entry(pair(c)).or_insert_with(|| Some(Vec::new()));
        match (error, list.as_mut()) {
            (Some(one), Some(list)) => list.push(one),
            _ => *list = None,
        }
    }
    let steady = asked.into_iter().filter(|(_, list)| list.as_deref().is_some_and(is_rhythm));
    steady.map(|(pair, _)| pair).collect()
}

/// Whether the same was asked and answered again and again at one pace.
fn is_rhythm(asked: &[Asked]) -> bool {
    let Some((_, there, back)) = asked.first() else { return false };
    asked.iter().all(|(_, t, b)| (t, b) == (there, back))
        && Mark::are_steady(asked.iter().map(|(mark, ..)| *mark).collect())
}

/// What a director asks another host on the port that it checks, in as many bytes as it checks with, is a check too: of
/// a server to which it sent no client. `known`: which connections are checks already.
pub(super) fn of_directors(
    vantages: &[Observations],
    connections: &Connections,
    topology: &Topology,
    known: &[bool],
) -> Vec<usize> {
    let directs = |ip: Ip| {
        let host = topology.hosts.by_ip(ip);
        host.is_some_and(|host| topology.services.iter().any(|s| s.is_director(host)))
    };
    let asked = |i: usize| {
        let c = &connections.list[i];
        let plain = c.protocol.is_tcp() && c.progress.established && c.back.is_none();
        let bytes = connections.legs(c).first().filter(|_| plain)?.forward(vantages).payload;
        Some((c.front.client.0, c.front.server.1, bytes))
    };
    let checks =
        (0..known.len()).filter(|i| known[*i] && directs(connections.list[*i].front.client.0));
    let checks: HashSet<_> = checks.filter_map(asked).collect();
    if checks.is_empty() {
        return Vec::new();
    }
    let balanced = |i: usize| {
        let service = topology.service_of[i];
        !topology.services[service.0 as usize].directors.is_empty()
    };
    let alike = |i: &usize| asked(*i).is_some_and(|asked| checks.contains(&asked));
    (0..known.len()).filter(|i| !known[*i] && !balanced(*i)).filter(alike).collect()
}

/// Servers that a host calls so or reaches on that port, at least: what one server is called for, again and
/// again, may be a program's own need.
const POOL: usize = 2;

/// Which hosts that serve call several on one port, and whom of them again and again at one pace without
/// ever being accepted.
pub(super) fn never_accepted(
    vantages: &[Observations],
    connections: &Connections,
    topology: &Topology,
) -> HashSet<Pair> {
    let tcp = || connections.list.iter().filter(|c| c.protocol.is_tcp());
    let vain = |c: &&Connection| matches!(c.outcome, Outcome::Refused | Outcome::Unanswered);
    let mut tried: HashMap<Pair, Vec<(VantageId, Mark)>> = HashMap::default();
    for c in tcp().filter(vain).filter(|c| c.back.is_none() && !c.has_self()) {
        let syn = || {
            let mut legs = connections.legs(c).iter();
            legs.find_map(|leg| Some((leg.vantage, leg.forward(vantages).syn.get()?)))
        };
        if topology.hosts.by_ip(c.front.client.0).is_some()
            && let Some(mark) = syn()
        {
            tried.entry(pair(c)).or_default().push(mark);
        }
    }
    tried.retain(|_, tries| Mark::are_steady(tries.iter().map(|(_, mark)| *mark).collect()));
    if tried.is_empty() {
        return HashSet::default();
    }
    for c in tcp().filter(|c| !vain(c)) {
        tried.remove(&pair(c));
    }
    let hosts = tried.keys().filter_map(|pair| topology.hosts.by_ip(pair.0)).collect();
    let waits = Waits::of(vantages, connections, topology, &hosts);
    let mut pools: HashMap<(HostId, u16), Vec<Pair>> = HashMap::default();
    for (pair, tries) in tried {
        if let Some(host) = topology.hosts.by_ip(pair.0)
            && !waits.hold_most(host, &tries)
        {
            pools.entry((host, pair.2)).or_default().push(pair);
        }
    }
    // Those of a pool that it does reach on that port are of the same pool.
    let mut reached: HashMap<(HostId, u16), HashSet<Ip>> = HashMap::default();
    for c in tcp().filter(|c| c.progress.established) {
        let (client, server) = (c.front.client.0, c.back.unwrap_or(c.front).server);
        let by = c.back.map_or(client, |back| back.client.0);
        if let Some(host) = topology.hosts.by_ip(by)
            && pools.contains_key(&(host, server.1))
        {
            reached.entry((host, server.1)).or_default().insert(server.0);
        }
    }
    pools.retain(|pool, pairs| pairs.len() + reached.get(pool).map_or(0, HashSet::len) >= POOL);
    if !pools.is_empty() {
        let serving = tcp().filter(|c| c.progress.answered || c.outcome == Outcome::Refused);
        let serve: HashSet<HostId> =
            serving.filter_map(|c| topology.hosts.by_ip(c.front.server.0)).collect();
        pools.retain(|(host, _), _| serve.contains(host));
    }
    pools.into_values().flatten().collect()
}

/// Accepted, and nobody said a word.
pub(super) fn is_empty_exchange(connection: &Connection) -> bool {
    let progress = connection.progress;
    progress.answered && !progress.request && !progress.response
}

/// From the SYN of a check to its reset at most, nanoseconds: a client whose SYN-ACK comes late may have given up, and
/// resets it then. Judgement: half of what a kernel waits before it sends its SYN again.
const SOON_NS: i64 = 500_000_000;

/// Connections that a client resets as soon as they stand, or would, at one pace, beside others of its own to the
/// same server that bring it something; pairs that do nothing else are known as `habits`. Who meets somebody
/// else's answer resets it as well, but not by a clock. What is in vain in step with them is a check, too.
pub(super) fn beats(
    vantages: &[Observations],
    connections: &Connections,
    habits: &HashSet<Pair>,
) -> HashSet<u32> {
    let mut served: HashSet<Pair> = HashSet::default();
    let mut beats: HashMap<Pair, Beat> = HashMap::default();
    let all = || (0u32..).zip(&connections.list).filter(|(_, c)| c.protocol.is_tcp());
    let alone = |c: &Connection| c.back.is_none() && !c.has_self();
    for (index, c) in all() {
        if c.progress.response {
            served.insert(pair(c));
        }
        if !is_empty_exchange(c) || c.progress.syns > 1 || !alone(c) {
            continue;
        }
        let opened = connections.legs(c).iter().filter(|leg| leg.tuple == 0).find_map(|leg| {
            let (there, back) = (leg.forward(vantages), leg.reply(vantages));
            let ends = back.accepted()
                && !back.rst.is_set()
                && there.rst.is_set()
                && there.rst.since(there.syn) < SOON_NS;
            there.syn.get().filter(|_| ends)
        });
        if let Some(mark) = opened
            && !habits.contains(&pair(c))
        {
            beats.entry(pair(c)).or_default().accepted.push((index, mark));
        }
    }
    beats.retain(|pair, _| served.contains(pair));
    if !beats.is_empty() {
        let vain = |c: &Connection| matches!(c.outcome, Outcome::Refused | Outcome::Unanswered);
        for (index, c) in all().filter(|(_, c)| vain(c) && alone(c)) {
            let syn = || connections.legs(c).iter().find_map(|leg| leg.forward(vantages).syn.get());
            if let Some(beat) = beats.get_mut(&pair(c))
                && let Some(mark) = syn()
            {
                beat.vain.push((index, mark));
            }
        }
    }
    beats.into_values().filter_map(Beat::checks).flatten().collect()
}

/// Who asks whom for its health, says so, and asks nothing else.
pub(super) fn of_probers(vantages: &[Observations], connections: &Connections) -> HashSet<Pair> {
    let asking = || connections.list.iter().filter(|c| c.protocol.is_tcp() && c.progress.request);
    let says = |c: &&Connection| {
        connections
            .legs(c)
            .iter()
            .any(|leg| vantages[leg.vantage.index()].side_tables.is_probe(leg.stream) == Some(true))
    };
    let mut probing: HashSet<Pair> = asking().filter(says).map(pair).collect();
    if !probing.is_empty() {
        for c in asking().filter(|c| !says(c)) {
            probing.remove(&pair(c));
        }
    }
    probing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn asked(seconds: &[f64], bytes: u64) -> Vec<Asked> {
        let at = |(i, s): (usize, &f64)| Mark::new(i as u32 + 1, Timestamp((s * 1e9) as i64));
        seconds.iter().enumerate().map(|one| (at(one), bytes, 122)).collect()
    }

    #[test]
    fn the_same_at_one_pace_is_a_check() {
        assert!(is_rhythm(&asked(&[0.0, 2.0, 4.01, 6.0], 26)));
    }

    #[test]
    fn one_pace_is_told_from_none() {
        let marks = |seconds: &[f64]| asked(seconds, 0).into_iter().map(|one| one.0).collect();
        assert!(Mark::are_steady(marks(&[0.0, 5.0, 10.2, 15.1])));
        assert!(!Mark::are_steady(marks(&[0.0, 5.0, 10.0])));
        // A client that calls again waits longer each time.
        assert!(!Mark::are_steady(marks(&[0.0, 1.0, 3.0, 7.0, 15.0])));
    }

    #[test]
    fn what_comes_as_clients_come_or_differs_is_none() {
        assert!(!is_rhythm(&asked(&[0.0, 2.0, 2.5, 6.0], 26)));
        assert!(!is_rhythm(&asked(&[0.0, 2.0, 4.0], 26)));
        let mut mixed = asked(&[0.0, 2.0, 4.0, 6.0], 26);
        mixed[2].1 = 40;
        assert!(!is_rhythm(&mixed));
    }
}
