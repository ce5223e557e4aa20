//! Packets of an established connection reach another real server than the one that
//! accepted it: the choice of the way, or of the server, was made anew in mid-stream.
//!
//! Told by who resets: a real server of the same service that is not the one whose
//! SYN-ACK opened the connection, or while another one goes on with it. A server that lost its own sockets, and a director
//! without an entry, are other causes'.

use crate::diagnose::cause::{by_address, clean_in, severity};
use crate::diagnose::decide::reset::WhyReset;
use crate::diagnose::facts::state::resets::{Forgotten, acceptor};
use crate::diagnose::words::commands::cluster;
use crate::diagnose::words::commands::ipvsadm::Virtual;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{agree, share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{HostId, Mode, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<ServiceId, Vec<Forgotten>> = BTreeMap::new();
    for one in facts.resets().iter().filter(|one| one.why() == WhyReset::OtherServer) {
        sets.entry(facts.service_of(one.id)).or_default().push(*one);
    }
    let found = sets.into_iter().map(|(service, set)| finding(facts, service, &set));
    let mut findings: Vec<Finding> = found.collect();
    findings.extend(super::moved_at_once::findings(facts));
    Detection::from(findings, || clean_in(facts, &Mode::LAYER_4))
}

/// The frame in which another host accepted the connection, and that host.
fn accepted(trace: &Trace, one: &Forgotten) -> Option<(HostId, Option<Proof>)> {
    let host = acceptor(trace, one.id, one.host)?;
    let seen = trace.legs(one.id).iter().find_map(|leg| {
        let back = trace.reply(leg);
        let hop = trace.vantage(leg).first_hop(back)?;
        let its = trace.host_by_mac(hop.link.src) == Some(host) && back.accepted();
        its.then(|| trace.proof(leg, back.syn, "the SYN-ACK of the server that accepted")).flatten()
    });
    Some((host, seen))
}

/// Who sent the segment to the host that did not know it.
fn sender(trace: &Trace, one: &Forgotten) -> Option<HostId> {
    let to_stranger = trace.route(one.id).forward.iter().rev();
    to_stranger.filter(|step| step.to == Some(one.host)).find_map(|step| step.from)
}

/// By what was seen to choose: the nodes of a cluster, a director, or, with neither, whoever
/// it is.
fn fixes(facts: &Facts, s: &Service) -> Vec<Fix> {
    let router = Fix::disruptive(
        "the router before the directors, if it has several next hops for the VIP",
        format!(
            "# a resilient group of next hops, which keeps flows where they are when a hop comes or goes: 'ip nexthop show' and 'ip route show {}' name ONE and TWO, then 'ip nexthop add id NEW group ONE/TWO type resilient buckets 128 idle_timer 300' and 'ip route replace {} nhid NEW'",
            s.vip, s.vip
        ),
        "Put the route back that 'ip route show' printed before, then delete the group.",
    );
    let table = Virtual::of(s);
    let director = step::safe(
        "each director, if it is IPVS",
        table.rescheduled("mh -b mh-port", "all directors choose the same server for a flow"),
    );
    let node = Fix::disruptive(
        "each node, if it is a cluster's",
        "# the same choice on every node: Cilium 'loadBalancer.algorithm=maglev', kube-proxy in IPVS mode scheduler 'mh'; take nodes out of routing before they are drained",
        "Restore the values that were set before.",
    );
    if cluster::is_clusters(facts, s) {
        return vec![node];
    }
    if s.directors.is_empty() {
        return vec![node, router.or(), director.or()];
    }
    vec![director, router.or(), node.or()]
}

fn finding(facts: &Facts, service: ServiceId, set: &[Forgotten]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|f| f.id).collect();
    let mut strangers: Vec<HostId> = set.iter().map(|f| f.host).collect();
    let mut owners: Vec<HostId> =
        set.iter().filter_map(|f| accepted(facts, f)).map(|(host, _)| host).collect();
    let mut senders: Vec<HostId> = set.iter().filter_map(|f| sender(facts, f)).collect();
    for hosts in [&mut strangers, &mut owners, &mut senders] {
        by_address(facts, hosts);
    }
    let list = |hosts: &[HostId]| names.hosts(hosts);
    let (to, from) = (list(&strangers), list(&owners));
    // Where connections moved both ways, the names tell nothing.
    let both = strangers == owners;
    let answer = agree(strangers.len(), "answers", "answer");
    let title = if both {
        format!("connections to {} are sent to another real server in mid-stream", s.name())
    } else if owners.is_empty() {
        format!(
            "segments of open connections to {} are sent to {to}, which never had them",
            s.name()
        )
    } else {
        format!("connections that {from} accepted are sent to {to} in mid-stream")
    };
    let story = if both {
        format!(
            "Of these connections to {}, accepted by {from}, later segments arrive at the other one, which never had them and answers with a bare RST.",
            s.name()
        )
    } else if owners.is_empty() {
        format!(
            "Segments of these connections to {} arrive at {to}, which {answer} with a bare RST. Another server has them: after that reset it goes on in the service's name with packets that {to}'s own capture does not show leave.",
            s.name()
        )
    } else {
        format!(
            "{from} accepted these connections to {}; their later segments arrive at {to}, which never had them and {answer} with a bare RST.",
            s.name()
        )
    };
    let by = if senders.is_empty() {
        String::new()
    } else {
        format!(" They come there from {}.", list(&senders))
    };
    let explanation = format!(
        "{story}{by} Whoever chooses the way chose anew for connections that were open: a set of equal routes changed, a director without their entries scheduled them again, or a hash over the servers moved. {} cut off.",
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("ecmp-rehash-wrong-server", title, explanation);
    finding.severity = severity(facts, &ids);
    let shown = set.iter().find(|f| f.own).or_else(|| set.first());
    let proven =
        shown.is_some_and(|f| f.own && accepted(facts, f).is_some_and(|(_, seen)| seen.is_some()));
    finding.confidence = if proven { Confidence::Certain } else { Confidence::Likely };
    // Where another one goes on with them, it is not the server that has them which resets.
    if !proven && !owners.is_empty() {
        finding.candidate("rs-lost-socket", "then the same real server sent the SYN-ACK and the RST: compare MACs and TTLs at its own capture");
    }
    if !proven && strangers.iter().any(|host| !facts.is_captured(*host)) {
        let addresses: Vec<_> = strangers.iter().filter_map(|h| names.address(*h)).collect();
        finding.to_confirm.push(to_capture(
            to.clone(),
            "stranger",
            &[&addresses[..], &[s.vip]].concat(),
            s.port,
            "shows whether segments of connections arrive there whose SYN it never got",
        ));
    }
    finding.confirm("the router before the directors, and each director", format!("ip route show {}; ip nexthop show; ipvsadm -Ln; ipvsadm -Lnc", s.vip), "several next hops for the VIP: a change among them moves open connections; an entry with another real server: the director chose anew");
    finding.fixes = fixes(facts, s);
    if let Some(shown) = shown {
        finding.proofs.extend(accepted(facts, shown).and_then(|(_, seen)| seen));
        finding.proofs.extend(shown.proofs(
            facts,
            "a later segment, as it reaches another real server",
            "that server's bare RST: it never had the connection",
        ));
        let after = shown.went_on(facts).filter(|_| owners.is_empty());
        finding.proofs.extend(after.and_then(|leg| {
            let note = "after that the server that has the connection goes on with it";
            facts.proof(leg, facts.reply(leg).last, note)
        }));
    }
    finding
        .concerning(names.subjects(Role::Director, &senders), ids)
        .also(names.subjects(Role::RealServer, &strangers))
        .also(names.subjects(Role::RealServer, &owners))
}
