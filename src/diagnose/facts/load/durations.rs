//! How long servers and networks take, for the detectors that compare them.
//!
//! Every duration lies between two frames of one vantage: clocks are never
//! compared. What was sent again tells of loss and not of slowness, and is left
//! out. Servers are compared with the others of their pool only, by medians and
//! quartiles, which one slow first packet (ARP, a cold cache) does not move.

use crate::correlate::Leg;
use crate::diagnose::facts::connection::each_once;
use crate::diagnose::thresholds::{
    DURATIONS_FEW_TIMES, DURATIONS_MIN_SAMPLES, DURATIONS_SURE, DURATIONS_TIMES, DURATIONS_TOLD,
};
use crate::diagnose::{Confidence, rank_sum};
use crate::flow::VantageId;
use crate::hashed::HashMap;
use crate::topology::{HostId, Mode, Ordinary, RealServer, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Samples of one server that are kept; the first are as good as any.
const MAX_SAMPLES: usize = 1 << 12;

/// One kind of duration of one server, nanoseconds.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct Samples(Vec<u64>);

impl Samples {
    fn add(&mut self, ns: i64) {
        if let Ok(ns) = u64::try_from(ns)
            && self.0.len() < MAX_SAMPLES
        {
            self.0.push(ns);
        }
    }

    /// How many there are.
    pub(in crate::diagnose) fn len(&self) -> usize {
        self.0.len()
    }

    /// Lower quartile, median and upper quartile; `None` of too few.
    pub(in crate::diagnose) fn quartiles(&self) -> Option<Quartiles> {
        if self.0.len() < DURATIONS_MIN_SAMPLES {
            return None;
        }
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |quarter: usize| sorted[(sorted.len() - 1) * quarter / 4];
        Some(Quartiles { lower: at(1), median: at(2), upper: at(3) })
    }
}

/// Nanoseconds below which a quarter, half and three quarters of the samples lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Quartiles {
    pub lower: u64,
    pub median: u64,
    pub upper: u64,
}

/// Durations of one real server of a service.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct Server {
    /// At its own vantage, first byte of the request to first byte of the answer.
    pub answer: Samples,
    /// At its own vantage, SYN to SYN-ACK.
    pub accept: Samples,
    /// At a vantage before it, SYN to SYN-ACK.
    pub reach: Samples,
    /// At a vantage before it, first byte of the request to first byte of the answer.
    pub reply: Samples,
    /// At a vantage outside of it: the same less what the handshake took there, which is the
    /// server's part of it.
    pub thought: Samples,
    /// Connections that were measured.
    measured: usize,
}

/// Services' real servers by index into [`crate::topology::Service::real_servers`].
pub(in crate::diagnose) type Durations = BTreeMap<ServiceId, Vec<Server>>;

/// Measures all balanced services.
pub(in crate::diagnose) fn measure(trace: &Trace) -> Durations {
    let mut all = Durations::new();
    let hosts: Vec<Option<HostId>> =
        VantageId::all(&trace.vantages).map(|v| trace.host_of_vantage(v)).collect();
    for (id, c) in trace.ahead().filter(|(_, c)| c.protocol.is_tcp() && c.progress.established) {
        let Some((front, at)) = place(trace, id) else { continue };
        let service = trace.service_of(front);
        let s = trace.topology.service(service);
        if s.mode == Mode::Unknown || s.is_backend || s.real_servers.len() < 2 {
            continue;
        }
        let Some(own) = s.real_servers[at].host.filter(|h| !s.is_director(*h)) else { continue };
        if trace.host_by_ip(c.front.client.0) == Some(own) {
            continue;
        }
        let servers = all.entry(service).or_default();
        servers.resize_with(s.real_servers.len().max(servers.len()), Server::default);
        let server = &mut servers[at];
        if server.measured >= MAX_SAMPLES {
            continue;
        }
        // A director that replies skip sees no SYN-ACK: there the client's time counts.
        let skipped = matches!(s.mode, Mode::Dr | Mode::Tun);
        let at_client = |leg: &Leg| skipped && trace.is_client_side(id, leg);
        let mut measured = false;
        for leg in trace.back_legs(id) {
            let host = hosts[leg.vantage.index()];
            if host == Some(own) {
                measured |= server.at_server(trace, leg);
            } else if host.is_some_and(|h| s.is_director(h)) || at_client(leg) {
                measured |= server.before(trace, leg);
            }
        }
        // Once a connection, at the first place outside of the server that shows it.
        let outside = |leg: &&Leg| hosts[leg.vantage.index()] != Some(own);
        let thought = trace.back_legs(id).filter(outside).find_map(|leg| thought(trace, leg));
        if let Some(ns) = thought {
            server.thought.add(ns);
            measured = true;
        }
        server.measured += usize::from(measured);
    }
    all
}

