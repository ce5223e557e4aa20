//! A real server calls its own VIP and gets its own packet back as it was: a director
//! that rewrites no address chose the caller. Part of `l4-self-access-hairpin`.
//!
//! A server that has the VIP on an interface answers such a call itself, and nothing
//! leaves it; this one takes the VIP's packets in another way, as by a redirect rule.

use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::words::{self, arrow, share};
use crate::diagnose::{Confidence, Facts, Finding, Fix, Names, Proof};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let hit = facts.requests().filter(|(id, c)| {
        // A router may send a packet back too: only a director chooses.
        let directed = facts.service(*id).directors.iter().any(|d| d.connections > 0);
        c.protocol.is_tcp()
            && c.back.is_none()
            && !c.progress.answered
            && directed
            && facts.is_sent_back(*id)
    });
    let sets = by_service(facts, hit.map(|(id, _)| id));
    sets.into_iter().filter_map(|(service, ids)| finding(facts, service, ids)).collect()
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let names = Names(facts);
    let (vip, port) = (facts.topology.service(service).vip, facts.topology.service(service).port);
    let caller = facts.connection(*ids.first()?).front.client.0;
    let host = facts.host_by_ip(caller)?;
    let title = format!("{caller} called the VIP and got its own SYN back");
    let explanation = format!(
        "The director chose {caller} for its own call and sent its packet back as it was. A host drops what comes from outside with its own address as source (a martian), so nothing answers. It fails each time that the caller is chosen ({} here), and clients elsewhere are served.",
        share(facts, service, &ids, "")
    );
    let mut finding = Finding::cause("l4-self-access-hairpin", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    finding.fixes = vec![Fix::safe(
        format!("{caller}, in the application that calls"),
        format!("# call localhost instead of {}", vip.with_port(port)),
        "Point it back at the VIP.",
    )];
    Some(
        finding
            .concerning(vec![names.subject(Role::RealServer, host)], ids)
            .also(words::directors(facts, service)),
    )
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let front = trace.connection(id).front;
    trace
        .legs(id)
        .iter()
        .flat_map(|leg| {
            let (own, there) = (&trace.vantage(leg).own, trace.forward(leg));
            let left = format!("{}  SYN", arrow(&front));
            let came = format!("{}  the same SYN comes in again", arrow(&front));
            [
                trace.proof_on(leg, there, |hop| own.sent(hop) == Some(true), left),
                trace.proof_on(leg, there, |hop| own.arrived(hop) == Some(true), came),
            ]
        })
        .flatten()
        .collect()
}
