//! Answers that come from elsewhere than who was asked: flows of their own to whoever only looks at
//! addresses, and nobody's questions.
//!
//! Of TCP these are halves of connections: a translator gave the SYN-ACK the called address and left what
//! follows as it was. Nothing that rewrites leave alone ties the two in both directions, as the client's
//! packets may travel in a tunnel that the capture lacks. What ties them is what the server says next: its
//! first segment after the SYN-ACK has the number after the SYN-ACK's, and acknowledges the same; both go to
//! one client port.

use crate::correlate::{Connection, Connections, Leg};
use crate::flow::{Observations, Reset};
use crate::wire::{Ip, TcpFlags};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// An answer comes this soon after its question, nanoseconds: resolvers give up after it
/// (`timeout` of resolv.conf, twice).
const ANSWER_NS: i64 = 10_000_000_000;
/// Below are ports of services (RFC 6335, section 6): who asks from one is asked there too.
const FIRST_CLIENT_PORT: u16 = 1024;

/// Answers by index, each with its question.
pub(super) type Answers = HashMap<u32, u32, RandomState>;

/// Such answers by index, each with its question: datagrams one way, to where an unanswered question came
/// from, from the port or the address that was asked; or from both, to that port at who asked (the answers
/// to requests that name it, as a Via of SIP does: RFC 3261, section 18.2.2).
pub(super) fn answers(vantages: &[Observations], connections: &Connections) -> Answers {
    let mut asked: HashMap<End, Vec<(u32, End)>, RandomState> = HashMap::default();
    let mut by_host: HashMap<(Ip, End), Vec<(u32, End)>, RandomState> = HashMap::default();
    let mut ways = Vec::new();
    for (at, c) in connections.list.iter().enumerate() {
        let Some((from, to)) = one_way(c) else { continue };
        ways.push((at as u32, from, to));
        if from.1 >= FIRST_CLIENT_PORT && from.1 != to.1 {
            asked.entry(from).or_default().push((at as u32, to));
            by_host.entry((from.0, to)).or_default().push((at as u32, to));
        }
    }
    let found = ways.into_iter().filter_map(|(at, from, to)| {
        let named = by_host.get(&(to.0, from)).filter(|_| to.1 == from.1);
        let mut questions = asked.get(&to).into_iter().chain(named).flat_map(|list| {
            // The newest of them.
            list.iter().rev().take(MAX_QUESTIONS)
        });
        let answers = |(question, server): &&(u32, End)| {
            let legs = |at: u32| connections.legs(&connections.list[at as usize]);
            *question != at
                && (from.1 == server.1 || from.0 == server.0)
                && follows(vantages, legs(*question), legs(at))
        };
        let (question, _) = questions.find(answers)?;
        Some((at, *question))
    });
    found.collect()
}

/// Bytes that a client may have sent when the server's next segment acknowledges them: a
/// window that is not scaled (RFC 9293, section 3.1).
const FIRST_WORDS: u32 = 65_535;

/// Halves by the connection whose SYN-ACK was translated, both by index: what its server says next comes
/// from another address, and the client resets it.
pub(super) fn halves(
    vantages: &[Observations],
    connections: &Connections,
) -> HashMap<u32, u32, RandomState> {
    let resets = |leg: &&Leg| {
        let (there, back) = (leg.forward(vantages), leg.reply(vantages));
        there.reset == Reset::NoSocket && there.payload == 0 && back.seen() && !back.accepted()
    };
    let mut by_client: HashMap<End, Vec<(u32, &Leg)>, RandomState> = HashMap::default();
    for (at, c) in connections.list.iter().enumerate() {
        if c.protocol.is_tcp()
            && c.progress.no_socket
            && !c.progress.syn
            && let Some(rest) = connections.legs(c).iter().find(resets)
        {
            by_client.entry(c.front.client).or_default().push((at as u32, rest));
        }
    }
    let mut halves = HashMap::default();
    if by_client.is_empty() {
        return halves;
    }
    for (at, c) in connections.list.iter().enumerate().filter(|(_, c)| c.protocol.is_tcp()) {
        let Some(strays) = by_client.get(&c.front.client) else { continue };
        let half = connections.legs(c).iter().find_map(|opened| {
            let fits = |(stray, rest): &&(u32, &Leg)| {
                *stray != at as u32 && goes_on(vantages, opened, rest)
            };
            strays.iter().take(MAX_QUESTIONS).find(fits)
        });
        halves.extend(half.map(|(stray, _)| (at as u32, *stray)));
    }
    halves
}

