//! Ties by the handshake: client ISN, TSval, SYN options.
//!
//! DR, NAT, TUN and source NAT keep all three. A 32-bit number alone is no
//! identity, so two streams with one ISN are tied only if what else was seen of
//! their handshakes agrees.

use super::Tie;
use super::union::{StreamRef, Union};
use crate::flow::{Flow, HopId, Observations, Stream, VantageId};
use crate::parts::in_parts_from;
use crate::wire::{Ip, LinkHeader};
use foldhash::fast::RandomState;
use rayon::prelude::*;
use std::hash::BuildHasher;

/// Streams with one ISN that are compared each with each; beyond this the ISN
/// is a constant of some tool, and only equal client endpoints are tied.
const MAX_PAIRWISE: usize = 64;
/// Streams that are looked through together.
const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 14;
/// TSvals of one SYN's repeats: 127 s of retries at the usual 1,000 Hz.
const MAX_RETRY_TICKS: u32 = 130_000;

/// What ties need to know of a stream, packed: buckets are compared without
/// going back to streams that lie far apart in memory.
#[derive(Debug, Clone, Copy)]
struct Shake {
    isn: u32,
    at: StreamRef,
    /// TSval of the client's SYN, where `stamped`.
    tsval: u32,
    client: u32,
    server: u32,
    /// Both addresses, without ports.
    hosts: u32,
    stamped: bool,
    /// The SYN itself was seen, with all its options.
    whole: bool,
    window_scale: u8,
    sack: bool,
    /// Its SYN-ACK was seen, with the initial sequence number of the server.
    accepted: bool,
    server_isn: u32,
    /// Where the SYN passed its vantage; [`NOWHERE`] where that is not known.
    hop: HopId,
    /// The SYN's IPv4 identification, where nothing but it tells two packets of one sender apart: where frames
    /// have no link header, a packet that was rewritten and one that was sent twice pass by one hop. 0: none.
    id: u16,
}

/// No hop.
const NOWHERE: HopId = HopId(u32::MAX);

impl Shake {
    fn of(
        at: StreamRef,
        vantage: &Observations,
        stream: &Stream,
        hasher: &RandomState,
    ) -> Option<Self> {
        if stream.is_evicted() || !stream.key.protocol.is_tcp() {
            return None;
        }
        let isn = stream.client_isn()?;
        let side = stream.client();
        let there = stream.flow(side);
        let tsval = stream.client_tsval();
        let server_isn = accepted(stream.flow(side.other()));
        let end =
            |side| hasher.hash_one((stream.key.ip(side).words(), stream.key.port(side))) as u32;
        let link = there.opened().then(|| vantage.links_of(there).next()).flatten();
        let hop = link.and_then(|link| vantage.hops.get(link.hop.index()));
        Some(Self {
            isn,
            at,
            tsval: tsval.unwrap_or(0),
            client: end(side),
            server: end(side.other()),
            hosts: hasher.hash_one([side, side.other()].map(|s| stream.key.ip(s).words())) as u32,
            stamped: tsval.is_some(),
            whole: there.opened() && !there.shape.cut(),
            window_scale: there.shape.window_scale,
            sack: there.shape.sack(),
            accepted: server_isn.is_some(),
            server_isn: server_isn.unwrap_or(0),
            hop: link
                .filter(|_| hop.is_some_and(|hop| !hop.is_blank()))
                .map_or(NOWHERE, |link| link.hop),
            id: link
                .filter(|_| hop.is_some_and(|hop| hop.link == LinkHeader::default()))
                .map_or(0, |link| link.first_id),
        })
    }

    /// The client's end of its stream.
    fn client_of(&self, vantages: &[Observations]) -> (Ip, u16) {
        let stream = self.at.of(vantages);
        let side = stream.client();
        (stream.key.ip(side), stream.key.port(side))
    }

    /// Whether two streams with one client ISN are one connection.
    fn agrees(&self, other: &Self) -> Option<Tie> {
        let same_client = self.client == other.client;
        let same_server = self.server == other.server;
        // Two SYNs by one way past one vantage were sent twice, not rewritten.
        let one_packet = same_client && self.id != 0 && self.id == other.id;
        if self.at.vantage == other.at.vantage
            && self.hop != NOWHERE
            && self.hop == other.hop
            && !(same_client && same_server)
            && !one_packet
        {
            return None;
        }
        // 64 bits that the two stacks drew: FullNAT keeps them, whatever else it strips.
        let both = self.accepted && other.accepted && self.server_isn == other.server_isn;
        if both && !(same_client && same_server) {
            return Some(Tie::IsnPair);
        }
        // Who rewrites the client's port puts another address in its place, too: so a scan looks that draws one number.
        if self.at.vantage == other.at.vantage && self.hosts == other.hosts && !same_client {
            return None;
        }
        // Options that a short snapshot length cut off prove nothing, and where both stacks' numbers agree, a device
        // on the way took options out.
        if !both
            && self.whole
            && other.whole
            && (self.window_scale, self.sack) != (other.window_scale, other.sack)
        {
            return None;
        }
        let mut equal = false;
        if self.stamped && other.stamped {
            // A vantage may have seen only a repeat, or the echo of one.
            let ahead = self.tsval.wrapping_sub(other.tsval);
            let apart = ahead.min(ahead.wrapping_neg());
            if apart > MAX_RETRY_TICKS || (apart > 0 && !same_client && !same_server) {
                return None;
            }
            equal = apart == 0;
        }
        match (equal, same_client) {
            (true, _) => Some(Tie::Handshake),
            (false, true) => Some(Tie::Isn),
            (false, false) => None,
        }
    }
}

