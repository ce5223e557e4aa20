//! Answers that come from elsewhere than who was asked: flows of their own to whoever only looks at
//! addresses, and nobody's questions.

use crate::correlate::{Connection, Connections, Leg};
use crate::flow::Observations;
use crate::wire::Ip;
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};

/// An answer comes this soon after its question, nanoseconds: resolvers give up after it
/// (`timeout` of resolv.conf, twice).
const ANSWER_NS: i64 = 10_000_000_000;
/// Below are ports of services (RFC 6335, section 6): who asks from one is asked there too.
const FIRST_CLIENT_PORT: u16 = 1024;

/// Connections by index that are such answers: datagrams one way, to where an unanswered question
/// came from, from the port or the address that was asked.
pub(super) fn answers(
    vantages: &[Observations],
    connections: &Connections,
) -> HashSet<u32, RandomState> {
    let mut asked: HashMap<End, Vec<(u32, End)>, RandomState> = HashMap::default();
    let mut ways = Vec::new();
    for (at, c) in connections.list.iter().enumerate() {
        let Some((from, to)) = one_way(c) else { continue };
        ways.push((at as u32, from, to));
        if from.1 >= FIRST_CLIENT_PORT && from.1 != to.1 {
            asked.entry(from).or_default().push((at as u32, to));
        }
    }
    ways.retain(|(at, from, to)| {
        let Some(questions) = asked.get(to) else { return false };
        let answers = |(question, server): &&(u32, End)| {
            let legs = |at: u32| connections.legs(&connections.list[at as usize]);
            question != at
                && (from.1 == server.1 || from.0 == server.0)
                && follows(vantages, legs(*question), legs(*at))
        };
        questions.iter().rev().take(MAX_QUESTIONS).any(|question| answers(&question))
    });
    ways.into_iter().map(|(at, ..)| at).collect()
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
