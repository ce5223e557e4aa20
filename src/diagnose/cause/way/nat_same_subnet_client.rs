//! The client sits in the real server's subnet, so the answer goes straight to
//! it and never back through the translating director.

use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::decide::way::WhyAround;
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::translator::Translator;
use crate::diagnose::words::commands::{cluster, step, sysctl};
use crate::diagnose::words::{self, name, names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["asymmetric-return-path", "rst-no-socket", "syn-unanswered", "handshake-incomplete"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(_, c)| c.back.is_some()).filter_map(|(id, _)| {
        facts.return_around(id).filter(|around| around.why() == WhyAround::Neighbour).map(|_| id)
    });
    let mut findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    findings.extend(super::denied::findings(facts, "nat-same-subnet-client", WhyAround::Neighbour));
    findings.extend(super::told_shorter::findings(facts));
    Detection::from(findings, || super::unseen_returns(facts))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let subjects = servers(facts, &ids);
    let connection = facts.connection(ids[0]);
    let (client, vip) = (connection.front.client.0, connection.front.server.0);
    let who = names(&subjects);
    let (its, to, kept) = if subjects.len() == 1 {
        ("its", who.clone(), who.clone())
    } else {
        ("their", "one of them".to_owned(), "of that server".to_owned())
    };
    let unexpected = super::unexpected(facts, &ids);
    let title = format!("{who} answered {its} neighbour {client} directly");
    let explanation = format!(
        "{client} is on the same link as {who}. The director translated {vip} to {to}, but the answer went straight to {client} and kept the address {kept}; {client} has no connection with it {unexpected}. {} this way; clients from other networks are not concerned.",
        share(facts, service, &ids, "took")
    );
    let mut finding = Finding::cause("nat-same-subnet-client", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    if let Some(id) = telling(facts, &ids) {
        finding.proofs = super::proofs_around(facts, id);
    }
    let director = words::directors(facts, service);
    let host = director
        .first()
        .map_or_else(|| format!("the director of {vip}"), |d| format!("the director {}", name(d)));
    let passes = ids.iter().any(|id| facts.reset_untranslated(*id).is_some());
    let captured = ids.iter().any(|id| {
        facts.legs(*id).iter().any(|leg| {
            facts.host_of(leg).is_some_and(|h| facts.topology.service(service).is_director(h))
        })
    });
    if passes {
        super::bridged(&mut finding, &host);
    }
    for fix in masqueraded(facts, service, client, &host) {
        finding.fixes.push(if finding.fixes.is_empty() { fix } else { fix.or() });
    }
    if !passes && !captured {
        super::bridged(&mut finding, &host);
    }
    finding.subjects = subjects;
    let host = facts.host_by_ip(client);
    finding.subjects.extend(host.map(|h| Names(facts).subject(Role::Client, h)));
    finding.subjects.extend(director);
    finding.connections = ids;
    finding
}

/// Source addresses of the translating host's own for what the client sends, so that answers come
/// back to it: in the language of whoever translates.
fn masqueraded(facts: &Facts, service: ServiceId, client: Ip, host: &str) -> Vec<Fix> {
    let s = facts.topology.service(service);
    let by_netfilter = |place: String| {
        cluster::masquerade(
            place,
            client,
            None,
            s.vip,
            "answers then come back to the node; kube-proxy's --masquerade-all does it for every client",
        )
    };
    let by_ipvs = |place: String| {
        let spec = format!("-s {client} -m ipvs --vaddr {} -j MASQUERADE", s.vip);
        let rule = Rule::nat(s.vip, "POSTROUTING", spec);
        let track =
            sysctl::step(&[("net.ipv4.vs.conntrack", "1", "0")]).because(sysctl::IPVS_CONNTRACK);
        step::safe(place, [track, rule.appended()])
    };
    match Translator::of(facts, s) {
        Translator::Cluster => vec![by_netfilter(host.to_owned())],
        Translator::Ipvs => vec![by_ipvs(host.to_owned())],
        Translator::Untold => vec![
            by_ipvs(format!("{host}, if IPVS translates ('ipvsadm -Ln' lists {})", s.vip)),
            by_netfilter(format!("{host}, if netfilter does, as kube-proxy and Docker have it"))
                .or(),
        ],
    }
}
