//! A device on the way follows connections and sees one direction only: it passes
//! the SYN, never sees the SYN-ACK, and drops what comes after as invalid (Linux
//! `nf_conntrack_proto_tcp.c`: an ACK in state SYN_SENT).
//!
//! The client's capture shows the handshake done and the server's that it never
//! was: SYN-ACKs repeated to a client that acknowledged each. Chance is excluded
//! by numbers: every SYN passes, and of many later segments none. The client's
//! capture alone makes it possible at most.

use crate::diagnose::cause::{each_service, needs_mode, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::half_paths::{culprit, half, proofs};
use crate::diagnose::words::{self, agree, servers, share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{Mode, Role, Service, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["retransmission", "connection-reset", "rst-no-socket", "request-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| half(facts, *id).is_some()).map(|(id, _)| id);
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, &ids));
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Dr, Mode::Tun]) {
            return other;
        }
        Detection::clean_if(
            facts.requests().any(|(_, c)| c.progress.response) || facts.shows_clients(),
            "no capture shows whether clients got their answers; capture on a client and on a real server at once",
        )
    })
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
            format!("they come in at {} and are not sent on", Names(facts).full(host))
        }
        None => "they are dropped between the client and there".to_owned(),
    };
    let who = known.map_or_else(
        || "something between clients and real servers".to_owned(),
        |host| Names(facts).host(host),
    );
    let at_server = told_half.as_ref().is_some_and(|h| h.server.is_some());
    let (title, what) = if sure && !at_server {
        (
            format!("{who} lets connections begin and drops all that follows"),
            format!(
                "The SYNs are sent on. The client acknowledges a SYN-ACK that no capture here shows; its ACK and what it asks get no further: {place}. That is what a firewall does that follows connections and does not see the answers, since they take another way: for it the handshake never went on, and what follows is invalid."
            ),
        )
    } else if sure {
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
    let explanation = format!(
        "{what} {} to {} {}.",
        share(facts, service, ids, ""),
        s.name(),
        agree(ids.len(), "hangs", "hang")
    );
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
        finding.candidate(
            "accept-queue-overflow",
            "then the ACKs do arrive at the real server, whose queue is full",
        );
        finding.candidate("packet-loss", "then some ACKs arrive and some do not");
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
    let host = culprit.as_ref().map_or_else(|| "the device".to_owned(), words::name);
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(format!("{host}, and any firewall beyond it"), format!("conntrack -L -p tcp -d {} | grep SYN_SENT; {tables}-save -c | grep -iE 'invalid|ctstate'; nft list ruleset | grep -E 'invalid|ct state'", s.vip), "entries that stay in SYN_SENT, and a rule on invalid packets that counts (a router's in FORWARD, a director's in INPUT)");
    let is_director = culprit.as_ref().is_some_and(|c| c.role == Role::Director);
    finding.fixes = fixes(s, &host, is_director);
    finding.proofs = told_half.map(|half| proofs(facts, &half)).unwrap_or_default();
    finding.concerning(culprit.into_iter().collect(), ids.to_vec()).also(servers(facts, ids))
}

fn fixes(service: &Service, host: &str, is_director: bool) -> Vec<Fix> {
    let tables = words::tables(service.vip);
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
