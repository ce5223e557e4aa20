//! One packet's way: every place that saw it, in path order.
//!
//! A place is a vantage with the direction in which the packet passed it. TTLs, MACs and
//! the order of frames at one vantage put places in order; clocks do so only between
//! vantages that nothing else orders.

use super::{Manner, Packet};
use crate::correlate::Leg;
use crate::flow::{Flow, Hop, Link, Mark, Observations, VantageId};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};

/// How a packet passed a vantage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Passage {
    /// It came to the host on which the capture was taken.
    In,
    /// That host sent it.
    Out,
    /// It never left the host: over lo.
    Loopback,
    /// It passed; the capture does not tell whose it was.
    Passing,
}

impl Passage {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Loopback => "lo",
            Self::Passing => "passing",
        }
    }
}

/// A packet at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Vantage, frame and time.
    pub at: At,
    /// How it passed.
    pub passage: Passage,
    /// Which of the connection's five-tuples it had.
    pub tuple: u8,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// The host on which it was captured.
    pub host: Option<HostId>,
    /// Who sent the frame.
    pub from: Option<HostId>,
    /// Whom the frame was for.
    pub to: Option<HostId>,
    /// How often it passed here: transmissions of a SYN or SYN-ACK, 0 for other packets.
    pub times: u16,
}

impl Sighting {
    /// What tells places apart.
    #[must_use]
    pub fn place(&self) -> (VantageId, Passage, u8) {
        (self.at.vantage, self.passage, self.tuple)
    }
}

/// A packet of a connection, by what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// SYN or SYN-ACK, its first transmission.
    Syn,
    /// First segment after it.
    Ack,
    /// First payload.
    Data,
    /// First RST.
    Rst,
    /// First payload that was sent again.
    Repeat,
    /// The last packet of each place, which need not be the same.
    Last,
}

impl Milestone {
    /// The frame of a link that shows it first.
    fn on(self, vantage: &Observations, flow: &Flow, link: &Link) -> Option<Mark> {
        let mark = match self {
            Self::Syn => flow.syn,
            Self::Ack => flow.ack,
            Self::Data => flow.data,
            Self::Rst => flow.rst,
            Self::Repeat => return vantage.first_repeat(link).get(),
            Self::Last => return link.last.get(),
        };
        if self == Self::Data && carried_none(vantage, flow, link) {
            return None;
        }
        let mark = mark.get()?;
        match self {
            Self::Syn => (link.syns > 0).then_some(link.first),
            // A flow keeps the first of each; a link that was used since then carried it
            // or what followed.
            _ if link.first.frame() <= mark.frame() && mark.frame() <= link.last.frame() => {
                Some(mark)
            }
            Self::Rst => None,
            _ => (link.first.frame() > mark.frame()).then_some(link.first),
        }
    }
}

/// Whether a link that carried other segments of a flow, such as its FIN, lacks all of its bytes.
fn carried_none(vantage: &Observations, flow: &Flow, link: &Link) -> bool {
    let lacks = vantage.hole(link).map_or(0, |(bytes, _)| u64::from(bytes));
    flow.payload > 0 && lacks >= flow.payload
}

/// The places of one packet in path order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journey(pub Vec<Sighting>);

