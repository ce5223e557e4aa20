//! Real servers that are asked for by ARP or neighbour discovery in vain, and the
//! connections that wait for them. Whether the server is down or was taken out of the
//! table is decided in `decide/refusal.rs`.

use super::asks::asked_here;
use super::prompts::{Asks, Waiting};
use super::waiting_answers::serves_itself;
use crate::correlate::{Connection, Leg};
use crate::diagnose::facts::connection::telling;
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::facts::refusal::refusals::{Refusal, Says};
use crate::diagnose::facts::state::used_ports::{self, Pinned};
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{
    ARP_WAIT_NS, MISSING_NEIGHBOURS_PATIENCE_NS, MISSING_NEIGHBOURS_PROMPT_NS,
    MISSING_NEIGHBOURS_ROUND, MISSING_NEIGHBOURS_TOLD, NO_COINCIDENCE,
};
use crate::flow::{Ask, VantageId};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// Connections that are looked at for whom the director asks: more say the same.
const LOOKED: usize = 4096;

/// Failed connections whose SYN went nowhere.
pub(in crate::diagnose) fn failed(
    trace: &Trace,
) -> impl Iterator<Item = (ConnectionId, &Connection)> {
    trace.requests().filter(|(id, c)| {
        c.protocol.is_tcp() && c.outcome.failed() && !c.progress.answered && trace.went_nowhere(*id)
    })
}

/// Connections of a service whose real server is not on the wire.
#[derive(Debug)]
pub(in crate::diagnose) struct Missing {
    pub service: ServiceId,
    pub ids: Vec<ConnectionId>,
    /// The addresses that were asked for in vain.
    pub targets: Vec<Ip>,
    /// It is sure that these were asked for on account of the connections.
    pub distinct: bool,
    pub director: Option<HostId>,
    /// The director says so to the client, too.
    pub said: bool,
    /// Nothing shows that the host which asks is a director: it keeps the SYNs, and asks.
    pub by_a_node: bool,
    /// The SYN that made it ask first, of a connection whose repeat was sent elsewhere.
    pub prompt: Option<At>,
    /// All of them are of client ports that had a connection before, of one real server.
    pub pinned: Option<Pinned>,
}

/// All of them, by service.
pub(in crate::diagnose) fn all(facts: &Indexed<'_>, asks: &Asks<'_>) -> Vec<Missing> {
    let mut sets: BTreeMap<ServiceId, Vec<ConnectionId>> = BTreeMap::new();
    for (id, _) in failed(facts) {
        if told(facts, id).is_some() || !in_vain(facts, id, asks).asks.is_empty() {
            sets.entry(facts.service_of(id)).or_default().push(id);
        }
    }
    let waiting = Waiting::new(sets.iter().flat_map(|(service, ids)| {
        let legs = ids.iter().flat_map(|id| facts.legs(*id));
        legs.map(|leg| (leg.vantage, facts.forward(leg).syn, *service))
    }));
    let judged: Vec<(Missing, Linked)> =
        sets.into_iter().map(|(service, ids)| judge(facts, service, ids, asks, &waiting)).collect();
    // An address that one service's SYNs made the director ask for is asked for on account
    // of the others', too.
    let sure: BTreeSet<Ip> =
        judged.iter().filter(|(_, l)| l.is_any()).flat_map(|(m, _)| m.targets.clone()).collect();
    let shares = |m: &Missing| m.targets.iter().any(|ip| sure.contains(ip));
    let found = judged.into_iter().filter(|(m, linked)| linked.is_any() || shares(m));
    let pin = |(mut missing, linked): (Missing, Linked)| {
        let of = |targets: &[Ip]| used_ports::pinned(facts, missing.service, &missing.ids, targets);
        let mut pinned = of(&missing.targets);
        // What none of these SYNs made the director ask for may be another service's server: the
        // ports that all of them share tell more.
        if pinned.is_none() && !linked.prompted {
            pinned = of(&[]).filter(|p| p.fresh >= NO_COINCIDENCE);
            if pinned.is_some() {
                missing.targets.clear();
            }
        }
        missing.pinned = pinned;
        missing
    };
    found.map(pin).collect()
}

/// What shows that questions are asked on account of a service's connections.
#[derive(Debug, Clone, Copy)]
struct Linked {
    /// The director tells a client that it finds nobody.
    told: bool,
    /// A SYN made it ask.
    prompted: bool,
}

impl Linked {
    fn is_any(self) -> bool {
        self.told || self.prompted
    }
}

/// Host unreachable, after a while, in the name of the VIP: whoever has the VIP
/// says it of somebody behind. Of the VIP itself only a router could say it.
fn told(trace: &Trace, id: ConnectionId) -> Option<Refusal<'_>> {
    let vip = trace.connection(id).front.server.0;
    trace.refusals(id).find(|r| {
        r.says == Says::Host
            && r.error.src == vip
            && r.after_ns.is_some_and(|ns| ns >= MISSING_NEIGHBOURS_PATIENCE_NS)
    })
}

