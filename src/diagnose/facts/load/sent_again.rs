//! What was sent again, where it was no ordinary payload.

use crate::flow::{Flow, Repeat};
use crate::trace::{ConnectionId, Trace};

/// Repeats of one vantage that are looked through for one connection.
const LOOKED: usize = 4096;

/// What was sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Again {
    /// Payload, or more than is told.
    Payload,
    /// The FIN alone, which has no bytes.
    Fin,
    /// What had left on the SYN. Who does not take bytes there acknowledges the SYN alone, and they come again (RFC
    /// 7413, section 4.2.1): nothing was lost.
    FromSyn,
}

/// What a connection's ends sent again; payload where they differ.
pub(in crate::diagnose) fn what(trace: &Trace, id: ConnectionId) -> Again {
    let mut told: Option<Again> = None;
    for leg in trace.legs(id) {
        let vantage = trace.vantage(leg);
        for flow in [trace.forward(leg), trace.reply(leg)] {
            let mut next = flow.link;
            while let Some(index) = next.index() {
                let link = &vantage.links[index];
                next = link.next;
                if link.retransmissions == 0 {
                    continue;
                }
                let all = &vantage.side_tables.repeats;
                let own = all.iter().take(LOOKED).filter(|r| r.link as usize == index);
                let own: Vec<&Repeat> = own.collect();
                if own.len() != usize::from(link.retransmissions) {
                    return Again::Payload;
                }
                let here = kind(flow, &own);
                if told.is_some_and(|known| known != here) {
                    return Again::Payload;
                }
                told = Some(here);
            }
        }
    }
    told.unwrap_or(Again::Payload)
}

fn kind(flow: &Flow, repeats: &[&Repeat]) -> Again {
    let on_syn = flow.data.is_set() && flow.data.frame() == flow.syn.frame();
    let fin = |r: &&Repeat| flow.fin.is_set() && flow.end_seq.wrapping_sub(r.from) == 1;
    if repeats.iter().all(fin) {
        Again::Fin
    } else if on_syn && repeats.len() == 1 && repeats[0].from == flow.isn.wrapping_add(1) {
        Again::FromSyn
    } else {
        Again::Payload
    }
}
