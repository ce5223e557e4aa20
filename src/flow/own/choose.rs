//! Which of the MACs that take part in a capture is the capturing host's.
//!
//! What cannot be otherwise goes first: a host between two frames of one packet, then
//! who answers without a network in between, then what TTLs and addresses say.

use super::shares::{Share, Shares};
use super::{Own, OwnEvidence};
use crate::wire::Mac;
use std::cmp::Reverse;

/// Part of all unicast frames that a MAC must take part in to be the host's.
const COVERAGE: f64 = 0.6;
/// Two MACs whose shares are closer than this are not told apart by them.
const CLOSE: f64 = 0.98;
/// Delays that differ by less than this factor tell nothing.
const QUICKER: i64 = 2;
/// Delays that differ by this factor tell more than TTLs do: some stacks begin with
/// one that looks like a router's.
const FAR_QUICKER: i64 = 8;
/// A MAC that sends from this many times as many addresses as another stands for many.
const MANY_TIMES: usize = 3;
/// Candidates that are named where none is chosen.
const MAX_BETWEEN: usize = 2;
/// Connections accepted towards a host that never asked for them, before it is not the
/// capturing one: its first may have been asked before the capture began.
const UNASKED: u32 = 2;

/// Frames to MACs that never send, before they tell whose capture shows them. Judgement: a
/// switch that forgot an address floods a frame or two until it is heard again.
const BEYOND: u64 = 3;

type Candidate<'a> = (Mac, &'a Share);

pub(super) fn choose(shares: &Shares) -> Own {
    if shares.total == 0 {
        return one_way(shares);
    }
    let mut close = ranked(shares, |share| share.frames);
    let best = close.first().map_or(0, |(_, share)| share.frames) as f64;
    if best < COVERAGE * shares.total as f64 {
        return Own { span: close.len() > 2, ..Own::default() };
    }
    close.retain(|(_, share)| share.frames as f64 >= CLOSE * best);
    // Nobody captures on the gateway of a cloud's network.
    if close.iter().any(|(mac, _)| !mac.is_clouds_gateway()) {
        close.retain(|(mac, _)| !mac.is_clouds_gateway());
    }
    if let [(mac, _)] = close[..] {
        return one(mac, OwnEvidence::Coverage);
    }
    if let Some(mac) = only(&close, |share| share.forwards > 0) {
        return one(mac, OwnEvidence::Forwards);
    }
    // The frames around others are its own as well.
    if let Some(mac) = only(&close, |share| share.tunnels) {
        return one(mac, OwnEvidence::Coverage);
    }
    let was_asked = |s: &Share| s.unasked >= UNASKED && s.asked == 0;
    close.retain(|(_, share)| !was_asked(share));
    if let [(mac, _)] = close[..] {
        return one(mac, OwnEvidence::EndHost);
    }
    // To whom nobody else sends, a switch would have to flood all of it.
    let beyond = || only(&close, |share| share.beyond >= BEYOND);
    by_ends(&close)
        .or_else(|| beyond().map(|mac| one(mac, OwnEvidence::Coverage)))
        .unwrap_or_else(|| undecided(&close))
}

fn ranked(shares: &Shares, by: impl Fn(&Share) -> u64) -> Vec<Candidate<'_>> {
    let mut ranked: Vec<Candidate<'_>> = shares.by_mac.iter().map(|(m, s)| (*m, s)).collect();
    ranked.sort_by_key(|(mac, share)| (Reverse(by(share)), *mac));
    ranked
}

fn one(mac: Mac, evidence: OwnEvidence) -> Own {
    Own { macs: vec![mac], evidence, ..Own::default() }
}

fn undecided(close: &[Candidate<'_>]) -> Own {
    let mut between: Vec<Mac> = close.iter().map(|(mac, _)| *mac).collect();
    between.sort_unstable();
    if between.len() > MAX_BETWEEN {
        between.clear();
    }
    Own { between, ..Own::default() }
}

/// The only candidate for which something holds.
fn only(close: &[Candidate<'_>], holds: impl Fn(&Share) -> bool) -> Option<Mac> {
    let mut found = close.iter().filter(|(_, share)| holds(share));
    match (found.next(), found.next()) {
        (Some((mac, _)), None) => Some(*mac),
        _ => None,
    }
}

/// Of the two ends of all conversations.
fn by_ends(close: &[Candidate<'_>]) -> Option<Own> {
    if let Some(mac) = only(close, |s| !s.stands_for_many()) {
        return Some(one(mac, OwnEvidence::EndHost));
    }
    // The one that never relays; if none does, the one that originates packets.
    let relays = close.iter().any(|(_, s)| s.relayed > 0);
    let is_end = |s: &Share| if relays { s.relayed == 0 } else { s.originated > 0 };
    let by_ttl = only(close, is_end);
    let far = quickest(close, FAR_QUICKER).filter(|mac| by_ttl.is_some_and(|end| end != *mac));
    if let Some(mac) = far
        && let Some(ttl) = odd_ttl(close, mac)
    {
        return Some(Own { ttl: Some(ttl), ..one(mac, OwnEvidence::Turnaround) });
    }
    if let Some(mac) = by_ttl {
        return Some(one(mac, OwnEvidence::EndHost));
    }
    let fewest = close.iter().map(|(_, s)| s.sources.len()).min().unwrap_or_default();
    let few = |s: &Share| s.sources.len() < fewest.max(1) * MANY_TIMES;
    if let Some(mac) = only(close, few) {
        return Some(one(mac, OwnEvidence::EndHost));
    }
    if let Some(mac) = only(close, |s| !s.strange) {
        return Some(one(mac, OwnEvidence::EndHost));
    }
    quickest(close, QUICKER).map(|mac| one(mac, OwnEvidence::Turnaround))
}

/// A MAC that sends from one address with one TTL that stacks do not begin with.
fn odd_ttl(close: &[Candidate<'_>], mac: Mac) -> Option<u8> {
    let (_, share) = close.iter().find(|(of, _)| *of == mac)?;
    let one = share.originated == 0 && share.sources.len() == 1;
    share.ttl.filter(|ttl| one && *ttl != 0)
}

/// Who answers in less than the others' time by a factor.
fn quickest(close: &[Candidate<'_>], factor: i64) -> Option<Mac> {
    let mut by_delay: Vec<&Candidate<'_>> = close.iter().collect();
    by_delay.sort_by_key(|(_, share)| share.quickest_ns);
    match by_delay[..] {
        [(mac, first), (_, second), ..]
            if second.quickest_ns < i64::MAX
                && first.quickest_ns.saturating_mul(factor) <= second.quickest_ns =>
        {
            Some(*mac)
        }
        _ => None,
    }
}

/// Frames that nobody was seen to answer: they left the capturing host, or they came
/// to it.
fn one_way(shares: &Shares) -> Own {
    let mut close = ranked(shares, |share| share.all);
    let best = close.first().map_or(0, |(_, share)| share.all) as f64;
    if best < CLOSE * shares.all as f64 {
        return Own::default();
    }
    close.retain(|(_, share)| share.all as f64 >= CLOSE * best);
    if let [(mac, _)] = close[..] {
        return one(mac, OwnEvidence::OneWay);
    }
    // Who sends for a neighbour on the link would show what it gets from that one.
    let far = |s: &Share| !s.carrier;
    match only(&close, far) {
        Some(mac) if close.len() == 2 => one(mac, OwnEvidence::OneWay),
        _ => undecided(&close),
    }
}
