//! A receiver stops reading: it advertises a window of 0 and the sender has to
//! wait. The application's fault, never the balancer's.
//!
//! A window that closes for a moment is flow control at work. What counts is a
//! side that kept the other waiting for a second or more.

use crate::diagnose::decide::delay::{WhyShut, why_shut};
use crate::diagnose::facts::load::stalled_windows::{Stall, stalls};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{count, name};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof, Severity};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Mac};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<Who, Vec<Stall<'_>>> = BTreeMap::new();
    // A director that never lets the client send is none who does not read.
    let unread = |s: &Stall<'_>| why_shut(facts.spoilt_ids().contains(&s.id)) == WhyShut::Unread;
    for stall in stalls(facts).into_iter().filter(unread) {
        let service = facts.topology.service_of[stall.id.0 as usize];
        let key = (service, stall.by_client, stall.subject.address, stall.subject.mac);
        sets.entry(key).or_default().push(stall);
    }
    let findings =
        sets.into_iter().map(|((service, ..), set)| finding(facts, service, &set)).collect();
    Detection::from(findings, || Detection::Clean)
}

/// Service, whether it is the client, address and MAC.
type Who = (ServiceId, bool, Option<Ip>, Option<Mac>);

fn finding(trace: &Trace, service: ServiceId, set: &[Stall<'_>]) -> Finding {
    let s = trace.topology.service(service);
    let first = &set[0];
    let who = name(&first.subject);
    let (side, other) = match first.subject.role {
        _ if first.by_client => ("client", "The real server"),
        Role::Service => ("host that answers for", "The client"),
        _ => ("real server", "The client"),
    };
    let longest = set.iter().map(|x| x.window.longest_ns).max().unwrap_or(0);
    let ids: Vec<ConnectionId> = set.iter().map(|x| x.id).collect();
    let time = format!("{}.{} s", longest / 1_000_000_000, longest / 100_000_000 % 10);
    let title = format!("the {side} {who} stops reading for up to {time}");
    let explanation = format!(
        "In {} to {} the {side} {who} advertises a window of 0: its receive buffer is full because its application does not read. {other} may send nothing but probes until the window opens again, {time} later at worst. {}{}",
        count(ids.len(), "connection"),
        s.name(),
        if first.subject.role == Role::Service {
            "Whether that is a server, or a proxy whose own server does not read, does not show here."
        } else {
            "The balancer has no part in it."
        },
        if first.by_client { " A player that has enough for now does so on purpose." } else { "" }
    );
    let mut finding = Finding::cause("zero-window", title, explanation);
    finding.severity = Severity::Warning;
    // Who answered the SYN is not known of connections that were open before.
    finding.confidence = if ids.iter().any(|id| trace.connection(*id).progress.syn) {
        Confidence::Certain
    } else {
        finding.candidate(
            "synproxy-side-effects",
            "then a SYN proxy answered the client, with a window of 0 that it never opened",
        );
        Confidence::Likely
    };
    let place = match first.subject.role {
        Role::Service => format!("the host that answers for {who}"),
        _ => who.clone(),
    };
    let port = if first.by_client { s.port } else { first.subject.port.unwrap_or(s.port) };
    finding.confirm(place, format!("ss -tnmp 'sport = :{port} or dport = :{port}'; nstat -az TcpExtTCPToZeroWindowAdv TcpExtTCPWantZeroWindowAdv"), "a large Recv-Q names the process that does not read");
    // An address of a service may be a cloud's, or a balancer's that has many.
    if first.subject.role != Role::Service {
        finding.fixes.push(
            sysctl::change(
                who,
                &[("net.ipv4.tcp_rmem", "4096 131072 16777216", "4096 131072 6291456")],
            )
            .because("helps over short pauses only; a process that does not read must be mended"),
        );
    }
    let shown = set.iter().max_by_key(|x| x.window.longest_ns).unwrap_or(first);
    finding.proofs = proofs(trace, shown);
    finding.concerning(vec![first.subject.clone()], ids)
}

fn proofs(trace: &Trace, stall: &Stall<'_>) -> Vec<Proof> {
    let window = stall.window;
    Proof::seen([
        trace.proof(&stall.leg, window.closed, "window 0: no more, please"),
        trace.proof(&stall.leg, window.opened, "the window opens again"),
    ])
}