impl Journey {
    /// Where a connection's packet was seen: one of the client's if `forward`.
    #[must_use]
    pub fn of(trace: &Trace, id: ConnectionId, forward: bool, what: Milestone) -> Self {
        let last = trace.connection(id).tuples.saturating_sub(1);
        let mut seen = Vec::new();
        for leg in trace.legs(id) {
            let flow = if forward { trace.forward(leg) } else { trace.reply(leg) };
            for (link, hop) in trace.path(leg, flow) {
                if let Some(mark) = what.on(trace.vantage(leg), flow, link) {
                    let times = if what == Milestone::Syn { link.syns } else { 0 };
                    seen.push(Sighting { times, ..sighting(trace, leg, hop, mark) });
                }
            }
        }
        // What a host merely overhears, as switches flood it, is on nobody's way.
        if seen.iter().any(|s| !is_overheard(trace, s)) {
            let overheard: Vec<Sighting> =
                seen.extract_if(.., |s| is_overheard(trace, s)).collect();
            // But it tells for whom a frame was where the sender's capture does not.
            for s in seen.iter_mut().filter(|s| s.passage == Passage::Out && s.to.is_none()) {
                let same = |o: &&Sighting| (o.from, o.tuple, o.ttl) == (s.host, s.tuple, s.ttl);
                s.to = s.host.and(overheard.iter().find(same)).and_then(|o| o.to);
            }
        }
        let rank = |s: &Sighting| if forward { s.tuple } else { last - s.tuple.min(last) };
        seen.sort_by(|a: &Sighting, b: &Sighting| {
            rank(a).cmp(&rank(b)).then(b.ttl.cmp(&a.ttl)).then_with(|| {
                if a.at.vantage == b.at.vantage {
                    a.at.mark.frame().cmp(&b.at.mark.frame())
                } else {
                    a.at.vantage.cmp(&b.at.vantage)
                }
            })
        });
        for same in seen.chunk_by_mut(|a, b| rank(a) == rank(b) && a.ttl == b.ttl) {
            chain(same);
        }
        Self(seen)
    }

    /// The last place.
    #[must_use]
    pub fn last(&self) -> Option<&Sighting> {
        self.0.last()
    }

    /// The first place that had it more often than the next one, and that next one: where
    /// transmissions were lost. A place that a capture shows by another interface of the
    /// same passage is the same place.
    /// What is seen further on again was missed by a capture.
    #[must_use]
    pub fn thinned(&self) -> Option<(&Sighting, &Sighting)> {
        let pairs = self.0.windows(2).map(|pair| (&pair[0], &pair[1])).enumerate();
        let beyond = |at: usize| most_times(&self.0[at..]);
        let thins = |(at, (here, next)): &(usize, (&Sighting, &Sighting))| {
            next.times > 0 && here.times > beyond(at + 1)
        };
        pairs.into_iter().find(thins).map(|(_, pair)| pair)
    }

    /// The first place.
    #[must_use]
    pub fn first(&self) -> Option<&Sighting> {
        self.0.first()
    }
}

/// How often the one of these places that had the packet most often had it: a host that chooses the way anew
/// for each sends them to several others.
fn most_times(places: &[Sighting]) -> u16 {
    let times = |place: &Sighting| {
        let mut by_next: Vec<(Option<HostId>, u16)> = Vec::new();
        let here = places.iter().filter(|s| s.place() == place.place() && s.ttl == place.ttl);
        for seen in here {
            match by_next.iter_mut().find(|(to, _)| *to == seen.to) {
                Some((_, times)) => *times = (*times).max(seen.times),
                None => by_next.push((seen.to, seen.times)),
            }
        }
        by_next.iter().fold(0, |sum: u16, (_, times)| sum.saturating_add(*times))
    };
    places.iter().map(times).max().unwrap_or(0)
}

fn sighting(trace: &Trace, leg: &Leg, hop: &Hop, mark: Mark) -> Sighting {
    let own = &trace.vantage(leg).own;
    let host = trace.host_of(leg);
    let passage = if hop.link.is_loopback() {
        Passage::Loopback
    } else if own.arrived(hop) == Some(true) {
        Passage::In
    } else if own.sent(hop) == Some(true) {
        Passage::Out
    } else {
        Passage::Passing
    };
    let (from, to) = match passage {
        Passage::Loopback => (host, host),
        Passage::In => (trace.host_by_mac(hop.link.src), host),
        Passage::Out => (host, trace.host_by_mac(hop.link.dst)),
        Passage::Passing => (trace.host_by_mac(hop.link.src), trace.host_by_mac(hop.link.dst)),
    };
    let at = trace.at(leg, mark);
    Sighting { at, passage, tuple: leg.tuple, ttl: hop.ttl, host, from, to, times: 0 }
}

/// Whether a frame was neither for the host that captured it nor from it, where that is known: a
/// capture of everybody's frames overhears nothing.
fn is_overheard(trace: &Trace, seen: &Sighting) -> bool {
    let own = &trace.vantages[seen.at.vantage.index()].own;
    seen.passage == Passage::Passing && !own.span && !own.macs.is_empty() && !own.overlay
}

