//! Answers that came, and late: after their client was gone, after timers, or far later than others do.

use super::{PATIENCE_NS, greeting, harm};
use crate::breaks::journey::{Journey, Milestone, silence};
use crate::breaks::judged::{Judged, TAIL_NS};
use crate::breaks::{Fate, Manner, Pace, Packet};
use crate::correlate::{Leg, is_farewell};
use crate::flow::{Flow, Mark, Observations};
use crate::hashed::HashMap;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{seq_gt, seq_lt};

/// Answers that came far later than others' do, and bytes that waited for timers.
pub(super) fn slow(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let p = trace.connection(id).progress;
    if let Some(judged) = greeting::late(trace, pace, id) {
        return judged;
    }
    if p.repeats
        && let Some((client, cost_ns)) = waited_for_timers(trace, id)
    {
        let packet = if client { Packet::Request } else { Packet::Response };
        let journey = Journey::of(trace, id, client, Milestone::Repeat);
        let last = journey.last().copied();
        return harm(id, Fate::Suffered, packet, (Manner::Late, last), cost_ns);
    }
    match pace.slow(id) {
        Some(cost_ns) => {
            let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
            harm(id, Fate::Suffered, Packet::Response, (Manner::Late, last), cost_ns)
        }
        None => Judged::Well,
    }
}

/// How long the same bytes were sent again and again until they arrived, if that took longer than a client
/// notices: whether by the client, nanoseconds.
fn waited_for_timers(trace: &Trace, id: ConnectionId) -> Option<(bool, i64)> {
    let mut most: Option<(bool, i64)> = None;
    for leg in trace.legs(id) {
        for client in [true, false] {
            let flow = if client { trace.forward(leg) } else { trace.reply(leg) };
            let other = if client { trace.reply(leg) } else { trace.forward(leg) };
            if flow.retransmissions < 2 || only_farewell(trace, leg, flow, other) {
                continue;
            }
            let ns = repeated_for(trace.vantage(leg), flow, other);
            if ns >= TAIL_NS && most.is_none_or(|(_, known)| ns > known) {
                most = Some((client, ns));
            }
        }
    }
    most
}

/// The longest time for which one range of bytes was sent again that arrived at last, nanoseconds: from the first
/// repeat to the last. Where no acknowledgment shows it, a sender that goes on with something else has got one.
fn repeated_for(seen: &Observations, flow: &Flow, other: &Flow) -> i64 {
    let mut ranges: HashMap<(u32, u32), (Mark, Mark, u32)> = HashMap::default();
    for r in seen.repeats_of(flow) {
        let (_, last, to) = ranges.entry((r.link, r.from)).or_insert((r.mark, r.mark, r.to));
        (*last, *to) = (r.mark, r.to);
    }
    let acks = other.flags.ack() && seen.shows.acks;
    let arrived = |(_, last, to): &&(Mark, Mark, u32)| match acks {
        true => !seq_gt(*to, other.max_ack),
        false => flow.last.frame() > last.frame(),
    };
    let waited = ranges.values().filter(arrived).map(|(first, last, _)| last.since(*first));
    waited.max().unwrap_or(0)
}

/// Whether nothing but a farewell was sent again, and in vain: no byte waited.
fn only_farewell(trace: &Trace, leg: &Leg, flow: &Flow, other: &Flow) -> bool {
    let again = trace.vantage(leg).repeats_of(flow);
    is_farewell(flow, other)
        && !again.is_empty()
        && again.iter().all(|r| !seq_lt(r.from, other.max_ack))
}

/// An answer that came when its client had waited, closed and gone: its kernel reset it, and took
/// nothing. Who closes its own direction alone takes what comes.
pub(in crate::breaks) fn too_late(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    let cost_ns = trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let (asked, left, rst) = (there.data.get()?, there.fin.get()?, there.rst.get()?);
        let answer = back.data.get()?;
        let gone = left.since(asked) >= PATIENCE_NS
            && left.frame() < answer.frame()
            && answer.frame() < rst.frame()
            && there.max_ack == back.isn.wrapping_add(1);
        (back.accepted() && gone).then(|| answer.since(asked))
    })?;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    Some(harm(id, Fate::Failed, Packet::Response, (Manner::Late, last), cost_ns))
}

/// An answer that was sent, and of which its client had acknowledged no byte when it had waited and closed.
pub(super) fn never_came(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    if !trace.connection(id).progress.response {
        return None;
    }
    let cost_ns = trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let (asked, left) = (there.data.get()?, there.fin.get()?);
        let none = back.accepted() && there.max_ack == back.isn.wrapping_add(1);
        // One that comes when its client has gone is another matter.
        let sent = back.data.get().is_none_or(|answer| answer.frame() < left.frame());
        let waited = left.since(asked);
        (none && sent && waited >= PATIENCE_NS).then_some(waited)
    })?;
    Some(harm(id, Fate::Failed, Packet::Response, silence(trace, id, Packet::Response), cost_ns))
}
