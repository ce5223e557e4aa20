//! Questions by ARP or neighbour discovery that nobody answered.

use crate::capture::Timestamp;
use crate::diagnose::facts::shared_bits;
use crate::diagnose::thresholds::{
    ARP_UNANSWERED_ON_AND_ON, ARP_WAIT_NS, JUDGE_NETWORK_BITS_V6 as NETWORK_BITS_V6, QUESTIONS,
};
use crate::flow::{
    Ask, Binding, Claim, Hop, IcmpErrorKind, Mark, Neighbors, Observations, Side, VantageId,
};
use crate::topology::{HostId, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Direction, Ip, Mac};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Rounds of questions: within one, each follows the one before by a second. A tool that asks on and on has one.
const ROUNDS: u32 = 2;

/// Questions that nobody answered, with the index of the vantage: at vantages to
/// which the answer would have come, and at others where the asker shows by its
/// repeats that none came.
pub(in crate::diagnose) fn unanswered(trace: &Trace) -> Vec<(VantageId, &Ask)> {
    let begged = begged(trace);
    let known = asks(trace);
    let overheard = VantageId::each(&trace.vantages).flat_map(|(v, vantage)| {
        let asks = vantage.neighbors.asks.iter().filter(|ask| is_begging(ask));
        let asks = asks.filter(|_| !vantage.shows.one_way);
        asks.filter(|ask| !asked_here(vantage, ask)).map(move |ask| (v, ask))
    });
    let vain = |(v, ask): &(VantageId, &Ask)| {
        let seen = &trace.vantages[v.index()];
        begged.contains(&ask.target)
            || is_announced(seen, ask)
            || is_asked_beside(seen, ask) && !is_claimed(trace, ask.target)
    };
    known.chain(overheard.filter(vain)).collect()
}

/// Whether a host announced the address, is asked for it round after round and says nothing, while it does answer
/// for another: it is there, and its responder is not.
pub(in crate::diagnose) fn is_announced(seen: &Observations, ask: &Ask) -> bool {
    let of = |binding: &&Binding| binding.ip == ask.target && binding.claim == Claim::Announcement;
    ask.again >= ARP_UNANSWERED_ON_AND_ON
        && ask.answers == 0
        && ask.asker.is_host()
        && seen.neighbors.bindings.iter().filter(of).any(|announced| {
            let answers = |binding: &Binding| {
                binding.mac == announced.mac
                    && binding.claim == Claim::Reply
                    && binding.ip != ask.target
                    && binding.last.frame() > ask.first.frame()
            };
            announced.mac != ask.asker_mac && seen.neighbors.bindings.iter().any(answers)
        })
}

/// Rounds of three questions after which somebody surely wants to send something there. Judgement.
const ROUNDS_IN_VAIN: u32 = 3;

/// Whether a neighbour that the captured host answers for an address of its own asks beside it, round after round, for
/// another one of the same IPv6 network, and nobody answers. Of IPv4, routers look for whatever address a scan names.
pub(in crate::diagnose) fn is_asked_beside(seen: &Observations, ask: &Ask) -> bool {
    let often = ask.count >= ROUNDS_IN_VAIN * 3 && ask.again >= ROUNDS_IN_VAIN * 2;
    let near = |ip: Ip| !ip.is_v4() && shared_bits(ip, ask.target) >= NETWORK_BITS_V6;
    let own = |target: Ip| {
        let mut claims = seen.neighbors.bindings.iter().filter(|b| b.ip == target);
        claims.any(|b| b.claim == Claim::Reply && seen.own.has(b.mac))
    };
    often
        && ask.answers == 0
        && !ask.target.is_v4()
        && !ask.target.is_link_local()
        && !seen.own.has(ask.asker_mac)
        && seen.neighbors.asks.iter().any(|other| {
            other.asker_mac == ask.asker_mac
                && other.answers > 0
                && near(other.target)
                && own(other.target)
        })
}

