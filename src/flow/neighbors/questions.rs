//! Who asks for which address, how often again, and what answers.

use super::records::Ask;
use super::{MAX_ENTRIES, Neighbors};
use crate::flow::Mark;
use crate::wire::{Ip, LinkHeader, Mac};

/// Time between the questions of a stack that waits for an answer. Closer ones
/// are copies that the capture made, or different packets' needs.
const AGAIN_NS: std::ops::RangeInclusive<i64> = 200_000_000..=2_500_000_000;
/// Questions that an answer may be to where nobody says whose.
const RECENT: usize = 256;

/// Whose question: a MAC's, or an address's where its MAC is not told.
fn asked_by(target: Ip, mac: Mac, asker: Ip) -> (Ip, Mac, Ip) {
    (target, mac, if mac == Mac::ZERO { asker } else { Ip::default() })
}

impl Neighbors {
    pub(super) fn ask(
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

    pub(super) fn answer(&mut self, target: Ip, asker_mac: Mac, mark: Mark) {
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

    #[test]
    fn a_stack_that_waits_asks_once_a_second() {
        assert_eq!(asked_at(&[0, 1000, 2020]).again, 2);
    }

    #[test]
    fn copies_and_later_needs_are_no_repeats() {
        assert_eq!(asked_at(&[0, 0, 1, 60_000, 60_001]).again, 0);
    }
}
