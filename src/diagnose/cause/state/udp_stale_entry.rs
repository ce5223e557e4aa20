//! Datagrams of one client port keep going to a real server that is gone, while other
//! ports are served: the entry of the port lives as long as datagrams come.
//!
//! Said only where the same client's new ports were served by others meanwhile, and none
//! of them by that server: a dead server that is still in the table gets its share.

use crate::capture::Timestamp;
use crate::correlate::{Connection, Leg};
use crate::diagnose::cause::by_service;
use crate::diagnose::cause::size::withheld::passage;
use crate::diagnose::refusal::Says;
use crate::diagnose::symptom::arp_unanswered;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{explained, share};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject,
    ToConfirm,
};
use crate::flow::Ask;
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, Protocol};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["icmp-unreachable", "arp-unanswered"];

/// Datagrams without an answer that are no coincidence, and how long they must go on,
/// nanoseconds.
const MIN_DATAGRAMS: u32 = 3;
const MIN_SILENT_NS: i64 = 2_000_000_000;
/// Questions since the last answer that show that a server is gone.
const MIN_OPEN: u32 = 2;
/// New ports of the same client that must have been served by others.
const FRESH: usize = 3;
/// So many leave no doubt.
const SURE: usize = 6;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut stale = all(facts);
    stale.retain(|_, x| !x.withheld);
    let findings = by_service(facts, stale.keys().copied())
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids, &stale))
        .collect();
    Detection::from(findings, || {
        let blind = facts.requests().any(|(id, c)| {
            c.protocol == Protocol::UDP
                && is_balanced(facts, id)
                && facts.answer_vantage(id).is_none()
        });
        if blind {
            return Detection::Unchecked(
                "datagrams pass where their answers do not; capture on the client or on a real server".to_owned(),
            );
        }
        Detection::Clean
    })
}

/// The connections whose datagrams the director itself drops, without a word: then the
/// entry's server is no longer in its table.
pub(in crate::diagnose) fn dropped(trace: &Trace) -> Vec<ConnectionId> {
    all(trace).into_iter().filter(|(_, x)| x.withheld).map(|(id, _)| id).collect()
}

fn all(trace: &Trace) -> BTreeMap<ConnectionId, Stale<'_>> {
    let asked = |(id, c): &(ConnectionId, &Connection)| {
        c.protocol == Protocol::UDP && c.progress.request && is_balanced(trace, *id)
    };
    if !trace.requests().any(|one| asked(&one)) {
        return BTreeMap::new();
    }
    let asks = arp_unanswered::unanswered(trace);
    let asked = trace.requests().filter(asked);
    asked.filter_map(|(id, _)| Some((id, judge(trace, id, &asks)?))).collect()
}

fn is_balanced(trace: &Trace, id: ConnectionId) -> bool {
    matches!(trace.service(id).mode, Mode::Nat | Mode::Dr | Mode::Tun | Mode::FullNat)
}

/// A client port whose datagrams go to a server that is gone.
struct Stale<'a> {
    leg: &'a Leg,
    server: Option<Ip>,
    /// The director asks for it in vain.
    ask: Option<(usize, &'a Ask)>,
    /// Connections on new ports that others served meanwhile.
    fresh: usize,
    /// The director takes the datagrams in and sends neither them nor a question.
    withheld: bool,
}

