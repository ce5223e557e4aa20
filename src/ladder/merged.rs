//! Segments that one host sent as many and another saw as one, or the reverse.
//!
//! Offload (TSO, GRO, LRO) cuts the byte stream differently at each host. Where
//! small segments tile a large one exactly and no lane shows both, they are one
//! packet on the drawing. Ranges that only overlap stay apart.

use super::collect::Sighting;
use super::packet::{Sent, lane};
use crate::wire::{TcpFlags, seq_lt};
use std::collections::{BTreeMap, BTreeSet};

/// Segments that are looked at for one merged segment: 64 KiB hold 120 of the
/// smallest usual size.
const MAX_TILES: usize = 256;

pub(super) fn join(sent: &mut Vec<Sent>, sightings: &[Sighting]) {
    for forward in [true, false] {
        direction(sent, sightings, forward);
    }
    sent.retain(|s| !s.sightings.is_empty());
}

fn direction(sent: &mut [Sent], sightings: &[Sighting], forward: bool) {
    let data = |s: &Sent| {
        s.forward == forward
            && s.shape.len > 0
            && s.shape.flags & (TcpFlags::SYN | TcpFlags::RST) == 0
            && s.shape.flags != 0
    };
    let mut by_start: Vec<usize> = (0..sent.len()).filter(|i| data(&sent[*i])).collect();
    let Some(base) =
        by_start.iter().map(|i| sent[*i].shape.seq).reduce(|a, b| if seq_lt(b, a) { b } else { a })
    else {
        return;
    };
    let offset = |s: &Sent| s.shape.seq.wrapping_sub(base);
    by_start.sort_by_key(|i| (offset(&sent[*i]), sent[*i].shape.len));
    let mut large = by_start.clone();
    large.sort_by_key(|i| std::cmp::Reverse(sent[*i].shape.len));
    for big in large {
        if sent[big].sightings.is_empty() {
            continue;
        }
        let start = offset(&sent[big]);
        let end = start.saturating_add(sent[big].shape.len);
        let own: BTreeSet<_> = sent[big].sightings.iter().map(|i| lane(&sightings[*i])).collect();
        let from = by_start.partition_point(|i| offset(&sent[*i]) < start);
        let inside: Vec<usize> = by_start[from..]
            .iter()
            .take_while(|i| offset(&sent[**i]) < end)
            .take(MAX_TILES)
            .copied()
            .filter(|i| {
                let small = &sent[*i];
                small.shape.len < sent[big].shape.len
                    && offset(small).saturating_add(small.shape.len) <= end
                    && !small.sightings.is_empty()
                    && !small.sightings.iter().any(|s| own.contains(&lane(&sightings[*s])))
            })
            .collect();
        for tile in tiles(sent, sightings, &inside, &offset, (start, end)) {
            let taken = std::mem::take(&mut sent[tile].sightings);
            sent[big].shape.flags |= sent[tile].shape.flags;
            sent[big].sightings.extend(taken);
        }
    }
}

/// Segments that together are exactly the range, at every lane that shows some.
fn tiles(
    sent: &[Sent],
    sightings: &[Sighting],
    inside: &[usize],
    offset: &impl Fn(&Sent) -> u32,
    (start, end): (u32, u32),
) -> BTreeSet<usize> {
    let mut lanes: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for i in inside {
        for s in &sent[*i].sightings {
            let list = lanes.entry(lane(&sightings[*s])).or_default();
            if list.last() != Some(i) {
                list.push(*i);
            }
        }
    }
    let mut taken = BTreeSet::new();
    for list in lanes.values() {
        let mut at = start;
        let mut row = Vec::new();
        for i in list {
            if offset(&sent[*i]) == at {
                at = at.saturating_add(sent[*i].shape.len);
                row.push(*i);
            }
        }
        if at == end {
            taken.extend(row);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Mark, VantageId};
    use crate::ladder::collect::Shape;
    use crate::wire::LinkHeader;

    fn world(frames: &[(u16, u32, u32)]) -> (Vec<Sent>, Vec<Sighting>) {
        let shape = |seq, len| Shape { seq, ack: 1, flags: TcpFlags::ACK, len, digest: 0 };
        let sightings: Vec<Sighting> = frames
            .iter()
            .enumerate()
            .map(|(i, (vantage, seq, len))| Sighting {
                vantage: VantageId(*vantage),
                mark: Mark::new(i as u32 + 1, crate::capture::Timestamp(0)),
                tuple: 0,
                forward: true,
                link: LinkHeader::default(),
                ttl: 64,
                id: None,
                stamp: None,
                outer: None,
                shape: shape(*seq, *len),
                closed: false,
                says: None,
            })
            .collect();
        let sent = (0..frames.len())
            .map(|i| Sent {
                forward: true,
                shape: sightings[i].shape,
                sightings: vec![i],
                ambiguous: false,
            })
            .collect();
        (sent, sightings)
    }

    fn lengths(sent: &[Sent]) -> Vec<u32> {
        sent.iter().map(|s| s.shape.len).collect()
    }

    #[test]
    fn segments_that_tile_a_merged_one_are_one_packet() {
        // The sequence number wraps in the middle.
        let base = u32::MAX - 999;
        let at = |n: u32| base.wrapping_add(n);
        let (mut sent, seen) = world(&[
            (0, at(0), 1000),
            (0, at(1000), 1000),
            (0, at(2000), 1000),
            (1, at(0), 3000),
            (2, at(0), 2000),
            (2, at(2000), 1000),
        ]);
        join(&mut sent, &seen);
        assert_eq!(lengths(&sent), [3000]);
        assert_eq!(sent[0].sightings.len(), 6);
    }

    #[test]
    fn ranges_that_only_overlap_stay_apart() {
        let (mut sent, seen) = world(&[(0, 0, 1000), (0, 1000, 1000), (1, 500, 1200)]);
        join(&mut sent, &seen);
        assert_eq!(sent.len(), 3);
    }

    #[test]
    fn a_repeat_at_one_vantage_is_no_tile() {
        // The sender repeats both segments as one.
        let (mut sent, seen) = world(&[(0, 0, 1000), (0, 1000, 1000), (0, 0, 2000)]);
        join(&mut sent, &seen);
        assert_eq!(sent.len(), 3);
    }
}