/// The initial sequence number of a server that accepted once.
pub(super) fn accepted(back: &Flow) -> Option<u32> {
    (back.accepted() && back.isns == 1 && !back.counted).then_some(back.isn)
}

/// What streams show of their handshakes, and those that show none.
fn gather(
    vantage: &Observations,
    number: VantageId,
    first: usize,
    streams: &[Stream],
    hasher: &RandomState,
) -> (Vec<Shake>, Vec<StreamRef>) {
    let mut shakes = Vec::with_capacity(streams.len());
    let mut without = Vec::new();
    for (s, stream) in streams.iter().enumerate() {
        let at = StreamRef { vantage: number, stream: (first + s) as u32 };
        match Shake::of(at, vantage, stream, hasher) {
            Some(shake) => shakes.push(shake),
            None if !stream.is_evicted() => without.push(at),
            None => {}
        }
    }
    (shakes, without)
}

/// Ties by the handshake, and gives back the streams that show none.
pub(super) fn tie(vantages: &[Observations], union: &mut Union) -> Vec<StreamRef> {
    let hasher = RandomState::default();
    // Handshakes of each chunk of streams, where they were gathered.
    let mut shakes: Vec<Vec<Shake>> = Vec::new();
    let mut without = Vec::new();
    for (v, vantage) in VantageId::each(vantages) {
        let gathered: Vec<_> = vantage
            .streams
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(chunk, streams)| gather(vantage, v, chunk * CHUNK, streams, &hasher))
            .collect();
        for (some, none) in gathered {
            shakes.push(some);
            without.extend(none);
        }
    }
    // Numbers are sorted, not handshakes, which are six times as large.
    let mut order: Vec<u64> = Vec::with_capacity(shakes.iter().map(Vec::len).sum());
    for (some, chunk) in shakes.iter().zip(0u64..) {
        let places = some.iter().zip(chunk << CHUNK_BITS..);
        order.extend(places.map(|(shake, at)| u64::from(shake.isn) << 32 | at));
    }
    order.par_sort_unstable();
    let shake = |number: &u64| {
        let at = *number as u32 as usize;
        &shakes[at >> CHUNK_BITS][at % CHUNK]
    };
    let isn = |number: &u64| number >> 32;
    // No part begins among handshakes with one ISN.
    let begin = |even: usize| {
        even + order[even..].iter().take_while(|one| isn(one) == isn(&order[even])).count()
    };
    let ties = in_parts_from(order.len(), begin, |part| {
        let mut ties = Vec::new();
        let mut bucket: Vec<&Shake> = Vec::new();
        let alike = order[part].chunk_by(|a, b| isn(a) == isn(b));
        for same in alike.filter(|same| same.len() > 1) {
            bucket.clear();
            bucket.extend(same.iter().map(shake));
            tie_alike(&bucket, vantages, &mut ties);
        }
        ties
    });
    for (a, b, tie) in ties.into_iter().flatten() {
        union.join(a, b, tie);
    }
    without
}

/// Two streams that are one connection, and why.
type Tied = (StreamRef, StreamRef, Tie);

/// Ties handshakes with one ISN, in the order of their streams.
fn tie_alike(bucket: &[&Shake], vantages: &[Observations], ties: &mut Vec<Tied>) {
    if bucket.len() > MAX_PAIRWISE {
        // Of so many ends two may have one hash: they are compared themselves.
        let mut own: Vec<((Ip, u16), &Shake)> =
            bucket.iter().map(|shake| (shake.client_of(vantages), *shake)).collect();
        own.sort_unstable_by_key(|(end, shake)| (*end, shake.at));
        for same in own.chunk_by(|a, b| a.0 == b.0) {
            let first = same[0].1;
            for (_, other) in &same[1..] {
                // Servers that drew numbers of their own answered calls of their own.
                let apart =
                    first.accepted && other.accepted && first.server_isn != other.server_isn;
                if !apart && first.agrees(other).is_some() {
                    ties.push((first.at, other.at, Tie::Isn));
                }
            }
        }
        return;
    }
    for (i, shake) in bucket.iter().enumerate() {
        // Agreement with any stream before is agreement with its set.
        let tied = bucket[..i].iter().find_map(|a| Some((a.at, a.agrees(shake)?)));
        if let Some((at, tie)) = tied {
            ties.push((at, shake.at, tie));
        }
    }
}
