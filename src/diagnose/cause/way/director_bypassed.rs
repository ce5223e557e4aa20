//! A real server gets the VIP's traffic without the director in between.

use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::words::{agree, list, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| bypass(facts, *id).is_some()).map(|(id, _)| id);
    let findings = by_service(facts, hit)
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || needs_mode(facts, &[Mode::Dr]).unwrap_or(Detection::Clean))
}

/// Who sent the packets to the real server, where that is known not to be a
/// director of a service that has one.
pub(in crate::diagnose) fn bypass(trace: &Trace, id: ConnectionId) -> Option<HostId> {
    let service = trace.service(id);
    if service.mode != Mode::Dr || service.directors.is_empty() {
        return None;
    }
    let route = trace.route(id);
    let server = trace.server(id)?.host?;
    if service.is_director(server) {
        return None;
    }
    let through = route.forward.iter().any(|step| {
        step.to.is_some_and(|h| service.is_director(h))
            || step.from.is_some_and(|h| service.is_director(h))
    });
    let last = route.forward.iter().rev().find(|step| step.to == Some(server))?;
    // The real server's own capture must show the frame arrive: elsewhere the
    // director's frame may just not have been seen.
    let from = last.from.filter(|_| !through && last.arrived)?;
    is_bystander(trace, id, from).then_some(from)
}

/// Whether a host is known to be no director itself: it owns the client's address,
/// or hands other packets of the service to the director, and never claimed the
/// VIP.
fn is_bystander(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let service = trace.service(id);
    let hosts = &trace.topology.hosts;
    if crate::diagnose::facts::machines::speaks_vrrp(trace, host)
        || hosts.claims_ip(host, service.vip)
    {
        return false;
    }
    let owns_client = trace.host_by_ip(trace.connection(id).front.client.0) == Some(host);
    let hands_on = || {
        trace.topology.routes.list.iter().flat_map(|route| &route.forward).any(|step| {
            step.from == Some(host) && step.to.is_some_and(|to| service.is_director(to))
        })
    };
    owns_client || hands_on()
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let subjects = servers(facts, &ids);
    let mut senders: Vec<HostId> = ids.iter().filter_map(|id| bypass(facts, *id)).collect();
    senders.sort_unstable();
    senders.dedup();
    let from: Vec<String> = senders.iter().map(|h| names.full(*h)).collect();
    let vip = facts.topology.service(service).vip;
    let server = crate::diagnose::words::names(&subjects);
    let verb = agree(subjects.len(), "gets", "get");
    let title = format!("{server} {verb} packets for {vip} past the director");
    let explanation = format!(
        "Packets for {vip} arrive at {server} from {} and not from the director, so they are not balanced. {} connections took this way.",
        list(&from),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("director-bypassed", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Certain;
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    finding.fix(
        from.first().cloned().unwrap_or_default(),
        format!("ip neigh show {vip}\nip neigh del {vip} dev IFACE"),
        "The entry is learnt again by itself.",
    );
    finding.subjects = subjects;
    finding.subjects.extend(senders.iter().map(|h| names.subject(Role::Router, *h)));
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
