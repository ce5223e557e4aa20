//! Questions for an address that the capturing host answers each time, and that are asked again all the same.
//!
//! Who has learnt a MAC asks no more, or asks that MAC alone, and sends to it what it had to send. Who asks the
//! whole link on and on, and sends nothing to the MAC that it is told, did not get the answer or did not take
//! it. A monitor does the same (`arping -b`, the ARP monitor of bonding), so the repeats alone prove no harm:
//! they count where a virtual MAC answers or the address is a virtual router's, or where connections to it fail.

use super::asks::asked_here;
use crate::breaks::Fate;
use crate::diagnose::Facts;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{ARP_UNANSWERED_ON_AND_ON, QUESTIONS};
use crate::flow::{Ask, Binding, Claim, Observations, VantageId};
use crate::trace::{At, ConnectionId};
use crate::wire::Mac;

/// An answer that is not taken.
#[derive(Debug)]
pub(in crate::diagnose) struct Untaken<'a> {
    /// Whose capture shows it: the one that answers.
    pub vantage: VantageId,
    /// The questions.
    pub ask: &'a Ask,
    /// The answer.
    pub answer: &'a Binding,
    /// The answer names another MAC than the one with which its host has conversations here.
    pub virtual_mac: Option<Talks>,
    /// The asker's own capture shows these questions and none of the answers.
    pub missed: Option<At>,
    /// Connections to the address that fail.
    pub failed: Vec<ConnectionId>,
}

/// A conversation of the answering host with its own MAC.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Talks {
    /// The MAC.
    pub mac: Mac,
    /// A frame that came for it.
    pub at: At,
}

/// All of them.
pub(in crate::diagnose) fn untaken<'a>(facts: &'a Facts) -> Vec<Untaken<'a>> {
    let at = |(v, vantage): (VantageId, &'a Observations)| {
        let asks = vantage.neighbors.asks.iter().filter(|ask| {
            ask.again >= ARP_UNANSWERED_ON_AND_ON
                && ask.answers >= QUESTIONS
                && ask.asker.is_host()
                && !asked_here(vantage, ask)
        });
        asks.filter_map(move |ask| one(facts, v, ask)).collect::<Vec<_>>()
    };
    VantageId::each(&facts.vantages).flat_map(at).collect()
}

fn one<'a>(facts: &'a Facts, v: VantageId, ask: &'a Ask) -> Option<Untaken<'a>> {
    let vantage = &facts.vantages[v.index()];
    let answers = || vantage.neighbors.bindings.iter().filter(|b| b.ip == ask.target);
    let answer = answers().find(|b| b.claim == Claim::Reply)?;
    // Of several hosts one may be taken.
    if answers().any(|b| b.mac != answer.mac) || !vantage.own.has(answer.mac) {
        return None;
    }
    if takes(vantage, ask, answer.mac) {
        return None;
    }
    let there = VantageId::each(&facts.vantages).filter(|(_, other)| asked_here(other, ask));
    let mut heard = there.flat_map(|(w, other)| {
        other.neighbors.asks.iter().filter(|a| same(a, ask)).map(move |a| (w, a))
    });
    let missed = match heard.next() {
        Some((_, there)) if there.answers > 0 => return None,
        Some((w, there)) => Some(At { vantage: w, mark: there.last }),
        None => None,
    };
    let to: Vec<_> = facts.requests_to_address(ask.target).map(|(id, _)| id).collect();
    let fails = |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Failed;
    let failed: Vec<_> = to.iter().copied().filter(fails).collect();
    // What comes for it from somebody shows that it is let in.
    let reached = vantage.hops.iter().any(|hop| hop.link.dst == Some(answer.mac));
    let virtual_mac = talks(vantage, v, answer.mac).filter(|_| !reached);
    let moves = vantage.vrrp.iter().any(|s| s.addresses.list().contains(&ask.target));
    if failed.len() < to.len()
        || failed.is_empty() && virtual_mac.is_none() && missed.is_none() && !moves
    {
        return None;
    }
    Some(Untaken { vantage: v, ask, answer, virtual_mac, missed, failed })
}

fn same(a: &Ask, b: &Ask) -> bool {
    (a.target, a.asker, a.asker_mac) == (b.target, b.asker, b.asker_mac)
}

/// Whether the asker sends anything to the MAC that it is told.
fn takes(vantage: &Observations, ask: &Ask, told: Mac) -> bool {
    vantage.hops.iter().any(|hop| {
        hop.link.src == Some(ask.asker_mac)
            && !hop.link.overlay
            && hop.link.dst.map_or(vantage.own.arrived(hop) == Some(true), |dst| dst == told)
    }) || vantage.echoes.iter().any(|e| (e.src, e.dst) == (ask.asker, ask.target))
}

/// A conversation that the host has with another MAC of its own, in both directions.
fn talks(vantage: &Observations, v: VantageId, told: Mac) -> Option<Talks> {
    let own = |mac: &Mac| *mac != told && !mac.is_vrrp() && vantage.own.has(*mac);
    vantage.streams.iter().find_map(|stream| {
        let [a, b] = stream.flows.each_ref();
        [(a, b), (b, a)].into_iter().find_map(|(out, back)| {
            let (_, left) = vantage.path(out).next()?;
            let (link, came) = vantage.path(back).next()?;
            let mac = left.link.src.filter(own)?;
            let its = came.link.dst.is_none_or(|dst| dst == mac);
            let arrived = vantage.own.arrived(came) == Some(true);
            (its && arrived).then_some(Talks { mac, at: At { vantage: v, mark: link.first } })
        })
    })
}

/// Frames that show it.
pub(in crate::diagnose) fn proofs(untaken: &Untaken<'_>) -> Vec<Proof> {
    let (ask, v) = (untaken.ask, untaken.vantage);
    let mut proofs = vec![
        Proof::on(
            v,
            ask.first,
            format!("who-has {} tell {}: the first of {}", ask.target, ask.asker, ask.count),
        ),
        Proof::on(
            v,
            untaken.answer.first,
            format!("{} is at {}: the first answer", ask.target, untaken.answer.mac),
        ),
        Proof::on(v, ask.last, "it is asked again, though it was answered"),
    ];
    proofs.extend(untaken.virtual_mac.map(|talks| {
        Proof::at(talks.at, format!("what comes for {}, its own MAC, does arrive", talks.mac))
    }));
    proofs.extend(
        untaken
            .missed
            .map(|at| Proof::at(at, "the asker's own capture: the question again, and no answer")),
    );
    proofs
}
