//! A proxy's SYNs to a real server are not answered, and the client gets an error, or waits until
//! another server is tried.
//!
//! That nothing answers is seen; why is not: candidates go by what frames show of the SYNs' end.

use super::{attempted, one_a_service};
use crate::breaks::Fate;
use crate::diagnose::facts::proxy::attempts::Attempt;
use crate::diagnose::symptom::icmp_unreachable;
use crate::diagnose::words::{self, agree, name, names, seconds, servers_called, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity, Subject};
use crate::flow::IcmpErrorKind;
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["http-5xx", "slow-answer"];

/// Servers that are asked about: of a pool that is silent as a whole, what is behind one is behind the others.
const ASKED: usize = 2;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let clients = Attempt::Unanswered.clients(facts).filter(|id| {
        let again = |back: ConnectionId| facts.connection(back).progress.syns > 1;
        let harmed = facts.breaks.fate(*id).is_harm();
        Attempt::Unanswered.of(facts, *id).any(|back| harmed || again(back))
    });
    one_a_service(facts, clients, |service, ids| finding(facts, service, ids))
}

/// The ICMP error that answers one of the attempts: what it says, whose it is, and where.
fn rejected(facts: &Facts, ids: &[ConnectionId]) -> Option<(String, String, At)> {
    let tried = ids.iter().flat_map(|id| Attempt::Unanswered.of(facts, *id));
    tried.flat_map(|back| facts.errors_of(back)).find_map(|(vantage, error)| match error.kind {
        IcmpErrorKind::Unreachable { kind, code } => {
            let says = format!("{} ({kind}/{code})", icmp_unreachable::meaning(kind, code));
            Some((says, error.src.to_string(), At { vantage, mark: error.mark }))
        }
        _ => None,
    })
}

/// Whether the real server's own capture shows the SYNs come in.
fn came_in(facts: &Facts, servers: &[Subject], ids: &[ConnectionId]) -> Option<bool> {
    let [Subject { address: Some(ip), .. }] = servers else { return None };
    let host = facts.host_by_ip(*ip).filter(|host| facts.is_captured(*host))?;
    Some(
        ids.iter()
            .flat_map(|id| Attempt::Unanswered.of(facts, *id))
            .any(|back| facts.delivered(back, host)),
    )
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let servers =
        servers_called(facts, ids.iter().flat_map(|id| Attempt::Unanswered.of(facts, *id)));
    let who = names(&servers);
    let port = servers.first().and_then(|s| s.port).unwrap_or_default();
    let (verb, it) = agree(servers.len(), ("does", "it"), ("do", "them"));
    let (says, arrive) = (rejected(facts, &ids), came_in(facts, &servers, &ids));
    let met = match (&says, arrive) {
        (Some((says, by, _)), _) => format!("{by} says of them by ICMP: {says}"),
        (None, Some(true)) => format!("they come in at {it}, and nothing answers"),
        (None, Some(false)) => {
            format!("they leave the proxy, do not come in at {it}, and nothing answers")
        }
        (None, None) => "nothing answers".to_owned(),
    };
    let explanation = format!(
        "The proxy sends SYNs to {who} on port {port} for a client, and {met}. {} {} concerned.",
        outcome(facts, &ids),
        share(facts, service, &ids, "are")
    );
    let title = format!("{who} {verb} not answer the proxy's SYNs on port {port}");
    let mut finding = Finding::cause("l7-backend-silent", title, explanation);
    let failed = ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    finding.confidence = Confidence::Certain;
    finding.proofs = ids.first().map(|id| proofs(facts, *id)).unwrap_or_default();
    reasons(&mut finding, says.is_some(), arrive);
    // Of two tiers it is the one that called.
    let mut tried = ids.iter().flat_map(|id| Attempt::Unanswered.of(facts, *id));
    let caller = tried.find_map(|back| facts.host_by_ip(facts.connection(back).front.client.0));
    let called = caller.map(|host| Names(facts).place(host));
    let proxy = called.or_else(|| words::directors(facts, service).first().map(name));
    let others = facts.requests_to(service).any(|(id, _)| facts.breaks.fate(id) == Fate::Well);
    let asks = servers.iter().take(ASKED).filter_map(|subject| {
        let ip = subject.address?;
        let six = if ip.is_v4() { "" } else { "-6 " };
        Some(format!("ip {six}route get {ip}; ip {six}neigh show {ip}"))
    });
    let asks: Vec<String> = asks.filter(|_| arrive != Some(true)).collect();
    if !asks.is_empty() {
        finding.confirm(
            proxy.unwrap_or_else(|| "the proxy".to_owned()),
            asks.join("; "),
            "FAILED or INCOMPLETE: it is down, or on another network than the interface that the route names",
        );
    }
    for subject in servers.iter().take(ASKED) {
        finding.confirm(
            Names(facts).place_of(subject),
            format!("ss -ltn 'sport = :{port}'; tcpdump -ni any 'tcp port {port}'; nft list ruleset; iptables-save -c | grep -iE 'drop|reject'"),
            "whether the SYNs come in there, and which rule or full queue takes them",
        );
    }
    finding.fixes.extend(servers.iter().filter(|_| others).map(words::out_of_proxy));
    // Hosts are numbered in the order of the captures.
    let mut directors = words::directors(facts, service);
    directors.sort_by_key(|director| director.address);
    finding.concerning(servers, ids).also(directors)
}

