//! A host that passes packets on drops those of some clients: a rule of its firewall for
//! forwarded packets, or a policy of the cluster's network plugin.
//!
//! Its own capture shows it: their SYNs come in and do not leave, while those of other
//! clients to the same service leave it. That every client is either served or not, and
//! none both, is no loss and no full table.

use crate::diagnose::cause::severity;
use crate::diagnose::decide::ended::WhyEnded;
use crate::diagnose::facts::silence::ended_ways::{Ended, all};
use crate::diagnose::facts::way::passing::clients;
use crate::diagnose::words::{agree, list, share, tables};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::Role;
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let ruled = all(facts).filter(|ended| ended.why() == WhyEnded::Rule);
    Detection::from(ruled.map(|ended| finding(facts, &ended)).collect(), || {
        let shown = facts.vantages.iter().any(|v| v.shows.both_ways);
        if shown {
            return Detection::Clean;
        }
        Detection::Unchecked("no capture shows what leaves the host on which it was taken; capture there with 'tcpdump -i any'".to_owned())
    })
}

fn finding(facts: &Facts, ended: &Ended<'_>) -> Finding {
    let (group, host, others) = (ended.group, ended.host, &ended.others);
    let names = Names(facts);
    let s = facts.topology.service(group.service);
    let (who, vip) = (names.full(host), s.vip);
    let failed: Vec<Ip> = clients(facts, group.connections.iter().copied()).into_iter().collect();
    let served: Vec<Ip> = clients(facts, others.iter().map(|t| t.id)).into_iter().collect();
    let texts = |ips: &[Ip]| list(&ips.iter().map(Ip::to_string).collect::<Vec<_>>());
    let title = format!(
        "{who} drops what {} {} to {}",
        texts(&failed),
        agree(failed.len(), "sends", "send"),
        s.name()
    );
    let explanation = format!(
        "The SYNs of {} for {} come in at {who}, again and again, and it neither answers nor sends them on. Those of {} come in as well and leave it. A rule for forwarded packets tells them apart: a firewall's, or a NetworkPolicy of the cluster. {} there.",
        texts(&failed),
        s.name(),
        texts(&served),
        share(facts, group.service, &group.connections, "end")
    );
    let mut finding = Finding::cause("forward-rule-drop", title, explanation);
    finding.severity = severity(facts, &group.connections);
    // Who asked once and no more may have been served the next time.
    let once = failed.len() == group.connections.len();
    finding.confidence = if once { Confidence::Possible } else { Confidence::Likely };
    if once {
        finding.candidate("conntrack-table-full", "each of these clients called once alone, so chance may tell them apart: then the kernel's log of this host says 'nf_conntrack: table full', and 'conntrack -S' counts drop");
    }
    finding.candidate("rp-filter-drop", "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each: it would answer these clients by another interface");
    let place = names.place(host);
    let client = failed[0];
    let save = tables(vip);
    finding.confirm(
        place,
        format!("{save} -L FORWARD -nvx --line-numbers; {save}-save -c | grep -iE 'drop|reject'; nft list ruleset | grep -iE 'drop|reject'"),
        "the rule whose counter grows with each attempt is it; a network plugin that works in eBPF counts it itself ('cilium-dbg monitor --type drop', 'calicoctl get gnp,np -A')",
    );
    finding.confirm(
        "a host that has kubectl, if it is a node".to_owned(),
        "kubectl get networkpolicies -A; kubectl get pods -A -o wide",
        format!("a policy that selects the pods behind {} and does not allow {client}", s.name()),
    );
    finding.fixes.push(Fix::disruptive(
        "the firewall or the policy that has the rule, if these clients are to be served".to_owned(),
        format!("# allow {} to {} port {}: in the policy's 'ingress.from', or before the rule that drops", texts(&failed), vip, s.port),
        "Take the permission out again.",
    ));
    finding.proofs = proofs(facts, ended);
    finding.subjects = vec![names.subject(Role::Router, host)];
    finding.connections.clone_from(&group.connections);
    finding
}

fn proofs(facts: &Facts, ended: &Ended<'_>) -> Vec<Proof> {
    let mut proofs = Vec::new();
    if let Some(last) = ended.group.last {
        proofs.push(Proof { at: last.at, note: "a SYN that goes no further".to_owned() });
    }
    if let Some(leg) = ended.group.connections.first().and_then(|id| facts.legs(*id).first()) {
        let there = facts.forward(leg);
        proofs.extend(facts.proof(leg, there.last, "the last of its repeats"));
    }
    if let Some(other) = ended.others.first() {
        proofs.push(Proof { at: other.came.at, note: "another client's SYN".to_owned() });
        proofs.push(Proof { at: other.left.at, note: "which leaves".to_owned() });
    }
    proofs
}
