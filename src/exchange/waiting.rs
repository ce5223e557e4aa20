//! Whose request waited when a proxy tried a real server in vain.

use super::Exchange;
use super::open_at::{OpenAt, Wait};
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
    // One whose handshake failed may be a client's own, which the proxy passes on.
    let mut found: Vec<Attempt> = in_order(vantages, connections, suspects, said)
        .into_iter()
        .filter(|(connection, _)| !pairs.clients.contains_key(connection))
        .map(|(connection, proxy)| {
            let legs = connections.legs(&connections.list[connection as usize]).iter();
            let tried = legs.filter_map(|leg| leg.forward(vantages).syn.get()).next();
            let tried = tried.unwrap_or(Mark::NONE);
            Attempt { connection, proxy, tried, waiting: Vec::new() }
        })
        .collect();
    find_waiters(vantages, connections, suspects, said, pairs, &mut found);
    leave_checks(connections, &mut found);
    found.retain(|attempt| !tie(attempt, pairs));
    settle(connections, found, pairs);
}

/// Finds who waited while each was tried.
fn find_waiters(
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    said: &Said,
    pairs: &Pairs,
    found: &mut [Attempt],
) {
    let mut moments: Vec<(Ip, VantageId, u32, usize)> = Vec::new();
    for (place, attempt) in found.iter().enumerate() {
        for leg in connections.legs(&connections.list[attempt.connection as usize]) {
            if let Some(syn) = leg.forward(vantages).syn.get() {
                moments.push((attempt.proxy, leg.vantage, syn.frame(), place));
            }
        }
    }
    moments.sort_unstable();
    let mut requests: HashMap<(Ip, VantageId), Vec<Wait<usize>>> = HashMap::default();
    for (who, e) in said.exchanges.iter().enumerate() {
        if let Some(proxy) = suspects.sides.get(&e.connection).and_then(|sides| sides.to) {
            let answered = e.response.get().map_or(u32::MAX, |mark| mark.frame());
            let (from, to) = (e.request.frame(), answered.min(last(vantages, e)));
            requests.entry((proxy, e.vantage)).or_default().push(Wait { from, to, who });
        }
    }
    let mut streams = Streams::of(vantages, suspects, said, pairs);
    for of in moments.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (proxy, vantage, ..) = of[0];
        let mut requests = OpenAt::new(requests.remove(&(proxy, vantage)).unwrap_or_default());
        let mut fronts = OpenAt::new(streams.fronts.remove(&(proxy, vantage)).unwrap_or_default());
        for (.., frame, place) in of {
            let exchanges = requests.at(*frame).map(|who| &said.exchanges[*who]);
            let asking = exchanges
                .filter(|e| !is_with_server(vantages, connections, said, pairs, e, *frame));
            let waiting = &mut found[*place].waiting;
            waiting.extend(asking.map(|e| (e.connection, false)));
            let open = fronts.at(*frame).filter(|w| !streams.served(proxy, vantage, w, *frame));
            waiting.extend(open.map(|w| (w.connection, w.in_vain)));
        }
    }
    for attempt in found {
        attempt.waiting.sort_unstable();
        attempt.waiting.dedup_by_key(|(connection, _)| *connection);
    }
}

/// A connection that a proxy tried in vain, and who waited meanwhile.
struct Attempt {
    connection: u32,
    proxy: Ip,
    /// Its first SYN.
    tried: Mark,
    waiting: Vec<Waiter>,
}

/// What is tried at one pace, most of the time while nobody waits, is tried on no client's account:
/// that somebody waited now and then is chance.
fn leave_checks(connections: &Connections, found: &mut Vec<Attempt>) {
    let key = |a: &Attempt| (a.proxy, connections.list[a.connection as usize].front.server);
    let mut by: HashMap<_, Vec<&Attempt>> = HashMap::default();
    for attempt in found.iter() {
        by.entry(key(attempt)).or_default().push(attempt);
    }
    let is_check = |of: &[&Attempt]| {
        let alone = of.iter().filter(|a| a.waiting.is_empty()).count();
        alone * 2 > of.len() && Mark::are_steady(of.iter().map(|a| a.tried).collect())
    };
    let checked: HashSet<_> =
        by.into_iter().filter(|(_, of)| is_check(of)).map(|(key, _)| key).collect();
    found.retain(|attempt| !checked.contains(&key(attempt)));
}

