//! Who claimed which address on the link, and who asked for which: ARP and neighbour discovery in one
//! table.
//!
//! Here messages are read; `claims`, `questions` and `overlay_ends` keep what they say, each as one of the
//! `records`.

mod claims;
mod overlay_ends;
mod questions;
mod records;

pub use records::{Ask, Binding, Claim, Dispute, OverlayEnd, Probe};

use super::{COPY_WINDOW_NS, Mark};
use crate::capture::Known;
use crate::hashed::HashMap;
use crate::wire::{Arp, ArpOperation, Icmp, IcmpKind, Ip, LinkHeader, Mac};

/// Bindings and questions that are kept; a scan or a flood holds more.
const MAX_ENTRIES: usize = 1 << 16;

/// A question or an answer, as far as it is told from another one. By which interface it passes does not tell it: a
/// host that bridges shows what is flooded come in by one port and leave by all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    ends: [Option<Mac>; 2],
    vlan: u32,
    asks: bool,
    ips: [Ip; 2],
    about: Ip,
    mac: Option<Mac>,
}

/// Claims and questions at one vantage.
#[derive(Debug, Clone, Default)]
pub struct Neighbors {
    /// Claims in order of first appearance.
    pub bindings: Vec<Binding>,
    /// Questions in order of first appearance.
    pub asks: Vec<Ask>,
    /// Addresses that several MACs claimed in turn.
    pub disputes: Vec<Dispute>,
    /// Addresses that were probed, by who did, in order of first appearance.
    pub probes: Vec<Probe>,
    /// The ends of overlays: which MACs send in whose frames.
    pub overlay_ends: Vec<OverlayEnd>,
    /// Entries beyond the bound.
    pub dropped: u64,
    latest: HashMap<(Ip, u32), (Mac, Mark)>,
    by_claim: HashMap<(Ip, Mac, u32, Claim), u32>,
    by_ask: HashMap<(Ip, Mac, Ip), u32>,
    /// The latest question or answer.
    said: Option<(Said, Mark)>,
}

impl Neighbors {
    pub(super) fn arp(
        &mut self,
        mark: Mark,
        vlan: u32,
        link: &LinkHeader,
        arp: &Arp,
        known: Known,
    ) {
        let sent = known.has(Known::ARP_SENDER);
        // Of an answer that a text shows, who it goes to may be untold.
        let to = known.has(Known::ARP_TARGET);
        if sent && to && !arp.is_plausible() {
            // An answer that names a group of hosts binds nobody, and is an answer.
            if arp.operation == ArpOperation::Reply && arp.sender_mac.is_group() {
                self.answer(arp.sender, arp.target_mac, mark);
            }
            return;
        }
        let said = Said {
            ends: [link.src, link.dst],
            vlan,
            asks: arp.operation == ArpOperation::Request,
            ips: [arp.sender, arp.target],
            about: arp.target,
            mac: Some(arp.sender_mac),
        };
        if !arp.is_announcement() && self.is_copy(mark, said, known) {
            return;
        }
        let claim = match arp.operation {
            _ if arp.is_announcement() => Claim::Announcement,
            ArpOperation::Reply => Claim::Reply,
            ArpOperation::Request => Claim::Sender,
            ArpOperation::Other => return,
        };
        if arp.sender.is_host() && arp.sender_mac.is_unicast() {
            let asked = if claim == Claim::Sender { arp.target } else { arp.sender };
            self.claim(arp.sender, arp.sender_mac, vlan, claim, asked, link.direction, mark);
        }
        match claim {
            Claim::Reply => self.answer(arp.sender, arp.target_mac, mark),
            Claim::Sender => self.ask(arp.target, arp.sender, (arp.sender_mac, vlan), link, mark),
            Claim::Announcement => {}
        }
    }

