//! Pairs of directors of which the second would not take over, or took over from one that is still there: no connection
//! fails of it, and nothing is well.

use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::facts::address::moved_vips::{Move, moved};
use crate::flow::{IcmpError, IcmpErrorKind, Mark, Observations, VantageId, VrrpSpeaker};
use crate::trace::Trace;
use crate::wire::{Ip, Protocol};
use std::collections::BTreeSet;

/// Advertisements that are turned down one after the other, before it is no restart of the daemon. Judgement.
const SEVERAL: usize = 3;
/// Protocol unreachable (RFC 792).
const PROTOCOL_UNREACHABLE: IcmpErrorKind = IcmpErrorKind::Unreachable { kind: 3, code: 2 };

/// The first that there is.
pub(in crate::diagnose) fn standby(facts: &Facts) -> Option<String> {
    VantageId::all(&facts.vantages).find_map(|v| {
        let vantage = &facts.vantages[v.index()];
        nobody_listens(vantage).or_else(|| taken_from_the_living(facts, v))
    })
}

/// A peer whose kernel says that nobody takes advertisements there, to the last of them.
fn nobody_listens(vantage: &Observations) -> Option<String> {
    let turned_down = |s: &VrrpSpeaker| -> Vec<&IcmpError> {
        let of = |e: &&IcmpError| {
            e.kind == PROTOCOL_UNREACHABLE && e.dst == s.src && e.quote.protocol == Protocol::VRRP
        };
        vantage.errors.iter().filter(of).collect()
    };
    vantage.vrrp.iter().find_map(|speaker| {
        let errors = turned_down(speaker);
        let (first, last) = (errors.first()?, errors.last()?);
        let to_the_end = speaker.last.since(last.mark) < 2 * speaker.interval_ns();
        (errors.len() >= SEVERAL && to_the_end).then(|| {
            format!(
                "{} turns the advertisements of virtual router {} down, which {} sends it: ICMP protocol 112 unreachable ({} #{}): no VRRP daemon listens there, so it will not take over",
                first.src,
                speaker.vrid,
                speaker.src,
                vantage.label,
                first.mark.frame()
            )
        })
    })
}

/// A master that was heard no more and had not given up, which others still hear after a backup has taken over.
fn taken_from_the_living(facts: &Facts, v: VantageId) -> Option<String> {
    let speakers = facts.vantages[v.index()].vrrp.iter();
    let vips: BTreeSet<Ip> = speakers.flat_map(|s| s.addresses.list().iter().copied()).collect();
    vips.into_iter().find_map(|vip| {
        let moved = moved(facts, v, vip)?;
        let alive = (moved.old.resigned == 0).then(|| heard_after(facts, &moved)).flatten()?;
        let label = &facts.vantages[v.index()].label;
        Some(format!(
            "{} was heard no more as the master of virtual router {} ({label} #{}), without giving up, and {} took over ({label} #{}), while {} goes on with others ({label} #{}): its VRRP has stopped, or its advertisements do not arrive any more, as where a switch's IGMP snooping lets the group go after minutes, and then both are master",
            moved.old.src,
            moved.old.vrid,
            moved.old.last.frame(),
            moved.new.src,
            moved.since.frame(),
            moved.old.src,
            alive.frame()
        ))
    })
}

/// A packet of the old master's own address, well after it was taken over from.
fn heard_after(trace: &Trace, moved: &Move) -> Option<Mark> {
    let late = |mark: Mark| mark.is_set() && mark.since(moved.since) > moved.old.interval_ns();
    let own = |leg: &&Leg| leg.vantage == moved.vantage;
    trace.iter().find_map(|(id, c)| {
        let [asks, answers] = [c.front.client.0, c.front.server.0].map(|ip| ip == moved.old.src);
        let leg = trace.legs(id).iter().find(own).filter(|_| asks || answers)?;
        let flow = if asks { trace.forward(leg) } else { trace.reply(leg) };
        Some(flow.last).filter(|mark| late(*mark))
    })
}
