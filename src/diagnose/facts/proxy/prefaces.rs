//! PROXY headers before requests, and what servers make of connections with and without one.

use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::PROMPT_NS;
use crate::flow::{FirstReply, Mark, Preface, Spoken, Words};
use crate::topology::{Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// RFC 9110, section 15.5.1.
pub(in crate::diagnose) const BAD_REQUEST: u16 = 400;

/// Address and port of a server.
pub(in crate::diagnose) type Listener = (Ip, u16);

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnose) enum Wrong {
    /// A header where none is expected.
    Unexpected,
    /// None where connections with one are answered.
    Missing,
    /// None, and the server closes without a word.
    Silent,
}

/// How the connections to one server port went.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct Said {
    /// With a header: the server broke off, or said it could not read this.
    pub rejected: Vec<(ConnectionId, Leg)>,
    /// With a header: it was answered.
    pub accepted: Vec<ConnectionId>,
    /// Without one: answered.
    pub answered: Vec<ConnectionId>,
    /// Without one: closed at once, without a word.
    pub dropped: Vec<(ConnectionId, Leg)>,
    /// Without one: anything else that came as far as a request.
    pub other: usize,
}

impl Said {
    pub fn join(&mut self, other: Self) {
        self.rejected.extend(other.rejected);
        self.accepted.extend(other.accepted);
        self.answered.extend(other.answered);
        self.dropped.extend(other.dropped);
        self.other += other.other;
    }

    /// The connections that went wrong.
    pub fn shown(&self, wrong: Wrong) -> &[(ConnectionId, Leg)] {
        if wrong == Wrong::Unexpected { &self.rejected } else { &self.dropped }
    }

    /// The service that clients asked for.
    pub fn service(&self, trace: &Trace, wrong: Wrong) -> Option<ServiceId> {
        let (id, _) = self.shown(wrong).first()?;
        let front = trace.pairs.clients.get(&id.0).and_then(|fronts| fronts.first());
        trace.topology.service_of.get(front.copied().unwrap_or(id.0) as usize).copied()
    }
}

/// Connections with a request, and the servers that got it. With a proxy in between, what
/// the client sends says nothing of the server.
pub(in crate::diagnose) fn asked<'a>(
    facts: &'a Facts,
) -> impl Iterator<Item = (ConnectionId, &'a crate::correlate::Connection, Listener)> {
    facts
        .iter()
        .filter(|(id, c)| {
            c.protocol.is_tcp() && c.progress.request && !facts.pairs.backends.contains_key(&id.0)
        })
        .map(|(id, c)| (id, c, c.back.unwrap_or(c.front).server))
}

pub(in crate::diagnose) fn endpoints(facts: &Facts) -> BTreeMap<Listener, Said> {
    let mut all: BTreeMap<Listener, Said> = BTreeMap::new();
    let spoilt = facts.spoilt_ids();
    // Servers that show something, which few do: what became of others' requests is no matter.
    let headed = facts.vantages.iter().any(|v| v.side_tables.has_prefaces());
    let shows = |id: ConnectionId, answered: bool| {
        facts.back_legs(id).any(|leg| {
            !answered && broke_off(facts, leg) || headed && preface(facts, leg).is_some()
        })
    };
    let suspects: HashSet<Listener> = asked(facts)
        .filter(|(id, c, _)| shows(*id, c.progress.response))
        .map(|(.., server)| server)
        .collect();
    for (id, c, server) in asked(facts).filter(|(.., server)| suspects.contains(server)) {
        let said = all.entry(server).or_default();
        let with = facts.back_legs(id).find_map(|leg| Some((leg, preface(facts, leg)?)));
        match with {
            Some((leg, _)) if misunderstood(facts, leg).is_some() => {
                said.rejected.push((id, *leg));
            }
            Some((leg, preface)) => match preface.reply {
                FirstReply::Status(BAD_REQUEST) | FirstReply::Alert => {
                    said.rejected.push((id, *leg));
                }
                FirstReply::None if c.progress.response => {}
                FirstReply::None if broke_off(facts, leg) => said.rejected.push((id, *leg)),
                FirstReply::None => {}
                _ => said.accepted.push(id),
            },
            None if c.progress.response => said.answered.push(id),
            None if spoilt.contains(&id) => said.other += 1,
            None => match facts.back_legs(id).find(|leg| broke_off(facts, leg)) {
                Some(leg) => said.dropped.push((id, *leg)),
                None => said.other += 1,
            },
        }
    }
    all
}

