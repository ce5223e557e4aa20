//! The source ports that a translating host draws from, and what it withholds when all are
//! taken.

use crate::diagnose::Facts;
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::thresholds::{
    FULLNAT_SOURCE_PORT_EXHAUSTION_KEPT_NS, FULLNAT_SOURCE_PORT_EXHAUSTION_MIN_PORTS,
    FULLNAT_SOURCE_PORT_EXHAUSTION_ONE_IN, PAIR, TRANSMISSIONS,
};
use crate::flow::{Mark, VantageId};
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// A connection that went through.
pub(in crate::diagnose) struct Passed {
    /// Local address and port.
    pub local: (Ip, u16),
    pub server: (Ip, u16),
    pub opened: Mark,
    pub last: Mark,
    pub last_reply: Mark,
}

/// A connection whose SYNs did not.
pub(in crate::diagnose) struct Withheld {
    pub id: ConnectionId,
    pub vantage: VantageId,
    pub first: Mark,
    pub last: Mark,
}

/// One director's side of a service, by one capture.
pub(in crate::diagnose) struct Translated {
    pub passed: Vec<Passed>,
    pub withheld: Vec<Withheld>,
}

pub(in crate::diagnose) fn look(facts: &Facts, service: ServiceId, host: HostId) -> Translated {
    let mut side = Translated { passed: Vec::new(), withheld: Vec::new() };
    let mut sources: BTreeSet<Ip> = BTreeSet::new();
    let mut capture = None;
    let requests = || facts.requests_to(service).filter(|(_, c)| c.protocol.is_tcp());
    for (id, c) in requests() {
        let Some(back) = c.back else { continue };
        let last_tuple = c.tuples.saturating_sub(1);
        let leg = facts.legs(id).iter().find(|leg| {
            leg.tuple == last_tuple && leg.tuple > 0 && facts.host_of(leg) == Some(host)
        });
        let Some(leg) = leg.filter(|leg| facts.forward(leg).opened()) else { continue };
        let here = facts.vantage(leg).capture;
        if *capture.get_or_insert(here) != here {
            continue;
        }
        sources.insert(c.front.client.0);
        let stream = leg.of(&facts.vantages);
        side.passed.push(Passed {
            local: back.client,
            server: back.server,
            opened: facts.forward(leg).first,
            last: stream.last(),
            last_reply: facts.reply(leg).last,
        });
    }
    for (id, c) in requests() {
        let quiet = c.outcome.failed()
            && c.progress.syn
            && !c.progress.answered
            && sources.contains(&c.front.client.0)
            && facts.errors_of(id).next().is_none();
        let Some(passage) = passage(facts, id, host).filter(|_| quiet) else { continue };
        let Some(leg) = facts.legs(id).get(passage.came.leg) else { continue };
        let link = passage.came.link;
        let here = Some(facts.vantage(leg).capture) == capture;
        if passage.left.is_none() && link.syns >= TRANSMISSIONS && here {
            side.withheld.push(Withheld {
                id,
                vantage: leg.vantage,
                first: link.first,
                last: link.last,
            });
        }
    }
    side
}

/// A real server towards which no local port is free.
pub(in crate::diagnose) struct Exhausted {
    pub server: (Ip, u16),
    /// Local addresses with their lowest and highest port, and how many are in use.
    pub ranges: Vec<(Ip, u16, u16, usize)>,
}

impl Translated {
    /// The servers towards which no port was free when the first SYN was withheld.
    pub fn full(&self, trace: &Trace) -> Option<Vec<Exhausted>> {
        let first = self.withheld.iter().map(|w| w.first).min_by_key(|mark| mark.frame())?;
        let goes_on =
            |p: &Passed| p.opened.frame() < first.frame() && p.last_reply.frame() > first.frame();
        if self.withheld.len() < PAIR || !self.passed.iter().any(goes_on) {
            return None;
        }
        let mut pool: BTreeMap<Ip, BTreeSet<u16>> = BTreeMap::new();
        for p in &self.passed {
            pool.entry(p.local.0).or_default().insert(p.local.1);
        }
        if !pool.values().all(is_range) {
            return None;
        }
        let servers: BTreeSet<(Ip, u16)> = self.passed.iter().map(|p| p.server).collect();
        let full: Vec<Exhausted> = servers
            .into_iter()
            .filter(|server| self.is_full(*server, &pool, first))
            .map(|server| Exhausted { server, ranges: ranges(&pool) })
            .collect();
        // A real server that nobody can reach at all has another trouble.
        let unanswered_arp = full.iter().any(|e| is_sought(trace, e.server.0));
        (!full.is_empty() && !unanswered_arp).then_some(full)
    }

    /// Whether every port is in use towards a server, and they were not given out
    /// one after the other.
    pub fn is_full(&self, server: (Ip, u16), pool: &BTreeMap<Ip, BTreeSet<u16>>, at: Mark) -> bool {
        let mut used: Vec<&Passed> = self
            .passed
            .iter()
            .filter(|p| {
                p.server == server
                    && p.opened.frame() < at.frame()
                    && at.since(p.last) <= FULLNAT_SOURCE_PORT_EXHAUSTION_KEPT_NS
            })
            .collect();
        used.sort_by_key(|p| p.opened.frame());
        pool.iter().all(|(local, ports)| {
            let here: Vec<u16> =
                used.iter().filter(|p| p.local.0 == *local).map(|p| p.local.1).collect();
            let distinct: BTreeSet<u16> = here.iter().copied().collect();
            let counted_up = here.windows(2).all(|pair| pair[0] < pair[1]);
            distinct == *ports && !counted_up
        })
    }
}

/// Whether ports fill the space between the lowest and the highest of them.
pub(in crate::diagnose) fn is_range(ports: &BTreeSet<u16>) -> bool {
    let (Some(low), Some(high)) = (ports.first(), ports.last()) else { return false };
    let span = usize::from(high - low) + 1;
    ports.len() >= FULLNAT_SOURCE_PORT_EXHAUSTION_MIN_PORTS
        && (span - ports.len()) * FULLNAT_SOURCE_PORT_EXHAUSTION_ONE_IN <= span
}

pub(in crate::diagnose) fn ranges(
    pool: &BTreeMap<Ip, BTreeSet<u16>>,
) -> Vec<(Ip, u16, u16, usize)> {
    pool.iter()
        .filter_map(|(ip, ports)| Some((*ip, *ports.first()?, *ports.last()?, ports.len())))
        .collect()
}

/// Whether a host is asked for and does not say where it is.
pub(in crate::diagnose) fn is_sought(trace: &Trace, ip: Ip) -> bool {
    let asks = || trace.vantages.iter().flat_map(|v| &v.neighbors.asks);
    asks().any(|ask| ask.target == ip && ask.again > 0 && ask.answers == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_few_gaps() {
        let range = |ports: &[u16]| is_range(&ports.iter().copied().collect());
        assert!(range(&[40000, 40001, 40002]));
        assert!(!range(&[40000, 40001]));
        assert!(!range(&[40000, 40001, 40003]));
        assert!(is_range(&(1024..65000).filter(|p| p % 20 != 0).collect()));
        assert!(!is_range(&(1024..65000).filter(|p| p % 4 != 0).collect()));
    }
}
