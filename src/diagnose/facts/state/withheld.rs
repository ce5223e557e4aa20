//! Open connections whose packets a director takes in and sends on no more, and whether it asks
//! for their real server meanwhile: who was taken out of the table is not asked for.

use super::stale_ports::asks_again;
use crate::diagnose::facts::way::passages::{Passage, passage};
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::REPEATS;
use crate::flow::{Ask, VantageId};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// A connection of which a director sends nothing on any more.
#[derive(Debug)]
pub(in crate::diagnose) struct Withheld<'a> {
    pub id: ConnectionId,
    pub director: HostId,
    pub passage: Passage<'a>,
    /// The director's questions for its real server, which nobody answers, while it withholds.
    pub sought: Option<(VantageId, &'a Ask)>,
}

/// The director had an entry, and nothing came out any more while bytes came in again and again.
pub(in crate::diagnose) fn withheld<'a>(
    trace: &'a Trace,
    id: ConnectionId,
) -> Option<Withheld<'a>> {
    let (c, service) = (trace.connection(id), trace.service(id));
    let told = trace.errors_of(id).next().is_some();
    let reset = trace.legs(id).iter().any(|leg| trace.reply(leg).rst.is_set());
    let stood = c.protocol.is_tcp() && c.progress.established && c.progress.request;
    if !stood || !service.mode.is_layer_4() || told || reset {
        return None;
    }
    service.directors.iter().find_map(|d| {
        let passage = passage(trace, id, d.host)?;
        let left = passage.left?;
        let link = passage.came.link;
        let repeated = link.retransmissions >= REPEATS
            && passage.first_repeat(trace, id).at() > left.link.last.at();
        // Where SYNs alone went out, it is what followed that was not wanted.
        let followed = left.link.packets > u32::from(left.link.syns);
        let missing = passage.missing(trace, id) > 0;
        (passage.is_withheld(trace, id) && repeated && missing && followed).then(|| Withheld {
            id,
            director: d.host,
            passage,
            sought: sought(trace, id, &passage),
        })
    })
}

/// A director's questions for a connection's real server that go on after its last packet left.
fn sought<'a>(
    trace: &'a Trace,
    id: ConnectionId,
    passage: &Passage<'_>,
) -> Option<(VantageId, &'a Ask)> {
    let left = trace.time(passage.last_out(trace, id)?);
    asks_again(trace, id, trace.server(id)?.address?, left)
}

impl Withheld<'_> {
    /// The last packet that left, and what came after it in vain.
    pub fn proofs(&self, trace: &Trace) -> Vec<Proof> {
        let (id, passage) = (self.id, &self.passage);
        Proof::seen([
            passage.proof_out(
                trace,
                id,
                "the last packet of the connection that the director sends on",
            ),
            passage.proof_in(
                trace,
                id,
                passage.first_repeat(trace, id),
                "the client sends bytes again; they do not go out",
            ),
            passage.proof_in(trace, id, passage.came.link.last, "and once more, in vain"),
        ])
    }
}
