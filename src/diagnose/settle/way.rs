//! Hosts' words on the way of answers: where their routes lead.

use super::{MANY, all, certain, drop_candidate, places, say, servers};
use crate::diagnose::settled::Settled;
use crate::diagnose::words::tell;
use crate::diagnose::{Finding, Kind, Names};
use crate::state::Route;
use crate::topology::{HostId, Service};
use crate::trace::{ConnectionId, Said, Trace};
use crate::wire::Ip;
use std::collections::BTreeSet;

/// Whether an address is one of a service's directors.
fn is_director(trace: &Trace, service: &Service, ip: Ip) -> bool {
    service.directors.iter().any(|d| {
        trace.topology.hosts.get(d.host).ips.contains(&ip)
            || trace.has_address(d.host, ip).is_some_and(|s| s.value)
    })
}

/// The suspects of symptoms that nothing explains: what the real servers say
/// excludes or supports them, and no more, since no frame shows which it is.
pub(in crate::diagnose) fn suspects(trace: &Trace, findings: &mut [Finding]) {
    if trace.states.is_empty() {
        return;
    }
    for finding in findings.iter_mut().filter(|f| f.kind == Kind::Symptom) {
        let Some(id) = finding.connections.first().copied() else { continue };
        let service = trace.service(id);
        let of = |id: &ConnectionId| trace.server(*id).and_then(|s| s.host);
        let hosts: Option<BTreeSet<HostId>> = finding.connections.iter().map(of).collect();
        let Some(hosts) = hosts.filter(|h| h.len() <= MANY) else { continue };
        let hosts: Vec<HostId> = hosts.into_iter().collect();
        let is_suspect = |id: &str| finding.candidates.iter().any(|c| c.id == id);
        if is_suspect("rs-missing-vip")
            && let Some(said) = all(&hosts, |h| trace.has_address(h, service.vip))
        {
            if said.iter().all(|s| s.value) {
                drop_candidate(finding, "rs-missing-vip");
                say(finding, Settled::VipPresent { at: places(&said) });
            } else if said.iter().all(|s| !s.value) {
                say(finding, Settled::VipNowhere { vip: service.vip, at: places(&said) });
            }
        } else if is_suspect("nat-return-bypasses-director") {
            let client = trace.connection(id).front.client.0;
            let Some(said) = all(&hosts, |h| trace.route_to(h, client)) else { continue };
            let lead = |s: &Said<'_, &Route>| {
                s.value.via.is_some_and(|via| is_director(trace, service, via))
            };
            if said.iter().all(lead) {
                drop_candidate(finding, "nat-return-bypasses-director");
                say(finding, Settled::RoutesLead { at: places(&said) });
            } else if !service.directors.is_empty() && !said.iter().any(lead) {
                say(finding, Settled::RoutesLeadElsewhere { client, at: places(&said) });
            }
        }
    }
    findings.iter_mut().filter(|f| f.kind == Kind::Symptom).for_each(tell);
}

pub(in crate::diagnose) fn bypass(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let hosts = hosts.as_slice();
    let Some(id) = finding.connections.first().copied() else { return };
    let client = trace.connection(id).front.client.0;
    let service = trace.service(id);
    let mut agree = 0;
    for host in hosts {
        let Some(said) = trace.route_to(*host, client) else { continue };
        let Some(via) = said.value.via else { continue };
        let server = Names(trace).host(*host);
        if is_director(trace, service, via) {
            say(finding, Settled::RouteLeads { server, via, at: said.place() });
            continue;
        }
        agree += 1;
        say(finding, Settled::RouteLeadsElsewhere { server, client, via, at: said.place() });
        let place = Names(trace).place(*host);
        finding.to_confirm.retain(|c| c.host != place);
        if said.value.to.1 == 0 {
            let dev = said.value.dev.as_ref().filter(|d| is_name(d));
            let dev = dev.map_or_else(String::new, |d| format!(" dev {d}"));
            for fix in finding.fixes.iter_mut().filter(|f| f.host == place) {
                fix.undo = format!("ip route replace default via {via}{dev}");
            }
        }
    }
    if agree == hosts.len() && !service.directors.is_empty() {
        certain(finding);
    }
}

/// An interface's name that may stand in a command.
fn is_name(text: &str) -> bool {
    text.len() < 16 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
