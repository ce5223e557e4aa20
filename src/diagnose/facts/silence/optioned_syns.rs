//! SYNs that leave a director with IP options, and without, and which of them are answered.

use crate::capture::Timestamp;
use crate::correlate::Leg;
use crate::diagnose::Confidence;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{NO_COINCIDENCE, PAIR};
use crate::flow::Mark;
use crate::topology::{HostId, Mode};
use crate::trace::{ConnectionId, Trace};

/// What a director sent on of a connection, by its own capture.
pub(in crate::diagnose) struct Sent<'a> {
    pub leg: &'a Leg,
    /// All packets had options, or none had.
    pub options: bool,
    /// The first packet that left.
    pub first: Mark,
    pub last: Mark,
}

/// What a director sent of a connection.
pub(in crate::diagnose) fn sent(trace: &Trace, id: ConnectionId) -> Option<Sent<'_>> {
    let service = trace.service(id);
    if service.mode == Mode::Unknown || service.mode == Mode::Proxy {
        return None;
    }
    let legs = trace.legs(id).iter();
    let at_director = |leg: &&Leg| trace.host_of(leg).is_some_and(|h| service.is_director(h));
    legs.filter(at_director).find_map(|leg| {
        let vantage = trace.vantage(leg);
        let (mut packets, mut options) = (0, 0);
        let (mut first, mut last) = (Mark::NONE, Mark::NONE);
        for (link, hop, with) in vantage.options_of(trace.forward(leg)) {
            if vantage.own.sent(hop) != Some(true) || hop.link.is_loopback() {
                continue;
            }
            packets += link.packets;
            options += with.packets;
            first.set_once(link.first);
            last = link.last;
        }
        let whole = packets > 0 && (options == 0 || options == packets);
        whole.then_some(Sent { leg, options: options > 0, first, last })
    })
}

/// What went without options from directors to one real server, of all services.
#[derive(Default, Clone, Copy)]
pub(in crate::diagnose) struct Plain {
    pub passed: usize,
    pub lost: usize,
}

/// A real server that packets with options of one service do not reach.
pub(in crate::diagnose) struct Lossy<'a> {
    pub host: HostId,
    pub way: &'a ToServer,
    /// Connections without options that did reach it.
    pub others: usize,
    pub confidence: Confidence,
}

/// What went from directors to one real server of one service.
#[derive(Default)]
pub(in crate::diagnose) struct ToServer {
    /// With options, and lost.
    pub lost: Vec<ConnectionId>,
    /// One of these must have been answered, and was not.
    pub unanswered: bool,
    /// With options, and arrived or answered.
    pub passed: bool,
    /// Without, and arrived or answered.
    pub others: usize,
    /// When the first that was lost left the director.
    pub since: Option<Timestamp>,
    /// When the last without that passed did.
    pub until: Option<Timestamp>,
}

impl ToServer {
    pub fn add(
        &mut self,
        trace: &Trace,
        id: ConnectionId,
        host: HostId,
        sent: &Sent<'_>,
        plain: &mut Plain,
    ) {
        let c = trace.connection(id);
        let p = c.progress;
        let answered = p.answered || p.established || p.response;
        let passes = answered || trace.delivered(id, host);
        let left = trace.time(trace.at(sent.leg, sent.first));
        match (sent.options, passes) {
            (true, true) => self.passed = true,
            (true, false) => {
                self.since = Some(self.since.map_or(left, |at| at.min(left)));
                self.lost.push(id);
                self.unanswered |= c.outcome.failed();
            }
            (false, true) => {
                self.others += 1;
                plain.passed += 1;
                self.until = self.until.max(Some(left));
            }
            (false, false) => plain.lost += 1,
        }
    }

    pub fn confidence(&self, trace: &Trace, host: HostId, plain: Plain) -> Option<Confidence> {
        if self.passed || plain.lost > 0 || plain.passed == 0 || self.lost.len() < PAIR {
            return None;
        }
        let vantages = &trace.topology.hosts.get(host).vantages;
        let seen = vantages.iter().any(|v| trace.vantages[v.index()].shows.both_ways);
        let many = self.lost.len() >= NO_COINCIDENCE && plain.passed >= PAIR;
        match (seen, self.others) {
            (true, PAIR..) if self.until > self.since => Some(Confidence::Certain),
            (true, 1..) => Some(Confidence::Likely),
            (true, 0) => (many && self.unanswered).then_some(Confidence::Likely),
            (false, _) => (many && self.unanswered).then_some(Confidence::Possible),
        }
    }
}

/// A packet with options that leaves, and one without that arrives.
pub(in crate::diagnose) fn proofs(
    trace: &Trace,
    id: ConnectionId,
    set: &[Lossy<'_>],
) -> Vec<Proof> {
    let mut proofs = Vec::new();
    if let Some(lost) = sent(trace, id) {
        let note = "a packet with IP options leaves the director";
        proofs.extend(trace.proof(lost.leg, lost.first, note));
        if lost.last != lost.first {
            let note = "and again; none of them arrives";
            proofs.extend(trace.proof(lost.leg, lost.last, note));
        }
    }
    let host = set.iter().find(|d| d.way.lost.contains(&id)).map(|d| d.host);
    // One without options that arrives at the same real server.
    let arrived = trace.iter().filter(|(id, _)| {
        let server = trace.server(*id).and_then(|s| s.host);
        server == host && host.is_some_and(|h| trace.delivered(*id, h))
    });
    let plain = arrived.map(|(id, _)| id).find(|id| sent(trace, *id).is_some_and(|s| !s.options));
    if let Some(plain) = plain {
        for leg in trace.legs(plain).iter().filter(|leg| trace.host_of(leg) == host) {
            let own = &trace.vantage(leg).own;
            let note = "a packet without options arrives at the real server";
            let came = |hop: &crate::flow::Hop| own.arrived(hop) == Some(true);
            proofs.extend(trace.proof_on(leg, trace.forward(leg), came, note));
        }
    }
    proofs
}
