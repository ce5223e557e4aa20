//! The way to an address that several sites announce changes back and forth: connections
//! that one site accepted reach another, which does not know them and resets them.
//!
//! Sites show by the TTL of their answers. A spread over both at once is no flap, and one
//! change is a failover (`ecmp-rehash-wrong-server` and others): it takes two changes
//! there and back within minutes, each with established connections that moved. Certain
//! only with a BGP session that ends or begins at each change.

use crate::capture::Timestamp;
use crate::diagnose::cause::severity;
use crate::diagnose::facts::site_changes::Flap;
use crate::diagnose::thresholds::SITE_CHANGES_MIN_CHANGES;
use crate::diagnose::thresholds::{BGP_ANYCAST_FLAP_AFTER_NS, BGP_ANYCAST_FLAP_BEFORE_NS};
use crate::diagnose::words::{capture_line, list, service_subject, share};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::flow::Mark;
use crate::topology::Role;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission"];

/// The port of BGP (RFC 4271, section 8), and how long before a change a session may end
/// or begin, nanoseconds.
const BGP: u16 = 179;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    let flaps = facts.site_changes();
    if !flaps.is_empty() {
        let events = sessions(facts);
        findings = flaps.iter().map(|flap| finding(facts, flap, &events)).collect();
    }
    Detection::from(findings, || {
        if facts.shows_clients() {
            return Detection::Clean;
        }
        Detection::Unchecked(
            "which site answers shows by TTL where answers pass; capture on a client".to_owned(),
        )
    })
}

/// The end or the beginning of a BGP session.
struct Event {
    at: At,
    time: Timestamp,
    peers: [Ip; 2],
    begins: bool,
}

fn sessions(trace: &Trace) -> Vec<Event> {
    let mut events = Vec::new();
    for (id, c) in trace.iter().filter(|(_, c)| c.protocol.is_tcp() && c.front.server.1 == BGP) {
        let Some(leg) = trace.legs(id).first() else { continue };
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let peers = [c.front.client.0, c.front.server.0];
        let mut add = |mark: Mark, begins: bool| {
            let at = trace.at(leg, mark);
            events.push(Event { at, time: trace.time(at), peers, begins });
        };
        if there.syn.is_set() && c.progress.established && c.progress.request {
            add(there.syn, true);
        }
        let ends = [there.fin, back.fin, there.rst, back.rst].into_iter().filter_map(Mark::get);
        if let Some(end) = ends.min_by_key(|m| m.frame()) {
            add(end, false);
        }
    }
    events.sort_by_key(|e| (e.time, e.at.vantage, e.at.mark.frame()));
    events
}

/// For each change the last session event before it; `None` unless each has its own.
fn told<'a>(trace: &Trace, flap: &Flap, events: &'a [Event]) -> Option<Vec<&'a Event>> {
    let mut free = 0;
    let mut told = Vec::new();
    for change in &flap.changes {
        let at = trace.time(At { vantage: flap.vantage, mark: change.to.mark });
        let near = |e: &Event| {
            (at.0 - BGP_ANYCAST_FLAP_BEFORE_NS..=at.0 + BGP_ANYCAST_FLAP_AFTER_NS)
                .contains(&e.time.0)
        };
        let place = free + events.get(free..)?.iter().rposition(near)?;
        told.push(&events[place]);
        free = place + 1;
    }
    Some(told)
}

