//! What sets connections that broke apart from those that did well.
//!
//! Each [`Trait`] is asked of both. A value that one side has and the other has not is
//! told only if chance makes such a table in fewer than one of a hundred cases, by
//! Fisher's exact test times the number of values asked (Bonferroni). At most two are
//! told: what people look for by hand for weeks is one thing, not a list.

mod moment;
mod span;
mod trait_names;
mod traits;

pub use traits::Trait;

use super::chance::{LEVEL, probability};
use super::talk::half_closes;
use super::{Fate, Journey, Milestone};
use crate::hashed::{HashMap, HashSet};
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, seq_lt};
use std::collections::{BTreeMap, BTreeSet};
use trait_names::{network, port_ranges, tls_name, yes};

/// A trait that connections which broke have and others have not.
#[derive(Debug, Clone, PartialEq)]
pub struct Apart {
    /// Which.
    pub what: Trait,
    /// Its value, as a reader would write it; `yes` or `no` where it is had or not.
    pub value: String,
    /// Of those that broke, how many have it, and how many there are.
    pub broken: (u64, u64),
    /// The same of those that did well.
    pub well: (u64, u64),
    /// The probability of such a difference by chance, times the values asked.
    pub chance: f64,
}

/// Told at most.
const TOLD: usize = 2;
/// Connections that are compared, of each side.
const COMPARED: usize = 4096;
/// Values of one trait that are counted: a value of its own for each tells nothing.
const VALUES: usize = 1024;
/// Cycles that are looked for.
const CYCLES: std::ops::RangeInclusive<usize> = 2..=8;
/// A trait of fewer than this part of those that broke does not set them apart.
const MOST: f64 = 0.8;
/// Captures shorter than this show no second of the minute twice often enough, nanoseconds.
const MINUTES_NS: i64 = 120_000_000_000;

type Values = Vec<(Trait, String)>;

/// The connections of services that are compared.
pub(super) struct Worlds<'a> {
    trace: &'a Trace,
    well: HashMap<ServiceId, Vec<ConnectionId>>,
    /// Place of each connection among those of its service.
    order: HashMap<ConnectionId, usize>,
    /// Connections with a forerunner on the same five-tuple.
    reused: HashSet<ConnectionId>,
    /// Connections whose SYN has an older timestamp than one before it from the same address.
    older: HashSet<ConnectionId>,
    long: bool,
}

impl<'a> Worlds<'a> {
    pub(super) fn of(trace: &'a Trace, fates: &[Fate], wanted: &HashSet<ServiceId>) -> Self {
        let mut world = Self {
            trace,
            well: HashMap::default(),
            order: HashMap::default(),
            reused: HashSet::default(),
            older: HashSet::default(),
            long: trace.vantages.iter().any(|v| v.end.0.saturating_sub(v.start.0) >= MINUTES_NS),
        };
        let mut seen = HashSet::default();
        let mut next: HashMap<ServiceId, usize> = HashMap::default();
        let mut newest: HashMap<Ip, u32> = HashMap::default();
        for (id, connection) in trace.requests() {
            let service = trace.service_of(id);
            if !wanted.contains(&service) {
                continue;
            }
            let place = next.entry(service).or_default();
            world.order.insert(id, *place);
            *place += 1;
            if !seen.insert(connection.front) {
                world.reused.insert(id);
            }
            if let Some(tsval) = stamp(trace, id) {
                let newest = newest.entry(connection.front.client.0).or_insert(tsval);
                if seq_lt(tsval, *newest) {
                    world.older.insert(id);
                } else {
                    *newest = tsval;
                }
            }
            if fates[id.0 as usize] == Fate::Well {
                let well = world.well.entry(service).or_default();
                if well.len() < COMPARED {
                    well.push(id);
                }
            }
        }
        world
    }

