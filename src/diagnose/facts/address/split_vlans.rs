//! Questions for an address in one VLAN and claims of it in another.

use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{ARP_WAIT_NS, QUESTIONS};
use crate::flow::{Ask, Binding, Claim, VantageId};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeSet;

/// A question with a tag that is asked again and again.
pub(in crate::diagnose) fn is_begging(ask: &Ask) -> bool {
    is_tag(ask.vlan) && ask.again >= QUESTIONS && ask.asker.is_host()
}

/// Whether a tag is known and one.
pub(in crate::diagnose) fn is_tag(vlan: u32) -> bool {
    vlan != 0 && vlan != Ask::SEVERAL_VLANS
}

/// The innermost tag, for people.
pub(in crate::diagnose) fn tag(vlan: u32) -> String {
    match (vlan >> 16, vlan & 0xffff) {
        (0, inner) => inner.to_string(),
        (outer, inner) => format!("{outer}.{inner}"),
    }
}

/// A question in one VLAN and the claim in another, each with its vantage.
pub(in crate::diagnose) struct Split<'a> {
    pub at: VantageId,
    pub ask: &'a Ask,
    pub owner: Option<HostId>,
    pub claim: Proof,
    pub vlan: u32,
}

fn claims(trace: &Trace, vip: Ip) -> impl Iterator<Item = (VantageId, &Binding)> {
    let all = VantageId::each(&trace.vantages);
    all.flat_map(|(v, vantage)| vantage.neighbors.bindings.iter().map(move |b| (v, b)))
        .filter(move |(_, b)| b.ip == vip)
}

/// The question and the claim, if nothing of the address is in one VLAN.
pub(in crate::diagnose) fn split(trace: &Trace, vip: Ip) -> Option<Split<'_>> {
    let asks = VantageId::each(&trace.vantages).flat_map(|(v, vantage)| {
        vantage.neighbors.asks.iter().filter(|a| a.target == vip).map(move |a| (v, a))
    });
    let vlans: BTreeSet<u32> = claims(trace, vip).map(|(_, b)| b.vlan).collect();
    let (at, ask) = asks.clone().find(|(_, a)| is_begging(a))?;
    // Who asks anywhere else too, or is answered, or an owner without a tag: all is open.
    if asks.into_iter().any(|(_, a)| a.vlan != ask.vlan || a.answers > 0)
        || vlans.iter().any(|vlan| !is_tag(*vlan) || *vlan == ask.vlan)
    {
        return None;
    }
    let [vlan] = vlans.into_iter().collect::<Vec<_>>()[..] else { return None };
    let here = |v: VantageId| (v != at, v);
    let said = claims(trace, vip).filter(|(_, b)| b.claim != Claim::Sender);
    let (v, binding) = said.min_by_key(|(v, _)| here(*v))?;
    let note = format!("{} claims it in VLAN {}", binding.mac, tag(vlan));
    let owner = trace.host_by_mac(Some(binding.mac));
    let claim = Proof::on(v, binding.first, note);
    // Two captures that each show their own side: the owner's must lack the question.
    let other = claim.at.vantage;
    let owns = other == at || owner.is_some() && trace.host_of_vantage(other) == owner;
    owns.then_some(Split { at, ask, owner, claim, vlan })
}

/// Whether a connection was under way when the question was asked.
pub(in crate::diagnose) fn waits(trace: &Trace, id: ConnectionId, split: &Split<'_>) -> bool {
    let time = |mark| trace.time(At { vantage: split.at, mark });
    let (Some(start), Some(end)) = (trace.start(id), trace.end(id)) else { return false };
    let (first, last) = (time(split.ask.first), time(split.ask.last));
    first.0 - ARP_WAIT_NS <= trace.time(end).0 && trace.time(start).0 <= last.0 + ARP_WAIT_NS
}
