//! How fast a service answers, by which one connection is called slow: its server's
//! answers against those of the other servers, as one kind of vantage shows them.
//!
//! The network's part is taken off where it shows: what a handshake takes at a vantage
//! lies behind that vantage. One slow answer is a heavy request; a server all of whose
//! answers are far slower than all others' is not chance.

use super::fell_back::FellBack;
use super::raced::Raced;
use crate::correlate::Progress;
use crate::flow::{Flow, Mark, Observations, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::parts::in_parts;
use crate::topology::{HostId, Ordinary, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Ports on which servers speak first (IANA service names: ftp, ssh, smtp, pop3, imap,
/// submission, mysql).
pub(super) const GREETED: [u16; 7] = [21, 22, 25, 110, 143, 587, 3306];
/// Answers of a server before it is compared. With three against three that do not
/// overlap, chance gives such an order once in twenty (exact rank test, 1 / (6 over 3)).
const ENOUGH: usize = 3;
/// A server is slow if its quicker answers take this many times what the others' slower
/// ones do. Judgement: no cache or scheduler makes that of all answers.
const FACTOR: i64 = 5;
/// And this much longer, nanoseconds. Judgement: what a person notices.
const MORE_NS: i64 = 100_000_000;
/// The longest that a client is taken to wait for an ordinary answer, nanoseconds, and how
/// many times a service's typical answer.
const LONGEST_NS: i64 = 3_000_000_000;
const TIMES: i64 = 10;

/// One service's habits.
#[derive(Debug, Clone, Copy, Default)]
struct Habit {
    asked: u32,
    answered: u32,
    greeted: u32,
    typical_ns: i64,
    /// The longest that a client waited for a greeting that came.
    greeting_ns: Option<i64>,
}

/// The pace of all services.
#[derive(Debug, Default)]
pub struct Pace {
    habits: Vec<Habit>,
    slow: HashMap<ConnectionId, i64>,
    /// The same of the words of servers that speak first.
    late_greetings: HashMap<ConnectionId, i64>,
    /// By vantage and index of a link: the longest time for which the same bytes were
    /// sent again.
    repeated: HashMap<(VantageId, u32), i64>,
    /// Connections that were answered with a status of 500 to 599, or whose TLS handshake
    /// was refused.
    errors: HashSet<u32>,
    /// Connections that were reset with others, at one moment.
    at_once: HashSet<u32>,
    /// Health checks that were answered with a status of 400 to 499, by who asked whom.
    blamed: HashMap<(Ip, (Ip, u16)), u32>,
    /// Hosts of which the captures show their own packets alone.
    one_sided: OnceLock<HashSet<Ip>>,
    /// Connections that stand, for those that were given up for them.
    raced: OnceLock<Raced>,
    /// Connections over TCP that clients of QUIC may have gone on by.
    fell_back: OnceLock<FellBack>,
    /// Services whose connections a host passes on.
    relayed: OnceLock<HashSet<(ServiceId, HostId)>>,
    /// Services whose answers come to many who were not seen to call.
    backscatter: OnceLock<HashSet<ServiceId>>,
}

type ByServer = BTreeMap<u16, Vec<Answer>>;

impl Pace {
    /// Measures every service.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut errors = super::said::errors(trace);
        errors.extend(super::faults::errors(trace));
        let mut pace = Self {
            habits: vec![Habit::default(); trace.topology.services.len()],
            slow: HashMap::default(),
            late_greetings: HashMap::default(),
            repeated: repeated(&trace.vantages),
            errors,
            at_once: super::at_once::cut_at_once(trace),
            blamed: blamed(trace),
            one_sided: OnceLock::new(),
            raced: OnceLock::new(),
            fell_back: OnceLock::new(),
            relayed: OnceLock::new(),
            backscatter: OnceLock::new(),
        };
        let answered = |p: &Progress| p.request && p.response;
        let all = &trace.connections.list;
        let mut spent = in_parts(all.len(), |part| {
            let ids = part.map(|at| ConnectionId(at as u32)).filter(|id| {
                let p = &trace.connection(*id).progress;
                answered(p) && p.syn && trace.ordinary(*id).is_none()
            });
            let spent = ids.filter_map(|id| Some((id, trace.timing(id).server_ns()?)));
            spent.collect::<Vec<(ConnectionId, i64)>>()
        })
        .into_iter()
        .flatten()
        .peekable();
        let mut times: Vec<ByServer> = vec![ByServer::new(); trace.topology.services.len()];
        let mut greetings: BTreeMap<ServiceId, ByServer> = BTreeMap::new();
        for (id, connection) in trace.requests() {
            let at = trace.service_of(id).0 as usize;
            let p = connection.progress;
            let habit = &mut pace.habits[at];
            habit.asked += u32::from(p.request);
            habit.answered += u32::from(answered(&p));
            habit.greeted += u32::from(!p.request && p.response);
            let server = trace.topology.server_of[id.0 as usize].unwrap_or(u16::MAX);
            if p.syn
                && p.response
                && GREETED.contains(&connection.front.server.1)
                && let Some(ns) = greeting(trace, id)
            {
                habit.greeting_ns = habit.greeting_ns.max(Some(ns));
                let by_server = greetings.entry(trace.service_of(id)).or_default();
                by_server.entry(server).or_default().push((ns, id));
            }
            let Some((_, ns)) = spent.next_if(|(next, _)| *next == id) else { continue };
            times[at].entry(server).or_default().push((ns, id));
        }
        for by_server in greetings.values_mut() {
            by_server.values_mut().for_each(|list| list.sort_unstable());
            pace.late_greetings.extend(slow(by_server));
        }
        for (habit, by_server) in pace.habits.iter_mut().zip(&mut times) {
            let mut all: Vec<i64> = by_server.values().flatten().map(|(ns, _)| *ns).collect();
            let middle = all.len() / 2;
            if !all.is_empty() {
                habit.typical_ns = *all.select_nth_unstable(middle).1;
            }
            by_server.values_mut().for_each(|list| list.sort_unstable());
            pace.slow.extend(slow(by_server));
        }
        pace
    }

    /// Whether requests to a service are mostly answered, as far as captures show it.
    #[must_use]
    pub fn answers(&self, service: ServiceId) -> bool {
        let habit = self.habits[service.0 as usize];
        habit.answered > 0 && habit.answered * 2 >= habit.asked
    }

    /// Whether at least so many requests to a service were seen, and no answer to any.
    #[must_use]
    pub fn answers_none(&self, service: ServiceId, asked: u32) -> bool {
        let habit = self.habits[service.0 as usize];
        habit.answered == 0 && habit.asked >= asked
    }

    /// Whether a client gave a connection up since it had connected by the other family of addresses.
    pub(super) fn lost_a_race(&self, trace: &Trace, id: ConnectionId) -> bool {
        self.raced.get_or_init(|| Raced::of(trace)).lost(trace, id)
    }

    /// How long a client of QUIC waited that went on by TCP, nanoseconds.
    pub(super) fn fell_back(&self, trace: &Trace, id: ConnectionId) -> Option<i64> {
        self.fell_back.get_or_init(|| FellBack::of(trace)).after(trace, id)
    }

    /// Whether no connection to a service carries a byte in these captures.
    pub(super) fn nobody_talks(&self, service: ServiceId) -> bool {
        let habit = self.habits[service.0 as usize];
        habit.asked == 0 && habit.answered == 0 && habit.greeted == 0
    }

    /// Whether a host was seen to pass connections to a service on.
    pub(super) fn relays(&self, trace: &Trace, service: ServiceId, host: HostId) -> bool {
        self.relayed.get_or_init(|| super::relayed::hosts(trace)).contains(&(service, host))
    }

    /// Whether a service answers many who were not seen to call, each once: so does who is flooded with forged sources.
    pub(super) fn scatters(&self, trace: &Trace, service: ServiceId) -> bool {
        self.backscatter.get_or_init(|| super::backscatter::services(trace)).contains(&service)
    }

    /// Whether what comes to a host would be in the captures, as far as its other conversations show.
    #[must_use]
    pub fn hears(&self, trace: &Trace, host: Ip) -> bool {
        !self.one_sided.get_or_init(|| super::one_sided::hosts(trace)).contains(&host)
    }

    /// Whether servers of a service speak first.
    #[must_use]
    pub fn greets(&self, service: ServiceId) -> bool {
        let habit = self.habits[service.0 as usize];
        habit.greeted > 0 && habit.asked == habit.answered && habit.greeted > habit.asked
    }

    /// Whether a server speaks first, by its port or by what others of its service do.
    #[must_use]
    pub fn speaks_first(&self, service: ServiceId, port: u16) -> bool {
        GREETED.contains(&port) || self.greets(service)
    }

    /// Whether servers of a service speak first and then wait for their clients, by the port or by what others
    /// of it do.
    pub(super) fn lets_in_who_waits(&self, service: ServiceId, port: u16) -> bool {
        GREETED.contains(&port) || self.greets(service) && self.answers(service)
    }

    /// Longer than this nobody waits for the greeting of a service, where others got theirs,
    /// nanoseconds.
    #[must_use]
    pub fn greeting_patience(&self, service: ServiceId) -> Option<i64> {
        Some(self.habits[service.0 as usize].greeting_ns?.saturating_mul(TIMES))
    }

    /// Whether a connection was reset with others, at one moment.
    #[must_use]
    pub(super) fn is_cut_at_once(&self, id: ConnectionId) -> bool {
        self.at_once.contains(&id.0)
    }

    /// Longer than this nobody waits for an answer of a service, nanoseconds.
    #[must_use]
    pub fn patience(&self, service: ServiceId) -> i64 {
        self.habits[service.0 as usize].typical_ns.saturating_mul(TIMES).max(LONGEST_NS)
    }

    /// For how long the same bytes of a flow were sent again and again at a vantage, from
    /// the first repeat to the last, nanoseconds.
    #[must_use]
    pub fn repeated_for(&self, vantage: VantageId, seen: &Observations, flow: &Flow) -> i64 {
        let mut longest = 0;
        let mut next = flow.link;
        while let Some(index) = next.index() {
            longest =
                longest.max(self.repeated.get(&(vantage, index as u32)).copied().unwrap_or(0));
            next = seen.links[index].next;
        }
        longest
    }

    /// Whether who asked a server for its health was blamed for it once. A proxy that passes
    /// on one client's bad request, which was captured nowhere else, looks the same.
    #[must_use]
    pub fn is_blamed_once(&self, asker: Ip, server: (Ip, u16)) -> bool {
        self.blamed.get(&(asker, server)).is_some_and(|n| *n < 2)
    }

    /// Whether a connection was answered with a server's error.
    #[must_use]
    pub fn is_error(&self, id: ConnectionId) -> bool {
        self.errors.contains(&id.0)
    }

    /// How much longer than the other servers' an answer took, where its server is slow.
    #[must_use]
    pub fn slow(&self, id: ConnectionId) -> Option<i64> {
        self.slow.get(&id).copied()
    }

    /// How much longer than the other servers' a greeting took, where its server greets late.
    #[must_use]
    pub(super) fn late_greeting(&self, id: ConnectionId) -> Option<i64> {
        self.late_greetings.get(&id).copied()
    }
}

/// How long a client waited for the words of a server that spoke first, once its connection stood.
pub(super) fn greeting(trace: &Trace, id: ConnectionId) -> Option<i64> {
    let waited = trace.legs(id).iter().filter_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let (stands, said) = (there.ack.get()?, back.data.get()?);
        let first = there.data.get().is_none_or(|asked| said.frame() < asked.frame());
        (first && back.accepted()).then(|| said.since(stands))
    });
    waited.max()
}

