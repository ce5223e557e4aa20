//! A tunnel has no room for full segments, and path MTU discovery does not mend
//! it: the director refuses segments above the tunnel's MTU, says so by ICMP
//! (RFC 1191, RFC 8201), and the client sends them again as large as before.
//!
//! All of it must show at the director's own capture: the segments come in, the
//! bytes are missing in what it sends into the tunnel, the ICMP leaves, and the
//! same bytes come again. Where the client heeds it, nothing is lost. A node that drops
//! without a word before an overlay is the matter of [`super::overlay_mtu`].

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::size::refused_segments::{HEADERS, Refused, refused};
use crate::diagnose::facts::size::rewritten_options;
use crate::diagnose::facts::size::strange_sacks;
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::{ip, step};
use crate::diagnose::words::{self, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::flow::{IcmpErrorKind, Mark};
use crate::hashed::HashSet;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Refused>> = BTreeMap::new();
    let mut looked = false;
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        if facts.service(id).mode != Mode::Tun {
            continue;
        }
        for host in gateways(facts, id) {
            let Some(passage) = passage(facts, id, host) else { continue };
            looked |= passage.left.is_some();
            if c.outcome.failed()
                && c.progress.established
                && let Some(refused) = refused(facts, id, host, &passage)
            {
                let key = (facts.service_of(id), host);
                sets.entry(key).or_default().push(refused);
            }
        }
    }
    let mut findings: Vec<Finding> =
        sets.into_iter().map(|(key, set)| finding(facts, key, &set)).collect();
    findings.extend(super::overlay_mtu::findings(facts));
    let known = |findings: &[Finding]| -> HashSet<ConnectionId> {
        // What is never acknowledged for its SACK was not too long.
        let sacked = strange_sacks::all(facts).into_iter().map(|one| one.id);
        findings.iter().flat_map(|f| &f.connections).copied().chain(sacked).collect()
    };
    findings.extend(super::outgrown_tunnel::findings(facts, &known(&findings)));
    findings.extend(super::told_in_vain::findings(facts, &known(&findings)));
    findings.extend(super::size_bound::findings(facts, &known(&findings)));
    if !findings.is_empty() {
        // Where the MSS was raised on the way, the sender was told of room that there is not.
        let raised = rewritten_options::raised(facts.rewritten_options());
        findings.retain(|f| !f.connections.iter().all(|id| raised.contains(id)));
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Tun]) {
            return other;
        }
        Detection::clean_if(
            looked,
            "no capture shows what goes into the tunnel; capture on the director",
        )
    })
}

/// Who may have put a connection's packets into the tunnel: its directors, and who says that
/// something is too big, be it a gateway through which answers pass as well.
fn gateways(facts: &Facts, id: ConnectionId) -> BTreeSet<HostId> {
    let directors = facts.service(id).directors.iter().map(|d| d.host);
    let too_big =
        facts.errors_of(id).filter(|(_, e)| matches!(e.kind, IcmpErrorKind::TooBig { .. }));
    let tellers = too_big.filter_map(|(vantage, _)| facts.host_of_vantage(vantage));
    directors.chain(tellers).collect()
}

fn finding(facts: &Facts, (service, host): (ServiceId, HostId), set: &[Refused]) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|r| r.id).collect();
    let mtu = set.iter().map(|r| r.mtu).min().unwrap_or(0);
    let mss = set.iter().map(|r| r.mss).max().unwrap_or(0);
    let directs = s.is_director(host);
    let director = say.full(host);
    let fate = match set.iter().find_map(|r| r.heard) {
        Some(true) => "The message reaches the client, which does not heed it",
        Some(false) => "The message does not reach the client, by its own capture",
        None => "The client does not heed it, or does not get it",
    };
    let asked = match mss {
        0 => String::new(),
        mss => format!(" The real servers ask for segments of {mss} bytes."),
    };
    let title =
        format!("large requests to {} hang: they do not fit into the tunnel (MTU {mtu})", s.name());
    let explanation = format!(
        "Large segments for {} reach {director} and do not go out in the tunnel, whose outer header leaves {mtu} bytes for a packet; small ones pass.{asked} {} says 'fragmentation needed' to the client. {fate}: it sends them again as large as before. {} after the handshake.",
        s.name(),
        if directs { "The director" } else { "It" },
        share(facts, service, &ids, "hang")
    );
    let mut finding = Finding::cause("tun-mtu-blackhole", title, explanation);
    finding.severity = severity(facts, &ids);
    if mss == 0 {
        finding.confidence = Confidence::Likely;
        finding.candidate("director-lro-oversize", "then the segments fit on the wire and the director's network card merges them: 'ethtool -k' shows large-receive-offload on");
    }
    let fit = mtu.saturating_sub(HEADERS[usize::from(!s.vip.is_v4())]);
    let too_big = if s.vip.is_v4() {
        "-p icmp --icmp-type fragmentation-needed -j ACCEPT"
    } else {
        "-p icmpv6 --icmpv6-type packet-too-big -j ACCEPT"
    };
    finding.confirm("the client", format!("ip route get {}; tracepath -n {}", s.vip, s.vip), format!("a cached 'mtu {mtu}' means that the messages arrive; none, that a firewall on the way drops ICMP"));
    if !directs {
        // Answers pass it, so it can set what they ask for.
        let spec = format!("-s {} -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss {fit}", s.vip);
        let clamp = Rule::mangle(s.vip, "FORWARD", spec);
        finding.fix(say.place(host), clamp.append(), clamp.delete());
    }
    for server in servers(facts, &ids).into_iter().filter(|_| directs) {
        let steps = ip::default_with(&format!("advmss {fit}"), s.vip.is_v4());
        finding.fixes.push(step::safe(words::name(&server), steps));
    }
    finding.fixes.push(
        step::safe(
            "the firewalls between it and the clients",
            [Rule::filter(s.vip, "FORWARD", too_big).inserted()],
        )
        .or(),
    );
    finding.proofs = proofs(facts, host, set);
    let role = if directs { Role::Director } else { Role::Router };
    finding.subjects = vec![say.subject(role, host)];
    finding.subjects.extend(servers(facts, &ids));
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, host: HostId, set: &[Refused]) -> Vec<Proof> {
    let ids: Vec<ConnectionId> = set.iter().map(|r| r.id).collect();
    let told = telling(trace, &ids);
    let Some(shown) = set.iter().find(|r| Some(r.id) == told) else { return Vec::new() };
    let mut proofs = Vec::new();
    if let Some(passage) = passage(trace, shown.id, host) {
        let data = trace.legs(shown.id).get(passage.came.leg).map(|leg| trace.forward(leg).data);
        let note = if trace.service(shown.id).is_director(host) {
            "payload comes in at the director"
        } else {
            "payload comes in here"
        };
        proofs.extend(passage.proof_in(trace, shown.id, data.unwrap_or(Mark::NONE), note));
    }
    proofs.push(Proof::at(
        shown.told,
        format!(
            "{} says that more than {} bytes do not fit",
            if trace.service(shown.id).is_director(host) { "the director" } else { "it" },
            shown.mtu
        ),
    ));
    proofs.push(Proof::at(
        shown.again,
        "the client sends bytes again that never went into the tunnel",
    ));
    proofs
}
