//! A sender is told that its packets do not fit further on, and sends them again as large as before: the fifth
//! form of `tun-mtu-blackhole`.

use crate::breaks::Fate;
use crate::diagnose::facts::size::told_in_vain::{InVain, of};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{count, share};
use crate::diagnose::{Confidence, Facts, Finding, Proof, Severity, Subject};
use crate::hashed::HashSet;
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Of connections that are not told already.
pub(in crate::diagnose) fn findings(facts: &Facts, known: &HashSet<ConnectionId>) -> Vec<Finding> {
    let mut sets: BTreeMap<(ServiceId, bool), Vec<(ConnectionId, InVain)>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.established) {
        let mode = facts.service(id).mode;
        if facts.breaks.fate(id).is_harm()
            && mode != Mode::Tun
            && !known.contains(&id)
            && let Some(in_vain) = of(facts, id)
        {
            sets.entry((facts.service_of(id), in_vain.client)).or_default().push((id, in_vain));
        }
    }
    sets.into_iter().map(|((service, client), set)| finding(facts, service, client, &set)).collect()
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    client: bool,
    set: &[(ConnectionId, InVain)],
) -> Finding {
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|(id, _)| *id).collect();
    let arriving = set.iter().find(|(_, x)| x.arrives);
    let (_, x) = arriving.or(set.first()).copied().unwrap_or((ids[0], set[0].1));
    let what = if client { "requests to" } else { "answers of" };
    let title = format!(
        "large {what} {} hang: {} is told that they exceed {} bytes, and goes on",
        s.name(),
        x.sender,
        x.mtu
    );
    let heard = if x.arrives {
        "The message reaches its host, by the host's own capture, and is not heeded: a filter there drops ICMP, or what the message quotes is none of its connections, as where a device between translates addresses or ports and not the quote"
    } else {
        "Whether the message reaches its host does not show: a filter on the way may drop it, or a device that translates passes it on wrongly or not at all; else the host itself does not heed it"
    };
    let explanation = format!(
        "{} says {} that a packet to {} may have {} bytes, about segments of {} from {}, which sends the same bytes again as large as before. {heard}. {}.",
        x.teller,
        count(x.times, "time"),
        if client { s.name() } else { "a client".to_owned() },
        x.mtu,
        x.size,
        x.sender,
        share(facts, service, &ids, "hang")
    );
    let mut finding = Finding::cause("tun-mtu-blackhole", title, explanation);
    let failed = ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    if !x.arrives {
        finding.confidence = Confidence::Likely;
    }
    // An address that several hosts have names none of them.
    let host = if facts.is_shared(x.sender) {
        format!("the host of {}", x.sender)
    } else {
        x.sender.to_string()
    };
    let (six, save) = if x.sender.is_v4() { ("", "iptables") } else { ("-6 ", "ip6tables") };
    let peer = if client { s.vip } else { facts.connection(ids[0]).front.client.0 };
    finding.confirm(
        host.clone(),
        format!("ip {six}route get {peer}; {save}-save -c | grep -iE 'icmp|drop|reject'; nft list ruleset"),
        format!("a cached 'mtu {}' means that the message was taken; none, that it was dropped or is about none of its connections", x.mtu),
    );
    finding.fixes = vec![
        sysctl::change(host, &[("net.ipv4.tcp_mtu_probing", "1", "0")])
            .because("finds the size without the message"),
    ];
    let [told, again] = x.shown;
    finding.proofs = vec![
        Proof::at(told, format!("{}: too big, {} bytes fit", x.teller, x.mtu)),
        Proof::at(again, format!("{} bytes again, as large as before", x.size)),
    ];
    let role = if client { Role::Client } else { Role::RealServer };
    finding.subjects = vec![Subject { role, address: Some(x.sender), ..Subject::default() }];
    finding.connections = ids;
    finding
}
