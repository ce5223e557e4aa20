//! Ties of what began before the capture, and of protocols without a
//! handshake.
//!
//! NAT and DR keep the client's endpoint and the sequence numbers; two streams
//! of one client endpoint whose sequence ranges overlap in both directions that
//! both saw are one connection. A range of 32-bit numbers that overlaps another
//! by chance is as rare as the range is small against 4 GiB.

use super::Tie;
use super::union::{StreamRef, Union};
use crate::flow::{Flow, Observations, Side, Stream, VantageId};
use crate::hashed::HashMap;
use crate::wire::{Ip, Protocol};

/// Streams of one endpoint that are compared; more is a proxy's or a scanner's.
const MAX_PER_ENDPOINT: usize = 64;
/// Time that a host takes at most to rewrite a datagram.
pub(super) const REWRITE_NS: i64 = 100_000_000;
/// Distance by which two captures of one exchange may begin apart, bytes.
const SLACK: u32 = 1 << 20;

/// Ties streams that show no handshake, with each other and with such as do.
pub(super) fn tie(vantages: &[Observations], without: &[StreamRef], union: &mut Union) {
    if without.is_empty() {
        return;
    }
    let mut by_endpoint: HashMap<(Protocol, Ip, u16), Vec<(StreamRef, Side)>> = HashMap::default();
    for at in without {
        let key = at.of(vantages).key;
        for side in [Side::A, Side::B] {
            let end = (key.protocol, key.ip(side), key.port(side));
            by_endpoint.entry(end).or_default().push((*at, side));
        }
    }
    // Streams with a handshake may be the earlier captured end of one without.
    for (v, vantage) in VantageId::each(vantages) {
        for (s, stream) in vantage.streams.iter().enumerate() {
            if stream.is_evicted() || is_midstream(stream) {
                continue;
            }
            let side = stream.client();
            let key = (stream.key.protocol, stream.key.ip(side), stream.key.port(side));
            if let Some(list) = by_endpoint.get_mut(&key) {
                list.push((StreamRef { vantage: v, stream: s as u32 }, side));
            }
        }
    }
    let mut buckets: Vec<_> = by_endpoint.into_iter().collect();
    buckets.sort_unstable_by_key(|(key, _)| *key);
    for (_, bucket) in buckets {
        if bucket.len() > MAX_PER_ENDPOINT {
            continue;
        }
        for (i, (a, x)) in bucket.iter().enumerate() {
            for (b, y) in &bucket[i + 1..] {
                let here = a.vantage == b.vantage;
                let (s, t) = (a.of(vantages), b.of(vantages));
                // What passes one vantage twice by one way was sent twice.
                let vantage = &vantages[a.vantage.index()];
                let told = vantage.first_hop(s.flow(*x)).is_none_or(|hop| !hop.is_blank());
                let same_way = here
                    && s.key != t.key
                    && told
                    && vantage.first_hop(s.flow(*x)) == vantage.first_hop(t.flow(*y));
                if same_way {
                    continue;
                }
                // Of two datagrams that came together, the second alone may have passed.
                let token =
                    |at: &StreamRef| vantage.side_tables.dns_pair(at.stream).map(|t| t.token);
                let tokens = if here { [token(a), token(b)] } else { [None, None] };
                if let Some(tie) = agree(s, *x, t, *y, here, tokens) {
                    union.join(*a, *b, tie);
                }
            }
        }
    }
}

fn is_midstream(stream: &Stream) -> bool {
    !stream.key.protocol.is_tcp() || stream.client_isn().is_none()
}

fn agree(
    a: &Stream,
    x: Side,
    b: &Stream,
    y: Side,
    here: bool,
    seconds: [Option<u32>; 2],
) -> Option<Tie> {
    let same_far = (a.key.ip(x.other()), a.key.port(x.other()))
        == (b.key.ip(y.other()), b.key.port(y.other()));
    if !a.key.protocol.is_tcp() {
        if same_far {
            return Some(Tie::FiveTuple);
        }
        return (here && is_rewritten(a.flow(x), b.flow(y), seconds)).then_some(Tie::Datagram);
    }
    if !is_midstream(a) && !is_midstream(b) {
        return None;
    }
    let ranges = [overlap(a.flow(x), b.flow(y)), overlap(a.flow(x.other()), b.flow(y.other()))];
    // Each shows one direction, as where a tunnel brings requests and answers go without:
    // one acknowledges what the other sent.
    if ranges == [None, None] {
        let of = |f: &Flow, g: &Flow| acknowledges(f, g) && acknowledges(g, f);
        let crossed = [(a.flow(x), b.flow(y.other())), (a.flow(x.other()), b.flow(y))];
        return (same_far && crossed.iter().any(|(f, g)| of(f, g))).then_some(Tie::SequenceRange);
    }
    // One direction must agree, none may disagree.
    let agreed = ranges.contains(&Some(true)) && !ranges.contains(&Some(false));
    let both = ranges == [Some(true), Some(true)];
    // Clients of one server share its endpoint, not a connection.
    let by_client = a.client() == x && b.client() == y;
    (agreed && (same_far || both && by_client)).then_some(Tie::SequenceRange)
}

/// One datagram in and out of a host: the same content, at once.
fn is_rewritten(f: &Flow, g: &Flow, [of_f, of_g]: [Option<u32>; 2]) -> bool {
    let first = f.data.is_set() && g.data.is_set();
    let same = f.isn == g.isn || of_f == Some(g.isn) || of_g == Some(f.isn);
    first && same && f.data.since(g.data).abs() <= REWRITE_NS
}

/// Whether what one side acknowledged is what the other sent.
fn acknowledges(f: &Flow, g: &Flow) -> bool {
    let length = g.end_seq.wrapping_sub(g.isn).saturating_add(SLACK);
    f.seen()
        && g.seen()
        && !f.counted
        && !g.counted
        && f.flags.ack()
        && f.max_ack.wrapping_sub(g.isn) <= length
}

fn overlap(f: &Flow, g: &Flow) -> Option<bool> {
    if !f.seen() || !g.seen() || f.counted || g.counted {
        return None;
    }
    let length = |flow: &Flow| flow.end_seq.wrapping_sub(flow.isn);
    let ahead = g.isn.wrapping_sub(f.isn);
    let behind = f.isn.wrapping_sub(g.isn);
    Some(ahead <= length(f).saturating_add(SLACK) || behind <= length(g).saturating_add(SLACK))
}
