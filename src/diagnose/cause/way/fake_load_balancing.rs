//! Frames for the VIP visit one real server first, which sends them on to the
//! director: the balancer balances, but one server carries everybody's traffic.

use crate::diagnose::cause::{by_service, needs_mode, severity, share, telling};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vip-arp-conflict"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| detour(facts, *id).is_some()).map(|(id, _)| id);
    let findings = by_service(facts, hit)
        .into_iter()
        .filter_map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || needs_mode(facts, &[Mode::Dr]).unwrap_or(Detection::Clean))
}

/// The real server that sent the client's packets on to the director. A plain
/// router on the way is no real server.
fn detour(trace: &Trace, id: ConnectionId) -> Option<HostId> {
    let service = trace.service(id);
    if service.mode != Mode::Dr {
        return None;
    }
    let forwarder = trace.route(id).forwarders().find(|(into, out)| {
        let (Some(host), Some(next)) = (out.from, out.to) else { return false };
        !service.is_director(host)
            && service.is_director(next)
            && into.from.is_some_and(|from| !service.is_director(from))
    });
    let host = forwarder?.1.from?;
    let serves = service.real_servers.iter().any(|r| r.host == Some(host));
    serves.then_some(host)
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let names = Names(facts);
    let host = ids.iter().find_map(|id| detour(facts, *id))?;
    let vip = facts.topology.service(service).vip;
    let director = facts.topology.service(service).directors.first()?.host;
    let own = names.full(host);
    let title = format!("{own} gets every packet for {vip} first and passes it to the director");
    let explanation = format!(
        "The neighbours of {vip} send to the MAC of {own}, a real server. It does not serve them but forwards them to the director {}, which balances as it should: the load looks spread while one server carries all of the inbound traffic, and all of it stops with that server. {} connections took this way.",
        names.full(director),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("fake-load-balancing", title, explanation);
    finding.severity = severity(facts, &ids);
    let seen_there =
        ids.iter().any(|id| facts.legs(*id).iter().any(|leg| facts.host_of(leg) == Some(host)));
    finding.confidence = if seen_there { Confidence::Certain } else { Confidence::Likely };
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id, host)).unwrap_or_default();
    let server = names.host(host);
    finding.fixes = vec![
        Fix {
            host: server.clone(),
            command: format!(
                "ipvsadm -Ln\nipvsadm -C\nip addr add {vip}/{} dev lo\nsysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
                if vip.is_v4() { 32 } else { 128 }
            ),
            disruptive: true,
            undo: "Restore the table with 'ipvsadm -R' from what 'ipvsadm -Sn' printed before."
                .to_owned(),
        },
        Fix {
            host: "the router or client that holds the wrong neighbour entry".to_owned(),
            command: format!("ip neigh del {vip} dev IFACE"),
            disruptive: false,
            undo: "The entry is learnt again by itself.".to_owned(),
        },
    ];
    finding.subjects =
        vec![names.subject("real server", host), names.subject("director", director)];
    finding.addresses = vec![vip];
    finding.connections = ids;
    Some(finding)
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
        if let (Some((a, x)), Some((b, y))) = (came, left) {
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
