//! Where a connection broke of which only the others prove that it did.

use super::journey::{Journey, Milestone, silence};
use super::{Break, Manner, Packet, Passage, Proved, datagram, reset_by};
use crate::flow::Flow;
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};

/// The break of a connection that looks well by itself.
pub(super) fn broken(trace: &Trace, id: ConnectionId, how: Proved) -> Break {
    let (packet, manner, last) = found(trace, id, how);
    let check = trace.ordinary(id) == Some(Ordinary::HealthCheck);
    let packet = if check { Packet::HealthCheck } else { packet };
    let (start, end) = (trace.start(id), trace.end(id));
    let cost_ns = match (start, end) {
        (Some(start), Some(end)) => trace.time(end).0.saturating_sub(trace.time(start).0),
        _ => 0,
    };
    Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None }
}

fn found(
    trace: &Trace,
    id: ConnectionId,
    how: Proved,
) -> (Packet, Manner, Option<super::Sighting>) {
    let connection = trace.connection(id);
    let p = connection.progress;
    let question = if connection.protocol.is_tcp() { Packet::Request } else { Packet::Datagram };
    let last = |forward, milestone| Journey::of(trace, id, forward, milestone).last().copied();
    let flows = || trace.legs(id).iter().map(|leg| (trace.forward(leg), trace.reply(leg)));
    let seen = |is: fn(&Flow) -> bool| flows().any(|(there, back)| is(there) || is(back));
    match how {
        Proved::Failed => {}
        Proved::Astray => return (question, Manner::Astray, last(true, Milestone::Data)),
        Proved::Unresolved(at) => {
            let known = last(true, Milestone::Last);
            let there = known.map(|s| super::Sighting { at, passage: Passage::Out, to: None, ..s });
            return (question, Manner::Unresolved, there);
        }
    }
    if let Some(split) = datagram::split(trace, id) {
        return (question, Manner::Split, Some(split));
    }
    if seen(|flow| flow.rst.is_set()) {
        let rst = last(false, Milestone::Rst).or_else(|| last(true, Milestone::Rst));
        return (Packet::Response, Manner::Cut(reset_by(trace, id)), rst);
    }
    if trace.first_error(id).is_some() {
        let said = Journey::of(trace, id, false, Milestone::Data).first().copied();
        return (Packet::Response, Manner::Error, said);
    }
    if !p.response && flows().any(|(_, back)| back.fin.is_set()) {
        return (Packet::Request, Manner::Closed, last(true, Milestone::Data));
    }
    if !(p.request || p.response) && p.syn {
        let (manner, last) = silence(trace, id, Packet::Syn);
        return (Packet::Syn, manner, last);
    }
    // What was answered before is not what was lost.
    let (manner, last) =
        if p.response { unheeded(trace, id) } else { silence(trace, id, question) };
    (question, manner, last)
}

/// Places show one packet within this, nanoseconds.
const ONE_PACKET_NS: i64 = 500_000_000;

/// What became of the client's last packet: where it was seen last.
fn unheeded(trace: &Trace, id: ConnectionId) -> (Manner, Option<super::Sighting>) {
    let places = Journey::of(trace, id, true, Milestone::Last).0;
    let time = |s: &super::Sighting| trace.time(s.at).0;
    let newest = places.iter().map(time).max().unwrap_or(0);
    let last = places.into_iter().rev().find(|s| newest.saturating_sub(time(s)) <= ONE_PACKET_NS);
    let came = last.is_some_and(|s| matches!(s.passage, Passage::In | Passage::Loopback));
    (if came { Manner::Swallowed } else { Manner::UnseenBeyond }, last)
}
