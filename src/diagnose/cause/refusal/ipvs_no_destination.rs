//! A virtual service has no real server to send to: IPVS answers each SYN with
//! port unreachable, as it cannot make a reset.

use crate::diagnose::cause::{each_service, severity, syns_or_blind};
use crate::diagnose::decide::refusal::WhyRejected;
use crate::diagnose::facts::refusal::refusals::Refusal;
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::cluster;
use crate::diagnose::words::commands::ipvsadm::{Server, Virtual};
use crate::diagnose::words::{service_subject, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["icmp-unreachable"];

/// Connections that are refused one after the other in each of several spells, on average. Judgement: of a rule for
/// some clients others come between.
const SPELL: usize = 2;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, c)| {
        c.protocol.is_tcp()
            && c.outcome.failed()
            && !c.progress.answered
            && facts.went_nowhere(*id)
            && turned_away(facts, *id).next().is_some()
    });
    let findings =
        each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids));
    Detection::from(findings, || syns_or_blind(facts))
}

/// Port unreachable, at once, in the name of the VIP or of a director.
fn turned_away(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = Refusal<'_>> {
    trace.refusals(id).filter(move |r| trace.signs_of(id, r).why() == WhyRejected::NoDestination)
}

/// The host that owns the VIP, if its own capture shows that it takes the SYN in,
/// sends it to nobody, and makes the error.
fn at_director(trace: &Trace, id: ConnectionId) -> Option<(HostId, Refusal<'_>)> {
    let service = trace.service(id);
    turned_away(trace, id).find_map(|refusal| {
        let host = trace.maker(&refusal).filter(|_| trace.sent_here(&refusal))?;
        let owner = service.is_director(host) || claims(trace, host, service.vip);
        (owner && trace.kept_at(id, refusal.vantage)).then_some((host, refusal))
    })
}

/// Whether a host says by ARP or NDP that it has an address.
fn claims(trace: &Trace, host: HostId, ip: Ip) -> bool {
    let mut bindings = trace.vantages.iter().flat_map(|v| &v.neighbors.bindings);
    bindings.any(|b| b.ip == ip && trace.host_by_mac(Some(b.mac)) == Some(host))
}

/// In how many spells these were refused: between two of them the service served somebody.
fn spells(facts: &Facts, service: ServiceId, ids: &[ConnectionId]) -> usize {
    let start = |id: ConnectionId| facts.start(id).map(|at| facts.time(at));
    let served = facts.requests_to(service).filter(|(_, c)| c.progress.answered);
    let mut all: Vec<_> = served.filter_map(|(id, _)| Some((start(id)?, true))).collect();
    all.extend(ids.iter().filter_map(|id| Some((start(*id)?, false))));
    all.sort_unstable();
    all.chunk_by(|a, b| a.1 == b.1).filter(|run| !run[0].1).count()
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let s = facts.topology.service(service);
    let director = ids.iter().find_map(|id| at_director(facts, *id)).map(|(host, _)| host);
    // A rule that refuses some refuses them whoever is served meanwhile; servers that are taken out and put in again
    // leave all without any for a while.
    let spells = spells(facts, service, &ids);
    if spells > 1 && (director.is_none() || ids.len() < spells * SPELL) {
        return None;
    }
    // From afar a rule on one real server of several looks the same.
    if director.is_none() && (ids.len() < 2 || facts.requests_to(service).len() > ids.len()) {
        return None;
    }
    let what = turned_away(facts, ids[0]).next().map_or_else(String::new, |r| r.name());
    let vip = s.name();
    let times = if spells > 1 { "at times " } else { "" };
    let title = format!("{vip} has {times}no real server to send connections to");
    let shown = match director {
        Some(host) => format!(
            "The SYNs come in at the director{}, go to no real server, and are answered with {what}, port unreachable.",
            // The VIP may be the only address that shows of it.
            Names(facts)
                .address(host)
                .filter(|ip| *ip != s.vip)
                .map_or_else(String::new, |ip| format!(" {ip}"))
        ),
        None => {
            format!("The SYNs are answered at once with {what}, port unreachable, from {}.", s.vip)
        }
    };
    let at_times = match spells {
        0 | 1 => String::new(),
        n => format!(
            " It is so {n} times, and between these it serves: its servers are taken out of the table and put in again, as when their health checks fail at times."
        ),
    };
    let explanation = format!(
        "{shown}{at_times} That is how IPVS refuses where a virtual service has no usable real server, all removed or of weight 0; a host without the service would send a reset. {} refused.",
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("ipvs-no-destination", title, explanation).rated(
        severity(facts, &ids),
        if director.is_some() { Confidence::Likely } else { Confidence::Possible },
    );
    let host = director.map_or_else(
        || "the director".to_owned(),
        |host| match Names(facts).address(host) {
            Some(ip) if ip != s.vip => format!("the director {ip}"),
            _ => format!("the director of {}", s.vip),
        },
    );
    if cluster::is_clusters(facts, s) {
        in_cluster(&mut finding, s, &host);
    } else {
        advise(&mut finding, s, &host, director.is_none());
    }
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    Some(
        finding
            .concerning(vec![service_subject(s)], ids)
            .also(director.map(|d| Names(facts).subject(Role::Director, d))),
    )
}

/// A node says so of a service without a ready endpoint.
fn in_cluster(finding: &mut Finding, s: &Service, host: &str) {
    finding.confirm(
        cluster::KUBECTL,
        cluster::endpoints(s),
        "a service without a ready endpoint: this is it",
    );
    finding.confirm(
        host.to_owned(),
        "iptables-save -c | grep 'has no endpoints'; ipvsadm -Ln   # the second where kube-proxy runs in IPVS mode",
        "a rule that counts them, or a service with no line below it",
    );
    finding.fix_disruptive(
        cluster::KUBECTL,
        "kubectl get endpointslices -A   # NAMESPACE and the service's name\nkubectl -n NAMESPACE describe pod -l KEY=VALUE   # as the service's selector says: why is none ready?",
        "Nothing was changed.",
    );
}

fn advise(finding: &mut Finding, s: &Service, host: &str, from_afar: bool) {
    if from_afar {
        finding.candidate("rs-admin-prohibited", "then the director's capture shows that the SYN goes on, and the error comes from the real server");
    }
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(host.to_owned(), format!("ipvsadm -Ln; {tables} -L INPUT -nvx | grep -i reject; nft list ruleset | grep -i reject"), "a service with no line below it, or only weights 0: this is it; a REJECT rule whose counter grows: the firewall does it");
    let table = Virtual::of(s);
    let any = table.server(Server::any());
    finding.fix(host.to_owned(), format!(
            "systemctl status keepalived; journalctl -u keepalived -n 50   # why were they removed?\n{}   # -g for DR, -i for a tunnel; or 'ipvsadm -e ... -w 1' where the weight is 0",
            any.add_as("-m")
        ), any.delete());
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let found = at_director(trace, id).map(|(_, r)| r).or_else(|| turned_away(trace, id).next());
    let Some(refusal) = found else { return Vec::new() };
    let here = trace.legs(id).iter().find(|leg| leg.vantage == refusal.vantage);
    let syn = here.and_then(|leg| {
        trace.proof(leg, trace.forward(leg).syn, "the SYN, which is sent to no real server")
    });
    let note = format!("{}, port unreachable, from {}", refusal.name(), refusal.error.src);
    syn.into_iter().chain([Proof::at(refusal.at(), note)]).collect()
}
