//! Requests and responses of connections that may pass a layer-7 proxy, and the
//! pairs that they make.
//!
//! A proxy ends the client's connection and opens its own: no sequence number
//! survives, only what is said. A TLS hello is kept in the first pass. All else that is
//! said is read in a second pass, and only where a host both serves clients and is a
//! client itself; everywhere else nothing is read twice. A pair names its evidence; the
//! same request of many clients stays unpaired unless time or the response leaves one
//! choice.

mod around;
mod circle;
mod fronts;
mod groups;
mod hello;
mod logged;
mod open_at;
mod opening;
mod pair;
mod raw;
mod read;
mod reply;
mod rows;
mod sides;
mod stated;
mod suspect;
mod transparent;
mod waiting;

pub use pair::{Evidence, Pairs};
pub use reply::Reply;
pub use rows::{Heard, restore, store, tables};

use crate::capture::Capture;
use crate::correlate::{BothSides, Carried, Connections};
use crate::flow::{Mark, Observations, StreamId, VantageId};
use crate::hashed::HashMap;
use crate::wire::Ip;

/// A request with its response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exchange {
    /// Index of the connection.
    pub connection: u32,
    /// Index of the vantage at which it was read.
    pub vantage: VantageId,
    /// Index of the stream there.
    pub stream: StreamId,
    /// When the request began to pass.
    pub request: Mark,
    /// Digest of method and target.
    pub line: u64,
    /// Digest of the request identifier, where it has one.
    pub id: Option<u64>,
    /// Digest of the trace identifier, where it has one.
    pub trace: Option<u64>,
    /// The client as the proxy's header names it.
    pub forwarded_for: Option<Ip>,
    /// The client's endpoint as the PROXY header names it.
    pub proxied: Option<(Ip, u16)>,
    /// When the response began to pass.
    pub response: Mark,
    /// Its status.
    pub status: Option<u16>,
    /// What tells the response from others.
    pub reply: Reply,
    /// Digest of the host that it is for.
    pub host: Option<u64>,
    /// It was there as a whole with its first segment: its head is, and its method has no content (GET, HEAD).
    pub whole: bool,
    /// It asks to go on in WebSocket.
    pub upgrade: bool,
    /// The response sends its client to the very place that was asked for, by the same scheme or without TLS.
    pub sent_back: bool,
    /// The same, by TLS.
    pub sent_back_tls: bool,
}

/// Digests of what is said: one seed for all, as what was read on several hosts is compared.
pub(super) type Digests = foldhash::fast::FixedState;

/// A seed of their own.
fn digests() -> Digests {
    Digests::with_seed(2)
}

/// Pairs the connections of proxies; reads again what suspected ones say. `heard`: of captures whose
/// frames are elsewhere, what their connections said when they were indexed. `proxied`: what proxies'
/// tables say of both sides; `carried`: what their logs say of one, and of whom they asked.
#[must_use]
pub fn pair(
    captures: &[Capture],
    vantages: &[Observations],
    connections: &Connections,
    heard: &Heard,
    (proxied, carried): (&[BothSides], &[Carried]),
) -> Pairs {
    let hosts = groups::Groups::of(vantages);
    let (transparent, suspects) = suspected(vantages, &hosts, connections);
    let mut pairs = Pairs::default();
    stated::tie(connections, proxied, &mut pairs);
    hello::tie(vantages, connections, &hosts, &mut pairs);
    if suspects.sides.is_empty() {
        logged::tie(vantages, connections, carried, &mut pairs);
        return pairs;
    }
    let said = read::listen(captures, vantages, connections, &suspects, heard);
    pair::pair(vantages, connections, &suspects, &said, &mut pairs);
    raw::tie(vantages, connections, &suspects, &said.openings, &mut pairs);
    let own = suspects.attempts.iter().map(|(attempt, _)| *attempt);
    pairs.tried = own.filter(|attempt| transparent.contains_key(attempt)).collect();
    waiting::attempts(vantages, connections, &suspects, &said, &mut pairs);
    // What is said ties before what only a log says.
    logged::tie(vantages, connections, carried, &mut pairs);
    pairs.exchanges = said.exchanges;
    pairs.unread = said.unread;
    pairs
}

/// Reads what suspected connections say, of which [`pair`] would read it, to be kept with their
/// captures.
#[must_use]
pub fn hear(captures: &[Capture], vantages: &[Observations], connections: &Connections) -> Heard {
    let hosts = groups::Groups::of(vantages);
    let (_, suspects) = suspected(vantages, &hosts, connections);
    if suspects.sides.is_empty() {
        return Heard::default();
    }
    let said = read::listen(captures, vantages, connections, &suspects, &Heard::default());
    Heard::of(said)
}

/// Backends' connections that carry their client's address, by host; and the connections of hosts that
/// may be proxies.
fn suspected(
    vantages: &[Observations],
    hosts: &groups::Groups,
    connections: &Connections,
) -> (HashMap<u32, Ip>, suspect::Suspects) {
    let transparent = transparent::opened(vantages, hosts, connections);
    let suspects = suspect::suspects(vantages, hosts, connections, &transparent);
    (transparent, suspects)
}
