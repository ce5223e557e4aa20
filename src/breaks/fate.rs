//! What became of one connection.

use super::{Break, Fate, Pace, behind, datagram, handshake, talk, unfilled, unheeded};
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};

/// A capture that ends sooner than this after a packet may have missed its answer, or its
/// repeat: the initial retransmission time-out (RFC 6298, section 2), nanoseconds.
pub(super) const TAIL_NS: i64 = 1_000_000_000;

/// Judges one connection; a proxy's own are part of its client's, and what scans and
/// floods meet harms nobody.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> (Fate, Option<Break>) {
    let (fate, mut broken) = own(trace, pace, id);
    if let Some(broken) = broken.as_mut().filter(|_| fate == Fate::Failed) {
        broken.behind = behind::of(trace, pace, id);
    }
    (fate, broken)
}

fn own(trace: &Trace, pace: &Pace, id: ConnectionId) -> (Fate, Option<Break>) {
    match trace.ordinary(id) {
        Some(Ordinary::ProxyLeg | Ordinary::Scan | Ordinary::Flood | Ordinary::StrayAnswer) => {
            (Fate::Well, None)
        }
        Some(Ordinary::HealthCheck) => verdict(handshake::check(trace, pace, id)),
        None if !trace.connection(id).protocol.is_tcp() => {
            verdict(datagram::judge(trace, pace, id))
        }
        None => {
            if let Some(half) = talk::half(trace, id) {
                return verdict(half);
            }
            let opened = handshake::judge(trace, id);
            match opened {
                // Who connected late at last may have got nothing all the same.
                Judged::Harm(Fate::Suffered, _) => match talk::judge(trace, pace, id) {
                    failed @ Judged::Harm(Fate::Failed, _) => verdict(failed),
                    _ => verdict(opened),
                },
                Judged::Harm(..) | Judged::Untold => verdict(opened),
                Judged::Well => verdict(match talk::judge(trace, pace, id) {
                    Judged::Well => match unfilled::judge(trace, id) {
                        Judged::Well => unheeded::judge(trace, pace, id),
                        harmed => harmed,
                    },
                    harmed => harmed,
                }),
            }
        }
    }
}

/// What a look at one part of a connection says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Judged {
    /// Nothing is amiss.
    Well,
    /// It does not show.
    Untold,
    /// It failed or suffered.
    Harm(Fate, Break),
}

fn verdict(judged: Judged) -> (Fate, Option<Break>) {
    match judged {
        Judged::Well => (Fate::Well, None),
        Judged::Untold => (Fate::Untold, None),
        Judged::Harm(fate, broken) => (fate, Some(broken)),
    }
}

/// Whether every vantage that saw a connection ends within the tail after its last frame.
pub(super) fn at_the_end(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().all(|leg| {
        let last = leg.of(&trace.vantages).last();
        trace.vantage(leg).end.0.saturating_sub(last.at().0) < TAIL_NS
    })
}