/// Whether anybody claims an address, at any vantage.
fn is_claimed(trace: &Trace, ip: Ip) -> bool {
    trace.vantages.iter().any(|v| v.neighbors.bindings.iter().any(|b| b.ip == ip))
}

/// Questions at the asker's own vantage for an address that had answered it, and then did no more: no word of it
/// is heard since.
pub(in crate::diagnose) fn fell_silent(trace: &Trace) -> Vec<(VantageId, &Ask)> {
    let mut found = Vec::new();
    for (v, vantage) in VantageId::each(&trace.vantages) {
        let waits = |ask: &&Ask| {
            ask.answers > 0
                && ask.open >= ARP_UNANSWERED_ON_AND_ON
                && ask.again >= ARP_UNANSWERED_ON_AND_ON
                && ask.asker.is_host()
        };
        let mut asks = vantage.neighbors.asks.iter().filter(waits).peekable();
        if asks.peek().is_none() {
            continue;
        }
        let heard = heard(vantage);
        let vain = |ask: &&Ask| {
            let of = heard.get(&ask.target);
            // Answers are unicast. Where it is not known that the vantage is the asker's, one may be flooded by a
            // switch that does not know the asker yet.
            (asked_here(vantage, ask) || of.is_some_and(|heard| heard.replies > 1))
                && of.is_none_or(|heard| ask.last.at().0 - heard.last.0 >= ARP_WAIT_NS)
        };
        found.extend(asks.filter(vain).map(|ask| (v, ask)));
    }
    found
}

/// Questions at the asker's own vantage that were asked again and again in vain, and answered at last.
pub(in crate::diagnose) fn answered_late(trace: &Trace) -> Vec<(VantageId, &Ask)> {
    let late = |vantage: &Observations, ask: &&Ask| {
        ask.answers > 0
            && ask.again >= ARP_UNANSWERED_ON_AND_ON
            && ask.open < ARP_UNANSWERED_ON_AND_ON
            && ask.asker.is_host()
            && asked_here(vantage, ask)
    };
    let all = VantageId::each(&trace.vantages);
    all.flat_map(|(v, vantage)| {
        vantage.neighbors.asks.iter().filter(|ask| late(vantage, ask)).map(move |ask| (v, ask))
    })
    .collect()
}

/// What is heard of an address at a vantage.
struct Heard {
    replies: u32,
    last: Timestamp,
}

fn heard(vantage: &Observations) -> HashMap<Ip, Heard> {
    let mut heard: HashMap<Ip, Heard> = HashMap::new();
    for binding in &vantage.neighbors.bindings {
        let of = heard.entry(binding.ip).or_insert(Heard { replies: 0, last: binding.last.at() });
        of.last = of.last.max(binding.last.at());
        if binding.claim == Claim::Reply {
            of.replies += binding.count;
        }
    }
    heard
}

/// A host that got an answer does not ask again a second later.
fn is_begging(ask: &Ask) -> bool {
    ask.again >= QUESTIONS && ask.answers == 0 && ask.asker.is_host()
}

/// Whether captures hold nothing but a question, which a host asks in round after round, as a kernel does that gets no
/// answer: wherever it was captured, who is answered does not begin another round. Beside connections that are
/// captured, or other questions, it is somebody else's matter: absent hosts are looked for on any link.
pub(in crate::diagnose) fn is_all_there_is(trace: &Trace, ask: &Ask) -> bool {
    is_begging(ask)
        && ask.again >= ARP_UNANSWERED_ON_AND_ON
        && ask.count >= ask.again + ROUNDS
        && trace.connections.list.is_empty()
        && trace.vantages.iter().all(|vantage| {
            vantage.unopened.hiding().is_empty()
                && vantage.neighbors.asks.iter().all(|other| other.target == ask.target)
        })
}

