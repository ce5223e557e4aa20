//! The real servers of a pool get very different shares of the connections.
//!
//! Weights are not on the wire, so an uneven split may be meant; what is measured
//! is its distance from an even one. It must be too great for chance and hold in
//! both halves of the captures: a server that joined or left meanwhile is none.
//! A pool member that gets nothing counts only where the director's own connections to
//! it are answered; where it was not captured itself it may also be one that was taken
//! out on purpose, or another pool's, and nobody is accused. Requests through a proxy
//! are not counted here: its connections carry unlike numbers of them.

use crate::diagnose::cause::clean_in;
use crate::diagnose::facts::load::shares::{Clients, Pool, clients, idle, was_sent, watched};
use crate::diagnose::thresholds::SCHEDULER_IMBALANCE_MIN_CONNECTIONS;
use crate::diagnose::words::commands::ipvsadm::Virtual;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{capture_line, directors, name, server_of, service_subject};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity, Subject};
use crate::topology::{Mode, RealServer, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut pools: Vec<Pool> = facts.topology.services.iter().map(Pool::new).collect();
    for (id, c) in facts.requests() {
        let service = facts.service_of(id).0 as usize;
        let pool = &mut pools[service];
        if pool.counts.is_empty() || !c.protocol.is_tcp() {
            continue;
        }
        pool.requests += 1;
        pool.failed += u64::from(c.outcome.failed());
        let late = pool.requests * 2 > u64::from(facts.topology.services[service].connections);
        if let Some(at) = facts.topology.server_of[id.0 as usize]
            && was_sent(facts, id)
            && let Some(counts) = pool.counts.get_mut(usize::from(at))
        {
            counts[usize::from(late)] += 1;
        }
    }
    let mut findings = Vec::new();
    let mut judged = false;
    let mut balanced = false;
    for (i, mut pool) in pools.into_iter().enumerate() {
        let service = &facts.topology.services[i];
        balanced |= !pool.counts.is_empty();
        if !pool.is_whole() || !watched(facts, service) {
            continue;
        }
        judged = true;
        let idle = idle(facts, service);
        pool.counts.extend(idle.iter().map(|_| [0, 0]));
        if pool.is_uneven() {
            findings.push(finding(facts, ServiceId(i as u32), &pool, &idle));
        }
    }
    Detection::from(findings, || {
        if judged {
            return Detection::Clean;
        }
        if !balanced {
            return clean_in(facts, &Mode::LAYER_4);
        }
        Detection::unchecked(format!(
            "too few connections whose real server is known to compare shares; {SCHEDULER_IMBALANCE_MIN_CONNECTIONS} are needed, captured on the director or on all real servers"
        ))
    })
}

/// Shares that no affinity explains may be the weights somebody chose, which no
/// frame shows: told, and not held against anybody.
fn rank(who: &Clients, known: bool) -> (Severity, Confidence) {
    if who.sticky && known {
        (Severity::Warning, Confidence::Likely)
    } else {
        (Severity::Info, Confidence::Possible)
    }
}