/// The client's connection that a connection is part of, and the real server of it.
fn place(trace: &Trace, id: ConnectionId) -> Option<(ConnectionId, usize)> {
    match trace.ordinary(id) {
        None => Some((id, usize::from(trace.topology.server_of[id.0 as usize]?)))
            .filter(|_| trace.service(id).mode != Mode::Proxy),
        Some(Ordinary::ProxyLeg) => {
            let front = ConnectionId(*trace.pairs.clients.get(&id.0)?.first()?);
            let (ip, port) = trace.connection(id).front.server;
            let is = |r: &RealServer| r.address == Some(ip) && r.port == port;
            let at = trace.service(front).real_servers.iter().position(is)?;
            Some((front, at))
        }
        Some(_) => None,
    }
}

/// Connections by service and by the place of their real server in it: as the client knows
/// each, and as the server knows it, which is another one behind a proxy.
pub(in crate::diagnose) type Places =
    HashMap<(ServiceId, usize), Vec<(ConnectionId, ConnectionId)>>;

/// All of them.
pub(in crate::diagnose) fn places(trace: &Trace) -> Places {
    let mut all = Places::default();
    for (id, _) in trace.iter() {
        if let Some((front, at)) = place(trace, id) {
            all.entry((trace.service_of(front), at)).or_default().push((front, id));
        }
    }
    all
}

/// The connections of some real servers of a service, as its clients know them.
pub(in crate::diagnose) fn connections(
    trace: &Trace,
    places: &Places,
    service: ServiceId,
    servers: &[(usize, Quartiles)],
) -> Vec<ConnectionId> {
    let measured = |id: &ConnectionId| {
        let c = trace.connection(*id);
        c.protocol.is_tcp() && c.progress.established
    };
    let ids: Vec<ConnectionId> = each_once(
        servers
            .iter()
            .flat_map(|(at, _)| places.get(&(service, *at)).into_iter().flatten())
            .filter(|(_, own)| measured(own))
            .map(|(front, _)| *front),
    );
    ids
}

impl Server {
    fn at_server(&mut self, trace: &Trace, leg: &Leg) -> bool {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        if there.retransmissions > 0 || back.retransmissions > 0 {
            return false;
        }
        if there.opened() && back.accepted() && there.syns <= 1 && back.syns <= 1 {
            self.accept.add(back.syn.since(there.syn));
        }
        // A server that speaks first waits for nobody.
        let asked = there.data.is_set() && back.data.frame() > there.data.frame();
        if asked {
            self.answer.add(back.data.since(there.data));
        }
        asked
    }

    fn before(&mut self, trace: &Trace, leg: &Leg) -> bool {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let once = there.opened() && back.accepted() && there.syns <= 1 && back.syns <= 1;
        if once {
            self.reach.add(back.syn.since(there.syn));
        }
        let again = there.retransmissions > 0 || back.retransmissions > 0;
        if !again && there.data.is_set() && back.data.frame() > there.data.frame() {
            self.reply.add(back.data.since(there.data));
        }
        once
    }
}

