//! A SYN and its repeats without an answer, at a vantage that would see one.

use super::super::{Candidate, Facts, Proof, Sighting, ToConfirm, Wording};
use super::broken;
use super::worded;
use crate::breaks::{Manner, Packet};
use crate::correlate::{Leg, Outcome};
use crate::diagnose::facts::address::claimants::{WrongOne, wrong_one};
use crate::diagnose::facts::address::multicast_answers::{self, not_taken};
use crate::diagnose::facts::refusal::unheeded_resets::unheeded_reset;
use crate::diagnose::thresholds::{CAPTURE_TAIL_NS, SYN_UNANSWERED_CERTAIN_SYNS};
use crate::diagnose::words::{Names, tables};
use crate::flow::{Ask, IcmpError, IcmpErrorKind, VantageId};
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::HashSet;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let mut found = broken::broken_as(facts, |group| {
        broken::is_silence(group, Packet::Syn)
            || (group.packet, group.manner) == (Packet::Syn, Manner::Rejected)
    });
    // An unreachable has its own symptom; that a packet went round until its time was up
    // is no answer.
    found.retain(|s| !s.connection.is_some_and(|id| unreachable(facts, id)));
    for sighting in &mut found {
        let told = |id| super::routing_loop::expired(facts, id);
        sighting.costly &= !sighting.connection.is_some_and(told);
    }
    let known: HashSet<_> = found.iter().filter_map(|s| s.connection).collect();
    // To the client it is the same where an answer was lost on its way: another symptom
    // says so, and this one costs nothing more.
    let others = facts
        .requests()
        .filter(|(id, c)| c.protocol.is_tcp() && c.outcome.failed() && !known.contains(id));
    let unheard = others.filter(|(id, c)| c.progress.syn && leg(facts, *id).is_some());
    found.extend(unheard.map(|(id, _)| Sighting::of(id, false)));
    found.sort_by_key(|s| s.connection);
    found
}

fn unreachable(trace: &Trace, id: ConnectionId) -> bool {
    let kind = |e: &IcmpError| matches!(e.kind, IcmpErrorKind::Unreachable { .. });
    trace.errors_of(id).any(|(_, error)| kind(error))
        && !trace.errors_of(id).any(|(_, error)| error.src == error.dst)
}

/// The leg at which the answer is missing.
pub(in crate::diagnose) fn leg(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let leg = trace.answer_vantage(id).or_else(|| asked_again(trace, id))?;
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let tail = trace.vantage(leg).end.0 - there.syn.at().0 < CAPTURE_TAIL_NS && there.syns <= 1;
    // An ICMP error is an answer, and has its own symptom; one that a host sends to itself
    // tells nobody else.
    let told = trace.errors_of(id).any(|(_, error)| error.src != error.dst);
    // Answers in another VLAN are of a stream of their own.
    let vlan = |leg: &Leg| leg.of(&trace.vantages).key.vlan;
    let answered = |other: &Leg| {
        (other.vantage == leg.vantage && vlan(other) != vlan(leg)) && trace.reply(other).accepted()
    };
    let heard = back.seen() || trace.legs(id).iter().any(answered);
    (there.opened() && there.syns > 1 && !heard && !tail && !told).then_some(leg)
}

/// A client that asks a third time, where no vantage shows answers.
fn asked_again(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let unanswered = trace.connection(id).outcome == Outcome::Unanswered;
    trace
        .legs(id)
        .iter()
        .find(|leg| unanswered && trace.forward(leg).syns >= SYN_UNANSWERED_CERTAIN_SYNS)
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(leg) = sighting.connection.and_then(|id| leg(facts, id)) else {
        return broken::proofs(facts, sighting);
    };
    let there = facts.forward(leg);
    let first = match there.syns {
        0 | 1 => "a SYN that nothing answers".to_owned(),
        n => format!("the first of {n} SYNs that nothing answers"),
    };
    let untaken = untaken(facts, std::slice::from_ref(sighting)).map(multicast_answers::proofs);
    [
        facts.proof(leg, there.syn, first),
        (there.syns > 1).then(|| facts.proof(leg, there.last, "the last of them")).flatten(),
    ]
    .into_iter()
    .flatten()
    .chain(untaken.into_iter().flatten())
    .collect()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    let untaken = untaken(facts, sightings).map_or_else(String::new, |(_, ask)| {
        format!(
            " {} asks for {} {} times and goes on asking though it is answered: the answers name a multicast MAC, which a router does not take for one host's (RFC 1812, section 3.3.2), so it sends nothing on.",
            ask.asker, ask.target, ask.count
        )
    });
    if bare_reset(facts, sightings) {
        return worded(
            facts,
            sightings,
            "SYNs are answered by a reset that acknowledges nothing",
            format!(
                "{}. A client heeds a reset of its SYN only if that acknowledges it (RFC 9293, section 3.10.7.3), and goes on asking. The stack of a server without a listener sends one that does; this one is made by a device in its name, such as a firewall or a balancer that refuses, or by a stack that is not whole.",
                asked_and_reset(facts, sightings)
            ),
        );
    }
    worded(
        facts,
        sightings,
        "SYNs stay unanswered",
        match is_one_way(facts, sightings) {
            true => "the client sends its SYN again and again, so it gets no answer that it takes. The capture holds frames of one direction alone, so whether one was sent does not show.".to_owned(),
            false => format!(
                "{} no answer where one would be seen.{}{untaken}",
                asked(facts, sightings),
                from_itself(facts, sightings)
            ),
        },
    )
}

/// Whether the captures that show them hold one direction alone.
fn is_one_way(facts: &Facts, sightings: &[Sighting]) -> bool {
    let mut ids = sightings.iter().filter_map(|s| s.connection).peekable();
    ids.peek().is_some() && ids.all(|id| facts.shows_one_way(id))
}

