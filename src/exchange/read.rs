//! The second, bounded pass: what suspected connections say.

mod ear;
mod frames;

pub(super) use ear::Ear;

use super::opening::Opening;
use super::suspect::Suspects;
use super::{Exchange, Heard};
use crate::capture::{Capture, CaptureError, CaptureFile};
use crate::correlate::{Connections, Leg};
use crate::flow::{Key, Observations, Side as End, StreamId, VantageId};
use crate::hashed::HashMap;
use crate::wire::Ip;
use frames::read_again;
use std::collections::BTreeSet;

/// Exchanges that are kept.
pub(super) const MAX_EXCHANGES: usize = 1 << 20;

/// What suspected connections say.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Requests with their responses.
    pub exchanges: Vec<Exchange>,
    /// Connections that do not begin with a request.
    pub openings: Vec<Opening>,
    /// Captures that could not be read again, with why.
    pub unread: Vec<(usize, String)>,
    /// All streams that were listened to: vantage, stream, which side was taken for the client's.
    pub ears: Vec<(VantageId, StreamId, End)>,
}

/// Streams that are listened to, by vantage and key.
type Ears = Vec<HashMap<Key, Vec<Ear>>>;

pub(super) fn listen(
    captures: &[Capture],
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    known: &Heard,
) -> Said {
    let elsewhere: Vec<bool> = captures.iter().map(is_elsewhere).collect();
    let is_away = |leg: &Leg| {
        let capture = vantages[leg.vantage.index()].capture;
        elsewhere.get(capture) == Some(&true) && !known.has(leg)
    };
    let mut found = Said::default();
    let (mut ears, unheard) = ears(vantages, connections, suspects, is_away);
    let listening = |ear: &Ear| (ear.leg.vantage, ear.leg.stream, ear.leg.client);
    let mut all: Vec<&Ear> = ears.iter().flat_map(HashMap::values).flatten().collect();
    all.sort_unstable_by_key(|ear| ear.connection);
    found.ears = all.into_iter().map(listening).collect();
    let hasher = super::digests();
    for (index, capture) in captures.iter().enumerate() {
        let here: Vec<VantageId> = VantageId::all(vantages)
            .filter(|v| vantages[v.index()].capture == index && !ears[v.index()].is_empty())
            .collect();
        if here.is_empty() {
            continue;
        }
        if elsewhere[index] {
            known.repeat(&here, &ears, &mut found);
            continue;
        }
        let faults = read_again(capture, &here, &mut ears, &hasher, &mut found);
        found.unread.extend(faults.into_iter().map(|fault| (index, fault)));
    }
    let away = unheard.into_iter().filter_map(|capture| {
        let path = captures.get(capture)?.files.first()?.path.clone();
        Some((capture, CaptureError::Elsewhere { path }.to_string()))
    });
    found.unread.extend(away);
    found
}

/// Where each suspected connection is listened to: at the vantage that most suspects of its proxies pass. Besides, captures
/// that alone show one of them, and whose frames are elsewhere.
fn ears(
    vantages: &[Observations],
    connections: &Connections,
    Suspects { sides: suspects, attempts }: &Suspects,
    is_away: impl Fn(&Leg) -> bool,
) -> (Ears, BTreeSet<usize>) {
    let mut wanted: Vec<u32> = suspects.keys().copied().collect();
    wanted.sort_unstable();
    // By proxy: what passes for another says nothing of where this one is seen.
    let mut passing: HashMap<(Ip, VantageId), u32> = HashMap::default();
    for connection in &wanted {
        // A host that translates shows both sides, and one connection all the same.
        let at: BTreeSet<VantageId> =
            heard(vantages, connections, *connection).map(|leg| leg.vantage).collect();
        for (vantage, proxy) in
            at.into_iter().flat_map(|v| suspects[connection].proxies().map(move |p| (v, p)))
        {
            *passing.entry((proxy, vantage)).or_default() += 1;
        }
    }
    // What a proxy tries in vain says nothing, and shows where its own side is seen.
    for (attempt, proxy) in attempts {
        let legs = connections.legs(&connections.list[*attempt as usize]).iter();
        for leg in legs.filter(|leg| leg.forward(vantages).opened()) {
            *passing.entry((*proxy, leg.vantage)).or_default() += 1;
        }
    }
    let passing = |connection: u32, at: VantageId| -> u32 {
        let counts = suspects[&connection].proxies().map(|proxy| passing.get(&(proxy, at)));
        counts.flatten().sum()
    };
    let mut ears: Ears = vantages.iter().map(|_| HashMap::default()).collect();
    let mut unheard = BTreeSet::new();
    for connection in wanted {
        let best = heard(vantages, connections, connection)
            .filter(|leg| !is_away(leg))
            .max_by_key(|leg| (passing(connection, leg.vantage), std::cmp::Reverse(leg.vantage)));
        let Some(leg) = best else {
            let legs = heard(vantages, connections, connection);
            unheard.extend(legs.map(|leg| vantages[leg.vantage.index()].capture));
            continue;
        };
        let of_key = ears[leg.vantage.index()].entry(leg.of(vantages).key).or_default();
        of_key.push(Ear::new(connection, *leg, vantages));
    }
    (ears, unheard)
}

/// Whether the frames of a capture are elsewhere.
fn is_elsewhere(capture: &Capture) -> bool {
    capture.files.iter().any(CaptureFile::is_elsewhere)
}

/// The legs on which a connection can be read. It is read at the vantage that
/// most suspects of its proxy pass: one that sees both sides of it tells their order.
fn heard<'a>(
    vantages: &'a [Observations],
    connections: &'a Connections,
    connection: u32,
) -> impl Iterator<Item = &'a Leg> {
    let legs = connections.legs(&connections.list[connection as usize]);
    legs.iter().filter(|leg| leg.forward(vantages).payload > 0)
}
