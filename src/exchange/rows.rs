//! What suspected connections said, as rows of tables: digests, so that no word of anybody's is kept.
//!
//! It is read again while a capture is indexed, where the host both serves and calls, and stands by
//! vantage and stream. A connection of which a table has nothing was not listened to, which is not the
//! same as that it said nothing: who pairs later is told.

use super::opening::{Head, Opening};
use super::read::{Ear, MAX_EXCHANGES, Said};
use super::{Exchange, Reply};
use crate::correlate::{Leg, Spans};
use crate::flow::rows::{mark, stream_of};
use crate::flow::{Key, Mark, Observations, Side, StreamId, VantageId};
use crate::hashed::HashMap;
use crate::row::{Columns, Restore, Row, Store, TableVisitor};
use crate::wire::Ip;
use std::num::NonZeroU64;

/// What connections of captures said, by vantage and stream.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The streams that were listened to, with the side that was taken for the client's.
    ears: HashMap<(VantageId, StreamId), Side>,
    exchanges: Vec<Exchange>,
    openings: Vec<Opening>,
}

impl Heard {
    pub(super) fn of(said: Said) -> Self {
        let ears = said.ears.iter().map(|(vantage, stream, client)| ((*vantage, *stream), *client));
        Self { ears: ears.collect(), exchanges: said.exchanges, openings: said.openings }
    }

    /// Whether a leg was listened to, in the same sense.
    pub(super) fn has(&self, leg: &Leg) -> bool {
        self.ears.get(&(leg.vantage, leg.stream)) == Some(&leg.client)
    }

    /// Gives what was heard at these vantages to those who want it now.
    pub(super) fn repeat(
        &self,
        here: &[VantageId],
        ears: &[HashMap<Key, Vec<Ear>>],
        to: &mut Said,
    ) {
        let lists = here.iter().flat_map(|v| ears[v.index()].values().flatten());
        let wanted: HashMap<(VantageId, StreamId), &Ear> =
            lists.map(|ear| ((ear.leg.vantage, ear.leg.stream), ear)).collect();
        for exchange in &self.exchanges {
            if let Some(ear) = wanted.get(&(exchange.vantage, exchange.stream))
                && to.exchanges.len() < MAX_EXCHANGES
            {
                to.exchanges.push(Exchange { connection: ear.connection, ..*exchange });
            }
        }
        for opening in &self.openings {
            if let Some(ear) = wanted.get(&(opening.leg.vantage, opening.leg.stream))
                && to.openings.len() < MAX_EXCHANGES
            {
                let (connection, leg) = (ear.connection, ear.leg);
                to.openings.push(Opening { connection, leg, ..*opening });
            }
        }
    }

    /// Adds what was heard at the vantages of another capture, which begin at `first`.
    pub fn add(&mut self, mut other: Self, first: usize) {
        let moved = |vantage: VantageId| VantageId::at(vantage.index() + first);
        self.ears.extend(other.ears.into_iter().map(|((v, s), side)| ((moved(v), s), side)));
        other.exchanges.iter_mut().for_each(|exchange| exchange.vantage = moved(exchange.vantage));
        other
            .openings
            .iter_mut()
            .for_each(|opening| opening.leg.vantage = moved(opening.leg.vantage));
        self.exchanges.append(&mut other.exchanges);
        self.openings.append(&mut other.openings);
    }
}

/// A stream that was listened to.
struct EarRow {
    stream: StreamId,
    client: Side,
}

impl Row for EarRow {
    const TABLE: &'static str = "heard";
    const ABOUT: &'static str = "One row for each stream of which requests or first bytes were read, since its host may be a proxy.";

    fn blank() -> Self {
        Self { stream: 0, client: Side::A }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        c.word("client_side", "the side that was taken for the client's", &mut self.client);
    }
}

fn digest<C: Columns>(
    c: &mut C,
    name: &'static str,
    what: &'static str,
    of: &mut Option<NonZeroU64>,
) {
    let mut value = of.map(NonZeroU64::get);
    c.some(name, what, &mut value);
    *of = value.and_then(NonZeroU64::new);
}

/// A client that a PROXY header names.
fn proxied<C: Columns>(c: &mut C, end: &mut Option<(Ip, u16)>) {
    let (mut ip, mut port) = (end.map(|end| end.0), end.map(|end| end.1));
    c.some_ip("proxied_ip", "the client that a PROXY header names", &mut ip);
    c.some("proxied_port", "its port", &mut port);
    *end = ip.zip(port);
}

impl Row for Exchange {
    const TABLE: &'static str = "requests";
    const ABOUT: &'static str = "One row for each HTTP/1 request of streams in `heard`, with its response, in the order in which they passed. Digests are 64 bits and alike on all hosts.";

