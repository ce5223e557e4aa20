//! Connections that died of a silence, told by the ends alone: what lies between them is
//! in no capture.
//!
//! After the silence came a reset that the host in whose name it came did not send, or a
//! reset or nothing at all as the answer to the next segment. One end's capture does not
//! tell a balancer's reset from a server's: there the contrast must, that all connections
//! which were silent for less live on. One that outlived a longer silence refutes it.

use crate::breaks::{By, Manner, probed, reset_by};
use crate::correlate::{Leg, Outcome};
use crate::diagnose::Facts;
use crate::diagnose::facts::address::asks::asked_here;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{EXPIRED_LONG_NS, PROMPT_NS};
use crate::flow::{Ask, Idle, Mark, Reset, VantageId};
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use std::collections::{BTreeMap, HashSet};

/// What came after a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnose) enum After {
    /// A reset that neither end sent.
    Between,
    /// A reset as the answer to the next segment; whose does not show.
    Reset,
    /// Nothing answers any more.
    Nothing,
    /// Its client's host asks for an address by ARP that no packet before it had.
    Asked,
}

/// A connection that died of a silence.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Expired {
    /// The connection.
    pub id: ConnectionId,
    /// What came then.
    pub after: After,
    /// How long it was silent, nanoseconds.
    pub idle_ns: i64,
    /// The last frame before, the first after, the reset.
    pub marks: [Mark; 3],
    pub vantage: VantageId,
    /// The address that is asked for after it.
    pub wanted: Option<Ip>,
}

impl Expired {
    /// Frames that show it.
    pub fn proofs(&self) -> Vec<Proof> {
        let third = match self.after {
            After::Between => "a reset that the host in whose name it comes did not send",
            After::Reset => "a reset answers it",
            After::Nothing => "the last of them: nothing answered",
            After::Asked => "the last question, still no answer",
        };
        let second = match self.wanted {
            Some(ip) => format!("the host asks for {ip}, which its connections did not have"),
            None => "the next segment".to_owned(),
        };
        let notes = ["the last packet before the silence", &second, third];
        let mut proofs: Vec<Proof> = Vec::new();
        for (mark, note) in self.marks.into_iter().zip(notes).rev() {
            let Some(mark) = mark.get() else { continue };
            if proofs.iter().all(|p| p.at.mark != mark) {
                let at = At { vantage: self.vantage, mark };
                proofs.insert(0, Proof::at(at, note.to_owned()));
            }
        }
        proofs
    }
}

/// The connections of one service that died of silences.
#[derive(Debug)]
pub(in crate::diagnose) struct ExpiredSet {
    /// The service.
    pub service: ServiceId,
    /// All of them.
    pub expired: Vec<Expired>,
    /// The longest silence that one outlived, nanoseconds; 0 if none was silent and lived.
    pub outlived_ns: i64,
}

/// By service; `known` are those whose reset is accounted for.
pub(in crate::diagnose) fn sets(
    facts: &Facts<'_>,
    known: &HashSet<ConnectionId>,
) -> Vec<ExpiredSet> {
    let mut sets: BTreeMap<ServiceId, ExpiredSet> = BTreeMap::new();
    let asks = strange_asks(facts);
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let died = (!known.contains(&id)).then(|| died(facts, id)).flatten();
        let died = died.or_else(|| asked(facts, id, &asks));
        // Where only questions were asked after it, the last that a capture shows was outlived.
        let fatal = died.is_some_and(|died| died.after != After::Asked);
        let outlived = facts.legs(id).iter().filter_map(|leg| outlived(facts, leg, fatal));
        let outlived = outlived.max().unwrap_or(0);
        if died.is_none() && (outlived == 0 || !c.progress.established) {
            continue;
        }
        let service = facts.service_of(id);
        let set = sets.entry(service).or_insert_with(|| ExpiredSet {
            service,
            expired: Vec::new(),
            outlived_ns: 0,
        });
        set.expired.extend(died);
        set.outlived_ns = set.outlived_ns.max(outlived);
    }
    sets.into_values().filter(|set| !set.expired.is_empty()).collect()
}

impl ExpiredSet {
    /// The shortest silence that killed, nanoseconds.
    pub fn least_ns(&self) -> i64 {
        self.expired.iter().map(|e| e.idle_ns).min().unwrap_or(0)
    }

    /// The longest, nanoseconds.
    pub fn most_ns(&self) -> i64 {
        self.expired.iter().map(|e| e.idle_ns).max().unwrap_or(0)
    }

    /// Whether one was reset by neither end.
    pub fn cut_between(&self) -> bool {
        self.expired.iter().any(|e| e.after == After::Between)
    }

    /// Whether each was reset by neither end, and by a timer: no segment drew it.
    pub fn is_unprompted(&self) -> bool {
        let unprompted = |e: &Expired| e.after == After::Between && e.marks[1] == e.marks[2];
        self.expired.iter().all(unprompted)
    }

