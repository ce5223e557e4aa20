//! A FullNAT director has no free local port towards a real server: SYNs come in
//! and nothing goes out for them.
//!
//! Its own capture must show the SYNs come in, of sources that it served before,
//! while other connections go on; and towards a real server every local port that
//! it was ever seen to use must be in use at that moment, with no gap between
//! them and not in rising order. A director that merely counts ports up shows
//! ports without gaps too, one with ports to spare scatters them.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::passages::passage;
use crate::diagnose::thresholds::{
    FULLNAT_SOURCE_PORT_EXHAUSTION_KEPT_NS, FULLNAT_SOURCE_PORT_EXHAUSTION_MIN_PORTS,
    FULLNAT_SOURCE_PORT_EXHAUSTION_ONE_IN, PAIR, TRANSMISSIONS,
};
use crate::diagnose::words::{directors, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::flow::Mark;
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    let mut looked = false;
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || service.mode != Mode::FullNat || !service.protocol.is_tcp() {
            continue;
        }
        let id = ServiceId(i as u32);
        for host in service.directors.iter().map(|d| d.host) {
            let side = look(facts, id, host);
            looked |= !side.passed.is_empty();
            if let Some(full) = side.full(facts) {
                findings.push(finding(facts, id, host, &side, &full));
            }
        }
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::FullNat]) {
            return other;
        }
        if looked {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no capture shows both sides of the director; capture there with 'tcpdump -i any'"
                    .to_owned(),
            )
        }
    })
}

/// A connection that went through.
struct Passed {
    /// Local address and port.
    local: (Ip, u16),
    server: (Ip, u16),
    opened: Mark,
    last: Mark,
    last_reply: Mark,
}

/// A connection whose SYNs did not.
struct Withheld {
    id: ConnectionId,
    vantage: usize,
    first: Mark,
    last: Mark,
}

/// One director's side of a service, by one capture.
struct Side {
    passed: Vec<Passed>,
    withheld: Vec<Withheld>,
}

fn look(facts: &Facts, service: ServiceId, host: HostId) -> Side {
    let mut side = Side { passed: Vec::new(), withheld: Vec::new() };
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
                vantage: usize::from(leg.vantage),
                first: link.first,
                last: link.last,
            });
        }
    }
    side
}

/// A real server towards which no local port is free.
struct Exhausted {
    server: (Ip, u16),
    /// Local addresses with their lowest and highest port, and how many are in use.
    ranges: Vec<(Ip, u16, u16, usize)>,
}

impl Side {
    /// The servers towards which no port was free when the first SYN was withheld.
    fn full(&self, trace: &Trace) -> Option<Vec<Exhausted>> {
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
    fn is_full(&self, server: (Ip, u16), pool: &BTreeMap<Ip, BTreeSet<u16>>, at: Mark) -> bool {
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
fn is_range(ports: &BTreeSet<u16>) -> bool {
    let (Some(low), Some(high)) = (ports.first(), ports.last()) else { return false };
    let span = usize::from(high - low) + 1;
    ports.len() >= FULLNAT_SOURCE_PORT_EXHAUSTION_MIN_PORTS
        && (span - ports.len()) * FULLNAT_SOURCE_PORT_EXHAUSTION_ONE_IN <= span
}

fn ranges(pool: &BTreeMap<Ip, BTreeSet<u16>>) -> Vec<(Ip, u16, u16, usize)> {
    pool.iter()
        .filter_map(|(ip, ports)| Some((*ip, *ports.first()?, *ports.last()?, ports.len())))
        .collect()
}

/// Whether a host is asked for and does not say where it is.
fn is_sought(trace: &Trace, ip: Ip) -> bool {
    let asks = || trace.vantages.iter().flat_map(|v| &v.neighbors.asks);
    asks().any(|ask| ask.target == ip && ask.again > 0 && ask.answers == 0)
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    host: HostId,
    side: &Side,
    full: &[Exhausted],
) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = side.withheld.iter().map(|w| w.id).collect();
    let director = say.full(host);
    let servers: Vec<String> = full.iter().map(|e| e.server.0.with_port(e.server.1)).collect();
    let servers = crate::diagnose::words::list(&servers);
    let locals: Vec<String> = full[0]
        .ranges
        .iter()
        .map(|(ip, low, high, n)| format!("{n} ports of {ip}, {low} to {high}"))
        .collect();
    let locals = crate::diagnose::words::list(&locals);
    let title = format!("the director {} has no local port left for {servers}", say.host(host));
    let explanation = format!(
        "SYNs for {} reach {director} and nothing goes out for them, while the connections that it has go on. Towards {servers} all local ports that it was seen to use are in use: {locals}, without a gap. {} connections get no answer; as ports become free, some will.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("fullnat-source-port-exhaustion", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Likely;
    finding.candidate("conntrack-table-full", "then 'dmesg' on the director says 'nf_conntrack: table full', and connections to all servers and services are lost alike");
    finding.confirm(director.clone(), "iptables-save -t nat | grep -E 'SNAT|MASQUERADE'; sysctl net.ipv4.ip_local_port_range net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; conntrack -S; dmesg | grep conntrack", "insert_failed or drop in 'conntrack -S' that grows, with count below max: no port was free");
    if let Some((local, ..)) = full[0].ranges.first() {
        for e in full {
            let rule = |action: &str| {
                format!(
                    "iptables -t nat -{action} POSTROUTING -p tcp -d {} --dport {} -j SNAT --to-source {local}:1024-65535",
                    e.server.0, e.server.1
                )
            };
            finding.fix(format!("{director}, or another local address beside it (dpvs: ipvsadm -P -t {} -z LIP)", s.name()), rule("I"), rule("D"));
        }
    }
    if let Some(w) = side.withheld.first() {
        let at = |mark| At { vantage: w.vantage, mark };
        finding.proofs = vec![
            Proof { at: at(w.first), note: "a SYN comes in and nothing goes out".to_owned() },
            Proof { at: at(w.last), note: "and again".to_owned() },
        ];
    }
    finding.subjects = directors(facts, service);
    finding.subjects.sort_by_key(|subject| subject.address != say.address(host));
    finding.connections = ids;
    finding
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
