//! Which connections and streams the evidence of a finding lies in.
//!
//! A proof is a frame; what reads or shows its surroundings (filters, extracts) asks
//! here what it is a part of. Found by the milestones that flows keep, so a frame that
//! is none (ARP, a repeat in the middle) is of no stream.

use crate::correlate::Leg;
use crate::diagnose::Finding;
use crate::flow::{Flow, Mark, Observations, Stream, VantageId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The connections of a finding and, through a proxy, those behind and before them.
pub(crate) fn concerned(trace: &Trace, finding: &Finding) -> BTreeSet<ConnectionId> {
    let own = || finding.connections.iter().chain(&finding.strays).copied();
    let tied = own().flat_map(|id| {
        let pairs = &trace.pairs;
        let of = [&pairs.backends, &pairs.clients, &pairs.attempts];
        of.into_iter().filter_map(move |map| map.get(&id.0)).flatten().map(|id| ConnectionId(*id))
    });
    own().chain(tied).collect()
}

/// The connections that the evidence of a finding lies in.
pub(crate) fn proven(trace: &Trace, finding: &Finding) -> BTreeSet<ConnectionId> {
    let frames = Frames::new(trace);
    let streams: HashSet<(VantageId, usize)> = finding
        .proofs
        .iter()
        .filter_map(|proof| Some((proof.at.vantage, frames.stream_of(proof.at)?)))
        .collect();
    let holds = |id: &ConnectionId| {
        let mut legs = trace.legs(*id).iter();
        legs.any(|leg| streams.contains(&(leg.vantage, leg.stream as usize)))
    };
    if streams.is_empty() {
        return BTreeSet::new();
    }
    trace.iter().map(|(id, _)| id).filter(holds).collect()
}

/// The connection of which a frame is a milestone.
pub(crate) fn connection_of(trace: &Trace, at: At) -> Option<ConnectionId> {
    let stream = stream_of(trace, at)?;
    let is = |leg: &Leg| leg.vantage == at.vantage && leg.stream as usize == stream;
    trace.iter().map(|(id, _)| id).find(|id| trace.legs(*id).iter().any(is))
}

/// The stream of which a frame is a milestone, by index at its vantage.
pub(crate) fn stream_of(trace: &Trace, at: At) -> Option<usize> {
    Frames::new(trace).stream_of(at)
}

/// Steps of walks over streams, for each stream of a vantage, after which an index is made: it takes about as long as
/// they did. Nearly all proofs are of one of the latest streams that had begun, so that most vantages need none.
const STEPS: usize = 64;
/// Steps that are taken anyway.
const NEAR: usize = 1 << 15;

/// What frames are, for who asks of many: of which stream one is a milestone, of which neighbour it speaks. Sorted by
/// frame the first time that it is needed, so that a frame of no stream costs no walk over all that were open.
pub(crate) struct Frames<'t> {
    trace: &'t Trace,
    vantages: OnceLock<Vec<OfVantage>>,
    /// Frames of requests and answers, with the exchange.
    exchanges: OnceLock<Vec<(VantageId, u32, u32)>>,
}

#[derive(Default)]
struct OfVantage {
    /// Whether streams stand in the order of their first frames.
    sorted: OnceLock<bool>,
    /// Steps that walks over streams took.
    walked: AtomicUsize,
    /// Milestones, each with its stream.
    milestones: OnceLock<Vec<(u32, u32)>>,
    /// Frames of ARP and neighbour discovery, each with the address that it is about.
    neighbors: OnceLock<Vec<(u32, Ip)>>,
}

impl<'t> Frames<'t> {
    /// Of a trace; nothing is sorted yet.
    pub(crate) fn new(trace: &'t Trace) -> Self {
        Self { trace, vantages: OnceLock::new(), exchanges: OnceLock::new() }
    }

    fn vantage(&self, at: At) -> Option<(&'t Observations, &OfVantage)> {
        let all = self
            .vantages
            .get_or_init(|| self.trace.vantages.iter().map(|_| OfVantage::default()).collect());
        self.trace.vantages.get(at.vantage.index()).zip(all.get(at.vantage.index()))
    }

