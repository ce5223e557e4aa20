//! Bytes that were sent again to the end, and never acknowledged.

use super::harm;
use crate::breaks::journey::{Journey, Milestone};
use crate::breaks::judged::Judged;
use crate::breaks::{Break, Fate, Manner, Packet, Passage};
use crate::correlate::Leg;
use crate::flow::{Flow, IcmpErrorKind};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, seq_lt};

/// Where the bytes that were sent again were last seen, and what became of them there.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Judged {
    let legs = trace.legs(id);
    let client = legs.iter().any(|leg| in_vain(trace.forward(leg), trace.reply(leg)));
    let packet = if client { Packet::Request } else { Packet::Response };
    let repeats = Journey::of(trace, id, client, Milestone::Repeat);
    let last = repeats.last().copied();
    let cost_ns = last.map_or(0, |s| {
        let end = trace.end(id).map(|at| trace.time(at).0);
        end.unwrap_or(0).saturating_sub(trace.time(s.at).0)
    });
    let Some(last) = last else {
        return harm(id, Fate::Failed, packet, (Manner::UnseenBeyond, None), cost_ns);
    };
    // The other packets of this very connection show where it should have come next.
    let others = Journey::of(trace, id, client, Milestone::Data);
    let at = others.0.iter().position(|s| s.place() == last.place());
    let next = at.and_then(|at| others.0.get(at + 1));
    // What came in and should have left the same host was lost on it.
    let kept = last.passage == Passage::In && next.is_some_and(|next| next.host == last.host);
    let manner = match (next, last.passage) {
        (Some(_), _) if last.host.is_some() && kept => Manner::Swallowed,
        (Some(_), _) => Manner::LostBetween,
        (None, Passage::In | Passage::Loopback) => Manner::Swallowed,
        _ => Manner::UnseenBeyond,
    };
    let manner = match trace.topology.resets.contains_key(&id.0) {
        // Its answer came in another's name, and nobody heeds it.
        true if client => Manner::Astray,
        _ if is_turned_back(trace, id, client) => Manner::Rejected,
        _ => manner,
    };
    let broken = Break {
        connection: id,
        packet,
        manner,
        last: Some(last),
        next: next.and_then(|s| s.host),
        cost_ns,
        behind: None,
    };
    Judged::Harm(Fate::Failed, broken)
}

/// Whether a side's last bytes were never acknowledged, where the other side was seen.
pub(in crate::breaks) fn in_vain(sender: &Flow, receiver: &Flow) -> bool {
    sender.retransmissions > 0 && receiver.seen() && seq_lt(receiver.max_ack, sender.end_seq)
}

/// Whether an ICMP error says that a packet of a side went no further.
pub(in crate::breaks) fn is_turned_back(trace: &Trace, id: ConnectionId, client: bool) -> bool {
    let told = |kind: IcmpErrorKind| {
        use IcmpErrorKind::{TimeExceeded, TooBig, Unreachable};
        matches!(kind, Unreachable { .. } | TimeExceeded | TooBig { .. })
    };
    let is_sender = |leg: &Leg, ip: Ip| {
        let side = if client { leg.client } else { leg.client.other() };
        leg.of(&trace.vantages).key.ip(side) == ip
    };
    trace.errors_of(id).any(|(_, e)| {
        let own = trace.legs(id).iter().any(|leg| is_sender(leg, e.quote.src));
        told(e.kind) && e.src != e.dst && own
    })
}