    /// Whether nothing but questions for a strange address shows it.
    pub fn is_guess(&self) -> bool {
        self.expired.iter().all(|e| e.after == After::Asked)
    }
}

fn idle<'a>(facts: &'a Facts<'_>, leg: &Leg) -> Option<&'a Idle> {
    facts.vantage(leg).side_tables.idle(leg.stream)
}

/// The longest silence at a vantage after which both sides spoke; the last one only where
/// it was not fatal.
fn outlived(facts: &Facts<'_>, leg: &Leg, fatal: bool) -> Option<i64> {
    let idle = idle(facts, leg)?;
    let stream = leg.of(&facts.vantages);
    // Where it was reset, whatever the reason, the last says nothing.
    let reset = stream.flows.iter().any(|flow| flow.rst.is_set());
    let last = (!fatal && !reset && idle.last.answered(stream)).then(|| idle.last.ns());
    last.into_iter().chain([idle.outlived_ns]).max()
}

fn died(facts: &Facts<'_>, id: ConnectionId) -> Option<Expired> {
    let closed = |leg: &Leg| facts.forward(leg).fin.is_set() || facts.reply(leg).fin.is_set();
    if facts.legs(id).iter().any(closed) {
        return None;
    }
    facts.legs(id).iter().find_map(|leg| {
        let silence = idle(facts, leg)?.last;
        let stream = leg.of(&facts.vantages);
        let (asking, asked) = (stream.flow(silence.by), stream.flow(silence.by.other()));
        let expired = |after, mark| Expired {
            id,
            after,
            idle_ns: silence.ns(),
            marks: [silence.before, silence.after, mark],
            vantage: leg.vantage,
            wanted: None,
        };
        if asking.rst == silence.after {
            // What ends the silence is itself the reset.
            return (reset_by(facts, id) == By::Between)
                .then(|| expired(After::Between, asking.rst));
        }
        if asked.rst.is_set() {
            let answers = asked.reset == Reset::NoSocket
                && asked.rst_answers.frame() >= silence.after.frame()
                && (0..PROMPT_NS).contains(&asked.rst.since(silence.after))
                && facts.connection(id).outcome == Outcome::Reset;
            let after = match reset_by(facts, id) {
                By::Between => After::Between,
                By::ClientsName | By::ServersName => After::Reset,
                By::Client | By::Server => return None,
            };
            return answers.then(|| expired(after, asked.rst));
        }
        let lost = facts.breaks.broken(id).is_some_and(|broken| {
            matches!(broken.manner, Manner::LostBetween | Manner::UnseenBeyond)
        });
        let silent = facts.connection(id).outcome == Outcome::Stalled
            && lost
            && !silence.answered(stream)
            && asking.retransmissions >= 2;
        let given_up = probed(facts, id).is_some();
        (silent || given_up).then(|| expired(After::Nothing, asking.last))
    })
}

/// What captured hosts ask for in vain, again and again, though no connection has the
/// address and nobody claims it.
fn strange_asks<'a>(facts: &Facts<'a>) -> Vec<(VantageId, &'a Ask)> {
    let mut asks = facts.unanswered().to_vec();
    asks.retain(|(v, ask)| {
        asked_here(&facts.vantages[v.index()], ask) && ask.answers == 0 && ask.again > 1
    });
    if asks.is_empty() {
        return asks;
    }
    let mut known = HashSet::new();
    for (_, c) in facts.iter() {
        for tuple in [Some(c.front), c.back].into_iter().flatten() {
            known.extend([tuple.client.0, tuple.server.0]);
        }
    }
    known.extend(facts.vantages.iter().flat_map(|v| &v.neighbors.bindings).map(|b| b.ip));
    asks.retain(|(_, ask)| !known.contains(&ask.target));
    asks
}

/// A balancer on the client's own host translates before the capture sees a packet; once
/// it has forgotten, the packet stays as the program addressed it, and the host looks for
/// that address.
fn asked(facts: &Facts<'_>, id: ConnectionId, asks: &[(VantageId, &Ask)]) -> Option<Expired> {
    let connection = facts.connection(id);
    let (v, ask) = asks.iter().find(|(_, ask)| ask.asker == connection.front.client.0)?;
    if connection.outcome != Outcome::Open {
        return None;
    }
    let leg = facts.legs(id).iter().find(|leg| leg.vantage == *v)?;
    let last = leg.of(&facts.vantages).last();
    let idle_ns = ask.first.since(last);
    (ask.first.frame() > last.frame() && idle_ns >= EXPIRED_LONG_NS).then_some(Expired {
        id,
        after: After::Asked,
        idle_ns,
        marks: [last, ask.first, ask.last],
        vantage: *v,
        wanted: Some(ask.target),
    })
}
