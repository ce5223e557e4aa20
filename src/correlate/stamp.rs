//! Ties by the timestamp of a SYN, for streams of a text whose sequence numbers count from a
//! beginning that it does not show (tshark, a paste whose first lines were cut off).
//!
//! A SYN's TSval is drawn by the client's clock and kept by every layer-4 mode that keeps its
//! options; with the client's endpoint it is that client's one attempt.

use super::Tie;
use super::union::{StreamRef, Union};
use crate::flow::{Observations, Stream, VantageId};
use crate::hashed::HashMap;
use crate::wire::Ip;

/// Streams with one TSval and endpoint: every vantage twice is far below.
const MOST: usize = 64;

/// Ties those of the streams without a known handshake that are counted.
pub(super) fn tie(vantages: &[Observations], without: &[StreamRef], union: &mut Union) {
    let counted = |at: &&StreamRef| at.of(vantages).flows.iter().any(|flow| flow.counted);
    let counted: Vec<StreamRef> = without.iter().filter(counted).copied().collect();
    if counted.is_empty() {
        return;
    }
    let mut by_client: HashMap<(u32, Ip, u16), Vec<StreamRef>> = HashMap::default();
    for (v, vantage) in VantageId::each(vantages) {
        for (s, stream) in vantage.streams.iter().enumerate() {
            if let Some(key) = key(stream) {
                let at = StreamRef { vantage: v, stream: s as u32 };
                by_client.entry(key).or_default().push(at);
            }
        }
    }
    for at in counted {
        let same = key(at.of(vantages)).and_then(|key| by_client.get(&key));
        for other in same.into_iter().flatten().take(MOST) {
            if *other != at && !sent_twice(vantages, at, *other) {
                union.join(*other, at, Tie::Stamp);
            }
        }
    }
}

/// TSval and endpoint of the client.
fn key(stream: &Stream) -> Option<(u32, Ip, u16)> {
    if stream.is_evicted() || !stream.key.protocol.is_tcp() {
        return None;
    }
    let client = stream.opener()?;
    Some((stream.client_tsval()?, stream.key.ip(client), stream.key.port(client)))
}

/// What passes one vantage by one way under two five-tuples was sent twice.
fn sent_twice(vantages: &[Observations], a: StreamRef, b: StreamRef) -> bool {
    let (s, t) = (a.of(vantages), b.of(vantages));
    if a.vantage != b.vantage || s.key == t.key {
        return false;
    }
    let vantage = &vantages[a.vantage.index()];
    let hop = |stream: &Stream| vantage.first_hop(stream.flow(stream.client())).copied();
    hop(s).is_some_and(|hop| !hop.is_blank()) && hop(s) == hop(t)
}
