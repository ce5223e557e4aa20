//! Which MACs are the capturing host's own, and whether the vantage is a SPAN.
//!
//! Presence is not arrival: switches flood and mirrors copy, so a frame reached
//! the capturing host only if it carries one of the host's own MACs. Linux
//! cooked captures say which frames the host sent. On Ethernet the host's own
//! MAC takes part in nearly every unicast frame that was not flooded. Where two
//! do alike, a capture of one host's conversations is taken on that host rather
//! than on its gateway, and of two hosts on the one that answers or relays at
//! once, without a network in between.

use super::{Flow, Hop, Link, Neighbors, Stream};
use crate::wire::{Direction, Mac};
use std::collections::{HashMap, HashSet};

/// How own MACs were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnEvidence {
    /// They were not: nothing unicast, or nobody stands out.
    #[default]
    None,
    /// The capture marks frames that the host sent.
    Outgoing,
    /// One MAC takes part in nearly all unicast frames.
    Coverage,
    /// Two take part alike; one is an end of the conversations, the other
    /// relays them.
    EndHost,
    /// Two take part alike; one answers without delay.
    Turnaround,
}

/// The MACs of the capturing host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Own MACs, sorted.
    pub macs: Vec<Mac>,
    /// How they were told.
    pub evidence: OwnEvidence,
    /// The capture shows everybody's frames.
    pub span: bool,
    /// They are MACs inside an overlay, whose frames are most of the capture. Of
    /// the other frames they tell nothing, as others tell nothing of an overlay's.
    pub overlay: bool,
}

impl Own {
    /// Whether a MAC is one of them.
    #[must_use]
    pub fn has(&self, mac: Mac) -> bool {
        self.macs.binary_search(&mac).is_ok()
    }

    /// Whether a frame on this hop reached the capturing host from outside:
    /// `None` where that cannot be told.
    #[must_use]
    pub fn arrived(&self, hop: &Hop) -> Option<bool> {
        if hop.link.is_loopback() {
            return Some(false);
        }
        match (hop.link.direction, hop.link.dst, hop.link.src) {
            (Direction::In, ..) => Some(true),
            (Direction::Out | Direction::OtherHost, ..) => Some(false),
            (_, Some(dst), _) if self.speaks_of(hop) => Some(self.has(dst)),
            _ => None,
        }
    }

    /// Whether the capturing host sent frames on this hop.
    #[must_use]
    pub fn sent(&self, hop: &Hop) -> Option<bool> {
        match (hop.link.direction, hop.link.src) {
            (Direction::Out, _) => Some(true),
            (Direction::In | Direction::OtherHost | Direction::Group, Some(mac)) => {
                Some(mac == Mac::ZERO)
            }
            (_, Some(src)) if self.speaks_of(hop) => Some(self.has(src)),
            _ => None,
        }
    }

    fn speaks_of(&self, hop: &Hop) -> bool {
        !self.macs.is_empty() && self.overlay == hop.link.overlay
    }
}

#[derive(Debug, Clone, Copy)]
struct Share {
    frames: u64,
    /// Frames with packets that it originated, by their TTL.
    originated: u64,
    /// Frames with packets of others.
    relayed: u64,
    /// It sends from addresses that are not those that it claims on the link: a gateway,
    /// or a proxy in its clients' names.
    strange: bool,
    quickest_ns: i64,
}

impl Default for Share {
    fn default() -> Self {
        Self { frames: 0, originated: 0, relayed: 0, strange: false, quickest_ns: i64::MAX }
    }
}

/// Part of all unicast frames that a MAC must take part in to be the host's.
const COVERAGE: f64 = 0.6;
/// Two MACs whose shares are closer than this are not told apart by them.
const CLOSE: f64 = 0.98;
/// Streams whose delays are looked at: the shortest repeats soon.
const SAMPLE: usize = 1 << 14;
/// Delays that differ by less than this factor tell nothing.
const QUICKER: i64 = 2;

