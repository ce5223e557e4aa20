//! Packets to [`Observations`]: all that one vantage saw, in one pass.
//!
//! Memory goes by flows, hosts and errors, never by packets, and every table is
//! bounded: what a hostile or enormous capture holds beyond the bounds is
//! counted and said, not kept. A vantage stands alone here: nothing in this
//! module looks at another capture, at a role or at a fault.

mod asked;
mod batch;
mod closed;
mod control;
mod datagrams;
mod dns_pairs;
mod embryo;
mod errors;
mod finish;
mod first_request;
mod fragments;
mod health;
mod hello;
mod hop;
mod hops;
mod idle;
mod key;
mod left_out;
mod link;
mod links;
mod look;
mod mark;
mod marked;
mod neighbors;
mod observe;
mod on_demand;
mod one_way;
mod options;
mod own;
mod preface;
mod release;
mod roles;
pub(crate) mod rows;
mod sacks;
mod sealed;
mod segments;
mod side_tables;
mod spoken;
mod steady;
mod stream;
mod stream_table;
mod syn_checksum;
mod tally;
mod token;
mod trouble;
mod unopened;
mod vantage_id;

pub use asked::Asked;
pub use closed::ClosedWindow;
pub use dns_pairs::DnsPair;
pub use embryo::{Answer, Evicted, Kind, LetGo, MAX_EMBRYOS, MAX_REFUSED};
pub use errors::{Contest, Echo, IcmpError, IcmpErrorKind, Takeovers, VrrpSpeaker};
pub use first_request::FirstRequest;
pub use fragments::Pieces;
pub use health::{LocalEndpoints, is_googles};
pub use hello::Hello;
pub use hop::{Hop, HopId};
pub use idle::{Idle, Silence};
pub use key::{Key, Side};
pub(crate) use left_out::settle as settle_left_out;
pub use link::{COPY_WINDOW_NS, Link, LinkId};
pub use look::{Look, Looker};
pub use mark::Mark;
pub use marked::Marks;
pub use neighbors::{Ask, Binding, Claim, Dispute, Neighbors, OverlayEnd, Probe};
pub use observe::Observer;
pub use one_way::{Flow, Reset, SynShape};
pub use options::Optioned;
pub use own::{Own, OwnEvidence};
pub use preface::{FirstReply, Preface};
pub use rows::{VANTAGES, restore, store, tables};
pub use sacks::StrangeSacks;
pub use side_tables::{FullFirst, Repeat, SideTables};
pub use spoken::{Spoken, Words};
pub use stream::{EPHEMERAL, Stream, StreamId};
pub use syn_checksum::Sums;
pub use tally::Tally;
pub use unopened::{Unopened, UnopenedCounts};
pub use vantage_id::VantageId;

use crate::capture::{LinkType, Timestamp};

/// The largest window that TCP can announce, bytes (RFC 7323, section 2.3).
const MAX_WINDOW: u32 = 1 << 30;

/// What one vantage saw: one interface of one capture.
#[derive(Debug, Clone)]
pub struct Observations {
    /// The user's name for it, or the file's stem, `stem#interface` where a
    /// file has several.
    pub label: String,
    /// Index of the capture among those read.
    pub capture: usize,
    /// Link type of its frames.
    pub link_type: LinkType,
    /// Frames by how far they could be read.
    pub tally: Tally,
    /// Frames whose inside is not read.
    pub unopened: UnopenedCounts,
    /// Time of the earliest frame, on this capture's clock.
    pub start: Timestamp,
    /// Time of the latest frame.
    pub end: Timestamp,
    /// Streams in the order in which they began.
    pub streams: Vec<Stream>,
    /// Links of all flows; a flow names its first, each names its next.
    pub links: Vec<Link>,
    /// Distinct link headers with TTLs, which links share.
    pub hops: Vec<Hop>,
    /// Who claimed which address, who asked for which.
    pub neighbors: Neighbors,
    /// ICMP errors with what they quote.
    pub errors: Vec<IcmpError>,
    /// ICMP errors beyond the bound.
    pub errors_dropped: u64,
    /// Echo exchanges by pair of addresses.
    pub echoes: Vec<Echo>,
    /// Echo requests and replies of pairs beyond the bound.
    pub echoes_dropped: u64,
    /// VRRP speakers.
    pub vrrp: Vec<VrrpSpeaker>,
    /// Advertisements of speakers beyond the bound.
    pub vrrp_dropped: u64,
    /// What few flows show: repeats, closed windows.
    pub side_tables: SideTables,
    /// Streams that were let go, as they were more than are kept.
    pub evicted: Evicted,
    /// Which MACs are the capturing host's own.
    pub own: Own,
    /// What the capture lets through.
    pub shows: Shows,
}

/// What a capture lets through: filters and one-sided mirrors leave out kinds of
/// frames, and what never shows is no silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shows {
    /// Both directions of conversations.
    pub both_ways: bool,
    /// Segments after the handshake.
    pub beyond_syn: bool,
    /// Segments that only acknowledge, unless it has none and there must have been some.
    pub acks: bool,
    /// Frames of one direction alone, though conversations go on that need both (`tcpdump -Q in`).
    pub one_way: bool,
}

