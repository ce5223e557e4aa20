//! Whose request waited when a proxy tried a real server in vain.

use super::Exchange;
use super::opening::Opening;
use super::pair::Pairs;
use super::read::Said;
use super::suspect::Suspects;
use crate::correlate::Connections;
use crate::flow::{Mark, Observations, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// Ties each attempt in vain to the client connection that waited for it.
pub(super) fn attempts(
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    said: &Said,
    pairs: &mut Pairs,
) {
    if suspects.attempts.is_empty() {
        return;
    }
    let streams = Streams::of(vantages, suspects, said, pairs);
    for (attempt, proxy) in in_order(vantages, connections, suspects, said) {
        let to = |connection: u32| {
            suspects.sides.get(&connection).is_some_and(|sides| sides.to == Some(proxy))
        };
        // Each connection with whether it never gets an answer.
        let mut waiting: Vec<(u32, bool)> = Vec::new();
        for leg in connections.legs(&connections.list[attempt as usize]) {
            let Some(syn) = leg.forward(vantages).syn.get() else { continue };
            let requests = said.exchanges.iter().filter(|e| {
                e.vantage == leg.vantage
                    && e.request.frame() <= syn.frame()
                    && e.response.get().is_none_or(|r| r.frame() >= syn.frame())
            });
            let asked_for =
                requests.filter(|e| to(e.connection) && !passed_on(said, pairs, e, syn));
            waiting.extend(asked_for.map(|e| (e.connection, false)));
            let open = streams.fronts.get(&(proxy, leg.vantage)).map_or(&[][..], Vec::as_slice);
            let open = open.iter().filter(|w| {
                w.at(syn.frame()) && !streams.served(proxy, leg.vantage, w, syn.frame())
            });
            waiting.extend(open.map(|w| (w.connection, w.in_vain)));
        }
        waiting.sort_unstable();
        waiting.dedup_by_key(|(connection, _)| *connection);
        // A transparent proxy's names its client: what it met is told by that.
        if waiting.len() > 1 && !pairs.tried.contains(&attempt) {
            // Whoever waits for an attempt already has somebody tried for him.
            let fresh = |front: &u32| !pairs.attempts.contains_key(front);
            let mut first = waiting.iter().filter(|(front, _)| fresh(front));
            if let (Some(one), None) = (first.next().copied(), first.next()) {
                waiting = vec![one];
            }
        }
        // Where none of several that wait ever gets an answer, the attempt is one of
        // theirs, and what it met is what all of them met.
        if waiting.len() == 1 || waiting.iter().all(|(_, in_vain)| *in_vain) {
            for (front, _) in &waiting {
                pairs.attempts.entry(*front).or_default().push(attempt);
                pairs.attempted.entry(attempt).or_insert(*front);
            }
        }
    }
}

/// Attempts as they were made, by the clock of who made them: that of a capture that shows clients call it.
fn in_order(
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    said: &Said,
) -> Vec<(u32, Ip)> {
    let said = said.exchanges.iter().map(|e| (e.connection, e.vantage));
    let called: HashSet<(Ip, VantageId)> =
        said.filter_map(|(c, v)| Some((suspects.sides.get(&c)?.to?, v))).collect();
    let begun = |(attempt, proxy): &(u32, Ip)| {
        let legs = connections.legs(&connections.list[*attempt as usize]).iter();
        let own = legs.filter(|leg| called.contains(&(*proxy, leg.vantage)));
        own.filter_map(|leg| leg.forward(vantages).syn.get()).map(|syn| syn.at()).min()
    };
    let mut attempts = suspects.attempts.clone();
    attempts.sort_by_cached_key(|attempt| (begun(attempt), attempt.0));
    attempts
}

/// Whether a request was passed on before a SYN on a connection that stood: it waits for an answer.
fn passed_on(said: &Said, pairs: &Pairs, request: &Exchange, syn: Mark) -> bool {
    let carried = pairs.carried.get(&request.connection).map_or(&[][..], Vec::as_slice);
    carried.iter().filter_map(|at| said.exchanges.get(*at)).any(|back| {
        let at = back.request.frame();
        back.vantage == request.vantage && (request.request.frame()..=syn.frame()).contains(&at)
    })
}

/// A connection of a client for which nothing answers yet.
struct Waiting {
    connection: u32,
    /// Frames from its acceptance to the first answer, or to its end.
    from: u32,
    to: u32,
    /// It ended, and nothing answered.
    in_vain: bool,
}

impl Waiting {
    fn at(&self, frame: u32) -> bool {
        (self.from..=self.to).contains(&frame)
    }
}

/// Connections that do not speak HTTP/1, by proxy and vantage.
struct Streams {
    fronts: HashMap<(Ip, VantageId), Vec<Waiting>>,
    /// First frames of backend connections that are nobody's, sorted.
    backs: HashMap<(Ip, VantageId), Vec<u32>>,
}

impl Streams {
    fn of(vantages: &[Observations], suspects: &Suspects, said: &Said, pairs: &Pairs) -> Self {
        let mut streams = Self { fronts: HashMap::default(), backs: HashMap::default() };
        let mut opened: HashMap<u32, u32> = HashMap::default();
        let tied = |o: &Opening| pairs.clients.get(&o.connection);
        for opening in &said.openings {
            let (first, _) = opening.frames(vantages);
            for front in tied(opening).into_iter().flatten() {
                let earliest = opened.entry(*front).or_insert(first);
                *earliest = first.min(*earliest);
            }
        }
        for opening in &said.openings {
            let Some(sides) = suspects.sides.get(&opening.connection) else { continue };
            let (first, last) = opening.frames(vantages);
            let vantage = opening.leg.vantage;
            if let Some(proxy) = sides.from
                && tied(opening).is_none()
            {
                streams.backs.entry((proxy, vantage)).or_default().push(first);
            }
            let accepted = opening.leg.reply(vantages).syn;
            if let (Some(proxy), true) = (sides.to, accepted.is_set()) {
                let answered = opening.server.map_or(last, |head| head.mark.frame());
                let carried = opened.get(&opening.connection).copied().unwrap_or(u32::MAX);
                let (from, to) = (accepted.frame(), answered.min(carried));
                let in_vain =
                    opening.server.is_none() && carried == u32::MAX && opening.has_ended(vantages);
                let waiting = Waiting { connection: opening.connection, from, to, in_vain };
                streams.fronts.entry((proxy, vantage)).or_default().push(waiting);
            }
        }
        for backs in streams.backs.values_mut() {
            backs.sort_unstable();
        }
        streams
    }

    /// Whether the proxy opened a connection meanwhile that can be the waiting one's.
    fn served(&self, proxy: Ip, vantage: VantageId, waiting: &Waiting, until: u32) -> bool {
        let backs = self.backs.get(&(proxy, vantage)).map_or(&[][..], Vec::as_slice);
        let after = backs.partition_point(|first| *first < waiting.from);
        backs.get(after).is_some_and(|first| *first < until)
    }
}
