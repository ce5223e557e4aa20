//! What a host holds on to, or has let go, so that packets go where nobody takes them: a translation that was
//! made anew on another port, and a neighbour's old MAC.

use super::evidence::ASKED;
use crate::breaks::Group;
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::flow::{Binding, Claim, Mark, Observations};
use crate::trace::{At, ConnectionId};
use crate::wire::{Ip, Mac};

/// Connections that the host which resets them accepted from another port than the one that it resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Renewed {
    /// The port from which it was accepted.
    pub before: u16,
    /// The port from which the segment came that it resets.
    pub now: u16,
    /// That segment.
    pub at: At,
    /// For how long nothing had come, nanoseconds.
    pub silent_ns: i64,
}

/// The first of a group of which a capture shows both.
pub(super) fn renewed(facts: &Facts, group: &Group) -> Option<Renewed> {
    group.connections.iter().take(ASKED).find_map(|id| {
        let legs = facts.legs(*id);
        let port = |leg: &Leg| leg.of(&facts.vantages).key.port(leg.client);
        legs.iter().find_map(|now| {
            let (there, back) = (facts.forward(now), facts.reply(now));
            let unknown = !there.opened() && !back.accepted() && back.rst.is_set() && there.seen();
            let before = legs.iter().filter(|_| unknown).find(|leg| {
                let of = facts.reply(leg);
                leg.vantage == now.vantage
                    && of.accepted()
                    && !of.rst.is_set()
                    && port(leg) != port(now)
                    && facts.forward(leg).last.frame() < there.first.frame()
            })?;
            Some(Renewed {
                before: port(before),
                now: port(now),
                at: facts.at(now, there.first),
                silent_ns: there.first.since(facts.forward(before).last),
            })
        })
    })
}

/// A MAC that is sent to, and says nothing any more, while the address that is meant sends from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    /// The MAC on the frames.
    pub old: Mac,
    /// The MAC that the address sends from.
    pub new: Mac,
    /// A frame of that.
    pub at: At,
}

/// As the capture shows it at which the packets of a group were last seen. An address that several MACs send
/// from at once, as a VIP in DR, is none that moved.
pub(super) fn moved(facts: &Facts, group: &Group) -> Option<Moved> {
    let last = group.last?;
    let id = *group.connections.first()?;
    let here = |leg: &&Leg| leg.vantage == last.at.vantage && leg.tuple == last.tuple;
    let leg = facts.legs(id).iter().find(here)?;
    let ip = leg.of(&facts.vantages).key.ip(leg.client.other());
    let old =
        facts.path(leg, facts.forward(leg)).last()?.1.link.dst.filter(|mac| mac.is_unicast())?;
    let senders = facts.senders();
    let spoke = senders.last_of(leg.vantage, old);
    let mut others = senders.others(old, leg.vantage, ip);
    let (new, first) = match (others.next(), others.next()) {
        (Some(only), None) => (only.mac, only.first),
        // Who announces itself and sends nothing says so, too.
        (None, _) => announced(facts.vantage(leg), ip, old, spoke)?,
        _ => return None,
    };
    let since = first.frame() > spoke;
    since.then_some(Moved { old, new, at: At { vantage: leg.vantage, mark: first } })
}

/// Who took an address over while all connections of a group stood: the MAC that served them, and the one that has
/// it since the last answer. Where frames name their receiver, they follow to the new one.
pub(super) fn taken_over(facts: &Facts, group: &Group) -> Option<Moved> {
    let of = |id: &ConnectionId| {
        facts.legs(*id).iter().find_map(|leg| {
            let (vantage, back) = (facts.vantage(leg), facts.reply(leg));
            let served = facts.path(leg, back).last()?.1.link.src.filter(|mac| mac.is_unicast())?;
            let ip = leg.of(&facts.vantages).key.ip(leg.client.other());
            let (new, first) = announced(vantage, ip, served, back.last.frame())?;
            let there = facts.forward(leg);
            let to = facts.path(leg, there).last()?.1.link.dst;
            let follows = to.is_none_or(|to| to == new) && there.last.frame() > first.frame();
            let at = At { vantage: leg.vantage, mark: first };
            follows.then_some(Moved { old: served, new, at })
        })
    };
    let mut all = group.connections.iter().take(ASKED).map(of);
    let first = all.next()??;
    all.all(|one| one.is_some_and(|one| (one.old, one.new) == (first.old, first.new)))
        .then_some(first)
}

/// The one other MAC that announces an address, or answers for it, after the old one's last frame.
fn announced(vantage: &Observations, ip: Ip, old: Mac, spoke: u32) -> Option<(Mac, Mark)> {
    let later = |b: &&Binding| {
        let says = matches!(b.claim, Claim::Announcement | Claim::Reply);
        b.ip == ip && b.mac != old && says && b.last.frame() > spoke
    };
    let mut claims = vantage.neighbors.bindings.iter().filter(later);
    let first = claims.next().filter(|b| !b.mac.is_vrrp())?;
    let mark = if first.first.frame() > spoke { first.first } else { first.last };
    claims.all(|b| b.mac == first.mac).then_some((first.mac, mark))
}