    /// What sets connections apart from those to the same services that did well.
    pub(super) fn apart(&self, services: &[ServiceId], broken: &[ConnectionId]) -> Vec<Apart> {
        let well = services.iter().filter_map(|service| self.well.get(service)).flatten();
        let well: Vec<ConnectionId> = well.copied().take(COMPARED).collect();
        if well.is_empty() {
            return Vec::new();
        }
        let broken = &broken[..broken.len().min(COMPARED)];
        let moment = moment::shared(self.trace, broken);
        let mut counts: BTreeMap<(Trait, String), (u64, u64)> = BTreeMap::new();
        for (ids, is_broken) in [(broken, true), (well.as_slice(), false)] {
            for id in ids {
                let stood = moment.and_then(|at| moment::stood(self.trace, *id, at));
                let stood = stood.map(|stood| (Trait::StoodBefore, yes(stood)));
                for value in self.values(*id).into_iter().chain(stood) {
                    let count = counts.entry(value).or_default();
                    if is_broken { count.0 += 1 } else { count.1 += 1 }
                }
            }
        }
        // Values of each trait, and connections of each side that show one: what is not known
        // of a connection is no difference.
        let mut known: BTreeMap<Trait, (usize, u64, u64)> = BTreeMap::new();
        for ((what, _), (a, b)) in &counts {
            let (values, broke, well) = known.entry(*what).or_default();
            (*values, *broke, *well) = (*values + 1, *broke + a, *well + b);
        }
        // A connection has a place in each of several cycles, and a side of each bound.
        let all = (broken.len() as u64, well.len() as u64);
        for several in [Trait::EveryNth, Trait::ClientPort] {
            known.entry(several).and_modify(|(_, a, b)| (*a, *b) = all);
        }
        counts.retain(|(what, _), _| known[what].0 <= VALUES);
        // A value that all have could set nobody apart, so it counts as none that was asked (Tarone,
        // Biometrics 46, 1990). Nor does a client with too few connections, of which there may be thousands.
        let tells = |((what, _), (a, b)): &(&(Trait, String), &(u64, u64))| {
            let (_, broke, fine) = known[what];
            let most = (a + b).min(broke);
            let could = || probability(most, broke, a + b - most, fine) < LEVEL;
            (*a, *b) != (broke, fine) && (*what != Trait::Client || could())
        };
        let asked = counts.iter().filter(tells).count().max(1) as f64;
        let mut found: Vec<Apart> =
            counts
                .into_iter()
                .filter_map(|((what, value), (a, b))| {
                    let (_, of, fine) = known[&what];
                    let (part, other) = (a as f64 / of as f64, b as f64 / fine.max(1) as f64);
                    let chance = probability(a, of, b, fine) * asked;
                    let most = of as f64 >= all.0 as f64 * MOST;
                    (most && part >= MOST && other <= part / 2.0 && chance < LEVEL)
                        .then_some(Apart { what, value, broken: (a, of), well: (b, fine), chance })
                })
                .collect();
        found.extend(span::alone(self.trace, broken, &well, asked).filter(|a| a.chance < LEVEL));
        found.sort_by(|a, b| a.chance.total_cmp(&b.chance).then(a.what.cmp(&b.what)));
        // Traits that count alike say one thing; the first says it. That whose they are goes with where they are sent is
        // another: somebody keeps them there. A client and its network are one.
        let mut told = BTreeSet::new();
        found.retain(|apart| {
            let counts = (!apart.what.is_of_client()).then_some((apart.broken, apart.well));
            told.insert(counts)
        });
        // Who calls in turn with others is every so many-th as well.
        let others = found.iter().filter(|a| a.what != Trait::EveryNth);
        let others: BTreeSet<_> = others.map(|a| (a.broken, a.well)).collect();
        found.retain(|a| a.what != Trait::EveryNth || !others.contains(&(a.broken, a.well)));
        found.truncate(TOLD);
        found
    }

    fn values(&self, id: ConnectionId) -> Values {
        let (trace, connection) = (self.trace, self.trace.connection(id));
        let mut values: Values = vec![
            (Trait::ClientNetwork, network(connection.front.client.0.addr())),
            (Trait::Client, connection.front.client.0.to_string()),
            (Trait::PortUsedBefore, yes(self.reused.contains(&id))),
        ];
        let ranges = port_ranges(connection.front.client.1);
        values.extend(ranges.map(|range| (Trait::ClientPort, range)));
        if let Some(server) = trace.server(id) {
            let name = server.address.map(|ip| ip.to_string());
            let name = name.or_else(|| server.mac.map(|mac| mac.to_string()));
            values.push((Trait::RealServer, name.unwrap_or_default()));
        }
        let given = connection.back.map(|back| back.client.0);
        if let Some(given) = given.filter(|ip| *ip != connection.front.client.0) {
            values.push((Trait::LocalAddress, given.to_string()));
        }
        self.first_place(id, &mut values);
        self.first_words(id, &mut values);
        if self.long
            && let Some(at) = trace.start(id)
        {
            let second = trace.time(at).0.div_euclid(1_000_000_000).rem_euclid(60);
            values.push((Trait::Second, second.to_string()));
        }
        if let Some(place) = self.order.get(&id) {
            values.extend(CYCLES.map(|n| (Trait::EveryNth, format!("{} of {n}", place % n + 1))));
        }
        values
    }

