//! Who claimed which address on the link, and who asked for which: ARP and neighbour discovery in one
//! table.

use super::neighbor::{Ask, Binding, Claim, Dispute, OverlayEnd, Probe};
use super::{COPY_WINDOW_NS, Mark};
use crate::capture::Known;
use crate::hashed::HashMap;
use crate::wire::{Arp, ArpOperation, Direction, Icmp, IcmpKind, Ip, LinkHeader, Mac, Outer};

/// Bindings and questions that are kept; a scan or a flood holds more.
const MAX_ENTRIES: usize = 1 << 16;
/// Disputed addresses that are kept.
const MAX_DISPUTES: usize = 1024;

/// Ends of overlays that are kept.
const MAX_OVERLAY_ENDS: usize = 1 << 12;

/// Time in which an address is tentative, and an answer to a probe counts: one second
/// (RFC 4862, section 5.1, RetransTimer), nanoseconds.
const TENTATIVE_NS: i64 = 1_000_000_000;
/// Probes that are kept.
const MAX_PROBES: usize = 1024;

/// Answers to one question come this close; a hand-over takes longer.
const QUICK_NS: i64 = 100_000_000;

/// Time between the questions of a stack that waits for an answer. Closer ones
/// are copies that the capture made, or different packets' needs.
const AGAIN_NS: std::ops::RangeInclusive<i64> = 200_000_000..=2_500_000_000;

/// Questions that an answer may be to where nobody says whose.
const RECENT: usize = 256;

/// Whose question: a MAC's, or an address's where its MAC is not told.
fn asked_by(target: Ip, mac: Mac, asker: Ip) -> (Ip, Mac, Ip) {
    (target, mac, if mac == Mac::ZERO { asker } else { Ip::default() })
}

