//! The ties that were found between the streams of captures that were read together, as rows: for who asks
//! tables. lbdiag ties anew, over all captures that it is given.

use super::{Connections, Outcome, Tie};
use crate::row::{Columns, Row, Store, TableVisitor, words};
use std::ops::Range;

words!(Tie {
    Tie::Alone => "alone",
    Tie::SequenceRange => "sequence-range",
    Tie::FiveTuple => "five-tuple",
    Tie::Datagram => "datagram",
    Tie::PacketToken => "packet-token",
    Tie::Stamp => "stamp",
    Tie::Isn => "isn",
    Tie::Handshake => "handshake",
    Tie::IsnPair => "isn-pair",
    Tie::Table => "table",
    Tie::Toa => "toa",
});

words!(Outcome {
    Outcome::Completed => "completed",
    Outcome::Open => "open",
    Outcome::Refused => "refused",
    Outcome::Unanswered => "unanswered",
    Outcome::Incomplete => "incomplete",
    Outcome::Reset => "reset",
    Outcome::Stalled => "stalled",
    Outcome::Unknown => "unknown",
});

/// A stream with its connection.
struct TieRow {
    stream: u32,
    connection: u32,
    tuple: u8,
    tie: Tie,
    outcome: Outcome,
}

impl Row for TieRow {
    const TABLE: &'static str = "ties";
    const ABOUT: &'static str = "One row for each stream that belongs to a connection, as far as the captures that were indexed together tell. lbdiag ties anew over all tables that it is given.";

    fn blank() -> Self {
        Self { stream: 0, connection: 0, tuple: 0, tie: Tie::Alone, outcome: Outcome::Unknown }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.num("stream", "number of the stream, as in `streams`", &mut self.stream);
        c.num(
            "connection",
            "number of the connection, alike in all captures that were indexed together",
            &mut self.connection,
        );
        c.num(
            "tuple",
            "which of its five-tuples the stream has; 0 is the client's own",
            &mut self.tuple,
        );
        c.word("tie", "the weakest tie between its streams", &mut self.tie);
        c.word("outcome", "how the connection ended, over all these captures", &mut self.outcome);
    }
}

/// All tables of ties.
pub fn tables(visit: &mut impl TableVisitor) {
    visit.table::<TieRow>();
}

/// Hands over the ties of the streams of some vantages.
///
/// # Errors
/// Where they cannot be kept.
pub fn store<S: Store>(
    connections: &Connections,
    of: Range<usize>,
    to: &mut S,
) -> Result<(), S::Fault> {
    let rows = connections.list.iter().enumerate().flat_map(|(n, connection)| {
        let own = connections.legs(connection).iter();
        let of = of.clone();
        own.filter(move |leg| of.contains(&leg.vantage.index())).map(move |leg| {
            (
                leg.vantage.index(),
                TieRow {
                    stream: leg.stream,
                    connection: n as u32,
                    tuple: leg.tuple,
                    tie: connection.tie,
                    outcome: connection.outcome,
                },
            )
        })
    });
    let first = of.start;
    to.table(rows.enumerate().map(|(n, (v, row))| (v - first, n as u32, row)))
}