    fn blank() -> Self {
        Self {
            connection: 0,
            vantage: VantageId(0),
            stream: 0,
            request: Mark::NONE,
            line: 0,
            id: None,
            trace: None,
            forwarded_for: None,
            proxied: None,
            response: Mark::NONE,
            status: None,
            reply: Reply::default(),
            host: None,
            whole: false,
            upgrade: false,
            sent_back: false,
            sent_back_tls: false,
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        mark(c, "request", "when the request began to pass", &mut self.request);
        c.num("line", "digest of method and target", &mut self.line);
        c.some("request_id", "digest of X-Request-ID", &mut self.id);
        c.some("trace_id", "digest of the trace identifier", &mut self.trace);
        c.some_ip("forwarded_for", "the client that a header names", &mut self.forwarded_for);
        proxied(c, &mut self.proxied);
        mark(c, "response", "when the response began to pass", &mut self.response);
        c.some("status", "its status", &mut self.status);
        let reply = &mut self.reply;
        digest(c, "reply_request_id", "digest of the response's X-Request-ID", &mut reply.own[0]);
        digest(c, "reply_cookie", "digest of its Set-Cookie", &mut reply.own[1]);
        digest(c, "reply_etag", "digest of its ETag", &mut reply.content[0]);
        digest(c, "reply_length", "digest of its Content-Length", &mut reply.content[1]);
        digest(c, "reply_date", "digest of its Date", &mut reply.date);
        c.some("host", "digest of the request's Host", &mut self.host);
        c.num(
            "whole",
            "the request is a GET or HEAD whose head its first segment has as a whole",
            &mut self.whole,
        );
        c.num("upgrade", "the request asks to go on in WebSocket", &mut self.upgrade);
        c.num(
            "sent_back",
            "the response's Location is what was asked for, by the same scheme or without TLS",
            &mut self.sent_back,
        );
        c.num("sent_back_tls", "the same, by TLS", &mut self.sent_back_tls);
    }
}

fn head<C: Columns>(c: &mut C, of: &mut Option<Head>) {
    let mut own = of.unwrap_or_default();
    mark(c, "at", "the segment with its first bytes", &mut own.mark);
    let mut len = own.len as u32;
    c.num("len", "bytes that were digested, 128 at most", &mut len);
    own.len = len as usize;
    let names = [("first_16", 0), ("first_32", 1), ("first_64", 2), ("first_128", 3)];
    for (name, at) in names {
        c.num(
            name,
            "digest of so many first bytes, or of all where there are fewer than 16",
            &mut own.digests[at],
        );
    }
    c.num("whole", "digest of all of them", &mut own.whole);
    *of = own.mark.is_set().then_some(own);
}

impl Row for Opening {
    const TABLE: &'static str = "first_bytes";
    const ABOUT: &'static str =
        "One row for each stream in `heard` that does not begin with an HTTP/1 request.";

    fn blank() -> Self {
        let none = crate::correlate::LinkSequenceId::NONE;
        let leg = Leg {
            vantage: VantageId(0),
            tuple: 0,
            client: Side::A,
            there: none,
            back: none,
            stream: 0,
            spans: Spans::UNKNOWN,
        };
        Self::new(0, leg)
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.leg.stream);
        proxied(c, &mut self.proxied);
        c.num("header", "bytes of that header", &mut self.header);
        c.num("tls", "it begins as TLS does", &mut self.tls);
        c.within("client_", |c| head(c, &mut self.client));
        c.within("server_", |c| head(c, &mut self.server));
    }
}

/// All tables of what was heard, walked over by who wants to know their columns.
pub fn tables(visit: &mut impl TableVisitor) {
    visit.table::<EarRow>();
    visit.table::<Exchange>();
    visit.table::<Opening>();
}

/// Hands over what was heard at the vantages of one capture, which begin at `first` and are `count`.
///
/// # Errors
/// Where a table cannot be kept.
pub fn store<S: Store>(
    heard: &Heard,
    first: usize,
    count: usize,
    to: &mut S,
) -> Result<(), S::Fault> {
    let own =
        |vantage: VantageId| vantage.index().checked_sub(first).filter(|vantage| *vantage < count);
    let mut ears: Vec<_> = heard.ears.iter().collect();
    ears.sort_unstable_by_key(|(at, _)| **at);
    let ears = ears.into_iter().filter_map(|((vantage, stream), client)| {
        Some((own(*vantage)?, EarRow { stream: *stream, client: *client }))
    });
    to.table(ears.enumerate().map(|(n, (v, row))| (v, n as u32, row)))?;
    let exchanges = heard.exchanges.iter().filter_map(|one| Some((own(one.vantage)?, *one)));
    to.table(exchanges.enumerate().map(|(n, (v, row))| (v, n as u32, row)))?;
    let openings = heard.openings.iter().filter_map(|one| Some((own(one.leg.vantage)?, *one)));
    to.table(openings.enumerate().map(|(n, (v, row))| (v, n as u32, row)))
}

/// Takes what was heard at the vantages of one capture from its tables.
///
/// # Errors
/// Where one cannot be read, or they contradict each other.
pub fn restore<R: Restore>(from: &mut R, vantages: &[Observations]) -> Result<Heard, R::Fault> {
    let known = |vantage: usize, stream: StreamId| {
        let seen = vantages.get(vantage).ok_or("a row is of no vantage")?;
        let there = (stream as usize) < seen.streams.len();
        if there { Ok(VantageId::at(vantage)) } else { Err("a row is of no stream") }
    };
    let mut heard = Heard::default();
    from.table(|v, _, row: EarRow| {
        heard.ears.insert((known(v, row.stream)?, row.stream), row.client);
        Ok(())
    })?;
    from.table(|v, _, mut row: Exchange| {
        row.vantage = known(v, row.stream)?;
        heard.exchanges.push(row);
        Ok(())
    })?;
    from.table(|v, _, mut row: Opening| {
        row.leg.vantage = known(v, row.leg.stream)?;
        heard.openings.push(row);
        Ok(())
    })?;
    Ok(heard)
}
