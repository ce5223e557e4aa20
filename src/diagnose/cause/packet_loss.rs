//! Frames disappear between two captured hosts.
//!
//! A range of bytes that leaves one host more often than it arrives at the next
//! was lost between them as often as it is missing there. Ranges are compared,
//! not frames, since offload cuts them differently at each host. What a capture
//! itself lost is not counted: a vantage with holes in a stream, or that began
//! later or ended earlier, proves nothing.

use super::super::facts::list;
use super::super::{Confidence, Detection, Finding, Names, Proof, Severity, ToConfirm};
use super::stateful_device_half_path::half;
use crate::correlate::Leg;
use crate::flow::{Flow, Link, Repeat};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{seq_gt, seq_lt};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

/// Losses that make a finding: one is nothing unusual.
const MIN_LOST: usize = 3;
/// And their share of the frames, one in so many.
const ONE_IN: u64 = 1000;
/// A capture that ends sooner after a repeat may have missed it, nanoseconds.
const MARGIN_NS: i64 = 100_000_000;
/// Repeats of one connection that are compared.
const MAX_COMPARED: usize = 1024;

/// Service, from, to, and whether the client sent it.
type Segment = (ServiceId, HostId, HostId, bool);

pub(in crate::diagnose) fn detect(trace: &Trace) -> Detection {
    let mut sets: BTreeMap<Segment, Loss> = BTreeMap::new();
    let repeats = by_link(trace);
    let mut compared = false;
    // Nothing repeated, nothing lost: then it only matters that it could be seen.
    let repeated = trace.requests().any(|(_, c)| c.progress.repeats);
    for (id, c) in trace.requests().filter(|(_, c)| c.protocol == 6) {
        if compared && !repeated {
            break;
        }
        let service = trace.topology.service_of[id.0 as usize];
        for forward in [true, false] {
            for [from, to] in neighbours(trace, id, forward) {
                let out = place(trace, id, from, forward, true);
                let into = place(trace, id, to, forward, false);
                if out.is_empty() || into.is_empty() {
                    continue;
                }
                compared = true;
                let loss = sets.entry((service, from, to, forward)).or_default();
                loss.frames += out.iter().map(|p| u64::from(p.link.packets)).sum::<u64>();
                // What a host on the way says that it dropped, it dropped.
                if c.progress.repeats
                    && trace.errors_of(id).next().is_none()
                    && half(trace, id).is_none()
                {
                    let lost = lost(trace, &repeats, &out, &into);
                    if let Some(first) = lost.first() {
                        loss.add(id, *first, &out, lost.len());
                    }
                }
            }
        }
    }
    sets.retain(|_, loss| loss.lost >= MIN_LOST && loss.lost as u64 * ONE_IN >= loss.frames);
    let findings = sets.iter().map(|(segment, loss)| finding(trace, *segment, loss)).collect();
    Detection::from(findings, || {
        if compared {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no two hosts of one path were captured; capture on both sides of the suspected link at once"
                    .to_owned(),
            )
        }
    })
}

#[derive(Default)]
struct Loss {
    lost: usize,
    frames: u64,
    ids: Vec<ConnectionId>,
    shown: Option<(At, At)>,
}

impl Loss {
    fn add(&mut self, id: ConnectionId, first: At, out: &[Place<'_>], lost: usize) {
        self.lost += lost;
        self.ids.push(id);
        let begin = out.first().map(|p| At { vantage: first.vantage, mark: p.link.first });
        if self.shown.is_none() {
            self.shown = begin.map(|begin| (begin, first));
        }
    }
}

/// A link of a connection's flow at a host.
struct Place<'a> {
    leg: &'a Leg,
    flow: &'a Flow,
    index: u32,
    link: &'a Link,
}

