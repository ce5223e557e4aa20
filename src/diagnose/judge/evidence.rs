//! What the frames of a group show that speaks for or against several causes.

use super::Against;
use crate::breaks::Group;
use crate::breaks::apart::Trait;
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::flow::Mark;
use crate::trace::At;

/// Connections of a group that are asked: they are alike.
const ASKED: usize = 64;

/// The first frame of the group's connections that a leg gives.
fn frame(facts: &Facts, group: &Group, of: impl Fn(&Leg) -> Option<Mark>) -> Option<At> {
    let ids = group.connections.iter().take(ASKED);
    ids.flat_map(|id| facts.legs(*id))
        .find_map(|leg| of(leg).map(|mark| At { vantage: usize::from(leg.vantage), mark }))
}

/// A SYN-ACK was captured.
pub(super) fn answered(facts: &Facts, group: &Group) -> Option<Against> {
    let accepted = |leg: &Leg| {
        let back = facts.reply(leg);
        back.accepted().then_some(back.syn)
    };
    let at = frame(facts, group, accepted)?;
    Some(Against { why: "the server answers: its SYN-ACK was captured", at: Some(at) })
}

/// The client went on after the SYN-ACK.
pub(super) fn connected(facts: &Facts, group: &Group) -> Option<Against> {
    let acknowledged = |leg: &Leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        (back.accepted() && there.ack.is_set()).then_some(there.ack)
    };
    let at = frame(facts, group, acknowledged)?;
    Some(Against { why: "the connection was established", at: Some(at) })
}

/// Nobody is served, where the cause lets some through.
pub(super) fn none_does_well(facts: &Facts, group: &Group) -> Option<Against> {
    let well = facts.breaks.accounts.services[group.service.0 as usize].well;
    let why = "no connection to this service did well, and it lets some through";
    (well == 0).then_some(Against { why, at: None })
}

/// The SYNs carry no timestamps, by which a server remembers a client.
pub(super) fn unstamped(facts: &Facts, group: &Group) -> Option<Against> {
    let stamped = |leg: &Leg| facts.forward(leg).shape.stamped();
    let first = group.connections.first()?;
    if facts.legs(*first).iter().any(stamped) {
        return None;
    }
    let syn = |leg: &Leg| facts.forward(leg).syn.get();
    let at = facts
        .legs(*first)
        .iter()
        .find_map(|leg| syn(leg).map(|mark| At { vantage: usize::from(leg.vantage), mark }));
    Some(Against { why: "the SYN carries no timestamps", at })
}

/// No client port was used before.
pub(super) fn fresh_ports(facts: &Facts, group: &Group) -> Option<Against> {
    let apart = group.apart.iter().any(|apart| apart.what == Trait::PortUsedBefore);
    let before = |id: &crate::trace::ConnectionId| {
        let front = facts.connection(*id).front;
        let earlier = facts.requests_from(front.client.0).take_while(|(other, _)| other < id);
        earlier.into_iter().any(|(_, other)| other.front == front)
    };
    let used = apart || group.connections.iter().take(ASKED).any(before);
    let why = "no client port of these connections was used before in the captures";
    (!used).then_some(Against { why, at: None })
}

/// The packet came in at the host where it ended, so it was not lost before.
pub(super) fn arrived(group: &Group) -> Option<Against> {
    let last = group.last?;
    let came =
        matches!(last.passage, crate::breaks::Passage::In | crate::breaks::Passage::Loopback);
    came.then_some(Against { why: "it arrived where it ends", at: Some(last.at) })
}

/// None of the connections was silent for long before it broke.
pub(super) fn never_idle(facts: &Facts, group: &Group) -> Option<Against> {
    let idle = |leg: &Leg| facts.vantage(leg).side_tables.idle(leg.stream).is_some();
    let mut ids = group.connections.iter().take(ASKED);
    let silent = ids.any(|id| facts.legs(*id).iter().any(idle));
    let why = "none of these connections was silent for half a minute";
    (!silent).then_some(Against { why, at: group.last.map(|last| last.at) })
}

/// The TTL of the resets in a server's name, where every one has another than all that the
/// server sent before on its connection, and that one's.
pub(super) fn foreign_ttl(facts: &Facts, group: &Group) -> Option<(u8, u8)> {
    let mut found = None;
    for id in group.connections.iter().take(ASKED) {
        let leg = facts.legs(*id).iter().find(|leg| facts.reply(leg).rst.is_set())?;
        let back = facts.reply(leg);
        let (mut reset, mut before) = (None, None);
        for (link, hop) in facts.path(leg, back) {
            let alone =
                link.first.frame() == back.rst.frame() && link.last.frame() == back.rst.frame();
            *(if alone { &mut reset } else { &mut before }) = hop.known_ttl();
        }
        let both = reset.zip(before).filter(|(reset, before)| reset != before)?;
        found = found.or(Some(both));
    }
    found
}
