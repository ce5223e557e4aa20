//! A real server behind NAT sends its answers by another gateway than the
//! director, so nobody translates them back.

use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::facts::{shared_bits, telling};
use crate::diagnose::symptom::asymmetric_return_path as symptom;
use crate::diagnose::words::{agree, arrow, arrow_back, name, names, servers, share};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, ToConfirm,
};
use crate::topology::{Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["asymmetric-return-path", "rst-no-socket", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts
        .requests()
        .filter(|(_, c)| c.back.is_some())
        .filter_map(|(id, _)| facts.return_around(id).filter(|around| !around.direct).map(|_| id));
    let findings = by_service(facts, hit)
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || blind(facts))
}

/// What the look was worth where nothing was found.
pub(in crate::diagnose) fn blind(facts: &Facts) -> Detection {
    if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
        return other;
    }
    match symptom::blind(facts) {
        Some(why) => Detection::Unchecked(why),
        None => Detection::Clean,
    }
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let subjects = servers(facts, &ids);
    let vip = facts.topology.service(service).vip;
    let director = crate::diagnose::words::directors(facts, service);
    let server = names(&subjects);
    let next = ids.iter().filter_map(|id| facts.return_around(*id)?.next).next();
    let way = next.map_or_else(
        || "not by way of the director".to_owned(),
        |host| format!("by way of {}, which is not the director", Names(facts).full(host)),
    );
    let verb = agree(subjects.len(), "answers", "answer");
    let title = format!("{server} {verb} around the director, not through it");
    let explanation = format!(
        "The director translated {vip} to {server} on the way in, but the answer left {way}. Nobody translates it back, so it reaches the client from an address that it never called, and the client resets it. {} connections are concerned.",
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("nat-return-bypasses-director", title, explanation);
    finding.severity = severity(facts, &ids);
    let seen_at_client = ids.iter().any(|id| facts.return_around(*id).is_some_and(|a| a.at_client));
    let seen_at_server = ids.iter().any(|id| {
        facts.back_legs(*id).any(|leg| {
            facts.host_of(leg).is_some()
                && facts.host_of(leg) == facts.server(*id).and_then(|s| s.host)
        })
    });
    finding.confidence = match (seen_at_client, seen_at_server) {
        (true, true) => Confidence::Certain,
        (false, true) if !director.is_empty() => Confidence::Certain,
        _ => Confidence::Likely,
    };
    // In its middle one segment that was not translated looks the same as all of them.
    if !ids.iter().any(|id| facts.connection(*id).progress.syn) {
        finding.confidence = Confidence::Likely;
        finding.candidates.push(Candidate {
            id: "conntrack-invalid-rst",
            tell_apart: "then only one segment of an open connection comes untranslated, and connections begin well".to_owned(),
        });
    }
    if !seen_at_server {
        finding.candidates.push(Candidate {
            id: "nat-same-subnet-client",
            tell_apart: "then only clients on the real server's own link fail, and the answer comes from its own MAC".to_owned(),
        });
        for subject in &subjects {
            finding.to_confirm.push(ToConfirm {
                host: name(subject),
                command: format!("ip route get {}", facts.connection(ids[0]).front.client.0),
                why: "names the gateway of its answers; it must be the director".to_owned(),
            });
        }
    }
    if let Some(id) = telling(facts, &ids) {
        finding.proofs = proofs(facts, id);
    }
    // The director's address on the real servers' side.
    let side = director.first().and_then(|d| gateway(facts, service, d.address));
    let via = side.unwrap_or_else(|| "DIP".to_owned());
    for subject in &subjects {
        finding.fixes.push(Fix {
            host: name(subject),
            command: format!("ip route replace default via {via}"),
            disruptive: true,
            undo: "Restore the route that 'ip route show default' printed before.".to_owned(),
        });
    }
    finding.subjects = subjects;
    finding.subjects.extend(director);
    finding.connections = ids;
    finding
}

/// The director's address nearest to the real servers': the longest common
/// prefix decides, as no mask is on the wire.
fn gateway(trace: &Trace, service: ServiceId, known: Option<crate::wire::Ip>) -> Option<String> {
    let service = trace.topology.service(service);
    let host = service.directors.first()?.host;
    let server = service.real_servers.iter().find_map(|r| r.address)?;
    let ips = trace.topology.hosts.get(host).ips.iter().copied().chain(known);
    ips.filter(|ip| *ip != service.vip && ip.is_v4() == server.is_v4() && !ip.is_link_local())
        .max_by_key(|ip| shared_bits(*ip, server))
        .map(|ip| ip.to_string())
}

/// The story of one connection: asked, translated, answered past the director,
/// reset.
pub(in crate::diagnose) fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let connection = trace.connection(id);
    let (front, Some(back)) = (connection.front, connection.back) else { return Vec::new() };
    let mut proofs = Vec::new();
    if let Some(leg) =
        trace.legs(id).iter().find(|leg| leg.tuple == 0 && trace.forward(leg).opened())
    {
        proofs.extend(trace.proof(leg, trace.forward(leg).syn, format!("{}  SYN", arrow(&front))));
    }
    if let Some(leg) = trace.back_legs(id).find(|leg| trace.forward(leg).opened()) {
        let note = format!("{}  the same SYN, destination rewritten", arrow(&back));
        proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
    }
    let server = trace.server(id).and_then(|s| s.host);
    let at_server =
        |leg: &&crate::correlate::Leg| trace.host_of(leg).is_some() && trace.host_of(leg) == server;
    let director = |mac| trace.host_by_mac(mac).is_some_and(|h| trace.service(id).is_director(h));
    // The answer leaves the real server before it reaches the client.
    let mut answers: Vec<_> = trace.back_legs(id).filter(|leg| trace.reply(leg).seen()).collect();
    answers.sort_by_key(|leg| !at_server(leg));
    for leg in answers {
        let note = if at_server(&leg) {
            let to = trace.vantage(leg).first_hop(trace.reply(leg)).and_then(|h| h.link.dst);
            match to.filter(|mac| !director(Some(*mac))) {
                Some(mac) => format!("{}  SYN-ACK, to {mac}, not the director", arrow_back(&back)),
                None => format!("{}  SYN-ACK leaves the real server", arrow_back(&back)),
            }
        } else {
            format!("{}  SYN-ACK, not translated back", arrow_back(&back))
        };
        proofs.extend(trace.proof(leg, trace.reply(leg).first, note));
    }
    if let Some(leg) = trace.back_legs(id).find(|leg| trace.forward(leg).rst.is_set()) {
        let note = format!("{}  RST, no socket expects it", arrow(&back));
        proofs.extend(trace.proof(leg, trace.forward(leg).rst, note));
    }
    proofs
}