fn judge<'a>(trace: &'a Trace, id: ConnectionId, asks: &[(usize, &'a Ask)]) -> Option<Stale<'a>> {
    let leg = trace.answer_vantage(id)?;
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let since = back.last.get().unwrap_or(there.first);
    let more = there.packets.saturating_sub(back.packets);
    if more < MIN_DATAGRAMS || there.last.since(since) < MIN_SILENT_NS {
        return None;
    }
    let (from, to) = (trace.time(trace.at(leg, since)), trace.time(trace.at(leg, there.last)));
    let sent = trace.server(id).and_then(|s| s.address);
    let ask = asks.iter().find(|(v, ask)| {
        let at = |mark| trace.time(At { vantage: *v, mark });
        let host = trace.host_of_vantage(*v);
        host.is_some_and(|h| trace.service(id).is_director(h))
            && (sent.is_none() || sent == Some(ask.target))
            && at(ask.last) >= from
            && at(ask.first) <= to
    });
    let ask = ask.copied().or_else(|| asks_again(trace, id, sent?, from));
    let server = sent.or(ask.map(|(_, ask)| ask.target));
    let fresh = fresh(trace, id, server, from, to)?;
    let withheld = ask.is_none() && is_withheld(trace, id);
    (fresh >= FRESH).then_some(Stale { leg, server, ask, fresh, withheld })
}

/// A director's question for a server that had answered it before and does not any more.
fn asks_again(
    trace: &Trace,
    id: ConnectionId,
    server: Ip,
    from: Timestamp,
) -> Option<(usize, &Ask)> {
    trace.vantages.iter().enumerate().find_map(|(v, vantage)| {
        trace.host_of_vantage(v).filter(|host| trace.service(id).is_director(*host))?;
        let open = |ask: &&Ask| {
            let late = trace.time(At { vantage: v, mark: ask.last }) >= from;
            ask.target == server && ask.open >= MIN_OPEN && late
        };
        let mut asks = vantage.neighbors.asks.iter();
        let ask = asks.find(|ask| open(ask) && arp_unanswered::asked_here(vantage, ask))?;
        Some((v, ask))
    })
}

/// Whether datagrams went on coming in at a director after the last went out.
fn is_withheld(trace: &Trace, id: ConnectionId) -> bool {
    trace.service(id).directors.iter().filter_map(|d| passage(trace, id, d.host)).any(|p| {
        let (came, left) = (p.came.link.last, p.left.map(|left| left.link.last));
        left.is_some_and(|left| came.since(left) >= MIN_SILENT_NS) && p.is_withheld(trace, id)
    })
}

/// How many of the client's connections on other ports began meanwhile and were served
/// by others; `None` where one went to the same server, or was not served.
fn fresh(
    trace: &Trace,
    id: ConnectionId,
    server: Option<Ip>,
    from: Timestamp,
    to: Timestamp,
) -> Option<usize> {
    let service = trace.service_of(id);
    let client = trace.connection(id).front.client.0;
    let mut count = 0;
    for (other, c) in trace.requests() {
        if other == id || trace.service_of(other) != service {
            continue;
        }
        let Some(start) = trace.start(other).map(|at| trace.time(at)) else { continue };
        if start <= from || start >= to {
            continue;
        }
        let its = trace.server(other).and_then(|s| s.address);
        if !c.progress.response || its.is_none() || its == server {
            return None;
        }
        count += usize::from(c.front.client.0 == client);
    }
    Some(count)
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    stale: &BTreeMap<ConnectionId, Stale<'_>>,
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let set: Vec<&Stale<'_>> = ids.iter().filter_map(|id| stale.get(id)).collect();
    let mut servers: Vec<Ip> = set.iter().filter_map(|x| x.server).collect();
    servers.sort_unstable();
    servers.dedup();
    let who = if servers.is_empty() {
        "a real server".to_owned()
    } else {
        crate::diagnose::words::list(&servers.iter().map(Ip::to_string).collect::<Vec<_>>())
    };
    let fresh = set.iter().map(|x| x.fresh).max().unwrap_or(0);
    let director = s.directors.first().map(|d| d.host);
    let name = director.map_or_else(|| "the director".to_owned(), |d| names.full(d));
    let title =
        format!("clients served by {who} before are still sent there, where nothing answers");
    let how = if set.iter().any(|x| x.ask.is_some()) {
        format!("{name} asks for {who} in vain")
    } else {
        format!("nothing comes back from {who}")
    };
    let explanation = format!(
        "Datagrams to {} of one client port are sent on as before, and {how}; {fresh} other ports of the same client were served by other real servers meanwhile. UDP has no end that could be seen: the entry of the port lives as long as datagrams come, whether its server lives or not. {} connections get no answer.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("udp-stale-entry", title, explanation);
    finding.severity = Severity::Critical;
    let sure = fresh >= SURE && !servers.is_empty();
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if !sure {
        finding.candidates.push(Candidate {
            id: "rs-unreachable",
            tell_apart: format!("then 'ipvsadm -Ln' still lists {who} with a weight above 0, and new ports are sent there too"),
        });
    }
    finding.to_confirm.push(ToConfirm {
        host: name.clone(),
        command: format!(
            "ipvsadm -Ln -u {}; ipvsadm -Lnc | grep UDP; ipvsadm -L --timeout",
            s.name()
        ),
        why: format!("{who} is missing in the first list and named in the second: this is it"),
    });
    finding.fixes = vec![
        Fix {
            host: name.clone(),
            command: explained(
                sysctl::set(&[("net.ipv4.vs.expire_nodest_conn", "1")]),
                "entries of a removed server go with their next packet",
            ),
            disruptive: false,
            undo: sysctl::set(&[("net.ipv4.vs.expire_nodest_conn", "0")]),
        },
        Fix {
            host: name,
            command: format!(
                "ipvsadm --set 0 0 10   # UDP entries live 10 s; where netfilter translates: conntrack -D -p udp --orig-dst {}",
                s.vip
            ),
            disruptive: false,
            undo: "ipvsadm --set 0 0 300".to_owned(),
        },
    ];
    finding.proofs = ids
        .first()
        .and_then(|id| Some((*id, stale.get(id)?)))
        .map(|(id, x)| proofs(facts, id, x))
        .unwrap_or_default();
    finding.subjects = director.map(|d| names.subject(Role::Director, d)).into_iter().collect();
    finding.subjects.extend(servers.iter().map(|ip| Subject {
        role: Role::RealServer,
        address: Some(*ip),
        mac: None,
        port: None,
    }));
    finding.addresses = servers;
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, id: ConnectionId, stale: &Stale<'_>) -> Vec<Proof> {
    let (there, back) = (trace.forward(stale.leg), trace.reply(stale.leg));
    let mut proofs = Vec::new();
    let last = back.last;
    proofs.extend(trace.proof(stale.leg, last, "the last answer on this client port"));
    if !last.is_set() {
        let note = "the first of the datagrams that nobody answers";
        proofs.extend(trace.proof(stale.leg, there.first, note));
    }
    if let Some((vantage, ask)) = stale.ask {
        let note = format!(
            "who-has {} tell {}: the last of {} without an answer",
            ask.target, ask.asker, ask.open
        );
        proofs.push(Proof { at: At { vantage, mark: ask.last }, note });
    }
    proofs.extend(
        trace
            .errors_of(id)
            .filter(|(_, e)| matches!(Says::of(e.kind), Some(Says::Host | Says::Port)))
            .map(|(vantage, e)| Proof {
                at: At { vantage, mark: e.mark },
                note: format!("ICMP unreachable from {}", e.src),
            })
            .take(1),
    );
    proofs.extend(trace.proof(stale.leg, there.last, "the last datagram, still without an answer"));
    crate::diagnose::facts::in_time(trace, &mut proofs);
    proofs
}
