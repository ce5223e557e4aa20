//! Resets: who sent one, and what it cut short.

use super::harm;
use crate::breaks::journey::{Journey, Milestone};
use crate::breaks::judged::Judged;
use crate::breaks::{By, Fate, Manner, Packet, Passage};
use crate::correlate::Leg;
use crate::trace::{ConnectionId, Trace};

/// Which side's words were cut short, by whom.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Judged {
    let by = reset_by(trace, id);
    let p = trace.connection(id).progress;
    let asked = p.request && (!p.response || is_turned_down(trace, id));
    let packet = if asked { Packet::Request } else { Packet::Response };
    let forward = matches!(by, By::Client | By::ClientsName);
    let mut journey = Journey::of(trace, id, forward, Milestone::Rst);
    if journey.first().is_none() {
        journey = Journey::of(trace, id, !forward, Milestone::Rst);
    }
    harm(id, Fate::Failed, packet, (Manner::Cut(by), journey.first().copied()), 0)
}

/// Who reset a connection, as far as captures show it leave.
#[must_use]
pub fn reset_by(trace: &Trace, id: ConnectionId) -> By {
    if is_cut_on_both_sides(trace, id) {
        return By::Between;
    }
    let first = |forward: bool| {
        let journey = Journey::of(trace, id, forward, Milestone::Rst);
        let at = journey.first().map(|s| trace.time(s.at));
        (journey, at)
    };
    let (client, server) = (first(true), first(false));
    let by_server = match (client.1, server.1) {
        (Some(c), Some(s)) => s < c,
        (c, _) => c.is_none(),
    };
    let journey = if by_server { server.0 } else { client.0 };
    // What came to a host before it left there was made elsewhere.
    let came = |host| journey.0.iter().any(|s| s.host == host && s.passage == Passage::In);
    let left = journey.0.iter().any(|s| match s.passage {
        Passage::Out => s.host.is_none() || !came(s.host),
        other => other == Passage::Loopback,
    });
    if left && journey.first().is_some_and(|s| s.passage != Passage::In) {
        return if by_server { By::Server } else { By::Client };
    }
    if sender_was_captured(trace, id, !by_server) {
        By::Between
    } else if by_server {
        By::ServersName
    } else {
        By::ClientsName
    }
}

/// Whether either side is told by a capture of its own that the other reset, and neither capture shows that other's:
/// before a translator the reset comes in the server's name, behind it in the client's, so what lies between them made
/// both. It takes no word on whose the captures are.
fn is_cut_on_both_sides(trace: &Trace, id: ConnectionId) -> bool {
    let last = trace.connection(id).tuples.saturating_sub(1);
    let told = |tuple: u8, client: bool| {
        let legs = trace.legs(id).iter().filter(move |leg| leg.tuple == tuple);
        legs.filter(move |leg| {
            let flow = if client { trace.forward(leg) } else { trace.reply(leg) };
            flow.rst.is_set()
        })
    };
    let apart = |front: &Leg| {
        told(last, true).all(|back| trace.vantage(front).capture != trace.vantage(back).capture)
    };
    last > 0
        && told(0, true).next().is_none()
        && told(last, false).next().is_none()
        && told(last, true).next().is_some()
        && told(0, false).next().is_some()
        && told(0, false).all(apart)
}

/// Whether a capture shows one side send its other packets, and so would show its reset.
fn sender_was_captured(trace: &Trace, id: ConnectionId, client: bool) -> bool {
    trace.legs(id).iter().any(|leg| {
        let flow = if client { trace.forward(leg) } else { trace.reply(leg) };
        let own = &trace.vantage(leg).own;
        let sent = |hop| own.sent(hop) == Some(true);
        let origin = |hop: &crate::flow::Hop| crate::topology::is_origin(hop);
        trace.path(leg, flow).any(|(_, hop)| sent(hop) && origin(hop))
    })
}

/// Whether a server that speaks first answered the client's first words with nothing but
/// a reset.
pub(in crate::breaks) fn is_turned_down(trace: &Trace, id: ConnectionId) -> bool {
    let p = trace.connection(id).progress;
    if !(p.syn && p.request && p.response) {
        return false;
    }
    trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let ended = there.fin.is_set() || there.rst.is_set() || back.fin.is_set();
        let greeted = back.data.is_set() && back.data.frame() < there.data.frame();
        back.rst.is_set()
            && !ended
            && greeted
            // These words were the last before the reset, and took in all that the server
            // has said: nothing came after them.
            && there.data.is_set()
            && back.rst_answers.since(there.data) < crate::flow::COPY_WINDOW_NS
            && there.max_ack == back.end_seq
    })
}
