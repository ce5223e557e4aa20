//! Bare resets in mid-stream: a host without state for a connection that was
//! established. Who sent it tells which state was lost.
//!
//! A host is taken for the sender only where the frame has its MAC and a TTL
//! with which stacks begin, and its own capture does not show that it only
//! passed the reset on.

use crate::correlate::Leg;
use crate::diagnose::Proof;
use crate::diagnose::cause::silence::syn_retry_rescheduled;
use crate::diagnose::cause::size::withheld::{Passage, passage};
use crate::diagnose::cause::state::synproxy;
use crate::diagnose::cause::way::bgp_anycast_flap;
use crate::flow::{Flow, Hop, Link, Mark, Reset};
use crate::topology::{HostId, Mode, is_origin};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{seq_gt, seq_lt};

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
    /// What it had forgotten.
    pub keeper: Keeper,
    /// Where the reset is seen best.
    pub leg: Leg,
    /// The host's own capture shows it.
    pub own: bool,
}

/// All of them, of services with a director.
pub(in crate::diagnose) fn forgotten(trace: &Trace) -> Vec<Forgotten> {
    let mut found: Vec<Forgotten> = trace
        .requests()
        .filter(|(_, c)| c.protocol.is_tcp() && c.progress.no_socket && c.progress.established)
        .filter_map(|(id, _)| judge(trace, id))
        .collect();
    if !found.is_empty() {
        let flapped = bgp_anycast_flap::moved(trace);
        // A director that answered the SYN itself never had what it does not know.
        let spoilt = synproxy::ids(trace);
        found.retain(|one| !flapped.contains(&one.id) && !spoilt.contains(&one.id));
    }
    found
}

fn judge(trace: &Trace, id: ConnectionId) -> Option<Forgotten> {
    let service = trace.service(id);
    let balanced = matches!(service.mode, Mode::Nat | Mode::Dr | Mode::Tun | Mode::FullNat);
    if service.is_backend || !balanced || closed(trace, id) {
        return None;
    }
    let (host, leg, own) = sender(trace, id)?;
    // It waits for an ACK of the other server's number, and has nothing to forget.
    if syn_retry_rescheduled::accepted_twice(trace, id).is_some() {
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
    Some(Forgotten { id, host, keeper, leg, own })
}

/// In flight when a host resets, nanoseconds.
const IN_FLIGHT_NS: i64 = 1_000_000_000;

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
            && later() > here.saturating_add(IN_FLIGHT_NS)
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

    /// The segment that the reset answers.
    pub fn trigger(&self, trace: &Trace) -> At {
        trace.at(&self.leg, trace.reply(&self.leg).rst_answers)
    }

    /// Whether the host was seen to know the connection before: `Some(false)` where it
    /// accepted with numbers that the segment does not acknowledge, `None` where nothing
    /// but the reset is seen of it.
    pub fn was_known(&self, trace: &Trace) -> Option<bool> {
        let legs = trace.legs(self.id).iter();
        let mut known = None;
        for leg in legs.filter(|leg| leg.tuple == self.leg.tuple) {
            let (there, back) = (trace.forward(leg), trace.reply(leg));
            let from = trace.vantage(leg).first_hop(back).and_then(|hop| hop.link.src);
            let its = trace.host_by_mac(from) == Some(self.host);
            if !its || !(back.accepted() || back.payload > 0 || back.ack.is_set()) {
                continue;
            }
            let within = !back.accepted()
                || !seq_lt(there.max_ack, back.isn.wrapping_add(1))
                    && !seq_gt(there.max_ack, back.end_seq);
            known = Some(known.unwrap_or(false) || within);
        }
        known
    }

    /// How the connection's packets passed the host that reset it.
    pub fn passage<'a>(&self, trace: &'a Trace) -> Option<Passage<'a>> {
        passage(trace, self.id, self.host)
    }

    /// The segment and the reset.
    pub fn proofs(&self, trace: &Trace, came: &str, reset: &str) -> Vec<Proof> {
        let back = trace.reply(&self.leg);
        [trace.proof(&self.leg, back.rst_answers, came), trace.proof(&self.leg, back.rst, reset)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Nanoseconds from the last packet of the connection before the trigger,
    /// either way, to the trigger: seen where the trigger itself did not come,
    /// behind the host that reset it.
    pub fn idle_ns(&self, trace: &Trace) -> Option<i64> {
        let trigger = trace.time(self.trigger(trace));
        let mut before = Vec::new();
        before.extend(self.passage(trace).and_then(|p| p.last_out(trace, self.id)));
        for leg in trace.legs(self.id) {
            let (there, back) = (trace.forward(leg), trace.reply(leg));
            let at_server = trace.host_of(leg).is_some_and(|host| self.server(trace) == Some(host));
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

    fn server(&self, trace: &Trace) -> Option<HostId> {
        trace.server(self.id).and_then(|s| s.host)
    }
}
