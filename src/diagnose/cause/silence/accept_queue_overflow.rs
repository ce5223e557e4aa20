//! A listener's queue of finished handshakes is full: its kernel drops further
//! SYNs without a word (Linux `tcp_conn_request`, `sk_acceptq_is_full`).
//!
//! All of it shows at the real server's own capture: SYNs that arrive again and
//! again and get nothing, while connections of the same sources that it accepted
//! before wait for their first answer, their requests acknowledged by the kernel
//! and not read by the program. Loss on the way is none of it: what counts has
//! arrived.

use crate::diagnose::cause::silence::tw_recycle_nat_timestamps as recycled;
use crate::diagnose::cause::way::arrivals::{Arrived, arrived, may_be_silent};
use crate::diagnose::cause::{by_server_host, needs_mode, severity};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{agree, explained, name, rest, share};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, ToConfirm,
};
use crate::flow::Mark;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, seq_lt};
use std::collections::{BTreeMap, HashMap, HashSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

/// Connections that must get nothing.
const MIN_SILENT: usize = 2;

const MODES: [Mode; 4] = [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    let mut looked = false;
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || !MODES.contains(&service.mode) {
            continue;
        }
        let of_service = facts
            .requests()
            .filter(|(id, c)| c.protocol.is_tcp() && facts.service_of(*id).0 as usize == i);
        let mut full: Vec<Full> = Vec::new();
        for (host, ids) in by_server_host(facts, of_service.map(|(id, _)| id)) {
            looked = looked || ids.iter().any(|id| arrived(facts, *id, host).is_some());
            // Nearly every server is spared the closer look.
            let suspect = ids.iter().any(|id| may_be_silent(facts.connection(*id)));
            if suspect && !service.is_director(host) {
                let all: Vec<Arrived> =
                    ids.iter().filter_map(|id| arrived(facts, *id, host)).collect();
                full.extend(judge(facts, host, &all));
            }
        }
        // Most concerned first, whatever the order of the captures.
        full.sort_by_key(|f| {
            let subject = Names(facts).subject(Role::RealServer, f.host);
            (std::cmp::Reverse(f.silent.len()), subject.address, subject.mac)
        });
        if !full.is_empty() {
            findings.push(finding(facts, ServiceId(i as u32), &full));
        }
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &MODES) {
            return other;
        }
        if looked {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no real server's own capture shows the SYNs that reach it; capture on them"
                    .to_owned(),
            )
        }
    })
}

impl Arrived {
    /// The frames between which its request was received and not answered.
    fn waits(&self) -> Option<(u32, u32)> {
        let end = [self.response, self.reset].iter().filter_map(|m| m.get()).map(Mark::frame).min();
        let (start, end) = (self.request.get()?.frame(), end.unwrap_or(u32::MAX));
        (self.accepted.is_set() && start < end).then_some((start, end))
    }
}

/// Requests that wait, by capture: when they begin to and when they cease, each in
/// order, so that thousands are counted without comparing each with each.
struct Waiting(BTreeMap<usize, (Vec<u32>, Vec<u32>)>);

impl Waiting {
    fn of(all: &[Arrived]) -> Self {
        let mut captures: BTreeMap<usize, (Vec<u32>, Vec<u32>)> = BTreeMap::new();
        for (a, (start, end)) in all.iter().filter_map(|a| Some((a, a.waits()?))) {
            let (starts, ends) = captures.entry(a.capture).or_default();
            starts.push(start);
            ends.push(end);
        }
        for (starts, ends) in captures.values_mut() {
            starts.sort_unstable();
            ends.sort_unstable();
        }
        Self(captures)
    }

    /// How many wait when the first SYN of a connection arrives.
    fn at(&self, syn: &Arrived) -> usize {
        let Some((starts, ends)) = self.0.get(&syn.capture) else { return 0 };
        let before = |frames: &[u32]| frames.partition_point(|frame| *frame < syn.syn.frame());
        before(starts) - before(ends)
    }
}

/// By connection: whether its timestamp is lower than that of an earlier accepted SYN
/// of its source; absent without one.
fn backward(all: &[Arrived]) -> HashMap<ConnectionId, bool> {
    let mut ordered: Vec<&Arrived> = all.iter().collect();
    ordered.sort_unstable_by_key(|a| (a.capture, a.source, a.syn.frame()));
    let mut found = HashMap::new();
    for of_source in ordered.chunk_by(|a, b| (a.capture, a.source) == (b.capture, b.source)) {
        let mut highest: Option<u32> = None;
        for a in of_source {
            let Some(own) = a.tsval else { continue };
            if let Some(high) = highest {
                found.insert(a.id, seq_lt(own, high));
            }
            if a.accepted.is_set() && highest.is_none_or(|high| seq_lt(high, own)) {
                highest = Some(own);
            }
        }
    }
    found
}

