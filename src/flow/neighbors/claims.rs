//! Who claims which address: bindings, those of which several MACs claim one, and answers to probes.

use super::records::{Binding, Claim, Dispute, Probe};
use super::{MAX_ENTRIES, Neighbors};
use crate::flow::Mark;
use crate::wire::{Direction, Ip, Mac};

/// Disputed addresses that are kept.
const MAX_DISPUTES: usize = 1024;
/// Time in which an address is tentative, and an answer to a probe counts: one second
/// (RFC 4862, section 5.1, RetransTimer), nanoseconds.
const TENTATIVE_NS: i64 = 1_000_000_000;
/// Probes that are kept.
const MAX_PROBES: usize = 1024;
/// Answers to one question come this close; a hand-over takes longer.
const QUICK_NS: i64 = 100_000_000;

impl Neighbors {
    #[allow(clippy::too_many_arguments)] // the fields of one binding, told once
    pub(super) fn claim(
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

    pub(super) fn probe(&mut self, ip: Ip, mac: Mac, mark: Mark) {
        if let Some(known) = self.probes.iter_mut().find(|p| (p.ip, p.mac) == (ip, mac)) {
            known.asked = mark;
        } else if self.probes.len() < MAX_PROBES {
            self.probes.push(Probe { ip, mac, asked: mark, holder: None, told: Mark::NONE });
        } else {
            self.dropped += 1;
        }
    }

    /// Somebody has an address that others probed just now.
    pub(super) fn held(&mut self, ip: Ip, mac: Mac, mark: Mark) {
        let asked = |p: &&mut Probe| {
            p.ip == ip && p.mac != mac && p.holder.is_none() && mark.since(p.asked) <= TENTATIVE_NS
        };
        for probe in self.probes.iter_mut().filter(asked) {
            (probe.holder, probe.told) = (Some(mac), mark);
        }
    }

    pub(super) fn mac_of(&self, ip: Ip) -> Option<Mac> {
        self.bindings.iter().find(|b| b.ip == ip).map(|b| b.mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

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
