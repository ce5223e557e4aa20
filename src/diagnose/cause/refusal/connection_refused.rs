//! A host answers SYNs with RST,ACK: nobody listens there.
//!
//! Of a balanced service it is a real server, or the director. Without a forwarding mode it
//! is said only where the refusing host's own capture shows that it kept the SYN: then the
//! address is that host's, whoever was meant to serve it.

use super::refused_by_itself::by_itself;
use crate::correlate::{Connection, Outcome};
use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::facts::address::claimants::WrongOnes;
use crate::diagnose::facts::address::disputes::{claimants, claims, disputed};
use crate::diagnose::facts::refusal::own_refusals::refuser;
use crate::diagnose::facts::refusal::stopped::{Listener, accepted_before, accepts_between};
use crate::diagnose::facts::telling;
use crate::diagnose::symptom::syn_refused as symptom;
use crate::diagnose::thresholds::PAIR;
use crate::diagnose::words::commands::cluster;
use crate::diagnose::words::commands::ipvsadm::Server;
use crate::diagnose::words::{self, agree, list, servers, share, spare};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::hashed::HashSet;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-refused"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut wrong = WrongOnes::default();
    // Whom the SYN was not meant for, or who refuses in a name that nobody called, has causes of its own.
    let of_its_own = |id: ConnectionId| facts.own_name_refusals().contains(&id);
    let refused: Vec<(ConnectionId, &Connection)> = facts
        .requests()
        .filter(|(id, c)| c.outcome == Outcome::Refused && !of_its_own(*id))
        .filter(|(id, _)| !wrong.got(facts, *id))
        .collect();
    let refused = || refused.iter().copied();
    let mode = |id: &ConnectionId| facts.service(*id).mode;
    let hit = refused().map(|(id, _)| id).filter(|id| mode(id) != Mode::Unknown);
    let mut findings: Vec<Finding> =
        each_service(facts, hit, |service, ids| finding(facts, service, ids));
    let mut own: BTreeMap<(ServiceId, HostId), Vec<ConnectionId>> = BTreeMap::new();
    // A balancer without a server that is up refuses, too, and no listener is missing.
    let turned_away: HashSet<ConnectionId> = facts
        .failed_pools()
        .iter()
        .flat_map(|pool| pool.turned_away.values().flatten().copied())
        .collect();
    for (id, _) in refused().filter(|(id, _)| mode(id) == Mode::Unknown) {
        if let Some((host, _)) = refuser(facts, id).filter(|_| !turned_away.contains(&id)) {
            own.entry((facts.service_of(id), host)).or_default().push(id);
        }
    }
    // One connection to a port that serves nobody may be anybody's mistake; the symptom says so.
    own.retain(|_, ids| ids.len() >= PAIR);
    findings.extend(own.into_iter().map(|(of, ids)| by_itself(facts, of, ids)));
    Detection::from(findings, || Detection::unless(symptom::blind(facts)))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let mut subjects = servers(facts, &ids);
    let by_server = !subjects.is_empty();
    if !by_server {
        subjects = vec![Subject {
            role: Role::Service,
            address: Some(s.vip),
            mac: None,
            port: Some(s.port),
        }];
    }
    let who = words::names(&subjects);
    let port = subjects[0].port.unwrap_or(s.port);
    let (verb, answer) = agree(subjects.len(), ("refuses", "answers"), ("refuse", "answer"));
    let title = format!("{who} {verb} connections on port {port}");
    let listens = match s.mode {
        Mode::Dr | Mode::Tun => format!(
            " In {} it must listen on {} or on all addresses, not on its own address alone.",
            s.mode.name().to_uppercase(),
            s.vip
        ),
        _ => String::new(),
    };
    let explanation = format!(
        "{who} {answer} SYNs for {} with RST,ACK, as a kernel does where no process listens on port {port}, and a firewall that rejects with a reset.{listens} {} refused.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("connection-refused", title, explanation)
        .rated(severity(facts, &ids), confidence(facts, &ids, by_server));
    if finding.confidence != Confidence::Certain {
        finding.candidate(
            "ipvs-no-destination",
            "then the director itself refuses, and no real server sees the SYN",
        );
    }
    if let Some(at) = stopped(facts, service, &subjects, &ids) {
        super::rolled_out::word(&mut finding, facts, service, &subjects);
        finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
        finding.proofs.push(Proof::at(at, "the last connection before that it accepted"));
        return finding.concerning(subjects, ids);
    }
    if let Some(at) = between(facts, service, &subjects, &ids) {
        super::refused_between::word(&mut finding, facts, (service, port), &subjects, &ids);
        finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
        finding.proofs.push(Proof::at(at, "and one between that it accepts"));
        claimed_twice(facts, &mut finding, &subjects);
        return finding.concerning(subjects, ids);
    }
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    if let [Subject { address: Some(server), .. }] = subjects[..]
        && let (of, place) =
            ((service, Listener::Address(server)), Names(facts).place_of(&subjects[0]))
        && super::refused_for_a_while::word(&mut finding, facts, of, &ids, place)
    {
        return finding.concerning(subjects, ids);
    }
    for subject in &subjects {
        finding.confirm(
            Names(facts).place_of(subject),
            format!("ss -ltn 'sport = :{port}'"),
            "shows whether anything listens, and on which address",
        );
    }
    if by_server {
        let servers = subjects.iter().map(|subject| Server::subject(subject, s.port)).collect();
        finding.fixes = spare(facts, service, servers, "until the service runs again");
    }
    claimed_twice(facts, &mut finding, &subjects);
    finding.concerning(subjects, ids)
}

