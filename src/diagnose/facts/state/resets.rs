//! Bare resets in mid-stream: a host without state for a connection that was
//! established, and all that tells which state was lost. Which cause a reset belongs to is
//! decided in `decide/reset.rs`.
//!
//! A host is taken for the sender only where the frame has its MAC and a TTL
//! with which stacks begin, and its own capture does not show that it only
//! passed the reset on.

use crate::correlate::Leg;
use crate::diagnose::facts::silence::two_servers::accepted_twice;
use crate::diagnose::facts::way::passages::{Passage, passage};
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::RESETS_IN_FLIGHT_NS;
use crate::flow::{Flow, Hop, Link, Mark, Reset};
use crate::hashed::HashSet;
use crate::topology::{HostId, Mode, ServiceId, is_origin};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{seq_gt, seq_lt};
use std::collections::{BTreeMap, BTreeSet};

/// Whose state it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Keeper {
    /// A socket of the real server.
    RealServer,
    /// An entry in the director's connection table.
    Director,
    /// Nobody's: the host is another real server, which never had the connection.
    Stranger,
}

/// A connection that a host had forgotten.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Forgotten {
    /// The connection.
    pub id: ConnectionId,
    /// Who reset it.
    pub host: HostId,
    /// Where the reset is seen best.
    pub leg: Leg,
    /// The host's own capture shows it.
    pub own: bool,
    pub signs: Signs,
}

/// What tells the reason of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    /// What the host had forgotten.
    pub keeper: Keeper,
    /// The way to the address changed from one site to another and back.
    pub other_site: bool,
    /// A SYN proxy answered it and spoilt it.
    pub spoilt: bool,
    /// Two real servers accepted it.
    pub two_servers: bool,
    /// It answers a segment that went astray.
    pub astray: bool,
    /// Whether the host was seen to know the connection before: `Some(false)` where it
    /// accepted with numbers that the segment does not acknowledge, `None` where nothing
    /// but the reset is seen of it.
    pub known: Option<bool>,
    /// Whether a director's own capture shows that it sent the last segment on.
    pub sent_on: Option<bool>,
    /// Another real server accepted it, or is seen to go on with it.
    pub served_elsewhere: bool,
    /// The director that reset it never forwarded it: another one did.
    pub moved: bool,
    /// How long the connection was silent before, nanoseconds.
    pub idle_ns: Option<i64>,
}

/// By service and by the host that resets.
pub(in crate::diagnose) fn by_host<'a>(
    trace: &Trace,
    resets: impl Iterator<Item = &'a Forgotten>,
) -> BTreeMap<(ServiceId, HostId), Vec<Forgotten>> {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Forgotten>> = BTreeMap::new();
    for one in resets {
        sets.entry((trace.service_of(one.id), one.host)).or_default().push(*one);
    }
    sets
}

/// All of them, of services with a director, given the connections that changes of site
/// moved and that SYN proxies spoilt.
pub(in crate::diagnose) fn all(
    trace: &Trace,
    moved: &BTreeSet<ConnectionId>,
    spoilt: &HashSet<ConnectionId>,
) -> Vec<Forgotten> {
    let mut found: Vec<Forgotten> = trace
        .requests()
        .filter(|(_, c)| c.protocol.is_tcp() && c.progress.no_socket && c.progress.established)
        .filter_map(|(id, _)| judge(trace, id))
        .collect();
    for one in &mut found {
        one.signs.other_site = moved.contains(&one.id);
        one.signs.spoilt = spoilt.contains(&one.id);
    }
    found
}

