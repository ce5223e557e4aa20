//! The director calls segments too big that its own network card had merged: each was
//! small enough on the wire.
//!
//! The proof is arithmetic: the error names an MTU that every segment which the
//! handshake allows fits into. A tunnel, whose MTU is smaller than that, is another
//! cause's.

use crate::correlate::Leg;
use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::flow::{IcmpError, IcmpErrorKind};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission", "connection-reset"];

/// Headers of IP and TCP without options, bytes (RFC 6691).
const HEADERS: u32 = 40;
const HEADERS_V6: u32 = 60;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // From the errors, which are few, to the connections, which may be many.
    let mut told: Vec<ConnectionId> = facts.errors.iter().map(|tied| tied.connection).collect();
    told.dedup();
    let hit = told.into_iter().filter(|id| {
        let mode = facts.service(*id).mode;
        facts.connection(*id).protocol.is_tcp()
            && facts.ordinary(*id).is_none()
            && matches!(mode, Mode::Nat | Mode::Dr | Mode::Tun | Mode::FullNat)
            && impossible(facts, *id).is_some()
    });
    let findings = by_service(facts, hit)
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || {
        needs_mode(facts, &[Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat])
            .unwrap_or(Detection::Clean)
    })
}

/// An error of a director, and the MTU that it names.
#[derive(Debug, Clone, Copy)]
struct TooBig<'a> {
    vantage: usize,
    error: &'a IcmpError,
    mtu: u32,
    /// The largest packet that the client may send, bytes.
    largest: u32,
    director: HostId,
}

fn impossible(trace: &Trace, id: ConnectionId) -> Option<TooBig<'_>> {
    let c = trace.connection(id);
    let headers = if c.front.client.0.is_v4() { HEADERS } else { HEADERS_V6 };
    // What the client was told, where that was seen at its own five-tuple.
    let told = |leg: &&Leg| leg.tuple == 0 && trace.reply(leg).accepted();
    let mut sizes = trace.legs(id).iter().filter(told).map(|leg| trace.reply(leg).shape.mss);
    let mss = sizes.next().filter(|mss| *mss > 0)?;
    let largest = u32::from(mss) + headers;
    trace.errors_of(id).find_map(|(vantage, error)| {
        let IcmpErrorKind::TooBig { mtu } = error.kind else { return None };
        let by_client = (error.quote.src, error.quote.src_port) == c.front.client;
        let director = sender(trace, id, vantage, error)?;
        (by_client && mtu >= largest).then_some(TooBig { vantage, error, mtu, largest, director })
    })
}

/// The director that made an error: its own capture shows it leave, or the frame comes
/// from it with the TTL of one that it made.
fn sender(trace: &Trace, id: ConnectionId, vantage: usize, error: &IcmpError) -> Option<HostId> {
    let hop = &trace.vantages[vantage].hops[error.hop.index()];
    let sent = trace.vantages[vantage].own.sent(hop) == Some(true);
    let host = if sent { trace.host_of_vantage(vantage) } else { trace.host_by_mac(hop.link.src) };
    host.filter(|h| trace.service(id).is_director(*h) && crate::topology::is_origin(hop))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let shown = ids.iter().find_map(|id| Some((*id, impossible(facts, *id)?)));
    let (mtu, largest) = shown.map_or((0, 0), |(_, x)| (x.mtu, x.largest));
    let host = shown.map(|(_, x)| x.director);
    let director = host.map_or_else(|| "the director".to_owned(), |h| names.full(h));
    let title =
        format!("{director} rejects packets that fit as too big: its network card merges them");
    let explanation = format!(
        "The director tells clients of {} that their packets exceed {mtu} bytes. By their handshake they send at most {largest}, so each of them fits. What does not fit is several of them in one, as a card (LRO) or a driver hands them up; the kernel may not split what it did not merge itself, drops them and sends the error. The client cannot send smaller than small enough: it gets on by repeating single segments. {} connections are slow.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("director-lro-oversize", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Certain;
    finding.confirm(director.clone(), "for i in /sys/class/net/*; do ethtool -k ${i##*/} 2>/dev/null | grep -E '^(large|generic)-receive'; done; nstat -az IpFragFails", "large-receive-offload on: this is it; IpFragFails grows with each such packet");
    finding.fixes = vec![Fix::safe(
        director,
        "ethtool -K IFACE lro off   # on the interface that clients come in by; if that does not help: gro off",
        "ethtool -K IFACE lro on",
    )];
    if let Some((id, x)) = shown {
        finding.proofs = proofs(facts, id, &x);
    }
    finding.subjects = host.map(|h| names.subject(Role::Director, h)).into_iter().collect();
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, id: ConnectionId, shown: &TooBig<'_>) -> Vec<Proof> {
    let legs = trace.legs(id);
    let mut proofs = Vec::new();
    if let Some(leg) = legs.iter().find(|leg| leg.tuple == 0 && trace.reply(leg).accepted()) {
        let mss = trace.reply(leg).shape.mss;
        let note = format!("the SYN-ACK: segments of at most {mss} bytes");
        proofs.extend(trace.proof(leg, trace.reply(leg).syn, note));
    }
    let note = format!("ICMP: too big for {} bytes, from {}", shown.mtu, shown.error.src);
    proofs.push(Proof { at: At { vantage: shown.vantage, mark: shown.error.mark }, note });
    let again = legs.iter().flat_map(|leg| {
        let vantage = trace.vantage(leg);
        vantage.links_of(trace.forward(leg)).map(move |link| (leg, vantage.first_repeat(link)))
    });
    if let Some((leg, mark)) = again.into_iter().find(|(_, mark)| mark.is_set()) {
        proofs.extend(trace.proof(leg, mark, "the client sends the bytes again"));
    }
    proofs
}
