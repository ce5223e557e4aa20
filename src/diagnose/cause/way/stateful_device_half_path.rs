//! A device on the way follows connections and sees one direction only: it passes
//! the SYN, never sees the SYN-ACK, and drops what comes after as invalid (Linux
//! `nf_conntrack_proto_tcp.c`: an ACK in state SYN_SENT).
//!
//! The client's capture shows the handshake done and the server's that it never
//! was: SYN-ACKs repeated to a client that acknowledged each. Chance is excluded
//! by numbers: every SYN passes, and of many later segments none. The client's
//! capture alone makes it possible at most.

use crate::correlate::Leg;
use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::facts::half_paths::{Half, half};
use crate::diagnose::facts::telling;
use crate::diagnose::words::{servers, share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::flow::Hop;
use crate::topology::{Mode, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Mac;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["retransmission", "connection-reset", "rst-no-socket"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| half(facts, *id).is_some()).map(|(id, _)| id);
    let findings = by_service(facts, hit)
        .into_iter()
        .map(|(service, ids)| finding(facts, service, &ids))
        .collect();
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Dr, Mode::Tun]) {
            return other;
        }
        if facts.requests().any(|(_, c)| c.progress.response) || facts.shows_clients() {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no capture shows whether clients got their answers; capture on a client and on a real server at once"
                    .to_owned(),
            )
        }
    })
}

/// The next hop of a client, where its capture names one.
fn next_hop(trace: &Trace, client: &Leg) -> Option<Mac> {
    let hop: &Hop = trace.vantage(client).first_hop(trace.forward(client))?;
    hop.link.dst.filter(|mac| mac.is_unicast())
}

/// Who drops, as far as captures tell: the captured culprit, else the client's
/// next hop.
fn culprit(trace: &Trace, service: &Service, half: &Half<'_>) -> Subject {
    let names = Names(trace);
    let next = next_hop(trace, half.shown);
    let host = half.culprit.or_else(|| trace.host_by_mac(next));
    match host {
        Some(host) if service.is_director(host) => names.subject(Role::Director, host),
        Some(host) => Subject { mac: next, ..names.subject(Role::Router, host) },
        None => Subject { role: Role::Router, address: None, mac: next, port: None },
    }
}

