//! Segments that are lost for their size, as one capture shows it: full ones come again and again
//! and are never acknowledged, or never arrive, and smaller ones of the same direction do.
//!
//! Loss by chance spares no size: a repeat of the same length passes, or small ones are lost
//! as well. What forgets a connection, or hates what is said, lets nothing through; so something
//! small must have passed after, or elsewhere all along, and nothing large anywhere.

use crate::breaks::{Fate, unfilled};
use crate::correlate::{Leg, Outcome};
use crate::diagnose::facts::Facts;
use crate::diagnose::facts::size::grown_packets::too_long;
use crate::diagnose::thresholds::{
    JUDGE_SMALL, NO_COINCIDENCE, PAIR, SIZE_ETHERNET_MTU, SIZE_WAITED_NS, TRANSMISSIONS,
};
use crate::flow::{Flow, Mark, Repeat};
use crate::hashed::HashSet;
use crate::topology::{Mode, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::{Ip, seq_gt};
use std::collections::BTreeMap;

/// How a connection shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Shown {
    /// The receiver spoke after it, and still lacked the bytes.
    Alive,
    /// Later, smaller segments arrived.
    Hole,
    /// The same bytes arrived at once in segments of so many bytes, first this one.
    Smaller(u32, At),
    /// The segment is longer than an Ethernet frame carries; smaller ones of it were acknowledged.
    Jumbo,
    /// Nothing came after.
    Silent,
}

/// A connection whose full segments were lost.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct SizeLoss {
    /// The connection.
    pub id: ConnectionId,
    /// Whether the client sent them.
    pub client: bool,
    /// Payload bytes of the smallest that was lost.
    pub size: u32,
    /// The first repeat and the last; where the receiver shows it, what came in spite of it.
    pub again: [At; 2],
    /// How.
    pub shown: Shown,
}

/// All that are no chance, by service and by whether clients sent them.
pub(in crate::diagnose) fn size_losses(
    facts: &Facts,
) -> BTreeMap<(ServiceId, bool), Vec<SizeLoss>> {
    let mut sets: BTreeMap<(ServiceId, bool), Vec<SizeLoss>> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.established) {
        let harm = facts.breaks.fate(id).is_harm();
        // Of a tunnel whose packets were captured more is known.
        let known = c.tuples > 1 && matches!(facts.service(id).mode, Mode::Tun | Mode::Proxy);
        if harm
            && !known
            && too_long(facts, id).is_none()
            && facts.errors_of(id).next().is_none()
            && let Some(loss) = facts.legs(id).iter().find_map(|leg| of_leg(facts, id, leg))
            && c.outcome != Outcome::Refused
        {
            sets.entry((facts.service_of(id), loss.client)).or_default().push(loss);
        }
    }
    sets.retain(|(service, client), set| is_no_chance(facts, *service, *client, set));
    sets
}

/// Whether the frames of one connection show that what it lost was lost for its size.
pub(in crate::diagnose) fn is_by_size(facts: &Facts, id: ConnectionId) -> bool {
    let mut legs = facts.legs(id).iter().filter_map(|leg| of_leg(facts, id, leg));
    legs.any(|loss| loss.shown != Shown::Silent)
}

fn is_no_chance(facts: &Facts, service: ServiceId, client: bool, set: &[SizeLoss]) -> bool {
    if set.iter().any(|loss| matches!(loss.shown, Shown::Smaller(..))) {
        return true;
    }
    let size = set.iter().map(|loss| loss.size).min().unwrap_or(0);
    // The most that one segment of the others can have been.
    let carried = |id: ConnectionId| {
        let flow = |leg| if client { facts.forward(leg) } else { facts.reply(leg) };
        facts.legs(id).iter().map(|leg| flow(leg).payload).max().unwrap_or(0)
    };
    // Other clients' packets take another way, and so do those of other servers.
    let way_of = |id: ConnectionId| {
        let server = facts.server(id).and_then(|server| server.address);
        (facts.connection(id).front.client.0, server)
    };
    let theirs: HashSet<(Ip, Option<Ip>)> = set.iter().map(|loss| way_of(loss.id)).collect();
    let fares_well = |id: ConnectionId| facts.breaks.fate(id) == Fate::Well;
    let well = || {
        let to = facts.requests_to(service);
        to.filter(|(id, _)| fares_well(*id) && theirs.contains(&way_of(*id)))
    };
    if well().any(|(id, _)| carried(id) >= u64::from(size)) {
        return false;
    }
    // One may have died of anything; and where nothing else shows that small ones pass, connections that did
    // well without a large segment do.
    let proves = |loss: &&SizeLoss| loss.shown != Shown::Silent;
    set.len() >= PAIR
        && (set.iter().filter(proves).count() >= PAIR
            || well().filter(|(id, _)| carried(*id) > 0).count() >= NO_COINCIDENCE)
}

