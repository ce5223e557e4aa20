//! A DR or TUN real server does not have the VIP: its kernel takes packets for
//! it as a stranger's, and drops them or sends them on.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::facts::silences::{self, Silent};
use crate::diagnose::words::{agree, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names};
use crate::topology::{HostId, Mode, Role};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "health-check-failing", "routing-loop"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::NoVip);
    let sets = silences::by_service(own);
    let mut findings: Vec<Finding> = sets.values().map(|set| finding(facts, set)).collect();
    findings.extend(super::strange_address::findings(facts));
    Detection::from(findings, || {
        needs_mode(facts, &[Mode::Dr, Mode::Tun]).unwrap_or(Detection::Clean)
    })
}

fn finding(facts: &Facts, set: &[&Silent]) -> Finding {
    let names = Names(facts);
    let service = set[0].service;
    let s = facts.topology.service(service);
    let (vip, mode) = (s.vip, s.mode);
    let sent_on = set.iter().any(|x| x.signs.sent_on);
    let mut hosts: Vec<HostId> = set.iter().map(|x| x.host).collect();
    crate::diagnose::cause::by_address(facts, &mut hosts);
    let who: Vec<String> = hosts.iter().map(|h| names.host(*h)).collect();
    let who = crate::diagnose::words::list(&who);
    let ids: Vec<_> = set.iter().flat_map(|x| x.ids.iter().copied()).collect();
    let what = if sent_on {
        format!(
            "{} packets for {vip} back into the network, where they go round until their TTL is used up: no host that has the address would.",
            agree(hosts.len(), "It sends", "They send")
        )
    } else {
        let own = if set.iter().all(|x| x.signs.own_answers) {
            ", while the same host answers for its own address"
        } else {
            ""
        };
        format!("The SYNs for {vip} arrive and nothing leaves, no SYN-ACK, no RST, no ICMP{own}.")
    };
    let verb = agree(hosts.len(), "does", "do");
    let title = format!("{who} {verb} not have the VIP {vip}");
    let green = if set.iter().any(|x| x.signs.own_answers) {
        "connections to its own address, as health checks make, are answered"
    } else {
        "health checks of a real server's own address would not notice"
    };
    let explanation =
        format!("{what} {} connections are lost there; {green}.", share(facts, service, &ids));
    let mut finding = Finding::cause("rs-missing-vip", title, explanation);
    finding.severity = severity(facts, &ids);
    // Of a second director that balances once more, too, packets come back.
    let inferred = ids.iter().any(|id| facts.route(*id).forward.iter().any(|step| step.inferred));
    finding.confidence =
        if sent_on && !inferred { Confidence::Certain } else { Confidence::Likely };
    for host in &hosts {
        let server = names.place(*host);
        if !sent_on {
            finding.confirm(server.clone(), format!("ip -br addr show to {vip}; nstat -az TcpExtIPReversePathFilter TcpExtListenDrops"), "no address printed: this is it; a counter that grows: rp_filter or a full accept queue");
        }
        finding.fixes.push(super::give_vip(server, vip, mode));
    }
    if !sent_on {
        for (id, tell_apart) in [
            ("rp-filter-drop", "the counter TcpExtIPReversePathFilter grows with every SYN"),
            ("rs-silent", "a firewall on the real server drops port traffic for the VIP only"),
        ] {
            finding.candidate(id, tell_apart.to_owned());
        }
    }
    finding.proofs = set.first().map(|x| silences::proofs(facts, x)).unwrap_or_default();
    finding.subjects = hosts.iter().map(|h| names.subject(Role::RealServer, *h)).collect();
    finding.connections = ids;
    finding
}
