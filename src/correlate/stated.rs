//! Ties by a host's own table of connections: conntrack, or a FullNAT director's, which name the
//! five-tuple before a rewrite and the one behind it.
//!
//! A table is from another moment than the captures, and ports come again: a five-tuple that one
//! vantage shows twice is tied to nothing by it.

use super::tuple::Tuple;
use super::union::{StreamRef, Union};
use super::{Tie, tuple};
use crate::flow::{Observations, Side, Stream, VantageId};
use crate::hashed::HashMap;
use crate::wire::{Ip, Protocol};

/// One connection on both sides of a host that rewrites it, or ends it and opens another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BothSides {
    /// IP protocol.
    pub protocol: Protocol,
    /// As the client has it.
    pub front: Tuple,
    /// As the server has it.
    pub back: Tuple,
}

/// A client's connection that a proxy says it carried to a server, without naming its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The client; without a port where none is logged.
    pub client: (Ip, Option<u16>),
    /// Servers that were asked.
    pub servers: Vec<(Ip, u16)>,
    /// When the answer was logged, seconds since 1970.
    pub time: Option<i64>,
}

type End = (Ip, u16);
/// A five-tuple whatever its direction.
type Either = (Protocol, End, End);

fn either(protocol: Protocol, a: End, b: End) -> Either {
    if a <= b { (protocol, a, b) } else { (protocol, b, a) }
}

fn of_tuple(protocol: Protocol, tuple: &tuple::Tuple) -> Either {
    either(protocol, tuple.client, tuple.server)
}

fn of_stream(stream: &Stream) -> Either {
    let end = |side| (stream.key.ip(side), stream.key.port(side));
    either(stream.key.protocol, end(Side::A), end(Side::B))
}

/// Joins the streams of both sides.
pub(super) fn tie(vantages: &[Observations], stated: &[BothSides], union: &mut Union) {
    if stated.is_empty() {
        return;
    }
    let mut seen: HashMap<Either, Vec<StreamRef>> = HashMap::default();
    for both in stated {
        seen.entry(of_tuple(both.protocol, &both.front)).or_default();
        seen.entry(of_tuple(both.protocol, &both.back)).or_default();
    }
    for (v, vantage) in VantageId::each(vantages) {
        for (s, stream) in vantage.streams.iter().enumerate().filter(|(_, s)| !s.is_evicted()) {
            if let Some(refs) = seen.get_mut(&of_stream(stream)) {
                refs.push(StreamRef { vantage: v, stream: s as u32 });
            }
        }
    }
    // Streams stand by vantage, so a second one of the same is beside the first.
    let once = |refs: &[StreamRef]| {
        !refs.is_empty() && refs.windows(2).all(|pair| pair[0].vantage != pair[1].vantage)
    };
    for both in stated {
        let front = &seen[&of_tuple(both.protocol, &both.front)];
        let back = &seen[&of_tuple(both.protocol, &both.back)];
        if both.front == both.back || !once(front) || !once(back) {
            continue;
        }
        for at in back {
            union.join(front[0], *at, Tie::Table);
        }
    }
}
