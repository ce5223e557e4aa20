//! A host passes packets on with an address that only it knows the way to, and should have
//! replaced it by its own: the answer goes elsewhere, or nowhere.
//!
//! Its capture shows them leave with their own source and no answer come, while the same
//! server answers what the host asks itself, or sends on masqueraded.

use crate::diagnose::cause::severity;
use crate::diagnose::decide::ended::WhyEnded;
use crate::diagnose::facts::silence::ended_ways::{Ended, all};
use crate::diagnose::facts::way::passing::{Through, clients};
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{agree, list, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::Role;
use crate::trace::ConnectionId;
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let kept = all(facts).filter(|ended| ended.why() == WhyEnded::NotMasqueraded);
    Detection::from(kept.filter_map(|ended| finding(facts, &ended)).collect(), || {
        if facts.vantages.iter().any(|v| v.shows.both_ways) {
            return Detection::Clean;
        }
        Detection::Unchecked("no capture shows packets come in at a host and leave it; capture on the node with 'tcpdump -i any'".to_owned())
    })
}

fn finding(facts: &Facts, ended: &Ended<'_>) -> Option<Finding> {
    let (group, host, own) = (ended.group, ended.host, ended.own_call?);
    let ids = &group.connections;
    let failed: Vec<Ip> = clients(facts, ids.iter().copied()).into_iter().collect();
    let names = Names(facts);
    let s = facts.topology.service(group.service);
    let (who, address) = (names.full(host), facts.connection(own).front.client.0);
    let texts = list(&failed.iter().map(Ip::to_string).collect::<Vec<_>>());
    let title = format!(
        "{who} sends on what {texts} {} to {} without masquerading it",
        agree(failed.len(), "sends", "send"),
        s.name()
    );
    let explanation = format!(
        "The SYNs of {texts} for {} leave {who} with their own source, and no answer comes back. Connections of its own, from {address}, are answered by {}. Who gets a packet from an address that it knows no way to cannot answer it: the host that stands before that network has to put its own address in its place. {} without an answer.",
        s.name(),
        s.vip,
        share(facts, group.service, ids, "stay")
    );
    let mut finding = Finding::cause("masquerade-missing", title, explanation);
    finding.severity = severity(facts, ids);
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "stateful-device-half-path",
        "then a firewall between lets the host's own address through and not these: it counts them",
    );
    let place = names.place(host);
    let client = failed[0];
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(
        place.clone(),
        format!("{tables}-save -t nat -c | grep -E 'MASQUERADE|SNAT'; nft list ruleset | grep -E 'masquerade|snat'; ip route get {} from {client} iif IFACE", s.vip),
        "no rule, or none whose counter grows with these packets: this is it",
    );
    finding.confirm(
        s.vip.to_string(),
        format!("ip route get {client}"),
        "whether the server has a route back to that address; with one, and none missing on the way, masquerading is not needed",
    );
    finding.fixes.push(Fix::disruptive(
        "the cluster's network plugin, if it is a node".to_owned(),
        "# let it masquerade what leaves the cluster: Calico 'natOutgoing: true' in the IPPool, flannel '--ip-masq', Cilium 'enable-ipv4-masquerade', ip-masq-agent 'nonMasqueradeCIDRs' without the server's network",
        "Restore the values that were set before.",
    ));
    if client.is_v4() == s.vip.is_v4() {
        let rule =
            Rule::nat(client, "POSTROUTING", format!("-s {client} -d {} -j MASQUERADE", s.vip));
        finding.fixes.push(
            step::safe(place, [rule.appended().because("until then, for this client")]).meanwhile(),
        );
    }
    finding.proofs = proofs(facts, &ended.ways, own);
    finding.subjects = vec![names.subject(Role::Router, host)];
    finding.connections.clone_from(ids);
    Some(finding)
}

fn proofs(facts: &Facts, ways: &[Through], own: ConnectionId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    if let Some(way) = ways.first() {
        proofs.push(Proof { at: way.came.at, note: "the SYN comes in".to_owned() });
        proofs.push(Proof { at: way.left.at, note: "and leaves with the same source".to_owned() });
    }
    let answered = facts.legs(own).iter().find(|leg| facts.reply(leg).accepted());
    if let Some(leg) = answered {
        proofs.extend(facts.proof(
            leg,
            facts.forward(leg).syn,
            "a SYN with the host's own address",
        ));
        proofs.extend(facts.proof(leg, facts.reply(leg).syn, "which the server answers"));
    }
    proofs
}
