//! How clients and servers part: who gave up, and who did not close.

use super::PATIENCE_NS;
use super::stalled::in_vain;
use crate::capture::Timestamp;
use crate::flow::Flow;
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

/// Whether a server says nothing and does not close when its client has: who takes what he is told and says nothing
/// closes then, and a program that hangs does neither.
pub(super) fn is_left_open(there: &Flow, back: &Flow, end: Timestamp) -> bool {
    let closed = back.fin.is_set() || back.rst.is_set() || there.rst.is_set();
    back.accepted()
        && back.payload == 0
        && !closed
        && there.fin.get().is_some_and(|at| end.0 - at.at().0 >= PATIENCE_NS)
}
