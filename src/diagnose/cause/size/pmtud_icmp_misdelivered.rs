//! "Too big for the next hop" reaches a director that is not the sender of the packet,
//! and ends there: the real server goes on sending segments that are too long.
//!
//! In DR and TUN answers bear the VIP, so the error about them is sent to the VIP's
//! owner. It must be seen to arrive there, not to leave, and not to reach the sender,
//! which repeats.

use crate::correlate::Leg;
use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::thresholds::REPEATS;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{agree, explained, share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::flow::{IcmpError, IcmpErrorKind, Mark};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, c)| {
        let mode = facts.service(*id).mode;
        c.protocol.is_tcp()
            && c.progress.repeats
            && matches!(mode, Mode::Dr | Mode::Tun)
            && stray(facts, *id).is_some()
    });
    let findings = by_service(facts, hit.map(|(id, _)| id))
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || {
        needs_mode(facts, &[Mode::Dr, Mode::Tun]).unwrap_or(Detection::Clean)
    })
}

/// An error that ended at the wrong host.
#[derive(Debug, Clone, Copy)]
struct Stray<'a> {
    vantage: usize,
    error: &'a IcmpError,
    mtu: u32,
    /// Where it ended.
    director: HostId,
    /// Where the sender's repeats are seen, and the first of them.
    leg: &'a Leg,
    again: Mark,
    /// The sender's own capture shows that it was not told.
    untold: bool,
}

fn stray(trace: &Trace, id: ConnectionId) -> Option<Stray<'_>> {
    let c = trace.connection(id);
    let about = |error: &IcmpError| {
        let q = &error.quote;
        (q.src, q.src_port) == c.front.server && (q.dst, q.dst_port) == c.front.client
    };
    let all = || {
        trace.errors_of(id).filter_map(|(v, e)| match e.kind {
            IcmpErrorKind::TooBig { mtu } if about(e) => Some((v, e, mtu)),
            _ => None,
        })
    };
    let hop = |v: usize, e: &IcmpError| &trace.vantages[v].hops[e.hop.index()];
    let came = |v: usize, e: &IcmpError| trace.vantages[v].own.arrived(hop(v, e)) == Some(true);
    let left = |v: usize, e: &IcmpError| trace.vantages[v].own.sent(hop(v, e)) == Some(true);
    let server = trace.server(id).and_then(|s| s.host)?;
    // The sender was told after all.
    if all().any(|(v, e, _)| came(v, e) && trace.host_of_vantage(v) == Some(server)) {
        return None;
    }
    let (vantage, error, mtu, director) = all().find_map(|(v, e, mtu)| {
        let host = trace.host_of_vantage(v).filter(|h| trace.service(id).is_director(*h))?;
        let sent_on = all().any(|(w, e, _)| trace.host_of_vantage(w) == Some(host) && left(w, e));
        (came(v, e) && !sent_on).then_some((v, e, mtu, host))
    })?;
    let repeats = |leg: &&Leg| trace.reply(leg).retransmissions >= REPEATS;
    let leg = trace.legs(id).iter().find(repeats)?;
    let seen = trace.vantage(leg);
    let again =
        seen.links_of(trace.reply(leg)).map(|l| seen.first_repeat(l)).find(|m| m.is_set())?;
    Some(Stray { vantage, error, mtu, director, leg, again, untold: trace.is_captured(server) })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let shown = ids.iter().find_map(|id| stray(facts, *id));
    let (mtu, untold) = shown.map_or((0, false), |x| (x.mtu, x.untold));
    let servers = crate::diagnose::words::servers(facts, &ids);
    let who = crate::diagnose::words::names(&servers);
    let director = shown.map_or_else(|| "the director".to_owned(), |x| names.full(x.director));
    let title =
        format!("long answers of {who} hang: the ICMP 'too big' for them ends at the director");
    let (send, told) = agree(
        servers.len(),
        ("sends", "is not told and repeats"),
        ("send", "are not told and repeat"),
    );
    let explanation = format!(
        "{who} {send} segments to clients of {} that do not fit into {mtu} bytes further on. The router there says so to their source, which is {}: the error arrives at {director} and goes no further. {who} {told} the same segments. {} connections hang as soon as an answer is long.",
        s.name(),
        s.vip,
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("pmtud-icmp-misdelivered", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = if untold { Confidence::Certain } else { Confidence::Likely };
    if !untold {
        let addresses: Vec<_> = servers.iter().filter_map(|server| server.address).collect();
        finding.to_confirm.push(to_capture(
            who.clone(),
            "sender",
            &[&addresses[..], &[s.vip]].concat(),
            s.port,
            "shows whether the error reaches the sender after all",
        ));
    }
    finding.confirm(
        director.clone(),
        "sysctl net.ipv4.vs.schedule_icmp; ipvsadm -Lnc",
        "without an entry for the connection in the error it is not forwarded",
    );
    finding.fixes = vec![
        Fix::safe(
            who.clone(),
            explained(
                sysctl::set(&[("net.ipv4.tcp_mtu_probing", "1")]),
                "finds the size without the error",
            ),
            sysctl::set(&[("net.ipv4.tcp_mtu_probing", "0")]),
        ),
        Fix::safe(
            format!("{who}, if the narrow path is known"),
            format!(
                "ip route change default via GATEWAY advmss {}   # GATEWAY as 'ip route' prints it",
                mtu.saturating_sub(40)
            ),
            "ip route change default via GATEWAY",
        )
        .or(),
    ];
    if let Some(x) = shown {
        let note = format!(
            "ICMP from {}: too big for {mtu} bytes, about a segment of the real server",
            x.error.src
        );
        finding.proofs.push(Proof { at: At { vantage: x.vantage, mark: x.error.mark }, note });
        finding.proofs.extend(facts.proof(x.leg, x.again, "the segment again, as long as before"));
    }
    finding.subjects =
        shown.map(|x| names.subject(Role::Director, x.director)).into_iter().collect();
    finding.subjects.extend(servers);
    finding.connections = ids;
    finding
}
