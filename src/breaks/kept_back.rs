//! Answers to datagrams that came back to the host that had translated the question, and did not leave it for the
//! client.

use super::Sighting;
use super::journey::{Journey, Milestone};
use crate::correlate::Leg;
use crate::trace::{ConnectionId, Trace};

/// From a question to its repeat at least, nanoseconds: a copy of a frame is no repeat.
const AGAIN_NS: i64 = 900_000_000;

/// Where the answer was last: the host that had sent the question on took it in, and its own capture, in which the
/// question came from the client, shows none go back; the client asks again.
pub(super) fn kept_back(trace: &Trace, id: ConnectionId) -> Option<Sighting> {
    let legs = trace.legs(id);
    let front = legs.iter().find(|leg| leg.tuple == 0)?;
    let arrived = |leg: &Leg, forward: bool| {
        let vantage = trace.vantage(leg);
        let flow = if forward { trace.forward(leg) } else { trace.reply(leg) };
        flow.seen()
            && vantage.first_hop(flow).and_then(|hop| vantage.own.arrived(hop)) == Some(true)
    };
    let asked = trace.forward(front);
    let again = asked.isns > 1 && asked.last.since(asked.first) >= AGAIN_NS;
    let whole = again && trace.vantage(front).shows.both_ways && arrived(front, true);
    let sent_on = |leg: &&Leg| leg.tuple > 0 && leg.vantage == front.vantage && arrived(leg, false);
    let none = legs.iter().filter(|leg| leg.tuple == 0).all(|leg| !trace.reply(leg).seen());
    legs.iter().find(sent_on).filter(|_| whole && none)?;
    Journey::of(trace, id, false, Milestone::Data).last().copied()
}
