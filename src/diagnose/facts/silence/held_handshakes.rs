//! Handshakes that a listener holds back: the client's ACK came in, and its kernel asks for
//! one again.
//!
//! At the capture of the host that answers. What was lost on the way is none: the ACK stands
//! there before the SYN-ACK can go out a second time.

use crate::breaks::Packet;
use crate::correlate::{Leg, LinkSequence};
use crate::diagnose::Facts;
use crate::diagnose::thresholds::{FIRST_TRY_NS, TRANSMISSIONS};
use crate::flow::{Hop, Mark};
use crate::topology::{HostId, ServiceId, is_origin};
use crate::trace::{At, ConnectionId};
use std::collections::{BTreeMap, BTreeSet};

/// A listener that holds back connections of clients that wait for it to speak.
#[derive(Debug)]
pub(in crate::diagnose) struct Holding {
    pub host: HostId,
    pub service: ServiceId,
    /// The port on which it listens.
    pub port: u16,
    /// Connections that it held back.
    pub held: Vec<ConnectionId>,
    /// Of the first: SYN-ACK, ACK, and the first words of the server, else the last frame.
    pub shown: [At; 3],
    /// How often the SYN-ACK of that one was sent.
    pub syn_acks: u16,
    /// How long after its ACK that one had its greeting; `None` if never.
    pub greeted_ns: Option<i64>,
    pub signs: Signs,
}

/// What tells why a listener holds connections back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    /// Connections that were held back while their clients waited for the server.
    pub held: usize,
    /// Others whose clients waited like these and were let in at once, or not asked again
    /// for as long.
    pub let_in: usize,
    /// Others whose clients spoke at once and were held back all the same.
    pub in_vain: usize,
}

/// A handshake as the host shows it that answers.
struct Shaken {
    id: ConnectionId,
    port: u16,
    at: [At; 3],
    syn_acks: u16,
    /// From the ACK to the server's first words.
    greeted_ns: Option<i64>,
    /// From the ACK to the client's end, or to the last frame.
    lasted_ns: i64,
    /// From the SYN-ACK to the client's first words, where they were the first.
    asked_ns: Option<i64>,
}

impl Shaken {
    fn is_repeated(&self) -> bool {
        self.syn_acks >= TRANSMISSIONS
    }

    /// The client waits for the server, which speaks first. Who opens ahead of need waits for
    /// nobody.
    fn is_held(&self, facts: &Facts) -> bool {
        let expected =
            || facts.breaks.broken(self.id).is_some_and(|b| b.packet == Packet::Greeting);
        self.is_repeated() && self.asked_ns.is_none() && (self.greeted_ns.is_some() || expected())
    }
}

/// Of each way, whether the host of its vantage opens by it: most legs are of other hosts, and
/// their flows need not be fetched. Ways are fewer than legs, and lie in a row.
fn opened_here(facts: &Facts) -> Vec<bool> {
    let opens = |way: &LinkSequence| {
        let vantage = &facts.vantages[way.vantage().index()];
        let sends = |hop: &Hop| vantage.own.sent(hop) == Some(true) && is_origin(hop);
        way.opening().any(|hop| vantage.hops.get(hop.index()).is_some_and(sends))
    };
    facts.connections.ways.iter().map(opens).collect()
}