fn judge(trace: &Trace, id: ConnectionId) -> Option<Forgotten> {
    let service = trace.service(id);
    let balanced = service.mode.is_layer_4();
    if service.is_backend || !balanced && service.mode != Mode::Unknown || closed(trace, id) {
        return None;
    }
    let (host, leg, own) = sender(trace, id)?;
    // Where no director is known, as behind equal routes, both servers must show themselves.
    let both = own && acceptor(trace, id, host).is_some();
    if !(balanced || both) {
        return None;
    }
    let server = trace.server(id).and_then(|s| s.host) == Some(host);
    let director = service.is_director(host)
        || (trace.topology.hosts.claims_ip(host, service.vip)
            && !service.real_servers.iter().any(|r| r.host == Some(host)));
    let other = service.real_servers.iter().any(|r| r.host == Some(host))
        && trace.server(id).is_some_and(|s| s.host.is_some());
    let keeper = match (server, director) {
        (_, false) if own && went_on(trace, id, &leg).is_some() => Keeper::Stranger,
        (true, false) => Keeper::RealServer,
        (false, true) => Keeper::Director,
        (false, false) if other => Keeper::Stranger,
        // Both, or neither: nobody can be named.
        _ => return None,
    };
    let own_passage = passage(trace, id, host).filter(|_| keeper == Keeper::Director);
    let sent_on = match keeper {
        Keeper::Director => own_passage.map(|p| !p.is_withheld(trace, id)),
        _ => forwarded(trace, id),
    };
    // Only of a connection seen from its SYN on can this be said.
    let whole = trace.connection(id).progress.syn;
    let signs = Signs {
        keeper,
        other_site: false,
        spoilt: false,
        // It waits for an ACK of the other server's number, and has nothing to forget.
        two_servers: accepted_twice(trace, id).is_some(),
        astray: trace.stray(id).is_some(),
        known: was_known(trace, id, host, &leg),
        sent_on,
        served_elsewhere: acceptor(trace, id, host).is_some()
            || own && went_on(trace, id, &leg).is_some(),
        moved: whole && own_passage.is_some_and(|p| p.left.is_none()),
        idle_ns: idle_ns(trace, id, host, &leg),
    };
    Some(Forgotten { id, host, leg, own, signs })
}

/// Whether a director's capture shows that it sent the last segment on.
fn forwarded(trace: &Trace, id: ConnectionId) -> Option<bool> {
    let directors = trace.service(id).directors.iter();
    let passages = directors.filter_map(|d| passage(trace, id, d.host));
    passages.map(|p| !p.is_withheld(trace, id)).reduce(|a, b| a || b)
}

/// Another host than this one that accepted the connection.
pub(in crate::diagnose) fn acceptor(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
) -> Option<HostId> {
    let opened = trace.route(id).back.iter().find(|step| step.origin && step.opening)?;
    opened.from.filter(|from| *from != host)
}

/// See [`Signs::known`].
fn was_known(trace: &Trace, id: ConnectionId, host: HostId, at: &Leg) -> Option<bool> {
    let mut known = None;
    for leg in trace.legs(id).iter().filter(|leg| leg.tuple == at.tuple) {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let from = trace.vantage(leg).first_hop(back).and_then(|hop| hop.link.src);
        let its = trace.host_by_mac(from) == Some(host);
        // What was captured at another time does not show how the connection went on since.
        let before = trace.end_of(trace.vantage(leg)) < trace.start_of(trace.vantage(at));
        if !its || before || !(back.accepted() || back.payload > 0 || back.ack.is_set()) {
            continue;
        }
        let within = !back.accepted()
            || !seq_lt(there.max_ack, back.isn.wrapping_add(1))
                && !seq_gt(there.max_ack, back.end_seq);
        known = Some(known.unwrap_or(false) || within);
    }
    known
}

/// Nanoseconds from the last packet of the connection before the segment that was reset,
/// either way, to that segment: seen where it did not come itself, behind the host that
/// reset it.
fn idle_ns(trace: &Trace, id: ConnectionId, host: HostId, at: &Leg) -> Option<i64> {
    let trigger = trace.time(trace.at(at, trace.reply(at).rst_answers));
    let server = trace.server(id).and_then(|s| s.host);
    let mut before: Vec<At> = Vec::new();
    before.extend(passage(trace, id, host).and_then(|p| p.last_out(trace, id)));
    for leg in trace.legs(id) {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let at_server = trace.host_of(leg).is_some_and(|host| server == Some(host));
        let behind = leg.tuple > 0 || at_server;
        if back.rst.is_set() || !behind {
            continue;
        }
        before.extend(
            [there.last, back.last].iter().filter_map(|m| m.get()).map(|m| trace.at(leg, m)),
        );
    }
    let last = before.into_iter().map(|at| trace.time(at)).filter(|t| *t <= trigger).max()?;
    Some(trigger.0.saturating_sub(last.0))
}