/// Tells them; `absent` are MACs that are known to be other hosts'.
pub(super) fn infer(
    streams: &[Stream],
    links: &[Link],
    hops: &[Hop],
    neighbors: &Neighbors,
    absent: &[Mac],
) -> Own {
    let outgoing = outgoing(hops, neighbors);
    if !outgoing.is_empty() {
        return Own { macs: outgoing, evidence: OwnEvidence::Outgoing, ..Own::default() };
    }
    let mut shares: HashMap<Mac, Share> = HashMap::new();
    let mut total = 0u64;
    // A frame to a MAC that never sends was flooded by a switch.
    let said = neighbors.bindings.iter().map(|b| b.mac);
    let senders: HashSet<Mac> = hops.iter().filter_map(|hop| hop.link.src).chain(said).collect();
    // Links are many, hops are few.
    let mut carried = vec![0u64; hops.len()];
    for link in links {
        carried[link.hop.index()] += u64::from(link.packets);
    }
    // Nor did one between two other hosts come here.
    let answered = |hop: &Hop| {
        unicast(hop).filter(|(src, dst)| {
            senders.contains(dst) && !(absent.contains(src) && absent.contains(dst))
        })
    };
    let overlay = is_mostly_overlay(hops, &carried, |hop| answered(hop).is_some());
    for (hop, frames) in hops.iter().zip(carried) {
        if let Some((src, dst)) = answered(hop).filter(|_| hop.link.overlay == overlay) {
            total += frames;
            let sender = shares.entry(src).or_default();
            sender.frames += frames;
            if matches!(hop.ttl, 64 | 128 | 255) {
                sender.originated += frames;
            } else {
                sender.relayed += frames;
            }
            shares.entry(dst).or_default().frames += frames;
        }
    }
    // Neighbours are those of the frames outside.
    let replies = neighbors.bindings.iter().filter(|b| b.claim == super::Claim::Reply);
    let replies = replies.filter(|b| !overlay && !absent.contains(&b.mac));
    for binding in replies {
        total += u64::from(binding.count);
        shares.entry(binding.mac).or_default().frames += u64::from(binding.count);
    }
    for ask in neighbors.asks.iter().filter(|_| !overlay) {
        // The answer went to the asker, unicast.
        shares.entry(ask.asker_mac).or_default().frames += u64::from(ask.answers);
    }
    if total == 0 {
        return Own::default();
    }
    shares.retain(|mac, _| !absent.contains(mac));
    turnarounds(streams, links, hops, neighbors, &mut shares);
    strangers(streams, links, hops, neighbors, &mut shares);
    let chosen = choose(&shares, total);
    // A host of many overlays, or of many machines in one, is no SPAN.
    Own { overlay, span: chosen.span && !overlay, ..chosen }
}

/// Whether more frames travel inside overlays than outside of them.
fn is_mostly_overlay(hops: &[Hop], carried: &[u64], counts: impl Fn(&Hop) -> bool) -> bool {
    let both = hops.iter().zip(carried).filter(|(hop, _)| counts(hop));
    let (inside, outside): (Vec<_>, Vec<_>) = both.partition(|(hop, _)| hop.link.overlay);
    let sum = |of: Vec<(&Hop, &u64)>| of.iter().map(|(_, frames)| **frames).sum::<u64>();
    sum(inside) > sum(outside)
}

fn outgoing(hops: &[Hop], neighbors: &Neighbors) -> Vec<Mac> {
    let sent = hops
        .iter()
        .filter(|hop| hop.link.direction == Direction::Out && !hop.link.overlay)
        .filter_map(|hop| hop.link.src);
    let said = neighbors.bindings.iter().filter(|b| b.direction == Direction::Out).map(|b| b.mac);
    let mut macs: Vec<Mac> = sent.chain(said).filter(|mac| mac.is_unicast()).collect();
    macs.sort_unstable();
    macs.dedup();
    macs
}

fn unicast(hop: &Hop) -> Option<(Mac, Mac)> {
    let (src, dst) = (hop.link.src?, hop.link.dst?);
    (src.is_unicast() && dst.is_unicast()).then_some((src, dst))
}

