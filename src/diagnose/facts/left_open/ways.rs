//! Ways that lines without hardware addresses leave open: who got a packet first, who sent it on.

use super::{ASKED, Fits, is_untold};
use crate::correlate::Leg;
use crate::diagnose::facts::Facts;
use crate::diagnose::thresholds::SCHEDULER_IMBALANCE_MIN_CONNECTIONS;
use crate::flow::VantageId;
use crate::hashed::HashSet;
use crate::topology::{Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a leg's lines show one packet of the client twice, as where it is handed on.
fn is_twice(trace: &Trace, leg: &Leg) -> bool {
    let flow = trace.forward(leg);
    let copied = trace.path(leg, flow).any(|(link, _)| link.copies > 0);
    is_untold(trace.vantage(leg)) && (copied || flow.syns > 1 && quickly(trace, leg))
}

/// A SYN that came again before anybody could have waited for an answer.
fn quickly(trace: &Trace, leg: &Leg) -> bool {
    let flow = trace.forward(leg);
    let answered = trace.reply(leg).syn;
    let again = trace.path(leg, flow).map(|(link, _)| link).filter(|link| link.syns > 1);
    again.into_iter().any(|_| flow.ack.is_set() && !answered.is_set())
}

/// Connections whose forwarding is not told.
fn untold<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = ConnectionId> + 'a {
    let open = |id: &ConnectionId| matches!(facts.service(*id).mode, Mode::Unknown | Mode::Dr);
    facts.requests().map(|(id, _)| id).filter(open).take(ASKED)
}

/// A packet stands twice in one capture: a director hands it on, or a real server does that got
/// it in the director's place.
pub(super) fn twice_in_one_capture(facts: &Facts<'_>) -> Fits {
    untold(facts).find_map(|id| {
        let leg = facts.legs(id).iter().find(|leg| is_twice(facts, leg))?;
        let at = facts.at(leg, facts.forward(leg).first.get()?);
        let why = "the client's packets stand twice in one capture, so a host hands them on: it is this if that host is a real server and hands them to the director".to_owned();
        Some((at, why))
    })
}

/// Connections of one service that miss the capture in which others of it are handed on.
pub(super) fn passed_by(facts: &Facts<'_>) -> Fits {
    let mut passed: BTreeMap<ServiceId, Vec<(ConnectionId, BTreeSet<VantageId>)>> = BTreeMap::new();
    let mut handed: BTreeMap<ServiceId, BTreeSet<VantageId>> = BTreeMap::new();
    for id in untold(facts) {
        let service = facts.service_of(id);
        let legs = facts.legs(id);
        let all = legs.iter().map(|leg| leg.vantage).collect();
        passed.entry(service).or_default().push((id, all));
        let twice = legs.iter().filter(|leg| is_twice(facts, leg)).map(|leg| leg.vantage);
        handed.entry(service).or_default().extend(twice);
    }
    passed.iter().find_map(|(service, all)| {
        let handed = handed.get(service)?;
        all.iter().find_map(|(id, seen)| {
            let missed = handed.iter().find(|v| !seen.contains(v))?;
            let during = |leg: &&Leg| {
                let (v, time) = (&facts.vantages[missed.index()], facts.forward(leg).first.at());
                v.start <= time && time <= v.end && leg.vantage != *missed
            };
            let leg = facts.legs(*id).iter().find(during)?;
            let at = facts.at(leg, facts.forward(leg).first.get()?);
            let why = format!("this connection is not in {}, where others of the service are handed on: it is this if that is the director's", facts.vantages[missed.index()].label);
            Some((at, why))
        })
    })
}

/// Connections of a server, and the first.
type Share = (u64, ConnectionId);

/// One real server has nearly all connections, and another one answers on that port.
pub(super) fn one_for_all(facts: &Facts<'_>) -> Fits {
    let mut shares: BTreeMap<ServiceId, BTreeMap<(Ip, u16), Share>> = BTreeMap::new();
    for (id, c) in facts.requests().take(ASKED) {
        let Some(back) = c.back.filter(|back| back.server != c.front.server) else { continue };
        let own = shares.entry(facts.service_of(id)).or_default();
        own.entry(back.server).or_insert((0, id)).0 += 1;
    }
    // Who answers on a port, each once, in the order in which they are called.
    let mut answering: BTreeMap<u16, Vec<Ip>> = BTreeMap::new();
    if !shares.is_empty() {
        let mut known: HashSet<(Ip, u16)> = HashSet::default();
        for (_, c) in facts.iter().filter(|(_, c)| c.progress.answered) {
            if known.insert(c.front.server) {
                answering.entry(c.front.server.1).or_default().push(c.front.server.0);
            }
        }
    }
    shares.values().find_map(|own| {
        let all: u64 = own.values().map(|(n, _)| n).sum();
        let (server, (most, first)) = own.iter().max_by_key(|(_, (n, _))| *n)?;
        if all < SCHEDULER_IMBALANCE_MIN_CONNECTIONS || most * 10 < all * 9 {
            return None;
        }
        let mut others = answering.get(&server.1)?.iter();
        let other = others.find(|ip| !own.contains_key(&(**ip, server.1)))?;
        let leg = facts.back_legs(*first).next()?;
        let at = facts.at(leg, facts.forward(leg).first.get()?);
        let why = format!("{most} of {all} connections go to {}, and {} answers on that port as well: it is this if both are real servers of one weight", server.0, other);
        Some((at, why))
    })
}

/// Both addresses are rewritten: whether the client is named to the real server is in a TCP option.
pub(super) fn both_rewritten(facts: &Facts<'_>) -> Fits {
    let (id, _) = facts.requests().take(ASKED).find(|(id, c)| {
        facts.service(*id).mode == Mode::FullNat && c.protocol.is_tcp() && c.back.is_some()
    })?;
    let leg = facts.back_legs(id).next()?;
    let data = facts.forward(leg).data;
    let at = facts.at(leg, data.get().or(facts.forward(leg).first.get())?);
    let why = "the real server gets it from the director's address: who the client is stands in a TCP option, if at all, whose contents are not printed".to_owned();
    Some((at, why))
}
