//! The second form of `udp-reply-from-rip`: the protocol gives each transfer a port of the
//! server's own (TFTP), so whoever translates the question does not know the answer.
//!
//! The client's ICMP error ties such an answer to a question; of TFTP also that it is sent again and
//! again, as where the client's stack, or a firewall before it, says nothing.

use crate::diagnose::cause::by_service;
use crate::diagnose::facts::way::stray_answers::{TFTP, from_other_ports, refused};
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::{kernel, step};
use crate::diagnose::words::part;
use crate::diagnose::{Confidence, Facts, Finding, Fix, Proof, Severity, Subject};
use crate::topology::{Role, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use std::collections::BTreeMap;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut by_query: BTreeMap<ConnectionId, Vec<ConnectionId>> = BTreeMap::new();
    for pair in from_other_ports(facts) {
        by_query.entry(pair.query).or_default().push(pair.answer);
    }
    by_service(facts, by_query.keys().copied())
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids, &by_query))
        .collect()
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    by_query: &BTreeMap<ConnectionId, Vec<ConnectionId>>,
) -> Finding {
    let s = facts.topology.service(service);
    let answers: Vec<ConnectionId> = ids.iter().flat_map(|id| by_query[id].clone()).collect();
    let mut from: Vec<Ip> = answers.iter().map(|id| facts.connection(*id).front.client.0).collect();
    from.sort_unstable();
    from.dedup();
    let who = crate::diagnose::words::list(&from.iter().map(Ip::to_string).collect::<Vec<_>>());
    let title = format!("answers for {} come from {who} and a port of its own", s.name());
    let refuse = match answers.iter().any(|id| refused(facts, *id).is_some()) {
        true => "the clients refuse them with ICMP port unreachable",
        false => "the clients acknowledge none of them, so each is sent again",
    };
    let explanation = format!(
        "Clients ask {}, the answers come from {who} and another port, and {refuse}. The server takes a new port for each transfer, as TFTP does; whoever translated the question to it does not know that port, and lets the answer pass as it is. {}.",
        s.name(),
        part(ids.len(), facts.requests_to(service).len(), "exchange", "fail")
    );
    let mut finding = Finding::cause("udp-reply-from-rip", title, explanation);
    finding.severity = Severity::Critical;
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "nat-return-bypasses-director",
        "then the answers do not even pass the balancer: its own capture lacks them",
    );
    finding.confirm(
        "the balancer",
        format!("tcpdump -ni any -c 20 'udp and host {}'", from[0]),
        "shows whether the answers pass it, and leave it with their own source",
    );
    finding.fixes = vec![if s.port == TFTP {
        let [look, load] = kernel::load(&["nf_nat_tftp"]);
        let spec = format!("-p udp -d {} --dport {TFTP} -j CT --helper tftp", s.vip);
        let helper = Rule::raw(s.vip, "PREROUTING", spec).appended();
        step::disruptive("the balancer", [look, load, helper])
            .because("where it is netfilter that translates; IPVS has no helper for it: balance it by DR, so that nothing is translated")
    } else {
        Fix::disruptive(
            "the balancer",
            "# balance it by DR, so that nothing is translated, or by a proxy that knows the protocol",
            "Balance it as before.",
        )
    }];
    finding.proofs = proofs(facts, ids[0], by_query[&ids[0]][0]);
    let server =
        |ip: &Ip| Subject { role: Role::RealServer, address: Some(*ip), mac: None, port: None };
    finding.subjects = from.iter().map(server).collect();
    finding.addresses = from;
    finding.connections = ids;
    finding.strays = answers;
    finding
}

fn proofs(facts: &Facts, query: ConnectionId, answer: ConnectionId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (id, note) in [(query, "the question"), (answer, "the answer, from elsewhere")] {
        if let Some(leg) = facts.legs(id).first() {
            let first = facts.forward(leg).first;
            proofs.push(Proof { at: facts.at(leg, first), note: note.to_owned() });
        }
    }
    proofs.extend(refused(facts, answer).map(|(vantage, error)| Proof {
        at: At { vantage, mark: error.mark },
        note: "the client refuses it: ICMP port unreachable".to_owned(),
    }));
    proofs
}
