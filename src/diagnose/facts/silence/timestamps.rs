//! SYNs that a real server drops for their timestamps.
//!
//! The kernel's memory is followed SYN by SYN at the real server's own capture
//! (`tcp_peer_is_proven`, `tcp_remember_stamp`): it is written where the server closes
//! first, and holds for a minute. Every SYN that got nothing must lie below it and every
//! one that was answered at once must not; one SYN against it, and nothing is found.

use crate::diagnose::facts::way::arrivals::Arrived;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{
    FIRST_TRY_NS, TIMESTAMPS_CERTAIN, TIMESTAMPS_KEPT_NS, TIMESTAMPS_LIKELY, TIMESTAMPS_TICKS,
};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, seq_gt};
use std::collections::{BTreeMap, BTreeSet};

const WINDOW: u32 = 1;

/// What a server dropped for its timestamps.
pub(in crate::diagnose) struct Dropped {
    /// Connections of which SYNs were dropped, some answered later.
    pub ids: Vec<ConnectionId>,
    /// Sources concerned, most concerned first, with how many were dropped and taken.
    pub sources: Vec<(Ip, usize, usize)>,
    pub certain: bool,
    pub proofs: Vec<Proof>,
}

/// The timestamp that a server remembers of a source: it lies between these.
#[derive(Debug, Clone, Copy)]
struct Memory {
    low: u32,
    high: u32,
    at: crate::flow::Mark,
}

/// What the memory makes of a SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Dropped,
    Taken,
    /// Nothing is remembered.
    Free,
    Unclear,
}

impl Memory {
    fn fate(memory: Option<Self>, tsval: u32, syn: crate::flow::Mark) -> Fate {
        let Some(m) = memory.filter(|m| syn.since(m.at) < TIMESTAMPS_KEPT_NS) else {
            return Fate::Free;
        };
        if seq_gt(m.low, tsval.wrapping_add(WINDOW)) {
            Fate::Dropped
        } else if seq_gt(m.high, tsval) {
            Fate::Unclear
        } else {
            Fate::Taken
        }
    }

    /// A connection that the server closed first is remembered by its latest timestamp:
    /// at least that of the SYN, at most as much more as its clock may have run.
    fn of(a: &Arrived) -> Option<Self> {
        let low = a.tsval.filter(|_| a.accepted.is_set())?;
        let (server, client) = a.fins;
        let first = server.is_set() && client.is_set() && server.frame() < client.frame();
        let ran = (a.last.since(a.syn).max(0) / 1_000_000 + 1) * TIMESTAMPS_TICKS;
        let high = low.wrapping_add(u32::try_from(ran).unwrap_or(u32::MAX / 4));
        first.then_some(Self { low, high, at: client })
    }

    /// A newer timestamp takes its place, and any one once it is old.
    fn take(memory: &mut Option<Self>, new: Self) {
        let stays = |m: &Self| new.at.since(m.at) < TIMESTAMPS_KEPT_NS && seq_gt(m.low, new.low);
        if !memory.as_ref().is_some_and(stays) {
            *memory = Some(new);
        }
    }
}

/// The SYNs of one source at one capture, held against what is remembered.
#[derive(Default)]
struct Source<'a> {
    dropped: Vec<&'a Arrived>,
    taken: Vec<&'a Arrived>,
    /// The latest connection that is remembered before the first dropped SYN.
    remembered: Option<&'a Arrived>,
}

