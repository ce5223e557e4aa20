//! Directors that answer SYNs themselves (SYN proxy): the SYN-ACK leaves before a SYN goes
//! to a real server, if one ever does. What they did, and where it went wrong.
//!
//! Looked at on connections without an answer alone. A layer-7 proxy answers itself too:
//! where nothing goes to a real server, another connection of the service must show the
//! two handshakes as one.

use crate::correlate::{Connection, Leg};
use crate::diagnose::facts::connection::each_once;
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::thresholds::{
    NO_COINCIDENCE, PROMPT_NS, SYN_PROXIES_STALLED_ACKS, SYN_PROXIES_STALLED_REPEATS,
    SYN_PROXIES_STUCK_NS,
};
use crate::flow::{Flow, Reset};
use crate::topology::{HostId, Mode, Ordinary, ServiceId};
use crate::trace::{ConnectionId, Trace};

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnose) enum Fault {
    /// The real server refuses the director's SYN.
    Refused,
    /// It does not answer it.
    Silent,
    /// The director does not take the client's ACK: it resets it, or drops what follows.
    Cookie,
    /// The window of its SYN-ACK is 0 and is never opened.
    Closed,
    /// DR or TUN: the real server's own SYN-ACK reaches a client that has one.
    Direct,
    /// The window of its SYN-ACK is 0 and is opened then, and nothing of what the client
    /// sends is taken: the handshake behind is not complete.
    Stalled,
}

/// A connection that a SYN proxy spoilt.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Spoilt<'a> {
    pub id: ConnectionId,
    pub fault: Fault,
    /// Who answered the SYN, where its capture shows it.
    pub director: Option<HostId>,
    /// The client's handshake.
    pub front: &'a Leg,
    /// The director's own, where there is one; else another sight of the connection.
    pub back: Option<&'a Leg>,
}

/// All of them.
pub(in crate::diagnose) fn spoilt<'a>(facts: &Indexed<'a>) -> Vec<Spoilt<'a>> {
    let trace = facts.trace;
    let suspect = |c: &Connection| {
        let p = c.progress;
        c.protocol.is_tcp() && p.syn && p.answered && p.established && !p.response
    };
    // A health check meets a SYN proxy as a client does.
    let asks = |id: ConnectionId| matches!(trace.ordinary(id), None | Some(Ordinary::HealthCheck));
    let all = || trace.iter().filter(|(id, c)| suspect(c) && asks(*id));
    let mut found: Vec<Spoilt<'_>> = all().filter_map(|(id, _)| judge(trace, id)).collect();
    // Without a second handshake only the others tell what this director does.
    let mut services: Vec<ServiceId> =
        each_once(found.iter().filter(|s| s.fault == Fault::Cookie).map(|s| of(trace, s.id)));
    services.retain(|service| guards(facts, *service));
    found.retain(|s| s.fault != Fault::Cookie || services.contains(&of(trace, s.id)));
    found
}

fn of(trace: &Trace, id: ConnectionId) -> ServiceId {
    trace.service_of(id)
}

/// Whether a service's director is seen to answer before it asks, and real servers accept.
pub(in crate::diagnose) fn guards(facts: &Indexed<'_>, service: ServiceId) -> bool {
    let of_service = facts.requests_to(service).filter(|(_, c)| c.progress.response);
    let shown = of_service.filter(|(id, _)| {
        let legs = facts.legs(*id);
        legs.iter().filter(|leg| leg.tuple == 0).any(|front| {
            let second = behind(facts, *id, front);
            answers_itself(facts, front)
                && second
                    .is_some_and(|leg| facts.reply(leg).accepted() && follows(facts, front, leg))
        })
    });
    shown.take(NO_COINCIDENCE).count() == NO_COINCIDENCE
}

/// The director's own handshake, in the capture of a leg of the client's.
fn behind<'a>(trace: &'a Trace, id: ConnectionId, front: &Leg) -> Option<&'a Leg> {
    let here = trace.vantage(front).capture;
    trace.back_legs(id).find(|leg| leg.tuple > 0 && trace.vantage(leg).capture == here)
}

/// Whether a leg's host sends the SYN-ACK and did not get it.
fn answers_itself(trace: &Trace, front: &Leg) -> bool {
    let (own, back) = (&trace.vantage(front).own, trace.reply(front));
    let mut sent = false;
    for (_, hop) in trace.path(front, back).filter(|(link, _)| link.syns > 0) {
        if own.arrived(hop) != Some(false) {
            return false;
        }
        sent |= own.sent(hop) == Some(true) && crate::topology::is_origin(hop);
    }
    back.accepted() && sent && trace.forward(front).opened()
}

/// Whether the director's SYN left after its SYN-ACK to the client.
fn follows(trace: &Trace, front: &Leg, second: &Leg) -> bool {
    let (syn, answer) = (trace.forward(second), trace.reply(front).syn);
    syn.opened() && syn.syn.frame() > answer.frame()
}