/// A question or an answer, as far as it is told from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    link: LinkHeader,
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
            link: *link,
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
            let said = Said { link: *link, vlan, asks, ips: [src, dst], about, mac };
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

    fn probe(&mut self, ip: Ip, mac: Mac, mark: Mark) {
        if let Some(known) = self.probes.iter_mut().find(|p| (p.ip, p.mac) == (ip, mac)) {
            known.asked = mark;
        } else if self.probes.len() < MAX_PROBES {
            self.probes.push(Probe { ip, mac, asked: mark, holder: None, told: Mark::NONE });
        } else {
            self.dropped += 1;
        }
    }

    /// Somebody has an address that others probed just now.
    fn held(&mut self, ip: Ip, mac: Mac, mark: Mark) {
        let asked = |p: &&mut Probe| {
            p.ip == ip && p.mac != mac && p.holder.is_none() && mark.since(p.asked) <= TENTATIVE_NS
        };
        for probe in self.probes.iter_mut().filter(asked) {
            (probe.holder, probe.told) = (Some(mac), mark);
        }
    }

    /// Notes who carries a frame of an overlay: both of its ends.
    pub(super) fn overlay(
        &mut self,
        inner: &LinkHeader,
        (src, dst): (Option<Mac>, Option<Mac>),
        around: Option<&Outer>,
    ) {
        let ips = around.map_or_else(Default::default, |outer| (outer.src, outer.dst));
        for (inner, outer, ip) in [(inner.src, src, ips.0), (inner.dst, dst, ips.1)] {
            let known = outer.map_or(ip.is_host(), |mac| mac.is_unicast());
            let Some(inner) = inner.filter(|mac| mac.is_unicast() && known) else {
                continue;
            };
            let end = OverlayEnd { inner, outer: outer.unwrap_or(Mac::ZERO), ip };
            match self.overlay_ends.binary_search(&end) {
                Err(at) if self.overlay_ends.len() < MAX_OVERLAY_ENDS => {
                    self.overlay_ends.insert(at, end);
                }
                _ => {}
            }
        }
    }

    fn mac_of(&self, ip: Ip) -> Option<Mac> {
        self.bindings.iter().find(|b| b.ip == ip).map(|b| b.mac)
    }

    #[allow(clippy::too_many_arguments)] // the fields of one binding, told once
    fn claim(
        &mut self,
        ip: Ip,
        mac: Mac,
        vlan: u32,
        claim: Claim,
        asked: Ip,
        direction: Direction,
        mark: Mark,
    ) {
        self.dispute(ip, mac, vlan, mark);
        if let Some(&at) = self.by_claim.get(&(ip, mac, vlan, claim)) {
            let binding = &mut self.bindings[at as usize];
            binding.last = mark;
            binding.count += 1;
            return;
        }
        if self.bindings.len() >= MAX_ENTRIES {
            self.dropped += 1;
            return;
        }
        self.by_claim.insert((ip, mac, vlan, claim), self.bindings.len() as u32);
        self.bindings.push(Binding {
            ip,
            mac,
            vlan,
            claim,
            asked,
            direction,
            first: mark,
            last: mark,
            count: 1,
        });
    }

    fn dispute(&mut self, ip: Ip, mac: Mac, vlan: u32, mark: Mark) {
        let full = self.latest.len() >= MAX_ENTRIES;
        let Some((owner, since)) = self.latest.get_mut(&(ip, vlan)) else {
            if !full {
                self.latest.insert((ip, vlan), (mac, mark));
            }
            return;
        };
        let before = std::mem::replace(since, mark);
        if std::mem::replace(owner, mac) == mac {
            return;
        }
        let quick = u32::from(mark.since(before) <= QUICK_NS);
        match self.disputes.iter().position(|d| (d.ip, d.vlan) == (ip, vlan)) {
            Some(at) => {
                let dispute = &mut self.disputes[at];
                dispute.quick += quick;
                dispute.changes += 1;
                dispute.last = mark;
            }
            None if self.disputes.len() < MAX_DISPUTES => {
                self.disputes.push(Dispute {
                    ip,
                    vlan,
                    quick,
                    changes: 1,
                    before,
                    first: mark,
                    last: mark,
                });
            }
            None => self.dropped += 1,
        }
    }

    fn ask(
        &mut self,
        target: Ip,
        asker: Ip,
        (asker_mac, vlan): (Mac, u32),
        link: &LinkHeader,
        mark: Mark,
    ) {
        let key = asked_by(target, asker_mac, asker);
        if let Some(&at) = self.by_ask.get(&key) {
            let ask = &mut self.asks[at as usize];
            ask.count += 1;
            ask.open += 1;
            ask.again += u32::from(AGAIN_NS.contains(&mark.since(ask.last)));
            ask.last = mark;
            if ask.vlan != vlan {
                ask.vlan = Ask::SEVERAL_VLANS;
            }
            return;
        }
        if self.asks.len() >= MAX_ENTRIES {
            self.dropped += 1;
            return;
        }
        self.by_ask.insert(key, self.asks.len() as u32);
        self.asks.push(Ask {
            target,
            asker,
            asker_mac,
            vlan,
            direction: link.direction,
            count: 1,
            open: 1,
            again: 0,
            answers: 0,
            first: mark,
            last: mark,
            quickest_ns: i64::MAX,
        });
    }

    fn answer(&mut self, target: Ip, asker_mac: Mac, mark: Mark) {
        let answered = |ask: &mut Ask| {
            ask.answers += 1;
            ask.open = 0;
            ask.quickest_ns = ask.quickest_ns.min(mark.since(ask.last));
        };
        if asker_mac == Mac::ZERO {
            // A text does not print who it goes to: to those who asked.
            let recent = self.asks.iter_mut().rev().take(RECENT);
            recent.filter(|ask| ask.target == target && ask.open > 0).for_each(answered);
        } else if let Some(&at) = self.by_ask.get(&asked_by(target, asker_mac, Ip::default())) {
            answered(&mut self.asks[at as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn asked_at(milliseconds: &[i64]) -> Ask {
        let mut neighbors = Neighbors::default();
        let mac = Mac([2, 0, 0, 0, 0, 1]);
        let (target, asker) = (Ip::v4([192, 0, 2, 8]), Ip::v4([192, 0, 2, 1]));
        for (i, ms) in milliseconds.iter().enumerate() {
            let mark = Mark::new(i as u32 + 1, Timestamp(ms * 1_000_000));
            neighbors.ask(target, asker, (mac, 0), &LinkHeader::default(), mark);
        }
        neighbors.asks[0]
    }

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

    #[test]
    fn a_stack_that_waits_asks_once_a_second() {
        assert_eq!(asked_at(&[0, 1000, 2020]).again, 2);
    }

    #[test]
    fn copies_and_later_needs_are_no_repeats() {
        assert_eq!(asked_at(&[0, 0, 1, 60_000, 60_001]).again, 0);
    }

    #[test]
    fn a_probe_is_answered_by_another_and_in_time() {
        let ip = Ip::v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]);
        let mac = |n| Mac([2, 0, 0, 0, 0, n]);
        let at = |ms: i64| Mark::new(1 + ms as u32, Timestamp(ms * 1_000_000));
        let holder = |answers: &[(u8, i64)]| {
            let mut neighbors = Neighbors::default();
            neighbors.probe(ip, mac(1), at(0));
            for (who, ms) in answers {
                neighbors.held(ip, mac(*who), at(*ms));
            }
            neighbors.probes[0].holder
        };
        assert_eq!(holder(&[(2, 1)]), Some(mac(2)));
        assert_eq!(holder(&[(1, 1)]), None);
        assert_eq!(holder(&[(2, 3000)]), None);
    }
}