    /// The stream of which a frame is a milestone, by index at its vantage.
    pub(crate) fn stream_of(&self, at: At) -> Option<usize> {
        let (vantage, of) = self.vantage(at)?;
        // Most frames of no stream are of neighbours, which are few: streams need not be sorted for them.
        if self.neighbor_of(at).is_some() {
            return None;
        }
        let streams = &vantage.streams;
        let frame = at.mark.frame();
        let spans = |stream: &Stream| is_within(stream.first(), stream.last(), at.mark);
        let has = |stream: &Stream| milestones(vantage, stream).any(|mark| mark == at.mark);
        let is = |index: usize| spans(&streams[index]) && has(&streams[index]);
        let begun = streams.partition_point(|stream| stream.first().frame() <= frame);
        let reach = self.trace.reach(at.vantage);
        let mut open = (0..begun).rev().take_while(|index| reach[*index] >= frame);
        let left = (STEPS * streams.len()).max(NEAR).saturating_sub(of.walked.load(Relaxed));
        let mut steps = 0;
        let mut near = open.by_ref().take(left).inspect(|_| steps += 1);
        let found = near.find(|index| is(*index));
        of.walked.fetch_add(steps, Relaxed);
        if found.is_some() {
            return found;
        }
        let first = |stream: &Stream| stream.first().frame();
        let sorted = || *of.sorted.get_or_init(|| streams.is_sorted_by_key(first));
        if open.next().is_some() || !sorted() {
            let all = of.milestones.get_or_init(|| sorted_milestones(vantage));
            let mut here = equal(all, |(other, _)| *other, frame).iter().rev();
            if let Some((_, index)) = here.find(|(_, index)| is(*index as usize)) {
                return Some(*index as usize);
            }
        }
        self.exchanged(at)
    }

    /// The stream on which a request or an answer was read again.
    fn exchanged(&self, at: At) -> Option<usize> {
        let all = &self.trace.pairs.exchanges;
        let sorted = self.exchanges.get_or_init(|| {
            let frames = all.iter().enumerate().flat_map(|(n, e)| {
                [e.request, e.response].map(|mark| (e.vantage, mark.frame(), n as u32))
            });
            let mut frames: Vec<_> = frames.collect();
            frames.sort_unstable();
            frames
        });
        let here =
            equal(sorted, |(vantage, frame, _)| (*vantage, *frame), (at.vantage, at.mark.frame()));
        let mut here = here.iter().map(|(.., n)| &all[*n as usize]);
        let exchange = here.find(|e| [e.request, e.response].contains(&at.mark))?;
        let spans = |stream: &Stream| is_within(stream.first(), stream.last(), at.mark);
        let mut legs = self.trace.legs(ConnectionId(exchange.connection)).iter();
        let own = |leg: &&Leg| leg.vantage == at.vantage && spans(leg.of(&self.trace.vantages));
        legs.find(own).map(|leg| leg.stream as usize)
    }

    /// The address that a frame of ARP or neighbour discovery claims, asks for or disputes.
    pub(crate) fn neighbor_of(&self, at: At) -> Option<Ip> {
        let (vantage, of) = self.vantage(at)?;
        let all = of.neighbors.get_or_init(|| {
            let known = &vantage.neighbors;
            let claims = known.bindings.iter().map(|b| (b.ip, [b.first, b.last, b.last]));
            let asks = known.asks.iter().map(|a| (a.target, [a.first, a.last, a.last]));
            let disputes = known.disputes.iter().map(|d| (d.ip, [d.before, d.first, d.last]));
            let all = claims.chain(asks).chain(disputes);
            let mut frames: Vec<(u32, Ip)> = all
                .flat_map(|(ip, marks)| {
                    marks.into_iter().filter_map(Mark::get).map(move |m| (m.frame(), ip))
                })
                .collect();
            // One frame may be two of them: who claims comes first.
            frames.sort_by_key(|(frame, _)| *frame);
            frames
        });
        equal(all, |(frame, _)| *frame, at.mark.frame()).first().map(|(_, ip)| *ip)
    }
}

fn sorted_milestones(vantage: &Observations) -> Vec<(u32, u32)> {
    let mut all: Vec<(u32, u32)> = Vec::new();
    for (index, stream) in vantage.streams.iter().enumerate() {
        all.extend(milestones(vantage, stream).map(|mark| (mark.frame(), index as u32)));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Those of a sorted list that have a key.
fn equal<T, K: Ord>(list: &[T], key: impl Fn(&T) -> K, wanted: K) -> &[T] {
    let from = list.partition_point(|one| key(one) < wanted);
    let rest = &list[from..];
    &rest[..rest.partition_point(|one| key(one) <= wanted)]
}

/// The frames that a stream keeps.
fn milestones<'v>(
    vantage: &'v Observations,
    stream: &'v Stream,
) -> impl Iterator<Item = Mark> + 'v {
    let of = move |f: &'v Flow| {
        let own = [f.first, f.last, f.syn, f.ack, f.data, f.fin, f.rst, f.rst_answers];
        let links = vantage.links_of(f);
        let links = links.flat_map(move |link| [link.first, link.last, vantage.first_repeat(link)]);
        own.into_iter().chain(links)
    };
    stream.flows.iter().flat_map(of).filter_map(Mark::get)
}

/// Whether a frame lies between two others of its vantage.
pub(crate) fn is_within(first: Mark, last: Mark, mark: Mark) -> bool {
    (first.frame()..=last.frame()).contains(&mark.frame())
}
