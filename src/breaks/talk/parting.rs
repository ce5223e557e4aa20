//! How clients and servers part: who gave up, and who closed first.

use super::stalled::in_vain;
use super::{greeting, request};
use crate::breaks::Pace;
use crate::breaks::judged::Judged;
use crate::trace::{ConnectionId, Trace};

/// Repeats after which nobody goes on by chance.
const AGAIN: u16 = 3;

/// Whether a client reset its connection itself when it had sent its last bytes again and again, and nobody had
/// acknowledged them: what ended it is that silence.
pub(super) fn gave_up(trace: &Trace, id: ConnectionId) -> bool {
    let legs = trace.legs(id);
    let server = legs.iter().any(|leg| trace.reply(leg).rst.is_set());
    !server
        && legs.iter().any(|leg| {
            let (there, back) = (trace.forward(leg), trace.reply(leg));
            there.rst.is_set() && there.retransmissions >= AGAIN && in_vain(there, back)
        })
}

/// What was amiss with a connection that one side had closed in order before it was reset: a server that closes before
/// it has said the word which its clients wait for, or a client that left without an answer, and whose kernel resets
/// what is left of it later.
pub(super) fn closed_first(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Judged> {
    let c = trace.connection(id);
    if c.progress.response {
        return None;
    }
    if let Some(closed) = greeting::closed(trace, pace, id) {
        return Some(closed);
    }
    let left = trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let ends = (there.fin.get(), there.rst.get());
        !back.rst.is_set() && matches!(ends, (Some(fin), Some(rst)) if fin.frame() < rst.frame())
    });
    let judged = left.then(|| request::judge(trace, pace, id))?;
    matches!(judged, Judged::Harm(..)).then_some(judged)
}
