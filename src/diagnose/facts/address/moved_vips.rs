//! Virtual addresses that move to another master, and who goes on sending to the old one.

use crate::correlate::Leg;
use crate::diagnose::facts::address::vrrp;
use crate::diagnose::facts::connection::each_once;
use crate::diagnose::thresholds::{GARP_MISSING_STALE_ARP_GRACE_NS, PAIR};
use crate::diagnose::{Facts, Proof};
use crate::flow::{Claim, Link, Mark, VantageId, VrrpSpeaker};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, Mac};

/// Service addresses, each once.
pub(in crate::diagnose) fn vips(trace: &Trace) -> Vec<Ip> {
    let services = trace.topology.services.iter().filter(|s| !s.is_backend);
    let vips: Vec<Ip> = each_once(services.map(|s| s.vip));
    vips
}

/// A VIP's change of master, as one vantage hears it.
pub(in crate::diagnose) struct Move {
    pub vantage: VantageId,
    pub vip: Ip,
    pub old: VrrpSpeaker,
    pub old_mac: Mac,
    pub new: VrrpSpeaker,
    pub new_mac: Mac,
    /// The advertisement with which the new one took over, or went on.
    pub since: Mark,
    /// It was master before, too.
    pub again: bool,
}

/// The move of a VIP that a vantage hears.
pub(in crate::diagnose) fn moved(trace: &Trace, v: VantageId, vip: Ip) -> Option<Move> {
    let of_vip = |s: &&VrrpSpeaker| s.addresses.list().contains(&vip);
    let speakers: Vec<&VrrpSpeaker> =
        trace.vantages[v.index()].vrrp.iter().filter(of_vip).collect();
    let new = speakers.iter().max_by_key(|s| s.last.frame()).filter(|s| s.last_priority > 0)?;
    let before = |s: &&&VrrpSpeaker| {
        (s.vrid, s.segment) == (new.vrid, new.segment)
            && s.src != new.src
            && s.last.frame() < new.first.frame()
    };
    let (from, to) = (new.silence.0.frame(), new.silence.1.frame());
    let meanwhile = |s: &&&VrrpSpeaker| {
        (s.vrid, s.segment) == (new.vrid, new.segment)
            && s.src != new.src
            && new.silence_ns() > vrrp::patience_ns(new)
            && from < s.first.frame()
            && s.last.frame() < to
    };
    let latest = |list: &mut dyn Iterator<Item = &&VrrpSpeaker>| {
        list.copied().max_by_key(|s| s.last.frame()).copied()
    };
    let stood_in = latest(&mut speakers.iter().filter(meanwhile));
    let again = stood_in.is_some();
    let old = &stood_in.or_else(|| latest(&mut speakers.iter().filter(before)))?;
    let since = if again { new.silence.1 } else { new.first };
    let fixed = |s: &VrrpSpeaker| s.mac.filter(|mac| !mac.is_vrrp());
    let (old_mac, new_mac) = (fixed(old)?, fixed(new)?);
    let moved = Move { vantage: v, vip, old: *old, old_mac, new: **new, new_mac, since, again };
    (old_mac != new_mac && new.count > 1).then_some(moved)
}

/// A change that its neighbours did not follow.
pub(in crate::diagnose) struct Stale<'a> {
    pub moved: &'a Move,
    pub ids: Vec<ConnectionId>,
    /// A packet that went to the old MAC, late.
    pub shown: Option<Proof>,
    /// The announcement that was not heeded, if there was one.
    pub announced: Option<At>,
}

/// What still went to the old owner after a move.
pub(in crate::diagnose) fn stale<'a>(
    facts: &Facts,
    moved: &'a Move,
    by_mac: bool,
) -> Option<Stale<'a>> {
    let v = &facts.vantages[moved.vantage.index()];
    let since = moved.since;
    // From its last word on the old one did not serve; what is stale shows later.
    let gone = |link: &Link| link.last.frame() > moved.old.last.frame();
    let late = |link: &Link| link.last.since(since) > GARP_MISSING_STALE_ARP_GRACE_NS;
    let legs = |id: ConnectionId| facts.legs(id).iter().filter(|leg| leg.vantage == moved.vantage);
    let at = |id: ConnectionId| -> Option<(&Leg, &Link)> {
        legs(id).find_map(|leg| {
            let path = facts.path(leg, facts.forward(leg));
            let to_old = path.filter(|(link, hop)| {
                gone(link) && (!by_mac || hop.link.dst == Some(moved.old_mac))
            });
            to_old.last().map(|(link, _)| (leg, link))
        })
    };
    let of_vip = || facts.requests_to_address(moved.vip);
    let began_late =
        |id: ConnectionId| legs(id).all(|leg| facts.forward(leg).first.frame() > since.frame());
    let ids: Vec<ConnectionId> = of_vip()
        .filter(|(id, c)| c.outcome.failed() && at(*id).is_some())
        .map(|(id, _)| id)
        .collect();
    // One that went well by the new master shows that somebody follows.
    let works = of_vip().any(|(id, c)| {
        !c.outcome.failed() && c.progress.established && legs(id).next().is_some() && began_late(id)
    });
    let stale = ids.iter().filter(|id| at(**id).is_some_and(|(_, link)| late(link))).count();
    if stale < PAIR || (!by_mac && works) {
        return None;
    }
    let told = v.neighbors.bindings.iter().find(|b| {
        (b.ip, b.mac) == (moved.vip, moved.new_mac)
            && b.last.since(since) > -GARP_MISSING_STALE_ARP_GRACE_NS
    });
    if !by_mac && (told.is_some() || !v.shows.both_ways) {
        return None;
    }
    let told = told.filter(|b| b.claim == Claim::Announcement);
    let (leg, link) = ids.iter().filter_map(|id| at(*id)).find(|(_, link)| late(link))?;
    let note = if by_mac {
        format!("a packet for {} still goes to {}", moved.vip, moved.old_mac)
    } else {
        format!("a packet for {} that nothing answers", moved.vip)
    };
    Some(Stale {
        moved,
        shown: facts.proof(leg, link.last, note),
        announced: told.map(|b| At { vantage: moved.vantage, mark: b.first }),
        ids,
    })
}
