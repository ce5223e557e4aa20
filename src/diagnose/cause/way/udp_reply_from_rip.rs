//! A UDP service answers from another address of its host than was asked, as that of a
//! DR or TUN pool from the real server's own, and the client refuses a datagram from
//! somebody whom it never asked.
//!
//! The client's ICMP error proves it. Where a firewall keeps that back, the host's own
//! capture shows the question come and the answer leave from its other address, and the
//! client ask the very same again.

use crate::diagnose::cause::by_service;
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::stray_answers::{
    answering, answers_itself, asked, is_chosen, pairs, proofs, refused,
};
use crate::diagnose::words::{self, agree, list_of, names, part};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Severity, Subject};
use crate::topology::{Mode, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::{Ip, Protocol};
use std::collections::{BTreeMap, BTreeSet};

/// What tells that the queries are translated for a client that is the answering host's neighbour.
const TRANSLATED: &str = "then the client is on the answering host's own link, and clients of other networks are served: in a cluster 'sysctl net.bridge.bridge-nf-call-iptables' on the node is 0 or missing, so what one pod answers another on its bridge passes no rule";

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["icmp-unreachable", "asymmetric-return-path", "datagram-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let pairs = pairs(facts);
    let by_query: BTreeMap<ConnectionId, ConnectionId> =
        pairs.iter().map(|p| (p.query, p.answer)).collect();
    // A host that answers so on one port does it on all: one cause.
    let mut sets: BTreeMap<(Ip, BTreeSet<String>), Vec<ConnectionId>> = BTreeMap::new();
    for (service, ids) in by_service(facts, by_query.keys().copied()) {
        let s = facts.topology.service(service);
        let answers: Vec<ConnectionId> = ids.iter().map(|id| by_query[id]).collect();
        let who = answering(facts, &answers).iter().map(words::name).collect::<BTreeSet<String>>();
        // Behind a translator it is the real server's address that is asked.
        let mut by_asked: BTreeMap<Ip, Vec<ConnectionId>> = BTreeMap::new();
        for id in ids {
            by_asked.entry(translated(facts, id).unwrap_or(s.vip)).or_default().push(id);
        }
        for (asked, ids) in by_asked {
            let own = |id: &ConnectionId| facts.connection(by_query[id]).front.server.0;
            let who = if asked == s.vip {
                who.clone()
            } else {
                ids.iter().map(|id| own(id).to_string()).collect()
            };
            sets.entry((asked, who)).or_default().extend(ids);
        }
    }
    let mut findings: Vec<Finding> =
        sets.into_iter().map(|((vip, _), ids)| finding(facts, vip, ids, &by_query)).collect();
    findings.extend(super::other_port::findings(facts));
    Detection::from(findings, || {
        // A DR director sees no answers, right or wrong.
        let blind = facts.requests().any(|(id, c)| {
            let dr = matches!(facts.service(id).mode, Mode::Dr | Mode::Tun);
            dr && c.protocol == Protocol::UDP && !c.progress.response
        });
        Detection::clean_if(
            !blind,
            "datagrams for a DR service have no answer in these captures; capture on a real server or on the client",
        )
    })
}

/// The real server's address that a translated query was sent on to.
fn translated(facts: &Facts, query: ConnectionId) -> Option<Ip> {
    facts.connection(query).back.map(|_| asked(facts, query))
}

/// Of services of one address and of one protocol, whose answers come from the same hosts.
fn finding(
    facts: &Facts,
    vip: Ip,
    ids: Vec<ConnectionId>,
    by_query: &BTreeMap<ConnectionId, ConnectionId>,
) -> Finding {
    let services: BTreeSet<ServiceId> = ids.iter().map(|id| facts.service_of(*id)).collect();
    let all: usize = services.iter().map(|service| facts.requests_to(*service).len()).sum();
    let mut ports: Vec<u16> = services.iter().map(|s| facts.topology.service(*s).port).collect();
    ports.sort_unstable();
    let s = facts.service(ids[0]);
    let answers: Vec<ConnectionId> = ids.iter().map(|id| by_query[id]).collect();
    let mut subjects = answering(facts, &answers);
    let mut named = BTreeSet::new();
    subjects.retain(|subject| named.insert(subject.address));
    let who = names(&subjects);
    let called = list_of(services.iter().map(|s| facts.topology.service(*s).name()));
    let (verb, its) = agree(subjects.len(), ("answers", "its"), ("answer", "their"));
    let behind = translated(facts, ids[0]).is_some();
    let title = if behind {
        format!(
            "{who} {verb} what {vip} was asked: the address is another than the query was sent on to"
        )
    } else {
        format!("{who} {verb} from {its} own address instead of {vip}")
    };
    let told = answers.iter().any(|id| refused(facts, *id).is_some());
    let refuses = if told {
        "takes nothing from anybody else, and refuses with ICMP port unreachable"
    } else {
        "takes nothing from anybody else, and asks the same again"
    };
    let known = services
        .iter()
        .all(|service| matches!(facts.topology.service(*service).mode, Mode::Dr | Mode::Tun));
    // A host that answers itself is no director.
    let itself = ids.iter().any(|id| answers_itself(facts, *id, by_query[id]));
    // Both addresses are one host's.
    let chosen = ids.iter().any(|id| is_chosen(facts, *id, by_query[id]));
    let has_it = known || itself || behind && chosen;
    let how = if behind {
        let whose = if has_it { " of the same host" } else { "" };
        format!(
            "Queries for {called} are translated and sent on to {vip}; the answers leave from {who}, another address{whose}. Whoever translated the queries has no entry for that, so they reach the client as they are. It asked {}, {refuses}. A UDP socket bound to all addresses lets the routing table choose the source.",
            s.vip
        )
    } else if has_it {
        format!(
            "Queries for {called} reach {who}, whose answers leave with {its} own address as source. The client asked {}, {refuses}. A UDP socket bound to all addresses lets the routing table choose the source.",
            s.vip
        )
    } else {
        format!(
            "Queries for {called} are answered by {who} with {its} own address as source. The client asked {}, {refuses}. Either {who} {has} {} as well, and a UDP socket bound to all addresses lets the routing table choose the source; or somebody between translates the queries, and the answers pass that one by.",
            s.vip,
            s.vip,
            has = agree(subjects.len(), "has", "have"),
        )
    };
    let share = part(ids.len(), all, "exchange", "fail");
    let mut finding = Finding::cause("udp-reply-from-rip", title, format!("{how} {share}."));
    finding.severity = Severity::Critical;
    let sure = (known || behind) && chosen;
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if !has_it {
        finding.confidence = Confidence::Possible;
    }
    if !has_it && !behind {
        finding.candidate(
            "nat-return-bypasses-director",
            "then the director rewrites the queries' destination, and the answers go around it",
        );
        finding.candidate("nat-same-subnet-client", TRANSLATED);
    }
    for subject in &subjects {
        let host = words::name(subject);
        if !has_it && behind {
            finding.confirm(
                host.clone(),
                format!("ip -br addr show to {vip}"),
                format!("nothing: it does not have {vip}, so another host answers than was asked"),
            );
        } else if !has_it {
            finding.confirm(host.clone(), format!("ip -br addr show to {vip}"), format!("nothing: it does not have {vip}, so somebody translates the queries to it and does not see the answers; the place to mend is there"));
        }
        finding.confirm(
            host.clone(),
            format!("ss -lunp '{}'", sockets(&ports)),
            "'0.0.0.0' or '*': the socket has no address of its own to answer from",
        );
        let place = if has_it { host } else { format!("{host}, if it has {vip} itself") };
        finding.fixes.push(fix(place, subject, vip, &ports));
    }
    let shown = telling(facts, &ids);
    finding.proofs = shown.map(|id| proofs(facts, id, by_query[&id])).unwrap_or_default();
    finding.subjects = subjects;
    finding.addresses = answers.iter().map(|id| facts.connection(*id).front.server.0).collect();
    finding.addresses.sort_unstable();
    finding.addresses.dedup();
    finding.connections = ids;
    finding.strays = answers;
    finding
}

/// Sockets of some ports, as ss(8) chooses them.
fn sockets(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(|port| format!("sport = :{port}")).collect();
    ports.join(" or ")
}

/// Ports that one rule of iptables holds with multiport.
const MULTIPORT: usize = 15;

/// One rule for all ports, or one each where they are too many for that.
fn rules(of: &str, option: &str, ports: &[u16], then: &str) -> Vec<String> {
    let some = |ports: &[u16]| {
        let list: Vec<String> = ports.iter().map(u16::to_string).collect();
        match &list[..] {
            [port] => format!("{of} --{option} {port} {then}"),
            all => format!("{of} -m multiport --{option}s {} {then}", all.join(",")),
        }
    };
    ports.chunks(MULTIPORT).map(some).collect()
}

fn fix(host: String, subject: &Subject, vip: Ip, ports: &[u16]) -> Fix {
    let own = subject.address.map_or_else(|| "RIP".to_owned(), |ip| ip.to_string());
    let tool = words::tables(vip);
    let raw = rules(&format!("PREROUTING -p udp -d {vip}"), "dport", ports, "-j NOTRACK");
    let back = format!("-j SNAT --to-source {vip}");
    let nat = rules(&format!("POSTROUTING -p udp -s {own}"), "sport", ports, &back);
    let line = |table: &str, verb: &str, rules: &[String]| {
        let lines: Vec<String> =
            rules.iter().map(|rule| format!("{tool} -t {table} {verb} {rule}")).collect();
        lines.join("\n")
    };
    // A tracked query holds the very address and port that the answer needs.
    Fix::safe(
        format!("{host}, until the daemon is bound to {vip} or answers from where it was asked"),
        format!("{}\n{}", line("raw", "-I", &raw), line("nat", "-I", &nat)),
        format!("{}\n{}", line("nat", "-D", &nat), line("raw", "-D", &raw)),
    )
}
