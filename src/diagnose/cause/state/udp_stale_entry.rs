//! Datagrams of one client port keep going to a real server that is gone, while other
//! ports are served: the entry of the port lives as long as datagrams come.
//!
//! Said only where the same client's new ports were served by others meanwhile, and none
//! of them by that server: a dead server that is still in the table gets its share.

use crate::diagnose::cause::by_service;
use crate::diagnose::decide::refusal::WhyStale;
use crate::diagnose::facts::refusals::Says;
use crate::diagnose::facts::stale_ports::{Stale, is_balanced};
use crate::diagnose::thresholds::NO_DOUBT;
use crate::diagnose::words::commands::{cluster, sysctl};
use crate::diagnose::words::{explained, share};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject,
};
use crate::topology::{Role, Service, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, Protocol};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["icmp-unreachable", "arp-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let stale = facts.stale_ports();
    let own = stale.iter().filter(|(_, x)| x.why() == WhyStale::Entry).map(|(id, _)| *id);
    let findings = by_service(facts, own)
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids, stale))
        .collect();
    Detection::from(findings, || {
        let blind = facts.requests().any(|(id, c)| {
            c.protocol == Protocol::UDP
                && is_balanced(facts, id)
                && facts.answer_vantage(id).is_none()
        });
        if blind {
            return Detection::Unchecked(
                "datagrams pass where their answers do not; capture on the client or on a real server".to_owned(),
            );
        }
        Detection::Clean
    })
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    stale: &BTreeMap<ConnectionId, Stale<'_>>,
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let set: Vec<&Stale<'_>> = ids.iter().filter_map(|id| stale.get(id)).collect();
    let mut servers: Vec<Ip> = set.iter().filter_map(|x| x.server).collect();
    servers.sort_unstable();
    servers.dedup();
    let who = if servers.is_empty() {
        "a real server".to_owned()
    } else {
        crate::diagnose::words::list(&servers.iter().map(Ip::to_string).collect::<Vec<_>>())
    };
    let fresh = set.iter().map(|x| x.fresh).max().unwrap_or(0);
    let director = s.directors.first().map(|d| d.host);
    let name = director.map_or_else(|| "the director".to_owned(), |d| names.full(d));
    let title = format!("clients sent to {who} before are still sent there, where nothing answers");
    let how = if set.iter().any(|x| x.ask.is_some()) {
        format!("{name} asks for {who} in vain")
    } else {
        format!("nothing comes back from {who}")
    };
    let explanation = format!(
        "Datagrams to {} of one client port are sent on as before, and {how}; {fresh} other ports of the same client went to other real servers meanwhile. UDP has no end that could be seen: the entry of the port lives as long as datagrams come, whether its server lives or not. {} connections get no answer.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("udp-stale-entry", title, explanation);
    finding.severity = Severity::Critical;
    let sure = fresh >= NO_DOUBT && !servers.is_empty();
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if !sure {
        finding.candidate(
            "rs-unreachable",
            format!("then its table still has {who}, and new ports are sent there too"),
        );
    }
    let (lists, what) = if cluster::is_clusters(facts, s) {
        (
            format!(
                "iptables-save -t nat | grep -wF {0}; nft list ruleset | grep -wF {0}; conntrack -L -p udp --orig-dst {0}",
                s.vip
            ),
            format!(
                "{who} is missing in the rules of the service and named in the table of connections: this is it"
            ),
        )
    } else {
        (
            format!("ipvsadm -Ln -u {}; ipvsadm -Lnc | grep UDP; ipvsadm -L --timeout", s.name()),
            format!("{who} is missing in the first list and named in the second: this is it"),
        )
    };
    finding.confirm(name.clone(), lists, what);
    finding.fixes = fixes(&name, s, cluster::is_clusters(facts, s));
    finding.proofs = ids
        .first()
        .and_then(|id| Some((*id, stale.get(id)?)))
        .map(|(id, x)| proofs(facts, id, x))
        .unwrap_or_default();
    finding.subjects = director.map(|d| names.subject(Role::Director, d)).into_iter().collect();
    finding.subjects.extend(servers.iter().map(|ip| Subject {
        role: Role::RealServer,
        address: Some(*ip),
        mac: None,
        port: None,
    }));
    finding.addresses = servers;
    finding.connections = ids;
    finding
}

fn fixes(name: &str, s: &Service, in_cluster: bool) -> Vec<Fix> {
    let forget = |whose: String| {
        Fix::safe(
            whose,
            format!("conntrack -D -p udp --orig-dst {}", s.vip),
            "Nothing to take back: the next packet makes a new entry.",
        )
    };
    let expire = |whose: String| {
        Fix::safe(
            whose,
            explained(
                sysctl::set(&[("net.ipv4.vs.expire_nodest_conn", "1")]),
                "entries of a removed server go with their next packet",
            ),
            sysctl::set(&[("net.ipv4.vs.expire_nodest_conn", "0")]),
        )
    };
    if in_cluster {
        let ipvs = format!("{name}, {}", cluster::IPVS_MODE);
        return vec![forget(name.to_owned()), expire(ipvs).or()];
    }
    vec![
        expire(name.to_owned()),
        Fix::safe(
            name.to_owned(),
            "ipvsadm --set 0 0 10   # UDP entries live 10 s",
            "ipvsadm --set 0 0 300",
        )
        .meanwhile(),
        forget(format!("{name}, where netfilter translates (kube-proxy with iptables)")).or(),
    ]
}

fn proofs(trace: &Trace, id: ConnectionId, stale: &Stale<'_>) -> Vec<Proof> {
    let (there, back) = (trace.forward(stale.leg), trace.reply(stale.leg));
    let mut proofs = Vec::new();
    let last = back.last;
    proofs.extend(trace.proof(stale.leg, last, "the last answer on this client port"));
    if !last.is_set() {
        let note = "the first of the datagrams that nobody answers";
        proofs.extend(trace.proof(stale.leg, there.first, note));
    }
    if let Some((vantage, ask)) = stale.ask {
        let note = format!(
            "who-has {} tell {}: the last of {} without an answer",
            ask.target, ask.asker, ask.open
        );
        proofs.push(Proof { at: At { vantage, mark: ask.last }, note });
    }
    proofs.extend(
        trace
            .errors_of(id)
            .filter(|(_, e)| matches!(Says::of(e.kind), Some(Says::Host | Says::Port)))
            .map(|(vantage, e)| Proof {
                at: At { vantage, mark: e.mark },
                note: format!("ICMP unreachable from {}", e.src),
            })
            .take(1),
    );
    proofs.extend(trace.proof(stale.leg, there.last, "the last datagram, still without an answer"));
    crate::diagnose::facts::in_time(trace, &mut proofs);
    proofs
}
