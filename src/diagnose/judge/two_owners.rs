//! One address, two machines: told by whom packets were sent to or came from, where no ARP is in the captures.

use super::Opinions;
use super::evidence::ASKED;
use crate::breaks::{Fate, Group};
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::facts::address::disputes::disputed;
use crate::flow::Flow;
use crate::trace::ConnectionId;
use crate::wire::Mac;
use std::collections::BTreeSet;

/// SYNs that fail were all sent to one neighbour, and those that do well to others: the client's entry for the address
/// changes.
pub(super) fn sent_elsewhere(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let to = |id: ConnectionId| {
        facts.legs(id).iter().find_map(|leg| {
            let hop = facts.vantage(leg).first_hop(facts.forward(leg))?;
            hop.link.dst.filter(|mac| mac.is_unicast())
        })
    };
    let failed: Option<BTreeSet<Mac>> =
        group.connections.iter().take(ASKED).map(|id| to(*id)).collect();
    let well = facts.requests_to(group.service).map(|(id, _)| id);
    let well = well.filter(|id| facts.breaks.fate(*id) == Fate::Well).take(ASKED);
    let well: Option<BTreeSet<Mac>> = well.map(to).collect();
    let (Some(failed), Some(well)) = (failed, well) else { return };
    let (Some(one), Some(other)) = (failed.first(), well.first()) else { return };
    if failed.len() == 1 && failed.is_disjoint(&well) {
        opinions.possible("vip-arp-conflict", format!("all that fail were sent to {one}, and what does well to {other}: then two machines claim the address, and 'ip neigh' where these come from changes between the two; 'arping -D' there, or a capture of arp, shows both"));
    }
}

/// The same of SYNs that stay unanswered, where the captures show several claim the address.
pub(super) fn called_in_turn(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if disputed(facts, facts.topology.service(group.service).vip).is_some() {
        sent_elsewhere(facts, group, opinions);
    }
}

/// Each SYN was accepted twice, with two numbers.
pub(super) fn accepted_twice(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let twice = |id: &ConnectionId| {
        facts.legs(*id).iter().find(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            there.opened() && there.syns == 1 && back.isns > 1
        })
    };
    let legs: Option<Vec<&Leg>> = group.connections.iter().take(ASKED).map(twice).collect();
    let Some(leg) = legs.as_ref().and_then(|legs| legs.first()) else { return };
    let from = macs(facts, leg, facts.reply(leg));
    let from = if from.len() > 1 {
        format!(" from {}", from.iter().map(Mac::to_string).collect::<Vec<_>>().join(" and "))
    } else {
        String::new()
    };
    opinions.possible("vip-arp-conflict", format!("each SYN is answered by two SYN-ACKs with numbers of their own{from}: two machines take it, and the one that the client's next segment is not for resets it. Then two have the address, or hosts that share it by design (Windows NLB, CLUSTERIP) no longer see each other"));
}

/// Whose frames carried the SYN-ACKs.
fn macs(facts: &Facts, leg: &Leg, flow: &Flow) -> BTreeSet<Mac> {
    let opening = facts.path(leg, flow).filter(|(link, _)| link.syns > 0);
    opening.filter_map(|(_, hop)| hop.link.src).filter(|mac| mac.is_unicast()).collect()
}
