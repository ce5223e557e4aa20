//! Connections for which a director had no entry: who forwarded them, and the frames.

use super::resets::Forgotten;
use crate::diagnose::finding::Proof;
use crate::flow::Hop;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// Who forwarded the connection before, where that was another director.
pub(in crate::diagnose) fn before(trace: &Trace, id: ConnectionId, host: HostId) -> Option<HostId> {
    let route = trace.route(id);
    let mut senders = route.forwarders().filter_map(|(_, out)| out.from);
    senders.find(|from| *from != host && trace.service(id).is_director(*from))
}

/// The last packet that was sent on, the segment, the reset.
pub(in crate::diagnose) fn proofs(trace: &Trace, lost: &Forgotten) -> Vec<Proof> {
    let id = lost.id;
    let mut proofs = Vec::new();
    if let Some(old) = before(trace, id, lost.host).filter(|_| lost.signs.moved) {
        proofs.extend(
            trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(old)).find_map(|leg| {
                let sent = |hop: &Hop| trace.vantage(leg).own.sent(hop) == Some(true);
                let note = "the connection begins: another director sends it on";
                trace.proof_on(leg, trace.forward(leg), sent, note)
            }),
        );
    }
    if let Some(passage) = lost.passage(trace) {
        proofs.extend(passage.proof_out(trace, id, "the last packet that the director sent on"));
    }
    proofs.extend(lost.proofs(
        trace,
        "a segment of the established connection comes to the director",
        "the director's own bare RST; nothing was sent to a real server",
    ));
    proofs
}
