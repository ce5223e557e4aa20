//! Whose capture one is not: an answer to an ARP or neighbour question goes to the
//! asker, so where another capture shows an answer that this one lacks, this one was
//! not taken on the asker. With the asker out, the other end of the conversations is
//! left.
//!
//! Captures of other times and filters that take part of the questions tell nothing:
//! only questions that both captures show are held against each other, about the same
//! time by both clocks.

use crate::flow::{Ask, Binding, Claim, Observations, Own, OwnEvidence, VantageId};
use crate::hashed::HashMap;
use crate::wire::Mac;

/// By how much the clocks of two captures of one question may differ: 60 s.
const SAME_TIME_NS: u64 = 60_000_000_000;

/// By how much two captures may see the time from a first to a last question differ:
/// 100 ms, for drift and delays.
const SAME_SPAN_NS: u64 = 100_000_000;

/// Tells own MACs again where they are not known, or are those of a host that the
/// vantage was not taken on.
pub(super) fn settle(vantages: &mut [Observations]) {
    if vantages.len() < 2 || !vantages.iter().any(is_unsure) {
        return;
    }
    let mut witnesses: HashMap<Mac, Vec<(VantageId, Ask)>> = HashMap::default();
    for (at, vantage) in VantageId::each(vantages) {
        for ask in vantage.neighbors.asks.iter().filter(|ask| ask.answers > 0) {
            let of = witnesses.entry(ask.asker_mac).or_default();
            if of.len() < MAX_WITNESSES {
                of.push((at, *ask));
            }
        }
    }
    for (at, vantage) in vantages.iter_mut().enumerate() {
        if !is_unsure(vantage) {
            continue;
        }
        let unheard = |ask: &&Ask| {
            let of = witnesses.get(&ask.asker_mac).map_or(&[][..], Vec::as_slice);
            of.iter().any(|(there, other)| there.index() != at && misses(ask, other))
        };
        let mut absent: Vec<Mac> =
            vantage.neighbors.asks.iter().filter(unheard).map(|ask| ask.asker_mac).collect();
        absent.sort_unstable();
        absent.dedup();
        let known = !vantage.own.macs.is_empty();
        if absent.is_empty() || known && !vantage.own.macs.iter().any(|mac| absent.contains(mac)) {
            continue;
        }
        let mut left = vantage.own_without(&absent);
        // Frames to it could have been flooded here; what it sent to one host was not.
        if !left.macs.iter().all(|mac| spoke(vantage, *mac)) {
            left = Own::default();
        }
        if left.macs.is_empty() && !known {
            continue;
        }
        vantage.adopt(left);
    }
}

/// A capture that marks what it sent needs no telling, and is the best witness.
fn is_unsure(vantage: &Observations) -> bool {
    vantage.own.evidence != OwnEvidence::Outgoing && !vantage.own.overlay
}

/// Vantages and questions that are kept for one asker.
const MAX_WITNESSES: usize = 256;

/// Whether a vantage lacks answers that another one shows to the same questions.
fn misses(here: &Ask, there: &Ask) -> bool {
    if here.target != there.target
        || here.asker != there.asker
        || here.first.since(there.first).unsigned_abs() > SAME_TIME_NS
        || there.answers <= here.answers
    {
        return false;
    }
    // Answered and not asked again: the asker got its answer, which is not here. Or the
    // very same questions, and fewer answers.
    let none = here.answers == 0 && here.again == 0 && there.answers >= there.count;
    let span = |ask: &Ask| ask.last.since(ask.first);
    let same = here.count == there.count && span(here).abs_diff(span(there)) < SAME_SPAN_NS;
    none || same
}

/// Whether a MAC sent anything to one host alone.
fn spoke(vantage: &Observations, mac: Mac) -> bool {
    let replied = |b: &Binding| b.mac == mac && b.claim == Claim::Reply;
    vantage.neighbors.bindings.iter().any(replied)
        || vantage.hops.iter().any(|hop| {
            hop.link.src == Some(mac) && hop.link.dst.is_some_and(|dst| dst.is_unicast())
        })
}
