//! Flows of all vantages that belong to one connection, with the evidence for
//! each tie.
//!
//! The handshake ties first: the client's initial sequence number with its
//! timestamp and options survives every layer-4 rewrite. What began before the
//! capture is tied by segments that two vantages show, or by its sequence ranges. A
//! tie that rests on nothing is not made; flows that could not be tied stay
//! connections of their own. Clocks of captures are not aligned yet, they come later
//! and rest on these ties.

mod absent;
mod ahead;
mod carried;
mod elsewhere;
mod handshake;
mod link_sequence;
mod midstream;
mod outcome;
mod ranges;
mod rows;
mod sample;
mod spans;
mod stalled;
mod stamp;
mod stated;
mod token;
mod translated;
mod tuple;
mod union;

pub use ahead::TOGETHER;
pub use link_sequence::{LinkSequence, LinkSequenceId, LinkSequences, speaks};
pub use outcome::{Outcome, Progress, is_forestalled, is_thrown_away};
pub use rows::{store, tables};
pub use sample::even_out;
pub use spans::Spans;
pub use stalled::is_farewell;
pub use stated::{BothSides, Carried};
pub use tuple::Tuple;

use crate::flow::{Flow, Hop, Observations, Side, Stream, VantageId};
use crate::wire::Protocol;
use union::Union;

/// Index of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u32);

/// Why flows are taken for one connection, strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tie {
    /// Seen at one place on one five-tuple: nothing had to be tied.
    Alone,
    /// Sequence ranges that overlap, of one client endpoint or in both directions
    /// (mid-stream).
    SequenceRange,
    /// The same five-tuple, for protocols without a handshake.
    FiveTuple,
    /// The same datagram of the same client, twice past one vantage at once.
    Datagram,
    /// Segments with the same sequence and acknowledgment numbers (mid-stream).
    PacketToken,
    /// The TSval of the client's SYN with the client's endpoint (numbers not known).
    Stamp,
    /// The client's initial sequence number with the client's endpoint.
    Isn,
    /// Initial sequence number, TSval and SYN options.
    Handshake,
    /// The initial sequence numbers of both sides.
    IsnPair,
    /// A host's own table of connections names both five-tuples.
    Table,
    /// The client's address, carried in a TCP option.
    Toa,
}

impl Tie {
    /// As a reader wants it said.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Alone => "one five-tuple at one vantage",
            Self::SequenceRange => "overlapping TCP sequence ranges",
            Self::FiveTuple => "same five-tuple",
            Self::Datagram => "same datagram of the same client endpoint, rewritten",
            Self::PacketToken => "segments with the same sequence and acknowledgment numbers",
            Self::Stamp => "same TSval of the SYN and client endpoint",
            Self::Isn => "same client ISN and client endpoint",
            Self::Handshake => "same client ISN, TSval and SYN options",
            Self::IsnPair => "same ISN of client and of server",
            Self::Table => "both five-tuples in a host's own table of connections",
            Self::Toa => "the client's address in a TCP option (TOA)",
        }
    }
}

/// One stream of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Index of the vantage.
    pub vantage: VantageId,
    /// Which of the connection's five-tuples it has: 0 is the client's own.
    pub tuple: u8,
    /// The side of the stream that is the client's.
    pub client: Side,
    /// How what the client sent passed the vantage.
    pub there: LinkSequenceId,
    /// How what the server sent passed it.
    pub back: LinkSequenceId,
    /// Index of the stream at its vantage.
    pub stream: u32,
    /// How long its handshake and its first answer took.
    pub spans: Spans,
}

/// What a user means by a connection: client to service, through whatever
/// rewrites, to the real server.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    legs: (u32, u32),
    /// IP protocol.
    pub protocol: Protocol,
    /// As the client sees it.
    pub front: Tuple,
    /// As the real server sees it, where addresses were rewritten.
    pub back: Option<Tuple>,
    /// Distinct five-tuples.
    pub tuples: u8,
    /// The weakest tie between its flows.
    pub tie: Tie,
    /// How it ended, over all vantages.
    pub outcome: Outcome,
    /// How far it came.
    pub progress: Progress,
}

impl Connection {
    /// Whether one of its five-tuples has one host at both ends.
    #[must_use]
    pub fn has_self(&self) -> bool {
        self.front.is_self() || self.back.is_some_and(|back| back.is_self())
    }
}

/// All connections.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// In the order in which they began, as far as captures can be compared.
    pub list: Vec<Connection>,
    legs: Vec<Leg>,
    /// The ways that legs took past their vantages.
    pub ways: LinkSequences,
}

impl Connections {
    /// The streams of a connection, by five-tuple and vantage.
    #[must_use]
    pub fn legs(&self, connection: &Connection) -> &[Leg] {
        &self.legs[connection.legs.0 as usize..connection.legs.1 as usize]
    }

    /// Where a direction of a leg first passed its vantage: by its way where it has a common one, as a
    /// flow's links lie far apart in memory.
    #[must_use]
    pub fn first_hop<'a>(
        &self,
        vantages: &'a [Observations],
        leg: &Leg,
        forward: bool,
    ) -> Option<&'a Hop> {
        let vantage = &vantages[leg.vantage.index()];
        match self.ways.get(if forward { leg.there } else { leg.back }) {
            Some(way) => way.first().map(|hop| &vantage.hops[hop.index()]),
            None if forward => vantage.first_hop(leg.forward(vantages)),
            None => vantage.first_hop(leg.reply(vantages)),
        }
    }
}

impl Leg {
    /// The stream itself.
    #[must_use]
    pub fn of<'a>(&self, vantages: &'a [Observations]) -> &'a Stream {
        &vantages[self.vantage.index()].streams[self.stream as usize]
    }

    /// What the client sent on it.
    #[must_use]
    pub fn forward<'a>(&self, vantages: &'a [Observations]) -> &'a Flow {
        self.of(vantages).flow(self.client)
    }

    /// What the server sent on it.
    #[must_use]
    pub fn reply<'a>(&self, vantages: &'a [Observations]) -> &'a Flow {
        self.of(vantages).flow(self.client.other())
    }
}

/// Addresses that the user stated to be virtual.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// Virtual addresses.
    pub vips: Vec<crate::wire::Ip>,
    /// Client addresses.
    pub clients: Vec<crate::wire::Ip>,
    /// Connections of which a host's table names both sides.
    pub translated: Vec<BothSides>,
}

/// Tells own MACs again where other captures show that a vantage's own frames misled, or
/// left it open, and what captures left out.
pub fn settle(vantages: &mut [Observations]) {
    absent::settle(vantages);
    elsewhere::settle(vantages);
    crate::flow::settle_left_out(vantages);
}

/// Ties the streams of all vantages.
#[must_use]
pub fn correlate(vantages: &[Observations], stated: &Stated) -> Connections {
    let mut union = Union::new(vantages);
    let without_handshake = handshake::tie(vantages, &mut union);
    stamp::tie(vantages, &without_handshake, &mut union);
    token::tie(vantages, &without_handshake, &mut union);
    ranges::tie(vantages, &without_handshake, &mut union);
    midstream::tie(vantages, &without_handshake, &mut union);
    translated::tie(vantages, &without_handshake, &mut union);
    carried::tie(vantages, &mut union);
    stated::tie(vantages, &stated.translated, &mut union);
    tuple::assemble(vantages, &union, stated)
}
