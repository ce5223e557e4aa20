//! Two or more questions for an address that traffic needs, and no answer.

use super::super::words::list;
use super::super::{Facts, Proof, Sighting, Subject, Wording};
use crate::flow::{Ask, Observations};
use crate::topology::{Role, Service};
use crate::trace::{At, Trace};
use crate::wire::{Direction, Ip};
use std::collections::HashSet;

/// A question for a real server follows the SYN that needs it within this time.
const PENDING_NS: i64 = 5_000_000_000;
/// Questions that make it more than a lost frame.
const MIN_ASKS: u32 = 2;
/// Repeats that show that an asker got no answer, where an answer would not be
/// seen: of the three questions that stacks ask, the second and the third.
const MIN_AGAIN: u32 = 2;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let needed = needed(facts);
    let mut found: Vec<Ip> = unanswered(facts)
        .into_iter()
        .filter(|(_, ask)| {
            needed.contains(&ask.target)
                || asked_by_director(facts, ask)
                || asked_by_server(facts, ask)
        })
        .map(|(_, ask)| ask.target)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|ip| Sighting { connection: None, address: Some(ip), host: None, costly: true })
        .collect()
}

/// Questions that nobody answered, with the index of the vantage: at vantages to
/// which the answer would have come, and at others where the asker shows by its
/// repeats that none came.
pub(in crate::diagnose) fn unanswered(trace: &Trace) -> Vec<(usize, &Ask)> {
    let begged = begged(trace);
    let known = asks(trace);
    let overheard = trace.vantages.iter().enumerate().flat_map(|(v, vantage)| {
        let asks = vantage.neighbors.asks.iter().filter(|ask| is_begging(ask));
        asks.filter(|ask| !asked_here(vantage, ask)).map(move |ask| (v, ask))
    });
    known.chain(overheard.filter(|(_, ask)| begged.contains(&ask.target))).collect()
}

/// A host that got an answer does not ask again a second later.
fn is_begging(ask: &Ask) -> bool {
    ask.again >= MIN_AGAIN && ask.answers == 0 && ask.asker.is_host()
}

/// Addresses that are asked for again and again, that nobody claims at any
/// vantage, and to which every connection fails. A tool that asks on and on
/// (`arping -b`) asks for an address that somebody claims or that answers.
fn begged(trace: &Trace) -> HashSet<Ip> {
    let neighbors = || trace.vantages.iter().map(|v| &v.neighbors);
    let asks = neighbors().flat_map(|n| &n.asks);
    let mut begged: HashSet<Ip> = asks.filter(|a| is_begging(a)).map(|a| a.target).collect();
    if begged.is_empty() {
        return begged;
    }
    for binding in neighbors().flat_map(|n| &n.bindings) {
        begged.remove(&binding.ip);
    }
    let mut failed = HashSet::new();
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
fn asks(trace: &Trace) -> impl Iterator<Item = (usize, &Ask)> {
    trace.vantages.iter().enumerate().flat_map(|(v, vantage)| {
        vantage
            .neighbors
            .asks
            .iter()
            .filter(|ask| ask.count >= MIN_ASKS && ask.answers == 0 && ask.open >= MIN_ASKS)
            .filter(|ask| asked_here(vantage, ask) && !takes_over(trace, ask))
            .map(move |ask| (v, ask))
    })
}

/// Answers are unicast: only the asker's own capture must show them.
pub(in crate::diagnose) fn asked_here(vantage: &Observations, ask: &Ask) -> bool {
    ask.direction == Direction::Out || vantage.own.has(ask.asker_mac)
}

/// A host that asks whether an address is free before it takes it.
fn takes_over(trace: &Trace, ask: &Ask) -> bool {
    let mut bindings = trace.vantages.iter().flat_map(|v| &v.neighbors.bindings);
    bindings.any(|b| b.ip == ask.target && b.mac == ask.asker_mac)
}

/// Addresses that connections go to.
fn needed(trace: &Trace) -> HashSet<Ip> {
    trace
        .connections
        .list
        .iter()
        .flat_map(|c| [Some(c.front.server.0), c.back.map(|b| b.server.0)])
        .flatten()
        .collect()
}

/// A director looks for a real server while a connection of its service waits:
/// at no other time does its asking concern the service.
fn asked_by_director(trace: &Trace, ask: &Ask) -> bool {
    let Some(host) = trace.topology.hosts.by_mac(ask.asker_mac) else { return false };
    trace.requests().any(|(id, c)| {
        c.outcome.failed()
            && trace.server(id).is_none()
            && trace.service(id).is_director(host)
            && trace.legs(id).iter().any(|leg| {
                let there = trace.forward(leg);
                trace.host_of(leg) == Some(host) && ask.first.since(there.first).abs() < PENDING_NS
            })
    })
}

/// A real server looks for its router while a connection that it got waits for its answer.
fn asked_by_server(trace: &Trace, ask: &Ask) -> bool {
    let Some(host) = trace.topology.hosts.by_mac(ask.asker_mac) else { return false };
    let of_service = |s: &Service| s.real_servers.iter().any(|r| r.host == Some(host));
    if !trace.topology.services.iter().any(of_service) {
        return false;
    }
    trace.requests().any(|(id, c)| {
        c.outcome.failed()
            && !c.progress.answered
            && trace.server(id).and_then(|s| s.host) == Some(host)
            && trace.delivered(id, host)
            && trace.legs(id).iter().any(|leg| {
                let waits = ask.first.since(trace.forward(leg).first).abs() < PENDING_NS;
                trace.host_of(leg) == Some(host) && waits
            })
    })
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let asks = unanswered(facts);
    let mut asks = asks.into_iter();
    let Some((vantage, ask)) = asks.find(|(_, ask)| Some(ask.target) == sighting.address) else {
        return Vec::new();
    };
    let first = format!("who-has {} tell {}: the first of {}", ask.target, ask.asker, ask.count);
    vec![
        Proof { at: At { vantage, mark: ask.first }, note: first },
        Proof { at: At { vantage, mark: ask.last }, note: "the last, still no answer".to_owned() },
    ]
}

pub(in crate::diagnose) fn word(_: &Facts, sightings: &[Sighting]) -> Wording {
    let ips: Vec<Ip> = sightings.iter().filter_map(|s| s.address).collect();
    let names: Vec<String> = ips.iter().map(Ip::to_string).collect();
    Wording {
        title: format!("nobody answers ARP for {}", list(&names)),
        explanation: "The address is asked for again and again and no host claims it, so packets for it cannot be sent.".to_owned(),
        subjects: ips
            .iter()
            .map(|ip| Subject { role: Role::Host, address: Some(*ip), ..Subject::default() })
            .collect(),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::vip_arp_conflict::blind(facts)
}
