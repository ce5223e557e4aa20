//! What captures do not show, so that nothing may be called well: answers of a real server, connections that pass no
//! captured director, those of which a reset is all there is, and how neighbours find the VIP.

use crate::breaks::{Fate, is_unknown_to_server};
use crate::diagnose::Facts;
use crate::flow::{Observations, VantageId};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Mac};
use std::collections::{BTreeMap, BTreeSet};

/// Whether no answer of a real server is in the captures where answers pass the director by: that
/// those of another are says nothing of it.
pub(super) fn unheard_server(trace: &Trace) -> bool {
    let mut heard: BTreeMap<(ServiceId, Option<u16>), bool> = BTreeMap::new();
    let past = |id| matches!(trace.service(id).mode, Mode::Dr | Mode::Tun);
    let one_way = |id| past(id) && !trace.service(id).is_backend;
    for (id, _) in trace.requests().filter(|(id, c)| c.protocol.is_tcp() && one_way(*id)) {
        let server = trace.topology.server_of[id.0 as usize];
        *heard.entry((trace.service_of(id), server)).or_default() |=
            !trace.route(id).back.is_empty();
    }
    heard.values().any(|heard| !heard)
}

/// Whether connections to a balanced service are seen elsewhere and at no director, though all that are known of it
/// were captured.
pub(super) fn passed_no_director(trace: &Trace) -> bool {
    trace.requests().any(|(id, _)| {
        let service = trace.service(id);
        let is_director = |host: Option<HostId>| host.is_some_and(|h| service.is_director(h));
        let balanced = service.mode != Mode::Unknown && !service.is_backend;
        let route = trace.route(id);
        let mut steps = route.forward.iter().chain(&route.back);
        balanced
            && service.directors.iter().all(|director| trace.is_captured(director.host))
            && !trace.legs(id).iter().any(|leg| is_director(trace.host_of(leg)))
            && !steps.any(|step| is_director(step.from) || is_director(step.to))
    })
}

/// Whether a kernel reset segments of connections that it does not have, of which nothing else is seen.
pub(super) fn strangers_reset(facts: &Facts) -> bool {
    let untold = |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Untold;
    facts.requests().map(|(id, _)| id).filter(untold).any(|id| is_unknown_to_server(facts, id))
}

/// Whether no director of a balanced service was captured: what happens before
/// and at it is then unknown.
pub(super) fn director_missing(trace: &Trace) -> bool {
    let balanced =
        trace.topology.services.iter().filter(|s| s.mode != Mode::Unknown && !s.is_backend);
    balanced.into_iter().any(|s| !s.directors.iter().any(|d| trace.is_captured(d.host)))
}

/// Whether a balanced service never shows an answer: then nobody knows.
pub(super) fn unanswered_service(trace: &Trace) -> bool {
    let mut answered: Vec<Option<bool>> = vec![None; trace.topology.services.len()];
    for (id, connection) in trace.requests() {
        let p = connection.progress;
        let seen = p.response || p.established || p.answered;
        let slot = &mut answered[trace.service_of(id).0 as usize];
        *slot = Some(slot.unwrap_or(false) || seen);
    }
    let services = trace.topology.services.iter().zip(answered);
    services
        .into_iter()
        .any(|(s, seen)| s.mode != Mode::Unknown && !s.is_backend && seen == Some(false))
}

/// A host that forwards asks again for a neighbour that it sends to (Linux: `base_reachable_time_ms` of 30 s, at most
/// half as much again, and `delay_first_probe_time` of 5 s; what it only passes on confirms nobody). Over so long a
/// capture without a question has a filter that leaves them out, nanoseconds.
const ASKED_WITHIN_NS: i64 = 120_000_000_000;

/// Whether a capture of a director that rewrites no address holds none of the questions and answers by which neighbours
/// find the VIP, though it must have asked some itself: then nothing shows who else answers for it.
pub(super) fn neighbors_left_out(trace: &Trace) -> bool {
    let long = |v: &VantageId| {
        let vantage = &trace.vantages[v.index()];
        vantage.end.0.saturating_sub(vantage.start.0) >= ASKED_WITHIN_NS
    };
    let forwards = |host: HostId| trace.topology.hosts.get(host).vantages.iter().any(long);
    let one_link = trace.topology.services.iter().filter(|s| s.mode == Mode::Dr && !s.is_backend);
    no_neighbors(trace) && one_link.flat_map(|s| &s.directors).any(|d| forwards(d.host))
}

