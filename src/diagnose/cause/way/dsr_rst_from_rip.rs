//! A real server resets a connection to the VIP from its own address: the client has no
//! such connection, ignores the reset and goes on sending.
//!
//! Told by 32 bits: the stray reset's sequence number is what the client of an open
//! connection on the same port acknowledged, as a stack without a socket builds it.

use crate::correlate::Leg;
use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::words::{agree, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, TcpFlags};
use std::collections::{BTreeMap, HashMap};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["retransmission", "connection-reset", "rst-no-socket"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = strays(facts);
    let findings = by_service(facts, hit.keys().copied())
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids, &hit))
        .collect();
    Detection::from(findings, || crate::diagnose::cause::syns_or_blind(facts))
}

/// By the client's connection: a connection that is nothing but a reset from elsewhere.
fn strays(trace: &Trace) -> BTreeMap<ConnectionId, ConnectionId> {
    let lone = trace.iter().filter(|(id, c)| {
        c.protocol.is_tcp() && !c.progress.syn && !c.progress.response && is_lone(trace, *id)
    });
    let mut by_client: HashMap<(Ip, u16), Vec<ConnectionId>> = HashMap::new();
    for (id, c) in lone {
        by_client.entry(c.front.client).or_default().push(id);
    }
    let mut found = BTreeMap::new();
    if by_client.is_empty() {
        return found;
    }
    for (id, c) in trace.requests().filter(|(_, c)| c.protocol.is_tcp() && c.back.is_none()) {
        for stray in by_client.get(&c.front.client).into_iter().flatten() {
            let elsewhere = trace.connection(*stray).front.server.0 != c.front.server.0;
            if elsewhere && c.progress.established && answers(trace, id, *stray).is_some() {
                found.entry(id).or_insert(*stray);
            }
        }
    }
    found
}

/// Whether all that was seen is a bare reset from the server's side.
fn is_lone(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().all(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        !there.seen() && back.rst.is_set() && back.flags.0 & !TcpFlags::RST == 0
    })
}

/// The legs at which the reset has the number that the client acknowledged, after a
/// segment of the client's.
fn answers(trace: &Trace, id: ConnectionId, stray: ConnectionId) -> Option<(&Leg, &Leg)> {
    trace.legs(id).iter().find_map(|leg| {
        let there = trace.forward(leg);
        let same = trace.legs(stray).iter().find(|l| l.vantage == leg.vantage)?;
        let reset = trace.reply(same);
        let fits = there.flags.ack()
            && there.max_ack != 0
            && (reset.isn == there.max_ack || reset.isn == there.last_ack)
            && there.data.is_set()
            && there.data.frame() < reset.first.frame();
        fits.then_some((leg, same))
    })
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    hit: &BTreeMap<ConnectionId, ConnectionId>,
) -> Finding {
    let s = facts.topology.service(service);
    let mut servers: Vec<(Ip, u16)> = ids
        .iter()
        .filter_map(|id| hit.get(id))
        .map(|stray| facts.connection(*stray).front.server)
        .collect();
    servers.sort_unstable();
    servers.dedup();
    let names: Vec<String> = servers.iter().map(|(ip, _)| ip.to_string()).collect();
    let who = crate::diagnose::words::list(&names);
    let (verb, own) = agree(servers.len(), ("resets", "its"), ("reset", "their"));
    let title = format!(
        "{who} {verb} connections to {} from {own} own address, which clients ignore",
        s.name()
    );
    let explanation = format!(
        "Segments of open connections to {} reach {who}, where no socket is for them. The RST leaves with the real server's own address as source instead of {}: the client has no connection with that, ignores it, and repeats its segment until it gives up. Two things are wrong: the segments meet no socket, since they reach another server or their own lost it, and the answer is not given the VIP. {} connections hang.",
        s.name(),
        s.vip,
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("dsr-rst-from-rip", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Certain;
    finding.confirm(
        who.clone(),
        format!(
            "tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0 and src host ({})'",
            names.join(" or ")
        ),
        "resets that leave with the server's own address, in answer to segments for the VIP"
            .to_owned(),
    );
    finding.fixes = vec![Fix::disruptive(
        "the nodes".to_owned(),
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
    [
        trace.proof(leg, there.data, "data of the connection to the VIP"),
        trace.proof(
            stray,
            reset.first,
            "a bare RST from elsewhere, with the number that the client acknowledged",
        ),
        again.and_then(|mark| trace.proof(leg, mark, "the client takes no notice and sends again")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