/// Addresses that are asked for again and again, that nobody claims at any
/// vantage, and to which every connection fails. A tool that asks on and on
/// (`arping -b`) asks for an address that somebody claims or that answers.
fn begged(trace: &Trace) -> HashSet<Ip> {
    let neighbors = || trace.vantages.iter().map(|v| &v.neighbors);
    let asks = || neighbors().flat_map(|n| &n.asks);
    let mut begged: HashSet<Ip> = asks().filter(|a| is_begging(a)).map(|a| a.target).collect();
    if begged.is_empty() {
        return begged;
    }
    for binding in neighbors().flat_map(|n| &n.bindings) {
        begged.remove(&binding.ip);
    }
    let mut failed: HashSet<Ip> =
        asks().filter(|ask| is_all_there_is(trace, ask)).map(|ask| ask.target).collect();
    for connection in &trace.connections.list {
        let ip = connection.front.server.0;
        if connection.progress.answered || connection.progress.established {
            begged.remove(&ip);
        } else if connection.outcome.failed() {
            failed.insert(ip);
        }
    }
    begged.retain(|ip| failed.contains(ip));
    begged
}

/// Unanswered questions at vantages to which the answer would have come.
fn asks(trace: &Trace) -> impl Iterator<Item = (VantageId, &Ask)> {
    // A host that asks whether an address is free before it takes it.
    let bindings = trace.vantages.iter().flat_map(|v| &v.neighbors.bindings);
    let taken: HashSet<(Ip, Mac)> = bindings.map(|b| (b.ip, b.mac)).collect();
    let takes_over = move |ask: &Ask| taken.contains(&(ask.target, ask.asker_mac));
    let found = VantageId::each(&trace.vantages).flat_map(|(v, vantage)| {
        vantage
            .neighbors
            .asks
            .iter()
            .filter(|ask| ask.count >= QUESTIONS && ask.answers == 0 && ask.open >= QUESTIONS)
            .filter(|_| !vantage.shows.one_way)
            .filter(|ask| {
                asked_here(vantage, ask) || given_up(vantage, ask) || asks_alone(vantage, ask)
            })
            .map(move |ask| (v, ask))
    });
    let found: Vec<_> = found.filter(|(_, ask)| !takes_over(ask)).collect();
    let talked = talked(trace, &found);
    found.into_iter().filter(move |one| !talked.contains(&talk(one)))
}

/// What a question was about: the vantage that shows it, who asked, and for whom.
type Talk = (VantageId, Mac, Ip);

fn talk((vantage, ask): &(VantageId, &Ask)) -> Talk {
    (*vantage, ask.asker_mac, ask.target)
}

/// Questions whose askers send packets to the address that they ask for, and get some from it, meanwhile: it
/// answered them, and the capture lacks that.
fn talked(trace: &Trace, asks: &[(VantageId, &Ask)]) -> HashSet<Talk> {
    let mut times: HashMap<(VantageId, Ip), Vec<&Ask>> = HashMap::new();
    for (vantage, ask) in asks {
        times.entry((*vantage, ask.target)).or_default().push(ask);
    }
    let mut talked = HashSet::new();
    let vantages: BTreeSet<VantageId> = asks.iter().map(|(vantage, _)| *vantage).collect();
    for v in vantages {
        let vantage = &trace.vantages[v.index()];
        for stream in &vantage.streams {
            for side in [Side::A, Side::B] {
                let Some(asks) = times.get(&(v, stream.key.ip(side))) else { continue };
                let (from, to) = (stream.flow(side), stream.flow(side.other()));
                let meanwhile = |ask: &Ask| {
                    from.seen() && from.last.since(ask.first) > 0 && ask.last.since(from.first) > 0
                };
                for ask in asks.iter().filter(|ask| meanwhile(ask)) {
                    let sender = |hop: &Hop| hop.link.src == Some(ask.asker_mac);
                    let mut hops = vantage.links_of(to).map(|l| &vantage.hops[l.hop.index()]);
                    if hops.any(sender) {
                        talked.insert((v, ask.asker_mac, ask.target));
                    }
                }
            }
        }
    }
    talked
}

