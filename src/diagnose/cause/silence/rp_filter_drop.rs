//! The reverse path filter of a real server drops what arrives, since an answer
//! would leave by another interface (RFC 3704; Linux `fib_validate_source`).
//!
//! On the wire it is the silence of `rs-silent`. Two things rank it first: in a
//! tunnel, the packet is seen to come out of the tunnel's interface and no further;
//! else, the other real servers of the pool answer by another interface than that on
//! which they are asked. What the host said of its filter and addresses excludes it.

use super::answers_filtered::director;
use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::decide::way::WhyHeld;
use crate::diagnose::facts::silence::silent_servers::{self, Silent, SilentServers};
use crate::diagnose::facts::way::held_answers::held;
use crate::diagnose::facts::way::turns::peer;
use crate::diagnose::facts::{in_time, way::tunnel_ends};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{agree, share};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{Mode, Role};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

/// The modes in which the real server sees the client's address.
const MODES: [Mode; 3] = [Mode::Nat, Mode::Dr, Mode::Tun];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::ReverseFilter);
    let mut findings: Vec<Finding> =
        silent_servers::by_service(own).iter().map(|x| finding(facts, x)).collect();
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
        Detection::clean_if(
            !facts.silences().iter().any(open),
            "no frame shows what a filter drops; on the silent real server: nstat -az TcpExtIPReversePathFilter",
        )
    })
}

fn finding(facts: &Facts, of: &SilentServers<'_>) -> Finding {
    let names = Names(facts);
    let SilentServers { service, set, hosts, ids } = of;
    let s = facts.topology.service(*service);
    let who = names.hosts(hosts);
    let verb = agree(hosts.len(), "drops", "drop");
    let title =
        format!("{who} {verb} the SYNs that arrive, most likely by the reverse path filter");
    let sign = if s.mode == Mode::Tun {
        "They arrive in the tunnel and come out of its interface, and nothing answers. An answer would leave by another interface than the tunnel's, and that is what the filter does not allow."
    } else {
        "Nothing answers them, while other real servers answer by another interface than that on which they are asked: where the filter is on, that is not allowed, and the request is dropped."
    };
    let explanation = format!(
        "SYNs for {} arrive at {who}. {sign} {} lost there.",
        s.name(),
        share(facts, *service, ids, "are")
    );
    let mut finding = Finding::cause("rp-filter-drop", title, explanation)
        .rated(severity(facts, ids), Confidence::Likely);
    finding.candidates = candidates(s.mode);
    for host in hosts {
        let server = names.place(*host);
        finding.confirm(server.clone(), format!("nstat -az TcpExtIPReversePathFilter TcpExtListenOverflows; sysctl -a 2>/dev/null | grep '\\.rp_filter'; ip -br addr show to {}; iptables -L INPUT -nv; nft list ruleset", s.vip), "a filter counter that grows with every SYN: this is it");
        let devices: &[&str] =
            if s.mode == Mode::Tun { &["all", "tunl0"] } else { &["all", "IFACE"] };
        let filters: Vec<String> =
            devices.iter().map(|d| format!("net.ipv4.conf.{d}.rp_filter")).collect();
        let off: Vec<_> = filters.iter().map(|name| (name.as_str(), "0", "1")).collect();
        if s.vip.is_v4() {
            let off = sysctl::change(server, &off);
            finding.fixes.push(off.because("the higher of 'all' and the interface counts"));
        }
    }
    finding.proofs = silent_servers::proofs(facts, set[0]);
    if let Some(shown) = shown(facts, set[0]) {
        finding.proofs.retain(|p| p.at != shown.at);
        finding.proofs.push(shown);
        in_time(facts, &mut finding.proofs);
    }
    finding.concerning(names.subjects(Role::RealServer, hosts), ids.clone())
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
    Candidate::all(all)
}