/// A server whose queue is full.
struct Full {
    host: HostId,
    silent: Vec<ConnectionId>,
    /// A SYN that got nothing, first and last, and a request that waits then.
    shown: (At, At),
    waiting: At,
    /// Requests that wait when the first such SYN arrives.
    depth: usize,
}

fn judge(trace: &Trace, host: HostId, all: &[Arrived]) -> Option<Full> {
    // Silence towards a source that never gets an answer is a filter's.
    let known: HashSet<Ip> = all.iter().filter(|a| a.accepted.is_set()).map(|a| a.source).collect();
    let silent: Vec<&Arrived> =
        all.iter().filter(|a| a.is_silent(trace) && known.contains(&a.source)).collect();
    let waiting = Waiting::of(all);
    if silent.len() < MIN_SILENT
        || silent.iter().any(|s| waiting.at(s) == 0)
        || recycled::fits(trace, all).is_some()
    {
        return None;
    }
    // A server that remembers timestamps by source drops exactly those that go
    // back, and no others.
    let backward = backward(all);
    let goes_back = |a: &Arrived| backward.get(&a.id) == Some(&true);
    let by_time = silent.iter().all(|s| goes_back(s))
        && !all.iter().any(|a| a.accepted.is_set() && goes_back(a));
    let first = silent.iter().min_by_key(|s| (s.capture, s.syn.frame()))?;
    let waits = all.iter().find(|a| {
        let within = |(start, end)| start < first.syn.frame() && first.syn.frame() <= end;
        a.capture == first.capture && a.waits().is_some_and(within)
    })?;
    (!by_time).then(|| Full {
        host,
        silent: silent.iter().map(|s| s.id).collect(),
        shown: (
            At { vantage: first.vantage, mark: first.syn },
            At { vantage: first.vantage, mark: first.last_syn },
        ),
        waiting: At { vantage: waits.vantage, mark: waits.request },
        depth: waiting.at(first),
    })
}

fn finding(facts: &Facts, service: ServiceId, full: &[Full]) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = full.iter().flat_map(|f| f.silent.iter().copied()).collect();
    let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
    let subjects: Vec<_> = full.iter().map(|f| say.subject(Role::RealServer, f.host)).collect();
    let who = crate::diagnose::words::names(&subjects);
    let depth = full.iter().map(|f| f.depth).min().unwrap_or(0);
    let verb = agree(full.len(), "accepts", "accept");
    let title = format!("{who} {verb} connections more slowly than they come");
    let explanation = format!(
        "SYNs for {} arrive at {who} and get nothing, while others of the same sources were answered. When they arrive, {depth} or more accepted connections wait for a first answer: the kernel acknowledged their requests, and the program has not answered. A listener whose accept queue is full drops new SYNs without a word. {} connections are lost.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("accept-queue-overflow", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Likely;
    finding.candidates.push(Candidate {
        id: "rs-silent",
        tell_apart: "then a firewall limits new connections: TcpExtListenOverflows stands still and a rule's counter grows".to_owned(),
    });
    for f in full {
        let server = name(&say.subject(Role::RealServer, f.host));
        finding.to_confirm.push(ToConfirm {
            host: server.clone(),
            command: format!("nstat -az TcpExtListenOverflows TcpExtListenDrops; ss -ltn 'sport = :{port}'"),
            why: "ListenOverflows that grows with every lost SYN, or a Recv-Q above Send-Q: this is it".to_owned(),
        });
        finding.fixes.push(Fix {
            host: format!("{server}, with a listen backlog as long in the program, which then must be restarted"),
            command: sysctl::set(&[("net.core.somaxconn", "4096")]),
            disruptive: false,
            undo: explained(sysctl::set(&[("net.core.somaxconn", "128")]), "or what it was before"),
        });
        finding.fixes.push(rest(facts, service, f.host, port, "until the program keeps up"));
        finding.proofs.extend([
            Proof { at: f.waiting, note: "a request that no answer follows until then".to_owned() },
            Proof { at: f.shown.0, note: "a SYN that arrives meanwhile".to_owned() },
            Proof { at: f.shown.1, note: "and again; nothing answers".to_owned() },
        ]);
    }
    finding.subjects = subjects;
    finding.connections = ids;
    finding
}
