//! Client ports that were used before stick to a real server that is gone, while new
//! ports go to live ones.
//!
//! Taken from `rs-unreachable` where every failing connection has a forerunner on its
//! port, one of them was that server's, and enough new ports were sent elsewhere.

use crate::diagnose::cause::{clean_in, severity};
use crate::diagnose::decide::refusal::WhyMissing;
use crate::diagnose::facts::address::missing_neighbours::{Missing, proofs};
use crate::diagnose::facts::state::used_ports::Pinned;
use crate::diagnose::thresholds::NO_DOUBT;
use crate::diagnose::words::commands::{cluster, sysctl};
use crate::diagnose::words::{count, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{Mode, Role};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["arp-unanswered", "icmp-unreachable", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.missing().iter().filter(|m| m.why() == WhyMissing::UsedPorts);
    let findings = own
        .filter_map(|m| Some((m.pinned.as_ref()?, m)))
        .map(|(pinned, m)| {
            let mut finding = finding(facts, pinned, m);
            finding.proofs = proofs(facts, m, facts.asks());
            let old = facts.end(pinned.forerunner).map(|at| {
                Proof::at(
                    at,
                    format!(
                        "the last packet of an earlier connection on the same port, to {}",
                        pinned.server
                    ),
                )
            });
            finding.proofs.splice(0..0, old);
            finding.connections = m.ids.clone();
            finding
        })
        .collect();
    Detection::from(findings, || clean_in(facts, &Mode::LAYER_4))
}

fn finding(facts: &Facts, pinned: &Pinned, m: &Missing) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(m.service);
    let server = pinned.server;
    let host = m.director.or_else(|| s.directors.first().map(|d| d.host));
    let director = names.full_or(host, "the director");
    let title =
        format!("client ports that were used before are still sent to {server}, which is gone");
    let what = if m.targets.is_empty() {
        format!(
            "are not sent on by {director}, which tells the client that the host is unreachable"
        )
    } else {
        let told =
            if m.said { ", and it tells the client that the host is unreachable" } else { "" };
        format!("make {director} ask for {server} again; nobody answers{told}")
    };
    let explanation = format!(
        "SYNs to {} on ports that had carried a connection to {server} {what}. {} on new ports went to other real servers meanwhile, so the table no longer has it: the old entry of the port decides (conn_reuse_mode=0, or the entry was not closed). It lives for two minutes after the FINs, and each SYN renews it. {}.",
        s.name(),
        count(pinned.fresh, "connection"),
        share(facts, m.service, &m.ids, "fail")
    );
    let mut finding = Finding::cause("ipvs-reuse-to-dead-backend", title, explanation);
    finding.severity = severity(facts, &m.ids);
    let sure = pinned.fresh >= NO_DOUBT;
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if !sure {
        finding.candidate(
            "rs-unreachable",
            format!("then its table still has {server}, and new ports are sent there too"),
        );
    }
    let tables = crate::diagnose::words::tables(server);
    let lists = if cluster::is_clusters(facts, s) {
        format!(
            "{tables}-save -t nat | grep -wF {server}; nft list ruleset | grep -wF {server}; conntrack -L -p tcp -r {server}"
        )
    } else {
        format!(
            "ipvsadm -Ln -t {}; ipvsadm -Lnc | grep {server}; sysctl net.ipv4.vs.conn_reuse_mode net.ipv4.vs.expire_nodest_conn   # where netfilter translates: conntrack -L -p tcp -r {server}",
            s.name()
        )
    };
    finding.confirm(director.clone(), lists, format!("{server} is missing in the service's list and named in the table of connections: this is it"));
    finding.fixes = fixes(&director, server, cluster::is_clusters(facts, s));
    finding.subjects = host.map(|d| names.subject(Role::Director, d)).into_iter().collect();
    finding.subjects.push(Subject {
        role: Role::RealServer,
        address: Some(server),
        mac: None,
        port: None,
    });
    finding.addresses = vec![server];
    finding
}

fn fixes(director: &str, server: Ip, in_cluster: bool) -> Vec<Fix> {
    let forget = |whose: String| {
        Fix::safe(
            whose,
            format!("conntrack -D -p tcp -r {server}"),
            "Nothing to take back: the next packet makes a new entry.",
        )
    };
    let expire = |whose: String| {
        sysctl::change(whose, &[("net.ipv4.vs.expire_nodest_conn", "1", "0")])
            .because("entries of a removed server go with their next packet")
    };
    if in_cluster {
        let ipvs = format!("{director}, {}", cluster::IPVS_MODE);
        return vec![forget(director.to_owned()), expire(ipvs).or()];
    }
    let reuse = sysctl::change(
        format!("{director}, kernel 5.9 or later"),
        &[("net.ipv4.vs.conn_reuse_mode", "1", "0")],
    )
    .because("a SYN on a closed entry is scheduled anew");
    vec![
        expire(director.to_owned()),
        reuse.or(),
        forget(format!("{director}, where netfilter translates (kube-proxy with iptables)")).or(),
    ]
}
