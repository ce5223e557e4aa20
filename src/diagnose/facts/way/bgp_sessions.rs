//! Ends and beginnings of BGP sessions, and which of them stand before the changes of a way.

use super::site_changes::Flap;
use crate::capture::Timestamp;
use crate::diagnose::thresholds::{BGP_ANYCAST_FLAP_AFTER_NS, BGP_ANYCAST_FLAP_BEFORE_NS};
use crate::flow::Mark;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;

/// The port of BGP (RFC 4271, section 8), and how long before a change a session may end
/// or begin, nanoseconds.
const BGP: u16 = 179;

/// The end or the beginning of a BGP session.
pub(in crate::diagnose) struct SessionEvent {
    /// The connection that carries it.
    pub id: ConnectionId,
    pub at: At,
    pub time: Timestamp,
    pub peers: [Ip; 2],
    pub begins: bool,
}

/// All of them, in order of time.
pub(in crate::diagnose) fn sessions(trace: &Trace) -> Vec<SessionEvent> {
    let mut events = Vec::new();
    for (id, c) in trace.iter().filter(|(_, c)| c.protocol.is_tcp() && c.front.server.1 == BGP) {
        let Some(leg) = trace.legs(id).first() else { continue };
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let peers = [c.front.client.0, c.front.server.0];
        let mut add = |mark: Mark, begins: bool| {
            let at = trace.at(leg, mark);
            events.push(SessionEvent { id, at, time: trace.time(at), peers, begins });
        };
        if there.syn.is_set() && c.progress.established && c.progress.request {
            add(there.syn, true);
        }
        let ends = [there.fin, back.fin, there.rst, back.rst].into_iter().filter_map(Mark::get);
        if let Some(end) = ends.min_by_key(|m| m.frame()) {
            add(end, false);
        }
    }
    events.sort_by_key(|e| (e.time, e.at.vantage, e.at.mark.frame()));
    events
}

/// For each change the last session event before it; `None` unless each has its own.
pub(in crate::diagnose) fn told<'a>(
    trace: &Trace,
    flap: &Flap,
    events: &'a [SessionEvent],
) -> Option<Vec<&'a SessionEvent>> {
    let mut free = 0;
    let mut told = Vec::new();
    for change in &flap.changes {
        let at = trace.time(At { vantage: flap.vantage, mark: change.to.mark });
        let near = |e: &SessionEvent| {
            (at.0 - BGP_ANYCAST_FLAP_BEFORE_NS..=at.0 + BGP_ANYCAST_FLAP_AFTER_NS)
                .contains(&e.time.0)
        };
        let place = free + events.get(free..)?.iter().rposition(near)?;
        told.push(&events[place]);
        free = place + 1;
    }
    Some(told)
}

/// Of a session's peers the one that packets end at, and the router.
pub(in crate::diagnose) fn ends(
    trace: &Trace,
    flap: &Flap,
    peers: Option<[Ip; 2]>,
) -> (Option<Ip>, Option<Ip>) {
    let Some([a, b]) = peers else { return (None, None) };
    let forwards = |ip: Ip| {
        let host = trace.host_by_ip(ip);
        let mut steps = flap.moved.iter().flat_map(|m| &trace.route(m.id).forward);
        host.is_some() && steps.any(|step| step.from == host)
    };
    if forwards(a) && !forwards(b) { (Some(b), Some(a)) } else { (Some(a), Some(b)) }
}
