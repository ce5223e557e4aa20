//! A DR or TUN real server does not have the VIP: its kernel takes packets for
//! it as a stranger's, and drops them or sends them on.

use crate::diagnose::cause::{by_address, clean_in, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::facts::silence::silent_servers::{self, SilentServers};
use crate::diagnose::words::{agree, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names};
use crate::topology::{Mode, Role};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "health-check-failing", "routing-loop"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::NoVip);
    let mut findings: Vec<Finding> =
        silent_servers::by_service(own).iter().map(|x| finding(facts, x)).collect();
    findings.extend(super::strange_address::findings(facts));
    Detection::from(findings, || clean_in(facts, &[Mode::Dr, Mode::Tun]))
}

fn finding(facts: &Facts, of: &SilentServers<'_>) -> Finding {
    let names = Names(facts);
    let SilentServers { service, set, hosts, ids } = of;
    let s = facts.topology.service(*service);
    let (vip, mode) = (s.vip, s.mode);
    let sent_on = set.iter().any(|x| x.signs.sent_on);
    let mut hosts = hosts.clone();
    by_address(facts, &mut hosts);
    let who = names.hosts(&hosts);
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
    let explanation = format!("{what} {} lost there; {green}.", share(facts, *service, ids, "are"));
    let mut finding = Finding::cause("rs-missing-vip", title, explanation);
    finding.severity = severity(facts, ids);
    // Of a second director that balances once more, too, packets come back.
    let inferred = ids.iter().any(|id| facts.route(*id).forward.iter().any(|step| step.inferred));
    finding.confidence =
        if sent_on && !inferred { Confidence::Certain } else { Confidence::Likely };
    for host in &hosts {
        let server = names.place(*host);
        if !sent_on {
            finding.confirm(server.clone(), format!("ip -br addr show to {vip}; nstat -az {}TcpExtListenDrops", if vip.is_v4() { "TcpExtIPReversePathFilter " } else { "" }), "no address printed: this is it; a counter that grows names another reason: a filter or a full accept queue");
        }
        finding.fixes.push(super::give_vip(server, vip, mode));
    }
    if !sent_on {
        // IPv6 has no such filter.
        if vip.is_v4() {
            finding.candidate(
                "rp-filter-drop",
                "the counter TcpExtIPReversePathFilter grows with every SYN",
            );
        }
        finding.candidate(
            "rs-silent",
            "a firewall on the real server drops port traffic for the VIP only",
        );
    }
    finding.proofs = set.first().map(|x| silent_servers::proofs(facts, x)).unwrap_or_default();
    finding.concerning(names.subjects(Role::RealServer, &hosts), ids.clone())
}
