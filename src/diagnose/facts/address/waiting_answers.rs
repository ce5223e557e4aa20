//! Answers that cannot leave: a host that serves by itself and looks in vain for the next hop of its answers, while
//! SYNs that it got stay unanswered.

use super::asks::asked_here;
use crate::breaks::{Group, Passage};
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::thresholds::{ARP_WAIT_NS, QUESTIONS};
use crate::flow::{Ask, Hop, VantageId};
use crate::topology::{HostId, ServiceId, is_origin};
use crate::trace::ConnectionId;

/// Connections that are asked: they are alike.
const ASKED: usize = 64;

/// Whether a host answers for a service by itself: its SYN-ACKs leave it, with a TTL that no router has lowered.
pub(in crate::diagnose) fn serves_itself(
    facts: &Indexed<'_>,
    service: ServiceId,
    host: HostId,
) -> bool {
    let answered = facts.requests_to(service).filter(|(_, c)| c.progress.established);
    answered.map(|(id, _)| id).take(ASKED).any(|id| {
        facts.legs(id).iter().filter(|leg| facts.host_of(leg) == Some(host)).any(|leg| {
            let (own, back) = (&facts.vantage(leg).own, facts.reply(leg));
            let sent = |hop: &Hop| own.sent(hop) == Some(true) && is_origin(hop);
            let mut path = facts.path(leg, back).peekable();
            back.accepted() && path.peek().is_some() && path.all(|(_, hop)| sent(hop))
        })
    })
}

/// What the host where a group's SYNs ended asked for in vain while each of them waited, if it serves others by itself.
pub(in crate::diagnose) fn next_hop_sought<'a>(
    facts: &Indexed<'a>,
    group: &Group,
) -> Option<(VantageId, &'a Ask)> {
    let last = group.last.filter(|last| last.passage == Passage::In)?;
    let (host, v) = (last.host?, last.at.vantage);
    let vantage = &facts.trace.vantages[v.index()];
    let vip = facts.topology.service(group.service).vip;
    let sought = |ask: &&Ask| {
        ask.again >= QUESTIONS
            && ask.asker.is_host()
            && ask.target != vip
            && asked_here(vantage, ask)
            && group.connections.iter().take(ASKED).all(|id| waited(facts, *id, v, ask))
    };
    let ask = vantage.neighbors.asks.iter().find(sought)?;
    serves_itself(facts, group.service, host).then_some((v, ask))
}

/// Whether a connection's SYNs came while a question was open.
fn waited(facts: &Indexed<'_>, id: ConnectionId, v: VantageId, ask: &Ask) -> bool {
    let mut legs = facts.legs(id).iter().filter(|leg| leg.vantage == v);
    legs.any(|leg| {
        let there = facts.forward(leg);
        there.syn.is_set()
            && ask.first.since(there.last) <= ARP_WAIT_NS
            && there.syn.since(ask.last) <= ARP_WAIT_NS
    })
}
