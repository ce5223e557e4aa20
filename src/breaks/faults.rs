//! Answers by which a service says, in its own protocol, that it does not do what it was asked.

use super::journey::{Journey, Milestone};
use super::judged::Judged;
use super::said::{http2_refused, server_error, tls_refused, unwelcome, words};
use super::{Break, Fate, Manner, Packet};
use crate::correlate::Leg;
use crate::flow::{Mark, Spoken, Words};
use crate::hashed::{HashMap, HashSet};
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use crate::wire::fault::{
    CLOCK_NOT_SET, HOLD_TIMER_EXPIRED, SPEAKS_NO_TLS, Service, UNIMPLEMENTED, is_of_asker,
};

/// A server may ask one client to ask less often, and go on answering it: so many kiss codes of NTP say that it
/// turns clients away. One name may be broken wherever it is asked for, and whom one call is for may be gone: so many names that a
/// server does not resolve, or answers for names that others do resolve, or calls, and no other answer of it, say
/// that it is the server.
const SEVERAL: usize = 3;

/// Sessions of BGP between two peers that end since one heard nothing of the other: once is how a failure of a way
/// is found out, which is what the timer is for; again and again no session lasts.
const FLAPS: usize = 2;

/// What an answer says: whose error it is, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault(pub Service, pub u16);

/// The first answer of a connection that says so. What may lie in the question counts only where a server says nothing else, which
/// [`errors`] looks at.
#[must_use]
pub fn service_fault(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Spoken, Fault)> {
    said_by_service(trace, id).find(|(.., Fault(service, code))| !is_of_asker(*service, *code))
}

/// The answer of a connection that turns its client away for who he is or his password, after which the captures do
/// not show him served.
#[must_use]
pub fn turned_away(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Spoken, Fault)> {
    said_by_service(trace, id).find(|(.., Fault(service, code))| is_of_asker(*service, *code))
}

fn said_by_service(
    trace: &Trace,
    id: ConnectionId,
) -> impl Iterator<Item = (&Leg, &Spoken, Fault)> {
    words(trace, id).filter_map(move |(leg, spoken)| {
        let fault = match spoken.words {
            Words::Fault(service, code) => Fault(service, code),
            _ => return None,
        };
        // Who may do without TLS goes on: only a request for it and one for its like (GSSAPI) were sent.
        if fault == Fault(Service::Postgres, SPEAKS_NO_TLS) && !asked_for_tls_alone(trace, leg) {
            return None;
        }
        // Either side of a session of BGP ends it with a word.
        let says = spoken.side != leg.client || fault.0 == Service::Bgp;
        says.then_some((leg, spoken, fault))
    })
}

/// Bytes of PostgreSQL's SSLRequest, and of its GSSENCRequest (Frontend/Backend Protocol, "Message Formats").
const ASKS_FOR_TLS: u64 = 8;

/// Whether a client of PostgreSQL asked for TLS, and left with the answer.
fn asked_for_tls_alone(trace: &Trace, leg: &Leg) -> bool {
    let there = trace.forward(leg);
    let asked = [ASKS_FOR_TLS, 2 * ASKS_FOR_TLS].contains(&there.payload);
    asked && there.opened() && (there.fin.is_set() || there.rst.is_set())
}

/// Whether it is an error of the service's own protocol: who resets after it has been told.
pub(super) fn is_of_protocol(trace: &Trace, id: ConnectionId) -> bool {
    service_fault(trace, id).is_some()
}

/// Whether a client's first words have no answer by their protocol.
pub(super) fn has_no_answer(trace: &Trace, id: ConnectionId) -> bool {
    words(trace, id).any(|(leg, s)| s.words == Words::NoAnswerDue && s.side == leg.client)
}

/// Where a connection in HTTP was answered more than once, and whether a later answer is 400 after a first that served.
#[must_use]
pub fn answered_again(trace: &Trace, id: ConnectionId) -> Option<(&Leg, Mark, bool)> {
    words(trace, id).find_map(|(leg, spoken)| match spoken.words {
        Words::AnsweredAgain(bad) if spoken.side != leg.client => Some((leg, spoken.mark, bad)),
        _ => None,
    })
}

/// Whether a client's first words have an answer by their protocol, none came, and the client said no more: who goes on
/// does not wait for it.
pub(super) fn is_due_an_answer(trace: &Trace, id: ConnectionId) -> bool {
    words(trace, id).any(|(leg, s)| match s.words {
        Words::AnswerDue(len) => {
            s.side == leg.client && trace.forward(leg).payload == u64::from(len)
        }
        _ => false,
    })
}

/// Who answers: the service, and the server if it is known.
type Answerer = (ServiceId, Option<Ip>);

