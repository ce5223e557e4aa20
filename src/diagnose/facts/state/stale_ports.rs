//! UDP client ports whose datagrams go to a real server that answers no more, while the
//! same client's other ports are served.

use crate::capture::Timestamp;
use crate::correlate::{Connection, Leg};
use crate::diagnose::facts::address::asks::asked_here;
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::facts::refusal::refusals::Says;
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{
    STALE_PORTS_MIN_DATAGRAMS, STALE_PORTS_MIN_OPEN, STALE_PORTS_MIN_SILENT_NS,
};
use crate::flow::{Ask, VantageId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, Protocol};
use std::collections::BTreeMap;

/// All of them.
pub(in crate::diagnose) fn all<'a>(
    facts: &Indexed<'a>,
    unanswered: &[(VantageId, &'a Ask)],
) -> BTreeMap<ConnectionId, Stale<'a>> {
    let asked = |(id, c): &(ConnectionId, &Connection)| {
        c.protocol == Protocol::UDP && c.progress.request && is_balanced(facts, *id)
    };
    if !facts.requests().any(|one| asked(&one)) {
        return BTreeMap::new();
    }
    let asked = facts.requests().filter(asked);
    asked.filter_map(|(id, _)| Some((id, judge(facts, id, unanswered)?))).collect()
}

/// Whether a connection is to a service that a director sends on.
pub(in crate::diagnose) fn is_balanced(trace: &Trace, id: ConnectionId) -> bool {
    trace.service(id).mode.is_layer_4()
}

/// A client port whose datagrams go to a server that is gone.
#[derive(Debug)]
pub(in crate::diagnose) struct Stale<'a> {
    pub leg: &'a Leg,
    pub server: Option<Ip>,
    /// The director asks for it in vain.
    pub ask: Option<(VantageId, &'a Ask)>,
    /// Connections on new ports that others served meanwhile.
    pub fresh: usize,
    /// The director takes the datagrams in and sends neither them nor a question.
    pub withheld: bool,
}

fn judge<'a>(
    facts: &Indexed<'a>,
    id: ConnectionId,
    asks: &[(VantageId, &'a Ask)],
) -> Option<Stale<'a>> {
    let trace = facts.trace;
    let leg = trace.answer_vantage(id)?;
    let (there, back) = (facts.forward(leg), facts.reply(leg));
    let since = back.last.get().unwrap_or(there.first);
    let more = there.packets.saturating_sub(back.packets);
    if more < STALE_PORTS_MIN_DATAGRAMS || there.last.since(since) < STALE_PORTS_MIN_SILENT_NS {
        return None;
    }
    let (from, to) = (facts.time(facts.at(leg, since)), facts.time(facts.at(leg, there.last)));
    let sent = facts.server(id).and_then(|s| s.address);
    let ask = asks.iter().find(|(v, ask)| {
        let at = |mark| facts.time(At { vantage: *v, mark });
        let host = facts.host_of_vantage(*v);
        host.is_some_and(|h| facts.service(id).is_director(h))
            && (sent.is_none() || sent == Some(ask.target))
            && at(ask.last) >= from
            && at(ask.first) <= to
    });
    let ask = ask.copied().or_else(|| asks_again(trace, id, sent?, from));
    let server = sent.or(ask.map(|(_, ask)| ask.target));
    // Where nobody is ever answered, an answer that is missing tells nothing: the server
    // itself must be.
    let served = facts.requests_to(facts.service_of(id)).any(|(_, c)| c.progress.response);
    if !served && ask.is_none() {
        return None;
    }
    let fresh = fresh(facts, id, (server, served), from, to)?;
    let withheld = ask.is_none() && is_withheld(facts, id);
    Some(Stale { leg, server, ask, fresh, withheld })
}

/// A director's question for a server that had answered it before and does not any more.
pub(in crate::diagnose::facts) fn asks_again(
    trace: &Trace,
    id: ConnectionId,
    server: Ip,
    from: Timestamp,
) -> Option<(VantageId, &Ask)> {
    VantageId::each(&trace.vantages).find_map(|(v, vantage)| {
        trace.host_of_vantage(v).filter(|host| trace.service(id).is_director(*host))?;
        let open = |ask: &&Ask| {
            let late = trace.time(At { vantage: v, mark: ask.last }) >= from;
            ask.target == server && ask.open >= STALE_PORTS_MIN_OPEN && late
        };
        let mut asks = vantage.neighbors.asks.iter();
        let ask = asks.find(|ask| open(ask) && asked_here(vantage, ask))?;
        Some((v, ask))
    })
}

/// Whether datagrams went on coming in at a director after the last went out.
fn is_withheld(trace: &Trace, id: ConnectionId) -> bool {
    trace.service(id).directors.iter().filter_map(|d| passage(trace, id, d.host)).any(|p| {
        let (came, left) = (p.came.link.last, p.left.map(|left| left.link.last));
        left.is_some_and(|left| came.since(left) >= STALE_PORTS_MIN_SILENT_NS)
            && p.is_withheld(trace, id)
    })
}

/// How many of the client's connections on other ports began meanwhile and went to others,
/// who serve them where anybody is answered; `None` where one went to the same server, or
/// was not served.
fn fresh(
    facts: &Indexed<'_>,
    id: ConnectionId,
    (server, served): (Option<Ip>, bool),
    from: Timestamp,
    to: Timestamp,
) -> Option<usize> {
    let service = facts.service_of(id);
    let client = facts.connection(id).front.client.0;
    let mut count = 0;
    for (other, c) in facts.requests_to(service) {
        if other == id {
            continue;
        }
        let Some(start) = facts.start(other).map(|at| facts.time(at)) else { continue };
        if start <= from || start >= to {
            continue;
        }
        let its = facts.server(other).and_then(|s| s.address);
        if (served && !c.progress.response) || its.is_none() || its == server {
            return None;
        }
        count += usize::from(c.front.client.0 == client);
    }
    Some(count)
}

/// The last answer, and what says that nobody answers any more.
pub(in crate::diagnose) fn proofs(
    trace: &Trace,
    id: ConnectionId,
    stale: &Stale<'_>,
) -> Vec<Proof> {
    let (there, back) = (trace.forward(stale.leg), trace.reply(stale.leg));
    let mut proofs = Vec::new();
    let last = back.last;
    proofs.extend(trace.proof(stale.leg, last, "the last answer on this client port"));
    if !last.is_set() {
        let note = "the first of the datagrams that nobody answers";
        proofs.extend(trace.proof(stale.leg, there.first, note));
    }
    if let Some((vantage, ask)) = stale.ask {
        let note = format!(
            "who-has {} tell {}: the last of {} without an answer",
            ask.target, ask.asker, ask.open
        );
        proofs.push(Proof::on(vantage, ask.last, note));
    }
    proofs.extend(
        trace
            .errors_of(id)
            .filter(|(_, e)| matches!(Says::of(e.kind), Some(Says::Host | Says::Port)))
            .map(|(vantage, e)| {
                Proof::on(vantage, e.mark, format!("ICMP unreachable from {}", e.src))
            })
            .take(1),
    );
    proofs.extend(trace.proof(stale.leg, there.last, "the last datagram, still without an answer"));
    crate::diagnose::facts::in_time(trace, &mut proofs);
    proofs
}