/// The shortest time in which each MAC was seen to answer.
fn turnarounds(
    streams: &[Stream],
    links: &[Link],
    hops: &[Hop],
    neighbors: &Neighbors,
    shares: &mut HashMap<Mac, Share>,
) {
    let mut note = |mac: Option<Mac>, delay: i64| {
        if let Some(share) = mac.and_then(|mac| shares.get_mut(&mac))
            && delay >= 0
        {
            share.quickest_ns = share.quickest_ns.min(delay);
        }
    };
    for stream in streams.iter().take(SAMPLE) {
        for flow in &stream.flows {
            relays(flow, links, hops, &mut note);
        }
        for flow in &stream.flows {
            if let Some(at) = flow.link.index() {
                let sender = hops[links[at].hop.index()].link.src;
                note(sender, flow.turnaround_ns.map_or(-1, |ns| i64::from(ns.get())));
            }
        }
    }
    for ask in neighbors.asks.iter().filter(|a| a.answers > 0) {
        let replier = neighbors
            .bindings
            .iter()
            .find(|b| b.ip == ask.target && b.claim == super::Claim::Reply);
        note(replier.map(|b| b.mac), ask.quickest_ns);
    }
}

/// Marks those that claim addresses on the link and send from others.
fn strangers(
    streams: &[Stream],
    links: &[Link],
    hops: &[Hop],
    neighbors: &Neighbors,
    shares: &mut HashMap<Mac, Share>,
) {
    let mut claimed: HashMap<Mac, Vec<crate::wire::Ip>> = HashMap::new();
    for binding in neighbors.bindings.iter().filter(|b| shares.contains_key(&b.mac)) {
        claimed.entry(binding.mac).or_default().push(binding.ip);
    }
    for stream in streams.iter().take(SAMPLE) {
        for side in [super::Side::A, super::Side::B] {
            let Some(at) = stream.flow(side).link.index() else { continue };
            let Some(mac) = hops[links[at].hop.index()].link.src else { continue };
            let own = claimed.get(&mac);
            if own.is_some_and(|own| !own.contains(&stream.key.ip(side)))
                && let Some(share) = shares.get_mut(&mac)
            {
                share.strange = true;
            }
        }
    }
}

/// A packet that comes in on one link and leaves on another shows how long the
/// host in between took.
fn relays(flow: &Flow, links: &[Link], hops: &[Hop], note: &mut impl FnMut(Option<Mac>, i64)) {
    let mut next = flow.link;
    let mut before: Option<&Link> = None;
    while let Some(at) = next.index() {
        let link = &links[at];
        if let Some(earlier) = before {
            let (came, left) = (&hops[earlier.hop.index()].link, &hops[link.hop.index()].link);
            if came.dst.is_some() && came.dst == left.src {
                note(left.src, link.first.since(earlier.first));
            }
        }
        before = Some(link);
        next = link.next;
    }
}

fn choose(shares: &HashMap<Mac, Share>, total: u64) -> Own {
    let mut ranked: Vec<(Mac, Share)> = shares.iter().map(|(m, s)| (*m, *s)).collect();
    ranked.sort_by_key(|(mac, share)| (std::cmp::Reverse(share.frames), *mac));
    let best = ranked.first().map_or(0.0, |(_, s)| s.frames as f64);
    if best < COVERAGE * total as f64 {
        return Own { span: ranked.len() > 2, ..Own::default() };
    }
    let mut close = ranked;
    close.retain(|(_, share)| share.frames as f64 >= CLOSE * best);
    let one = |mac: Mac, evidence| Own { macs: vec![mac], evidence, ..Own::default() };
    if let [(mac, _)] = close[..] {
        return one(mac, OwnEvidence::Coverage);
    }
    // Of the two ends of all conversations, the one that never relays; if none
    // does, the one that originates packets.
    let relays = close.iter().any(|(_, s)| s.relayed > 0);
    let is_end = |s: &Share| if relays { s.relayed == 0 } else { s.originated > 0 };
    let mut ends = close.iter().filter(|(_, s)| is_end(s));
    if let (Some((mac, _)), None) = (ends.next(), ends.next()) {
        return one(*mac, OwnEvidence::EndHost);
    }
    let mut at_home = close.iter().filter(|(_, s)| !s.strange);
    if let (Some((mac, _)), None) = (at_home.next(), at_home.next()) {
        return one(*mac, OwnEvidence::EndHost);
    }
    close.sort_by_key(|(_, share)| share.quickest_ns);
    match close[..] {
        [(mac, first), (_, second), ..]
            if second.quickest_ns < i64::MAX
                && first.quickest_ns.saturating_mul(QUICKER) <= second.quickest_ns =>
        {
            one(mac, OwnEvidence::Turnaround)
        }
        _ => Own::default(),
    }
}