    /// Whether the capture shows the message before it twice: no stack asks or answers again that soon.
    /// Announcements do come in bursts (keepalived's garp_master_repeat).
    fn is_copy(&mut self, mark: Mark, said: Said, known: Known) -> bool {
        let before = self.said.replace((said, mark));
        known.has(Known::TIME)
            && before.is_some_and(|(same, at)| {
                same == said && (0..COPY_WINDOW_NS).contains(&mark.since(at))
            })
    }

    pub(super) fn ndp(
        &mut self,
        mark: Mark,
        vlan: u32,
        link: &LinkHeader,
        (src, dst): (Ip, Ip),
        icmp: &Icmp<'_>,
        known: Known,
    ) {
        let said = match icmp.kind {
            IcmpKind::NeighborSolicitation { target, source_mac } => {
                Some((true, target, source_mac))
            }
            IcmpKind::NeighborAdvertisement { target, target_mac, solicited: true } => {
                Some((false, target, target_mac))
            }
            _ => None,
        };
        if let Some((asks, about, mac)) = said {
            let ends = [link.src, link.dst];
            let said = Said { ends, vlan, asks, ips: [src, dst], about, mac };
            if self.is_copy(mark, said, known) {
                return;
            }
        }
        match icmp.kind {
            IcmpKind::NeighborSolicitation { target, source_mac } => {
                let Some(mac) = source_mac.or(link.src).filter(|m| m.is_unicast()) else {
                    // A text need not print it, and tells who asks for whom all the same.
                    if src.is_host() && link.src.is_none() {
                        self.ask(target, src, (Mac::ZERO, vlan), link, mark);
                    }
                    return;
                };
                if src.is_host() {
                    self.claim(src, mac, vlan, Claim::Sender, target, link.direction, mark);
                    self.ask(target, src, (mac, vlan), link, mark);
                } else if src.is_unspecified() {
                    self.probe(target, mac, mark);
                }
            }
            IcmpKind::NeighborAdvertisement { target, target_mac, solicited } => {
                let Some(mac) = target_mac.or(link.src).filter(|m| m.is_unicast()) else {
                    if link.src.is_none() {
                        self.answer(target, Mac::ZERO, mark);
                    }
                    return;
                };
                self.held(target, mac, mark);
                let claim = if solicited { Claim::Reply } else { Claim::Announcement };
                self.claim(target, mac, vlan, claim, target, link.direction, mark);
                if solicited {
                    let asker = link.dst.or_else(|| self.mac_of(dst)).unwrap_or(Mac::ZERO);
                    self.answer(target, asker, mark);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    /// A question and its answer, each shown so many times at once.
    fn said(times: u32) -> Neighbors {
        let (asker, host) = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 8]));
        let (from, target) = (Ip::v4([192, 0, 2, 1]), Ip::v4([192, 0, 2, 8]));
        let ask = Arp {
            operation: ArpOperation::Request,
            sender_mac: asker,
            sender: from,
            target_mac: Mac::ZERO,
            target,
        };
        let reply = Arp {
            operation: ArpOperation::Reply,
            sender_mac: host,
            sender: target,
            target_mac: asker,
            target: from,
        };
        let mut neighbors = Neighbors::default();
        let mut number = 0;
        for (arp, ns) in [(ask, 0), (reply, 200_000), (ask, 1_000_000_000), (reply, 1_000_200_000)]
        {
            for n in 0..times {
                number += 1;
                let mark = Mark::new(number, Timestamp(ns + i64::from(n) * 3_000));
                neighbors.arp(mark, 0, &LinkHeader::default(), &arp, Known::ALL);
            }
        }
        neighbors
    }

    #[test]
    fn copies_of_a_message_are_one_question_and_one_answer() {
        let [once, twice] = [1, 3].map(said);
        let counts = |of: &Neighbors| (of.asks[0].count, of.asks[0].answers, of.bindings[1].count);
        assert_eq!((counts(&once), counts(&twice)), ((2, 2, 2), (2, 2, 2)));
    }
}
