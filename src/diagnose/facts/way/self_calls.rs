//! Real servers that call their own VIP and are chosen for it: what became of the SYN.

use crate::diagnose::finding::Proof;
use crate::diagnose::words::{arrow, arrow_back};
use crate::trace::{ConnectionId, Trace};

/// What became of the SYN from itself.
#[derive(PartialEq, Eq)]
pub(in crate::diagnose) enum Variant {
    Reset,
    Dropped,
    Unseen,
}

/// What became of the SYNs of some calls.
pub(in crate::diagnose) fn variant(trace: &Trace, ids: &[ConnectionId]) -> Variant {
    let legs = || {
        ids.iter()
            .flat_map(|id| trace.legs(*id))
            .filter(|leg| leg.of(&trace.vantages).key.is_self())
    };
    if legs().any(|leg| trace.reply(leg).accepted()) {
        return Variant::Reset;
    }
    // Only a capture of all interfaces on the caller shows that lo stays quiet.
    let sees_lo = legs().any(|leg| {
        let own = &trace.vantage(leg).own;
        trace
            .path(leg, trace.forward(leg))
            .any(|(_, hop)| own.arrived(hop) == Some(true) && hop.link.dst.is_none())
    });
    if sees_lo { Variant::Dropped } else { Variant::Unseen }
}

/// The SYN as it left, as it came back, and what answered it.
pub(in crate::diagnose) fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let connection = trace.connection(id);
    let (front, Some(back)) = (connection.front, connection.back) else { return Vec::new() };
    let mut proofs = Vec::new();
    let legs = trace.legs(id);
    let asked = legs.iter().filter(|leg| leg.tuple == 0);
    for leg in asked.filter(|leg| trace.is_client_side(id, leg)).take(1) {
        proofs.extend(trace.proof(leg, trace.forward(leg).syn, format!("{}  SYN", arrow(&front))));
    }
    for leg in trace.back_legs(id) {
        let own = &trace.vantage(leg).own;
        let there = trace.forward(leg);
        let sent = format!("{}  the same SYN, destination rewritten", arrow(&back));
        proofs.extend(trace.proof_on(
            leg,
            there,
            |hop| own.sent(hop) == Some(true) && !hop.link.is_loopback(),
            sent,
        ));
    }
    for leg in trace.back_legs(id) {
        let own = &trace.vantage(leg).own;
        let (there, reply) = (trace.forward(leg), trace.reply(leg));
        let came = format!("{}  it arrives at the caller", arrow(&back));
        proofs.extend(trace.proof_on(leg, there, |hop| own.arrived(hop) == Some(true), came));
        if reply.accepted() {
            let answer = format!("{}  SYN-ACK to itself, over lo", arrow_back(&back));
            proofs.extend(trace.proof(leg, reply.syn, answer));
        }
        let reset = format!("{}  RST, no socket expects it", arrow(&back));
        proofs.extend(trace.proof(leg, there.rst, reset));
    }
    if proofs.is_empty() {
        for leg in legs {
            proofs.extend(trace.proof(leg, trace.forward(leg).syn, "SYN"));
        }
    }
    proofs
}
