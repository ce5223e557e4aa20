//! Which bytes that were sent again had not arrived: repeats where frames leave against repeats where
//! they arrive.

use super::MARGIN_NS;
use super::walk::Place;
use crate::flow::{Flow, Repeat, VantageId};
use crate::trace::{At, Trace};
use crate::wire::{seq_gt, seq_lt};
use std::collections::BTreeMap;

/// Repeats of one connection that are compared.
const MAX_COMPARED: usize = 1024;
pub(super) type Repeats<'a> = Vec<BTreeMap<u32, Vec<&'a Repeat>>>;

pub(super) fn by_link(trace: &Trace) -> Repeats<'_> {
    trace
        .vantages
        .iter()
        .map(|vantage| {
            let mut links: BTreeMap<u32, Vec<&Repeat>> = BTreeMap::new();
            for repeat in &vantage.side_tables.repeats {
                links.entry(repeat.link).or_default().push(repeat);
            }
            links
        })
        .collect()
}

/// The repeats that left and whose first transmission, or they themselves, did
/// not arrive.
pub(super) fn lost(
    trace: &Trace,
    repeats: &Repeats<'_>,
    out: &[Place<'_>],
    into: &[Place<'_>],
) -> Vec<At> {
    let (Some(sent), Some(came)) = (repeats_at(repeats, out), repeats_at(repeats, into)) else {
        return Vec::new();
    };
    // Holes that were never filled: that capture misses frames itself.
    if sent.is_empty() || into.iter().any(|p| trace.vantage(p.leg).has_hole(p.link)) {
        return Vec::new();
    }
    let mut left: Vec<(u32, u32)> = came.iter().map(|(_, r)| (r.from, r.to)).collect();
    let mut lost = Vec::new();
    let again = |repeat: &Repeat| was_seen(out, repeat) && !rode_on_syn(out, repeat);
    for (vantage, repeat) in sent.into_iter().filter(|(_, repeat)| again(repeat)) {
        let at = At { vantage, mark: repeat.mark };
        let matched = left
            .iter()
            .position(|(from, to)| !seq_gt(*from, repeat.from) && seq_gt(*to, repeat.from));
        if let Some(matched) = matched {
            consume(&mut left, matched, repeat);
        } else if watched(trace, into, at, repeat) {
            lost.push(at);
        }
    }
    lost
}

/// Whether a capture had the bytes when they first left. One that begins later may begin with a segment that is ahead
/// of its time; what follows below it is no repeat.
fn was_seen(out: &[Place<'_>], repeat: &Repeat) -> bool {
    out.iter().any(|p| !seq_lt(repeat.from, p.flow.isn))
}

/// Whether bytes left first on the SYN. A server that does not take them there acknowledges the SYN alone, and the
/// client sends them again at once (RFC 7413, section 4.2.1): the frame arrived, or a middlebox took them off it.
fn rode_on_syn(out: &[Place<'_>], repeat: &Repeat) -> bool {
    let on_syn = |flow: &Flow| flow.data.is_set() && flow.data.frame() == flow.syn.frame();
    out.iter().any(|p| on_syn(p.flow) && repeat.from == p.flow.isn.wrapping_add(1))
}

/// Repeats at all places; `None` where not all were kept.
fn repeats_at<'a>(
    repeats: &Repeats<'a>,
    places: &[Place<'_>],
) -> Option<Vec<(VantageId, &'a Repeat)>> {
    let mut found = Vec::new();
    for place in places {
        let vantage = place.leg.vantage;
        let here = repeats[vantage.index()].get(&place.index).map_or(&[][..], Vec::as_slice);
        if here.len() != usize::from(place.link.retransmissions) || here.len() > MAX_COMPARED {
            return None;
        }
        found.extend(here.iter().map(|r| (vantage, *r)));
    }
    Some(found)
}

/// Takes what a repeat covers out of what arrived again.
fn consume(left: &mut Vec<(u32, u32)>, at: usize, repeat: &Repeat) {
    let (from, to) = left.swap_remove(at);
    if seq_lt(from, repeat.from) {
        left.push((from, repeat.from));
    }
    if seq_gt(to, repeat.to) {
        left.push((repeat.to, to));
    }
}

/// Whether a vantage was there before the bytes were first sent and after they
/// were sent again, and saw them arrive in the end.
fn watched(trace: &Trace, into: &[Place<'_>], at: At, repeat: &Repeat) -> bool {
    into.iter().any(|p| {
        let vantage = trace.vantage(p.leg);
        let end = trace.end_of(vantage);
        seq_lt(p.flow.isn, repeat.from)
            && !seq_gt(repeat.to, p.flow.end_seq)
            && end.0.saturating_sub(trace.time(at).0) >= MARGIN_NS
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Mark;

    #[test]
    fn a_repeat_takes_its_bytes_out_of_what_arrived_again() {
        let repeat = |from, to| Repeat { link: 0, from, to, mark: Mark::NONE };
        let mut left = vec![(100, 400)];
        consume(&mut left, 0, &repeat(200, 300));
        left.sort_unstable();
        assert_eq!(left, [(100, 200), (300, 400)]);
        consume(&mut left, 0, &repeat(100, 200));
        assert_eq!(left, [(300, 400)]);
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut left = vec![(u32::MAX - 9, 10)];
        consume(&mut left, 0, &Repeat { link: 0, from: u32::MAX - 9, to: 5, mark: Mark::NONE });
        assert_eq!(left, [(5, 10)]);
    }
}
