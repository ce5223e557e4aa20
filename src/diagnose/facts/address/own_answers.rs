//! What hosts answer for addresses of their own.

use crate::diagnose::facts::index::Indexed;
use crate::diagnose::finding::Proof;
use crate::topology::HostId;

/// The TTL with which Windows begins.
pub(in crate::diagnose) const WINDOWS_TTL: u8 = 128;

/// An answer of a host for its own address that shows Windows.
pub(in crate::diagnose) fn windows_answer(facts: &Indexed<'_>, host: HostId) -> Option<Proof> {
    let h = facts.topology.hosts.get(host);
    facts.connections_to_host(host).filter(|(_, c)| c.protocol.is_tcp()).find_map(|(id, _)| {
        facts.legs(id).iter().find_map(|leg| {
            let back = facts.reply(leg);
            let windows = |hop: &crate::flow::Hop| {
                hop.ttl == WINDOWS_TTL && hop.link.src.is_some_and(|mac| h.macs.contains(&mac))
            };
            let note = "it answers for its own address with TTL 128, as Windows does";
            facts.proof_on(leg, back, windows, note).filter(|_| back.accepted())
        })
    })
}
