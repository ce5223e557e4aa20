//! Questions that leave one port in pairs (A and AAAA), and those of which one is lost.

use crate::correlate::{Connection, Leg};
use crate::diagnose::thresholds::CAPTURE_TAIL_NS;
use crate::flow::{DnsPair, Flow, Hop, Link};
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Protocol, dns};

pub(in crate::diagnose) fn concerns(trace: &Trace, id: ConnectionId, c: &Connection) -> bool {
    c.protocol == Protocol::UDP
        && c.front.server.1 == dns::PORT
        && matches!(trace.service(id).mode, Mode::Nat | Mode::FullNat | Mode::Unknown)
}

/// Two questions of which one was lost.
pub(in crate::diagnose) struct Lost<'a> {
    pub id: ConnectionId,
    pub leg: &'a Leg,
    pub twins: &'a DnsPair,
    /// Which of the two.
    pub which: usize,
    /// The leg on which the other went out of the director, where both came in there.
    pub out: Option<&'a Leg>,
    /// Director's captures show that both went out, or that not both came in.
    pub elsewhere: bool,
}

/// What tells why one of two questions is asked again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::diagnose) struct Signs {
    /// Pairs of which one was lost.
    pub lost: usize,
    /// Of these, where the director's capture shows both come in and one go out.
    pub shown: usize,
    /// Of these, where it shows that one was lost elsewhere.
    pub elsewhere: usize,
    /// Questions that were asked alone and answered.
    pub alone: usize,
    /// Questions without an answer that are not one of two.
    pub other: usize,
    /// How likely it is that plain loss hit pairs alone.
    pub chance: f64,
    /// How far the times are apart after which lost ones were asked again, nanoseconds.
    pub spread_ns: i64,
    /// Who asks is in a cluster.
    pub cluster: bool,
}

/// What was asked of one service.
#[derive(Default)]
pub(in crate::diagnose) struct Asked<'a> {
    pub lost: Vec<Lost<'a>>,
    /// Pairs that were answered at once.
    pub whole: u32,
    /// Questions that were asked alone and answered, repeats of lost ones among them.
    pub alone: u32,
    /// Questions without an answer that are not one of two, or were never answered.
    pub other: u32,
}

impl<'a> Asked<'a> {
    pub fn see(&mut self, trace: &'a Trace, id: ConnectionId, leg: &'a Leg) {
        let vantage = trace.vantage(leg);
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        if let Some(twins) = vantage.side_tables.dns_pair(leg.stream)
            && let Some(which) = twins.lost()
        {
            self.alone += twins.settled.iter().filter(|m| m.is_set()).count() as u32;
            self.lost.push(Lost::of(trace, id, leg, (twins, which)));
            return;
        }
        let most = |flow: &Flow| vantage.links_of(flow).map(Link::sent).max().unwrap_or(0);
        let last = vantage.end.0.saturating_sub(there.last.at().0) < CAPTURE_TAIL_NS;
        match (most(there), most(back)) {
            (1, 1) => self.alone += 1,
            (2, 2) => self.whole += 1,
            (asked, told) if told < asked && !last => self.other += 1,
            _ => {}
        }
    }

    /// How likely it is that plain loss hit one of each pair and none of those alone.
    pub fn chance(&self) -> f64 {
        let paired = 2.0 * (self.lost.len() as f64 + f64::from(self.whole));
        let all = paired + f64::from(self.alone);
        (0..self.lost.len()).map(|n| n as f64).map(|n| (paired - n) / (all - n)).product()
    }

    /// What tells why.
    pub fn signs(&self, cluster: bool) -> Signs {
        let (longest, shortest) = self.timers();
        Signs {
            lost: self.lost.len(),
            shown: self.lost.iter().filter(|l| l.out.is_some()).count(),
            elsewhere: self.lost.iter().filter(|l| l.elsewhere).count(),
            alone: self.alone as usize,
            other: self.other as usize,
            chance: self.chance(),
            spread_ns: longest - shortest,
            cluster,
        }
    }

    /// The longest and the shortest time until a lost question was asked again.
    pub fn timers(&self) -> (i64, i64) {
        let times = || self.lost.iter().map(Lost::waited);
        (times().max().unwrap_or(0), times().min().unwrap_or(0))
    }
}

impl<'a> Lost<'a> {
    pub fn of(
        trace: &'a Trace,
        id: ConnectionId,
        leg: &'a Leg,
        (twins, which): (&'a DnsPair, usize),
    ) -> Self {
        let mut lost = Self { id, leg, twins, which, out: None, elsewhere: false };
        let last = trace.connection(id).tuples - 1;
        for director in &trace.service(id).directors {
            let legs = || trace.legs(id).iter().filter(|l| trace.host_of(l) == Some(director.host));
            let came = legs().filter(|l| l.tuple == 0).map(|l| passed(trace, l, true)).max();
            let out = legs().filter(|l| l.tuple == last && last > 0);
            let out = out.map(|l| (passed(trace, l, false), l)).max_by_key(|(n, _)| *n);
            if let (Some(came), Some((left, leg))) = (came, out)
                && came > 0
                && left > 0
            {
                // All but one of what came in went out, and what was asked again did.
                let both = legs().any(|l| l.tuple == 0 && pair_came(trace, l));
                lost.out = (both && left + 1 == came).then_some(leg);
                lost.elsewhere = lost.out.is_none();
            }
        }
        lost
    }

    pub fn waited(&self) -> i64 {
        self.twins.again[self.which].since(self.twins.asked[self.which])
    }
}

/// Datagrams of the client that came to a vantage's host on a leg, or left it.
pub(in crate::diagnose) fn passed(trace: &Trace, leg: &Leg, inward: bool) -> u32 {
    let own = &trace.vantage(leg).own;
    let way = |hop: &Hop| if inward { own.arrived(hop) } else { own.sent(hop) };
    let path = trace.path(leg, trace.forward(leg)).filter(|(_, hop)| way(hop) == Some(true));
    path.map(|(link, _)| link.sent()).max().unwrap_or(0)
}

/// Whether both questions came in on a leg.
pub(in crate::diagnose) fn pair_came(trace: &Trace, leg: &Leg) -> bool {
    let twins = trace.vantage(leg).side_tables.dns_pair(leg.stream);
    twins.is_some_and(|twins| twins.asked[1].is_set())
}
