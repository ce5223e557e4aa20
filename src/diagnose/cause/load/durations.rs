//! How long servers and networks take, for the detectors that compare them.
//!
//! Every duration lies between two frames of one vantage: clocks are never
//! compared. What was sent again tells of loss and not of slowness, and is left
//! out. Servers are compared with the others of their pool only, by medians and
//! quartiles, which one slow first packet (ARP, a cold cache) does not move.

use crate::correlate::Leg;
use crate::diagnose::Fix;
use crate::topology::{HostId, Mode, Ordinary, RealServer, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Connections of one server below which it is not judged.
pub(in crate::diagnose) const MIN_SAMPLES: usize = 4;
/// Samples of one server that are kept; the first are as good as any.
const MAX_SAMPLES: usize = 1 << 12;
/// How many times the others' time is slow.
const TIMES: u64 = 3;

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
        if self.0.len() < MIN_SAMPLES {
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
    /// Connections that were measured.
    measured: usize,
}

/// Services' real servers by index into [`crate::topology::Service::real_servers`].
pub(in crate::diagnose) type Durations = BTreeMap<ServiceId, Vec<Server>>;

/// Measures all balanced services.
pub(in crate::diagnose) fn measure(trace: &Trace) -> Durations {
    let mut all = Durations::new();
    let hosts: Vec<Option<HostId>> =
        (0..trace.vantages.len()).map(|v| trace.host_of_vantage(v)).collect();
    for (id, c) in trace.iter().filter(|(_, c)| c.protocol.is_tcp() && c.progress.established) {
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
            let host = hosts[usize::from(leg.vantage)];
            if host == Some(own) {
                measured |= server.at_server(trace, leg);
            } else if host.is_some_and(|h| s.is_director(h)) || at_client(leg) {
                measured |= server.before(trace, leg);
            }
        }
        server.measured += usize::from(measured);
    }
    all
}

/// The client's connection that a connection is part of, and the real server of it.
pub(in crate::diagnose) fn place(trace: &Trace, id: ConnectionId) -> Option<(ConnectionId, usize)> {
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

/// The connections of one real server of a service, a proxy's own where it has one.
pub(in crate::diagnose) fn served_by(
    trace: &Trace,
    service: ServiceId,
    at: usize,
) -> impl Iterator<Item = ConnectionId> {
    trace.iter().map(|(id, _)| id).filter(move |id| {
        place(trace, *id).is_some_and(|(front, n)| n == at && trace.service_of(front) == service)
    })
}

/// How to keep new connections away from a real server, where IPVS chooses it.
pub(in crate::diagnose) fn spare(
    trace: &Trace,
    service: ServiceId,
    at: usize,
    until: &str,
) -> Option<Fix> {
    let s = trace.topology.service(service);
    let server = &s.real_servers[at];
    let host = server.host.filter(|_| matches!(s.mode, Mode::Nat | Mode::Dr | Mode::Tun))?;
    Some(crate::diagnose::words::rest(trace, service, host, server.port, until))
}

/// The connections of some real servers of a service, as its clients know them.
pub(in crate::diagnose) fn connections(
    trace: &Trace,
    service: ServiceId,
    servers: &[(usize, Quartiles)],
) -> Vec<ConnectionId> {
    let mut ids: Vec<ConnectionId> = trace
        .iter()
        .filter(|(_, c)| c.protocol.is_tcp() && c.progress.established)
        .filter_map(|(id, _)| place(trace, id))
        .filter(|(front, _)| trace.service_of(*front) == service)
        .filter(|(_, at)| servers.iter().any(|(known, _)| known == at))
        .map(|(front, _)| front)
        .collect();
    ids.sort_unstable();
    ids.dedup();
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
        once
    }
}

/// Which of a pool stand out from the others, and the median of the others, the
/// slowest of them: all above the widest step, if that is wide enough.
pub(in crate::diagnose) fn outliers(
    pool: &[(usize, Quartiles)],
    at_least: u64,
) -> Option<(Vec<(usize, Quartiles)>, u64)> {
    let mut sorted = pool.to_vec();
    sorted.sort_by_key(|(_, q)| q.median);
    let step = (1..sorted.len()).rev().find(|at| {
        let (below, above) = (&sorted[..*at], &sorted[*at..]);
        let usual = below.iter().map(|(_, q)| q.median).max().unwrap_or_default();
        let upper = below.iter().map(|(_, q)| q.upper).max().unwrap_or_default();
        above.iter().all(|(_, q)| {
            q.median >= usual.saturating_mul(TIMES)
                && q.median >= usual.saturating_add(at_least)
                && q.lower > upper
        })
    })?;
    let usual = sorted[step - 1].1.median;
    Some((sorted.split_off(step), usual))
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

    fn outlying(pool: &[&[i64]]) -> Vec<usize> {
        let pool: Vec<_> =
            pool.iter().enumerate().filter_map(|(i, ms)| Some((i, quartiles(ms)?))).collect();
        outliers(&pool, 50 * MS)
            .map(|(out, _)| out.iter().map(|(i, _)| *i).collect())
            .unwrap_or_default()
    }

    #[test]
    fn too_few_or_negative_samples_have_no_median() {
        assert_eq!(quartiles(&[1, 2, 3]), None);
        assert_eq!(quartiles(&[1, 2, 3, -4]), None);
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
