//! What the SYNs of a group say by themselves: how old their timestamps are, whether they ask
//! for ECN, and whether their source is an address of the host that they are for.

use super::evidence::ASKED;
use crate::breaks::{Fate, Group, Packet};
use crate::correlate::Connection;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::PAIR;
use crate::flow::Flow;
use crate::topology::HostId;
use crate::trace::ConnectionId;
use crate::wire::{Ip, Signing, seq_gt};

/// The client's SYN where it was first seen.
fn opening<'a>(facts: &'a Facts, id: ConnectionId) -> Option<&'a Flow> {
    let legs = facts.legs(id).iter().map(|leg| facts.forward(leg));
    legs.into_iter().find(|flow| flow.opened())
}

fn stamp(facts: &Facts, id: ConnectionId) -> Option<u32> {
    opening(facts, id).filter(|flow| flow.shape.stamped()).map(|flow| flow.shape.tsval)
}

/// Connections of one address whose clocks are compared, at least.
const CLOCKS: usize = 4;
/// What one clock may be off between connections, ticks of a millisecond: seconds, as some tick at another pace.
const ONE_CLOCK: u32 = 5000;

/// Whether each of the group's SYNs has an older timestamp than one that its address sent to
/// this service before and that was answered. Where each connection's timestamps begin anywhere, as of Linux
/// kernels that put the ports into the offset (`secure_tcp_ts_off`), their age tells nothing.
pub(super) fn all_older(facts: &Facts, group: &Group) -> bool {
    let asked = || group.connections.iter().take(ASKED);
    asked().all(|id| is_older(facts, group, *id)) && !asked().any(|id| is_scattered(facts, *id))
}

/// Whether the connections of an address have more clocks than one for each two of them: behind it are a few
/// clients with one each, or a kernel that has one for each connection.
fn is_scattered(facts: &Facts, id: ConnectionId) -> bool {
    let client = facts.connection(id).front.client.0;
    let clock = |id: ConnectionId| {
        let syn = opening(facts, id).filter(|flow| flow.shape.stamped())?;
        let ms = syn.syn.get()?.at().0 / 1_000_000;
        Some(syn.shape.tsval.wrapping_sub(ms as u32))
    };
    let of_address = facts.requests_from(client).take(ASKED);
    let mut clocks: Vec<u32> = of_address.filter_map(|(id, _)| clock(id)).collect();
    clocks.sort_unstable();
    let apart = clocks.windows(2).filter(|pair| pair[1] - pair[0] > ONE_CLOCK).count();
    clocks.len() >= CLOCKS && (apart + 1) * 2 > clocks.len()
}

/// Whether a SYN has an older timestamp than one of its address that was answered before.
fn is_older(facts: &Facts, group: &Group, id: ConnectionId) -> bool {
    let Some(own) = stamp(facts, id) else { return false };
    let client = facts.connection(id).front.client.0;
    let before = facts.requests_from(client).take_while(|(other, _)| *other < id);
    let answered = before
        .filter(|(other, c)| c.progress.answered && facts.service_of(*other) == group.service);
    answered
        .into_iter()
        .any(|(other, _)| stamp(facts, other).is_some_and(|newer| seq_gt(newer, own)))
}

/// By what the SYNs of a group are signed, all of them.
pub(super) fn signed(facts: &Facts, group: &Group) -> Option<Signing> {
    let signing = |id: &ConnectionId| opening(facts, *id)?.shape.signing();
    let mut all = group.connections.iter().take(ASKED).map(signing);
    let first = all.next()??;
    all.all(|how| how == Some(first)).then_some(first)
}

/// Whether others of the service whose SYNs are signed do well, and none of a group's is.
pub(super) fn others_sign(facts: &Facts, group: &Group) -> bool {
    if facts.vantages.iter().all(|vantage| vantage.tally.signed_syns == 0) {
        return false;
    }
    let signs = |id: ConnectionId| opening(facts, id).is_some_and(|f| f.shape.signing().is_some());
    let well = |id: ConnectionId| facts.breaks.fate(id) == Fate::Well;
    !group.connections.iter().take(ASKED).any(|id| signs(*id))
        && facts.requests_to(group.service).any(|(id, _)| well(id) && signs(id))
}

/// Whether exactly the SYNs that ask for ECN stay unanswered, and none that does not, whatever
/// service they are for.
pub(super) fn ecn_alone(facts: &Facts, group: &Group) -> bool {
    let asks = |id: ConnectionId| opening(facts, id).is_some_and(|f| f.flags.asks_for_ecn());
    if !group.connections.iter().take(ASKED).all(|id| asks(*id)) {
        return false;
    }
    let (mut lost, mut well) = (0, 0);
    for (id, _) in facts.requests().filter(|(_, c)| is_tcp(c)) {
        let broken = facts.breaks.broken(id).is_some_and(|b| b.packet == Packet::Syn);
        match (broken, facts.breaks.fate(id) == Fate::Well) {
            (true, _) if asks(id) => lost += 1,
            (_, true) if !asks(id) => well += 1,
            (true, _) | (_, true) => return false,
            (false, false) => {}
        }
    }
    lost >= PAIR && well >= PAIR
}

fn is_tcp(connection: &Connection) -> bool {
    connection.protocol.is_tcp()
}

/// The host that the group's SYNs are for, or came to, and their source, where that is an
/// address of the same host: a kernel drops what claims to come from itself.
pub(super) fn own_source(facts: &Facts, group: &Group) -> Option<(HostId, Ip)> {
    let last = group.last?;
    let client = facts.connection(*group.connections.first()?).front.client.0;
    let stated = |host: &HostId| {
        facts.has_address(*host, client).is_some_and(|said| said.value)
            && facts.host_by_ip(client) != Some(*host)
    };
    let host = [last.host, last.to].into_iter().flatten().find(stated)?;
    Some((host, client))
}

/// The loopback address from which the group's SYNs came, where they were for another host: nobody can answer
/// it (RFC 1122, section 3.2.1.3).
pub(super) fn from_loopback(facts: &Facts, group: &Group) -> Option<Ip> {
    let ends = |id: &ConnectionId| facts.connection(*id).front;
    let first = ends(group.connections.first()?).client.0;
    let strange = |id: &ConnectionId| {
        let front = ends(id);
        front.client.0.is_loopback() && !front.server.0.is_loopback()
    };
    group.connections.iter().take(ASKED).all(strange).then_some(first)
}

/// Whether the group's clients have addresses that no router of the Internet knows, and call one that they
/// know: an address is translated between the two (RFC 1918).
pub(super) fn translated_between(facts: &Facts, group: &Group) -> bool {
    let front = |id: &ConnectionId| facts.connection(*id).front;
    let between = |id: &ConnectionId| {
        let front = front(id);
        front.client.0.is_private_v4() && front.server.0.is_public_v4()
    };
    group.connections.iter().take(ASKED).all(between)
}
