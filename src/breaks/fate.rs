//! What became of one connection.

use super::journey::{Journey, Milestone};
use super::judged::Judged;
use super::{
    Break, Fate, Manner, Pace, Packet, behind, datagram, handshake, held, logged, said, talk,
    unfilled, unheeded,
};
use crate::flow::{Flow, Reset};
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};
use crate::wire::seq_gt;

/// Judges one connection; a proxy's own are part of its client's, and what scans and
/// floods meet harms nobody.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> (Fate, Option<Break>) {
    let (fate, mut broken) = own(trace, pace, id);
    if let Some(broken) = broken.as_mut().filter(|_| fate == Fate::Failed) {
        broken.behind = behind::of(trace, pace, id);
    }
    if fate == Fate::Well
        && trace.ordinary(id).is_none()
        && let Some(late) = behind::waited(trace, pace, id)
            .or_else(|| behind::delayed(trace, pace, id))
            .or_else(|| held::judge(trace, id))
    {
        return (Fate::Suffered, Some(late));
    }
    if !fate.is_harm() && trace.ordinary(id).is_none() {
        if let Some(dropped) = logged::judge(trace, id) {
            return (Fate::Failed, Some(dropped));
        }
        if is_blocked(trace, id) {
            return blocked(trace, id);
        }
    }
    // What is not shown is not well.
    let unseen = || {
        said::end_is_unseen(trace, id)
            || is_unknown_to_server(trace, id)
            || is_left_repeating(trace, id)
            || is_bare(trace, id)
    };
    if fate == Fate::Well && trace.ordinary(id).is_none() && unseen() {
        return (Fate::Untold, None);
    }
    (fate, broken)
}

/// Whether all that is seen is a client's segment without a word, and the reset of a kernel that has no such connection
/// (RFC 9293, section 3.10.7.1): the late farewell of one that is over, or one that was opened by another way.
pub fn is_unknown_to_server(trace: &Trace, id: ConnectionId) -> bool {
    let legs = trace.legs(id);
    let bare = |flow: &Flow| !flow.flags.syn() && flow.payload == 0;
    let reset = |flow: &Flow| flow.reset == Reset::NoSocket;
    legs.iter().all(|leg| bare(trace.forward(leg)) && bare(trace.reply(leg)))
        && legs.iter().any(|leg| reset(trace.reply(leg)))
}

/// Whether all that is seen of it is what a packet filter's log says that it blocked (pf's, as text).
fn is_blocked(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().all(|leg| {
        let capture = trace.captures.get(trace.vantage(leg).capture);
        capture.is_some_and(|capture| {
            let mut texts = capture.files.iter().map(|file| file.text.as_ref());
            let all = texts.all(|text| text.is_some_and(|text| text.is_all_blocked()));
            !capture.files.is_empty() && all
        })
    })
}

/// A SYN that is blocked opens nothing; what a block costs a connection that was there does not show.
fn blocked(trace: &Trace, id: ConnectionId) -> (Fate, Option<Break>) {
    let p = trace.connection(id).progress;
    if !p.syn || p.answered {
        return (Fate::Untold, None);
    }
    let last = Journey::of(trace, id, true, Milestone::Syn).last().copied();
    let (packet, manner) = (Packet::Syn, Manner::Swallowed);
    let broken =
        Break { connection: id, packet, manner, last, next: None, cost_ns: 0, behind: None };
    (Fate::Failed, Some(broken))
}

/// Whether the last that is seen of one side is what it sends again, and nothing says that it arrived: the
/// capture ends before that is known.
fn is_left_repeating(trace: &Trace, id: ConnectionId) -> bool {
    let c = trace.connection(id);
    if !c.protocol.is_tcp() || !c.progress.repeats {
        return false;
    }
    trace.legs(id).iter().any(|leg| {
        let vantage = trace.vantage(leg);
        let waits = |flow: &Flow, other: &Flow| {
            let last = vantage.repeats_of(flow).into_iter().max_by_key(|r| r.mark.frame());
            last.is_some_and(|last| {
                // Of who has gone a FIN alone is not acknowledged.
                let more = last.to.wrapping_sub(last.from) > 1;
                let heard = other.flags.ack() && !seq_gt(last.to, other.max_ack);
                more && !heard
                    && other.last.frame() < last.mark.frame()
                    && !other.fin.is_set()
                    && !other.rst.is_set()
            })
        };
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        waits(there, back) || waits(back, there)
    })
}

/// So few acknowledgments may be one and its repeats; more of them take in an answer that goes another way. Judgement.
const BARE_PACKETS: u32 = 3;

/// Whether all that is seen are a few segments of a client in the middle of something: neither how it began or ended,
/// nor anything of the server.
fn is_bare(trace: &Trace, id: ConnectionId) -> bool {
    trace.connection(id).protocol.is_tcp()
        && trace.legs(id).iter().all(|leg| {
            let (there, back) = (trace.forward(leg), trace.reply(leg));
            let few = there.packets <= BARE_PACKETS;
            let midst = !there.flags.syn() && !there.fin.is_set() && !there.rst.is_set();
            few && midst && !back.seen()
        })
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