/// What the director asked for in vain while it held a connection's SYN.
#[derive(Debug, Default)]
struct InVain<'a> {
    director: Option<HostId>,
    asks: Vec<(VantageId, &'a Ask)>,
    /// The director says so to the client, too.
    told: bool,
    /// This very SYN made the director ask.
    prompted: bool,
    /// See [`Missing::by_a_node`].
    by_a_node: bool,
}

fn in_vain<'a>(trace: &Indexed<'_>, id: ConnectionId, asks: &Asks<'a>) -> InVain<'a> {
    let vip = trace.connection(id).front.server.0;
    let service = trace.service(id);
    for leg in trace.legs(id).iter().filter(|leg| leg.tuple == 0) {
        let v = leg.vantage;
        let Some(host) = trace.host_of(leg).filter(|_| trace.kept_at(id, v)) else { continue };
        let told = trace
            .refusals(id)
            .find(|r| r.says == Says::Host && r.vantage == v && trace.sent_here(r));
        let owner = service.is_director(host)
            || told.is_some_and(|r| r.error.src == vip)
            || (told.is_some() && trace.topology.hosts.claims_ip(host, vip));
        if !owner && (service.mode != Mode::Unknown || waits_for_client(trace, id, leg, asks)) {
            continue;
        }
        // Who answers others by itself looks for the way of its answers.
        if !owner && serves_itself(trace, trace.service_of(id), host) {
            continue;
        }
        let fits = |ask: &&'a Ask| {
            let own = asked_here(&trace.vantages[v.index()], ask);
            let way = owner || is_way_on(trace, id, ask);
            own && way && ask.target != vip && is_for(trace, leg, told.as_ref(), ask)
        };
        let (from, to) = match &told {
            Some(refusal) => {
                let said = refusal.error.mark.at().0;
                (said.saturating_sub(ARP_WAIT_NS), said)
            }
            None => around(trace, leg),
        };
        let open = asks.open(v, from, to);
        let mut found: Vec<(VantageId, &Ask)> = open.filter(fits).map(|ask| (v, ask)).collect();
        // Who calls is asked for on account of what goes back.
        let calls = |ask: &Ask| trace.requests_from(ask.target).len() > 0;
        if found.iter().any(|(_, ask)| !calls(ask)) {
            found.retain(|(_, ask)| !calls(ask));
        }
        if !found.is_empty() {
            let prompted = found.iter().any(|(_, ask)| is_prompt(trace, leg, ask));
            return InVain {
                director: Some(host),
                asks: found,
                told: told.is_some(),
                prompted,
                by_a_node: !owner,
            };
        }
    }
    InVain::default()
}

/// Whether a question may be for whom a packet is to be sent on to: not for the client or
/// in the name of the service, as one for the way of an answer is.
fn is_way_on(trace: &Trace, id: ConnectionId, ask: &Ask) -> bool {
    let front = trace.connection(id).front;
    ask.count >= MISSING_NEIGHBOURS_ROUND
        && ask.target != front.client.0
        && ask.asker != front.server.0
}

/// Whether it is the client that a host asks for in vain: what it would answer cannot leave.
fn waits_for_client(trace: &Trace, id: ConnectionId, leg: &Leg, asks: &Asks<'_>) -> bool {
    let client = trace.connection(id).front.client.0;
    let (from, to) = around(trace, leg);
    asks.open(leg.vantage, from, to).any(|ask| {
        ask.target == client && (is_prompt(trace, leg, ask) || is_during(trace, leg, ask))
    })
}

/// When what is asked on account of a SYN is first asked, or asked again: by the vantage's clock, nanoseconds.
fn around(trace: &Trace, leg: &Leg) -> (i64, i64) {
    let syn = trace.forward(leg).syn.at().0;
    (syn, syn.saturating_add(MISSING_NEIGHBOURS_PROMPT_NS))
}

/// Whether a question was asked for a connection's SYN: the error follows the
/// last question; without an error, the SYN prompts the first or falls among them.
fn is_for(trace: &Trace, leg: &Leg, told: Option<&Refusal<'_>>, ask: &Ask) -> bool {
    let there = trace.forward(leg);
    match told {
        Some(refusal) => {
            ask.first.since(refusal.error.mark) < 0
                && ask.last.since(there.syn) >= 0
                && refusal.error.mark.since(ask.last) <= ARP_WAIT_NS
        }
        None => is_prompt(trace, leg, ask) || (is_during(trace, leg, ask) && there.syns > 1),
    }
}

/// Whether a SYN made the director ask for the first time.
fn is_prompt(trace: &Trace, leg: &Leg, ask: &Ask) -> bool {
    (0..=MISSING_NEIGHBOURS_PROMPT_NS).contains(&ask.first.since(trace.forward(leg).syn))
}

/// Whether the director had asked before a SYN and asked again after it.
fn is_during(trace: &Trace, leg: &Leg, ask: &Ask) -> bool {
    let syn = trace.forward(leg).syn;
    ask.first.since(syn) < 0 && ask.last.since(syn) >= 0
}

