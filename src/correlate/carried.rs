//! Ties by what a balancer carries along: the client's address in a TCP option (TOA).
//!
//! FullNAT rewrites both ends, may shift the client's sequence numbers by a constant and
//! strip its timestamps; the option then is all that says whose connection it is. A port
//! that its client used again is told by the server's own initial sequence number, which
//! balancers mostly leave alone, or by what the connections carried; where that does not
//! tell either, no tie is made.

use super::Tie;
use super::handshake::accepted;
use super::union::{StreamRef, Union};
use crate::flow::{Observations, Stream, VantageId};
use crate::hashed::HashMap;
use crate::wire::{Ip, Toa};

/// Streams of one client endpoint that are looked at.
const MAX_OF_ENDPOINT: usize = 256;

type ByClient = HashMap<(Ip, u16), Vec<StreamRef>>;

pub(super) fn tie(vantages: &[Observations], union: &mut Union) {
    let mut named: Vec<(StreamRef, Toa)> = Vec::new();
    for (v, vantage) in VantageId::each(vantages) {
        let of = |(stream, toa): (&u32, &Toa)| (StreamRef { vantage: v, stream: *stream }, *toa);
        named.extend(vantage.side_tables.clients().map(of));
    }
    if named.is_empty() {
        return;
    }
    named.sort_unstable_by_key(|(at, _)| *at);
    let mut by_client: ByClient =
        named.iter().map(|(_, toa)| ((toa.addr, toa.port), Vec::new())).collect();
    for (v, vantage) in VantageId::each(vantages) {
        for (s, stream) in vantage.streams.iter().enumerate() {
            if stream.is_evicted() || !stream.key.protocol.is_tcp() {
                continue;
            }
            let client = stream.client();
            let of = by_client.get_mut(&(stream.key.ip(client), stream.key.port(client)));
            if let Some(list) = of.filter(|list| list.len() < MAX_OF_ENDPOINT) {
                list.push(StreamRef { vantage: v, stream: s as u32 });
            }
        }
    }
    for (at, toa) in &named {
        let fronts = by_client.get(&(toa.addr, toa.port)).map_or(&[][..], Vec::as_slice);
        if let Some(front) = choose(vantages, union, *at, fronts) {
            union.join(front, *at, Tie::Toa);
        }
    }
}

/// The one connection of the client that a stream can be.
fn choose(
    vantages: &[Observations],
    union: &mut Union,
    back: StreamRef,
    fronts: &[StreamRef],
) -> Option<StreamRef> {
    let fits = |front: &&StreamRef| {
        **front != back && agrees(front.of(vantages), back.of(vantages)) != Some(false)
    };
    let mut sets: Vec<(u32, StreamRef)> =
        fronts.iter().filter(fits).map(|front| (union.set_of(*front), *front)).collect();
    sets.sort_unstable();
    sets.dedup_by_key(|(set, _)| *set);
    if let [(_, front)] = sets[..] {
        return Some(front);
    }
    let only = |test: &dyn Fn(&Stream) -> bool| {
        let mut sure = sets.iter().filter(|(_, front)| test(front.of(vantages)));
        sure.next().filter(|_| sure.next().is_none()).map(|(_, front)| *front)
    };
    let stream = back.of(vantages);
    only(&|front| answered_alike(front, stream))
        .or_else(|| only(&|front| agrees(front, stream) == Some(true)))
}

/// Whether both streams show one server's initial sequence number. Another one tells
/// nothing: a balancer may shift it too.
fn answered_alike(front: &Stream, back: &Stream) -> bool {
    let isn = |stream: &Stream| accepted(stream.flow(stream.client().other()));
    isn(front).is_some_and(|number| isn(back) == Some(number))
}

/// Whether two streams carried the same: their sequence numbers differ by a constant, so
/// what each side sent from SYN to FIN is equally long. `None` where that was not seen.
fn agrees(front: &Stream, back: &Stream) -> Option<bool> {
    let (x, y) = (front.client(), back.client());
    let mut known = None;
    for (a, b) in [(x, y), (x.other(), y.other())] {
        let (f, g) = (front.flow(a), back.flow(b));
        if [f, g].iter().all(|flow| flow.syn.is_set() && flow.fin.is_set()) {
            let same = f.end_seq.wrapping_sub(f.isn) == g.end_seq.wrapping_sub(g.isn);
            if !same {
                return Some(false);
            }
            known = Some(true);
        }
    }
    known
}
