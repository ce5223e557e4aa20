//! A real server gets the VIP's traffic without the director in between.

use crate::correlate::Leg;
use crate::diagnose::cause::{clean_in, each_service, severity};
use crate::diagnose::facts::way::bypasses::bypass;
use crate::diagnose::facts::{each_once, telling};
use crate::diagnose::words::commands::{ip, step};
use crate::diagnose::words::{self, agree, list, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Mac;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| bypass(facts, *id).is_some()).map(|(id, _)| id);
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || clean_in(facts, &[Mode::Dr]))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let subjects = servers(facts, &ids);
    let senders: Vec<(HostId, Option<Mac>)> =
        each_once(ids.iter().filter_map(|id| Some((bypass(facts, *id)?, sender(facts, *id)))));
    let from: Vec<String> = senders.iter().map(|(h, mac)| names.by_frame(*h, *mac)).collect();
    let vip = facts.topology.service(service).vip;
    let server = words::names(&subjects);
    let verb = agree(subjects.len(), "gets", "get");
    let title = format!("{server} {verb} packets for {vip} past the director");
    let explanation = format!(
        "Packets for {vip} arrive at {server} from {} and not from the director, so they are not balanced. {} this way.",
        list(&from),
        share(facts, service, &ids, "took")
    );
    let mut finding = Finding::cause("director-bypassed", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    let whose = from.first().cloned().unwrap_or_default();
    finding.fixes.push(step::safe(whose, ip::forget_neighbour(vip)));
    finding.subjects = subjects;
    finding.subjects.extend(senders.iter().map(|(host, mac)| {
        let known = names.subject(Role::Router, *host);
        Subject { mac: mac.or(known.mac), ..known }
    }));
    finding.addresses = vec![vip];
    finding.connections = ids;
    finding
}

/// The leg at the real server.
fn at_server(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let server = trace.server(id).and_then(|s| s.host);
    trace.legs(id).iter().find(|leg| trace.host_of(leg) == server)
}

/// The MAC that its packets come from there.
fn sender(trace: &Trace, id: ConnectionId) -> Option<Mac> {
    let leg = at_server(trace, id)?;
    trace.vantage(leg).first_hop(trace.forward(leg))?.link.src
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(leg) = at_server(trace, id) else { return Vec::new() };
    let src = sender(trace, id).map_or_else(String::new, |mac| format!(" from {mac}"));
    let note = format!("a packet for the VIP arrives{src}, which is not the director");
    trace.proof(leg, trace.forward(leg).first, note).into_iter().collect()
}
