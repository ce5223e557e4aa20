//! Datagrams that answer a question from another address or port than it was sent to.

use crate::correlate::{Connection, Leg};
use crate::diagnose::facts::refusal::refusals::Says;
use crate::diagnose::finding::{Proof, Subject};
use crate::diagnose::thresholds::{
    PAIR, UDP_REPLY_FROM_RIP_AGAIN_NS as AGAIN_NS, UDP_REPLY_FROM_RIP_ANSWER_NS,
    UDP_REPLY_FROM_RIP_MOST_AGAIN as MOST_AGAIN,
};
use crate::diagnose::words::server_at;
use crate::flow::{IcmpError, VantageId};
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Protocol};
use std::collections::{BTreeMap, HashMap};

/// TFTP (IANA; RFC 1350).
pub(in crate::diagnose) const TFTP: u16 = 69;

/// A query to the VIP and the answer that came from elsewhere.
pub(in crate::diagnose) struct Pair {
    pub query: ConnectionId,
    pub answer: ConnectionId,
}

/// All of them.
pub(in crate::diagnose) fn pairs(trace: &Trace) -> Vec<Pair> {
    let queries = queries(trace, is_asked);
    if queries.is_empty() {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    let unasked = trace.iter().filter(|(_, c)| {
        c.protocol == Protocol::UDP
            && c.progress.response
            && !c.progress.request
            && c.back.is_none()
    });
    for (answer, c) in unasked {
        let to_there = queries.get(&(c.front.client, c.front.server.1));
        for &query in to_there.into_iter().flatten() {
            let elsewhere = asked(trace, query) != c.front.server.0;
            // Clients that take an answer from anybody are none the worse.
            if elsewhere
                && follows(trace, query, answer)
                && (refused(trace, answer).is_some() || in_vain(trace, query, answer))
            {
                pairs.push(Pair { query, answer });
            }
        }
    }
    pairs
}

/// Questions without an answer, by the endpoint from which they reach whoever is to answer, and by the port there.
fn queries(
    trace: &Trace,
    is_one: fn(&Trace, ConnectionId, &Connection) -> bool,
) -> HashMap<((Ip, u16), u16), Vec<ConnectionId>> {
    let mut queries: HashMap<((Ip, u16), u16), Vec<ConnectionId>> = HashMap::new();
    for (id, c) in trace.requests().filter(|(id, c)| is_one(trace, *id, c)) {
        let last = c.back.unwrap_or(c.front);
        queries.entry((last.client, last.server.1)).or_default().push(id);
    }
    queries
}

/// The address that a query is for where it ends: behind a translator the real server's.
pub(in crate::diagnose) fn asked(trace: &Trace, query: ConnectionId) -> Ip {
    let c = trace.connection(query);
    c.back.unwrap_or(c.front).server.0
}

/// Answers of protocols that give each transfer a port of the server's own (RFC 1350, section
/// 4), which whoever translates does not know: they come from another address and port, so
/// nothing but the client's refusal ties them to a question.
pub(in crate::diagnose) fn from_other_ports(trace: &Trace) -> Vec<Pair> {
    let mut by_client: HashMap<(Ip, u16), Vec<ConnectionId>> = HashMap::new();
    for ((client, _), ids) in queries(trace, is_query) {
        by_client.entry(client).or_default().extend(ids);
    }
    let mut pairs = Vec::new();
    for (answer, c) in trace.iter() {
        let one_way = c.protocol == Protocol::UDP && c.progress.request && !c.progress.response;
        let asked = by_client.get(&c.front.server).filter(|_| one_way && c.back.is_none());
        for &query in asked.into_iter().flatten() {
            let server = trace.connection(query).front.server;
            let elsewhere = server.0 != c.front.client.0 && server.1 != c.front.client.1;
            let in_vain = || server.1 == TFTP && sent_again(trace, answer);
            let told = elsewhere && (refused(trace, answer).is_some() || in_vain());
            if told && answered_after(trace, query, answer) {
                pairs.push(Pair { query, answer });
                break;
            }
        }
    }
    pairs
}

/// Whether who answers sends the same again: of TFTP each block waits for its acknowledgment (RFC 1350, section 2),
/// and no word to this one comes.
fn sent_again(trace: &Trace, answer: ConnectionId) -> bool {
    trace.legs(answer).iter().any(|leg| {
        let there = trace.forward(leg);
        there.isns > 1 && u32::from(there.isns) == there.packets
    })
}

/// Whether an answer that was taken for a question follows one at some vantage.
fn answered_after(trace: &Trace, query: ConnectionId, answer: ConnectionId) -> bool {
    trace.legs(query).iter().any(|asked| {
        let mut legs = trace.legs(answer).iter().filter(|leg| leg.vantage == asked.vantage);
        legs.any(|leg| {
            let there = trace.forward(asked);
            let after = trace.forward(leg).first.since(there.first);
            let before_next = trace.forward(leg).first.frame() > there.first.frame();
            before_next && after >= 0 && there.isns > 1
                || (0..=UDP_REPLY_FROM_RIP_ANSWER_NS).contains(&after)
        })
    })
}

/// A datagram to a service that is not translated, and no answer from it.
pub(in crate::diagnose) fn is_query(trace: &Trace, id: ConnectionId, c: &Connection) -> bool {
    c.protocol == Protocol::UDP
        && c.progress.request
        && !c.progress.response
        && c.back.is_none()
        && matches!(trace.service(id).mode, Mode::Dr | Mode::Tun | Mode::Unknown)
}

/// A datagram to a service, translated or not, and no answer that whoever sent it would take.
fn is_asked(trace: &Trace, id: ConnectionId, c: &Connection) -> bool {
    let translated = c.protocol == Protocol::UDP
        && c.progress.request
        && !c.progress.response
        && c.back.is_some();
    translated || is_query(trace, id, c)
}

/// A vantage at which the answer follows the query.
pub(in crate::diagnose) fn follows(
    trace: &Trace,
    query: ConnectionId,
    answer: ConnectionId,
) -> bool {
    seen_after(trace, query, answer).next().is_some()
}

/// The legs that show a question and then its answer.
pub(in crate::diagnose) fn seen_after(
    trace: &Trace,
    query: ConnectionId,
    answer: ConnectionId,
) -> impl Iterator<Item = (&Leg, &Leg)> {
    trace.legs(query).iter().flat_map(move |asked| {
        let back = trace.legs(answer).iter().filter(move |leg| leg.vantage == asked.vantage);
        back.map(move |leg| (asked, leg)).filter(move |(asked, leg)| {
            let (there, back) = (trace.forward(asked), trace.reply(leg));
            there.seen()
                && back.seen()
                && (0..=UDP_REPLY_FROM_RIP_ANSWER_NS).contains(&back.first.since(there.first))
        })
    })
}

/// Whether the client asks the very same again after the answer, so takes none of it.
pub(in crate::diagnose) fn in_vain(
    trace: &Trace,
    query: ConnectionId,
    answer: ConnectionId,
) -> bool {
    answers_itself(trace, query, answer) || again_each(trace, query, answer)
}

/// The vantage whose host took the query in and answered from another of its addresses,
/// where the client asked the very same again after the answer.
pub(in crate::diagnose) fn answers_itself(
    trace: &Trace,
    query: ConnectionId,
    answer: ConnectionId,
) -> bool {
    let (asked_for, from) = (asked(trace, query), trace.connection(answer).front.server.0);
    let one_host = trace.host_by_ip(asked_for).is_some_and(|h| trace.host_by_ip(from) == Some(h));
    one_host
        && seen_after(trace, query, answer).any(|(asked, replied)| {
            let (there, back) = (trace.forward(asked), trace.reply(replied));
            let own = &trace.vantage(asked).own;
            let came = trace.path(asked, there).any(|(_, hop)| own.arrived(hop) == Some(true));
            let left = trace.path(replied, back).any(|(_, hop)| own.sent(hop) == Some(true));
            let again = there.isns > 1 && there.last.frame() > back.first.frame();
            came && left && again
        })
}

/// Whether each question is followed by such an answer, which nothing else that was sent asked
/// for, and comes again all the same. Whose the address is need not be known.
fn again_each(trace: &Trace, query: ConnectionId, answer: ConnectionId) -> bool {
    seen_after(trace, query, answer).any(|(asked, replied)| {
        let (there, back) = (trace.forward(asked), trace.reply(replied));
        let times = i64::from(there.packets).saturating_sub(1);
        // A stream of sound or pictures is no question that is asked again.
        let paced = there.last.since(there.first) >= times * AGAIN_NS;
        let same = u32::from(there.isns) == there.packets;
        (1..MOST_AGAIN).contains(&times)
            && same
            && paced
            && back.packets >= PAIR as u32
            && there.last.frame() > back.first.frame()
    })
}

/// The client's word that it expects nothing from there.
pub(in crate::diagnose) fn refused(
    trace: &Trace,
    answer: ConnectionId,
) -> Option<(VantageId, &IcmpError)> {
    let front = trace.connection(answer).front;
    // Of two ends without a question, either may be the one that answers.
    let ends = [(front.client.0, front.server), (front.server.0, front.client)];
    trace.errors_of(answer).find(|(_, error)| {
        let quote = &error.quote;
        Says::of(error.kind) == Some(Says::Port)
            && ends.contains(&(error.src, (quote.src, quote.src_port)))
    })
}

/// Whether the host that answers is the one that got the query.
pub(in crate::diagnose) fn is_chosen(
    trace: &Trace,
    query: ConnectionId,
    answer: ConnectionId,
) -> bool {
    let host = trace.host_by_ip(trace.connection(answer).front.server.0);
    let chosen = trace.server(query).and_then(|server| server.host);
    let got = host.is_some_and(|host| trace.delivered(query, host));
    host.is_some() && (host == chosen || got) || is_from(trace, query, answer)
}

/// Whether the answer comes in with the MAC of the host that got the query.
fn is_from(trace: &Trace, query: ConnectionId, answer: ConnectionId) -> bool {
    let Some(chosen) = trace.server(query).and_then(|server| server.host) else { return false };
    let macs = &trace.topology.hosts.get(chosen).macs;
    trace.legs(answer).iter().any(|leg| {
        let own = &trace.vantage(leg).own;
        let mut hops = trace.path(leg, trace.reply(leg));
        hops.any(|(_, hop)| {
            own.sent(hop) != Some(true) && hop.link.src.is_some_and(|mac| macs.contains(&mac))
        })
    })
}

/// Who answers, each once, most answers first.
pub(in crate::diagnose) fn answering(trace: &Trace, answers: &[ConnectionId]) -> Vec<Subject> {
    let mut counts: BTreeMap<(Ip, u16), usize> = BTreeMap::new();
    for id in answers {
        *counts.entry(trace.connection(*id).front.server).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts.into_iter().map(|(end, _)| server_at(trace, end)).collect()
}

/// Query and answer at the real server before other vantages, then the refusal.
pub(in crate::diagnose) fn proofs(
    trace: &Trace,
    query: ConnectionId,
    answer: ConnectionId,
) -> Vec<Proof> {
    let front = trace.connection(answer).front;
    let host = trace.host_by_ip(front.server.0);
    let mut seen: Vec<_> = seen_after(trace, query, answer).collect();
    seen.sort_by_key(|(leg, _)| (host.is_none() || trace.host_of(leg) != host, leg.vantage));
    let mut proofs = Vec::new();
    if let Some((asked, replied)) = seen.first() {
        let asked_for = trace.connection(query).front.server.0;
        proofs.extend(trace.proof(
            asked,
            trace.forward(asked).first,
            format!("the query, for {asked_for}"),
        ));
        let from = format!("the answer, from {}", front.server.0);
        proofs.extend(trace.proof(replied, trace.reply(replied).first, from));
    }
    if let Some((asked, _)) = seen.first().filter(|_| refused(trace, answer).is_none()) {
        let again = "the client asks the same again";
        proofs.extend(trace.proof(asked, trace.forward(asked).last, again));
    }
    proofs.extend(refused(trace, answer).map(|(vantage, error)| {
        Proof::on(vantage, error.mark, "the client refuses it: ICMP port unreachable")
    }));
    proofs
}