fn finding(facts: &Facts, service: ServiceId, ids: &[ConnectionId]) -> Finding {
    let s = facts.topology.service(service);
    let both: Vec<ConnectionId> = ids
        .iter()
        .copied()
        .filter(|id| half(facts, *id).is_some_and(|h| h.server.is_some() || h.culprit.is_some()))
        .collect();
    let sure = !both.is_empty();
    let told = telling(facts, if sure { &both } else { ids }).unwrap_or(ids[0]);
    let told_half = half(facts, told);
    let known = ids.iter().find_map(|id| half(facts, *id)?.culprit);
    let culprit = told_half.as_ref().map(|h| culprit(facts, s, h));
    let place = match known {
        Some(host) => {
            format!("{} takes them in and does not send them on", Names(facts).full(host))
        }
        None => "they are dropped between the client and there".to_owned(),
    };
    let who = known.map_or_else(
        || "something between clients and real servers".to_owned(),
        |host| Names(facts).host(host),
    );
    let (title, what) = if sure {
        (
            format!("{who} lets connections begin and drops all that follows"),
            format!(
                "The client gets the SYN-ACK and acknowledges it, but no ACK and no request reaches the real server, which repeats its SYN-ACK; {place}. That is what a firewall does that follows connections and does not see the answers, since they take another way: for it the handshake never went on, and what follows is invalid."
            ),
        )
    } else {
        (
            "SYN-ACKs are repeated to a client that acknowledged them".to_owned(),
            "The answer comes from another MAC than the SYN went to, and is repeated although the client acknowledged it: the acknowledgments do not arrive, or are not heeded. A firewall on the way in that never sees the answers drops them as invalid.".to_owned(),
        )
    };
    let explanation =
        format!("{what} {} connections to {} hang.", share(facts, service, ids), s.name());
    let mut finding = Finding::cause("stateful-device-half-path", title, explanation);
    finding.severity = severity(facts, ids);
    finding.confidence = if !sure {
        Confidence::Possible
    } else if known.is_some() || ids.len() > 1 {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    if !sure {
        for (id, tell_apart) in [
            (
                "accept-queue-overflow",
                "then the ACKs do arrive at the real server, whose queue is full",
            ),
            ("packet-loss", "then some ACKs arrive and some do not"),
        ] {
            finding.candidate(id, tell_apart.to_owned());
        }
        let addresses: Vec<_> = s.real_servers.iter().filter_map(|r| r.address).collect();
        let addresses = if addresses.is_empty() { vec![s.vip] } else { addresses };
        finding.to_confirm.push(to_capture(
            "the real server".to_owned(),
            "rs",
            &addresses,
            s.port,
            "a SYN-ACK that is repeated and no ACK that arrives: they are dropped on the way",
        ));
    }
    let host =
        culprit.as_ref().map_or_else(|| "the device".to_owned(), crate::diagnose::words::name);
    finding.confirm(format!("{host}, and any firewall beyond it"), format!("conntrack -L -p tcp -d {} | grep SYN_SENT; iptables -L FORWARD -nv | grep -i invalid; nft list ruleset | grep invalid", s.vip), "entries that stay in SYN_SENT, and a rule on invalid packets that counts");
    let is_director = culprit.as_ref().is_some_and(|c| c.role == Role::Director);
    finding.fixes = fixes(s, &host, is_director);
    finding.proofs = told_half.map(|half| proofs(facts, &half)).unwrap_or_default();
    finding.subjects = culprit.into_iter().collect();
    finding.subjects.extend(servers(facts, ids));
    finding.connections = ids.to_vec();
    finding
}

fn fixes(service: &Service, host: &str, is_director: bool) -> Vec<Fix> {
    let tables = crate::diagnose::words::tables(service.vip);
    let chain = "PREROUTING";
    // IPVS takes packets for the VIP at LOCAL_IN, a router passes them on.
    let passed = if is_director { "INPUT" } else { "FORWARD" };
    let rule = |verb: &str| {
        format!(
            "{tables} -t raw {verb} {chain} -d {} -p tcp --dport {} -j NOTRACK",
            service.vip, service.port
        )
    };
    let accept = |verb: &str| {
        format!(
            "{tables} {verb} {passed} -d {} -p tcp --dport {} -j ACCEPT",
            service.vip, service.port
        )
    };
    vec![Fix::safe(
        format!("{host}, if it is the firewall"),
        format!("{}\n{}", rule("-I"), accept("-I")),
        format!("{}\n{}", rule("-D"), accept("-D")),
    )]
}

fn proofs(trace: &Trace, half: &Half<'_>) -> Vec<Proof> {
    let shown = half.shown;
    let (there, back) = (trace.forward(shown), trace.reply(shown));
    let mut proofs = Vec::new();
    proofs.extend(trace.proof(shown, there.syn, "the client's SYN"));
    if back.accepted() {
        proofs.extend(trace.proof(shown, back.syn, "its SYN-ACK reaches the client"));
    }
    proofs.extend(trace.proof(shown, there.ack, "the client acknowledges the SYN-ACK"));
    if let Some(server) = half.server {
        let back = trace.reply(server);
        proofs.extend(trace.proof(server, back.syn, "the real server's SYN-ACK leaves"));
        let last = trace.path(server, back).filter(|(link, _)| link.syns > 1).last();
        let note = "and again: no acknowledgment came";
        proofs.extend(last.and_then(|(link, _)| trace.proof(server, link.last, note)));
    }
    proofs.extend(trace.proof(shown, there.last, "the client's last packet, still in vain"));
    proofs
}
