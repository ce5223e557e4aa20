//! A real server remembers the latest TCP timestamp of each source address and drops SYNs
//! that carry an older one (`net.ipv4.tcp_tw_recycle`, Linux before 4.12): the clients
//! behind one address have clocks of their own.
//!
//! The kernel's memory is followed SYN by SYN at the real server's own capture
//! (`tcp_peer_is_proven`, `tcp_remember_stamp`): it is written where the server closes
//! first, and holds for a minute. Every SYN that got nothing must lie below it and every
//! one that was answered at once must not; one SYN against it, and this is not found.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::silence::timestamps::{Dropped, dropped, shows, suspects};
use crate::diagnose::facts::way::arrivals::{Arrived, arrived};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{self, agree, rest, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<ServiceId, Vec<(HostId, Dropped)>> = BTreeMap::new();
    let mut arrivals: BTreeMap<(ServiceId, HostId), Vec<Arrived>> =
        suspects(facts).into_iter().map(|of| (of, Vec::new())).collect();
    let asked = if arrivals.is_empty() { None } else { Some(facts.requests()) };
    for (id, c) in asked.into_iter().flatten() {
        let Some(host) = facts.server(id).and_then(|s| s.host).filter(|_| c.protocol.is_tcp())
        else {
            continue;
        };
        if let Some(all) = arrivals.get_mut(&(facts.service_of(id), host)) {
            all.extend(arrived(facts, id, host));
        }
    }
    for ((service, host), all) in arrivals {
        if let Some(dropped) = dropped(facts, &all) {
            sets.entry(service).or_default().push((host, dropped));
        }
    }
    let findings = sets.into_iter().map(|(service, set)| finding(facts, service, set)).collect();
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &Mode::LAYER_4) {
            return other;
        }
        let mut servers =
            facts.topology.services.iter().filter(|s| Mode::LAYER_4.contains(&s.mode));
        Detection::clean_if(
            servers.any(|s| s.real_servers.iter().filter_map(|r| r.host).any(|h| shows(facts, h))),
            "no real server's own capture shows the SYNs that reach it; capture on them",
        )
    })
}

fn finding(facts: &Facts, service: ServiceId, mut set: Vec<(HostId, Dropped)>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    set.sort_by_key(|(host, d)| (std::cmp::Reverse(d.ids.len()), names.address(*host)));
    let ids: Vec<ConnectionId> = set.iter().flat_map(|(_, d)| d.ids.iter().copied()).collect();
    let subjects: Vec<_> =
        set.iter().map(|(host, _)| names.subject(Role::RealServer, *host)).collect();
    let who = words::names(&subjects);
    let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
    let verb = agree(set.len(), "drops", "drop");
    let title = format!("{who} {verb} SYNs whose timestamps go back: tcp_tw_recycle");
    let (source, dropped, taken) = set[0].1.sources[0];
    let explanation = format!(
        "SYNs of {source} for {} arrive at {who}. {dropped} of them got nothing for their first transmission or for all: the timestamp of each is lower than the latest one of that address, of whatever port, on a connection that the server closed within the minute before. {taken} that came between them with higher timestamps were answered at once. Linux before 4.12 does that with net.ipv4.tcp_tw_recycle=1: it takes one address for one clock, and behind a NAT or a FullNAT director there are many. {} concerned.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("tw-recycle-nat-timestamps", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence =
        if set.iter().all(|(_, d)| d.certain) { Confidence::Certain } else { Confidence::Likely };
    if finding.confidence == Confidence::Likely {
        finding.candidate(
            "accept-queue-overflow",
            "TcpExtListenOverflows grows with the lost SYNs, and TcpExtPAWSPassive stands still",
        );
    }
    for (host, d) in &set {
        let server = names.place(*host);
        finding.confirm(
            server.clone(),
            "sysctl net.ipv4.tcp_tw_recycle; uname -r; nstat -az TcpExtPAWSPassive",
            "1, a kernel before 4.12, and a counter that grows with each lost SYN",
        );
        finding.fixes.push(
            sysctl::change(server, &[("net.ipv4.tcp_tw_recycle", "0", "1")])
                .because("and in /etc/sysctl.conf; the kernel forgets within a minute"),
        );
        finding.proofs.extend(d.proofs.iter().cloned());
    }
    let hosts: Vec<HostId> = set.iter().map(|(host, _)| *host).collect();
    finding.fixes.extend(rest(facts, service, &hosts, port, "until that is done"));
    finding.concerning(subjects, ids)
}