    /// What the client asked for first.
    fn first_words(&self, id: ConnectionId, values: &mut Values) {
        let mut asked = self.trace.legs(id).iter().filter_map(|leg| {
            let said = &self.trace.vantage(leg).side_tables;
            Some((said, said.first_request(leg.stream)?))
        });
        let Some((said, request)) = asked.next() else { return };
        let name = said.server_name(request);
        values.extend(name.map(|name| (Trait::ServerName, name.to_ascii_lowercase())));
        if !request.method.is_empty() {
            values.push((Trait::Method, request.method.to_owned()));
        }
        let version = request.tls.filter(|version| *version > 0);
        values.extend(version.map(|version| (Trait::TlsVersion, tls_name(version))));
    }

    /// What the first place that saw it shows.
    fn first_place(&self, id: ConnectionId, values: &mut Values) {
        let trace = self.trace;
        let journey = Journey::of(trace, id, true, Milestone::Syn);
        let Some(first) = journey.first() else { return };
        let here = |leg: &&crate::correlate::Leg| {
            leg.vantage == first.at.vantage && leg.tuple == first.tuple
        };
        let Some(leg) = trace.legs(id).iter().find(here) else { return };
        let (vantage, there) = (trace.vantage(leg), trace.forward(leg));
        values.push((Trait::Ttl, first.ttl.to_string()));
        if !there.shape.cut() {
            values.push((Trait::SegmentSize, there.shape.mss.to_string()));
            values.push((Trait::Timestamps, yes(there.shape.stamped())));
            if there.shape.stamped() {
                values.push((Trait::OlderTimestamp, yes(self.older.contains(&id))));
            }
        }
        values.push((Trait::Ecn, yes(there.flags.asks_for_ecn())));
        let at_once = there.data.is_set() && there.data.frame() == there.syn.frame();
        values.push((Trait::SynData, yes(at_once)));
        if let Some(marks) = vantage.marks_of(there) {
            values.push((Trait::Dscp, marks.bits.dscp.to_string()));
            values.push((Trait::DontFragment, yes(marks.bits.dont_fragment)));
            values.extend(marks.tunnel_options.map(|some| (Trait::TunnelOptions, yes(some))));
        }
        values.push((Trait::Vlan, leg.of(&trace.vantages).key.vlan.to_string()));
        if let Some(hop) = vantage.first_hop(there) {
            values.push((Trait::Interface, hop.link.ifindex.to_string()));
            values.extend(hop.link.src.map(|mac| (Trait::IncomingMac, mac.to_string())));
        }
        let sent_on = vantage.path(there).filter(|(_, hop)| vantage.own.sent(hop) == Some(true));
        let next = sent_on.last().and_then(|(_, hop)| hop.link.dst).filter(|mac| mac.is_unicast());
        values.extend(next.map(|mac| (Trait::NextMac, mac.to_string())));
        let back = trace.reply(leg);
        if back.accepted()
            && let Some(hop) = vantage.first_hop(back)
        {
            values.push((Trait::AnsweringInterface, hop.link.ifindex.to_string()));
        }
        let held = there.shape.mss.min(back.shape.mss);
        if there.payload > 0 && held > 0 && !there.shape.cut() && !back.shape.cut() {
            values.push((Trait::LargeRequest, yes(there.payload > u64::from(held))));
        }
        if there.data.is_set() {
            let first = !back.data.is_set() || there.fin.frame() < back.data.frame();
            values.push((Trait::HalfClosed, yes(half_closes(there) && first)));
        }
        // Between repeats of one segment it waits; that is no idleness.
        if there.retransmissions == 0 && back.retransmissions == 0 {
            values.push((Trait::Idle, yes(vantage.side_tables.idle(leg.stream).is_some())));
        }
        let optioned = vantage.options_of(there).any(|(_, _, of)| of.packets > 0);
        values.push((Trait::IpOptions, yes(optioned)));
    }
}

/// The timestamp of a connection's SYN, where it has one.
fn stamp(trace: &Trace, id: ConnectionId) -> Option<u32> {
    let shape = trace.forward(trace.legs(id).first()?).shape;
    shape.stamped().then_some(shape.tsval)
}
