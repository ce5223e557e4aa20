//! What was said once a connection stood: requests, answers, resets, and waits.
//!
//! [`judge`] asks in the order in which one answer makes the next question idle: how the connection
//! ended (`cut`, `stalled`), whether its request or its server's greeting had any answer (`request`,
//! `greeting`), and whether what came was an error, a word to go (`turned_away`), or `late`. Who gave up
//! and who closed first is told by `parting`.

mod cut;
mod greeting;
mod late;
mod parting;
mod request;
mod stalled;
mod turned_away;

pub(super) use cut::is_turned_down;
pub use cut::reset_by;
pub(super) use late::too_late;
pub(super) use request::{before, half_closes, is_left_unanswered, judge as request_unanswered};
pub(super) use stalled::is_turned_back;

use super::journey::{Journey, Milestone};
use super::judged::Judged;
use super::{Break, Fate, Manner, Pace, Packet, Sighting, faults};
use crate::correlate::Outcome;
use crate::trace::{ConnectionId, Trace};

/// A client that waited this long for an answer and left without one did not get what it
/// wanted; one that left sooner may not have wanted it, nanoseconds. Judgement.
pub(super) const PATIENCE_NS: i64 = 1_000_000_000;

/// Judges what was said on a TCP connection that stands.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let connection = trace.connection(id);
    if let Some(left) = super::probed::judge(trace, id).or_else(|| super::hung::judge(trace, id)) {
        return left;
    }
    match connection.outcome {
        Outcome::Reset
            if pace.is_error(id)
                && (super::said::tls_refused(trace, id).is_some()
                    || super::unwelcome(trace, id).is_some()
                    || faults::is_of_protocol(trace, id)) =>
        {
            faults::judge(trace, id)
        }
        Outcome::Reset if parting::gave_up(trace, id) => stalled::judge(trace, id),
        Outcome::Reset => {
            parting::closed_first(trace, pace, id).unwrap_or_else(|| cut::judge(trace, id))
        }
        Outcome::Stalled => stalled::judge(trace, id),
        Outcome::Completed if is_turned_down(trace, id) || pace.is_cut_at_once(id) => {
            cut::judge(trace, id)
        }
        Outcome::Completed | Outcome::Open => {
            let p = connection.progress;
            let unheard = super::unacknowledged::judge(trace, id);
            if unheard != Judged::Well {
                return unheard;
            }
            if let Some(lost) = late::too_late(trace, id).or_else(|| late::never_came(trace, id)) {
                return lost;
            }
            let judged = if p.request && !p.response {
                request::judge(trace, pace, id)
            } else if !p.request && !p.response && p.syn {
                greeting::absent(trace, pace, id)
            } else {
                Judged::Well
            };
            if judged != Judged::Well {
                judged
            } else if let Some((leg, said)) = super::said::cut_short(trace, id) {
                let mut last = Journey::of(trace, id, false, Milestone::Data).first().copied();
                if let Some(last) = last.as_mut().filter(|last| last.at.vantage == leg.vantage) {
                    last.at.mark = said.mark;
                }
                harm(id, Fate::Failed, Packet::Response, (Manner::Closed, last), 0)
            } else if pace.is_error(id) {
                faults::judge(trace, id)
            } else {
                let turned_away = turned_away::judge(trace, pace, id);
                turned_away.unwrap_or_else(|| late::slow(trace, pace, id))
            }
        }
        _ => Judged::Well,
    }
}

fn harm(
    id: ConnectionId,
    fate: Fate,
    packet: Packet,
    (manner, last): (Manner, Option<Sighting>),
    cost_ns: i64,
) -> Judged {
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Judged::Harm(fate, broken)
}

/// A connection of which the SYN-ACK alone was translated: what its server said next met a client that
/// never called such an address.
pub(super) fn half(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    let rest = ConnectionId(*trace.topology.halves.get(&id.0)?);
    let last = Journey::of(trace, rest, false, Milestone::Ack).last().copied();
    Some(harm(id, Fate::Failed, Packet::Response, (Manner::Unmatched, last), 0))
}
