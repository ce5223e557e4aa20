//! Ties by the handshake: client ISN, TSval, SYN options.
//!
//! DR, NAT, TUN and source NAT keep all three. A 32-bit number alone is no
//! identity, so two streams with one ISN are tied only if what else was seen of
//! their handshakes agrees.

use super::Tie;
use super::union::{StreamRef, Union};
use crate::flow::{Observations, Stream};

/// Streams with one ISN that are compared each with each; beyond this the ISN
/// is a constant of some tool, and only equal client endpoints are tied.
const MAX_PAIRWISE: usize = 64;
/// TSvals of one SYN's repeats: 127 s of retries at the usual 1,000 Hz.
const MAX_RETRY_TICKS: u32 = 130_000;

pub(super) fn tie(vantages: &[Observations], union: &mut Union) {
    let mut by_isn: Vec<(u32, StreamRef)> = Vec::new();
    for (v, vantage) in vantages.iter().enumerate() {
        for (s, stream) in vantage.streams.iter().enumerate() {
            if stream.is_evicted() || stream.key.protocol != 6 {
                continue;
            }
            if let Some(isn) = stream.client_isn() {
                by_isn.push((isn, StreamRef { vantage: v as u16, stream: s as u32 }));
            }
        }
    }
    by_isn.sort_unstable();
    let stream = |at: StreamRef| &vantages[usize::from(at.vantage)].streams[at.stream as usize];
    for bucket in by_isn.chunk_by(|a, b| a.0 == b.0) {
        if bucket.len() > MAX_PAIRWISE {
            tie_endpoints(bucket, &stream, union);
            continue;
        }
        for (i, (_, b)) in bucket.iter().enumerate().skip(1) {
            // Agreement with any stream before is agreement with its set.
            for (_, a) in &bucket[..i] {
                if let Some(tie) = agree(stream(*a), stream(*b)) {
                    union.join(*a, *b, tie);
                    break;
                }
            }
        }
    }
}

fn tie_endpoints<'a>(
    bucket: &[(u32, StreamRef)],
    stream: &impl Fn(StreamRef) -> &'a Stream,
    union: &mut Union,
) {
    let client = |at: StreamRef| {
        let s = stream(at);
        (s.key.ip(s.client()), s.key.port(s.client()))
    };
    let mut sorted: Vec<StreamRef> = bucket.iter().map(|(_, at)| *at).collect();
    sorted.sort_unstable_by_key(|at| client(*at));
    for same in sorted.chunk_by(|a, b| client(*a) == client(*b)) {
        for at in &same[1..] {
            if agree(stream(same[0]), stream(*at)).is_some() {
                union.join(same[0], *at, Tie::Isn);
            }
        }
    }
}

/// Whether two streams with one client ISN are one connection.
fn agree(a: &Stream, b: &Stream) -> Option<Tie> {
    let (x, y) = (a.client(), b.client());
    let same_client = (a.key.ip(x), a.key.port(x)) == (b.key.ip(y), b.key.port(y));
    let same_server = (a.key.ip(x.other()), a.key.port(x.other()))
        == (b.key.ip(y.other()), b.key.port(y.other()));
    let (f, g) = (a.flow(x), b.flow(y));
    if f.opened() && g.opened() {
        // Options that a short snapshot length cut off prove nothing.
        let shape = |s: &crate::flow::SynShape| (s.window_scale, s.sack);
        let whole = !f.shape.cut && !g.shape.cut;
        if whole && shape(&f.shape) != shape(&g.shape) {
            return None;
        }
    }
    let stamped = match (a.client_tsval(), b.client_tsval()) {
        (Some(s), Some(t)) => {
            // A vantage may have seen only a repeat, or the echo of one.
            let apart = s.wrapping_sub(t).min(t.wrapping_sub(s));
            if apart > MAX_RETRY_TICKS || (apart > 0 && !same_client && !same_server) {
                return None;
            }
            apart == 0
        }
        _ => false,
    };
    match (stamped, same_client) {
        (true, _) => Some(Tie::Handshake),
        (false, true) => Some(Tie::Isn),
        (false, false) => None,
    }
}
