//! Requests that are sent again to the very last frame, where captures show no word of the server: what
//! is acknowledged is not sent again, so nothing came by whatever way answers take.

use super::journey::{Journey, Milestone};
use super::judged::{Judged, TAIL_NS};
use super::{Break, Fate, Manner, Packet, Passage, Sighting};
use crate::correlate::Leg;
use crate::flow::{COPY_WINDOW_NS, Mark};
use crate::trace::{ConnectionId, Trace};

/// Repeats that show it: two may cross their acknowledgment.
const REPEATS: u16 = 3;

/// Whether nothing of a server is seen, and its client's last frame is one more repeat: since when.
fn since(trace: &Trace, leg: &Leg) -> Option<Mark> {
    let there = trace.forward(leg);
    if there.retransmissions < REPEATS || there.rst.is_set() {
        return None;
    }
    let long = there.last.since(there.data) >= TAIL_NS;
    // Or a copy of it that the capture made.
    let is_last =
        |mark: Mark| mark.frame() <= there.last.frame() && there.last.since(mark) < COPY_WINDOW_NS;
    let again = trace.vantage(leg).repeats_of(there);
    (long && again.iter().any(|r| is_last(r.mark))).then_some(there.data)
}

pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Judged {
    let p = trace.connection(id).progress;
    let legs = trace.legs(id);
    if !p.request || p.response || !p.repeats || legs.iter().any(|leg| trace.reply(leg).seen()) {
        return Judged::Well;
    }
    let Some((leg, first)) = legs.iter().find_map(|leg| Some((leg, since(trace, leg)?))) else {
        return Judged::Well;
    };
    let last = Journey::of(trace, id, true, Milestone::Data).last().copied();
    let syn = Journey::of(trace, id, true, Milestone::Syn);
    // The SYN was sent on by the host that took this in.
    let sent_on = |here: &Sighting| {
        here.passage == Passage::In
            && syn.0.iter().any(|s| s.host == here.host && s.passage == Passage::Out)
    };
    let kept = last.is_some_and(|here| here.host.is_some() && sent_on(&here));
    let manner = if kept { Manner::Swallowed } else { Manner::UnseenBeyond };
    let cost_ns = trace.forward(leg).last.since(first);
    let packet = Packet::Request;
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Judged::Harm(Fate::Failed, broken)
}