/// Where hosts do not lower the TTL, the receiver of one step sends the next.
fn chain(places: &mut [Sighting]) {
    for at in 0..places.len() {
        let first = (at..places.len()).find(|&i| {
            let here = places[i];
            !(at..places.len()).any(|j| j != i && comes_before(&places[j], &here))
        });
        if let Some(first) = first {
            places[at..=first].rotate_right(1);
        }
    }
}

/// Whether a frame leads to another: it arrives where that one leaves, or leaves where
/// that one arrives.
fn comes_before(a: &Sighting, b: &Sighting) -> bool {
    if a.at.vantage == b.at.vantage {
        return a.at.mark.frame() < b.at.mark.frame();
    }
    // A cooked capture does not tell to whom a frame left.
    let same_step = a.from == b.from && (a.to == b.to || a.to.is_none());
    if same_step {
        return a.passage == Passage::Out && b.passage == Passage::In;
    }
    b.from.is_some() && a.to == b.from && a.from != b.to
}

/// The packet's first transmission among what flows keep.
pub(super) fn milestone(packet: Packet) -> Milestone {
    match packet {
        Packet::Syn | Packet::SynAck | Packet::HealthCheck => Milestone::Syn,
        Packet::Ack => Milestone::Ack,
        Packet::Greeting
        | Packet::Request
        | Packet::Response
        | Packet::Datagram
        | Packet::ServerDatagram => Milestone::Data,
    }
}

/// What became of a packet that nobody answered, and where it was last seen.
pub(super) fn silence(
    trace: &Trace,
    id: ConnectionId,
    packet: Packet,
) -> (Manner, Option<Sighting>) {
    let journey = Journey::of(trace, id, packet.is_forward(), milestone(packet));
    let Some(last) = journey.last().copied() else { return (Manner::UnseenBeyond, None) };
    let kept = matches!(last.passage, Passage::In | Passage::Loopback)
        && trace.vantages[last.at.vantage.index()].shows.both_ways;
    (if kept { Manner::Swallowed } else { Manner::UnseenBeyond }, Some(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn at(vantage: u16, frame: u32, passage: Passage, from: u32, to: u32) -> Sighting {
        Sighting {
            at: At {
                vantage: VantageId(vantage),
                mark: Mark::new(frame, Timestamp(i64::from(frame))),
            },
            passage,
            tuple: 0,
            ttl: 64,
            host: None,
            from: Some(HostId(from)),
            to: Some(HostId(to)),
            times: 0,
        }
    }

    #[test]
    fn what_is_seen_further_on_was_not_lost_before() {
        let seen = |frame, passage, times| Sighting { times, ..at(0, frame, passage, 0, 1) };
        let out = seen(1, Passage::Out, 2);
        let (thin, whole) = (seen(2, Passage::In, 1), seen(3, Passage::Out, 2));
        assert!(Journey(vec![out, thin, whole]).thinned().is_none());
        let lost = Journey(vec![out, thin, seen(3, Passage::Out, 1)]);
        assert_eq!(lost.thinned().map(|(here, _)| here.at), Some(out.at));
        // A router sends one on to one host and one to another.
        let on = |frame, to| Sighting { times: 1, ..at(1, frame, Passage::Out, 1, to) };
        assert!(Journey(vec![out, on(5, 2), on(9, 3)]).thinned().is_none());
        assert!(Journey(vec![out, on(5, 2), on(9, 2)]).thinned().is_some());
    }

    #[test]
    fn places_of_one_ttl_follow_the_macs() {
        // Client 0, director 1, real server 2, whose captures come in any order.
        let steps = [
            at(0, 1, Passage::Out, 0, 1),
            at(1, 1, Passage::In, 0, 1),
            at(1, 2, Passage::Out, 1, 2),
            at(2, 9, Passage::In, 1, 2),
        ];
        let mut mixed = vec![steps[3], steps[1], steps[2], steps[0]];
        chain(&mut mixed);
        assert_eq!(mixed, steps);
    }
}
