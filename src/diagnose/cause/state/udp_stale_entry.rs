//! Datagrams of one client port keep going to a real server that is gone, while other
//! ports are served: the entry of the port lives as long as datagrams come.
//!
//! Said only where the same client's new ports were served by others meanwhile, and none
//! of them by that server: a dead server that is still in the table gets its share.

use crate::diagnose::cause::each_service;
use crate::diagnose::decide::refusal::WhyStale;
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::state::stale_ports::{Stale, is_balanced, proofs};
use crate::diagnose::thresholds::NO_DOUBT;
use crate::diagnose::words::commands::ipvsadm::{Server, Virtual};
use crate::diagnose::words::commands::step::{self, Step};
use crate::diagnose::words::commands::{cluster, sysctl};
use crate::diagnose::words::{list_of, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Severity, Subject};
use crate::topology::{Role, Service, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::{Ip, Protocol};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["icmp-unreachable", "arp-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let stale = facts.stale_ports();
    let own = stale.iter().filter(|(_, x)| x.why() == WhyStale::Entry).map(|(id, _)| *id);
    let findings = each_service(facts, own, |service, ids| finding(facts, service, ids, stale));
    Detection::from(findings, || {
        let blind = facts.requests().any(|(id, c)| {
            c.protocol == Protocol::UDP
                && is_balanced(facts, id)
                && facts.answer_vantage(id).is_none()
        });
        Detection::clean_if(
            !blind,
            "datagrams pass where their answers do not; capture on the client or on a real server",
        )
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
    let servers: Vec<Ip> = each_once(set.iter().filter_map(|x| x.server));
    let who = if servers.is_empty() { "a real server".to_owned() } else { list_of(&servers) };
    let fresh = set.iter().map(|x| x.fresh).max().unwrap_or(0);
    let director = s.directors.first().map(|d| d.host);
    let name = names.full_or(director, "the director");
    let title = format!("clients sent to {who} before are still sent there, where nothing answers");
    let how = if set.iter().any(|x| x.ask.is_some()) {
        format!("{name} asks for {who} in vain")
    } else {
        format!("nothing comes back from {who}")
    };
    let explanation = format!(
        "Datagrams to {} of one client port are sent on as before, and {how}; {fresh} other ports of the same client went to other real servers meanwhile. UDP has no end that could be seen: the entry of the port lives as long as datagrams come, whether its server lives or not. {} no answer.",
        s.name(),
        share(facts, service, &ids, "get")
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
    let tables = crate::diagnose::words::tables(s.vip);
    let (lists, what) = if cluster::is_clusters(facts, s) {
        (
            format!(
                "{tables}-save -t nat | grep -wF {0}; nft list ruleset | grep -wF {0}; conntrack -L -p udp --orig-dst {0}",
                s.vip
            ),
            format!(
                "{who} is missing in the rules of the service and named in the table of connections: this is it"
            ),
        )
    } else {
        (
            format!("ipvsadm -Ln -u {}; ipvsadm -Lnc | grep UDP", s.name()),
            format!(
                "{who} is missing in the first list, or has weight 0 there, and is named in the second: this is it"
            ),
        )
    };
    finding.confirm(name.clone(), lists, what);
    let ports: Vec<u16> = each_once(ids.iter().map(|id| facts.connection(*id).front.client.1));
    let clients: Vec<Ip> = each_once(ids.iter().map(|id| facts.connection(*id).front.client.0));
    let known = ids.iter().filter_map(|id| {
        let server = facts.server(*id)?;
        Some(Server::at(server.address?, server.port))
    });
    let gone = each_once_by(known);
    finding.fixes = fixes(&name, s, &servers, &gone, cluster::is_clusters(facts, s));
    finding.fixes.push(other_port(&clients, &ports));
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

fn fixes(name: &str, s: &Service, servers: &[Ip], gone: &[Server], in_cluster: bool) -> Vec<Fix> {
    // The entries that lead to the server that is gone, and nobody else's.
    let lines = servers
        .iter()
        .map(|ip| format!("conntrack -D -p udp --orig-dst {} --reply-src {ip}", s.vip));
    let stale = lines.collect::<Vec<_>>().join("\n");
    let stale = if stale.is_empty() {
        format!(
            "conntrack -D -p udp --orig-dst {} --reply-src RIP   # RIP: the server that is gone",
            s.vip
        )
    } else {
        stale
    };
    let forget = |whose: String| {
        Fix::safe(whose, stale.clone(), "Nothing to take back: the next packet makes a new entry.")
    };
    let keep_none = |whose: String| {
        let of = Virtual::of(s);
        let mut steps = vec![
            sysctl::step(&[("net.ipv4.vs.expire_nodest_conn", "1", "0")])
                .because("first: entries of a server that is taken out then go, at once or with their next packet"),
            Step::look(of.list()),
        ];
        let any = [Server::any()];
        for server in if gone.is_empty() { &any[..] } else { gone } {
            let entry = of.server(server.clone());
            steps.push(Step::new(entry.delete(), entry.put_back()).because(
                "if it is listed: weight 0 keeps the entries (keepalived: leave out inhibit_on_failure)",
            ));
        }
        step::disruptive(whose, steps)
    };
    if in_cluster {
        let ipvs = format!("{name}, {}", cluster::IPVS_MODE);
        return vec![forget(name.to_owned()), keep_none(ipvs).or()];
    }
    vec![
        keep_none(name.to_owned()),
        forget(format!("{name}, where netfilter translates (kube-proxy with iptables)")).or(),
    ]
}

/// Servers, each once, in order.
fn each_once_by(all: impl Iterator<Item = Server>) -> Vec<Server> {
    let mut known: Vec<Server> = Vec::new();
    for one in all {
        if !known.contains(&one) {
            known.push(one);
        }
    }
    known
}

/// The client's own way out: the entry is of its port.
fn other_port(clients: &[Ip], ports: &[u16]) -> Fix {
    let ports = list_of(ports);
    Fix::disruptive(
        list_of(clients),
        format!("# restart the program that sends from port {ports}: another port has no entry"),
        "Nothing to take back.",
    )
    .meanwhile()
}