pub(in crate::diagnose) fn preface<'a>(trace: &'a Trace, leg: &Leg) -> Option<&'a Preface> {
    let tables = &trace.vantage(leg).side_tables;
    tables.preface(leg.stream).filter(|p| p.side == leg.client)
}

/// Where a server of lines says that it does not understand a PROXY header, if it does so at once: it has greeted, or
/// does so next.
pub(in crate::diagnose) fn misunderstood(trace: &Trace, leg: &Leg) -> Option<Mark> {
    let header = preface(trace, leg)?;
    let unclear = |s: &&Spoken| s.words == Words::NotUnderstood && s.side != leg.client;
    let said = trace.spoken(leg).iter().find(unclear)?;
    (0..PROMPT_NS).contains(&said.mark.since(header.mark)).then_some(said.mark)
}

/// Whether the server took bytes and ended the connection at once, without one of its
/// own, before the client did.
pub(in crate::diagnose) fn broke_off(trace: &Trace, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let Some(end) = end_of(trace, leg) else { return false };
    let before = |mark: crate::flow::Mark| mark.is_set() && mark.frame() < end.frame();
    there.data.is_set()
        && back.accepted()
        && back.payload == 0
        && !before(there.fin)
        && !before(there.rst)
        && (0..PROMPT_NS).contains(&end.since(there.data))
}

/// The server's FIN or RST.
pub(in crate::diagnose) fn end_of(trace: &Trace, leg: &Leg) -> Option<crate::flow::Mark> {
    let back = trace.reply(leg);
    [back.fin, back.rst].into_iter().filter_map(|m| m.get()).min_by_key(|m| m.frame())
}

/// What does not fit at a server, if anything.
pub(in crate::diagnose) fn judge(facts: &Facts, at: Listener, said: &Said) -> Option<Wrong> {
    if !said.rejected.is_empty() && said.accepted.is_empty() {
        return Some(Wrong::Unexpected);
    }
    let all_dropped = said.answered.is_empty() && said.other == 0 && said.rejected.is_empty();
    let balanced = said.dropped.iter().any(|(id, _)| facts.service(*id).mode != Mode::Unknown)
        || is_backend(facts, at);
    if said.dropped.is_empty() || !all_dropped {
        return None;
    }
    // Connections with a header that the same server answers prove what it expects.
    if !said.accepted.is_empty() {
        return Some(Wrong::Missing);
    }
    (balanced && !others_take_none(facts, at, said)).then_some(Wrong::Silent)
}

/// Whether another server of the same service answers what comes without a header: then the balancer
/// sends none to any of them, and rightly.
fn others_take_none(facts: &Facts, at: Listener, said: &Said) -> bool {
    let services: BTreeSet<ServiceId> =
        said.dropped.iter().map(|(id, _)| facts.service_of(*id)).collect();
    let bare = |id: ConnectionId| {
        let c = facts.connection(id);
        c.progress.response
            && c.back.unwrap_or(c.front).server != at
            && !facts.back_legs(id).any(|leg| preface(facts, leg).is_some())
    };
    let forwarded = services.into_iter().flat_map(|service| facts.requests_to(service));
    if forwarded.into_iter().any(|(id, c)| c.back.is_some() && bare(id)) {
        return true;
    }
    // A proxy's own connections for the same service.
    let Some(service) = said.service(facts, Wrong::Silent) else { return false };
    facts.requests_to(service).any(|(front, _)| {
        let backends = facts.pairs.backends.get(&front.0).map_or(&[][..], Vec::as_slice);
        backends.iter().any(|id| bare(ConnectionId(*id)))
    })
}

/// Whether a proxy is known to send its requests there.
fn is_backend(trace: &Trace, at: Listener) -> bool {
    trace.topology.services.iter().any(|s| {
        s.mode == Mode::Proxy
            && s.real_servers.iter().any(|r| (r.address, r.port) == (Some(at.0), at.1))
    })
}
