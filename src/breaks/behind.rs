//! Where it broke behind a proxy: a client gets an error or nothing because of what became of a
//! connection that the proxy opened for it.

use super::journey::{Journey, Milestone, silence};
use super::judged::Judged;
use super::{Behind, Break, By, Fate, Manner, Pace, Packet, handshake, reset_by, talk};
use crate::correlate::Outcome;
use crate::flow::Mark;
use crate::trace::{ConnectionId, Trace};

/// The break of what a proxy opened for a client's connection, if one shows.
pub(super) fn of(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Behind> {
    let pairs = &trace.pairs;
    let opened = [pairs.attempts.get(&id.0), pairs.backends.get(&id.0)];
    let mut legs = opened.into_iter().flatten().flatten().filter(|leg| {
        // Of one that carries several clients' requests, what ended it is the last one's.
        pairs.clients.get(leg).is_none_or(|of| of.last() == Some(&id.0))
    });
    legs.find_map(|leg| broken(trace, pace, ConnectionId(*leg)))
}

/// The break of a connection that was served only when a proxy had waited in vain for another server.
pub(super) fn waited(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Break> {
    let tried = trace.pairs.attempts.get(&id.0)?.iter().map(|leg| ConnectionId(*leg));
    let waits = tried.filter(|leg| trace.connection(*leg).outcome == Outcome::Unanswered);
    let waits = waits.filter_map(|leg| Some((went_on(trace, id, leg)?, leg)));
    let (cost_ns, leg) = waits.max().filter(|(ns, _)| *ns >= handshake::WAIT_NS)?;
    let behind = broken(trace, pace, leg)?;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    let (packet, manner) = (Packet::Response, Manner::Late);
    let behind = Some(behind);
    Some(Break { connection: id, packet, manner, last, next: None, cost_ns, behind })
}

/// The break of a connection whose client waited for the one that a proxy opened for it: that stood only after repeats,
/// or its bytes waited for timers. One that others use, too, is waited for by the first of them, until it stands.
pub(super) fn delayed(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Break> {
    let late = trace.pairs.backends.get(&id.0)?.iter().filter_map(|leg| {
        let of = trace.pairs.clients.get(leg).map_or(&[][..], Vec::as_slice);
        let leg = ConnectionId(*leg);
        match handshake::judge(trace, pace, leg) {
            Judged::Harm(Fate::Suffered, broken) if of.first().is_none_or(|of| *of == id.0) => {
                Some(broken).filter(|_| stood_before(trace, id, leg))
            }
            Judged::Well if of.len() <= 1 => match talk::judge(trace, pace, leg) {
                Judged::Harm(Fate::Suffered, broken) if broken.manner == Manner::Late => {
                    Some(broken).filter(|broken| spans(trace, id, broken))
                }
                _ => None,
            },
            _ => None,
        }
    });
    let of = late.max_by_key(|broken| broken.cost_ns)?;
    let behind = Some(Behind { packet: of.packet, manner: of.manner, last: of.last? });
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    let (packet, manner, cost_ns) = (Packet::Response, Manner::Late, of.cost_ns);
    Some(Break { connection: id, packet, manner, last, next: None, cost_ns, behind })
}

/// Whether a client's connection stood already when a proxy opened another for it, and was not over when that stood.
fn stood_before(trace: &Trace, id: ConnectionId, opened: ConnectionId) -> bool {
    trace.legs(opened).iter().any(|leg| {
        let there = trace.forward(leg);
        let (Some(syn), Some(stands)) = (there.syn.get(), there.ack.get()) else { return false };
        trace.legs(id).iter().filter(|own| own.vantage == leg.vantage).any(|own| {
            let (asks, answers) = (trace.forward(own), trace.reply(own));
            asks.first.frame() < syn.frame() && answers.last.frame() > stands.frame()
        })
    })
}

/// Whether what was sent again behind a proxy was so while its client waited: it had asked, and was answered after that.
fn spans(trace: &Trace, id: ConnectionId, broken: &Break) -> bool {
    broken.last.is_some_and(|last| {
        let own = trace.legs(id).iter().filter(|own| own.vantage == last.at.vantage);
        own.into_iter().any(|own| {
            let (asked, answers) = (trace.forward(own).data, trace.reply(own).last);
            let again = last.at.mark.frame();
            asked.is_set() && asked.frame() < again && again < answers.frame()
        })
    })
}

/// From the first SYN of an attempt in vain until the proxy asked another server for the same client,
/// nanoseconds.
fn went_on(trace: &Trace, id: ConnectionId, attempt: ConnectionId) -> Option<i64> {
    let pairs = &trace.pairs;
    let carried = || pairs.carried.get(&id.0).into_iter().flatten();
    let opened = || pairs.backends.get(&id.0).into_iter().flatten();
    let waits = trace.legs(attempt).iter().filter_map(|leg| {
        let syn = trace.forward(leg).syn.get()?;
        let asked = carried().filter_map(|at| pairs.exchanges.get(*at));
        let asked = asked.filter(|e| e.vantage == leg.vantage).map(|e| e.request);
        let legs = opened().flat_map(|back| trace.legs(ConnectionId(*back)));
        let begun = legs.filter(|l| l.vantage == leg.vantage).map(|l| trace.forward(l).syn);
        let later = asked.chain(begun).filter_map(Mark::get).filter(|m| m.frame() > syn.frame());
        later.min_by_key(|mark| mark.frame()).map(|mark| mark.since(syn))
    });
    waits.max()
}

fn broken(trace: &Trace, pace: &Pace, leg: ConnectionId) -> Option<Behind> {
    // What the proxy itself ended, it had given up before.
    let own = [Manner::Late, Manner::Cut(By::Client), Manner::Cut(By::ClientsName)];
    let harmed = |judged: Judged| match judged {
        Judged::Harm(_, Break { packet, manner, last: Some(last), .. }) => {
            (!own.contains(&manner)).then_some(Behind { packet, manner, last })
        }
        _ => None,
    };
    let found = harmed(handshake::judge(trace, pace, leg));
    if let Some(found) = found.or_else(|| harmed(talk::judge(trace, pace, leg))) {
        return Some(found);
    }
    let p = trace.connection(leg).progress;
    if trace.legs(leg).iter().any(|at| trace.reply(at).rst.is_set()) {
        let last = Journey::of(trace, leg, false, Milestone::Rst).first().copied()?;
        return Some(Behind {
            packet: Packet::Response,
            manner: Manner::Cut(reset_by(trace, leg)),
            last,
        });
    }
    if p.request && !p.response {
        let closed = trace.legs(leg).iter().any(|at| {
            let (there, back) = (trace.forward(at), trace.reply(at));
            back.fin.is_set() && talk::before(back.fin, there)
        });
        let (manner, last) = silence(trace, leg, Packet::Request);
        let manner = if closed { Manner::Closed } else { manner };
        return Some(Behind { packet: Packet::Request, manner, last: last? });
    }
    None
}
