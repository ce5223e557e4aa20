//! A director in NAT takes SYNs in and sends them nowhere, while the connections that it
//! has go on: there is no room for new ones.
//!
//! A rule that drops new connections looks alike on the wire, so this is never more than
//! possible; what is sure is that they end at the director. Where it asks for a real
//! server in vain, or says why it drops, another cause has it.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::state::ended_syns::{Full, look};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || service.mode != Mode::Nat || !service.protocol.is_tcp() {
            continue;
        }
        let id = ServiceId(i as u32);
        for host in service.directors.iter().map(|d| d.host) {
            findings.extend(look(facts, id, host).map(|full| finding(facts, id, host, &full)));
        }
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
            return other;
        }
        let mut nat = facts.topology.services.iter().filter(|s| s.mode == Mode::Nat);
        Detection::clean_if(
            nat.any(|s| s.directors.iter().any(|d| facts.is_captured(d.host))),
            "no director was captured; what it drops shows only in its own capture, 'tcpdump -i any'",
        )
    })
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, full: &Full) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = full.withheld.iter().map(|w| w.0).collect();
    let director = names.full(host);
    let title = format!("new connections end at the director {}, old ones go on", names.host(host));
    let explanation = format!(
        "SYNs for {} come in at {director} again and again and nothing goes out for them, no answer and no error, while connections that it had before are served. That is what a full table of connections (conntrack) does, or a rule that drops new connections. {} no answer.",
        s.name(),
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("conntrack-table-full", title, explanation)
        .rated(severity(facts, &ids), Confidence::Possible);
    finding.candidate("node-without-local-endpoint", "then it is a Kubernetes node that has no pod of the service (externalTrafficPolicy: Local)");
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(director.clone(), format!("dmesg | grep 'nf_conntrack: table full'; sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; conntrack -S; nft list ruleset | grep -n drop; {tables} -L -nvx | grep -i drop"), "count at max, or 'table full': this is it; else a rule whose counter grows with each SYN");
    finding.fixes = vec![
        sysctl::change(
            format!("{director}, if its max is lower"),
            &[("net.netfilter.nf_conntrack_max", "1048576", "262144")],
        )
        .because("about 300 bytes of memory each"),
    ];
    if let Some((_, vantage, first, last)) = full.withheld.first() {
        let at = |mark| At { vantage: *vantage, mark };
        let note = "a SYN comes in and nothing goes out".to_owned();
        finding.proofs.push(Proof::at(at(*first), note));
        finding.proofs.push(Proof::at(at(*last), "and again"));
    }
    let note = "an answer of a connection that was there before passes".to_owned();
    finding.proofs.push(Proof::at(full.goes_on.1, note));
    finding.concerning(vec![names.subject(Role::Director, host)], ids)
}