/// Where somebody else goes on with a connection in the server's name after a host reset
/// it, and that host's own capture, which runs on, does not show it send that. Each
/// vantage counts from the reset that it saw, so clocks do not matter.
fn went_on<'a>(trace: &'a Trace, id: ConnectionId, at: &Leg) -> Option<&'a Leg> {
    let back = trace.reply(at);
    let here = back.last.since(back.rst);
    let watched = trace.vantage(at).end.0.saturating_sub(back.rst.at().0);
    trace.legs(id).iter().find(|leg| {
        let back = trace.reply(leg);
        let later = || back.last.since(back.rst);
        trace.host_of(leg) != trace.host_of(at)
            && back.rst.is_set()
            && later() > here.saturating_add(RESETS_IN_FLIGHT_NS)
            && later() <= watched
    })
}

/// After either side closed in order, or the client's reset, a reset is nothing strange.
fn closed(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        // What the client's host reset before, the server's may forget.
        let reset = there.rst.is_set() && back.rst.is_set() && there.rst.frame() < back.rst.frame();
        back.fin.is_set() || there.fin.is_set() || reset
    })
}

fn sender(trace: &Trace, id: ConnectionId) -> Option<(HostId, Leg, bool)> {
    let mut best = None;
    for leg in trace.legs(id) {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let midstream = there.data.is_set() && back.rst_answers.is_set();
        if back.reset != Reset::NoSocket || !midstream {
            continue;
        }
        let Some((_, hop)) = link_at(trace, leg, back, back.rst) else { continue };
        let Some(host) = trace.host_by_mac(hop.link.src).filter(|_| is_origin(hop)) else {
            continue;
        };
        if hop.link.is_loopback() || got_one(trace, id, host) {
            continue;
        }
        let own = trace.host_of(leg) == Some(host);
        if own || best.is_none() {
            best = Some((host, *leg, own));
        }
        if own {
            break;
        }
    }
    best
}

/// The link of a frame, where it can be told.
pub(in crate::diagnose) fn link_at<'a>(
    trace: &'a Trace,
    leg: &Leg,
    flow: &Flow,
    mark: Mark,
) -> Option<(&'a Link, &'a Hop)> {
    let exact = |l: &Link| l.first == mark || l.last == mark;
    if let Some(found) = trace.path(leg, flow).find(|(l, _)| exact(l)) {
        return Some(found);
    }
    let spans = |l: &Link| (l.first.frame()..=l.last.frame()).contains(&mark.frame());
    let mut around = trace.path(leg, flow).filter(|(l, _)| spans(l));
    around.next().filter(|_| around.next().is_none())
}

/// Whether a host got the reset from somebody else.
fn got_one(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)).any(|leg| {
        let back = trace.reply(leg);
        back.rst.is_set()
            && link_at(trace, leg, back, back.rst)
                .is_some_and(|(_, hop)| trace.vantage(leg).own.arrived(hop) == Some(true))
    })
}

impl Forgotten {
    /// Where another host is seen to go on with the connection after this one reset it.
    pub fn went_on<'a>(&self, trace: &'a Trace) -> Option<&'a Leg> {
        went_on(trace, self.id, &self.leg).filter(|_| self.own)
    }

    /// The director's own capture shows that it did not send the segment on.
    pub fn is_withheld(&self) -> bool {
        self.signs.sent_on == Some(false)
    }

    /// How the connection's packets passed the host that reset it.
    pub fn passage<'a>(&self, trace: &'a Trace) -> Option<Passage<'a>> {
        passage(trace, self.id, self.host)
    }

    /// The segment and the reset.
    pub fn proofs(&self, trace: &Trace, came: &str, reset: &str) -> Vec<Proof> {
        let back = trace.reply(&self.leg);
        Proof::seen([
            trace.proof(&self.leg, back.rst_answers, came),
            trace.proof(&self.leg, back.rst, reset),
        ])
    }
}
