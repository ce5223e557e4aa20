//! A real server resets a connection to the VIP from its own address: the client has no
//! such connection, ignores the reset and goes on sending.
//!
//! Told by 32 bits: the stray reset's sequence number is what the client of an open
//! connection on the same port acknowledged, as a stack without a socket builds it.

use crate::correlate::Leg;
use crate::diagnose::cause::{each_service, severity, syns_or_blind};
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::way::stray_resets::{answers, strays};
use crate::diagnose::words::{self, agree, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["retransmission", "connection-reset", "rst-no-socket", "syn-refused", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = strays(facts);
    let mut findings =
        each_service(facts, hit.keys().copied(), |service, ids| finding(facts, service, ids, &hit));
    findings.extend(super::refused_in_own_name::findings(facts));
    Detection::from(findings, || syns_or_blind(facts))
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    hit: &BTreeMap<ConnectionId, ConnectionId>,
) -> Finding {
    let s = facts.topology.service(service);
    let servers: Vec<(Ip, u16)> = each_once(
        ids.iter().filter_map(|id| hit.get(id)).map(|stray| facts.connection(*stray).front.server),
    );
    let names: Vec<String> = servers.iter().map(|(ip, _)| ip.to_string()).collect();
    let who = words::list(&names);
    let (verb, own) = agree(servers.len(), ("resets", "its"), ("reset", "their"));
    let title = format!(
        "{who} {verb} connections to {} from {own} own address, which clients ignore",
        s.name()
    );
    let explanation = format!(
        "Segments of open connections to {} reach {who}, where no socket is for them. The RST leaves with the real server's own address as source instead of {}: the client has no connection with that, ignores it, and repeats its segment until it gives up. Two things are wrong: the segments meet no socket, since they reach another server or their own lost it, and the answer is not given the VIP. {}.",
        s.name(),
        s.vip,
        share(facts, service, &ids, "hang")
    );
    let mut finding = Finding::cause("dsr-rst-from-rip", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.confirm(
        who.clone(),
        format!(
            "tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0 and src host ({})'",
            names.join(" or ")
        ),
        "resets that leave with the server's own address, in answer to segments for the VIP",
    );
    finding.fixes = vec![Fix::disruptive(
        "the nodes",
        "# let each packet carry the VIP, not the SYN alone, or keep the table of connections over a restart: Cilium from 1.18 on; IPVS with the VIP on lo answers with it by itself",
        "Set the old version or dispatch mode again.",
    )];
    let shown = ids.iter().find_map(|id| Some((*id, hit.get(id)?)));
    if let Some((leg, stray)) = shown.and_then(|(id, stray)| answers(facts, id, *stray)) {
        finding.proofs = proofs(facts, leg, stray);
    }
    finding.subjects = servers
        .iter()
        .map(|(ip, port)| Subject {
            role: Role::RealServer,
            address: Some(*ip),
            mac: None,
            port: Some(*port),
        })
        .collect();
    finding
        .subjects
        .extend(s.directors.iter().map(|d| Names(facts).subject(Role::Director, d.host)));
    finding.strays = ids.iter().filter_map(|id| hit.get(id)).copied().collect();
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, leg: &Leg, stray: &Leg) -> Vec<Proof> {
    let (there, reset) = (trace.forward(leg), trace.reply(stray));
    let again = trace.path(leg, there).map(|(link, _)| trace.vantage(leg).first_repeat(link));
    let again = again.filter_map(|mark| mark.get()).next();
    Proof::seen([
        trace.proof(leg, there.data, "data of the connection to the VIP"),
        trace.proof(
            stray,
            reset.first,
            "a bare RST from elsewhere, with the number that the client acknowledged",
        ),
        again.and_then(|mark| trace.proof(leg, mark, "the client takes no notice and sends again")),
    ])
}