/// Answers are unicast: only the asker's own capture must show them.
pub(in crate::diagnose) fn asked_here(vantage: &Observations, ask: &Ask) -> bool {
    ask.direction == Direction::Out || vantage.own.has(ask.asker_mac)
}

/// Nobody but the asker says anything at a vantage, and it asks at the pace of a stack that got no answer: so it is
/// on a host of which the capture has no more than that, wherever it was taken.
pub(in crate::diagnose) fn asks_alone(vantage: &Observations, ask: &Ask) -> bool {
    let neighbors = &vantage.neighbors;
    ask.again >= ARP_UNANSWERED_ON_AND_ON
        && ask.asker.is_host()
        && vantage.streams.is_empty()
        && vantage.vrrp.is_empty()
        && neighbors.asks.iter().all(|other| other.asker_mac == ask.asker_mac)
        && neighbors.bindings.iter().all(|other| other.mac == ask.asker_mac)
}

/// The asker says by ICMP that it found nobody: a kernel does so of what waited for the answer, in
/// whose name the packets went (RFC 1812, section 5.2.7.1).
pub(in crate::diagnose) fn given_up(vantage: &Observations, ask: &Ask) -> bool {
    let host = |kind| {
        matches!(
            kind,
            IcmpErrorKind::Unreachable { kind: 3, code: 1 }
                | IcmpErrorKind::Unreachable { kind: 1, code: 3 }
        )
    };
    let after = |mark: Mark| mark.since(ask.first) > 0 && mark.since(ask.last) < ARP_WAIT_NS;
    ask.again >= QUESTIONS && vantage.errors.iter().any(|e| host(e.kind) && after(e.mark))
}

/// A question of a host for a connection's client, which is on no link of its captures.
pub(in crate::diagnose) fn for_client(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
) -> Option<(VantageId, &Ask)> {
    let client = trace.connection(id).front.client.0;
    let h = trace.topology.hosts.get(host);
    // A client that is on a link of the capture may just be gone.
    let near = h
        .vantages
        .iter()
        .any(|v| trace.vantages[v.index()].neighbors.bindings.iter().any(|b| b.ip == client));
    h.vantages.iter().filter(|_| !near).find_map(|v| {
        let ask = trace.vantages[v.index()].neighbors.asks.iter().find(|a| {
            a.target == client
                && a.open >= QUESTIONS
                && a.answers == 0
                && h.macs.contains(&a.asker_mac)
        })?;
        Some((*v, ask))
    })
}

/// A question of a silent host in the VIP's name, not for one of its clients.
pub(in crate::diagnose) fn for_router<'a>(
    trace: &'a Trace,
    service: ServiceId,
    host: HostId,
    ids: &[ConnectionId],
) -> Option<(VantageId, &'a Ask)> {
    let service = trace.topology.service(service);
    let h = trace.topology.hosts.get(host);
    let clients: BTreeSet<Ip> = ids.iter().map(|id| trace.connection(*id).front.client.0).collect();
    h.vantages.iter().find_map(|v| {
        let neighbors = &trace.vantages[v.index()].neighbors;
        let ask = neighbors.asks.iter().find(|a| {
            a.asker == service.vip
                && h.macs.contains(&a.asker_mac)
                && a.open >= QUESTIONS
                && a.answers == 0
                && !clients.contains(&a.target)
        })?;
        let heard = neighbors.bindings.iter().any(|b| b.ip == ask.target);
        (!heard && !at_home(trace, service, neighbors)).then_some((*v, ask))
    })
}

/// Whether the VIP is at home on a link: somebody asks for it there, or another than its
/// real servers claims it.
fn at_home(trace: &Trace, service: &Service, link: &Neighbors) -> bool {
    let is_server = |host: Option<HostId>| {
        host.is_some() && service.real_servers.iter().any(|s| s.host == host)
    };
    link.asks.iter().any(|ask| ask.target == service.vip)
        || link
            .bindings
            .iter()
            .any(|b| b.ip == service.vip && !is_server(trace.host_by_mac(Some(b.mac))))
}