/// From the request to the answer less what the handshake took, where one vantage shows
/// both, each once, nanoseconds.
fn thought(trace: &Trace, leg: &Leg) -> Option<i64> {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let opened = there.opened() && back.accepted() && there.syns <= 1 && back.syns <= 1;
    let once = there.retransmissions == 0 && back.retransmissions == 0;
    let asked = there.data.is_set() && back.data.frame() > there.data.frame();
    let connect = back.syn.since(there.syn);
    (opened && once && asked).then(|| (back.data.since(there.data) - connect).max(0))
}

/// Those of a pool that stand out from the others.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::diagnose) struct Outliers {
    /// By index, with their quartiles, the quickest of them first.
    pub slow: Vec<(usize, Quartiles)>,
    /// The median of the slowest of the others, nanoseconds.
    pub usual: u64,
    /// How often chance gives such an order.
    pub chance: f64,
}

impl Outliers {
    /// Likely; only possible where few samples leave room for chance.
    pub(in crate::diagnose) fn confidence(&self) -> Confidence {
        if self.chance <= DURATIONS_SURE { Confidence::Likely } else { Confidence::Possible }
    }

    /// What few samples leave room for, as a sentence; empty where they are enough.
    pub(in crate::diagnose) fn caveat(&self) -> String {
        if self.chance <= DURATIONS_SURE {
            return String::new();
        }
        let one_in = (1.0 / self.chance).round();
        format!(
            " Samples are few: chance gives this order once in {one_in} times; the difference is large, though."
        )
    }
}

/// Which of a pool stand out from the others: all above the widest step, if that is wide
/// enough and the exact test of their samples leaves chance little room.
pub(in crate::diagnose) fn outliers(pool: &[(usize, &Samples)], at_least: u64) -> Option<Outliers> {
    let mut sorted: Vec<(usize, &Samples, Quartiles)> =
        pool.iter().filter_map(|(at, s)| Some((*at, *s, s.quartiles()?))).collect();
    sorted.sort_by_key(|(.., q)| q.median);
    // Of those before each: the highest upper quartile; of it and those after it: the lowest
    // lower one.
    let mut uppers = vec![0; sorted.len() + 1];
    for (at, (.., q)) in sorted.iter().enumerate() {
        uppers[at + 1] = uppers[at].max(q.upper);
    }
    let mut lowers = vec![u64::MAX; sorted.len() + 1];
    for (at, (.., q)) in sorted.iter().enumerate().rev() {
        lowers[at] = lowers[at + 1].min(q.lower);
    }
    (1..sorted.len()).rev().find_map(|at| {
        let (below, above) = (&sorted[..at], &sorted[at..]);
        let (usual, least) = (below[at - 1].2.median, above[0].2.median);
        let times = |n| least >= usual.saturating_mul(n);
        let apart = least >= usual.saturating_add(at_least) && lowers[at] > uppers[at];
        if !apart || !times(DURATIONS_TIMES) {
            return None;
        }
        let all = |set: &[(usize, &Samples, Quartiles)]| -> Vec<u64> {
            set.iter().flat_map(|(_, samples, _)| samples.0.iter().copied()).collect()
        };
        let chance = rank_sum::chance(&all(above), &all(below));
        let stands =
            chance <= DURATIONS_SURE || chance <= DURATIONS_TOLD && times(DURATIONS_FEW_TIMES);
        stands.then(|| Outliers {
            slow: above.iter().map(|(at, _, q)| (*at, *q)).collect(),
            usual,
            chance,
        })
    })
}

