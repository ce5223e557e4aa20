//! A tunnel has no room for full segments, and path MTU discovery does not mend
//! it: the director refuses segments above the tunnel's MTU, says so by ICMP
//! (RFC 1191, RFC 8201), and the client sends them again as large as before.
//!
//! All of it must show at the director's own capture: the segments come in, the
//! bytes are missing in what it sends into the tunnel, the ICMP leaves, and the
//! same bytes come again. Where the client heeds it, nothing is lost. A node that drops
//! without a word before an overlay is the matter of [`super::overlay_mtu`].

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::passages::{Passage, passage};
use crate::diagnose::facts::telling;
use crate::diagnose::thresholds::REPEATS;
use crate::diagnose::words::{servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::flow::{IcmpErrorKind, Link, Mark, Observations};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

/// Network and TCP headers without options, bytes: IPv4, IPv6.
const HEADERS: [u32; 2] = [40, 60];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Refused>> = BTreeMap::new();
    let mut looked = false;
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let service = facts.service(id);
        if service.mode != Mode::Tun {
            continue;
        }
        for host in service.directors.iter().map(|d| d.host) {
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
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Tun]) {
            return other;
        }
        if looked {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no capture shows what goes into the tunnel; capture on the director".to_owned(),
            )
        }
    })
}

/// Segments of a connection that a director refused.
struct Refused {
    id: ConnectionId,
    /// MTU that the director told, bytes.
    mtu: u32,
    /// Maximum segment size that the real server asked for; 0 where not seen.
    mss: u32,
    /// First message of the director, by its own capture.
    told: At,
    /// The last time that the same bytes came again.
    again: At,
    /// The client's own capture shows a message arrive; `None` without one.
    heard: Option<bool>,
}

fn refused(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
    passage: &Passage<'_>,
) -> Option<Refused> {
    let left = passage.left?;
    let c = trace.connection(id);
    let came = trace.legs(id).get(passage.came.leg)?;
    let sent = trace.legs(id).get(left.leg)?;
    // What the capture itself did not see come in proves nothing.
    if trace.vantage(came).has_hole(passage.came.link) {
        return None;
    }
    let holes = trace.vantage(sent).has_hole(left.link);
    if !holes && passage.missing(trace, id) == 0 {
        return None;
    }
    let (told, mtu) = trace.errors_of(id).find_map(|(vantage, error)| {
        let IcmpErrorKind::TooBig { mtu } = error.kind else { return None };
        let seen = &trace.vantages[vantage];
        let by_host = trace.host_of_vantage(vantage) == Some(host)
            && seen.own.sent(&seen.hops[error.hop.index()]) == Some(true);
        let to_client = error.dst == c.front.client.0 && error.quote.src == c.front.client.0;
        (by_host && to_client && mtu > 0).then_some((At { vantage, mark: error.mark }, mtu))
    })?;
    let again = trace.at(came, last_repeat(trace.vantage(came), passage.came.link));
    let in_vain = passage.came.link.retransmissions >= REPEATS
        && again.mark.is_set()
        && trace.time(told) < trace.time(again);
    let mss = trace.legs(id).iter().map(|leg| trace.reply(leg).shape.mss).max().unwrap_or(0);
    let mss = u32::from(mss);
    // Segments that fit and were merged by the director's own network card are
    // not too large.
    let fits = mss > 0 && mss + HEADERS[usize::from(!c.front.server.0.is_v4())] <= mtu;
    (in_vain && !fits).then(|| Refused { id, mtu, mss, told, again, heard: heard(trace, id) })
}

/// Whether the director's message reaches the client, by the client's own capture.
fn heard(trace: &Trace, id: ConnectionId) -> Option<bool> {
    let leg = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg))?;
    let too_big = |kind| matches!(kind, IcmpErrorKind::TooBig { .. });
    Some(
        trace
            .errors_of(id)
            .any(|(vantage, error)| vantage == usize::from(leg.vantage) && too_big(error.kind)),
    )
}

/// The last frame that repeated bytes on a link, as far as repeats were kept.
fn last_repeat(vantage: &Observations, link: &Link) -> Mark {
    let here = |index: u32| vantage.links.get(index as usize).map(|l| (l.hop, l.first));
    let mut repeats = vantage.side_tables.repeats.iter().rev();
    repeats
        .find(|r| here(r.link) == Some((link.hop, link.first)))
        .map_or_else(|| vantage.first_repeat(link), |r| r.mark)
}

fn finding(facts: &Facts, (service, host): (ServiceId, HostId), set: &[Refused]) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|r| r.id).collect();
    let mtu = set.iter().map(|r| r.mtu).min().unwrap_or(0);
    let mss = set.iter().map(|r| r.mss).max().unwrap_or(0);
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
        "Large segments for {} reach {director} and do not go out in the tunnel, whose outer header leaves {mtu} bytes for a packet; small ones pass.{asked} The director says 'fragmentation needed' to the client. {fate}: it sends them again as large as before. {} connections hang after the handshake.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("tun-mtu-blackhole", title, explanation);
    finding.severity = severity(facts, &ids);
    if mss == 0 {
        finding.confidence = Confidence::Likely;
        finding.candidate("director-lro-oversize", "then the segments fit on the wire and the director's network card merges them: 'ethtool -k' shows large-receive-offload on");
    }
    let fit = mtu.saturating_sub(HEADERS[usize::from(!s.vip.is_v4())]);
    finding.confirm("the client".to_owned(), format!("ip route get {}; tracepath -n {}", s.vip, s.vip), format!("a cached 'mtu {mtu}' means that the messages arrive; none, that a firewall on the way drops ICMP"));
    for server in servers(facts, &ids) {
        finding.fix(crate::diagnose::words::name(&server), format!("ip route change default via ROUTER advmss {fit}   # ROUTER as 'ip route show default' prints it"), "ip route change default via ROUTER advmss 0");
    }
    finding.fixes.push(Fix::safe("the firewalls between the director and the clients".to_owned(), "iptables -I FORWARD -p icmp --icmp-type fragmentation-needed -j ACCEPT; ip6tables -I FORWARD -p icmpv6 --icmpv6-type packet-too-big -j ACCEPT", "iptables -D FORWARD -p icmp --icmp-type fragmentation-needed -j ACCEPT; ip6tables -D FORWARD -p icmpv6 --icmpv6-type packet-too-big -j ACCEPT").or());
    finding.proofs = proofs(facts, host, set);
    finding.subjects = vec![say.subject(Role::Director, host)];
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
        let note = "payload comes in at the director";
        proofs.extend(passage.proof_in(trace, shown.id, data.unwrap_or(Mark::NONE), note));
    }
    proofs.push(Proof {
        at: shown.told,
        note: format!("the director says that more than {} bytes do not fit", shown.mtu),
    });
    proofs.push(Proof {
        at: shown.again,
        note: "the client sends bytes again that never went into the tunnel".to_owned(),
    });
    proofs
}