/// A handshake whose ACK came in before the SYN-ACK could be sent again; `None` where the
/// leg is no such, or not of the host that answers.
fn shaken(facts: &Facts, here: &[bool], id: ConnectionId, leg: &Leg) -> Option<Shaken> {
    // A flow with a way of its own is looked at.
    if here.get(leg.back.number() as usize) == Some(&false) {
        return None;
    }
    let own = &facts.vantage(leg).own;
    let (there, back) = (facts.forward(leg), facts.reply(leg));
    // A SYN that comes again is answered again, whatever the listener does.
    let prompt = back.accepted()
        && there.syns == 1
        && back.isns == 1
        && there.ack.is_set()
        && there.ack.since(back.syn) < FIRST_TRY_NS;
    let answers = || {
        facts
            .path(leg, back)
            .any(|(link, hop)| link.syns > 0 && own.sent(hop) == Some(true) && is_origin(hop))
    };
    let reached = || {
        facts.path(leg, there).any(|(link, hop)| {
            link.packets > u32::from(link.syns) + u32::from(link.copies)
                && own.arrived(hop) == Some(true)
        })
    };
    if !(prompt && answers() && reached()) {
        return None;
    }
    let stream = leg.of(&facts.vantages);
    let spoke = |one: Mark, other: Mark| {
        one.get().filter(|mark| !other.is_set() || mark.frame() < other.frame())
    };
    let greeting = spoke(back.data, there.data);
    let end = there.fin.get().unwrap_or_else(|| stream.last());
    let at = |mark| At { vantage: leg.vantage, mark };
    Some(Shaken {
        id,
        port: stream.key.port(leg.client.other()),
        at: [at(back.syn), at(there.ack), at(greeting.unwrap_or_else(|| stream.last()))],
        syn_acks: back.syns,
        greeted_ns: greeting.map(|mark| mark.since(there.ack)),
        lasted_ns: end.since(there.ack),
        asked_ns: spoke(there.data, back.data).map(|mark| mark.since(back.syn)),
    })
}

/// The listeners that hold handshakes back; how many handshakes could be looked at.
pub(in crate::diagnose) fn holding(facts: &Facts) -> (Vec<Holding>, usize) {
    let here = opened_here(facts);
    let all = || {
        let requests = facts.by_way().filter(|(id, _)| facts.ordinary(*id).is_none());
        requests.filter(|(_, c)| c.protocol.is_tcp()).filter_map(|(id, _)| {
            let of_leg = |leg: &Leg| Some((facts.host_of(leg)?, shaken(facts, &here, id, leg)?));
            let (host, one) = facts.legs(id).iter().find_map(of_leg)?;
            Some(((facts.service_of(id), host, one.port), one))
        })
    };
    // Few listeners hold any back, and only of those all handshakes are compared.
    let (mut looked, mut holders) = (0, BTreeSet::new());
    for (listener, one) in all() {
        looked += 1;
        if one.is_held(facts) {
            holders.insert(listener);
        }
    }
    if holders.is_empty() {
        return (Vec::new(), looked);
    }
    let mut listeners: BTreeMap<(ServiceId, HostId, u16), Vec<Shaken>> = BTreeMap::new();
    for (listener, one) in all().filter(|(listener, _)| holders.contains(listener)) {
        listeners.entry(listener).or_default().push(one);
    }
    let found = listeners
        .into_iter()
        .filter_map(|((service, host, _), all)| of_listener(facts, service, host, &all));
    (found.collect(), looked)
}

fn of_listener(facts: &Facts, service: ServiceId, host: HostId, all: &[Shaken]) -> Option<Holding> {
    let held: Vec<&Shaken> = all.iter().filter(|s| s.is_held(facts)).collect();
    let first = held.first()?;
    // So long it holds back at most: who waits longer unasked was let in.
    let hold = held.iter().map(|s| s.greeted_ns.unwrap_or(s.lasted_ns)).min()?;
    let let_in = all.iter().filter(|s| {
        !s.is_repeated() && s.asked_ns.is_none() && (s.greeted_ns.is_some() || s.lasted_ns > hold)
    });
    let in_vain =
        all.iter().filter(|s| s.is_repeated() && s.asked_ns.is_some_and(|ns| ns < FIRST_TRY_NS));
    Some(Holding {
        host,
        service,
        port: first.port,
        held: held.iter().map(|s| s.id).collect(),
        shown: first.at,
        syn_acks: first.syn_acks,
        greeted_ns: first.greeted_ns,
        signs: Signs { held: held.len(), let_in: let_in.count(), in_vain: in_vain.count() },
    })
}
