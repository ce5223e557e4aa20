//! One SYN and its repeat are sent to two real servers, and both accept: the client gets
//! two SYN-ACKs with different numbers and can only keep one.
//!
//! A repeat that goes elsewhere because the first server is gone harms nobody; both must
//! have answered.

use crate::diagnose::cause::{by_address, clean_in, each_service, severity};
use crate::diagnose::facts::in_time;
use crate::diagnose::facts::silence::two_servers::accepted_twice;
use crate::diagnose::words::commands::ipvsadm::Virtual;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{self, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, c)| {
        c.protocol.is_tcp() && c.progress.syns > 1 && accepted_twice(facts, *id).is_some()
    });
    let findings =
        each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids));
    Detection::from(findings, || clean_in(facts, &Mode::LAYER_4))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let mut hosts: Vec<HostId> = ids
        .iter()
        .filter_map(|id| accepted_twice(facts, *id))
        .flat_map(|two| two.map(|(host, _)| host))
        .collect();
    by_address(facts, &mut hosts);
    let who = names.hosts(&hosts);
    let title = format!("a SYN to {} and its repeat go to different real servers", s.name());
    let explanation = format!(
        "{who} each got a transmission of the same SYN and each accepted it, with a sequence number of its own. The client can take one SYN-ACK; what it sends then reaches a server that does not know it, or the other one is left with half a connection. Whoever chooses the real server keeps no state for a SYN, or lost it between two transmissions. {} concerned.",
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("syn-retry-rescheduled", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    let director = words::directors(facts, service);
    // The VIP may be the only address that shows of it.
    let own = director.first().filter(|d| d.address != Some(s.vip));
    let place = own.map_or_else(
        || format!("the director of {}", s.vip),
        |d| format!("the director {}", words::name(d)),
    );
    finding.confirm(
        place.clone(),
        "ipvsadm -Ln; ipvsadm -Lnc; sysctl net.ipv4.vs.sync_threshold",
        "the scheduler, and whether the entry of a SYN stays until the handshake is complete",
    );
    let why = "each transmission of a SYN is sent to the same server";
    let place = format!("{place}, if it is IPVS");
    finding.fixes = vec![step::safe(place, Virtual::of(s).rescheduled("mh -b mh-port", why))];
    finding.proofs = ids.first().map(|id| proofs(facts, *id)).unwrap_or_default();
    finding.concerning(director, ids).also(names.subjects(Role::RealServer, &hosts))
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(two) = accepted_twice(trace, id) else { return Vec::new() };
    let mut proofs: Vec<Proof> = Vec::new();
    for (host, leg) in two {
        let name = Names(trace).host(host);
        // Others on the link may see it too, flooded by a switch.
        let here = trace.host_of(leg) == Some(host);
        let own = &trace.vantage(leg).own;
        let came = |hop: &crate::flow::Hop| {
            trace.host_by_mac(hop.link.dst) == Some(host) || here && own.arrived(hop) == Some(true)
        };
        let there = trace.forward(leg);
        proofs.extend(trace.proof_on(leg, there, came, format!("the SYN comes to {name}")));
        let isn = trace.reply(leg).isn;
        proofs.extend(trace.proof(
            leg,
            trace.reply(leg).syn,
            format!("{name} accepts it, with initial sequence number {isn}"),
        ));
    }
    in_time(trace, &mut proofs);
    proofs
}