/// A connection that waits, and whether it never gets an answer.
type Waiter = (u32, bool);

/// Ties an attempt, where it is told whose it was. Where none of several that wait ever gets an
/// answer, it is one of theirs, and what it met is what all of them met.
fn tie(attempt: &Attempt, pairs: &mut Pairs) -> bool {
    let mut waiting = &attempt.waiting[..];
    // Whoever waits for an attempt already has somebody tried for him. A transparent proxy's names its client:
    // what it met is told by that.
    let fresh = |waiter: &&Waiter| !pairs.attempts.contains_key(&waiter.0);
    let mut first = waiting.iter().filter(fresh);
    if waiting.len() > 1
        && !pairs.tried.contains(&attempt.connection)
        && let (Some(one), None) = (first.next(), first.next())
    {
        waiting = std::slice::from_ref(one);
    }
    let told = waiting.len() == 1 || waiting.iter().all(|(_, in_vain)| *in_vain);
    for (front, _) in waiting.iter().filter(|_| told) {
        pairs.attempts.entry(*front).or_default().push(attempt.connection);
        pairs.attempted.entry(attempt.connection).or_insert(*front);
    }
    told
}

/// A host may be the proxy of several services. Where a server was asked for clients of one
/// of them alone, whoever waits on another's account is not whom it is asked for.
fn settle(connections: &Connections, open: Vec<Attempt>, pairs: &mut Pairs) {
    let server = |of: u32| connections.list[of as usize].front.server;
    let mut asked_for: HashMap<(Ip, u16), HashSet<(Ip, u16)>> = HashMap::default();
    let carried = pairs.clients.iter().map(|(back, fronts)| (*back, &fronts[..]));
    let tried = pairs.attempted.iter().map(|(back, front)| (*back, std::slice::from_ref(front)));
    for (back, fronts) in carried.chain(tried) {
        asked_for.entry(server(back)).or_default().extend(fronts.iter().map(|f| server(*f)));
    }
    for mut attempt in open {
        let Some(services) = asked_for.get(&server(attempt.connection)) else { continue };
        attempt.waiting.retain(|(front, _)| services.contains(&server(*front)));
        tie(&attempt, pairs);
    }
}

/// The last frame of an exchange's connection where it was seen to end: until then its client may wait.
fn last(vantages: &[Observations], exchange: &Exchange) -> u32 {
    let stream = &vantages[exchange.vantage.index()].streams[exchange.stream as usize];
    let ended = stream.flows.iter().any(|flow| flow.fin.is_set() || flow.rst.is_set());
    if ended { stream.last().frame() } else { u32::MAX }
}

/// Whether a request was passed on by then and the proxy still waits for what it is told.
fn is_with_server(
    vantages: &[Observations],
    connections: &Connections,
    said: &Said,
    pairs: &Pairs,
    front: &Exchange,
    by: u32,
) -> bool {
    let carried = pairs.carried.get(&front.connection).map_or(&[][..], Vec::as_slice);
    carried.iter().map(|at| &said.exchanges[*at]).any(|back| {
        let asked = (front.request.frame()..by).contains(&back.request.frame());
        let answered = back.response.get().is_some_and(|mark| mark.frame() < by);
        back.vantage == front.vantage && asked && !answered && {
            let legs = connections.legs(&connections.list[back.connection as usize]).iter();
            let mut own = legs.filter(|l| l.vantage == back.vantage && l.stream == back.stream);
            own.all(|leg| {
                let (there, here) = (leg.forward(vantages), leg.reply(vantages));
                let ends = [there.fin, there.rst, here.fin, here.rst];
                ends.iter().filter_map(|end| end.get()).all(|end| end.frame() >= by)
            })
        }
    })
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

/// A connection of a client for which nothing answers yet.
struct Waiting {
    connection: u32,
    /// The frame of its acceptance.
    from: u32,
    /// It ended, and nothing answered.
    in_vain: bool,
}

/// Connections that do not speak HTTP/1, by proxy and vantage.
struct Streams {
    /// From their acceptance to the first answer, or to their end.
    fronts: HashMap<(Ip, VantageId), Vec<Wait<Waiting>>>,
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
                let who = Waiting { connection: opening.connection, from, in_vain };
                let wait = Wait { from, to, who };
                streams.fronts.entry((proxy, vantage)).or_default().push(wait);
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
