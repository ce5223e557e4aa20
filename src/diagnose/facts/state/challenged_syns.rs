//! SYNs that a server answers with an ACK of an older connection on the same five-tuple.
//!
//! The pattern of frames is the proof: SYN, an ACK without SYN, the bare reset that
//! answers it, the same SYN again. A late segment of the old connection that has bytes
//! or a FIN is none. A sender that resets nothing sends its SYN until the old connection
//! is gone: the ACK comes before it has acknowledged anything, and no SYN-ACK with it.

use super::port_reuse::forerunners;
use crate::correlate::{Leg, Outcome, Tuple};
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::thresholds::{PROMPT_NS, TUPLE_REUSE_CHALLENGE_ACK_AGAIN_NS};
use crate::flow::{COPY_WINDOW_NS, Reset};
use crate::trace::{ConnectionId, Trace};
use std::collections::{HashMap, HashSet};

/// The leg that shows it, the real server's own first.
pub(in crate::diagnose) fn challenged(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let p = trace.connection(id).progress;
    if !p.no_socket && p.syns < 2 {
        return None;
    }
    trace.legs(id).iter().filter(|leg| is_challenge(trace, leg)).max_by_key(|leg| leg.tuple)
}

fn is_challenge(trace: &Trace, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    if !there.opened() || there.first != there.syn || !back.seen() {
        return false;
    }
    let answer = back.first;
    let bare = back.ack == answer && back.data != answer && back.fin != answer;
    // Before any SYN-ACK.
    let early = !back.syn.is_set() || back.syn.frame() > answer.frame();
    let prompt =
        there.syn.frame() < answer.frame() && (0..PROMPT_NS).contains(&answer.since(there.syn));
    if !(bare && early && prompt) {
        return false;
    }
    is_reset(trace, leg) && (there.syns > 1 || back.syn.is_set()) || is_ignored(trace, leg)
}

/// Whether the sender resets what the ACK speaks of.
pub(in crate::diagnose) fn is_reset(trace: &Trace, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    // A capture may show that ACK twice.
    let copied = there.rst_answers.is_set()
        && (0..COPY_WINDOW_NS).contains(&there.rst_answers.since(back.first))
        && [back.data, back.fin, back.syn]
            .iter()
            .all(|m| m.frame() > there.rst_answers.frame() || !m.is_set());
    there.reset == Reset::NoSocket && (there.rst_answers == back.first || copied)
}

/// Whether the sender goes on asking, and is accepted much later or not at all.
fn is_ignored(trace: &Trace, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    // What acknowledges the SYN is the end of a handshake that was not captured whole.
    let other = back.syn.is_set() || back.max_ack != there.isn.wrapping_add(1);
    let late =
        back.syn.get().is_none_or(|syn| syn.since(there.syn) >= TUPLE_REUSE_CHALLENGE_ACK_AGAIN_NS);
    let unready = !there.ack.is_set() || there.ack.frame() > back.first.frame();
    !there.rst.is_set() && there.syns > 1 && other && late && unready
}

/// Older connections on the same five-tuples that the sender's reset ended: what they
/// sent next was reset. A balancer's or a NAT's clients do not know of each other.
pub(in crate::diagnose) fn victims(facts: &Indexed<'_>, ids: &[ConnectionId]) -> Vec<ConnectionId> {
    let mut ended = HashMap::new();
    for leg in ids.iter().filter_map(|id| challenged(facts, *id)) {
        if is_reset(facts, leg) {
            let tuple = Tuple::of(leg.of(&facts.vantages), leg.client);
            ended.insert((leg.vantage, tuple), facts.forward(leg).rst);
        }
    }
    let of = |id: ConnectionId| {
        facts.legs(id).iter().find_map(|leg| {
            let tuple = Tuple::of(leg.of(&facts.vantages), leg.client);
            let rst = *ended.get(&(leg.vantage, tuple))?;
            let older = leg.of(&facts.vantages).first().frame() < rst.frame();
            older.then(|| facts.time(facts.at(leg, rst)))
        })
    };
    let reset_at = |id: ConnectionId| {
        let legs = facts.legs(id).iter();
        let resets = legs.filter_map(|leg| Some(facts.at(leg, facts.reply(leg).rst.get()?)));
        resets.map(|at| facts.time(at)).min()
    };
    let own: HashSet<ConnectionId> = ids.iter().copied().collect();
    let hit = facts.requests().filter(|(id, c)| {
        c.outcome == Outcome::Reset
            && !own.contains(id)
            && of(*id).is_some_and(|since| reset_at(*id).is_some_and(|at| at > since))
    });
    if ended.is_empty() { Vec::new() } else { hit.map(|(id, _)| id).collect() }
}

/// Whether the captures show the connections before on these ports closed from both sides.
pub(in crate::diagnose) fn old_closed(facts: &Indexed<'_>, ids: &[ConnectionId]) -> bool {
    let before = forerunners(facts, ids);
    let closed = |old: &ConnectionId| {
        facts
            .legs(*old)
            .iter()
            .any(|leg| facts.forward(leg).fin.is_set() && facts.reply(leg).fin.is_set())
    };
    !ids.is_empty() && ids.iter().all(|id| before.get(id).is_some_and(closed))
}

/// From the first SYN to the SYN-ACK, where it came.
pub(in crate::diagnose) fn delay_ns(trace: &Trace, id: ConnectionId) -> Option<i64> {
    let leg = challenged(trace, id)?;
    Some(trace.reply(leg).syn.get()?.since(trace.forward(leg).syn))
}
