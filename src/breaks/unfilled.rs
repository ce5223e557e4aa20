//! Answers with a hole: later bytes came, those between never did, and the client went on
//! acknowledging what stands before them.
//!
//! So it looks where a segment does not fit on the way, and a shorter one that was sent after it
//! does. What a capture merely dropped is acknowledged. Nothing is said of long transfers: who
//! breaks one off may leave such a hole behind.

use super::judged::Judged;
use super::{Break, Fate, Manner, Packet};
use crate::correlate::{Leg, Outcome};
use crate::trace::{ConnectionId, Trace};
use crate::wire::seq_gt;

/// From the answer's first bytes to the client's end at least, nanoseconds: a retransmission
/// time-out (RFC 6298, section 2.1).
const WAITED_NS: i64 = 1_000_000_000;
/// So long the hole stays at the end of a capture, if the client did not end it: two such
/// time-outs, one and two seconds.
const UNFILLED_NS: i64 = 3_000_000_000;
/// Bytes of the answer that came before the hole, at most: a head, or two full segments.
const BEFORE: u32 = 2 * 1460;

/// The bytes that an answer lacks, and how long the client had waited for them.
#[must_use]
pub fn unfilled(trace: &Trace, leg: &Leg) -> Option<(u32, i64)> {
    let (vantage, there, back) = (trace.vantage(leg), trace.forward(leg), trace.reply(leg));
    if !vantage.has_troubles() || !back.accepted() || back.isns != 1 || back.rst.is_set() {
        return None;
    }
    let mut links = vantage.links_of(back);
    // On several links each shows a part, and holes where the others do not.
    let link = links.next().filter(|_| links.next().is_none())?;
    let (bytes, end) = vantage.hole(link)?;
    let sent = trace.path(leg, back).any(|(_, hop)| vantage.own.sent(hop) == Some(true));
    let before = there.max_ack.wrapping_sub(back.isn.wrapping_add(1));
    let lacks = there.flags.ack() && seq_gt(end, there.max_ack) && before <= BEFORE;
    if sent || !lacks {
        return None;
    }
    let began = back.data.get()?;
    let ends = [there.fin, there.rst].into_iter().filter_map(crate::flow::Mark::get);
    if let Some(left) = ends.min_by_key(|mark| mark.frame()) {
        return Some((bytes, left.since(began))).filter(|(_, ns)| *ns >= WAITED_NS);
    }
    let last = leg.of(&trace.vantages).last();
    let silent = vantage.end.0.saturating_sub(last.at().0);
    (silent >= UNFILLED_NS).then(|| (bytes, last.since(began).saturating_add(silent)))
}

pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Judged {
    let c = trace.connection(id);
    let p = c.progress;
    if !matches!(c.outcome, Outcome::Open | Outcome::Completed) || !p.response || p.repeats {
        return Judged::Well;
    }
    let Some((_, cost_ns)) = trace.legs(id).iter().filter_map(|leg| unfilled(trace, leg)).max()
    else {
        return Judged::Well;
    };
    let (packet, manner) = (Packet::Response, Manner::UnseenBeyond);
    let broken =
        Break { connection: id, packet, manner, last: None, next: None, cost_ns, behind: None };
    Judged::Harm(Fate::Failed, broken)
}
