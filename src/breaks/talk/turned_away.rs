//! Servers that speak first, say a word, and close before their client has said any: so they turn away whom they
//! do not let in, whatever they say.
//!
//! Whom such a server lets in it waits for. What it says is read elsewhere (`wire/greeting.rs`); here it need not be
//! in the capture, as a text without payload has none of it.

use super::request::before;
use crate::breaks::journey::{Journey, Milestone};
use crate::breaks::judged::Judged;
use crate::breaks::{Break, Fate, Manner, Pace, Packet};
use crate::trace::{ConnectionId, Trace};

/// From the handshake to the server's word, and from that to its FIN, at most, nanoseconds. Judgement: a server
/// whose client is silent waits longer, and closes when its own time runs out (10 s and more).
const AT_ONCE_NS: i64 = 1_000_000_000;

/// Judges a connection whose server said something first.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Judged> {
    let c = trace.connection(id);
    let p = c.progress;
    if !p.syn || p.request || !p.response {
        return None;
    }
    let service = trace.service_of(id);
    if !pace.lets_in_who_waits(service, c.front.server.1) {
        return None;
    }
    let cost_ns = trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let (stands, said, closed) = (there.ack.get()?, back.data.get()?, back.fin.get()?);
        // Words of the client that the capture lacks are in its numbers: SYN and FIN take one each.
        let silent = there.opened() && there.end_seq.wrapping_sub(there.isn) <= 2;
        let soon = |from, to: crate::flow::Mark| (0..AT_ONCE_NS).contains(&to.since(from));
        (silent
            && back.accepted()
            && soon(stands, said)
            && soon(said, closed)
            && before(closed, there))
        .then(|| closed.since(stands))
    })?;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    let (packet, manner) = (Packet::Greeting, Manner::Closed);
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Some(Judged::Harm(Fate::Failed, broken))
}
