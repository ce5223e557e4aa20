//! A receiver stops reading: it advertises a window of 0 and the sender has to
//! wait. The application's fault, never the balancer's.
//!
//! A window that closes for a moment is flow control at work. What counts is a
//! side that kept the other waiting for a second or more.

use crate::correlate::Leg;
use crate::diagnose::decide::delay::{WhyShut, why_shut};
use crate::diagnose::thresholds::{ZERO_WINDOW_BLIND_FRAMES, ZERO_WINDOW_STALL_NS};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{count, explained, name, server_subject};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity, Subject};
use crate::flow::ClosedWindow;
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Mac};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<Who, Vec<Stall<'_>>> = BTreeMap::new();
    for stall in stalls(facts) {
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

struct Stall<'a> {
    id: ConnectionId,
    leg: Leg,
    window: &'a ClosedWindow,
    by_client: bool,
    subject: Subject,
}

/// One a connection and side: at the vantage that saw most.
fn stalls<'a>(facts: &'a Facts<'_>) -> Vec<Stall<'a>> {
    let mut stalls = Vec::new();
    if facts.vantages.iter().all(|v| v.side_tables.closed.is_empty()) {
        return stalls;
    }
    // A director that never lets the client send is none who does not read.
    let spoilt = facts.spoilt_ids();
    let unread = |id| why_shut(spoilt.contains(&id)) == WhyShut::Unread;
    let all = facts.requests().filter(|(id, c)| c.protocol.is_tcp() && unread(*id));
    for (id, c) in all {
        for by_client in [true, false] {
            let Some((leg, window)) = longest(facts, id, by_client) else { continue };
            let subject = if by_client {
                let (ip, port) = c.front.client;
                let mac =
                    facts.host_by_ip(ip).and_then(|h| Names(facts).subject(Role::Client, h).mac);
                Some(Subject { role: Role::Client, address: Some(ip), mac, port: Some(port) })
            } else {
                server_subject(facts, id)
            };
            let host = if by_client {
                subject.as_ref().and_then(|s| facts.host_by_ip(s.address?))
            } else {
                facts.server(id).and_then(|s| s.host)
            };
            // A proxy's window closes because the other end does not read.
            let relays =
                host.is_some_and(|h| facts.topology.services.iter().any(|s| s.is_director(h)));
            if let Some(mut subject) = subject.filter(|_| !relays) {
                if by_client {
                    subject.port = None;
                }
                stalls.push(Stall { id, leg, window, by_client, subject });
            }
        }
    }
    stalls
}

fn longest(trace: &Trace, id: ConnectionId, by_client: bool) -> Option<(Leg, &ClosedWindow)> {
    trace
        .legs(id)
        .iter()
        .filter_map(|leg| {
            let side = if by_client { leg.client } else { leg.client.other() };
            let closed = &trace.vantage(leg).side_tables.closed;
            let at = closed.iter().find(|w| w.stream == leg.stream && w.side == side)?;
            let waits = at.probes > 0 || at.frames >= ZERO_WINDOW_BLIND_FRAMES;
            (waits && at.longest_ns >= ZERO_WINDOW_STALL_NS).then_some((*leg, at))
        })
        .max_by_key(|(_, w)| (w.probes > 0, w.longest_ns))
}

fn finding(trace: &Trace, service: ServiceId, set: &[Stall<'_>]) -> Finding {
    let s = trace.topology.service(service);
    let first = &set[0];
    let who = name(&first.subject);
    let (side, other) =
        if first.by_client { ("client", "The real server") } else { ("real server", "The client") };
    let longest = set.iter().map(|x| x.window.longest_ns).max().unwrap_or(0);
    let ids: Vec<ConnectionId> = set.iter().map(|x| x.id).collect();
    let time = format!("{}.{} s", longest / 1_000_000_000, longest / 100_000_000 % 10);
    let title = format!("the {side} {who} stops reading for up to {time}");
    let explanation = format!(
        "In {} to {} the {side} {who} advertises a window of 0: its receive buffer is full because its application does not read. {other} may send nothing but probes until the window opens again, {time} later at worst. The balancer has no part in it.",
        count(ids.len(), "connection"),
        s.name()
    );
    let mut finding = Finding::cause("zero-window", title, explanation);
    finding.severity = Severity::Warning;
    // Who answered the SYN is not known of connections that were open before.
    finding.confidence = if ids.iter().any(|id| trace.connection(*id).progress.syn) {
        Confidence::Certain
    } else {
        finding.candidate(
            "synproxy-side-effects",
            "then a SYN proxy answered the client, with a window of 0 that it never opened"
                .to_owned(),
        );
        Confidence::Likely
    };
    let port = if first.by_client { s.port } else { first.subject.port.unwrap_or(s.port) };
    finding.confirm(who.clone(), format!("ss -tnmp 'sport = :{port} or dport = :{port}'; nstat -az TcpExtTCPToZeroWindowAdv TcpExtTCPWantZeroWindowAdv"), "a large Recv-Q names the process that does not read");
    finding.fix(
        who,
        explained(
            sysctl::set(&[("net.ipv4.tcp_rmem", "4096 131072 16777216")]),
            "helps over short pauses only; a process that does not read must be mended",
        ),
        explained(
            sysctl::set(&[("net.ipv4.tcp_rmem", "4096 131072 6291456")]),
            "if 'sysctl net.ipv4.tcp_rmem' printed this before",
        ),
    );
    let shown = set.iter().max_by_key(|x| x.window.longest_ns).unwrap_or(first);
    finding.proofs = proofs(trace, shown);
    finding.subjects = vec![first.subject.clone()];
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, stall: &Stall<'_>) -> Vec<Proof> {
    let window = stall.window;
    [
        trace.proof(&stall.leg, window.closed, "window 0: no more, please"),
        trace.proof(&stall.leg, window.opened, "the window opens again"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
