//! What became of one connection.

use super::judged::Judged;
use super::{Break, Fate, Pace, behind, datagram, handshake, held, said, talk, unfilled, unheeded};
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};

/// Judges one connection; a proxy's own are part of its client's, and what scans and
/// floods meet harms nobody.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> (Fate, Option<Break>) {
    let (fate, mut broken) = own(trace, pace, id);
    if let Some(broken) = broken.as_mut().filter(|_| fate == Fate::Failed) {
        broken.behind = behind::of(trace, pace, id);
    }
    if fate == Fate::Well
        && trace.ordinary(id).is_none()
        && let Some(late) = behind::waited(trace, pace, id).or_else(|| held::judge(trace, id))
    {
        return (Fate::Suffered, Some(late));
    }
    // What is not shown is not well.
    if fate == Fate::Well && trace.ordinary(id).is_none() && said::end_is_unseen(trace, id) {
        return (Fate::Untold, None);
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
            let opened = handshake::judge(trace, pace, id);
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

fn verdict(judged: Judged) -> (Fate, Option<Break>) {
    match judged {
        Judged::Well => (Fate::Well, None),
        Judged::Untold => (Fate::Untold, None),
        Judged::Harm(fate, broken) => (fate, Some(broken)),
    }
}
