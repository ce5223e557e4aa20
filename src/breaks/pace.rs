//! How fast a service answers, by which one connection is called slow: its server's
//! answers against those of the other servers, as one kind of vantage shows them.
//!
//! The network's part is taken off where it shows: what a handshake takes at a vantage
//! lies behind that vantage. One slow answer is a heavy request; a server all of whose
//! answers are far slower than all others' is not chance.

mod slow;

use super::asked_elsewhere::AskedElsewhere;
use super::fell_back::FellBack;
use super::first_words::{self, greeting};
use super::other_family::OtherFamily;
use super::raced::Raced;
use crate::correlate::Progress;
use crate::hashed::{HashMap, HashSet};
use crate::parts::in_parts;
use crate::topology::{HostId, Ordinary, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use slow::{ByServer, slow};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Ports on which servers speak first (IANA service names: ftp, ssh, smtp, pop3, imap,
/// submission, mysql).
pub(super) const GREETED: [u16; 7] = [21, 22, 25, 110, 143, 587, 3306];
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
    asked_elsewhere: OnceLock<AskedElsewhere>,
    /// Connections that stand, for those that were refused by the other family of addresses.
    other_family: OnceLock<OtherFamily>,
    /// Services whose connections a host passes on.
    relayed: OnceLock<HashSet<(ServiceId, HostId)>>,
    /// Services of which every answered connection began with the server's words.
    first_words: OnceLock<HashSet<ServiceId>>,
    /// Services whose answers come to many who were not seen to call.
    backscatter: OnceLock<HashSet<ServiceId>>,
    /// Relays of DHCP that a server answers.
    leased: OnceLock<HashSet<(Ip, u16)>>,
}

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
            errors,
            at_once: super::at_once::cut_at_once(trace),
            blamed: blamed(trace),
            one_sided: OnceLock::new(),
            raced: OnceLock::new(),
            fell_back: OnceLock::new(),
            asked_elsewhere: OnceLock::new(),
            other_family: OnceLock::new(),
            relayed: OnceLock::new(),
            first_words: OnceLock::new(),
            backscatter: OnceLock::new(),
            leased: OnceLock::new(),
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

    /// How long a client waited for a name server before it asked another, which answered, nanoseconds.
    pub(super) fn asked_elsewhere(&self, trace: &Trace, id: ConnectionId) -> Option<i64> {
        self.asked_elsewhere.get_or_init(|| AskedElsewhere::of(trace)).after(trace, id)
    }

    /// How long a client of QUIC waited that went on by TCP, nanoseconds.
    pub(super) fn fell_back(&self, trace: &Trace, id: ConnectionId) -> Option<i64> {
        self.fell_back.get_or_init(|| FellBack::of(trace)).after(trace, id)
    }

    /// How long after it was refused a client went on by the other family of addresses, nanoseconds.
    pub(super) fn other_family(&self, trace: &Trace, id: ConnectionId) -> Option<i64> {
        self.other_family.get_or_init(|| OtherFamily::of(trace)).after(trace, id)
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
    pub fn speaks_first(&self, trace: &Trace, service: ServiceId, port: u16) -> bool {
        let all = || self.first_words.get_or_init(|| first_words::services(trace));
        GREETED.contains(&port) || self.greets(service) || all().contains(&service)
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

    /// Whether who asked a server for its health was blamed for it once. A proxy that passes
    /// on one client's bad request, which was captured nowhere else, looks the same.
    #[must_use]
    pub fn is_blamed_once(&self, asker: Ip, server: (Ip, u16)) -> bool {
        self.blamed.get(&(asker, server)).is_some_and(|n| *n < 2)
    }

    /// Whether a server answers what a relay of DHCP asks.
    pub(super) fn is_leased(&self, trace: &Trace, relay: (Ip, u16)) -> bool {
        self.leased.get_or_init(|| super::leases::answered(trace)).contains(&relay)
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