/// Captured hosts that follow each other on a connection's way.
fn neighbours(trace: &Trace, id: ConnectionId, forward: bool) -> Vec<[HostId; 2]> {
    let service = trace.service(id);
    let legs = trace.legs(id);
    let client = legs.iter().find(|leg| trace.is_client_side(id, leg));
    let mut way: Vec<HostId> = client.and_then(|leg| trace.host_of(leg)).into_iter().collect();
    let passes = forward || matches!(service.mode, Mode::Nat | Mode::FullNat);
    if passes {
        let here = |host: &HostId| legs.iter().any(|leg| trace.host_of(leg) == Some(*host));
        let mut directors = service.directors.iter().map(|d| d.host).filter(here);
        way.extend(directors.next());
        // With two directors on the way nobody knows their order.
        if directors.next().is_some() {
            return Vec::new();
        }
    }
    way.extend(trace.server(id).and_then(|s| s.host));
    way.dedup();
    if !forward {
        way.reverse();
    }
    way.windows(2).map(|pair| [pair[0], pair[1]]).filter(|[a, b]| a != b).collect()
}

/// Where a flow leaves or reaches a host.
fn place(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
    forward: bool,
    leaves: bool,
) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    for leg in trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)) {
        let vantage = trace.vantage(leg);
        let flow = if forward { trace.forward(leg) } else { trace.reply(leg) };
        let mut next = flow.link;
        while let Some(index) = next.index() {
            let link = &vantage.links[index];
            let hop = vantage.hop(link);
            let fits = if leaves {
                vantage.own.sent(hop) == Some(true) && vantage.own.arrived(hop) != Some(true)
            } else {
                vantage.own.arrived(hop) == Some(true)
            };
            if fits && !hop.link.is_loopback() {
                places.push(Place { leg, flow, index: index as u32, link });
            }
            next = link.next;
        }
    }
    places
}

type Repeats<'a> = Vec<BTreeMap<u32, Vec<&'a Repeat>>>;

fn by_link(trace: &Trace) -> Repeats<'_> {
    trace
        .vantages
        .iter()
        .map(|vantage| {
            let mut links: BTreeMap<u32, Vec<&Repeat>> = BTreeMap::new();
            for repeat in &vantage.rare.repeats {
                links.entry(repeat.link).or_default().push(repeat);
            }
            links
        })
        .collect()
}

/// Repeats at all places; `None` where not all were kept.
fn repeats_at<'a>(repeats: &Repeats<'a>, places: &[Place<'_>]) -> Option<Vec<(usize, &'a Repeat)>> {
    let mut found = Vec::new();
    for place in places {
        let vantage = usize::from(place.leg.vantage);
        let here = repeats[vantage].get(&place.index).map_or(&[][..], Vec::as_slice);
        if here.len() != usize::from(place.link.retransmissions) || here.len() > MAX_COMPARED {
            return None;
        }
        found.extend(here.iter().map(|r| (vantage, *r)));
    }
    Some(found)
}

/// The repeats that left and whose first transmission, or they themselves, did
/// not arrive.
fn lost(trace: &Trace, repeats: &Repeats<'_>, out: &[Place<'_>], into: &[Place<'_>]) -> Vec<At> {
    let (Some(sent), Some(came)) = (repeats_at(repeats, out), repeats_at(repeats, into)) else {
        return Vec::new();
    };
    // Holes that were never filled: that capture misses frames itself.
    if sent.is_empty() || into.iter().any(|p| trace.vantage(p.leg).has_hole(p.link)) {
        return Vec::new();
    }
    let mut left: Vec<(u32, u32)> = came.iter().map(|(_, r)| (r.from, r.to)).collect();
    let mut lost = Vec::new();
    for (vantage, repeat) in sent {
        let at = At { vantage, mark: repeat.mark };
        let matched = left
            .iter()
            .position(|(from, to)| !seq_gt(*from, repeat.from) && seq_gt(*to, repeat.from));
        if let Some(matched) = matched {
            consume(&mut left, matched, repeat);
        } else if watched(trace, into, at, repeat) {
            lost.push(at);
        }
    }
    lost
}

/// Takes what a repeat covers out of what arrived again.
fn consume(left: &mut Vec<(u32, u32)>, at: usize, repeat: &Repeat) {
    let (from, to) = left.swap_remove(at);
    if seq_lt(from, repeat.from) {
        left.push((from, repeat.from));
    }
    if seq_gt(to, repeat.to) {
        left.push((repeat.to, to));
    }
}

