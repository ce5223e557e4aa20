//! The second form of `dsr-rst-from-rip`: a SYN reaches a server as its client sent it, and the server refuses it in
//! another name than the one that was called.

use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::facts::each_once;
use crate::diagnose::words::{self, agree, share, tables};
use crate::diagnose::{Confidence, Facts, Finding, Proof, Subject};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::Ip;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    each_service(facts, facts.own_name_refusals().iter().copied(), |service, ids| {
        finding(facts, service, ids)
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let servers: Vec<(Ip, u16)> =
        each_once(ids.iter().filter_map(|id| Some(facts.connection(*id).back?.server)));
    let names: Vec<String> = servers.iter().map(|(ip, _)| ip.to_string()).collect();
    let who = words::list(&names);
    let (verb, own) = agree(servers.len(), ("refuses", "its"), ("refuse", "their"));
    let title =
        format!("{who} {verb} connections to {} in {own} own name, which clients ignore", s.name());
    let explanation = format!(
        "SYNs for {} reach {who} as the clients sent them, translated by nobody on the way, and the RST,ACK that refuses them leaves with {own} own address as source instead of {}. A client has no connection with that, ignores it, and repeats its SYN until it gives up. Two things are wrong: the connection is turned away, and in a name that nobody called. A kernel that has {1} as an address answers in its name; so something on that host changes the address before it refuses. {}.",
        s.name(),
        s.vip,
        share(facts, service, &ids, "fail")
    );
    let mut finding = Finding::cause("dsr-rst-from-rip", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.confirm(
        who,
        format!(
            "ip -br addr show to {0}; ss -ltnp 'sport = :{1}'; {2}-save -t nat -c | grep -E '{0}|REDIRECT'; nft list ruleset | grep -E '{0}|redirect|reject'",
            s.vip,
            s.port,
            tables(s.vip)
        ),
        "who changes the address: a rule that redirects or translates on this host, or a network plugin's datapath; and whether anything listens where that leads",
    );
    if let Some((syn, reset)) = ids.iter().find_map(|id| facts.refused_by_another(*id)) {
        finding.proofs = Proof::seen([
            facts.proof(syn, facts.forward(syn).syn, format!("the SYN comes in, for {}", s.vip)),
            facts.proof(
                reset,
                facts.reply(reset).first,
                format!("a RST,ACK refuses it, from {}", names[0]),
            ),
        ]);
    }
    let subject = |(ip, port): &(Ip, u16)| Subject {
        role: Role::RealServer,
        address: Some(*ip),
        mac: None,
        port: Some(*port),
    };
    finding.subjects = servers.iter().map(subject).collect();
    finding.connections = ids;
    finding
}