/// What a service's failed connections wait for, and what shows that it is on their account.
fn judge(
    trace: &Indexed<'_>,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    asks: &Asks<'_>,
    waiting: &Waiting,
) -> (Missing, Linked) {
    let looked = &ids[..ids.len().min(LOOKED)];
    let vain: Vec<InVain<'_>> = looked.iter().map(|id| in_vain(trace, *id, asks)).collect();
    // Without its word, a director may ask on another account all the while.
    // Those whose repeat was sent elsewhere made it ask as well.
    let healed = |id: ConnectionId| {
        let mut asks = vain.iter().flat_map(|x| &x.asks);
        asks.find_map(|(v, ask)| {
            let mut legs = trace.legs(id).iter().filter(|leg| leg.tuple == 0 && leg.vantage == *v);
            let leg = legs.find(|leg| is_prompt(trace, leg, ask))?;
            Some(trace.at(leg, trace.forward(leg).syn))
        })
    };
    let again = |c: &Connection| c.progress.established && c.progress.syns > 1;
    let mut later = trace.requests_to(service).filter(|(_, c)| again(c)).take(LOOKED);
    let prompt = later.find_map(|(id, _)| healed(id));
    let linked = Linked {
        told: vain.iter().any(|x| x.told) || looked.iter().any(|id| told(trace, *id).is_some()),
        prompted: vain.iter().any(|x| x.prompted) || prompt.is_some(),
    };
    let (targets, distinct) = targets(service, &vain, waiting);
    let director = vain.iter().find_map(|x| x.director);
    let said = vain.iter().any(|x| x.told);
    let by_a_node = vain.iter().any(|x| x.by_a_node);
    let missing = Missing {
        service,
        ids,
        targets,
        distinct,
        director,
        said,
        by_a_node,
        prompt,
        pinned: None,
    };
    (missing, linked)
}

/// The addresses that were asked for on account of the connections, and whether
/// that is sure. Of several that do not answer, one may be asked for on another
/// account; those that a SYN prompted are not.
fn targets(service: ServiceId, vain: &[InVain<'_>], waiting: &Waiting) -> (Vec<Ip>, bool) {
    let list = |found: BTreeSet<Ip>| found.into_iter().collect::<Vec<Ip>>();
    let asks = || vain.iter().flat_map(|x| &x.asks);
    let all: BTreeSet<Ip> = asks().map(|(_, ask)| ask.target).collect();
    if all.len() < 2 {
        return (list(all), true);
    }
    let mut seen = BTreeSet::new();
    let (mut prompted, mut sure) = (BTreeSet::new(), true);
    for (v, ask) in asks().filter(|(v, ask)| seen.insert((*v, ask.target))) {
        let Some(alone) = waiting.prompted(*v, ask, service) else { continue };
        prompted.insert(ask.target);
        sure &= alone;
    }
    if prompted.is_empty() { (list(all), false) } else { (list(prompted), sure) }
}

/// The SYN, the questions, the error; the client's view where there is no other.
pub(in crate::diagnose) fn proofs(
    trace: &Indexed<'_>,
    missing: &Missing,
    asks: &Asks<'_>,
) -> Vec<Proof> {
    let ids = &missing.ids;
    let asked: Vec<ConnectionId> =
        ids.iter().copied().filter(|id| !in_vain(trace, *id, asks).asks.is_empty()).collect();
    let Some(id) = telling(trace, if asked.is_empty() { ids } else { &asked }) else {
        return Vec::new();
    };
    let vain = in_vain(trace, id, asks);
    let vantage = vain.asks.first().map(|(v, _)| *v);
    let refusal =
        trace.refusals(id).find(|r| r.says == Says::Host && vantage.is_none_or(|v| v == r.vantage));
    let at = vantage.or(refusal.as_ref().map(|r| r.vantage));
    let leg = trace.legs(id).iter().find(|leg| Some(leg.vantage) == at);
    let mut proofs: Vec<Proof> = leg
        .and_then(|leg| {
            trace.proof(leg, trace.forward(leg).syn, "the SYN, which goes on to nobody")
        })
        .into_iter()
        .collect();
    // Of what sticks to used ports no question tells the target.
    let meant = |(_, ask): &&(VantageId, &Ask)| {
        missing.targets.is_empty() || missing.targets.binary_search(&ask.target).is_ok()
    };
    for (vantage, ask) in vain.asks.iter().filter(meant).take(MISSING_NEIGHBOURS_TOLD) {
        let first =
            format!("who-has {} tell {}: the first of {}", ask.target, ask.asker, ask.count);
        proofs.push(Proof::on(*vantage, ask.first, first));
        let last = "the last, still no answer".to_owned();
        proofs.push(Proof::on(*vantage, ask.last, last));
    }
    proofs.extend(refusal.map(|r| {
        Proof::at(r.at(), format!("{}, host unreachable, from {}", r.name(), r.error.src))
    }));
    proofs
}
