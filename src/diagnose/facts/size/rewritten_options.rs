//! Options of SYNs and SYN-ACKs that are others where they arrive than where they left.
//!
//! Lowering the MSS is what a device on the way should do that has less room, and an option that both
//! sides miss does no harm: told is what makes one side wrong about the other.

use crate::breaks::{Fate, Journey, Milestone, Packet, Sighting};
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::flow::Flow;
use crate::hashed::HashSet;
use crate::topology::Mode;
use crate::trace::ConnectionId;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnose) enum Changed {
    /// The largest segment was raised (RFC 9293, section 3.7.1).
    Mss(u16, u16),
    /// The window scale (RFC 7323, section 2.2); `None` where the option is gone.
    Scale(u8, Option<u8>),
}

/// A change, and the places between which it was made.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Rewritten {
    pub id: ConnectionId,
    /// Of the SYN, else of the SYN-ACK.
    pub of_syn: bool,
    pub changed: Changed,
    pub before: Sighting,
    pub after: Sighting,
}

/// Those of connections with clients that bring about harm.
pub(in crate::diagnose) fn all(facts: &Facts) -> Vec<Rewritten> {
    let several = |id: ConnectionId| facts.legs(id).len() > 1;
    let kept = |id: ConnectionId| !matches!(facts.service(id).mode, Mode::Proxy | Mode::FullNat);
    let tcp = facts.requests().filter(|(id, c)| c.protocol.is_tcp() && several(*id) && kept(*id));
    tcp.filter_map(|(id, _)| of(facts, id)).collect()
}

/// Those of them whose largest segment was raised.
pub(in crate::diagnose) fn raised(all: &[Rewritten]) -> HashSet<ConnectionId> {
    all.iter().filter(|one| matches!(one.changed, Changed::Mss(..))).map(|one| one.id).collect()
}

/// Whether captures show SYNs at two places, so that a change would be seen.
pub(in crate::diagnose) fn shows(facts: &Facts) -> bool {
    let mut all = facts.requests().filter(|(_, c)| c.protocol.is_tcp());
    all.any(|(id, _)| facts.legs(id).iter().filter(|leg| facts.forward(leg).opened()).count() > 1)
}

fn of(facts: &Facts, id: ConnectionId) -> Option<Rewritten> {
    let mut differing = [true, false].into_iter().filter(|of_syn| differs(facts, id, *of_syn));
    differing.find_map(|of_syn| {
        let places = Journey::of(facts, id, of_syn, Milestone::Syn).0;
        let seen: Vec<(Sighting, &Flow)> =
            places.iter().filter_map(|s| Some((*s, flow(facts, id, s, of_syn)?))).collect();
        seen.windows(2).find_map(|pair| {
            let [(before, a), (after, b)] = pair else { return None };
            let changed = changed(a, b).filter(|changed| match changed {
                Changed::Mss(..) => is_harmed(facts, id, of_syn),
                Changed::Scale(..) => misleads(facts, id, of_syn),
            })?;
            Some(Rewritten { id, of_syn, changed, before: *before, after: *after })
        })
    })
}

/// Whether two places show options that differ: asked first, since the way of a packet costs more to find.
fn differs(facts: &Facts, id: ConnectionId, of_syn: bool) -> bool {
    let way = |leg| if of_syn { facts.forward(leg) } else { facts.reply(leg) };
    let mut shapes = facts.legs(id).iter().map(way).filter(|flow| flow.syn.is_set());
    let option = |flow: &Flow| (flow.shape.mss, flow.shape.window_scale);
    shapes.next().map(option).is_some_and(|first| shapes.any(|flow| option(flow) != first))
}

fn leg<'a>(facts: &'a Facts, id: ConnectionId, s: &Sighting) -> Option<&'a Leg> {
    facts.legs(id).iter().find(|leg| (leg.vantage, leg.tuple) == (s.at.vantage, s.tuple))
}

fn flow<'a>(facts: &'a Facts, id: ConnectionId, s: &Sighting, of_syn: bool) -> Option<&'a Flow> {
    let leg = leg(facts, id, s)?;
    let flow = if of_syn { facts.forward(leg) } else { facts.reply(leg) };
    (flow.syn.is_set() && !flow.shape.cut() && flow.shape.mss > 0).then_some(flow)
}

/// What differs between one packet at two places.
fn changed(a: &Flow, b: &Flow) -> Option<Changed> {
    if a.isn != b.isn {
        return None;
    }
    let scale = |flow: &Flow| flow.shape.window_scale.checked_sub(1);
    match (scale(a), scale(b)) {
        (Some(from), to) if to != Some(from) => return Some(Changed::Scale(from, to)),
        _ => {}
    }
    (b.shape.mss > a.shape.mss).then_some(Changed::Mss(a.shape.mss, b.shape.mss))
}

/// Whether what the other side sends in segments of its full size did not do well.
fn is_harmed(facts: &Facts, id: ConnectionId, of_syn: bool) -> bool {
    let sent = if of_syn { Packet::Response } else { Packet::Request };
    let harmed = matches!(facts.breaks.fate(id), Fate::Failed | Fate::Suffered);
    harmed && facts.breaks.broken(id).is_some_and(|broken| broken.packet == sent)
}

/// Whether the sides go on with different scales: scaling is in use where both sent the option as it
/// reached the server (RFC 7323, section 2.2).
fn misleads(facts: &Facts, id: ConnectionId, of_syn: bool) -> bool {
    let scaled = |forward: bool| {
        let places = Journey::of(facts, id, forward, Milestone::Syn).0;
        let at_server = if forward { places.last() } else { places.first() };
        at_server
            .and_then(|s| flow(facts, id, s, forward))
            .is_some_and(|flow| flow.shape.window_scale > 0)
    };
    // A SYN that lost the option has a server do without, and both know.
    scaled(true) && (of_syn || scaled(false))
}
