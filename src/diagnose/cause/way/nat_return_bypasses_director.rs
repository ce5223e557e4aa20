//! A real server behind NAT sends its answers by another gateway than the
//! director, so nobody translates them back.

use crate::breaks::{Journey, Milestone};
use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::decide::way::WhyAround;
use crate::diagnose::facts::{shared_bits, telling};
use crate::diagnose::words::commands::{cluster, ip::Answers, step};
use crate::diagnose::words::{self, agree, name, names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Subject};
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// Stands for the director's address where none is known on that side.
const DIP: &str = "DIP";

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["asymmetric-return-path", "rst-no-socket", "syn-unanswered", "handshake-incomplete"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(_, c)| c.back.is_some()).filter_map(|(id, _)| {
        facts.return_around(id).filter(|around| around.why() == WhyAround::Gateway).map(|_| id)
    });
    let mut findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    findings.extend(super::denied::findings(
        facts,
        "nat-return-bypasses-director",
        WhyAround::Gateway,
    ));
    Detection::from(findings, || super::unseen_returns(facts))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let subjects = servers(facts, &ids);
    let vip = facts.topology.service(service).vip;
    let director = words::directors(facts, service);
    let server = names(&subjects);
    let next = ids.iter().filter_map(|id| facts.return_around(*id)?.next).next();
    let same_way = comes_as_it_went(facts, &ids);
    let through = ids.iter().any(|id| facts.passed_on_untranslated(*id));
    let way = if through {
        "by way of the very host that translated, which sends it on as it came".to_owned()
    } else {
        way(facts, next, same_way)
    };
    let verb = agree(subjects.len(), "answers", "answer");
    let title = if same_way || through {
        format!("what {server} {verb} is not translated back to {}", s_name(facts, service))
    } else {
        format!("{server} {verb} around the director, not through it")
    };
    let unexpected = super::unexpected(facts, &ids);
    let (asked, given) = translated(facts, service, &subjects);
    let explanation = format!(
        "The director translated {asked} to {given} on the way in, but the answer left {way}. Nobody translates it back, so it reaches the client from an address that it never called: the client has no connection with that {unexpected}. {} concerned.",
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("nat-return-bypasses-director", title, explanation);
    finding.severity = severity(facts, &ids);
    let seen_at_server = is_seen_at_server(facts, &ids);
    let seen_at_client = ids.iter().any(|id| facts.return_around(*id).is_some_and(|a| a.at_client));
    finding.confidence = match (seen_at_client, seen_at_server) {
        (true, true) => Confidence::Certain,
        (false, true) if !director.is_empty() => Confidence::Certain,
        _ => Confidence::Likely,
    };
    // In its middle one segment that was not translated looks the same as all of them.
    if !ids.iter().any(|id| facts.connection(*id).progress.syn) {
        finding.confidence = Confidence::Likely;
        finding.candidate("conntrack-invalid-rst", "then only one segment of an open connection comes untranslated, and connections begin well");
    }
    // Where the host that translates sees the answers pass, no gateway is wrong.
    let passes = ids.iter().any(|id| facts.reset_untranslated(*id).is_some());
    // Which gateway a server used, or none, is told by hardware addresses.
    let untold = ids
        .iter()
        .flat_map(|id| facts.legs(*id))
        .any(|leg| facts.vantage(leg).tally.without_macs > 0);
    if !seen_at_server || untold {
        finding.candidate("nat-same-subnet-client", "then only clients on the real server's own link fail, and the answer comes from its own MAC");
        // A pod's gateway is its node, whoever translates.
        let pods = cluster::is_clusters(facts, facts.topology.service(service));
        for subject in subjects.iter().filter(|_| !passes && !through && !pods) {
            finding.confirm(
                name(subject),
                format!("ip route get {}", facts.connection(ids[0]).front.client.0),
                "names the gateway of its answers; it must be the director",
            );
        }
    }
    if let Some(id) = telling(facts, &ids) {
        finding.proofs = super::proofs_around(facts, id);
    }
    if through {
        let place = director.first().map_or_else(|| "the host that translates".to_owned(), name);
        translates_one_way(&mut finding, &place, vip);
        return finding.concerning(subjects, ids).also(director);
    }
    if same_way {
        // Whose gateway is wrong, if any is, nobody captured.
        advise_translator(facts, &mut finding, next, vip);
        finding.subjects = subjects;
        finding.connections = ids;
        return finding;
    }
    if passes {
        let host = director.first().map_or_else(
            || "the host that translates".to_owned(),
            |d| format!("the director {}", name(d)),
        );
        super::bridged(&mut finding, &host);
        return finding.concerning(subjects, ids).also(director);
    }
    // The director's address on the real servers' side.
    let side = director.first().and_then(|d| gateway(facts, service, d.address));
    let via = side.unwrap_or_else(|| DIP.to_owned());
    let why = if via == DIP { "DIP: the director's address on this link" } else { "the director" };
    for subject in &subjects {
        let answers = answers(facts, service, subject);
        finding.fixes.push(step::safe(name(subject), answers.leave_by(&via, why)));
    }
    finding.concerning(subjects, ids).also(director)
}

