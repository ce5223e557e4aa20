//! A translating director passes one segment of an established connection on
//! untranslated, and the client resets what it never opened.
//!
//! netfilter does not translate what conntrack takes for invalid, an old segment or
//! one beyond the window, but forwards it unless a rule drops it. The client's capture
//! proves it: a segment from the real server's own address on a connection whose
//! handshake with the VIP it saw, and its RST to it. Where no answer ever comes by the
//! director it is `nat-return-bypasses-director`. A node that translates the
//! SYN-ACK alone is the matter of [`super::half_translated`].

use crate::diagnose::cause::{each_service, needs_mode, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::{step, sysctl};
use crate::diagnose::words::{self, arrow_back, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{Mode, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission", "asymmetric-return-path"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| is_hit(facts, *id)).map(|(id, _)| id);
    let mut findings: Vec<Finding> =
        each_service(facts, hit, |service, ids| finding(facts, service, ids));
    findings.extend(super::half_translated::findings(facts));
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
            return other;
        }
        let client = facts.requests().any(|(id, c)| {
            facts.is_translated(c) && facts.legs(id).iter().any(|leg| facts.is_client_side(id, leg))
        });
        let director = facts.topology.services.iter().flat_map(|s| &s.directors);
        Detection::clean_if(
            client || director.clone().any(|d| facts.is_captured(d.host)),
            "neither a client nor the director was captured; what leaves untranslated shows there",
        )
    })
}

/// Whether a segment left untranslated and somebody had no socket for what came of it.
fn is_hit(trace: &Trace, id: ConnectionId) -> bool {
    trace.connection(id).progress.no_socket && trace.stray(id).is_some()
}

/// Whether the client's own capture shows its RST.
fn is_shown(trace: &Trace, id: ConnectionId) -> bool {
    trace.stray(id).is_some_and(|leg| {
        let director = trace.host_of(leg).is_some_and(|h| trace.service(id).is_director(h));
        trace.forward(leg).rst.is_set() && !director
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let subjects = servers(facts, &ids);
    let server = words::names(&subjects);
    let director = words::directors(facts, service);
    let who =
        director.first().map_or_else(|| format!("the host that translates {}", s.vip), words::name);
    let title =
        format!("{who} passes segments of {server} on untranslated, which cuts connections");
    let explanation = format!(
        "In the middle of {} to {}, which the director translates both ways, a segment left for the client with the real server's own address. The client knows no such connection and resets it, which ends the connection at {server}. Netfilter does that with a segment that conntrack calls invalid, one that is late or beyond the window: it forwards it without translation.",
        share(facts, service, &ids, ""),
        s.name()
    );
    let mut finding = Finding::cause("conntrack-invalid-rst", title, explanation);
    finding.severity = severity(facts, &ids);
    if !ids.iter().any(|id| is_shown(facts, *id)) {
        finding.confidence = Confidence::Likely;
        finding.candidate(
            "rs-lost-socket",
            "then no RST of the client reaches the real server before its own leaves",
        );
    }
    finding.confirm(who.clone(), "sysctl net.netfilter.nf_conntrack_tcp_be_liberal net.netfilter.nf_conntrack_log_invalid; conntrack -S; dmesg | grep nf_ct", "be_liberal 0 and 'invalid' that grows with these segments; where nf_conntrack_log_invalid is 6 already, the kernel's log names them");
    finding.fixes = fixes(&who, s, &subjects);
    if let Some(id) = telling(facts, &ids) {
        finding.proofs = proofs(facts, id);
    }
    finding
        .concerning(if director.is_empty() { Vec::new() } else { vec![director[0].clone()] }, ids)
        .also(subjects)
}

/// Dropping what is invalid is bounded by the real servers: a host that sees one direction of
/// others' traffic, as in DR, takes all of that for invalid.
fn fixes(director: &str, service: &Service, servers: &[Subject]) -> Vec<Fix> {
    let answers = |ip: Ip| {
        let port = service.real_servers.iter().find(|r| r.address == Some(ip)).map(|r| r.port);
        let port = port.unwrap_or(service.port);
        let spec = format!("-s {ip} -p tcp --sport {port} -m conntrack --ctstate INVALID -j DROP");
        Rule::filter(service.vip, "FORWARD", spec).inserted()
    };
    let rules: Vec<_> = servers.iter().filter_map(|s| s.address).map(answers).collect();
    let liberal = sysctl::change(
        director.to_owned(),
        &[("net.netfilter.nf_conntrack_tcp_be_liberal", "1", "0")],
    );
    let drops = (!rules.is_empty()).then(|| {
        step::disruptive(
            format!("{director}, unless it is IPVS with net.ipv4.vs.conntrack=0"),
            rules,
        )
        .or()
    });
    std::iter::once(liberal).chain(drops).collect()
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(stray) = trace.stray(id) else { return Vec::new() };
    let connection = trace.connection(id);
    let mut proofs = Vec::new();
    if let Some(front) =
        trace.legs(id).iter().find(|leg| leg.tuple == 0 && leg.vantage == stray.vantage)
    {
        let note = "an answer of the VIP, translated as it should be";
        proofs.extend(trace.proof(front, trace.reply(front).first, note));
    }
    let back = connection.back.unwrap_or(connection.front);
    let note = format!("{}  the same connection, not translated", arrow_back(&back));
    proofs.extend(trace.proof(stray, trace.reply(stray).first, note));
    let note = "the client resets what it never opened";
    proofs.extend(trace.proof(stray, trace.forward(stray).rst, note));
    let host = trace.server(id).and_then(|s| s.host);
    let at_server = trace.back_legs(id).find(|leg| {
        host.is_some() && trace.host_of(leg) == host && trace.forward(leg).rst.is_set()
    });
    if let Some(leg) = at_server {
        let server = host.map_or_else(String::new, |h| Names(trace).host(h));
        let note = format!("the RST arrives at {server}");
        proofs.extend(trace.proof(leg, trace.forward(leg).rst, note));
    }
    proofs
}