/// Whether a vantage was there before the bytes were first sent and after they
/// were sent again, and saw them arrive in the end.
fn watched(trace: &Trace, into: &[Place<'_>], at: At, repeat: &Repeat) -> bool {
    into.iter().any(|p| {
        let vantage = trace.vantage(p.leg);
        let end = trace.end_of(vantage);
        seq_lt(p.flow.isn, repeat.from)
            && !seq_gt(repeat.to, p.flow.end_seq)
            && end.0.saturating_sub(trace.time(at).0) >= MARGIN_NS
    })
}

fn finding(trace: &Trace, (service, from, to, forward): Segment, loss: &Loss) -> Finding {
    let names = Names(trace);
    let s = &trace.topology.services[service.0 as usize];
    let (a, b) = (names.host(from), names.host(to));
    let per_mille = (loss.lost as u64 * 1000).checked_div(loss.frames).unwrap_or(0);
    let share = format!("{}.{} %", per_mille / 10, per_mille % 10);
    let direction = if forward { "client to server" } else { "server to client" };
    let title = format!("packets are lost between {a} and {b} ({share})");
    let explanation = format!(
        "Of {} frames of {} that left {a} for {b} ({direction}), {} or more never arrived: the same bytes left again, and {b} saw them once. The captures at both ends are without holes, so what lies between them lost them: a cable, a switch, a queue, a network card, a host on the way. Each loss costs a retransmission, 200 ms and more where no later packet tells of it.",
        loss.frames,
        s.name(),
        loss.lost
    );
    let mut finding = Finding::cause("packet-loss", title, explanation);
    let failed = loss.ids.iter().any(|id| trace.connection(*id).outcome.failed());
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    finding.confidence = Confidence::Certain;
    let hosts = list(&[a.clone(), b.clone()]);
    finding.to_confirm.push(ToConfirm {
        host: hosts.clone(),
        command: "ip -s -s link show; tc -s qdisc show; ethtool -S IFACE | grep -iE 'err|drop|crc|miss'".to_owned(),
        why: "a counter that grows with the losses names the place; if none does, ask the switch between them".to_owned(),
    });
    finding.to_confirm.push(ToConfirm {
        host: "either, for its own interface".to_owned(),
        command: "ethtool IFACE; ethtool -g IFACE".to_owned(),
        why:
            "speed and duplex must be the same at both ends of the cable, the ring not the smallest"
                .to_owned(),
    });
    if let Some((first, again)) = loss.shown {
        finding.proofs = vec![
            Proof {
                at: first,
                note: format!("the first frame of the connection that leaves {a} for {b}"),
            },
            Proof { at: again, note: format!("bytes leave {a} again; {b} saw them once only") },
        ];
    }
    // The real server of the two first: it names the link.
    let mut ends = [from, to];
    ends.sort_by_key(|h| s.is_director(*h) || !s.real_servers.iter().any(|r| r.host == Some(*h)));
    if let Some(r) = s.real_servers.iter().find(|r| r.host == Some(ends[0])) {
        let until = "until the link is mended";
        finding.fixes = vec![super::rest(trace, service, ends[0], r.port, until)];
    }
    finding.subjects = ends
        .iter()
        .map(|host| {
            let role = if s.is_director(*host) {
                "director"
            } else if s.real_servers.iter().any(|r| r.host == Some(*host)) {
                "real server"
            } else {
                "client"
            };
            names.subject(role, *host)
        })
        .collect();
    finding.connections = loss.ids.clone();
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Mark;

    #[test]
    fn a_repeat_takes_its_bytes_out_of_what_arrived_again() {
        let repeat = |from, to| Repeat { link: 0, from, to, mark: Mark::NONE };
        let mut left = vec![(100, 400)];
        consume(&mut left, 0, &repeat(200, 300));
        left.sort_unstable();
        assert_eq!(left, [(100, 200), (300, 400)]);
        consume(&mut left, 0, &repeat(100, 200));
        assert_eq!(left, [(300, 400)]);
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut left = vec![(u32::MAX - 9, 10)];
        consume(&mut left, 0, &Repeat { link: 0, from: u32::MAX - 9, to: 5, mark: Mark::NONE });
        assert_eq!(left, [(5, 10)]);
    }
}
