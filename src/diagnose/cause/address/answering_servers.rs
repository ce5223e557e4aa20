//! A real server answers ARP for the VIP, so the VIP has several MACs and
//! whoever answers first gets everything.
//!
//! Told from two VRRP masters by the claimants' roles: here one of them serves
//! the VIP's connections itself. A hand-over leaves the old owner silent.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::disputes::{
    announce_in_turn, answers_for, claimants, claims, disputed,
};
use crate::diagnose::facts::address::machines::speaks_vrrp;
use crate::diagnose::symptom::vip_arp_conflict as symptom;
use crate::diagnose::words::commands::arp;
use crate::diagnose::words::{agree, count, list};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject,
};
use crate::topology::{HostId, Mode, Role, Service, ServiceId, Step};
use crate::trace::{ConnectionId, Trace};

/// The same for services of one family: neighbour discovery is another cause's, as
/// its remedy is another.
pub(in crate::diagnose) fn detect_in(facts: &Facts, v4: bool) -> Detection {
    let services = facts.topology.services.iter().enumerate();
    let findings = services
        .filter(|(_, s)| !s.is_backend && matches!(s.mode, Mode::Unknown | Mode::Dr | Mode::Tun))
        .filter(|(_, s)| s.vip.is_v4() == v4)
        .filter_map(|(i, service)| finding(facts, i, service))
        .collect();
    Detection::from(findings, || Detection::unless(symptom::blind(facts)))
}

fn finding(facts: &Facts, index: usize, service: &Service) -> Option<Finding> {
    let vip = service.vip;
    disputed(facts, vip)?;
    let claimants = claimants(facts, vip);
    let ids: Vec<ConnectionId> =
        facts.requests_to(ServiceId(index as u32)).map(|(id, _)| id).collect();
    let mut servers: Vec<(usize, HostId)> = claimants
        .iter()
        // Who only asks in its name is `dr-arp-announce-leak`'s.
        .filter(|host| {
            !service.is_director(**host)
                && !speaks_vrrp(facts, **host)
                && answers_for(facts, **host, vip)
        })
        .map(|host| {
            (ids.iter().filter(|id| went_straight(facts, **id, *host, &claimants)).count(), *host)
        })
        .collect();
    servers.sort_by_key(|(n, host)| (std::cmp::Reverse(*n), *host));
    // Somebody who claims the address must also serve it: else nobody shows
    // that it is a real server, and the symptom stands alone.
    let (most, culprit) = *servers.first()?;
    if most == 0 || claimants.iter().any(|h| speaks_vrrp(facts, *h) && servers.len() < 2) {
        return None;
    }
    let names = Names(facts);
    let forwarding = !service.directors.is_empty();
    // Nobody forwards, and each of them takes or refuses what it gets by itself: none of them
    // is seen to be a director, so nothing tells real servers from a duplicate address.
    if !forwarding && servers.len() == claimants.len() && servers.iter().all(|(n, _)| *n > 0) {
        return None;
    }
    // Both take themselves for the owner: whoever is quietened may be the one that serves.
    if !forwarding && announce_in_turn(facts, vip, &claimants) {
        return None;
    }
    // Who refuses all that it gets is not seen to serve: an address that two have by mistake looks so.
    let serves = |(_, host): &(usize, HostId)| {
        let stood = |id: &&ConnectionId| facts.connection(**id).progress.established;
        ids.iter().filter(stood).any(|id| went_straight(facts, *id, *host, &claimants))
    };
    if !forwarding && !servers.iter().any(serves) {
        return None;
    }
    let own = names.full(culprit);
    let others: Vec<String> =
        claimants.iter().filter(|h| **h != culprit).map(|h| names.full(*h)).collect();
    let (id, what) = if vip.is_v4() {
        ("dr-arp-problem", "ARP")
    } else {
        ("duplicate-na-for-vip", "neighbour solicitations")
    };
    // Who served nobody is a real server only where that is known: it may be the director.
    let known = |host: HostId| {
        forwarding && service.real_servers.iter().any(|server| server.host == Some(host))
    };
    let real: Vec<HostId> =
        servers.iter().filter(|(n, host)| *n > 0 || known(*host)).map(|(_, host)| *host).collect();
    let answering: Vec<String> = real.iter().map(|host| names.full(*host)).collect();
    let title = format!(
        "{} {} {} {what} for {vip}",
        agree(answering.len(), "real server", "real servers"),
        list(&answering),
        agree(answering.len(), "answers", "answer"),
    );
    let director = if forwarding {
        String::new()
    } else if others.len() == 1 {
        ", which then is the director".to_owned()
    } else {
        ", one of which is the director".to_owned()
    };
    let explanation = format!(
        "{} hosts answer for {vip}: {own}, and {}{director}. Each neighbour keeps one of the answers, and {} went straight to {own}, past the director: the load is not spread, and it moves whenever a neighbour asks again.",
        claimants.len(),
        list(&others),
        count(most, "connection")
    );
    let mut finding = Finding::cause(id, title, explanation);
    finding.severity = severity(facts, &ids).max(Severity::Warning);
    finding.confidence = if forwarding { Confidence::Certain } else { Confidence::Likely };
    if !forwarding {
        finding.candidate("vip-arp-conflict", format!("a duplicate address without a balancer: 'ipvsadm -Ln' on the hosts that claim {vip} tells which is the director"));
        finding.confirm(
            list(&others),
            "ipvsadm -Ln; ip -br addr",
            "tells the director from the real servers",
        );
    }
    finding.proofs = claims(facts, vip);
    let straight = |id: &&ConnectionId| went_straight(facts, **id, culprit, &claimants);
    finding.proofs.extend(ids.iter().filter(straight).find_map(|id| arrival(facts, *id, culprit)));
    finding.fixes = real.iter().map(|host| hush(facts, service, *host)).collect();
    // Of the others that answer, all but the director.
    if !forwarding && others.len() > 1 && vip.is_v4() {
        let whom =
            format!("each of {} that is not the director, by the check above", list(&others));
        finding.fixes.push(arp::hushed(whom, vip));
    }
    // Before the last of them is quiet, a neighbour learns a wrong MAC again.
    finding.fixes.extend(vip.is_v4().then(|| arp::forgotten(&[vip])));
    finding.subjects = names.subjects(Role::RealServer, &real);
    let mut rest: Vec<HostId> = claimants.iter().copied().filter(|h| !real.contains(h)).collect();
    rest.sort_by_key(|h| facts.topology.hosts.get(*h).macs.first().copied());
    finding.subjects.extend(rest.into_iter().map(|h| -> Subject {
        names.subject(if service.is_director(h) { Role::Director } else { Role::Host }, h)
    }));
    finding.addresses = vec![vip];
    finding.connections = ids
        .into_iter()
        .filter(|id| real.iter().any(|host| went_straight(facts, *id, *host, &claimants)))
        .collect();
    Some(finding)
}

