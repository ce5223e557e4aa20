//! Ties by packet tokens, for connections that began before the captures did.
//!
//! Two streams that show a segment with the same sequence and acknowledgment numbers show
//! one connection: together these are 64 bits that two stacks drew. That holds whatever
//! became of addresses and ports, so it is what ties a FullNAT in mid-stream. A balancer
//! that shifts the numbers leaves nothing to go by.

use super::Tie;
use super::union::{StreamRef, Union};
use crate::flow::{Observations, Side};

/// Streams that may show one segment: every vantage twice is far below; more are copies
/// of one recording.
const MAX_OF_TOKEN: usize = 64;

/// Ties those of the streams without a handshake that show one segment.
pub(super) fn tie(vantages: &[Observations], without: &[StreamRef], union: &mut Union) {
    let mut tokens: Vec<(u64, StreamRef, Side)> = Vec::new();
    for at in without {
        let tables = &vantages[at.vantage.index()].side_tables;
        for side in [Side::A, Side::B] {
            let of = tables.tokens(at.stream, side).iter().map(|token| (*token, *at, side));
            tokens.extend(of);
        }
    }
    tokens.sort_unstable_by_key(|(token, at, _)| (*token, *at));
    for same in tokens.chunk_by(|a, b| a.0 == b.0) {
        if (2..=MAX_OF_TOKEN).contains(&same.len()) && !sent_twice(vantages, same) {
            for (_, at, _) in &same[1..] {
                union.join(same[0].1, *at, Tie::PacketToken);
            }
        }
    }
}

/// What passes one vantage by one way under two five-tuples was sent twice, and does not
/// tell whose it is.
fn sent_twice(vantages: &[Observations], same: &[(u64, StreamRef, Side)]) -> bool {
    let way = |(_, at, side): &(u64, StreamRef, Side)| {
        let vantage = &vantages[at.vantage.index()];
        vantage.first_hop(at.of(vantages).flow(*side)).filter(|hop| !hop.is_blank()).copied()
    };
    let pairs =
        same.iter().enumerate().flat_map(|(i, a)| same[i + 1..].iter().map(move |b| (a, b)));
    pairs
        .filter(|(a, b)| a.1.vantage == b.1.vantage && a.1 != b.1)
        .any(|(a, b)| way(a).is_some() && way(a) == way(b))
}