/// By what way an answer left that did not go through the director.
fn way(facts: &Facts, next: Option<HostId>, same_way: bool) -> String {
    let Some(host) = next.map(|host| Names(facts).full(host)) else {
        return "not by way of the director".to_owned();
    };
    if same_way {
        format!(
            "by way of {host}, to which the client sends as well: either that is who translates, and does not translate back, or a router before both"
        )
    } else {
        format!("by way of {host}, which is not the director")
    }
}

/// What clients call, and what it is translated to. Where the port alone is, addresses say nothing.
fn translated(facts: &Facts, service: ServiceId, servers: &[Subject]) -> (String, String) {
    let vip = facts.topology.service(service).vip;
    if servers.iter().all(|s| s.address != Some(vip)) {
        return (vip.to_string(), names(servers));
    }
    let whole = |s: &Subject| {
        s.address.zip(s.port).map_or_else(|| name(s), |(ip, port)| ip.with_port(port))
    };
    (s_name(facts, service), words::list_of(servers.iter().map(whole)))
}

/// Whether a real server's own capture shows its side of one of them.
fn is_seen_at_server(facts: &Facts, ids: &[ConnectionId]) -> bool {
    let at_server = |id: &ConnectionId| {
        let host = facts.server(*id).and_then(|s| s.host);
        facts.back_legs(*id).any(|leg| {
            let here = facts.host_of(leg);
            here.is_some() && here == host
        })
    };
    ids.iter().any(at_server)
}

/// What a real server answers for the service, by its own address.
fn answers(facts: &Facts, service: ServiceId, subject: &Subject) -> Answers {
    let s = facts.topology.service(service);
    let own = s.real_servers.iter().find(|r| r.address.is_some() && r.address == subject.address);
    Answers {
        from: subject.address.map_or_else(|| "RIP".to_owned(), |ip| ip.to_string()),
        protocol: s.protocol,
        port: own.map_or(s.port, |r| r.port),
        v4: s.vip.is_v4(),
    }
}

fn s_name(facts: &Facts, service: ServiceId) -> String {
    facts.topology.service(service).name()
}

/// Whether the client gets the untranslated answers from whom it sends to, and nobody else's
/// capture shows where they left.
fn comes_as_it_went(facts: &Facts, ids: &[ConnectionId]) -> bool {
    ids.iter().all(|id| {
        let journey = Journey::of(facts, *id, true, Milestone::Syn);
        let next = facts.return_around(*id).filter(|around| around.at_client).and_then(|a| a.next);
        let mut sent = journey.0.iter().filter(|s| s.tuple == 0).filter_map(|s| s.to);
        next.is_some() && sent.any(|to| Some(to) == next)
    }) && !ids.iter().any(|id| {
        facts.legs(*id).iter().any(|leg| {
            let host = facts.host_of(leg);
            host.is_some() && host == facts.server(*id).and_then(|s| s.host)
        })
    })
}

/// What tells whether the translator leaves the answers as they are, or never gets them.
fn advise_translator(facts: &Facts, finding: &mut Finding, next: Option<HostId>, vip: Ip) {
    let place = next.map_or_else(|| "the translator".to_owned(), |host| Names(facts).place(host));
    finding.confirm(
        place.clone(),
        format!("tcpdump -ni any -c 20 'host {vip} or tcp[tcpflags] & (tcp-syn|tcp-ack) = (tcp-syn|tcp-ack)'"),
        "answers that come in and leave as they are: it translates one way only (an entry of another translator, a NOTRACK rule, a reply that a masquerading rule takes first)",
    );
    translates_one_way(finding, &place, vip);
}

/// What tells who translates at a host, and why only one way.
fn translates_one_way(finding: &mut Finding, place: &str, vip: Ip) {
    let tables = crate::diagnose::words::tables(vip);
    finding.confirm(
        place.to_owned(),
        format!("conntrack -L -d {vip}; conntrack -S; {tables}-save | grep -E 'NOTRACK|CT --notrack'; {tables}-save -t nat | grep -wF {vip}; nft list ruleset | grep -wF {vip}"),
        "who translates here: netfilter has an entry for each call, an eBPF datapath (cilium bpf lb list, cilium bpf ct list global) or a router beyond has none; answers that are not tracked, or taken for invalid, stay as they are",
    );
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
