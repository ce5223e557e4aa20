//! What the server that SYNs were sent to made of others before: that it accepted them shows the way back, and that
//! it then said nothing, that nobody takes them out of its queue.

use super::Against;
use super::evidence::ASKED;
use crate::breaks::Group;
use crate::diagnose::Facts;
use crate::diagnose::words::count;
use crate::trace::ConnectionId;

/// What a server made of other connections through the same director.
pub(super) struct Accepted {
    /// One that it accepted, as its director saw.
    pub here: Option<Against>,
    /// How many it accepted before, where it said nothing on any of them.
    pub mute: Option<String>,
}

/// What the server that a group's SYNs were sent to made of others.
pub(super) fn accepted(facts: &Facts, group: &Group) -> Accepted {
    let server = |id: ConnectionId| facts.server(id).and_then(|server| server.address);
    let first = group.connections.first().copied();
    let own = first.and_then(server);
    let others = facts.requests_to(group.service).map(|(id, _)| id);
    let taken: Vec<ConnectionId> = others
        .filter(|id| own.is_some() && server(*id) == own)
        .filter(|id| facts.connection(*id).progress.established)
        .take(ASKED)
        .collect();
    let shown = taken.iter().find_map(|id| {
        let mut legs = facts.back_legs(*id);
        legs.find_map(|leg| facts.reply(leg).syn.get().map(|mark| facts.at(leg, mark)))
    });
    let why = "the same server's SYN-ACKs to others come back by this director";
    let here = shown.map(|at| Against { why, at: Some(at) });
    let mute = |id: &ConnectionId| {
        let p = facts.connection(*id).progress;
        p.request && !p.response && Some(*id) < first
    };
    let all_mute = !taken.is_empty() && taken.iter().all(mute);
    let mute = all_mute.then(|| count(taken.len(), "connection"));
    Accepted { here, mute }
}
