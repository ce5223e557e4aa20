//! Connections of which the host that answers took neither the client's ACK nor its first words, though
//! its own capture shows both come in: it asks for the ACK again, and acknowledges nothing.

use crate::diagnose::facts::index::Indexed;
use crate::diagnose::thresholds::TRANSMISSIONS;
use crate::topology::is_origin;
use crate::trace::{At, ConnectionId};

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Unheeded {
    /// How often the SYN-ACK was sent.
    pub syn_acks: u16,
    /// The ACK, the first words, the latest SYN-ACK or what else the host sent last.
    pub shown: [At; 3],
}

/// What the captures show of a connection.
pub(in crate::diagnose) fn unheeded(facts: &Indexed<'_>, id: ConnectionId) -> Option<Unheeded> {
    let p = facts.connection(id).progress;
    if !p.request || p.response || facts.stray(id).is_some() {
        return None;
    }
    let trace = facts.trace;
    trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let own = &trace.vantage(leg).own;
        let asks = back.accepted()
            && back.isns == 1
            && there.syns == 1
            && back.syns > TRANSMISSIONS
            && there.ack.is_set()
            && there.data.is_set()
            && back.last.frame() > there.data.frame()
            // Its own number alone, not one byte after the SYN.
            && back.max_ack == there.isn.wrapping_add(1)
            && !back.fin.is_set()
            && !back.rst.is_set();
        let answers = || {
            trace
                .path(leg, back)
                .any(|(link, hop)| link.syns > 0 && own.sent(hop) == Some(true) && is_origin(hop))
        };
        let came = || trace.path(leg, there).all(|(_, hop)| own.arrived(hop) == Some(true));
        let at = |mark| At { vantage: leg.vantage, mark };
        (asks && answers() && came()).then(|| Unheeded {
            syn_acks: back.syns,
            shown: [at(there.ack), at(there.data), at(back.last)],
        })
    })
}