/// Whether each of them is answered by a reset that a client does not heed.
fn bare_reset(facts: &Facts, sightings: &[Sighting]) -> bool {
    let mut ids = sightings.iter().filter_map(|s| s.connection).peekable();
    ids.peek().is_some() && ids.all(|id| unheeded_reset(facts, id).is_some())
}

fn asked_and_reset(facts: &Facts, sightings: &[Sighting]) -> &'static str {
    let again = sightings.iter().filter_map(|s| s.connection);
    match again.into_iter().any(|id| facts.connection(id).progress.syns > 1) {
        true => "a RST without ACK comes back for the SYN, and the client sends that again",
        false => "a RST without ACK comes back for the SYN, and nothing else",
    }
}

/// That a receiver has the source address itself, which says why.
fn from_itself(facts: &Facts, sightings: &[Sighting]) -> &'static str {
    let own = |s: &Sighting| {
        let broken = broken::of(facts, s);
        broken.is_some_and(|b| b.manner == Manner::OwnSource)
    };
    if sightings.iter().all(own) {
        " Their source is an address that the receiver has itself, as it states: a kernel drops what comes from outside in its own name (RFC 1812, section 5.3.8)."
    } else {
        ""
    }
}

/// How often clients asked.
fn asked(facts: &Facts, sightings: &[Sighting]) -> &'static str {
    let ids = || sightings.iter().filter_map(|s| s.connection);
    let again = ids().filter(|id| facts.connection(*id).progress.syns > 1).count();
    match again {
        0 => "the client sends one SYN, repeats none, and gets",
        n if n == ids().count() => "the client repeats its SYN and gets",
        _ => "the client sends its SYN, mostly again, and gets",
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    if let Some(why) = super::no_tcp(facts) {
        return Some(why);
    }
    let hidden = facts
        .requests()
        .filter(|(id, c)| {
            c.protocol.is_tcp()
                && c.outcome == Outcome::Unanswered
                && facts.answer_vantage(*id).is_none()
        })
        .count();
    if hidden > 0 {
        return Some(format!(
            "{} shows no answer, and no capture is from where one would show; capture on the client or on the real server",
            super::count(hidden, "connection")
        ));
    }
    let any = facts.requests().any(|(id, c)| {
        c.protocol.is_tcp() && (c.progress.answered || facts.answer_vantage(id).is_some())
    });
    (!any).then(|| {
        "no vantage shows answers: a DR director does not see them; capture on the client or on a real server"
            .to_owned()
    })
}

/// Who does not take the answers for the address says so itself.
pub(in crate::diagnose) fn next(facts: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let mut found: Vec<ToConfirm> = untaken(facts, sightings)
        .map(|(_, ask)| ToConfirm {
            host: format!("the router {}", ask.asker),
            command: format!("ip neigh show {0}   # or: show ip arp {0}", ask.target),
            why: "INCOMPLETE, though it is answered: it needs a static entry with the MAC that the cluster answers with (and one for its ports in the switch), or the cluster its unicast mode".to_owned(),
        })
        .into_iter()
        .collect();
    if found.is_empty() {
        found = astray(facts, sightings).into_iter().collect();
    }
    if found.is_empty() {
        found = super::next::captures(facts, sightings);
    }
    found
}

/// On the one of several claimants of the address to which all were sent.
fn astray(facts: &Facts, sightings: &[Sighting]) -> Option<ToConfirm> {
    let group = sightings.iter().find_map(|s| facts.breaks.group_of(s.connection?))?;
    let group = facts.breaks.group(group);
    let WrongOne { whom, meant: (ip, port), .. } = wrong_one(facts, group)?;
    Some(ToConfirm {
        host: Names(facts).place(whom),
        command: format!(
            "ip -br addr show to {ip}; ss -ltn 'sport = :{port}'; {}-save -c | grep -F {ip}; sysctl net.ipv4.conf.all.proxy_arp",
            tables(ip)
        ),
        why: "whether it is to have the address at all: a stranger's is to be taken off, one that announces it and has nobody behind is to stop".to_owned(),
    })
}

/// A question for an address of these connections whose answers nobody takes.
fn untaken<'a>(facts: &'a Facts, sightings: &[Sighting]) -> Option<(VantageId, &'a Ask)> {
    let mut vips: Vec<Ip> =
        sightings.iter().filter_map(|s| Some(facts.service(s.connection?).vip)).collect();
    vips.sort_unstable();
    vips.dedup();
    vips.into_iter().find_map(|vip| not_taken(facts, vip))
}

/// What an unexplained silence may come from.
pub(in crate::diagnose) fn suspects(facts: &Facts, sightings: &[Sighting]) -> Vec<Candidate> {
    if is_one_way(facts, sightings) {
        return Vec::new();
    }
    // What went no further on its way met no server.
    let ended = |s: &Sighting| broken::of(facts, s).is_some_and(|b| b.manner == Manner::Rejected);
    if !sightings.is_empty() && sightings.iter().all(ended) {
        return Vec::new();
    }
    let modes: Vec<Mode> =
        sightings.iter().filter_map(|s| s.connection).map(|id| facts.service(id).mode).collect();
    let mut found =
        vec![("rs-silent", "then the real server's own capture shows the SYN and no answer")];
    if modes.contains(&Mode::Nat) {
        found.insert(0, (
            "nat-return-bypasses-director",
            "then the real server's own capture shows a SYN-ACK that leaves for another MAC than the director's",
        ));
    }
    if modes.contains(&Mode::Dr) {
        found.push(("rs-missing-vip", "then the real server answers for its own address only"));
    }
    found
        .into_iter()
        .map(|(id, tell)| Candidate { id: id.into(), tell_apart: tell.to_owned() })
        .collect()
}
