//! Datagrams of which a host replaces both addresses, as a node of a cluster does that balances and masquerades: no
//! endpoint of the one is one of the other. What they say, and their identification, tie them, where that host's own
//! capture shows the one come in and the other leave at once.

use super::Tie;
use super::midstream::REWRITE_NS;
use super::union::{StreamRef, Union};
use crate::flow::{Observations, Side};

/// What a side of a stream said first: its vantage and digest, when, whether this host sent it.
type First = ((u32, u32), i64, bool, StreamRef, Side);

pub(super) fn tie(vantages: &[Observations], without: &[StreamRef], union: &mut Union) {
    let mut firsts: Vec<First> = without.iter().filter_map(|at| first(vantages, at)).collect();
    firsts.sort_unstable_by_key(|(digest, at, sent, stream, _)| (*digest, *at, *sent, *stream));
    for same in firsts.chunk_by(|a, b| a.0 == b.0) {
        // Of what is said more often, a heartbeat that is always the same, none tells whose it is.
        let [(_, began, false, a, x), (_, left, true, b, y)] = same else { continue };
        let at_once = (0..=REWRITE_NS).contains(&(left - began));
        if at_once && answers_agree(vantages, (a, *x), (b, *y)) {
            union.join(*a, *b, Tie::Datagram);
        }
    }
}

fn first(vantages: &[Observations], at: &StreamRef) -> Option<First> {
    let (vantage, stream) = (&vantages[at.vantage.index()], at.of(vantages));
    if stream.is_evicted() || !stream.key.protocol.is_udp() {
        return None;
    }
    let began = |side: Side| stream.flow(side).data.get();
    let side = match (began(Side::A), began(Side::B)) {
        (Some(a), Some(b)) if b.frame() < a.frame() => Side::B,
        (None, Some(_)) => Side::B,
        (None, None) => return None,
        _ => Side::A,
    };
    let flow = stream.flow(side);
    let sent = vantage.own.sent(vantage.first_hop(flow)?)?;
    let digest = (at.vantage.index() as u32, flow.isn);
    Some((digest, flow.data.at().0, sent, *at, side))
}

/// Whether no answer speaks against it: those of both are one, or one has none.
fn answers_agree(
    vantages: &[Observations],
    (a, x): (&StreamRef, Side),
    (b, y): (&StreamRef, Side),
) -> bool {
    let answer = |at: &StreamRef, side: Side| {
        let flow = at.of(vantages).flow(side.other());
        flow.seen().then_some(flow.isn)
    };
    match (answer(a, x), answer(b, y)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}
