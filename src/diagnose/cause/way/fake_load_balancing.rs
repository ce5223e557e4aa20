//! Frames for the VIP visit one real server first, which sends them on to the
//! director: the balancer balances, but one server carries everybody's traffic.

use crate::diagnose::cause::{clean_in, each_service, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::detours::{Detour, detour};
use crate::diagnose::words::commands::ipvsadm::Virtual;
use crate::diagnose::words::commands::{arp, step};
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{HostId, Mode, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vip-arp-conflict"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let requests = facts.by_way().map(|(id, _)| id).filter(|id| facts.ordinary(*id).is_none());
    let hit = requests.filter(|id| detour(facts, *id).is_some());
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || clean_in(facts, &[Mode::Dr]))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let names = Names(facts);
    let Detour { host, director, serves } = ids.iter().find_map(|id| detour(facts, *id))?;
    let vip = facts.topology.service(service).vip;
    let own = names.full(host);
    let title = format!("{own} gets packets for {vip} first and passes them to the director");
    let who = if serves { ", a real server" } else { ", which is not the director" };
    let seen_there =
        ids.iter().any(|id| facts.legs(*id).iter().any(|leg| facts.host_of(leg) == Some(host)));
    let comes = if seen_there {
        format!("The neighbours of {vip} send to the MAC of {own}{who}.")
    } else {
        format!(
            "The director gets packets of others for {vip} from the MAC of {own}{who}, to which the neighbours send them."
        )
    };
    let explanation = format!(
        "{comes} It does not serve them but forwards them to the director {}, which balances as it should: the load looks spread while one host carries all of the inbound traffic, and all of it stops with that host. {} this way.",
        names.full(director),
        share(facts, service, &ids, "took")
    );
    let mut finding = Finding::cause("fake-load-balancing", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence =
        if seen_there && serves { Confidence::Certain } else { Confidence::Likely };
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id, host)).unwrap_or_default();
    finding.fixes = fixes(facts.topology.service(service), names.full(host), serves);
    finding.confirm(
        own,
        format!("ipvsadm -Ln; sysctl net.ipv4.ip_forward net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.proxy_arp; ip -br addr show to {vip}; ip neigh show {vip}; ip neigh show proxy"),
        if serves {
            "a service for the VIP in its table, or ip_forward 1 alone, sends it on; it answers for the VIP where arp_ignore is 0 or the VIP is not on lo"
        } else {
            "tells whether it forwards as a balancer, and why it gets what is for the VIP: it has it, or answers for others (proxy_arp 1, or the VIP in the last list: set the one to 0, delete the other). If none of these, its neighbours have a static entry for it"
        },
    );
    let role = if serves { Role::RealServer } else { Role::Host };
    finding.subjects = vec![names.subject(role, host), names.subject(Role::Director, director)];
    finding.addresses = vec![vip];
    finding.connections = ids;
    Some(finding)
}

/// What is wrong is that it answers for the VIP, and that it passes on what it gets; one that
/// serves has the VIP, of another the check tells. The neighbours come last: they would learn
/// its MAC again.
fn fixes(service: &Service, host: String, serves: bool) -> Vec<Fix> {
    let vip = service.vip;
    let whom =
        if serves { host.clone() } else { format!("{host}, if it has {vip} on an interface") };
    vec![
        arp::hushed(whom, vip),
        step::disruptive(
            format!("{host}, if its table has a service for {vip}"),
            Virtual::of(service).removed(),
        ),
        arp::forgotten(&[vip]),
    ]
}

fn proofs(trace: &Trace, id: ConnectionId, host: HostId) -> Vec<Proof> {
    let names = Names(trace);
    let macs = &trace.topology.hosts.get(host).macs;
    let is = |mac: Option<crate::wire::Mac>| mac.is_some_and(|m| macs.contains(&m));
    let mut legs: Vec<_> = trace.legs(id).iter().collect();
    legs.sort_by_key(|leg| trace.host_of(leg) != Some(host));
    let mut proofs = Vec::new();
    for leg in legs {
        let there = trace.forward(leg);
        let came = trace.path(leg, there).find(|(_, hop)| is(hop.link.dst));
        let left = trace.path(leg, there).find(|(_, hop)| is(hop.link.src));
        if let (Some((a, x)), Some((b, y))) = (came, left)
            && trace.host_of(leg) == Some(host)
        {
            let text = |mac: Option<crate::wire::Mac>| mac.map_or("?".into(), |m| m.to_string());
            proofs.extend(trace.proof(
                leg,
                a.first,
                format!("the packet comes to {}, from {}", names.host(host), text(x.link.src)),
            ));
            proofs.extend(trace.proof(
                leg,
                b.first,
                format!("the same packet goes on to {}", text(y.link.dst)),
            ));
            break;
        }
    }
    if proofs.is_empty() {
        let from_it = trace.legs(id).iter().find_map(|leg| {
            let note = format!("the packet comes on from {}", names.host(host));
            trace.proof_on(leg, trace.forward(leg), |hop| is(hop.link.src), note)
        });
        proofs.extend(from_it);
    }
    for leg in trace.legs(id) {
        let there = trace.forward(leg);
        let from_director = trace.path(leg, there).find(|(_, hop)| {
            trace.host_by_mac(hop.link.src).is_some_and(|h| trace.service(id).is_director(h))
        });
        if let Some((link, hop)) = from_director {
            let to = hop.link.dst.map_or_else(String::new, |mac| format!(" {mac}"));
            proofs.extend(trace.proof(
                leg,
                link.first,
                format!("the director sends it to the real server{to}"),
            ));
            break;
        }
    }
    proofs
}