/// What the clients got.
fn outcome(facts: &Facts, ids: &[ConnectionId]) -> String {
    let waited = ids.iter().filter(|id| facts.breaks.fate(**id) == Fate::Suffered);
    let longest = waited.filter_map(|id| facts.breaks.broken(*id)).map(|b| b.cost_ns).max();
    let failed = ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    match (failed, longest) {
        (true, None) => "The client gets an error from the proxy, or nothing.".to_owned(),
        (true, Some(ns)) => format!(
            "Some clients get an error from the proxy, others their answer after {} at most, when another server was tried.",
            seconds(ns)
        ),
        (false, Some(ns)) => format!(
            "The client gets its answer up to {} later, when another server was tried.",
            seconds(ns)
        ),
        (false, None) => "Another server is tried before the client notices.".to_owned(),
    }
}

/// Why nothing may answer, by where the SYNs were seen.
fn reasons(finding: &mut Finding, rejected: bool, arrive: Option<bool>) {
    if arrive == Some(true) {
        finding.candidate("rs-silent", "then a rule of that host's firewall counts them");
        finding.candidate("accept-queue-overflow", "then 'ss -ltn' on it shows a full queue (Recv-Q above Send-Q) and TcpExtListenOverflows grows");
        return;
    }
    let neighbour = if rejected {
        "then whoever says so finds no neighbour or no route: 'ip neigh', 'ip route get' there"
    } else {
        "then 'ip neigh' on the last host before it shows it as FAILED"
    };
    finding.candidate("rs-unreachable", neighbour);
    if !rejected {
        finding
            .candidate("rs-silent", "then its own capture shows the SYNs come in, and no answer");
        finding.candidate(
            "packet-loss",
            "then its own capture shows a part of the SYNs, and others are answered",
        );
    }
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut tried = Vec::new();
    for back in Attempt::Unanswered.of(trace, id).take(1) {
        for leg in trace.legs(back) {
            let there = trace.forward(leg);
            tried.extend(trace.proof(leg, there.syn, "the proxy's SYN to the real server"));
            if there.syns > 1 && there.last != there.syn {
                tried.extend(trace.proof(leg, there.last, "its last repeat; nothing answers"));
            }
        }
        tried.extend(trace.errors_of(back).take(1).map(|(vantage, error)| {
            Proof::at(
                At { vantage, mark: error.mark },
                format!("the ICMP error, from {}", error.src),
            )
        }));
    }
    attempted::proofs(trace, id, tried)
}