impl Observations {
    /// The links of a flow, in the order in which they were first used.
    pub fn links_of<'a>(&'a self, flow: &Flow) -> impl Iterator<Item = &'a Link> + use<'a> {
        let mut next = flow.link;
        std::iter::from_fn(move || {
            let link = self.links.get(next.index()?)?;
            next = link.next;
            Some(link)
        })
    }

    /// The first frame that repeated bytes on a link.
    #[must_use]
    pub fn first_repeat(&self, link: &Link) -> Mark {
        self.side_tables.troubles.first_repeat(link.trouble)
    }

    /// Whether a link lacks bytes below the highest that it saw: they never came this
    /// way, or the capture lost them.
    #[must_use]
    pub fn has_hole(&self, link: &Link) -> bool {
        self.side_tables.troubles.has_hole(link.trouble)
    }

    /// Whether any link has a hole or a repeat.
    #[must_use]
    pub fn has_troubles(&self) -> bool {
        self.side_tables.troubles.any()
    }

    /// The bytes that a link lacks below the highest that it saw, as many as are known to
    /// be missing, and the sequence number after the last of them. Numbers that lie further apart
    /// than any window are of two connections on one five-tuple, and nothing lies between them.
    #[must_use]
    pub fn hole(&self, link: &Link) -> Option<(u32, u32)> {
        self.side_tables.troubles.hole_of(link.trouble).filter(|(bytes, _)| *bytes < MAX_WINDOW)
    }

    /// The hop that a link travels.
    #[must_use]
    pub fn hop(&self, link: &Link) -> &Hop {
        &self.hops[link.hop.index()]
    }

    /// The links of a flow with their hops.
    pub fn path<'a>(&'a self, flow: &Flow) -> impl Iterator<Item = (&'a Link, &'a Hop)> + use<'a> {
        self.links_of(flow).map(|link| (link, &self.hops[link.hop.index()]))
    }

    /// The links of a flow that carried fragments: the hop, and how many.
    pub fn fragments_of<'a>(
        &'a self,
        flow: &Flow,
    ) -> impl Iterator<Item = (&'a Hop, &'a Pieces)> + use<'a> {
        self.numbered(flow).filter_map(|(at, hop)| Some((hop, self.side_tables.pieces(at)?)))
    }

    /// The links of a flow with their hops, and what of them had IP options.
    pub fn options_of<'a>(
        &'a self,
        flow: &Flow,
    ) -> impl Iterator<Item = (&'a Link, &'a Hop, Optioned)> + use<'a> {
        self.numbered(flow).map(|(at, hop)| {
            let of = self.side_tables.options.of(at).copied().unwrap_or_default();
            (&self.links[at as usize], hop, of)
        })
    }

    /// What the headers of a flow's SYNs asked for on its first link; `None` where it is not known.
    #[must_use]
    pub fn marks_of(&self, flow: &Flow) -> Option<Marks> {
        let (at, hop) = self.numbered(flow).next()?;
        // Where a text prints no TTL, it prints nothing else of the header.
        (hop.ttl != 0).then(|| self.side_tables.marked.of(at)).flatten()
    }

    /// The links of a flow whose repeated SYNs were weighed: the hop, and their checksums.
    pub fn sums_of<'a>(
        &'a self,
        flow: &Flow,
    ) -> impl Iterator<Item = (&'a Hop, &'a Sums)> + use<'a> {
        self.numbered(flow).filter_map(|(at, hop)| Some((hop, self.side_tables.sums(at)?)))
    }

    /// The indexes of a flow's links, as side tables have them.
    fn link_indexes(&self, flow: &Flow) -> impl Iterator<Item = u32> + use<'_> {
        self.numbered(flow).map(|(at, _)| at)
    }

    /// Bytes that a flow sent again, in order.
    #[must_use]
    pub fn repeats_of(&self, flow: &Flow) -> Vec<&Repeat> {
        self.side_tables.repeats_on(self.link_indexes(flow))
    }

    /// Whether a flow sent its FIN again, and no byte.
    #[must_use]
    pub fn repeats_only_fin(&self, flow: &Flow) -> bool {
        let fin = flow.end_seq.wrapping_sub(1);
        let again = self.repeats_of(flow);
        flow.fin.is_set() && !again.is_empty() && again.iter().all(|repeat| repeat.from == fin)
    }

    /// The links of a flow by their index, with their hops.
    fn numbered<'a>(&'a self, flow: &Flow) -> impl Iterator<Item = (u32, &'a Hop)> + use<'a> {
        let mut next = flow.link;
        std::iter::from_fn(move || {
            let at = next.index()?;
            let link = self.links.get(at)?;
            next = link.next;
            Some((at as u32, self.hop(link)))
        })
    }

    /// The first hop of a flow at this vantage.
    #[must_use]
    pub fn first_hop(&self, flow: &Flow) -> Option<&Hop> {
        self.links_of(flow).next().map(|link| self.hop(link))
    }
}