/// What is called well and was not looked at, as no capture has a frame that would show it: who answers for a service's
/// address, and whether several directors hold it.
pub(super) fn not_looked_at(trace: &Trace) -> Option<String> {
    let vips: BTreeSet<Ip> = trace
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend && s.mode.is_layer_4())
        .map(|s| s.vip)
        .collect();
    let vips: Vec<String> = vips.iter().map(Ip::to_string).collect();
    (no_neighbors(trace) && !vips.is_empty()).then(|| {
        format!(
            "; who answers for {} by ARP was not looked at, as no capture has any ('arp or icmp6' in the filter)",
            super::super::words::list(&vips)
        )
    })
}

/// Who of several holds an address that no capture has an advertisement of: what decides between them was not looked at.
pub(super) fn vrrp_left_out(trace: &Trace) -> Option<String> {
    if trace.vantages.iter().any(|vantage| !vantage.vrrp.is_empty()) {
        return None;
    }
    let (vip, hosts) = held_by_several(trace)?;
    Some(format!(
        "; {vip} is held by {} in turn, and what decides between them was not looked at, as no capture has any VRRP ('arp or vrrp' in the filter)",
        super::super::words::list(&hosts)
    ))
}

/// An address that went from one MAC to another and back, or that two directors served, with whose it was.
fn held_by_several(trace: &Trace) -> Option<(Ip, Vec<String>)> {
    let mut held: BTreeMap<Ip, Vec<Mac>> = BTreeMap::new();
    let mut ids: Vec<(i64, ConnectionId)> =
        trace.requests().filter_map(|(id, _)| Some((trace.time(trace.start(id)?).0, id))).collect();
    ids.sort_unstable();
    for (_, id) in ids {
        let c = trace.connection(id);
        let answered = c.protocol.is_tcp() && c.progress.answered;
        let Some(mac) = owner(trace, id).filter(|_| answered && c.back.is_none()) else { continue };
        let turns = held.entry(c.front.server.0).or_default();
        if turns.last() != Some(&mac) {
            turns.push(mac);
        }
    }
    held.into_iter().find_map(|(vip, turns)| {
        let macs: BTreeSet<Mac> = turns.iter().copied().collect();
        // Once there and back: one change may be a new network card or a server that is replaced.
        let back = turns.len() > macs.len() && (2..=3).contains(&macs.len());
        // Who takes each connection anew is balanced, and not handed over.
        let handed = turns.len() <= MOST_TURNS;
        (back && handed).then(|| (vip, macs.iter().map(Mac::to_string).collect()))
    })
}

/// More turns than this are no hand-overs. Judgement: a pair that flaps as often is seen by other means.
const MOST_TURNS: usize = 8;

/// The MAC that a client on the server's own link calls and that answers it, where it is no router's.
fn owner(trace: &Trace, id: ConnectionId) -> Option<Mac> {
    let leg = trace.legs(id).first()?;
    let vantage = trace.vantage(leg);
    let (there, back) =
        (vantage.first_hop(trace.forward(leg))?, vantage.first_hop(trace.reply(leg))?);
    let mac = back.link.src.filter(|mac| there.link.dst == Some(*mac) && !mac.is_vrrp())?;
    let host = trace.topology.hosts.get(trace.host_by_mac(Some(mac))?);
    let own = crate::topology::is_origin(back) && !host.next_hop && !host.fabric;
    (own && !vantage.own.has(mac)).then_some(mac)
}

/// Whether captures that show hardware addresses show nobody look for a neighbour.
fn no_neighbors(trace: &Trace) -> bool {
    let silent = |vantage: &Observations| {
        let n = &vantage.neighbors;
        n.bindings.is_empty() && n.asks.is_empty() && n.probes.is_empty()
    };
    let has_macs = |vantage: &Observations| vantage.hops.iter().any(|hop| hop.link.src.is_some());
    trace.vantages.iter().all(silent) && trace.vantages.iter().any(has_macs)
}