fn finding(facts: &Facts, id: ServiceId, pool: &Pool, idle: &[RealServer]) -> Finding {
    let service = facts.topology.service(id);
    let servers: Vec<Subject> = service.real_servers.iter().chain(idle).map(server_of).collect();
    let (busiest, least) = pool.ends().unwrap_or_default();
    let total = pool.total();
    let all: Vec<ConnectionId> = facts.requests_to(id).map(|(id, _)| id).collect();
    let ids: Vec<ConnectionId> = all
        .iter()
        .copied()
        .filter(|c| facts.topology.server_of[c.0 as usize] == Some(busiest as u16))
        .collect();
    let who = clients(facts, &all);
    let mut shares: Vec<usize> = (0..servers.len()).collect();
    shares.sort_by_key(|at| (std::cmp::Reverse(pool.of(*at)), *at));
    let told: Vec<String> = shares
        .iter()
        .take(8)
        .map(|at| format!("{} {}", name(&servers[*at]), pool.of(*at)))
        .collect();
    let top = name(&servers[busiest]);
    let title = format!(
        "{top} gets {} of {total} connections to {}, {} {}",
        pool.of(busiest),
        service.name(),
        name(&servers[least]),
        pool.of(least)
    );
    let why = if who.sticky {
        format!(
            "They come from {}: the scheduler is persistent or hashes the source, so the shares are those of few clients, or of many behind one NAT.",
            match who.addresses {
                1 => "1 client address, which was always sent to one server".to_owned(),
                n => format!(
                    "{}, the busiest with {} of them, and each address was always sent to one server",
                    addresses(n),
                    who.most
                ),
            }
        )
    } else {
        format!(
            "They come from {}, and addresses that came again were sent to several servers, so it is not persistence alone: weights that differ, a scheduler that counts open connections, or a server that the director held for dead.",
            addresses(who.addresses)
        )
    };
    let answers = if idle.is_empty() {
        String::new()
    } else {
        " A server without connections answers the director's health checks on that port."
            .to_owned()
    };
    let explanation = format!(
        "The director {} chose for all of them: {}. That is no even split, by chance in fewer than one of 1000 cases, in both halves of the captures.{answers} {why} Weights are not on the wire: if they are meant to differ that much, nothing is wrong. Connections are counted, not requests or bytes.",
        service.directors.first().map_or_else(String::new, |d| Names(facts).host(d.host)),
        told.join(", ")
    );
    let mut finding = Finding::cause("scheduler-imbalance", title, explanation);
    let known = idle.iter().all(|r| r.host.is_some_and(|host| facts.is_captured(host)));
    (finding.severity, finding.confidence) = rank(&who, known);
    let director = service
        .directors
        .first()
        .map_or_else(|| format!("the director of {}", service.vip), |d| Names(facts).place(d.host));
    let table = Virtual::of(service);
    finding.confirm(director.clone(), "ipvsadm -Sn; ipvsadm -Ln --stats; ipvsadm -Lnc", "weights (-w), scheduler (-s) and persistence (-p) as configured; templates with client port 0 are persistence");
    let hosts: Vec<Ip> = servers.iter().filter_map(|s| s.address).collect();
    let port = service.real_servers.first().map_or(service.port, |r| r.port);
    finding.confirm(
        director.clone(),
        capture_line("director", &hosts, Some(port)),
        "a longer capture at a busy time: whether more clients even it out",
    );
    let fix = |scheduler: &str, why: &str| {
        step::safe(director.clone(), table.rescheduled(scheduler, why))
    };
    if who.sticky {
        finding.fixes.push(fix("wlc", "without -p, if no client needs to return to its server"));
    } else {
        finding.fixes.push(fix("wrr", "turns by weight, whatever is open"));
    }
    finding.candidate("slow-real-server", "schedulers that count open connections spare the server that keeps them longest: compare how long requests take there");
    finding.proofs = proofs(facts, &ids);
    finding
        .concerning(vec![servers[busiest].clone()], ids)
        .also(directors(facts, id))
        .also([servers[least].clone()])
        .also([service_subject(service)])
}

fn addresses(n: usize) -> String {
    if n == 1 { "1 client address".to_owned() } else { format!("{n} client addresses") }
}

/// The first and the last connection of the busiest server, as they leave for it.
fn proofs(trace: &Trace, ids: &[ConnectionId]) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (id, which) in [(ids.first(), "first"), (ids.last(), "last")] {
        let Some(id) = id else { continue };
        let legs = || trace.back_legs(*id);
        let leg = legs().find(|leg| trace.forward(leg).syn.is_set()).or_else(|| legs().next());
        proofs.extend(leg.and_then(|leg| {
            let there = trace.forward(leg);
            let mark = there.syn.get().unwrap_or(there.first);
            trace.proof(leg, mark, format!("the {which} connection that goes to it"))
        }));
    }
    proofs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_weights_may_explain_accuse_nobody() {
        let who = |sticky| Clients { addresses: 40, most: 4, sticky };
        assert!(rank(&who(false), true).0 < Severity::Warning);
        assert_eq!(rank(&who(true), true).0, Severity::Warning);
        // Who was not captured may be out of the pool.
        assert!(rank(&who(true), false).0 < Severity::Warning);
    }
}
