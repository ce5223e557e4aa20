//! The director calls segments too big that its own network card had merged: each was
//! small enough on the wire.
//!
//! The proof is arithmetic: the error names an MTU that every segment which the
//! handshake allows fits into. A tunnel, whose MTU is smaller than that, is another
//! cause's.

use crate::diagnose::cause::{clean_in, each_service, severity};
use crate::diagnose::facts::size::impossible_errors::{TooBig, impossible};
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // From the errors, which are few, to the connections, which may be many.
    let mut told: Vec<ConnectionId> = facts.errors.iter().map(|tied| tied.connection).collect();
    told.dedup();
    let hit = told.into_iter().filter(|id| {
        let mode = facts.service(*id).mode;
        facts.connection(*id).protocol.is_tcp()
            && facts.ordinary(*id).is_none()
            && mode.is_layer_4()
            && impossible(facts, *id).is_some()
    });
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || clean_in(facts, &Mode::LAYER_4))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let shown = ids.iter().find_map(|id| Some((*id, impossible(facts, *id)?)));
    let (mtu, largest) = shown.map_or((0, 0), |(_, x)| (x.mtu, x.largest));
    let host = shown.map(|(_, x)| x.director);
    let director = names.full_or(host, "the director");
    let title =
        format!("{director} rejects packets that fit as too big: its network card merges them");
    let explanation = format!(
        "The director tells clients of {} that their packets exceed {mtu} bytes. By their handshake they send at most {largest}, so each of them fits. What does not fit is several of them in one, as a card (LRO) or a driver hands them up; the kernel may not split what it did not merge itself, drops them and sends the error. The client cannot send smaller than small enough: it gets on by repeating single segments. {} slow.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("director-lro-oversize", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.confirm(director.clone(), "for i in /sys/class/net/*; do ethtool -k ${i##*/} 2>/dev/null | grep -E '^(large|generic)-receive'; done; nstat -az IpFragFails", "large-receive-offload on: this is it; IpFragFails grows with each such packet");
    finding.fixes = vec![Fix::safe(
        director,
        "ethtool -K IFACE lro off   # on the interface that clients come in by; if that does not help: gro off",
        "ethtool -K IFACE lro on",
    )];
    if let Some((id, x)) = shown {
        finding.proofs = proofs(facts, id, &x);
    }
    finding.concerning(host.map(|h| names.subject(Role::Director, h)).into_iter().collect(), ids)
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
    proofs.push(Proof::on(shown.vantage, shown.error.mark, note));
    let again = legs.iter().flat_map(|leg| {
        let vantage = trace.vantage(leg);
        vantage.links_of(trace.forward(leg)).map(move |link| (leg, vantage.first_repeat(link)))
    });
    if let Some((leg, mark)) = again.into_iter().find(|(_, mark)| mark.is_set()) {
        proofs.extend(trace.proof(leg, mark, "the client sends the bytes again"));
    }
    proofs
}
