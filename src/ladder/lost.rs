//! Packets that never arrived.
//!
//! A packet is lost where its last hop leads to a captured host whose capture
//! could have shown it and does not. It could have: it ran at that time, it
//! shows other packets of that direction or owns the MAC that was addressed, and
//! no merged segment of it holds the bytes. That it ran is told by the clocks, else
//! by what both captures show before and after.

use super::arrow::Arrow;
use super::cast::Cast;
use super::collect::{Seen, Sighting};
use super::packet::Sent;
use crate::correlate::Leg;
use crate::flow::VantageId;
use crate::trace::At;
use std::collections::{HashMap, HashSet};

/// A receiver's frames that no sender's frame was paired with, by vantage.
type Unpaired = HashMap<VantageId, Vec<(bool, u32, u32)>>;

/// More of them than this, and captures that cut the stream differently explain
/// a missing packet better than a loss.
const MAX_UNPAIRED: usize = 1024;

pub(super) fn find(cast: &Cast<'_>, seen: &Seen, packets: &[Sent], arrows: &mut [Arrow]) {
    if seen.partial {
        return;
    }
    let unpaired = unpaired(packets, &seen.sightings);
    let shown: HashSet<(VantageId, bool, u8)> =
        seen.sightings.iter().map(|s| (s.vantage, s.forward, s.tuple)).collect();
    for arrow in arrows.iter_mut().filter(|a| a.last && !a.loopback) {
        let packet = &packets[arrow.packet];
        arrow.lost = is_lost(cast, seen, packet, arrow, &unpaired, &shown);
    }
}

fn unpaired(packets: &[Sent], sightings: &[Sighting]) -> Unpaired {
    let mut found = Unpaired::new();
    for packet in packets {
        let mut vantages: Vec<VantageId> =
            packet.sightings.iter().map(|i| sightings[*i].vantage).collect();
        vantages.sort_unstable();
        vantages.dedup();
        if let [alone] = vantages[..] {
            let entry = (packet.forward, packet.shape.seq, packet.shape.len);
            found.entry(alone).or_default().push(entry);
        }
    }
    found
}

fn is_lost(
    cast: &Cast<'_>,
    seen: &Seen,
    packet: &Sent,
    arrow: &Arrow,
    unpaired: &Unpaired,
    directions: &HashSet<(VantageId, bool, u8)>,
) -> bool {
    let trace = cast.trace;
    let Some(host) = cast.host(arrow.to) else { return false };
    let vantages = &trace.topology.hosts.get(host).vantages;
    let shown = |v: &VantageId| arrow.sightings.iter().any(|i| seen.sightings[*i].vantage == *v);
    if vantages.is_empty() || vantages.iter().any(shown) {
        return false;
    }
    let Some(last) = arrow.sightings.last().map(|i| &seen.sightings[*i]) else { return false };
    // A pure acknowledgment is one of many that look alike.
    if packet.shape.seq_len() == 0 && packet.ambiguous {
        return false;
    }
    let could = |v: &VantageId| {
        let others = directions.contains(&(*v, packet.forward, arrow.tuples.1));
        watched(cast, last, *v, others)
    };
    let covered = |v: &VantageId| {
        unpaired.get(v).is_some_and(|list| {
            list.len() > MAX_UNPAIRED
                || list.iter().any(|(forward, seq, len)| {
                    *forward == packet.forward && overlaps((*seq, *len), packet)
                })
        })
    };
    vantages.iter().any(could) && !vantages.iter().any(covered)
}

/// Whether bytes of the packet are in a segment; any segment may have swallowed
/// an acknowledgment.
fn overlaps((seq, len): (u32, u32), packet: &Sent) -> bool {
    let own = packet.shape.seq_len();
    if own == 0 {
        return true;
    }
    let ahead = packet.shape.seq.wrapping_sub(seq);
    let behind = seq.wrapping_sub(packet.shape.seq);
    ahead < len || behind < own
}

/// Whether a vantage could have seen the packet that was last seen at `last`;
/// `others` of its direction it has seen.
fn watched(cast: &Cast<'_>, last: &Sighting, vantage: VantageId, others: bool) -> bool {
    let trace = cast.trace;
    let there = &trace.vantages[vantage.index()];
    let here = &trace.vantages[last.vantage.index()];
    let at = trace.time(At { vantage: last.vantage, mark: last.mark });
    let addressed = last.link.dst.is_some_and(|mac| there.own.has(mac));
    if there.own.span || !(addressed || others) {
        return false;
    }
    match trace.timeline.uncertainty(there.capture, here.capture, at) {
        Some(error) => {
            let start = trace.start_of(there).0.saturating_add(error);
            let end = trace.end_of(there).0.saturating_sub(error);
            start < at.0 && at.0 < end
        }
        None => ran_meanwhile(cast, last, vantage),
    }
}

/// Whether two captures both show a connection that was over before a frame of the first, and one that
/// began after it, in the order of the first one's frames: the second ran meanwhile, whatever its clock says.
fn ran_meanwhile(cast: &Cast<'_>, last: &Sighting, there: VantageId) -> bool {
    let (trace, here, frame) = (cast.trace, last.vantage, last.mark.frame());
    let (mut before, mut after) = (false, false);
    for (id, c) in trace.iter().filter(|(id, _)| *id != cast.id) {
        let begins = |leg: &&Leg| !c.protocol.is_tcp() || trace.forward(leg).syn.is_set();
        let legs = || trace.legs(id).iter().filter(begins);
        if !legs().any(|leg| leg.vantage == there) {
            continue;
        }
        for leg in legs().filter(|leg| leg.vantage == here) {
            let stream = leg.of(&trace.vantages);
            before |= stream.last().frame() < frame;
            after |= stream.first().frame() > frame;
        }
        if before && after {
            return true;
        }
    }
    false
}
