//! The second form of `director-no-entry-rst`: only the clients' side was captured, which shows
//! the address announced by another MAC, and that one reset what was open.

use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::facts::state::moved_resets::{MovedReset, all};
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Facts, Finding, Fix, Names};
use crate::topology::Role;
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let own: BTreeMap<ConnectionId, MovedReset> =
        all(facts).into_iter().map(|m| (m.id, m)).collect();
    by_service(facts, own.keys().copied())
        .into_values()
        .map(|ids| finding(facts, &ids, &own[&ids[0]]))
        .collect()
}

fn finding(facts: &Facts, ids: &[ConnectionId], first: &MovedReset) -> Finding {
    let service = facts.service_of(first.id);
    let vip = facts.connection(first.id).front.server.0;
    let MovedReset { old, new, behind, to_and_fro, .. } = *first;
    let whose = if behind { "somebody behind it" } else { "its kernel" };
    let flaps = match to_and_fro {
        true => format!(
            " Both announce {vip} in turn, so it goes to and fro between them: who elects the holder (VRRP, the leader of a cluster's announcers) changes its mind again and again."
        ),
        false => String::new(),
    };
    let title = format!("{new}, which took over {vip}, resets the connections that were open");
    let explanation = format!(
        "These connections went to {old}; then {new} announced {vip}, their next segments went there, and {whose} answered them with a bare RST: it knows none of them.{flaps} If {old} and {new} are directors, their entries were not synchronised; if they are proxies or servers, their sockets cannot be, and clients must connect again. {} cut off.",
        share(facts, service, ids, "are")
    );
    let mut finding = Finding::cause("director-no-entry-rst", title, explanation);
    finding.severity = severity(facts, ids);
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "rs-lost-socket",
        format!("then {old} and {new} serve or proxy {vip} themselves: 'ss -ltn' there shows the listener, 'ipvsadm -Ln' nothing"),
    );
    let host = |mac: crate::wire::Mac| mac.to_string();
    finding.confirm(
        format!("{} and {}", host(old), host(new)),
        "ipvsadm -Ln; ipvsadm -L --daemon; ss -ltnp",
        "virtual services and no daemon: nothing is synchronised; no virtual service: they are no directors",
    );
    let start = |mac, role: &str| {
        Fix::safe(
            format!("{}, if it is a director", host(mac)),
            format!(
                "ipvsadm --start-daemon {role} --mcast-interface IFACE   # keepalived: lvs_sync_daemon IFACE INSTANCE"
            ),
            format!("ipvsadm --stop-daemon {role}"),
        )
    };
    finding.fixes = vec![start(new, "master"), start(old, "backup")];
    finding.proofs = proofs(facts, first);
    let subject = |mac| {
        let host = facts.host_by_mac(Some(mac));
        host.map(|host| Names(facts).subject(Role::Host, host))
    };
    finding.subjects = [new, old].into_iter().filter_map(subject).collect();
    finding.addresses = vec![vip];
    finding.connections = ids.to_vec();
    finding
}

fn proofs(trace: &Trace, first: &MovedReset) -> Vec<crate::diagnose::Proof> {
    let leg = &first.leg;
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    [
        trace.proof(leg, there.first, format!("the connection begins, with {}", first.old)),
        trace.proof(leg, first.announced, format!("{} announces the address", first.new)),
        trace.proof(leg, back.rst_answers, "the next segment goes there"),
        trace.proof(leg, back.rst, "a bare RST answers it"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
