//! What few flows show, kept aside so that the others do not pay for it: bytes
//! sent again, holes in streams, and windows that closed.
//!
//! Tables grow by links at most, or are bounded; what does not fit is counted.

use super::asked::{AllAsked, Asked};
use super::closed::{ClosedWindow, ClosedWindows};
use super::dns_pairs::{DnsPair, DnsPairs};
use super::first_request::{FirstRequest, FirstRequests};
use super::fragments::Pieces;
use super::health::{Health, LocalEndpoints};
use super::hello::Hellos;
use super::idle::{Idle, Idles};
use super::marked::Marked;
use super::on_demand::OnDemand;
use super::options::Options;
use super::preface::Prefaces;
use super::sacks::{AllSacks, StrangeSacks};
use super::spoken::AllSpoken;
use super::syn_checksum::{AllSums, Sums};
use super::token::Tokens;
use super::trouble::Troubles;
use super::{Hello, Mark, Preface, Side, Spoken, Stream, StreamId};
use crate::hashed::HashMap;
use crate::wire::tls::Random;
use crate::wire::{Ip, Tcp, Toa};
use std::sync::OnceLock;

/// Repeats that are kept.
const MAX_REPEATS: usize = 1 << 14;
/// Streams whose first payload is kept for leaving little room.
const MAX_FULL: usize = 1 << 13;
/// Option bytes and payload bytes above which it does: a client's address, with its port,
/// takes 8 or 20 of 40 bytes of options.
const ROOM: usize = 20;
const LARGE: u32 = 1200;

/// A segment that sent bytes again on a link.
#[derive(Debug, Clone, Copy)]
pub struct Repeat {
    /// Index of the link.
    pub link: u32,
    /// Sequence number of its first byte.
    pub from: u32,
    /// The one after its last; a FIN counts.
    pub to: u32,
    /// Frame and time.
    pub mark: Mark,
}

/// The client's first segment with payload, where it leaves little room for an option.
#[derive(Debug, Clone, Copy)]
pub struct FullFirst {
    /// Frame and time.
    pub mark: Mark,
    /// Bytes of TCP options.
    pub options: u8,
    /// Bytes of payload.
    pub payload: u32,
}

impl FullFirst {
    /// Payload bytes below which a segment with few options leaves room, and is not kept.
    pub const LARGE: u32 = LARGE;
}

/// The rare facts of one vantage.
#[derive(Debug, Clone, Default)]
pub struct SideTables {
    /// In order.
    pub repeats: Vec<Repeat>,
    /// Their places, sorted by link, for who asks when the pass is over.
    repeats_by_link: OnceLock<Vec<u32>>,
    /// Repeats beyond the bound.
    pub repeats_dropped: u64,
    pub(super) windows: ClosedWindows,
    pub(super) troubles: Troubles,
    pub(super) toa: HashMap<StreamId, Toa>,
    pub(super) full: HashMap<StreamId, FullFirst>,
    pub(super) hellos: Hellos,
    pub(super) tokens: Tokens,
    pub(super) prefaces: Prefaces,
    pub(super) first_requests: FirstRequests,
    pub(super) spoken: OnDemand<AllSpoken>,
    pub(super) dns_pairs: DnsPairs,
    pub(super) asked: AllAsked,
    pub(super) health: OnDemand<Health>,
    pub(super) pieces: HashMap<u32, Pieces>,
    pub(super) options: Options,
    pub(super) marked: Marked,
    pub(super) idles: Idles,
    pub(super) sacks: AllSacks,
    pub(super) sums: AllSums,
}

impl SideTables {
    pub(super) fn repeat(&mut self, link: usize, mark: Mark, tcp: &Tcp<'_>) {
        if self.repeats.len() >= MAX_REPEATS {
            self.repeats_dropped += 1;
            return;
        }
        let to = tcp.seq.wrapping_add(tcp.seq_len());
        self.repeats.push(Repeat { link: link as u32, from: tcp.seq, to, mark });
    }

