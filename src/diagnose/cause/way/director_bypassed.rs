//! A real server gets the VIP's traffic without the director in between.

use crate::diagnose::cause::{clean_in, each_service, severity};
use crate::diagnose::facts::bypasses::bypass;
use crate::diagnose::facts::{each_once, telling};
use crate::diagnose::words::{self, agree, list, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| bypass(facts, *id).is_some()).map(|(id, _)| id);
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || clean_in(facts, &[Mode::Dr]))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let subjects = servers(facts, &ids);
    let senders: Vec<HostId> = each_once(ids.iter().filter_map(|id| bypass(facts, *id)));
    let from: Vec<String> = senders.iter().map(|h| names.full(*h)).collect();
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
    finding.fix(
        from.first().cloned().unwrap_or_default(),
        format!("ip neigh show {vip}\nip neigh del {vip} dev IFACE"),
        "The entry is learnt again by itself.",
    );
    finding.subjects = subjects;
    finding.subjects.extend(names.subjects(Role::Router, &senders));
    finding.addresses = vec![vip];
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let server = trace.server(id).and_then(|s| s.host);
    let leg = trace.legs(id).iter().find(|leg| trace.host_of(leg) == server);
    let Some(leg) = leg else { return Vec::new() };
    let src = trace.vantage(leg).first_hop(trace.forward(leg)).and_then(|h| h.link.src);
    let src = src.map_or_else(String::new, |mac| format!(" from {mac}"));
    let note = format!("a packet for the VIP arrives{src}, which is not the director");
    trace.proof(leg, trace.forward(leg).first, note).into_iter().collect()
}