/// Health checks whose answer blames the question, by who asked whom.
fn blamed(trace: &Trace) -> HashMap<(Ip, (Ip, u16)), u32> {
    let mut blamed = HashMap::default();
    let checks = trace.iter().filter(|(id, _)| trace.ordinary(*id) == Some(Ordinary::HealthCheck));
    for (id, c) in checks {
        if trace.first_error(id).is_some_and(|(.., status)| status < 500) {
            *blamed.entry((c.front.client.0, c.front.server)).or_default() += 1;
        }
    }
    blamed
}

/// The longest time for which one range of bytes was sent again, by vantage and link.
fn repeated(vantages: &[Observations]) -> HashMap<(VantageId, u32), i64> {
    let mut first: HashMap<(VantageId, u32, u32), Mark> = HashMap::default();
    let mut longest: HashMap<(VantageId, u32), i64> = HashMap::default();
    for (v, vantage) in VantageId::each(vantages) {
        for repeat in &vantage.side_tables.repeats {
            let begun = *first.entry((v, repeat.link, repeat.from)).or_insert(repeat.mark);
            let known = longest.entry((v, repeat.link)).or_default();
            *known = (*known).max(repeat.mark.since(begun));
        }
    }
    longest
}

/// One answer: how long it took, nanoseconds, and the connection.
type Answer = (i64, ConnectionId);