fn of_leg(facts: &Facts, id: ConnectionId, leg: &Leg) -> Option<SizeLoss> {
    hole(facts, id, leg).or_else(|| {
        let mut sides = [true, false].into_iter();
        sides.find_map(|client| repeated(facts, id, leg, client))
    })
}

/// What the receiver's side shows: all that arrived is small.
fn hole(facts: &Facts, id: ConnectionId, leg: &Leg) -> Option<SizeLoss> {
    let (there, back) = (facts.forward(leg), facts.reply(leg));
    let (lacks, _) = unfilled(facts, leg)?;
    let full = u32::from(there.shape.mss).saturating_sub(stamps(there, back));
    let small = back.payload < u64::from(JUDGE_SMALL) && full >= JUDGE_SMALL && lacks >= full;
    let at = |mark| At { vantage: leg.vantage, mark };
    small.then(|| SizeLoss {
        id,
        client: false,
        size: full,
        again: [at(back.data), at(there.last)],
        shown: Shown::Hole,
    })
}

fn stamps(a: &Flow, b: &Flow) -> u32 {
    if a.shape.stamped() && b.shape.stamped() { 12 } else { 0 }
}

/// What the sender's side shows: the first bytes that are not acknowledged, sent again as large
/// as before.
fn repeated(facts: &Facts, id: ConnectionId, leg: &Leg, client: bool) -> Option<SizeLoss> {
    let vantage = facts.vantage(leg);
    let (sender, receiver) = if client {
        (facts.forward(leg), facts.reply(leg))
    } else {
        (facts.reply(leg), facts.forward(leg))
    };
    let stamps = stamps(sender, receiver);
    let mss = u32::from(receiver.shape.mss);
    let own = vantage.repeats_of(sender);
    let first = *own.first()?;
    let len = |r: &Repeat| r.to.wrapping_sub(r.from);
    let size = len(first);
    // What a card merged or has not cut yet says nothing of a packet's length.
    if size < JUDGE_SMALL || mss > 0 && size.saturating_add(stamps) > mss || mss == 0 && size > 1460
    {
        return None;
    }
    let same = || own.iter().filter(|r| r.link == first.link && r.from == first.from);
    let large: Vec<Mark> = same().filter(|r| len(r) == size).map(|r| r.mark).collect();
    let last = *large.last()?;
    let acked = seq_gt(receiver.max_ack, first.from);
    let at = |mark| At { vantage: leg.vantage, mark };
    let smaller = same()
        .find(|r| r.mark.frame() > last.frame() && len(r) > 1 && len(r) * 10 <= size * 9)
        .map(|r| Shown::Smaller(len(r), at(r.mark)));
    // Bytes that passed before may have been as large; and what the other side says again it had
    // been answered, by packets without bytes.
    let before = first.from.wrapping_sub(sender.isn.wrapping_add(1));
    let again = vantage.links_of(receiver).any(|link| link.retransmissions > 0);
    let shown = match smaller {
        Some(smaller) if acked => smaller,
        _ if acked || before >= size || again => return None,
        _ if receiver.last.frame() > large.first()?.frame() => Shown::Alive,
        _ if size + 40 > SIZE_ETHERNET_MTU && before > 0 => Shown::Jumbo,
        _ => Shown::Silent,
    };
    let waited = last.since(sender.data.get()?) >= SIZE_WAITED_NS;
    (waited && large.len() >= usize::from(TRANSMISSIONS)).then(|| SizeLoss {
        id,
        client,
        size,
        again: [at(*large.first().unwrap_or(&last)), at(last)],
        shown,
    })
}