/// Connections that ended in such words.
pub(super) fn errors(trace: &Trace) -> HashSet<u32> {
    let mut found: HashSet<u32> = HashSet::default();
    if trace.vantages.iter().all(|v| !v.side_tables.has_spoken()) {
        return found;
    }
    let mut answered: HashMap<Answerer, Answers> = HashMap::default();
    // By who turned clients away; of those who ask for TLS by who was.
    let mut kissed: HashMap<Answerer, Vec<ConnectionId>> = HashMap::default();
    let mut unheard: HashMap<[Ip; 2], Vec<ConnectionId>> = HashMap::default();
    for (id, connection) in trace.iter().filter(|(id, _)| trace.ordinary(*id).is_none()) {
        let fault = match service_fault(trace, id) {
            Some((.., fault @ Fault(Service::Dns | Service::DnsRefused | Service::Sip, _))) => {
                Some((fault, 1))
            }
            // A client may ask again and again from one port.
            Some((leg, _, fault @ Fault(Service::Ntp, CLOCK_NOT_SET))) => {
                Some((fault, trace.reply(leg).packets as usize))
            }
            // Who looks what a server offers meets what it does not, too.
            Some((.., Fault(Service::Ntp, _) | Fault(Service::Grpc, UNIMPLEMENTED))) => {
                let server = trace.server(id).and_then(|server| server.address);
                kissed.entry((trace.service_of(id), server)).or_default().push(id);
                continue;
            }
            // A stranger may ask for TLS, too, to see what is there.
            Some((.., Fault(Service::Postgres, SPEAKS_NO_TLS))) => {
                let client = Some(connection.front.client.0);
                kissed.entry((trace.service_of(id), client)).or_default().push(id);
                continue;
            }
            Some((.., Fault(Service::Bgp, HOLD_TIMER_EXPIRED))) => {
                let mut peers = [connection.front.client.0, connection.front.server.0];
                peers.sort_unstable();
                unheard.entry(peers).or_default().push(id);
                continue;
            }
            Some(_) => {
                found.insert(id.0);
                continue;
            }
            None => None,
        };
        if fault.is_some() || connection.progress.response {
            let server = trace.server(id).and_then(|server| server.address);
            let of = answered.entry((trace.service_of(id), server)).or_default();
            of.all += 1;
            match fault {
                Some((Fault(service, code), answers)) => {
                    if service == Service::Dns && is_slow(trace, id) {
                        of.slow.insert(code);
                    }
                    of.names.extend(service.is_of_names().then_some(code));
                    of.failed.push(id);
                    of.answers += answers;
                }
                None => of.others = true,
            }
        }
    }
    let resolved = resolved(trace);
    let elsewhere =
        |of: &Answers| of.answers >= SEVERAL && of.names.iter().all(|name| resolved.contains(name));
    let alone = |of: &Answers| of.names.len() >= SEVERAL || elsewhere(of);
    let nothing = answered.into_values().filter(|of| !of.others && alone(of) || of.waits());
    found.extend(nothing.flat_map(|of| of.failed).map(|id| id.0));
    let often = kissed.into_values().filter(|ids| ids.len() >= SEVERAL);
    found.extend(often.flatten().map(|id| id.0));
    let flaps = unheard.into_values().filter(|ids| ids.len() >= FLAPS);
    found.extend(flaps.flatten().map(|id| id.0));
    found
}

/// Digests of names that some name server resolved.
fn resolved(trace: &Trace) -> HashSet<u16> {
    let all = trace.iter().flat_map(|(id, _)| words(trace, id));
    let name = |spoken: &Spoken| match spoken.words {
        Words::Resolved(name) => Some(name),
        _ => None,
    };
    all.filter_map(|(_, spoken)| name(spoken)).collect()
}

/// What a server of names or of calls answered.
#[derive(Default)]
struct Answers {
    /// Digests of names that ended in SERVFAIL or REFUSED.
    names: HashSet<u16>,
    /// Connections on which it said so.
    failed: Vec<ConnectionId>,
    /// How often it said so.
    answers: usize,
    /// It answered otherwise, too.
    others: bool,
    /// Digests of names of which it said so only after it had waited itself.
    slow: HashSet<u16>,
    /// Connections that it answered.
    all: usize,
}

impl Answers {
    /// Whether a server waits in vain for what it asks others: of several names it says that it could not find out, each
    /// time after a wait, and they are no small part of what it is asked. One zone may be broken, and is rarely asked for.
    fn waits(&self) -> bool {
        self.slow.len() >= SEVERAL
            && self.slow.len() == self.names.len()
            && self.failed.len() >= self.all / SHARE
    }
}

/// From the question to the answer of a server that asked others in vain at least, nanoseconds: the least that such
/// wait for one before they ask the next (BIND 0.8 s, Unbound about a second, CoreDNS 2 s for a forward).
const WAITED_NS: i64 = 800_000_000;
/// The part of a server's answers that is no small one: every so many-th. Judgement.
const SHARE: usize = 4;

fn is_slow(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        back.data.is_set() && back.data.since(there.data) >= WAITED_NS
    })
}

/// A request that a server answered with an error, or a handshake that one side refused.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Judged {
    let harm = |packet, last| {
        let (manner, cost_ns) = (Manner::Error, 0);
        let broken =
            Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
        Judged::Harm(Fate::Failed, broken)
    };
    let at = |forward, said: Option<(&Leg, &Spoken)>| {
        let mut last = Journey::of(trace, id, forward, Milestone::Data).first().copied();
        if let (Some(last), Some((leg, spoken))) = (&mut last, said)
            && last.at.vantage == leg.vantage
        {
            last.at.mark = spoken.mark;
        }
        last
    };
    if let Some((leg, spoken, _)) = unwelcome(trace, id) {
        return harm(Packet::Greeting, at(false, Some((leg, spoken))));
    }
    let refused = tls_refused(trace, id).map(|(leg, spoken, _)| (leg, spoken));
    let forward = refused.is_some_and(|(leg, spoken)| spoken.side == leg.client);
    let said = refused
        .or_else(|| server_error(trace, id).map(|(leg, said, _)| (leg, said)))
        .or_else(|| http2_refused(trace, id))
        .or_else(|| service_fault(trace, id).map(|(leg, said, _)| (leg, said)));
    let udp = trace.connection(id).protocol.is_datagrams();
    harm(if udp { Packet::Datagram } else { Packet::Response }, at(forward, said))
}
