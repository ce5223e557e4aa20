//! The reverse path filter of a real server drops what arrives, since an answer
//! would leave by another interface (RFC 3704; Linux `fib_validate_source`).
//!
//! On the wire it is the silence of `rs-silent`. Two things rank it first: in a
//! tunnel, the packet is seen to come out of the tunnel's interface and no further;
//! else, the other real servers of the pool answer by another interface than that on
//! which they are asked. What the host said of its filter and addresses excludes it.

use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::decide::way::WhyHeld;
use crate::diagnose::facts::held_answers::{held, proofs};
use crate::diagnose::facts::silences::{self, Silent};
use crate::diagnose::facts::turns::peer;
use crate::diagnose::facts::{in_time, telling, tunnel_ends};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{agree, explained, servers, share};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

/// The modes in which the real server sees the client's address.
const MODES: [Mode; 3] = [Mode::Nat, Mode::Dr, Mode::Tun];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::ReverseFilter);
    let sets = silences::by_service(own);
    let mut findings: Vec<Finding> = sets.values().map(|set| finding(facts, set)).collect();
    let filtered =
        |id: ConnectionId| held(facts, id).is_some_and(|h| h.why() == WhyHeld::ReverseFilter);
    let at_director = facts.requests().filter(|(id, _)| filtered(*id)).map(|(id, _)| id);
    for (service, ids) in by_service(facts, at_director) {
        findings.extend(director(facts, service, ids));
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &MODES) {
            return other;
        }
        let open = |s: &Silent| !s.signs.sent_on && s.why() != WhySilent::NoEndpoint;
        if facts.silences().iter().any(open) {
            return Detection::Unchecked(
                "no frame shows what a filter drops; on the silent real server: nstat -az TcpExtIPReversePathFilter"
                    .to_owned(),
            );
        }
        Detection::Clean
    })
}

fn finding(facts: &Facts, set: &[&Silent]) -> Finding {
    let names = Names(facts);
    let service = set[0].service;
    let s = facts.topology.service(service);
    let hosts: Vec<HostId> = set.iter().map(|x| x.host).collect();
    let who =
        crate::diagnose::words::list(&hosts.iter().map(|h| names.host(*h)).collect::<Vec<_>>());
    let ids: Vec<ConnectionId> = set.iter().flat_map(|x| x.ids.iter().copied()).collect();
    let verb = agree(hosts.len(), "drops", "drop");
    let title =
        format!("{who} {verb} the SYNs that arrive, most likely by the reverse path filter");
    let sign = if s.mode == Mode::Tun {
        "They arrive in the tunnel and come out of its interface, and nothing answers. An answer would leave by another interface than the tunnel's, and that is what the filter does not allow."
    } else {
        "Nothing answers them, while other real servers answer by another interface than that on which they are asked: where the filter is on, that is not allowed, and the request is dropped."
    };
    let explanation = format!(
        "SYNs for {} arrive at {who}. {sign} {} connections are lost there.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("rp-filter-drop", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Likely;
    finding.candidates = candidates(s.mode);
    for host in &hosts {
        let server = names.place(*host);
        finding.confirm(server.clone(), format!("nstat -az TcpExtIPReversePathFilter TcpExtListenOverflows; sysctl -a 2>/dev/null | grep '\\.rp_filter'; ip -br addr show to {}; iptables -L INPUT -nv; nft list ruleset", s.vip), "a filter counter that grows with every SYN: this is it");
        let devices: &[&str] =
            if s.mode == Mode::Tun { &["all", "tunl0"] } else { &["all", "IFACE"] };
        let filters: Vec<String> =
            devices.iter().map(|d| format!("net.ipv4.conf.{d}.rp_filter")).collect();
        let set_to = |value: &'static str| {
            let each: Vec<_> = filters.iter().map(|name| (name.as_str(), value)).collect();
            sysctl::set(&each)
        };
        if s.vip.is_v4() {
            finding.fix(
                server,
                explained(set_to("0"), "the higher of 'all' and the interface counts"),
                explained(set_to("1"), "or what they were before"),
            );
        }
    }
    finding.proofs = silences::proofs(facts, set[0]);
    if let Some(shown) = shown(facts, set[0]) {
        finding.proofs.retain(|p| p.at != shown.at);
        finding.proofs.push(shown);
        in_time(facts, &mut finding.proofs);
    }
    finding.subjects = hosts.iter().map(|h| names.subject(Role::RealServer, *h)).collect();
    finding.connections = ids;
    finding
}

/// Answers that come to a director by another interface than its requests leave by, and
/// stay there.
fn director(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Option<Finding> {
    let s = facts.topology.service(service);
    let told = telling(facts, &ids)?;
    let host = held(facts, told)?.director;
    let names = Names(facts);
    let who = names.full(host);
    let subjects = servers(facts, &ids);
    let title = format!(
        "the director {who} drops the answers of {}, most likely by the reverse path filter",
        crate::diagnose::words::names(&subjects)
    );
    let explanation = format!(
        "The director sends the SYNs for {} by one interface and gets the SYN-ACKs by another, where they end: nothing leaves for the client. Where the filter is on, a packet whose source it would reach by another interface is dropped. {} connections get no answer.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("rp-filter-drop", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "nat-director-not-forwarding",
        "ip_forward is 0, or a rule of FORWARD counts with every answer",
    );
    finding.confirm(who.clone(), "nstat -az TcpExtIPReversePathFilter; sysctl net.ipv4.ip_forward; sysctl -a 2>/dev/null | grep '\\.rp_filter'; iptables -L FORWARD -nv", "a filter counter that grows with every answer: this is it");
    if s.vip.is_v4() {
        finding.fix(
            who,
            explained(
                sysctl::set(&[("net.ipv4.conf.all.rp_filter", "2")]),
                "loose; or lead the way to the real servers and back over one interface",
            ),
            explained(
                sysctl::set(&[("net.ipv4.conf.all.rp_filter", "1")]),
                "or what it was before",
            ),
        );
    }
    finding.proofs = proofs(facts, told);
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.subjects.extend(subjects);
    finding.connections = ids;
    Some(finding)
}

/// What ranks the filter first.
fn shown(facts: &Facts, silent: &Silent) -> Option<Proof> {
    let out = silent.ids.iter().find_map(|id| {
        let leg = tunnel_ends::opened(facts, *id, silent.host)?;
        facts.proof(leg, facts.forward(leg).first, "it comes out of the tunnel's interface")
    });
    out.or_else(|| peer(facts, silent.service, silent.host).and_then(|(_, turn)| turn.proof))
}

fn candidates(mode: Mode) -> Vec<Candidate> {
    let mut all = vec![
        ("rs-silent", "then a firewall on the real server drops them: 'iptables -L INPUT -nv'"),
        (
            "accept-queue-overflow",
            "TcpExtListenOverflows grows; only a part of the SYNs is lost, under load",
        ),
    ];
    if mode != Mode::Nat {
        let tell = "'ip -br addr' does not show the VIP on lo or on the tunnel";
        all.insert(0, ("rs-missing-vip", tell));
    }
    all.into_iter()
        .map(|(id, tell_apart)| Candidate { id, tell_apart: tell_apart.to_owned() })
        .collect()
}
