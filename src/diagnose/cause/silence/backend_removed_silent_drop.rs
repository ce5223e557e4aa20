//! A real server was taken out of the table under its connections: the director
//! drops their packets without a word.
//!
//! Only the director's own capture shows it, of TCP and of UDP alike: packets of established connections
//! come in and do not go out, while others do. A director that says why it
//! drops (ICMP) or resets is another cause's.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::decide::refusal::WhyStale;
use crate::diagnose::decide::size::{WhyWithheld, why_withheld};
use crate::diagnose::facts::state::withheld::{self, Withheld};
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::words::commands::ipvsadm::{Server, Virtual};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{self, count, explained, server_subject, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId, Option<Ip>), Vec<Dropped<'_>>> = BTreeMap::new();
    let streams = facts.requests().filter(|(_, c)| c.progress.repeats);
    let stale = facts.stale_ports().iter().filter(|(_, x)| x.why() == WhyStale::Removed);
    let datagrams = stale.map(|(id, _)| *id);
    let dropped = streams.filter_map(|(id, _)| dropped(facts, id));
    for dropped in dropped.chain(datagrams.filter_map(|id| datagrams_withheld(facts, id))) {
        let service = facts.topology.service_of[dropped.id.0 as usize];
        let server = facts.server(dropped.id).and_then(|s| s.address);
        sets.entry((service, dropped.director, server)).or_default().push(dropped);
    }
    let findings = sets
        .into_iter()
        .filter_map(|((service, director, _), set)| finding(facts, service, director, &set));
    Detection::from(findings.collect(), || {
        if let Some(other) = needs_mode(facts, &Mode::LAYER_4) {
            return other;
        }
        let balanced = facts.topology.services.iter().filter(|s| !s.is_backend);
        let captured = balanced.flat_map(|s| &s.directors).any(|d| facts.is_captured(d.host));
        Detection::clean_if(
            captured,
            "no director was captured; what it drops shows only in its own capture, 'tcpdump -i any'",
        )
    })
}

type Dropped<'a> = Withheld<'a>;

fn dropped<'a>(facts: &'a Facts, id: ConnectionId) -> Option<Dropped<'a>> {
    let withheld = withheld::withheld(facts, id)?;
    let missing = withheld.passage.missing(facts, id);
    let overlay = withheld.passage.enters_overlay(facts, id);
    let mode = facts.service(id).mode;
    let why = why_withheld(mode, overlay, missing, withheld.sought.is_some());
    (why == WhyWithheld::Removed).then_some(withheld)
}

/// A client's datagrams that come in and do not go out.
fn datagrams_withheld(trace: &Trace, id: ConnectionId) -> Option<Dropped<'_>> {
    let mut directors = trace.service(id).directors.iter().map(|d| d.host);
    directors.find_map(|director| {
        let passage = passage(trace, id, director).filter(|p| p.is_withheld(trace, id))?;
        Some(Dropped { id, director, passage, sought: None })
    })
}

/// A connection of the same director that it still forwarded after the others
/// fell silent, and when.
fn still_forwarded(
    facts: &Facts,
    service: ServiceId,
    director: HostId,
    set: &[Dropped<'_>],
) -> Option<(ConnectionId, At)> {
    let since = set
        .iter()
        .filter_map(|d| d.passage.last_out(facts, d.id))
        .map(|at| facts.time(at))
        .max()?;
    facts
        .requests_to(service)
        .filter(|(id, _)| !set.iter().any(|d| d.id == *id))
        .filter_map(|(id, _)| Some((id, passage(facts, id, director)?.last_out(facts, id)?)))
        .find(|(_, at)| facts.time(*at) > since)
}

/// Whether the director sent anything to the same real server after that.
fn same_server_served(trace: &Trace, other: ConnectionId, set: &[Dropped<'_>]) -> bool {
    let server = trace.server(other).and_then(|s| s.address);
    server.is_some() && set.iter().any(|d| trace.server(d.id).and_then(|s| s.address) == server)
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    director: HostId,
    set: &[Dropped<'_>],
) -> Option<Finding> {
    // A director that forwards nothing at all has another trouble.
    let (other, at) = still_forwarded(facts, service, director, set)?;
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|d| d.id).collect();
    let server = words::servers(facts, &ids);
    let who = words::names(&server);
    let host = names.full(director);
    let udp = s.protocol.is_udp();
    let (what, nothing, expires) = if udp {
        ("connection", "no ICMP", "the next datagram ends the entry, the one after goes elsewhere")
    } else {
        ("established connection", "no RST or ICMP", "tells such clients with a RST")
    };
    let title = format!(
        "the director {} drops open connections to {who}, as if that were removed",
        names.host(director)
    );
    let explanation = format!(
        "Packets of {} to {} that {who} had served come in at {host} again and again and do not go out, and {nothing} tells the client, while other connections are forwarded. IPVS does that with an entry whose real server was deleted from the table (expire_nodest_conn=0): the client waits until it gives up. {} cut off.",
        count(ids.len(), what),
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("backend-removed-silent-drop", title, explanation);
    finding.severity = severity(facts, &ids);
    let served = same_server_served(facts, other, set);
    finding.confidence = if served { Confidence::Possible } else { Confidence::Likely };
    finding.candidate("packet-loss", "then the director's own filters or queues drop them: 'nft list ruleset', 'tc -s qdisc', and 'ipvsadm -Ln' still lists the real server");
    finding.confirm(
        host.clone(),
        "ipvsadm -Ln; ipvsadm -Lnc; sysctl net.ipv4.vs.expire_nodest_conn",
        format!("{who} is missing in the first list and named in the second: this is it"),
    );
    finding.fixes = vec![
        sysctl::change(names.place(director), &[("net.ipv4.vs.expire_nodest_conn", "1", "0")])
            .because(expires),
        drain(facts, service, director, &ids),
    ];
    finding.proofs = set.first().map(|d| d.proofs(facts)).unwrap_or_default();
    finding
        .proofs
        .push(Proof::at(at, "meanwhile the director sends another connection's packet on"));
    Some(finding.concerning(vec![names.subject(Role::Director, director)], ids).also(server))
}

fn drain(trace: &Trace, service: ServiceId, director: HostId, ids: &[ConnectionId]) -> Fix {
    let s = trace.topology.service(service);
    let table = Virtual::of(s);
    let server = ids.iter().find_map(|id| server_subject(trace, *id)).unwrap_or_default();
    let entry = table.server(Server::subject(&server, s.port));
    Fix::safe(
        format!("{}, instead of 'ipvsadm -d'", Names(trace).place(director)),
        explained(
            entry.add(0),
            "back in, for its open connections only; delete it when ActiveConn is 0",
        ),
        entry.delete(),
    )
    .or()
}