/// Whether a host served a connection that none of the others who hold the address had sent on to it.
fn went_straight(facts: &Facts, id: ConnectionId, host: HostId, claimants: &[HostId]) -> bool {
    let sent_on = |next: &Step| {
        next.to == Some(host) && next.from.is_some_and(|from| claimants.contains(&from))
    };
    facts.server(id).and_then(|s| s.host) == Some(host)
        && !facts.route(id).forwarders().any(|(_, next)| sent_on(next))
}

/// A packet for the VIP that went to the culprit's MAC, of a connection that nobody sent on to it.
fn arrival(trace: &Trace, id: ConnectionId, host: HostId) -> Option<Proof> {
    let macs = &trace.topology.hosts.get(host).macs;
    trace.legs(id).iter().find_map(|leg| {
        let to = |hop: &crate::flow::Hop| hop.link.dst.is_some_and(|mac| macs.contains(&mac));
        trace.proof_on(leg, trace.forward(leg), to, "packets for the VIP go to that MAC")
    })
}

/// What is done on one of them.
fn hush(trace: &Trace, service: &Service, host: HostId) -> Fix {
    let vip = service.vip;
    let server = Names(trace).full(host);
    if !vip.is_v4() {
        let bits = vip.to_string().parse::<std::net::Ipv6Addr>().map_or(0, u128::from);
        // The target stands 8 octets behind the ICMPv6 type (RFC 4861, section 4.4).
        let rule = format!(
            "nft add table ip6 lbvip\nnft add chain ip6 lbvip out '{{ type filter hook output priority 0; }}'\nnft add rule ip6 lbvip out icmpv6 type nd-neighbor-advert @th,64,128 {bits:#034x} drop   # its advertisements for {vip}"
        );
        return Fix::safe(
            server,
            format!("ip -6 addr show to {vip}\nip -6 addr replace {vip}/128 dev lo nodad\n{rule}"),
            format!(
                "nft delete table ip6 lbvip\nip -6 addr del {vip}/128 dev lo   # if the first line did not print it on lo"
            ),
        );
    }
    arp::hushed(server, vip)
}
