//! Which MACs are the capturing host's own, and whether the vantage is a SPAN.
//!
//! Presence is not arrival: switches flood and mirrors copy, so a frame reached
//! the capturing host only if it carries one of the host's own MACs. Linux
//! cooked captures say which frames the host sent. On Ethernet the host's own
//! MAC takes part in nearly every unicast frame, and of the two ends of a
//! conversation it is the one whose answers come at once, without a network in
//! between.

use super::{Hop, Link, Mark, Neighbors, Side, Stream};
use crate::wire::{Direction, Mac};
use std::collections::HashMap;

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
            (_, Some(dst), _) if !self.macs.is_empty() => Some(self.has(dst)),
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
            (_, Some(src)) if !self.macs.is_empty() => Some(self.has(src)),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Share {
    frames: u64,
    sent: u64,
    received: u64,
    quickest_ns: i64,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            frames: 0,
            sent: 0,
            received: 0,
            quickest_ns: i64::MAX,
        }
    }
}

/// Part of all unicast frames that a MAC must take part in to be the host's.
const COVERAGE: f64 = 0.6;
/// Two MACs whose shares are closer than this are told apart by their delays.
const CLOSE: f64 = 0.9;

pub(super) fn infer(
    streams: &[Stream],
    links: &[Link],
    hops: &[Hop],
    neighbors: &Neighbors,
) -> Own {
    let outgoing = outgoing(hops, neighbors);
    if !outgoing.is_empty() {
        return Own {
            macs: outgoing,
            evidence: OwnEvidence::Outgoing,
            span: false,
        };
    }
    let mut shares: HashMap<Mac, Share> = HashMap::new();
    let mut total = 0u64;
    for link in links {
        if let Some((src, dst)) = unicast(&hops[link.hop.index()]) {
            let frames = u64::from(link.packets);
            total += frames;
            let sender = shares.entry(src).or_default();
            sender.frames += frames;
            sender.sent += frames;
            let receiver = shares.entry(dst).or_default();
            receiver.frames += frames;
            receiver.received += frames;
        }
    }
    for binding in neighbors
        .bindings
        .iter()
        .filter(|b| b.claim == super::Claim::Reply)
    {
        total += u64::from(binding.count);
        let replier = shares.entry(binding.mac).or_default();
        replier.frames += u64::from(binding.count);
        replier.sent += u64::from(binding.count);
    }
    for ask in &neighbors.asks {
        // The answer went to the asker, unicast.
        shares.entry(ask.asker_mac).or_default().frames += u64::from(ask.answers);
        shares.entry(ask.asker_mac).or_default().received += u64::from(ask.answers);
    }
    if total == 0 {
        return Own::default();
    }
    turnarounds(streams, links, hops, neighbors, &mut shares);
    choose(&shares, total)
}

fn outgoing(hops: &[Hop], neighbors: &Neighbors) -> Vec<Mac> {
    let sent = hops
        .iter()
        .filter(|hop| hop.link.direction == Direction::Out)
        .filter_map(|hop| hop.link.src);
    let said = neighbors
        .bindings
        .iter()
        .filter(|b| b.direction == Direction::Out)
        .map(|b| b.mac);
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
    let sender = |stream: &Stream, side: Side| {
        let link = &links[stream.flow(side).link.index()?];
        hops[link.hop.index()].link.src
    };
    for stream in streams {
        let Some(client) = stream.opener() else {
            continue;
        };
        let (there, back) = (stream.flow(client), stream.flow(client.other()));
        let reply = if back.syn.is_set() {
            back.syn
        } else {
            back.rst
        };
        let delay = |from: Mark, to: Mark| {
            if from.is_set() && to.is_set() {
                to.since(from)
            } else {
                -1
            }
        };
        note(sender(stream, client.other()), delay(there.syn, reply));
        note(sender(stream, client), delay(back.syn, there.ack));
    }
    for ask in neighbors.asks.iter().filter(|a| a.answers > 0) {
        let replier = neighbors
            .bindings
            .iter()
            .find(|b| b.ip == ask.target && b.claim == super::Claim::Reply);
        note(replier.map(|b| b.mac), ask.quickest_ns);
    }
}

fn choose(shares: &HashMap<Mac, Share>, total: u64) -> Own {
    let mut ranked: Vec<(Mac, Share)> = shares.iter().map(|(m, s)| (*m, *s)).collect();
    ranked.sort_by_key(|(mac, share)| (std::cmp::Reverse(share.frames), *mac));
    let best = ranked[0].1.frames as f64;
    if best < COVERAGE * total as f64 {
        return Own {
            span: ranked.len() > 2,
            ..Own::default()
        };
    }
    let close: Vec<&(Mac, Share)> = ranked
        .iter()
        .filter(|(_, s)| s.frames as f64 >= CLOSE * best)
        .collect();
    if let [only] = close[..] {
        return Own {
            macs: vec![only.0],
            evidence: OwnEvidence::Coverage,
            span: false,
        };
    }
    let quickest = close.iter().min_by_key(|(_, s)| s.quickest_ns);
    match quickest {
        Some((mac, share)) if share.quickest_ns < i64::MAX => Own {
            macs: vec![*mac],
            evidence: OwnEvidence::Turnaround,
            span: false,
        },
        _ => Own::default(),
    }
}
