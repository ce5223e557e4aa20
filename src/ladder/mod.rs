//! The sequence diagram of one connection, from its frames.
//!
//! Captures keep flows, not packets; a drawing needs the packets. A second,
//! bounded pass reads those of one connection, joins what several vantages saw
//! of one packet, and lays its hops between the hosts that take part. The order
//! is that of cause: frames of one vantage keep theirs, a hop comes before the
//! next one, and clocks decide only the rest. It judges nothing: which frames
//! matter, and why, comes with the request. It refuses to claim a loss where the
//! receiver's capture could have missed the packet.

mod arrow;
mod beside;
mod cast;
mod clocks;
mod collect;
mod columns;
mod fold;
mod joined;
mod label;
mod lost;
mod merged;
mod note;
mod order;
mod others;
mod packet;
mod path;
mod rewrite;
mod says;
mod steps;
mod story;

#[cfg(test)]
mod tests;

pub use story::{
    Chosen, draw, draw_up_to, most_telling, of_finding, of_findings, of_proof, one, telling,
};

use crate::report::ladder::Ladder;
use crate::report::stand_ins;
use crate::trace::{At, ConnectionId, Trace};

/// One frame that must be marked, with what to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The frame.
    pub at: At,
    /// Why it matters; empty where the mark alone says it.
    pub note: String,
    /// What to call it where it is a frame of no connection, as ARP or ICMP; empty where
    /// such a one is to be passed over.
    pub label: String,
}

/// What to draw.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// Its `id` in the report, for [`Ladder::connection`].
    pub number: u32,
    /// Heading of the drawing.
    pub title: String,
    /// Frames that must be shown and marked, those of other connections are
    /// passed over.
    pub marked: &'a [Marked],
    /// The connections of which this is one: frames that are of another, or speak of it, are its.
    pub group: &'a [ConnectionId],
    /// Steps that are kept, half of them from each end; marked steps are kept
    /// beyond it. `usize::MAX` for all.
    pub max_steps: usize,
}

/// Builds the ladder of one connection, with those that a proxy opened for it and answers to it that
/// come from elsewhere; `None` where nothing of it can be drawn, because no frame of it can be read any more.
#[must_use]
pub fn build(trace: &Trace, request: &Request<'_>) -> Option<Ladder> {
    let mut sheet = alone(trace, request)?;
    for (behind, span) in joined::behind(trace, request.connection) {
        let back = Request { connection: behind, ..request.clone() };
        if let Some(back) = alone(trace, &back) {
            let server = trace.connection(behind).front.server.0;
            sheet.join(back, server, span);
        }
    }
    for stray in beside::strays(trace, request.connection) {
        let back = Request { connection: stray, ..request.clone() };
        if let Some(back) = alone(trace, &back) {
            sheet.beside(trace, (request.connection, stray), back);
        }
    }
    sheet.others(trace, request);
    Some(stand_ins::named(trace, sheet.folded(request)))
}

/// One connection by itself.
fn alone(trace: &Trace, request: &Request<'_>) -> Option<joined::Sheet> {
    trace.connections.list.get(request.connection.0 as usize)?;
    let seen = collect::collect(trace, request);
    let mut cast = cast::Cast::new(trace, request.connection);
    let mut packets = packet::group(trace, &seen.sightings);
    merged::join(&mut packets, &seen.sightings);
    let paths: Vec<Vec<path::Hop>> =
        packets.iter().map(|packet| path::hops(&cast, packet, &seen.sightings)).collect();
    cast.turns = arrow::turns(&cast, &packets, &paths);
    let mut arrows = arrow::arrows(&cast, &packets, &paths);
    lost::find(&cast, &seen, &packets, &mut arrows);
    let clocks = clocks::Clocks::new(trace, &packets, &arrows, &seen.sightings);
    let ordered = order::order(&clocks, arrows, &seen.sightings);
    let drawing = steps::Drawing { cast: &cast, seen: &seen, packets: &packets, clocks: &clocks };
    drawing.sheet(ordered, request)
}
