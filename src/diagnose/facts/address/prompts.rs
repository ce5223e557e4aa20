//! Questions by ARP or neighbour discovery and the SYNs that made a host ask them.
//!
//! A host that is to send a SYN on asks for whom it has no MAC of, and asks at once. Several services may have a
//! real server each that is gone: whose SYN came last before a question is who made the host ask it.

use crate::diagnose::thresholds::{MISSING_NEIGHBOURS_NEARER, MISSING_NEIGHBOURS_PROMPT_NS};
use crate::flow::{Ask, Mark, VantageId};
use crate::hashed::HashMap;
use crate::topology::ServiceId;

/// Questions of a vantage in the order in which they began.
#[derive(Debug, Default)]
struct Asked<'a> {
    asks: Vec<&'a Ask>,
    /// For each, the latest moment at which it or one before it was asked again, nanoseconds.
    latest: Vec<i64>,
}

/// Questions by vantage and time: a connection's are found without a walk over all.
#[derive(Debug)]
pub(in crate::diagnose) struct Asks<'a> {
    by_vantage: HashMap<VantageId, Asked<'a>>,
}

impl<'a> Asks<'a> {
    pub(in crate::diagnose) fn new(all: &[(VantageId, &'a Ask)]) -> Self {
        let mut by_vantage: HashMap<VantageId, Asked<'a>> = HashMap::default();
        for (at, ask) in all {
            by_vantage.entry(*at).or_default().asks.push(ask);
        }
        for asked in by_vantage.values_mut() {
            asked.asks.sort_by_key(|ask| ask.first.at());
            let later = |latest: &mut i64, ask: &&Ask| {
                *latest = ask.last.at().0.max(*latest);
                Some(*latest)
            };
            asked.latest = asked.asks.iter().scan(i64::MIN, later).collect();
        }
        Self { by_vantage }
    }

    /// Questions that may have been open between two moments of a vantage's clock, nanoseconds.
    pub(in crate::diagnose) fn open(
        &self,
        at: VantageId,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = &'a Ask> {
        let asked = self.by_vantage.get(&at);
        let begin = asked.map_or(0, |a| a.latest.partition_point(|latest| *latest < from));
        let list = asked.map_or(&[][..], |a| &a.asks[begin..]);
        list.iter().copied().take_while(move |ask| ask.first.at().0 <= to)
    }
}

/// SYNs that wait, by vantage, in the order in which they came.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct Waiting {
    by_vantage: HashMap<VantageId, Vec<(i64, ServiceId)>>,
}

impl Waiting {
    pub(in crate::diagnose) fn new(
        syns: impl Iterator<Item = (VantageId, Mark, ServiceId)>,
    ) -> Self {
        let mut by_vantage: HashMap<VantageId, Vec<(i64, ServiceId)>> = HashMap::default();
        for (at, syn, service) in syns.filter(|(_, syn, _)| syn.is_set()) {
            by_vantage.entry(at).or_default().push((syn.at().0, service));
        }
        by_vantage.values_mut().for_each(|syns| syns.sort_unstable());
        Self { by_vantage }
    }

    /// Whether a service's SYN came last before a question was asked for the first time, and so made the host ask; if
    /// so, whether that is sure: nobody else's came nearly as late.
    pub(in crate::diagnose) fn prompted(
        &self,
        at: VantageId,
        ask: &Ask,
        service: ServiceId,
    ) -> Option<bool> {
        let asked = ask.first.at().0;
        let syns = self.by_vantage.get(&at)?;
        let before = &syns[..syns.partition_point(|(came, _)| *came <= asked)];
        let (last, _) = *before.last()?;
        let delay = asked - last;
        if delay > MISSING_NEIGHBOURS_PROMPT_NS || before.binary_search(&(last, service)).is_err() {
            return None;
        }
        let near =
            delay.saturating_mul(MISSING_NEIGHBOURS_NEARER).min(MISSING_NEIGHBOURS_PROMPT_NS);
        let since = before.partition_point(|(came, _)| *came < asked - near);
        Some(before[since..].iter().all(|(_, other)| *other == service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::wire::{Direction, Ip, Mac};
    use std::net::IpAddr;

    const AT: VantageId = VantageId(0);

    fn mark(microseconds: i64) -> Mark {
        Mark::new(1, Timestamp(microseconds * 1000))
    }

    fn ip(last: u8) -> Ip {
        IpAddr::from([10, 0, 0, last]).into()
    }

    fn asked(first: i64, last: i64) -> Ask {
        Ask {
            target: ip(9),
            asker: ip(1),
            asker_mac: Mac([2, 0, 0, 0, 0, 1]),
            vlan: 0,
            direction: Direction::Unknown,
            count: 3,
            open: 3,
            again: 2,
            answers: 0,
            first: mark(first),
            last: mark(last),
            quickest_ns: 0,
        }
    }

    fn waiting(syns: &[(i64, u32)]) -> Waiting {
        Waiting::new(syns.iter().map(|(at, service)| (AT, mark(*at), ServiceId(*service))))
    }

    #[test]
    fn who_came_last_made_the_host_ask() {
        let of = |syns: &[(i64, u32)], first, service| {
            waiting(syns).prompted(AT, &asked(first, first), ServiceId(service))
        };
        assert_eq!(of(&[(0, 1)], 20, 1), Some(true));
        // Another's SYN, long before: the question would have come then.
        let apart = [(0, 1), (50_000, 2)];
        assert_eq!([1, 2].map(|service| of(&apart, 50_020, service)), [None, Some(true)]);
        // Nearly as late: either may be meant.
        let near = [(0, 1), (50, 2)];
        assert_eq!([1, 2].map(|service| of(&near, 70, service)), [None, Some(false)]);
        let together = [(0, 1), (0, 2)];
        assert_eq!([1, 2].map(|service| of(&together, 20, service)), [Some(false); 2]);
        // Too long ago, after the question, or none.
        assert_eq!(of(&[(0, 1)], 300_000, 1), None);
        assert_eq!(of(&[(50, 1)], 20, 1), None);
        assert_eq!(of(&[], 20, 1), None);
    }

    #[test]
    fn what_is_open_is_found_among_many() {
        let list = [asked(0, 90_000), asked(10, 20), asked(30, 40), asked(60_000, 70_000)];
        let all: Vec<(VantageId, &Ask)> = list.iter().map(|ask| (AT, ask)).collect();
        let asks = Asks::new(&all);
        let open = |from: i64, to: i64| -> Vec<i64> {
            let open = asks.open(AT, from * 1000, to * 1000);
            open.filter(|ask| ask.last.at().0 >= from * 1000)
                .map(|ask| ask.first.at().0 / 1000)
                .collect()
        };
        assert_eq!(open(35, 50), [0, 30]);
        assert_eq!(open(65_000, 65_000), [0, 60_000]);
        assert_eq!(open(95_000, 99_000), [0; 0]);
        assert_eq!(asks.open(VantageId(1), 0, i64::MAX).count(), 0);
    }
}
