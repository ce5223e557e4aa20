//! A node translates the SYN-ACK of a connection and not what follows: the second form of
//! `conntrack-invalid-rst`.
//!
//! Two translators share the node's packets and do not know of each other, as an eBPF
//! datapath that answers the client directly beside netfilter's masquerading. The client
//! has a connection with the address that it called, gets segments from another, and resets
//! them.

use crate::diagnose::cause::each_service;
use crate::diagnose::facts::state::half_translated::{HalfTranslated, all};
use crate::diagnose::words::{self, agree, count};
use crate::diagnose::{Confidence, Facts, Finding, Fix, Names, Proof, Severity};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) fn findings(facts: &Facts) -> Vec<Finding> {
    let found: BTreeMap<ConnectionId, HalfTranslated<'_>> =
        all(facts).into_iter().map(|one| (one.id, one)).collect();
    let of = |ids: &[ConnectionId]| -> Vec<HalfTranslated<'_>> {
        ids.iter().filter_map(|id| found.get(id).copied()).collect()
    };
    each_service(facts, found.keys().copied(), |service, ids| finding(facts, service, &of(&ids)))
}

fn finding(facts: &Facts, service: ServiceId, set: &[HalfTranslated<'_>]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let shown = set.iter().find(|one| one.sent_here).or(set.first());
    let host = shown.filter(|one| one.sent_here).and_then(|one| facts.host_of(one.opened));
    let who = host.map_or_else(|| "the real server's side".to_owned(), |host| names.full(host));
    let other = shown.map_or_else(String::new, |one| {
        let (ip, port) = facts.connection(one.stray).front.server;
        ip.with_port(port)
    });
    let title = format!("{who} translates the SYN-ACK for {} and not what follows", s.name());
    let explanation = format!(
        "The SYN-ACK leaves as {}, which the client called; the server's next segments leave as {other}. The client has no such connection and resets it. Two translators work on these packets and do not know of each other: one gives the SYN-ACK the called address, another gives what follows an address of its own. {} to {} {}.",
        s.name(),
        count(set.len(), "connection"),
        s.name(),
        agree(set.len(), "ends so", "end so"),
    );
    let mut finding = Finding::cause("conntrack-invalid-rst", title, explanation);
    finding.severity = Severity::Critical;
    let sent_here = shown.is_some_and(|one| one.sent_here);
    let sure = sent_here && shown.is_some_and(|one| !facts.reply(one.rest).counted);
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if !sent_here {
        finding.candidate(
            "nat-return-bypasses-director",
            "then the server answers past the balancer: its own capture shows who translates what",
        );
    }
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(
        who,
        format!("{tables}-save -t nat | grep -E 'MASQUERADE|SNAT'; conntrack -L -p tcp 2>/dev/null | head -20; cilium-dbg status 2>/dev/null | grep -iE 'masquerading|kubeproxy'"),
        "a rule that masquerades these answers, beside another translator of the same node (an eBPF datapath with direct server return)",
    );
    finding.fixes.push(Fix::disruptive(
        "the cluster's network plugin",
        "# one translator for both: masquerading in eBPF as well (Cilium: bpf.masquerade=true), or no direct server return (loadBalancer.mode=snat); agents restart",
        "Restore the values that were set before.",
    ));
    finding.proofs = shown.map(|one| proofs(facts, one)).unwrap_or_default();
    finding.subjects = host.map(|host| names.subject(Role::RealServer, host)).into_iter().collect();
    if finding.subjects.is_empty() {
        finding.subjects.push(words::service_subject(s));
    }
    finding.connections = set.iter().map(|one| one.id).collect();
    finding.strays = set.iter().map(|one| one.stray).collect();
    finding
}

fn proofs(facts: &Facts, one: &HalfTranslated<'_>) -> Vec<Proof> {
    let opened = facts.connection(one.id).front.server;
    let rest = facts.connection(one.stray).front.server;
    let text = |(ip, port): (crate::wire::Ip, u16)| ip.with_port(port);
    let next = facts.reply(one.rest);
    let told = if next.counted { "what it acknowledges follows" } else { "its number follows" };
    let proofs = [
        facts.proof(
            one.opened,
            facts.reply(one.opened).syn,
            format!("the SYN-ACK, from {}", text(opened)),
        ),
        facts.proof(one.rest, next.first, format!("the next segment, from {}: {told}", text(rest))),
        facts.proof(
            one.rest,
            facts.forward(one.rest).rst,
            "the client resets what it never called",
        ),
    ];
    Proof::seen(proofs)
}