/// The answers of servers that are slow as a whole, with what they took longer. Lists are
/// sorted.
fn slow(by_server: &ByServer) -> Vec<(ConnectionId, i64)> {
    let known = || by_server.iter().filter(|(_, list)| list.len() >= ENOUGH);
    // Few are compared whole; of many the quarters at either end may stray.
    let is_few = |own: &[Answer]| own.len() < 2 * ENOUGH + 2;
    let quick = |own: &[Answer]| if is_few(own) { own[0].0 } else { own[(own.len() - 1) / 4].0 };
    // Who is quick by himself is not held against the others.
    if known().all(|(_, own)| quick(own) < MORE_NS) {
        return Vec::new();
    }
    let mut all: Vec<Answer> = known().flat_map(|(_, list)| list.iter().copied()).collect();
    all.sort_unstable();
    let mut found = Vec::new();
    for (_, own) in known().filter(|(at, _)| **at != u16::MAX) {
        let others = all.len() - own.len();
        if others < ENOUGH {
            continue;
        }
        let quick = quick(own);
        let before = if is_few(own) { others - 1 } else { (others - 1) * 3 / 4 };
        let usual = of_others(&all, own, before);
        if quick >= usual.saturating_mul(FACTOR) && quick - usual >= MORE_NS {
            let slow = |ns: i64| ns >= usual.saturating_mul(FACTOR) && ns - usual >= MORE_NS;
            let late = own.iter().filter(|(ns, _)| slow(*ns));
            found.extend(late.map(|(ns, id)| (*id, ns - usual)));
        }
    }
    found
}