fn judge(trace: &Trace, id: ConnectionId) -> Option<Spoilt<'_>> {
    let service = trace.service(id);
    if service.is_backend || service.mode == Mode::Proxy {
        return None;
    }
    let closed = || {
        let stuck = |leg: &&Leg| leg.tuple == 0 && never_opens(trace, leg);
        let front =
            trace.legs(id).iter().filter(stuck).max_by_key(|leg| answers_itself(trace, leg))?;
        let director = trace.host_of(front).filter(|_| answers_itself(trace, front));
        Some(Spoilt { id, fault: Fault::Closed, director, front, back: None })
    };
    let fronts = trace.legs(id).iter().filter(|leg| leg.tuple == 0 && answers_itself(trace, leg));
    for front in fronts {
        let Some(host) = trace.host_of(front) else { continue };
        let spoilt = |fault, back| Some(Spoilt { id, fault, director: Some(host), front, back });
        match service.mode {
            Mode::Nat | Mode::FullNat => match behind(trace, id, front) {
                Some(second) if follows(trace, front, second) => {
                    let (syn, answer) = (trace.forward(second), trace.reply(second));
                    if answer.reset == Reset::Refused {
                        return spoilt(Fault::Refused, Some(second));
                    }
                    if !answer.seen() && syn.syns > 1 {
                        return spoilt(Fault::Silent, Some(second));
                    }
                }
                Some(_) => return None,
                None if !never_opens(trace, front) && turned_away(trace, id, front, host) => {
                    return spoilt(Fault::Cookie, None);
                }
                None => {}
            },
            Mode::Dr | Mode::Tun => {
                if let Some(other) = answered_again(trace, id, front) {
                    return spoilt(Fault::Direct, Some(other));
                }
            }
            _ => {}
        }
    }
    closed().or_else(|| {
        let front = trace.legs(id).iter().find(|leg| leg.tuple == 0 && stalls(trace, leg))?;
        let director = trace.host_of(front).filter(|_| answers_itself(trace, front));
        Some(Spoilt { id, fault: Fault::Stalled, director, front, back: None })
    })
}

/// A SYN-ACK with a window of 0, which only who has no server yet sends; an open window
/// after it, and empty ACKs that take nothing of what the client sends again and again.
fn stalls(trace: &Trace, front: &Leg) -> bool {
    let (there, back) = (trace.forward(front), trace.reply(front));
    back.accepted()
        && back.shape.closed()
        && !back.closed
        && back.payload == 0
        && back.packets >= u32::from(back.syns) + SYN_PROXIES_STALLED_ACKS
        && there.opened()
        && there.payload > 0
        && there.retransmissions >= SYN_PROXIES_STALLED_REPEATS
        && back.max_ack == there.isn.wrapping_add(1)
        && there.last.since(back.syn) >= SYN_PROXIES_STUCK_NS
}

/// Who sent the second SYN-ACK of a connection in DR or TUN.
pub(in crate::diagnose) fn second_answerer(trace: &Trace, x: &Spoilt<'_>) -> Option<HostId> {
    let mine = trace.reply(x.front).isn;
    let legs = trace.legs(x.id).iter().filter(|leg| {
        let back = trace.reply(leg);
        back.accepted() && back.isn != mine
    });
    let mut senders =
        legs.flat_map(|leg| trace.path(leg, trace.reply(leg))).filter_map(|(link, hop)| {
            let made = link.syns > 0 && crate::topology::is_origin(hop);
            trace.host_by_mac(hop.link.src).filter(|_| made)
        });
    senders.find(|host| Some(*host) != x.director)
}

/// The SYN-ACK's window is 0, no later one is open, and the client waits in vain.
fn never_opens(trace: &Trace, front: &Leg) -> bool {
    let (there, back) = (trace.forward(front), trace.reply(front));
    let only_syn_acks = back.packets == u32::from(back.syns);
    back.accepted()
        && back.shape.closed()
        && (back.closed || only_syn_acks)
        && never_was_open(trace, front)
        && there.payload == 0
        && !there.fin.is_set()
        && there.last.since(back.syn) >= SYN_PROXIES_STUCK_NS
}

/// A window that closed once more had been open; the first time is the SYN-ACK's own.
fn never_was_open(trace: &Trace, front: &Leg) -> bool {
    let side = front.client.other();
    let windows = trace.vantage(front).side_tables.closed();
    let own = windows.iter().find(|w| w.stream == front.stream && w.side == side);
    own.is_none_or(|w| !w.opened.is_set() && trace.reply(front).ack == w.closed)
}

/// The client's ACK is refused by the director, or what it sends is dropped there.
fn turned_away(trace: &Trace, id: ConnectionId, front: &Leg, host: HostId) -> bool {
    let (there, back) = (trace.forward(front), trace.reply(front));
    let nothing_left = passage(trace, id, host).is_some_and(|p| p.left.is_none());
    let reset = back.rst.is_set()
        && there.ack.frame() < back.rst.frame()
        && back.rst.since(there.ack) < PROMPT_NS
        && back.payload == 0
        && !(there.rst.is_set() && there.rst.frame() < back.rst.frame());
    let dropped = there.retransmissions > 1 && back.packets == u32::from(back.syns);
    nothing_left && there.ack.is_set() && (reset || dropped)
}

/// A SYN-ACK with another number than the director's, where the director sent a SYN on
/// after its own answer.
fn answered_again<'a>(trace: &'a Trace, id: ConnectionId, front: &'a Leg) -> Option<&'a Leg> {
    let (own, mine) = (&trace.vantage(front).own, trace.reply(front));
    let sent_on = trace.path(front, trace.forward(front)).any(|(link, hop)| {
        own.sent(hop) == Some(true) && link.syns > 0 && link.first.frame() > mine.syn.frame()
    });
    // A repeat of the client's may be sent elsewhere than its first SYN was.
    let asked_once = trace
        .path(front, trace.forward(front))
        .all(|(link, hop)| own.arrived(hop) != Some(true) || link.syns <= 1);
    let other = |back: &Flow| back.accepted() && (back.isn != mine.isn || back.isns > 1);
    let seen = trace.legs(id).iter().filter(|leg| other(trace.reply(leg)));
    seen.max_by_key(|leg| trace.reply(leg).isns == 1).filter(|_| sent_on && asked_once)
}