/// What a server drops if it drops exactly the SYNs whose timestamps go back.
pub(in crate::diagnose) fn dropped(trace: &Trace, all: &[Arrived]) -> Option<Dropped> {
    let mut by_source: BTreeMap<(usize, Ip), Vec<&Arrived>> = BTreeMap::new();
    for a in all {
        by_source.entry((a.capture, a.source)).or_default().push(a);
    }
    let mut found: Vec<(Ip, Source<'_>)> = Vec::new();
    for ((_, ip), of_source) in by_source {
        let source = follow(trace, of_source)?;
        if !source.dropped.is_empty() {
            found.push((ip, source));
        }
    }
    let between = |s: &Source<'_>| s.between().count();
    let enough =
        |(d, t): (usize, usize)| found.iter().any(|(_, s)| s.dropped.len() >= d && between(s) >= t);
    if !enough(TIMESTAMPS_LIKELY) {
        return None;
    }
    let certain = enough(TIMESTAMPS_CERTAIN);
    // Others were taken while each one that was dropped knocked.
    let alternate = found.iter().all(|(_, s)| s.dropped.iter().all(|d| s.taken_during(d)));
    found.sort_by_key(|(ip, s)| (std::cmp::Reverse(s.dropped.len()), *ip));
    let sources = found.iter().map(|(ip, s)| (*ip, s.dropped.len(), between(s))).collect();
    Some(Dropped {
        ids: found.iter().flat_map(|(_, s)| s.dropped.iter().map(|a| a.id)).collect(),
        sources,
        certain: certain && alternate,
        proofs: found.first().map(|(_, s)| s.proofs()).unwrap_or_default(),
    })
}

impl<'a> Source<'a> {
    /// Those taken between the first dropped SYN and the last.
    fn between(&self) -> impl Iterator<Item = &'a Arrived> {
        let first = self.dropped.iter().map(|d| d.syn.frame()).min().unwrap_or(u32::MAX);
        let last = self.dropped.iter().map(|d| d.end()).max().unwrap_or(0);
        self.taken.iter().copied().filter(move |t| (first..last).contains(&t.syn.frame()))
    }

    fn taken_during(&self, dropped: &Arrived) -> bool {
        self.taken.iter().any(|t| (dropped.syn.frame()..dropped.end()).contains(&t.syn.frame()))
    }

    fn proofs(&self) -> Vec<Proof> {
        let Some(first) = self.dropped.iter().min_by_key(|d| d.syn.frame()) else {
            return Vec::new();
        };
        let proof = |a: &Arrived, mark, note: String| Proof::on(a.vantage, mark, note);
        let stamp = |a: &Arrived| a.tsval.unwrap_or(0);
        let mut proofs = Vec::new();
        if let Some(r) = self.remembered {
            let note =
                format!("a connection of {} that the server closed: TSval {}", r.source, stamp(r));
            proofs.push(proof(r, r.syn, note));
        }
        let note = format!("a SYN with TSval {}, which is older: nothing answers", stamp(first));
        proofs.push(proof(first, first.syn, note));
        if let Some(t) = self.taken.iter().find(|t| t.syn.frame() > first.syn.frame()) {
            let note = format!("a SYN with TSval {} after it is answered at once", stamp(t));
            proofs.push(proof(t, t.syn, note));
        }
        proofs
    }
}

impl Arrived {
    /// Its SYNs were answered late or never: the frame until which they were sent.
    fn end(&self) -> u32 {
        if self.accepted.is_set() { self.accepted.frame() } else { self.last_syn.frame() }
    }

    fn is_prompt(&self) -> bool {
        self.accepted.is_set() && self.accepted.since(self.syn) < FIRST_TRY_NS
    }
}

/// Follows the memory of one source; `None` if a SYN speaks against it.
fn follow<'a>(trace: &Trace, mut syns: Vec<&'a Arrived>) -> Option<Source<'a>> {
    syns.sort_unstable_by_key(|a| a.syn.frame());
    let mut closings: Vec<(Memory, &Arrived)> =
        syns.iter().filter_map(|a| Some((Memory::of(a)?, *a))).collect();
    closings.sort_unstable_by_key(|(m, _)| m.at.frame());
    let mut closings = closings.into_iter().peekable();
    let (mut memory, mut latest) = (None, None);
    let mut source = Source::default();
    for a in syns {
        while let Some((new, by)) = closings.next_if(|(m, _)| m.at.frame() < a.syn.frame()) {
            Memory::take(&mut memory, new);
            latest = Some(by);
        }
        let silent = a.is_silent(trace) || a.syns > 1 && a.accepted.is_set() && !a.is_prompt();
        // Without timestamps kernels differ, and nothing can be told.
        let Some(tsval) = a.tsval else { continue };
        match Memory::fate(memory, tsval, a.syn) {
            Fate::Dropped if a.is_prompt() => return None,
            Fate::Taken | Fate::Free if silent => return None,
            Fate::Dropped if silent => {
                source.remembered = source.remembered.or(latest);
                source.dropped.push(a);
            }
            Fate::Taken if a.is_prompt() => source.taken.push(a),
            _ => {}
        }
    }
    Some(source)
}

/// Whether a host's own capture shows what comes and what it answers.
pub(in crate::diagnose) fn shows(trace: &Trace, host: HostId) -> bool {
    let vantages = &trace.topology.hosts.get(host).vantages;
    vantages.iter().any(|v| trace.vantages[v.index()].shows.both_ways)
}

/// The real servers to which SYNs were sent again, by service; mostly none.
pub(in crate::diagnose) fn suspects(trace: &Trace) -> BTreeSet<(ServiceId, HostId)> {
    let mut found = BTreeSet::new();
    for (i, c) in trace.connections.list.iter().enumerate() {
        if !c.protocol.is_tcp() || c.progress.syns < 2 {
            continue;
        }
        let id = ConnectionId(i as u32);
        let service = trace.topology.service_of[i];
        let s = trace.service(id);
        let host = trace.server(id).and_then(|server| server.host);
        if let Some(host) = host.filter(|h| {
            !s.is_backend
                && Mode::LAYER_4.contains(&s.mode)
                && !s.is_director(*h)
                && shows(trace, *h)
        }) {
            found.insert((service, host));
        }
    }
    found
}