/// The answer with so many before it among all that are not a server's own, nanoseconds:
/// by halving, since a list of the others for each server would cost servers times answers.
fn of_others(all: &[Answer], own: &[Answer], before: usize) -> i64 {
    let foreign_up_to = |at: usize| at + 1 - own.partition_point(|answer| *answer <= all[at]);
    let (mut low, mut high) = (0, all.len() - 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if foreign_up_to(middle) > before { high = middle } else { low = middle + 1 }
    }
    all[low].0
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn slow_of(pools: &[&[i64]]) -> Vec<u32> {
        let mut id = 0;
        let mut by_server = ByServer::new();
        for (at, pool) in pools.iter().enumerate() {
            let mut list: Vec<(i64, ConnectionId)> = Vec::new();
            for ms in *pool {
                list.push((ms * MS, ConnectionId(id)));
                id += 1;
            }
            list.sort_unstable();
            by_server.insert(at as u16, list);
        }
        let mut ids: Vec<u32> = slow(&by_server).into_iter().map(|(id, _)| id.0).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn the_others_are_counted_without_a_list_of_their_own() {
        let answer = |ns: i64| (ns, ConnectionId(ns as u32));
        let all: Vec<Answer> = (0..20).map(answer).collect();
        let own: Vec<Answer> = [0, 3, 4, 19].map(answer).to_vec();
        let others: Vec<i64> = (0..20).filter(|ns| ![0, 3, 4, 19].contains(ns)).collect();
        let found: Vec<i64> = (0..others.len()).map(|n| of_others(&all, &own, n)).collect();
        assert_eq!(found, others);
    }

    #[test]
    fn three_against_three_tell_where_nothing_overlaps() {
        assert_eq!(slow_of(&[&[2, 2, 3], &[1500, 1510, 1490]]), [3, 4, 5]);
        assert_eq!(slow_of(&[&[2, 2, 400], &[1500, 1510, 1490]]), [0u32; 0]);
        assert_eq!(slow_of(&[&[2, 2], &[1500, 1510, 1490]]), [0u32; 0]);
        assert_eq!(slow_of(&[&[2, 2, 3], &[1500, 1510]]), [0u32; 0]);
    }

    #[test]
    fn every_answer_of_a_slow_server_that_is_slow_is_told() {
        let quick = [2; 12];
        let slow = [2, 900, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000];
        assert_eq!(slow_of(&[&quick, &slow]), (13..24).collect::<Vec<u32>>());
    }

    #[test]
    fn a_server_with_one_heavy_request_is_not_slow() {
        assert_eq!(slow_of(&[&[2, 2, 3, 2], &[2, 3, 2, 9000]]), [0u32; 0]);
    }

    #[test]
    fn factor_and_difference_both_count() {
        assert_eq!(slow_of(&[&[1, 1, 1], &[90, 90, 90]]), [0u32; 0]);
        assert_eq!(slow_of(&[&[300, 300, 300], &[900, 900, 900]]), [0u32; 0]);
    }
}