/// Milliseconds, for a sentence.
pub(in crate::diagnose) fn ms(ns: u64) -> String {
    let tenths = ns / 100_000;
    if tenths >= 1000 {
        format!("{} ms", tenths / 10)
    } else {
        format!("{}.{} ms", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const NOBODY: [usize; 0] = [];

    fn quartiles(ms: &[i64]) -> Option<Quartiles> {
        let mut samples = Samples::default();
        for ms in ms {
            samples.add(ms * 1_000_000);
        }
        samples.quartiles()
    }

    fn found(pool: &[&[i64]]) -> Option<Outliers> {
        let samples: Vec<Samples> = pool
            .iter()
            .map(|ms| {
                let mut samples = Samples::default();
                ms.iter().for_each(|ms| samples.add(ms * 1_000_000));
                samples
            })
            .collect();
        let pool: Vec<_> = samples.iter().enumerate().collect();
        outliers(&pool, 50 * MS)
    }

    fn outlying(pool: &[&[i64]]) -> Vec<usize> {
        let slow = found(pool).map(|out| out.slow).unwrap_or_default();
        slow.into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn too_few_or_negative_samples_have_no_median() {
        assert_eq!(quartiles(&[1, 2]), None);
        assert_eq!(quartiles(&[1, 2, -4]), None);
        let q = quartiles(&[4, 1, 3, 2, 5]);
        assert_eq!(q, Some(Quartiles { lower: 2 * MS, median: 3 * MS, upper: 4 * MS }));
    }

    #[test]
    fn a_server_stands_out_by_factor_and_by_difference() {
        let fast = &[3, 3, 4, 5][..];
        assert_eq!(outlying(&[fast, &[900, 1000, 1000, 1100]]), [1]);
        assert_eq!(outlying(&[fast, &[900, 1000, 1000, 1100], fast]), [1]);
        assert_eq!(outlying(&[fast, &[30, 40, 40, 50]]), NOBODY);
        assert_eq!(outlying(&[&[500, 500, 510, 520], &[900, 1000, 1000, 1100]]), NOBODY);
        assert_eq!(outlying(&[&[900, 1000, 1000, 1100]]), NOBODY);
    }

    #[test]
    fn three_against_three_are_told_where_the_difference_is_large() {
        let few = found(&[&[2, 2, 3], &[1500, 1500, 1510]]).unwrap();
        assert_eq!(few.confidence(), Confidence::Possible);
        assert!(few.caveat().contains("once in 20 times"), "{}", few.caveat());
        // Ten times the others' median, or a tenth less.
        assert_eq!(outlying(&[&[100, 100, 100], &[1000, 1000, 1000]]), [1]);
        assert_eq!(outlying(&[&[100, 100, 100], &[990, 990, 990]]), NOBODY);
        // One that is as quick as the others, and the order may be chance.
        assert_eq!(outlying(&[&[2, 2, 3], &[3, 1500, 1510]]), NOBODY);
        // Two are too few, whatever they took.
        assert_eq!(outlying(&[&[2, 2, 2, 2, 2, 2, 2, 2], &[1500, 1500]]), NOBODY);
    }

    #[test]
    fn four_against_four_need_no_large_difference() {
        let enough = found(&[&[100, 100, 100, 100], &[300, 300, 300, 300]]).unwrap();
        assert_eq!((enough.confidence(), enough.caveat().as_str()), (Confidence::Likely, ""));
        assert_eq!(outlying(&[&[100, 100, 100, 100], &[299, 299, 299, 299]]), NOBODY);
        // Three are enough against many.
        let many = found(&[&[100, 101, 102, 103, 104], &[400, 400, 400]]).unwrap();
        assert_eq!(many.confidence(), Confidence::Likely);
    }

    #[test]
    fn one_slow_first_packet_moves_nothing() {
        assert_eq!(outlying(&[&[3, 3, 4, 5, 4], &[900, 3, 4, 4, 3]]), NOBODY);
    }

    #[test]
    fn times_that_overlap_are_no_difference_of_servers() {
        assert_eq!(outlying(&[&[3, 4, 5, 800, 900, 1000], &[3, 4, 700, 800, 900, 1000]]), NOBODY);
        assert_eq!(outlying(&[&[3, 3, 4, 600, 700], &[300, 400, 400, 500, 500]]), NOBODY);
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(ms(251_149_000), "251 ms");
        assert_eq!(ms(5_349_000), "5.3 ms");
        assert_eq!(ms(49_000), "0.0 ms");
    }
}