fn finding(facts: &Facts, flap: &Flap, events: &[Event]) -> Finding {
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
        "New connections to {} are answered with TTL {a}, then with {b}, then with {a} again: {} changes, the shortest time between two of them {shortest:.1} s, and never both at once. At each change connections that the one site accepted reach the other, which does not know them: {} were reset.{session}",
        s.name(),
        flap.changes.len(),
        share(facts, flap.service, &ids)
    );
    let mut finding = Finding::cause("bgp-anycast-flap", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = if told.is_some() { Confidence::Certain } else { Confidence::Likely };
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
        finding.candidates = others
            .into_iter()
            .map(|(id, tell)| Candidate { id, tell_apart: tell.to_owned() })
            .collect();
        finding.confirm(
            "the router that chooses between the sites".to_owned(),
            "tcpdump -i any -s 0 -w bgp.pcap 'tcp port 179 or udp port 3784 or udp port 4784'"
                .to_owned(),
            "a session that ends and begins with each change",
        );
    }
    finding.confirm(
        "the router, and the director of each site".to_owned(),
        "vtysh -c 'show bgp summary' -c 'show bgp neighbors' -c 'show bfd peers'".to_owned(),
        "sessions that are up for seconds, and the reason of the last reset",
    );
    let vip = s.vip;
    let (own, peer) = ends(facts, flap, told.as_ref().map(|t| t[0].peers));
    let timers = |verb: &str, times: &str| {
        let peer = peer.map_or_else(|| "PEER".to_owned(), |ip| ip.to_string());
        format!(
            "vtysh -c 'configure terminal' -c 'router bgp' -c '{verb}neighbor {peer} timers{times}'"
        )
    };
    let host =
        own.map_or_else(|| "the director whose session flaps".to_owned(), |ip| ip.to_string());
    finding.fixes = vec![
        Fix::disruptive(
            format!("{host}, once it is known why the session ends"),
            format!(
                "{}   # a hold time that outlasts a busy second; with BFD a larger detect-multiplier",
                timers("", " 10 30")
            ),
            timers("no ", ""),
        ),
        Fix::safe(
            "the router".to_owned(),
            format!(
                "vtysh -c 'configure terminal' -c 'router bgp' -c 'bgp dampening'   # a way to {vip} that flaps is left alone until it stands"
            ),
            "vtysh -c 'configure terminal' -c 'router bgp' -c 'no bgp dampening'",
        ).meanwhile(),
    ];
    finding.proofs = proofs(facts, flap, told.as_deref());
    let subject = |ip: Ip, role| crate::diagnose::Subject {
        address: Some(ip),
        ..facts.host_by_ip(ip).map(|h| names.subject(role, h)).unwrap_or_default()
    };
    finding.subjects.extend(own.map(|ip| crate::diagnose::Subject {
        role: Role::Director,
        ..subject(ip, Role::Director)
    }));
    finding.subjects.extend(
        peer.map(|ip| crate::diagnose::Subject { role: Role::Router, ..subject(ip, Role::Router) }),
    );
    finding.subjects.push(service_subject(s));
    if told.is_none() {
        finding.confirm(
            format!("the directors that announce {}", list(&[vip.to_string()])),
            capture_line("director", &[vip], Some(s.port)),
            "which of them gets the segments that it resets",
        );
    }
    finding.connections = ids;
    finding
}

/// Of a session's peers the one that packets end at, and the router.
fn ends(trace: &Trace, flap: &Flap, peers: Option<[Ip; 2]>) -> (Option<Ip>, Option<Ip>) {
    let Some([a, b]) = peers else { return (None, None) };
    let forwards = |ip: Ip| {
        let host = trace.host_by_ip(ip);
        let mut steps = flap.moved.iter().flat_map(|m| &trace.route(m.id).forward);
        host.is_some() && steps.any(|step| step.from == host)
    };
    if forwards(a) && !forwards(b) { (Some(b), Some(a)) } else { (Some(a), Some(b)) }
}

fn proofs(trace: &Trace, flap: &Flap, told: Option<&[&Event]>) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (n, change) in flap.changes.iter().take(SITE_CHANGES_MIN_CHANGES).enumerate() {
        if let Some(event) = told.and_then(|told| told.get(n)) {
            let note = if event.begins { "a BGP session begins" } else { "the BGP session ends" };
            proofs.push(Proof { at: event.at, note: note.to_owned() });
        }
        if let Some(one) = change.one {
            let note =
                format!("reset with TTL {}; it was accepted with {}", one.ttls.1, one.ttls.0);
            proofs.extend(trace.proof(&trace.legs(one.id)[one.leg], one.reset, note));
        }
        let note = format!("the first new connection that is answered with TTL {}", change.to.ttl);
        proofs.push(Proof { at: At { vantage: flap.vantage, mark: change.to.mark }, note });
    }
    proofs
}
