//! Why: one cause a file.

pub mod address;
pub mod load;
pub mod proxy;
pub mod refusal;
pub mod silence;
pub mod size;
pub mod state;
pub mod way;

pub use super::facts::telling;
use super::{Facts, Names, Severity, Subject};
use crate::topology::{HostId, Mode, RealServer, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Connections by service, so that one cause gives one finding a service.
pub(in crate::diagnose) fn by_service(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
) -> BTreeMap<ServiceId, Vec<ConnectionId>> {
    let mut sets: BTreeMap<ServiceId, Vec<ConnectionId>> = BTreeMap::new();
    for id in ids {
        sets.entry(trace.service_of(id)).or_default().push(id);
    }
    sets
}

/// Connections by the host of their real server.
pub(in crate::diagnose) fn by_server_host(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
) -> BTreeMap<HostId, Vec<ConnectionId>> {
    let mut sets: BTreeMap<HostId, Vec<ConnectionId>> = BTreeMap::new();
    for id in ids {
        if let Some(host) = trace.server(id).and_then(|s| s.host) {
            sets.entry(host).or_default().push(id);
        }
    }
    sets
}

/// The real servers of a set of connections as subjects, most concerned first.
pub(in crate::diagnose) fn servers(trace: &Trace, ids: &[ConnectionId]) -> Vec<Subject> {
    let mut counts: Vec<(Subject, usize)> = Vec::new();
    for id in ids {
        let Some(subject) = super::facts::server_subject(trace, *id) else { continue };
        match counts.iter_mut().find(|(known, _)| *known == subject) {
            Some((_, n)) => *n += 1,
            None => counts.push((subject, 1)),
        }
    }
    counts.sort_by_key(|(s, n)| (std::cmp::Reverse(*n), s.address, s.mac, s.port));
    counts.into_iter().map(|(subject, _)| subject).collect()
}

/// A real server as a subject.
pub(in crate::diagnose) fn server_of(server: &RealServer) -> Subject {
    Subject {
        role: "real server",
        address: server.address,
        mac: server.mac,
        port: Some(server.port),
    }
}

/// Directors of a service as subjects.
pub(in crate::diagnose) fn directors(trace: &Trace, service: ServiceId) -> Vec<Subject> {
    let service = trace.topology.service(service);
    service.directors.iter().map(|d| Names(trace).subject("director", d.host)).collect()
}

/// Whether a host sends VRRP advertisements.
pub(in crate::diagnose) fn speaks_vrrp(trace: &Trace, host: HostId) -> bool {
    let h = trace.topology.hosts.get(host);
    trace.vantages.iter().flat_map(|v| &v.vrrp).any(|speaker| {
        speaker.mac.is_some_and(|mac| h.macs.contains(&mac)) || h.ips.contains(&speaker.src)
    })
}

/// Sending a real server nothing more, at a layer-7 proxy.
pub(in crate::diagnose) fn out_of_proxy(subject: &Subject) -> super::Fix {
    super::Fix {
        host: format!("the proxy, until {} serves again", name(subject)),
        command: "# take the server out: 'set server BACKEND/SERVER state maint' (haproxy), 'down' in its upstream (nginx); let health checks do it from then on".to_owned(),
        disruptive: false,
        undo: "Put it back: 'state ready', or without 'down'.".to_owned(),
    }
}

/// A subject's shortest name.
pub(in crate::diagnose) fn name(subject: &Subject) -> String {
    match (subject.address, subject.mac) {
        (Some(ip), _) => ip.to_string(),
        (None, Some(mac)) => mac.to_string(),
        (None, None) => "an unknown host".to_owned(),
    }
}

/// Names of subjects, for a sentence.
pub(in crate::diagnose) fn names(subjects: &[Subject]) -> String {
    super::facts::list(&subjects.iter().map(name).collect::<Vec<_>>())
}

/// Critical where connections failed, else a warning.
pub(in crate::diagnose) fn severity(trace: &Trace, ids: &[ConnectionId]) -> Severity {
    let failed = ids.iter().any(|id| trace.connection(*id).outcome.failed());
    if failed { Severity::Critical } else { Severity::Warning }
}

/// How many of a service's connections failed or not, "3 of 6".
pub(in crate::diagnose) fn share(
    facts: &Facts,
    service: ServiceId,
    ids: &[ConnectionId],
) -> String {
    let all = facts.requests_to(service).len();
    format!("{} of {all}", ids.len())
}

/// Why a detector of one mode had nothing to look at; `None` if it had.
pub(in crate::diagnose) fn needs_mode(trace: &Trace, modes: &[Mode]) -> Option<super::Detection> {
    let services = || trace.topology.services.iter().filter(|s| !s.is_backend);
    if services().any(|s| modes.contains(&s.mode)) {
        return None;
    }
    if services().any(|s| s.mode == Mode::Unknown) || services().count() == 0 {
        return Some(super::Detection::Unchecked(
            "no forwarding mode shows; capture on the director with 'tcpdump -i any', where both sides of it appear"
                .to_owned(),
        ));
    }
    Some(super::Detection::Clean)
}

/// What a detector of answers to SYNs could look at.
pub(in crate::diagnose) fn syns_or_blind(facts: &Facts) -> super::Detection {
    match super::symptom::syn_refused::blind(facts) {
        Some(why) => super::Detection::Unchecked(why),
        None => super::Detection::Clean,
    }
}

/// What a detector of proxies says where none was seen.
pub(in crate::diagnose) fn no_proxy(trace: &Trace) -> super::Detection {
    needs_mode(trace, &[Mode::Proxy]).unwrap_or(super::Detection::Clean)
}

/// Choosing a real server no more, on the director, and its undo.
pub(in crate::diagnose) fn rest(
    trace: &Trace,
    service: ServiceId,
    host: HostId,
    port: u16,
    until: &str,
) -> super::Fix {
    let s = trace.topology.service(service);
    let flag = forwarding_flag(s.mode);
    let server =
        Names(trace).address(host).map_or_else(|| "RIP".to_owned(), |ip| ip.with_port(port));
    let edit = |weight: &str| format!("ipvsadm -e -t {} -r {server} {flag} -w {weight}", s.name());
    let director = s.directors.first().map_or_else(
        || "the director".to_owned(),
        |d| format!("the director {}", Names(trace).host(d.host)),
    );
    super::Fix {
        host: format!("{director}, {until}"),
        command: edit("0"),
        disruptive: false,
        undo: edit("1"),
    }
}

/// The option of ipvsadm(8) for a mode.
pub(in crate::diagnose) fn forwarding_flag(mode: Mode) -> &'static str {
    match mode {
        Mode::Dr => "-g",
        Mode::Tun => "-i",
        _ => "-m",
    }
}

/// The command that rules an address' packets in netfilter.
pub(in crate::diagnose) fn tables(ip: crate::wire::Ip) -> &'static str {
    if ip.is_v4() { "iptables" } else { "ip6tables" }
}

/// Puts hosts in the order of their addresses, each once: their numbers follow the order
/// of the files.
pub(in crate::diagnose) fn by_address(trace: &Trace, hosts: &mut Vec<HostId>) {
    let names = Names(trace);
    hosts.sort_by_key(|h| (names.address(*h), trace.topology.hosts.get(*h).macs.first().copied()));
    hosts.dedup();
}