/// A server whose address several hosts claim may not be the one that refuses.
fn claimed_twice(facts: &Facts, finding: &mut Finding, subjects: &[Subject]) {
    let mut addresses = subjects.iter().filter_map(|subject| subject.address);
    let Some(ip) = addresses.find(|ip| disputed(facts, *ip).is_some()) else { return };
    let names = Names(facts);
    let hosts: Vec<String> = claimants(facts, ip).iter().map(|h| names.full(*h)).collect();
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "vip-arp-conflict",
        format!(
            "{} hosts answer ARP for {ip}, {}: then it is an address that two have, and who refuses is not the server",
            hosts.len(),
            list(&hosts)
        ),
    );
    finding.confirm(
        list(&hosts),
        format!("ip -br link; ip -br addr show to {ip}"),
        "which of them has the address, and is it two interfaces of one host",
    );
    finding.proofs.extend(claims(facts, ip));
}

/// The last connection that the one server of a cluster's service accepted before it refused all.
fn stopped(
    facts: &Facts,
    service: ServiceId,
    subjects: &[Subject],
    ids: &[ConnectionId],
) -> Option<At> {
    let [Subject { address: Some(server), .. }] = subjects else { return None };
    let pods = cluster::is_clusters(facts, facts.topology.service(service));
    pods.then(|| accepted_before(facts, service, Listener::Address(*server), ids)).flatten()
}

/// A connection that each of the servers accepted between those that it refused: that of the first.
fn between(
    facts: &Facts,
    service: ServiceId,
    subjects: &[Subject],
    ids: &[ConnectionId],
) -> Option<At> {
    let each = subjects
        .iter()
        .map(|s| accepts_between(facts, service, Listener::Address(s.address?), ids));
    each.collect::<Option<Vec<At>>>()?.first().copied()
}

/// Seen where it is sent, or where the director gets it from the real server.
fn confidence(trace: &Trace, ids: &[ConnectionId], by_server: bool) -> Confidence {
    let shown = ids.iter().any(|id| {
        let service = trace.service(*id);
        symptom::legs(trace, *id).iter().any(|leg| {
            let host = trace.host_of(leg);
            let server = trace.server(*id).and_then(|s| s.host);
            let at_server = host.is_some() && host == server;
            let at_director = leg.tuple > 0 && host.is_some_and(|h| service.is_director(h));
            at_server || at_director
        })
    });
    if shown && by_server { Confidence::Certain } else { Confidence::Likely }
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(leg) = symptom::legs(trace, id).first().copied() else { return Vec::new() };
    let server = trace.server(id).and_then(|s| s.host);
    let at_server = trace.host_of(leg).is_some() && trace.host_of(leg) == server;
    let syn = if at_server { "the SYN as the real server gets it" } else { "the SYN" };
    let here = if trace.host_of(leg).is_some() && trace.host_of(leg) == server {
        ", by the real server itself"
    } else {
        ""
    };
    Proof::seen([
        trace.proof(leg, trace.forward(leg).first, syn),
        trace.proof(leg, trace.reply(leg).rst, format!("RST,ACK with sequence 0{here}")),
    ])
}