/// By connection, those that are nothing but a reset from elsewhere than who was called, all by index: its
/// number is what the client of an open connection on the same port acknowledged, as a stack without a
/// socket builds it.
pub(super) fn resets(
    vantages: &[Observations],
    connections: &Connections,
) -> HashMap<u32, u32, RandomState> {
    let is_lone = |leg: &Leg| {
        let (there, back) = (leg.forward(vantages), leg.reply(vantages));
        !there.seen() && back.rst.is_set() && back.flags.0 & !TcpFlags::RST == 0
    };
    let mut lone: HashMap<End, Vec<u32>, RandomState> = HashMap::default();
    for (at, c) in connections.list.iter().enumerate() {
        if c.protocol.is_tcp()
            && !c.progress.syn
            && !c.progress.response
            && connections.legs(c).iter().all(is_lone)
        {
            lone.entry(c.front.client).or_default().push(at as u32);
        }
    }
    let mut found = HashMap::default();
    if lone.is_empty() {
        return found;
    }
    let called = |(_, c): &(u32, &Connection)| c.protocol.is_tcp() && c.progress.established;
    for (of, c) in (0..).zip(&connections.list).filter(called) {
        for at in lone.get(&c.front.client).into_iter().flatten().take(MAX_QUESTIONS) {
            let stray = &connections.list[*at as usize];
            let answers = |leg: &Leg| {
                let there = leg.forward(vantages);
                let same = connections.legs(stray).iter().find(|l| l.vantage == leg.vantage);
                same.is_some_and(|same| {
                    let number = same.reply(vantages).isn;
                    there.max_ack != 0 && (number == there.max_ack || number == there.last_ack)
                })
            };
            if stray.front.server.0 != c.front.server.0 && connections.legs(c).iter().any(answers) {
                found.insert(of, *at);
            }
        }
    }
    found
}

/// Whether one leg's answers go on where another's SYN-ACK ended.
fn goes_on(vantages: &[Observations], opened: &Leg, rest: &Leg) -> bool {
    let (syn_ack, next) = (opened.reply(vantages), rest.reply(vantages));
    let taken = next.last_ack.wrapping_sub(syn_ack.syn_ack_of);
    // Of a segment without bytes a text has no number; what it acknowledges fits by chance once in 65,536.
    let follows = next.counted || next.isn == syn_ack.isn.wrapping_add(1);
    rest.vantage == opened.vantage
        && syn_ack.accepted()
        && follows
        && taken <= FIRST_WORDS
        && next.first.frame() > syn_ack.syn.frame()
}

type End = (Ip, u16);

/// From where to where datagrams went, where none went back. Which side is the client's is not asked: an
/// answer alone is taken for the server's half.
fn one_way(c: &Connection) -> Option<(End, End)> {
    let (client, server) = (c.front.client, c.front.server);
    match (c.protocol.is_udp(), c.progress.request, c.progress.response) {
        (true, true, false) => Some((client, server)),
        (true, false, true) => Some((server, client)),
        _ => None,
    }
}

/// Questions from one place that are looked at.
const MAX_QUESTIONS: usize = 64;

/// Whether one vantage shows the second soon after the first.
fn follows(vantages: &[Observations], first: &[Leg], second: &[Leg]) -> bool {
    first.iter().any(|a| {
        second.iter().filter(|b| b.vantage == a.vantage).any(|b| {
            let begun = a.of(vantages).first();
            let after = b.of(vantages).first();
            after.frame() > begun.frame() && after.since(begun) <= ANSWER_NS
        })
    })
}
