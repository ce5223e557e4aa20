//! Connections on which a client that had been silent asks whether its server is there, and gives up: TCP keep-alives,
//! or a next word, to which nothing came back. Clients go away without a word every day, and what their servers ask
//! of them then harms nobody.
//!
//! A kernel asks nine times and resets the connection then (`tcp_keepalive_probes`). What it sends has no new byte,
//! so it is no repeat, and who only looks at bytes sees a connection that did well.

use super::journey::{Journey, Milestone};
use super::judged::Judged;
use super::{Break, Fate, Manner, Packet, Passage};
use crate::correlate::Leg;
use crate::flow::{Mark, Silence};
use crate::trace::{ConnectionId, Trace};

/// From the first segment after the silence to the reset at least, nanoseconds: who ends an idle connection by a
/// reset does so at once. Judgement: two tries of a kernel that is set to ask each few seconds.
const TRIED_NS: i64 = 5_000_000_000;

/// The silence after which a client asked in vain, and the reset by which it gave up.
#[must_use]
pub fn probed(trace: &Trace, id: ConnectionId) -> Option<(&Leg, Silence, Mark)> {
    trace.legs(id).iter().find_map(|leg| {
        let silence = trace.vantage(leg).side_tables.idle(leg.stream)?.last;
        let stream = leg.of(&trace.vantages);
        let (asking, asked) = (stream.flow(silence.by), stream.flow(silence.by.other()));
        let gave_up = asking.rst.get()?;
        let in_vain = silence.by == leg.client
            && asked.seen()
            && !silence.answered(stream)
            && asking.retransmissions == 0
            && !asking.fin.is_set()
            && !asked.fin.is_set()
            && gave_up.since(silence.after) >= TRIED_NS;
        in_vain.then_some((leg, silence, gave_up))
    })
}

/// Judges a connection that stood.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    let (_, silence, gave_up) = probed(trace, id)?;
    let packet = Packet::Request;
    let last = Journey::of(trace, id, true, Milestone::Rst).first().copied();
    let manner = match last.map(|s| s.passage) {
        Some(Passage::In | Passage::Loopback) => Manner::Swallowed,
        _ => Manner::UnseenBeyond,
    };
    let cost_ns = gave_up.since(silence.after);
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Some(Judged::Harm(Fate::Failed, broken))
}