    /// The repeats of some links, in order.
    pub(super) fn repeats_on(&self, links: impl Iterator<Item = u32>) -> Vec<&Repeat> {
        if self.repeats.is_empty() {
            return Vec::new();
        }
        let link_of = |at: &u32| self.repeats[*at as usize].link;
        let sorted = self.repeats_by_link.get_or_init(|| {
            let mut places: Vec<u32> = (0..self.repeats.len() as u32).collect();
            places.sort_by_key(link_of);
            places
        });
        let mut places: Vec<u32> = links
            .flat_map(|link| {
                let from = sorted.partition_point(|at| link_of(at) < link);
                sorted[from..].iter().take_while(move |at| link_of(at) == link)
            })
            .copied()
            .collect();
        places.sort_unstable();
        places.iter().map(|at| &self.repeats[*at as usize]).collect()
    }

    /// The clients that a balancer named in a TCP option, by stream.
    pub fn clients(&self) -> impl Iterator<Item = (&StreamId, &Toa)> {
        self.toa.iter()
    }

    /// The client that a balancer, or the client itself, named in a stream.
    #[must_use]
    pub fn client_of(&self, stream: StreamId) -> Option<&Toa> {
        self.toa.get(&stream)
    }

    /// The client's first payload, where it leaves little room for an option. A large one
    /// is kept only where clients were named before.
    #[must_use]
    pub fn full_first(&self, stream: StreamId) -> Option<&FullFirst> {
        self.full.get(&stream)
    }

    /// The first ClientHello of each stream that shows one, by stream.
    #[must_use]
    pub fn hellos(&self) -> &[Hello] {
        self.hellos.list()
    }

    /// What one side of a stream without a handshake is recognised by elsewhere: hashes of
    /// its segments, the smallest first; none where a handshake was seen.
    #[must_use]
    pub fn tokens(&self, stream: StreamId, side: Side) -> &[u64] {
        self.tokens.of(stream, side)
    }

    /// Segments of streams without a handshake that are more than keep tokens.
    #[must_use]
    pub fn tokens_dropped(&self) -> u64 {
        self.tokens.dropped
    }

    /// The PROXY header that a stream begins with, if it does.
    #[must_use]
    pub fn preface(&self, id: StreamId) -> Option<&Preface> {
        self.prefaces.of(id)
    }

    /// What the sides of a stream said in so many words, in order.
    #[must_use]
    pub fn spoken(&self, id: StreamId) -> &[Spoken] {
        self.spoken.get().map_or(&[], |spoken| spoken.of(id))
    }

    /// Whether any side of any stream said such words.
    #[must_use]
    pub fn has_spoken(&self) -> bool {
        self.spoken.get().is_some_and(|spoken| !spoken.is_empty())
    }

    /// The ClientHello of a stream, the first.
    #[must_use]
    pub fn hello_of(&self, id: StreamId) -> Option<&Hello> {
        let list = self.hellos.list();
        list.binary_search_by_key(&id, |hello| hello.stream).ok().map(|at| &list[at])
    }

    /// What nodes of a cluster said on their health-check ports, by endpoint.
    pub fn local_endpoints(&self) -> impl Iterator<Item = (&(Ip, u16), &LocalEndpoints)> {
        self.health.get().into_iter().flat_map(Health::said)
    }

    /// Whether a stream begins with a request that says it asks for health; `None` where it does
    /// not say, see [`is_googles`](super::is_googles).
    #[must_use]
    pub fn is_probe(&self, id: StreamId) -> Option<bool> {
        self.health.get()?.is_probe(id)
    }

