//! The way to an address that several sites announce changes back and forth: connections
//! that one site accepted reach another, which does not know them and resets them.
//!
//! Sites show by the TTL of their answers. A spread over both at once is no flap, and one
//! change is a failover (`ecmp-rehash-wrong-server` and others): it takes two changes
//! there and back within minutes, each with established connections that moved. Certain
//! only with a BGP session that ends or begins at each change.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::way::bgp_sessions::{SessionEvent, ends, sessions, told};
use crate::diagnose::facts::way::site_changes::Flap;
use crate::diagnose::thresholds::SITE_CHANGES_MIN_CHANGES;
use crate::diagnose::words::{capture_line, list, service_subject, share};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject,
};
use crate::topology::Role;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission", "service-error"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    let flaps = facts.site_changes();
    if !flaps.is_empty() {
        let events = sessions(facts);
        findings = flaps.iter().map(|flap| finding(facts, flap, &events)).collect();
    }
    Detection::from(findings, || {
        Detection::clean_if(
            facts.shows_clients(),
            "which site answers shows by TTL where answers pass; capture on a client",
        )
    })
}

fn finding(facts: &Facts, flap: &Flap, events: &[SessionEvent]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(flap.service);
    let mut ids: Vec<ConnectionId> = flap.moved.iter().map(|m| m.id).collect();
    ids.sort_unstable();
    let told = told(facts, flap, events);
    let [a, b] = flap.ttls;
    let times: Vec<i64> =
        flap.changes.windows(2).map(|p| p[1].to.mark.since(p[0].to.mark) / 1_000_000).collect();
    let shortest = times.iter().min().map_or(0.0, |ms| *ms as f64 / 1e3);
    let title = format!("the way to {} changes back and forth between two sites", s.vip);
    let session = match &told {
        Some(set) => format!(
            " The BGP session between {} and {} ends or begins before each change.",
            set[0].peers[0], set[0].peers[1]
        ),
        None => String::new(),
    };
    let explanation = format!(
        "New connections to {} are answered with TTL {a}, then with {b}, then with {a} again: {} changes, the shortest time between two of them {shortest:.1} s, and never both at once. At each change connections that the one site accepted reach the other, which does not know them: {} reset.{session}",
        s.name(),
        flap.changes.len(),
        share(facts, flap.service, &ids, "were")
    );
    let mut finding = Finding::cause("bgp-anycast-flap", title, explanation).rated(
        severity(facts, &ids),
        if told.is_some() { Confidence::Certain } else { Confidence::Likely },
    );
    if told.is_none() {
        let others = [
            (
                "ecmp-rehash-wrong-server",
                "then sessions stand, and the set of paths changes at each time: the router's log and 'show bgp' say so",
            ),
            (
                "vrrp-split-brain",
                "then both sites are routers of one link, and VRRP advertisements of both are seen there",
            ),
        ];
        finding.candidates = Candidate::all(others);
        finding.confirm(
            "the router that chooses between the sites",
            "tcpdump -i any -s 0 -w bgp.pcap 'tcp port 179 or udp port 3784 or udp port 4784'",
            "a session that ends and begins with each change",
        );
    }
    finding.confirm(
        "the router, and the director of each site",
        "vtysh -c 'show bgp summary' -c 'show bgp neighbors' -c 'show bfd peers'",
        "sessions that are up for seconds, and the reason of the last reset",
    );
    let vip = s.vip;
    let (own, peer) = ends(facts, flap, told.as_ref().map(|t| t[0].peers));
    let neighbour = |ip: Option<Ip>, verb: &str, what: &str| {
        let whose = ip.map_or_else(|| "PEER".to_owned(), |ip| ip.to_string());
        format!("vtysh -c 'configure terminal' -c 'router bgp' -c '{verb}neighbor {whose} {what}'")
    };
    let host =
        own.map_or_else(|| "the director whose session flaps".to_owned(), |ip| ip.to_string());
    finding.fixes = vec![
        Fix::disruptive(
            format!("{host}, once it is known why the session ends"),
            format!(
                "{}   # where the hold time in force, as the check prints it, is shorter; it holds from the next session on ('clear bgp'); with BFD a larger detect-multiplier",
                neighbour(peer, "", "timers 10 30")
            ),
            neighbour(peer, "no ", "timers"),
        ),
        Fix::disruptive(
            "the router, where another site takes its share",
            format!(
                "{}   # the way to {vip} that comes and goes stays away until it stands",
                neighbour(own, "", "shutdown")
            ),
            neighbour(own, "no ", "shutdown"),
        )
        .meanwhile(),
    ];
    finding.proofs = proofs(facts, flap, told.as_deref());
    let subject = |ip: Ip, role| Subject {
        address: Some(ip),
        ..facts.host_by_ip(ip).map(|h| names.subject(role, h)).unwrap_or_default()
    };
    finding
        .subjects
        .extend(own.map(|ip| Subject { role: Role::Director, ..subject(ip, Role::Director) }));
    finding
        .subjects
        .extend(peer.map(|ip| Subject { role: Role::Router, ..subject(ip, Role::Router) }));
    finding.subjects.push(service_subject(s));
    if told.is_none() {
        finding.confirm(
            format!("the directors that announce {}", list(&[vip.to_string()])),
            capture_line("director", &[vip], Some(s.port)),
            "which of them gets the segments that it resets",
        );
    }
    // The sessions end for it, or it for them: nothing more is to be said of their ends.
    ids.extend(told.iter().flatten().filter(|event| !event.begins).map(|event| event.id));
    ids.sort_unstable();
    ids.dedup();
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, flap: &Flap, told: Option<&[&SessionEvent]>) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (n, change) in flap.changes.iter().take(SITE_CHANGES_MIN_CHANGES).enumerate() {
        if let Some(event) = told.and_then(|told| told.get(n)) {
            let note = if event.begins { "a BGP session begins" } else { "the BGP session ends" };
            proofs.push(Proof::at(event.at, note.to_owned()));
        }
        if let Some(one) = change.one {
            let note =
                format!("reset with TTL {}; it was accepted with {}", one.ttls.1, one.ttls.0);
            proofs.extend(trace.proof(&trace.legs(one.id)[one.leg], one.reset, note));
        }
        let note = format!("the first new connection that is answered with TTL {}", change.to.ttl);
        proofs.push(Proof::on(flap.vantage, change.to.mark, note));
    }
    proofs
}