    /// Whether any stream was first answered with an HTTP error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.health.get().is_some_and(|health| !health.errors.is_empty())
    }

    /// The first answer of a stream and its status, if that is an HTTP error (400 to 599).
    #[must_use]
    pub fn first_error(&self, id: StreamId) -> Option<(Mark, u16)> {
        self.health.get()?.error(id)
    }

    /// Whether a stream is first answered with a redirect.
    #[must_use]
    pub fn is_redirected(&self, id: StreamId) -> bool {
        self.health.get().is_some_and(|health| health.is_redirected(id))
    }

    /// The DNS questions that opened a stream together and were not both answered at once,
    /// if it shows such.
    #[must_use]
    pub fn dns_pair(&self, id: StreamId) -> Option<&DnsPair> {
        self.dns_pairs.of(id)
    }

    /// When one side sent its first payload again, the other side silent.
    #[must_use]
    pub fn asked(&self, id: StreamId, side: Side) -> Option<&Asked> {
        self.asked.of(id, side)
    }

    /// The silences of a stream, if it was silent for half a minute or longer.
    #[must_use]
    pub fn idle(&self, id: StreamId) -> Option<&Idle> {
        self.idles.of(id)
    }

    /// What a side of a stream acknowledges beyond a gap that the other never sent.
    #[must_use]
    pub fn strange_sacks(&self, id: StreamId, side: Side) -> Option<&StrangeSacks> {
        self.sacks.of(id, side)
    }

    /// Whether any does.
    #[must_use]
    pub fn has_strange_sacks(&self) -> bool {
        !self.sacks.is_empty()
    }

    /// Whether there are any.
    #[must_use]
    pub fn has_dns_pairs(&self) -> bool {
        !self.dns_pairs.is_empty()
    }

    /// The fragments that a link carried, by its index; `None` where it carried none.
    #[must_use]
    pub fn pieces(&self, link: u32) -> Option<&Pieces> {
        self.pieces.get(&link)
    }

    /// The checksums of repeated SYNs on a link, by its index.
    #[must_use]
    pub fn sums(&self, link: u32) -> Option<&Sums> {
        self.sums.of(link)
    }

    /// Sides of streams that advertised a window of 0, by first appearance.
    #[must_use]
    pub fn closed(&self) -> &[ClosedWindow] {
        self.windows.list()
    }

    /// Flows with a closed window that are more than are kept.
    #[must_use]
    pub fn closed_dropped(&self) -> u64 {
        self.windows.dropped
    }

    /// Whether a frame is the first later fragment of a link.
    #[must_use]
    pub fn is_later_fragment(&self, mark: Mark) -> bool {
        self.pieces.values().any(|pieces| pieces.later == mark)
    }

    /// Whether any fragment was seen.
    #[must_use]
    pub fn has_pieces(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Whether any packet of a flow had IP options.
    #[must_use]
    pub fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// Whether any stream begins with a PROXY header.
    #[must_use]
    pub fn has_prefaces(&self) -> bool {
        !self.prefaces.is_empty()
    }

    /// What the client of a stream asked for first.
    #[must_use]
    pub fn first_request(&self, id: StreamId) -> Option<FirstRequest> {
        self.first_requests.of(id)
    }

    /// The name of the server that a request is for.
    #[must_use]
    pub fn server_name(&self, request: FirstRequest) -> Option<&str> {
        self.first_requests.name(request)
    }

    /// Forgets whom clients asked for: names are those of people's services.
    pub fn forget_server_names(&mut self) {
        self.first_requests.forget_names();
    }

    /// Keeps the client that a segment names, the first of its stream.
    pub(super) fn name(&mut self, id: StreamId, tcp: &Tcp<'_>) {
        if let Some(toa) = tcp.parse_options().toa.filter(|toa| toa.addr.is_host()) {
            self.toa.entry(id).or_insert(toa);
        }
    }

    /// Keeps the first payload of a client that leaves little room for an option.
    #[inline]
    pub(super) fn fill(
        &mut self,
        id: StreamId,
        stream: &Stream,
        side: Side,
        mark: Mark,
        tcp: &Tcp<'_>,
    ) {
        let large = tcp.payload_len >= LARGE && !self.toa.is_empty();
        let full = large || tcp.options.len() > ROOM;
        if full && self.full.len() < MAX_FULL && stream.client() == side {
            let options = tcp.options.len() as u8;
            self.full.entry(id).or_insert(FullFirst { mark, options, payload: tcp.payload_len });
        }
    }

    /// Keeps a ClientHello, where there is one.
    #[inline]
    pub(super) fn hello(
        &mut self,
        stream: StreamId,
        mark: Mark,
        random: Option<Random>,
        all: &[Stream],
    ) {
        if let Some(random) = random {
            self.hellos.push(Hello { stream, mark, random }, all);
        }
    }

    /// Forgets a link that is let go.
    pub(super) fn forget_link(&mut self, link: u32) {
        self.sums.forget(link);
        self.options.forget(link);
        self.marked.forget(link);
    }

    /// Forgets a stream that is let go.
    pub(super) fn forget(&mut self, id: StreamId) {
        self.toa.remove(&id);
        self.full.remove(&id);
        self.tokens.forget(id);
        self.prefaces.forget(id);
        self.first_requests.forget(id);
        if let Some(spoken) = self.spoken.get_mut() {
            spoken.forget(id);
        }
        self.dns_pairs.forget(id);
        self.asked.forget(id);
        if let Some(health) = self.health.get_mut() {
            health.forget(id);
        }
        self.idles.forget(id);
        self.sacks.forget(id);
    }
}
