//! What few streams and links show, as rows.

use super::{lists, mark, numbered, stream_of};
use crate::flow::dns_pairs::DnsPair;
use crate::flow::fragments::Pieces;
use crate::flow::health::LocalEndpoints;
use crate::flow::idle::{Idle, Silence};
use crate::flow::spoken::{MAX_EACH, Spoken, Words};
use crate::flow::{
    Asked, ClosedWindow, FirstReply, FullFirst, Hello, Mark, Marks, Observations, Optioned,
    Preface, Repeat, Side, StreamId, Sums,
};
use crate::row::{Columns, Restore, Row, Store, TableVisitor, words};
use crate::wire::{Ip, Toa};

const SIDE: &str =
    "which end: `a` sorts first by address and port; `client_side` in `streams` says whose";

impl Row for Repeat {
    const TABLE: &'static str = "repeats";
    const ABOUT: &'static str = "One row for each segment that sent bytes again on a link.";

    fn blank() -> Self {
        Self { link: 0, from: 0, to: 0, mark: Mark::NONE }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        super::link_of(c, &mut self.link);
        c.num("from_seq", "sequence number of its first byte", &mut self.from);
        c.num("to_seq", "the one after its last", &mut self.to);
        mark(c, "at", "its frame", &mut self.mark);
    }
}

impl Row for ClosedWindow {
    const TABLE: &'static str = "closed_windows";
    const ABOUT: &'static str = "One row for each side of a stream that advertised a window of 0.";

    fn blank() -> Self {
        let mark = Mark::NONE;
        Self {
            stream: 0,
            side: Side::A,
            frames: 0,
            probes: 0,
            longest_ns: 0,
            closed: mark,
            opened: mark,
            since: mark,
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        c.word("side", SIDE, &mut self.side);
        c.num("frames", "segments with a window of 0", &mut self.frames);
        c.num("probes", "segments of the other side meanwhile", &mut self.probes);
        c.num(
            "longest_ns",
            "longest time that it stayed closed, nanoseconds",
            &mut self.longest_ns,
        );
        mark(c, "closed", "when that time began", &mut self.closed);
        mark(c, "opened", "what ended it", &mut self.opened);
    }
}

/// One row about one stream.
#[derive(Clone, Copy)]
struct Of<T>(StreamId, T);

impl Row for Of<Toa> {
    const TABLE: &'static str = "named_clients";
    const ABOUT: &'static str = "One row for each stream in which a TCP option names the client.";

    fn blank() -> Self {
        Self(0, Toa { addr: Ip::default(), port: 0 })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        c.ip("named_ip", "the client's address", &mut self.1.addr);
        c.num("named_port", "its port", &mut self.1.port);
    }
}

impl Row for Of<FullFirst> {
    const TABLE: &'static str = "full_segments";
    const ABOUT: &'static str =
        "One row for each stream whose first payload leaves little room for an option.";

    fn blank() -> Self {
        Self(0, FullFirst { mark: Mark::NONE, options: 0, payload: 0 })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        mark(c, "at", "its frame", &mut self.1.mark);
        c.num("options", "bytes of TCP options", &mut self.1.options);
        c.num("payload", "bytes of payload", &mut self.1.payload);
    }
}

impl Row for Hello {
    const TABLE: &'static str = "client_hellos";
    const ABOUT: &'static str = "One row for each stream that shows a TLS ClientHello.";

    fn blank() -> Self {
        Self { stream: 0, mark: Mark::NONE, random: [0; 32] }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        mark(c, "at", "its frame", &mut self.mark);
        let mut text: String = self.random.iter().map(|byte| format!("{byte:02x}")).collect();
        c.text(
            "random",
            "its random, in hexadecimal: what a proxy that passes TLS through leaves alone",
            &mut text,
        );
        if !c.comes_in() {
            return;
        }
        let bytes = text
            .as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match bytes.collect::<Option<Vec<u8>>>().and_then(|bytes| bytes.try_into().ok()) {
            Some(random) => self.random = random,
            None => c.refuse("random"),
        }
    }
}

/// A token of one side of a stream.
#[derive(Clone, Copy)]
struct TokenRow {
    stream: StreamId,
    side: Side,
    token: u64,
}

impl Row for TokenRow {
    const TABLE: &'static str = "packet_tokens";
    const ABOUT: &'static str = "Up to eight rows for each side of a stream without a handshake: hashes of its segments, alike at all vantages.";

    fn blank() -> Self {
        Self { stream: 0, side: Side::A, token: 0 }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        c.word("side", SIDE, &mut self.side);
        c.num("token", "hash of a segment's sequence and acknowledgment numbers", &mut self.token);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reply {
    None,
    Status,
    Alert,
    Other,
}

words!(Reply {
    Reply::None => "none",
    Reply::Status => "http",
    Reply::Alert => "tls-alert",
    Reply::Other => "other",
});

impl Row for Of<Preface> {
    const TABLE: &'static str = "proxy_headers";
    const ABOUT: &'static str = "One row for each stream that begins with a PROXY header.";

    fn blank() -> Self {
        let mark = Mark::NONE;
        let reply = FirstReply::None;
        Self(0, Preface { side: Side::A, mark, version: 1, own: false, reply, replied: mark })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        let preface = &mut self.1;
        c.word("side", SIDE, &mut preface.side);
        mark(c, "at", "the segment that begins with it", &mut preface.mark);
        c.num("version", "1 or 2", &mut preface.version);
        c.num("own", "the header names nobody (`LOCAL`)", &mut preface.own);
        let (mut reply, mut status) = match preface.reply {
            FirstReply::None => (Reply::None, 0),
            FirstReply::Status(status) => (Reply::Status, status),
            FirstReply::Alert => (Reply::Alert, 0),
            FirstReply::Other => (Reply::Other, 0),
        };
        c.word(
            "reply",
            "what the other side said first: `none`, `http`, `tls-alert`, `other`",
            &mut reply,
        );
        c.num("status", "status of an `http` reply, else 0", &mut status);
        preface.reply = match reply {
            Reply::None => FirstReply::None,
            Reply::Status => FirstReply::Status(status),
            Reply::Alert => FirstReply::Alert,
            Reply::Other => FirstReply::Other,
        };
        mark(c, "replied", "when it did", &mut preface.replied);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Status,
    Alert,
    Endpoint,
    AnswerTo,
}

words!(Form {
    Form::Status => "http-status",
    Form::Alert => "tls-alert",
    Form::Endpoint => "ftp-endpoint",
    Form::AnswerTo => "sip-answer-to",
});

impl Row for Of<Spoken> {
    const TABLE: &'static str = "said";
    const ABOUT: &'static str = "Up to eight rows for each stream: failures and endpoints that a side named in so many words.";

    fn blank() -> Self {
        Self(0, Spoken { side: Side::A, mark: Mark::NONE, words: Words::Alert(0) })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        let spoken = &mut self.1;
        c.word("side", SIDE, &mut spoken.side);
        mark(c, "at", "its frame", &mut spoken.mark);
        let (mut form, mut number, mut ip) = match spoken.words {
            Words::Status(status) => (Form::Status, status, None),
            Words::Alert(alert) => (Form::Alert, u16::from(alert), None),
            Words::Endpoint(ip, port) => (Form::Endpoint, port, Some(ip)),
            Words::AnswerTo(ip, port) => (Form::AnswerTo, port, ip),
        };
        c.word("what", "`http-status`, `tls-alert`, `ftp-endpoint` or `sip-answer-to`", &mut form);
        c.num("number", "the status, the alert's description, or the port", &mut number);
        c.some_ip("ip", "the address that is named", &mut ip);
        spoken.words = match form {
            Form::Status => Words::Status(number),
            Form::Alert => Words::Alert(number as u8),
            Form::Endpoint => Words::Endpoint(ip.unwrap_or_default(), number),
            Form::AnswerTo => Words::AnswerTo(ip, number),
        };
    }
}

/// What a node said of its pods.
#[derive(Clone, Copy)]
struct HealthRow((Ip, u16), LocalEndpoints);

impl Row for HealthRow {
    const TABLE: &'static str = "node_health";
    const ABOUT: &'static str =
        "One row for each health-check port of a Kubernetes node that answered.";

    fn blank() -> Self {
        Self((Ip::default(), 0), LocalEndpoints::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("node_ip", "the node", &mut self.0.0);
        c.num("node_port", "its health-check port", &mut self.0.1);
        c.num("with_endpoints", "answers that it has pods of the service", &mut self.1.some);
        c.num("without_endpoints", "answers that it has none", &mut self.1.none);
        mark(c, "first_with", "first of the former", &mut self.1.first_some);
        mark(c, "first_without", "first of the latter", &mut self.1.first_none);
    }
}

/// A stream that asks for health.
impl Row for Of<()> {
    const TABLE: &'static str = "health_requests";
    const ABOUT: &'static str =
        "One row for each stream that begins with a request which says that it asks for health.";

    fn blank() -> Self {
        Self(0, ())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
    }
}

impl Row for Of<(Mark, u16)> {
    const TABLE: &'static str = "http_errors";
    const ABOUT: &'static str = "One row for each stream whose first answer is an HTTP error.";

    fn blank() -> Self {
        Self(0, (Mark::NONE, 0))
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        mark(c, "at", "its frame", &mut self.1.0);
        c.num("status", "400 to 599", &mut self.1.1);
    }
}

impl Row for Of<DnsPair> {
    const TABLE: &'static str = "dns_pairs";
    const ABOUT: &'static str = "One row for each two DNS questions that were asked together and not both answered at once.";

    fn blank() -> Self {
        Self(0, DnsPair::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        let pair = &mut self.1;
        for (at, prefix) in ["first_", "second_"].into_iter().enumerate() {
            c.within(prefix, |c| {
                mark(c, "asked", "when it was asked", &mut pair.asked[at]);
                c.num("kind", "its type (QTYPE)", &mut pair.kinds[at]);
                mark(c, "answered", "its first answer", &mut pair.answered[at]);
                mark(c, "again", "when it was first asked again", &mut pair.again[at]);
                mark(c, "settled", "the first answer after that", &mut pair.settled[at]);
            });
        }
        c.num("token", "what the second is recognised by behind a rewrite", &mut pair.token);
    }
}

impl Row for Of<Pieces> {
    const TABLE: &'static str = "fragments";
    const ABOUT: &'static str = "One row for each link that carried IP fragments.";

    fn blank() -> Self {
        Self(0, Pieces::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        super::link_of(c, &mut self.0);
        c.num("firsts", "first fragments", &mut self.1.firsts);
        c.num("laters", "later fragments", &mut self.1.laters);
        mark(c, "first", "the first of the former", &mut self.1.first);
        mark(c, "later", "the first of the latter", &mut self.1.later);
    }
}

impl Row for Of<Optioned> {
    const TABLE: &'static str = "ip_options";
    const ABOUT: &'static str = "One row for each link that carried packets with IP options.";

    fn blank() -> Self {
        Self(0, Optioned::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        super::link_of(c, &mut self.0);
        c.num("packets", "how many", &mut self.1.packets);
        mark(c, "first", "the first of them", &mut self.1.first);
    }
}

impl Row for Of<Idle> {
    const TABLE: &'static str = "silences";
    const ABOUT: &'static str =
        "One row for each stream that was silent for half a minute or longer.";

    fn blank() -> Self {
        let last = Silence { before: Mark::NONE, after: Mark::NONE, by: Side::A };
        Self(0, Idle { last, outlived_ns: 0 })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        mark(c, "before", "last frame before the last silence", &mut self.1.last.before);
        mark(c, "after", "the frame that ended it", &mut self.1.last.after);
        c.word("side", SIDE, &mut self.1.last.by);
        c.num(
            "outlived_ns",
            "longest silence before it after which both spoke, nanoseconds; 0 without",
            &mut self.1.outlived_ns,
        );
    }
}

impl Row for Of<Sums> {
    const TABLE: &'static str = "syn_checksums";
    const ABOUT: &'static str = "One row for each link whose repeated SYNs were summed.";

    fn blank() -> Self {
        Self(0, Sums::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        super::link_of(c, &mut self.0);
        let sums = &mut self.1;
        c.num("taken", "checksums that a receiver takes", &mut sums.taken);
        c.num("wrong", "those for which it drops the packet", &mut sums.wrong);
        mark(c, "first_wrong", "the first of these", &mut sums.first_wrong);
        c.num("outer_taken", "the same of the datagram around it", &mut sums.outer_taken);
        c.num("outer_wrong", "those for which it drops all inside", &mut sums.outer_wrong);
        mark(c, "first_outer_wrong", "the first of these", &mut sums.first_outer_wrong);
        let (mut src, mut dst) = (sums.outer.map(|ends| ends.0), sums.outer.map(|ends| ends.1));
        c.some_ip("outer_src_ip", "between whom that tunnel is", &mut src);
        c.some_ip("outer_dst_ip", "to whom", &mut dst);
        sums.outer = src.zip(dst);
    }
}

impl Row for Of<Marks> {
    const TABLE: &'static str = "marked_syns";
    const ABOUT: &'static str = "One row for each link whose SYN asks for what most do not: a class of service, fragments, options of its tunnel.";

    fn blank() -> Self {
        Self(0, Marks::ORDINARY)
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        super::link_of(c, &mut self.0);
        let marks = &mut self.1;
        c.num("dscp", "differentiated services code point", &mut marks.bits.dscp);
        c.num("dont_fragment", "DF is set", &mut marks.bits.dont_fragment);
        let (mut known, mut options) =
            (marks.tunnel_options.is_some(), marks.tunnel_options.unwrap_or(false));
        c.num("tunnelled", "it came in a tunnel whose header may have options", &mut known);
        c.num("tunnel_options", "that header has some", &mut options);
        marks.tunnel_options = known.then_some(options);
    }
}

/// Datagrams of one side of a stream that were sent again.
struct AskedRow {
    stream: StreamId,
    side: Side,
    asked: Asked,
}

impl AskedRow {
    fn of(seen: &Observations) -> impl Iterator<Item = Self> {
        let all = &seen.side_tables.asked.0;
        let mut rows: Vec<Self> = all
            .iter()
            .map(|((stream, side), asked)| Self { stream: *stream, side: *side, asked: *asked })
            .collect();
        rows.sort_unstable_by_key(|row| (row.stream, row.side));
        rows.into_iter()
    }
}

/// Names of the times at which a datagram was sent.
const SENT: [&str; 6] = ["sent_1", "sent_2", "sent_3", "sent_4", "sent_5", "sent_6"];

impl Row for AskedRow {
    const TABLE: &'static str = "datagrams_sent_again";
    const ABOUT: &'static str = "One row for each side of a stream whose first datagram was sent again while nobody answered.";

    fn blank() -> Self {
        let asked = Asked { at: [Mark::NONE; 6], count: 1, blind: false };
        Self { stream: 0, side: Side::A, asked }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        c.word("side", SIDE, &mut self.side);
        c.num("times", "how often it was sent", &mut self.asked.count);
        c.num("blind", "only its length is known to be the same", &mut self.asked.blind);
        for (name, at) in SENT.into_iter().zip(&mut self.asked.at) {
            mark(c, name, "when, of the first six", at);
        }
    }
}

pub(super) fn tables(visit: &mut impl TableVisitor) {
    visit.table::<Repeat>();
    visit.table::<ClosedWindow>();
    visit.table::<Of<Toa>>();
    visit.table::<Of<FullFirst>>();
    visit.table::<Hello>();
    visit.table::<TokenRow>();
    visit.table::<Of<Preface>>();
    visit.table::<Of<Spoken>>();
    visit.table::<HealthRow>();
    visit.table::<Of<()>>();
    visit.table::<Of<(Mark, u16)>>();
    visit.table::<Of<DnsPair>>();
    visit.table::<Of<Pieces>>();
    visit.table::<Of<Optioned>>();
    visit.table::<Of<Idle>>();
    visit.table::<Of<Sums>>();
    visit.table::<Of<Marks>>();
    visit.table::<AskedRow>();
}

/// The rows of a map, by their key.
fn by_key<'a, T: Copy + 'a>(
    map: impl IntoIterator<Item = (&'a u32, &'a T)>,
) -> impl Iterator<Item = Of<T>> {
    let mut rows: Vec<Of<T>> = map.into_iter().map(|(key, one)| Of(*key, *one)).collect();
    rows.sort_unstable_by_key(|row| row.0);
    rows.into_iter()
}

fn tokens(seen: &Observations) -> impl Iterator<Item = TokenRow> {
    let mut ids: Vec<StreamId> = seen.side_tables.tokens.streams.keys().copied().collect();
    ids.sort_unstable();
    let sides = ids.into_iter().flat_map(|stream| [(stream, Side::A), (stream, Side::B)]);
    sides.flat_map(|(stream, side)| {
        let list = seen.side_tables.tokens(stream, side).iter();
        list.map(move |token| TokenRow { stream, side, token: *token })
    })
}

fn spoken(seen: &Observations) -> impl Iterator<Item = Of<Spoken>> {
    let by_stream = &seen.side_tables.spoken.by_stream;
    let mut ids: Vec<StreamId> = by_stream.keys().copied().collect();
    ids.sort_unstable();
    ids.into_iter()
        .flat_map(|id| seen.side_tables.spoken(id).iter().map(move |spoken| Of(id, *spoken)))
}

pub(super) fn store<S: Store>(all: &[Observations], to: &mut S) -> Result<(), S::Fault> {
    to.table(numbered(all, |seen| seen.side_tables.repeats.iter().copied()))?;
    to.table(numbered(all, |seen| seen.side_tables.windows.list.iter().copied()))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.toa)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.full)))?;
    to.table(numbered(all, |seen| seen.side_tables.hellos().iter().copied()))?;
    to.table(numbered(all, tokens))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.prefaces.by_stream)))?;
    to.table(numbered(all, spoken))?;
    to.table(numbered(all, |seen| {
        seen.side_tables.health.said.iter().map(|(node, said)| HealthRow(*node, *said))
    }))?;
    to.table(numbered(all, |seen| {
        by_key(seen.side_tables.health.probes.iter().map(|stream| (stream, &())))
    }))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.health.errors)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.dns_pairs.by_stream)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.pieces)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.options.of)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.idles.0)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.sums.0)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.marked.of)))?;
    to.table(numbered(all, AskedRow::of))
}

/// Reads a table of which each row is about a stream or a link, and puts each where it belongs.
fn each<T, R: Restore>(
    from: &mut R,
    all: &mut [Observations],
    bound: fn(&Observations) -> usize,
    mut put: impl FnMut(&mut Observations, u32, T),
) -> Result<(), R::Fault>
where
    Of<T>: Row,
{
    from.table(|v, _, Of(of, one): Of<T>| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if of as usize >= bound(seen) {
            return Err("a row is about nothing that is there");
        }
        put(seen, of, one);
        Ok(())
    })
}

fn streams(seen: &Observations) -> usize {
    seen.streams.len()
}

fn links(seen: &Observations) -> usize {
    seen.links.len()
}

pub(super) fn restore<R: Restore>(from: &mut R, all: &mut [Observations]) -> Result<(), R::Fault> {
    in_order(from, all)?;
    each(from, all, streams, |seen, of, toa: Toa| {
        seen.side_tables.toa.insert(of, toa);
    })?;
    each(from, all, streams, |seen, of, full: FullFirst| {
        seen.side_tables.full.insert(of, full);
    })?;
    from.table(|v, _, row: TokenRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if row.stream as usize >= seen.streams.len() {
            return Err("a token is of no stream");
        }
        let both = seen.side_tables.tokens.streams.entry(row.stream).or_default();
        both[row.side.index()].add(row.token);
        Ok(())
    })?;
    each(from, all, streams, |seen, of, preface: Preface| {
        seen.side_tables.prefaces.by_stream.insert(of, preface);
    })?;
    each(from, all, streams, |seen, of, spoken: Spoken| {
        let list = seen.side_tables.spoken.by_stream.entry(of).or_default();
        if list.len() < MAX_EACH {
            list.push(spoken);
        }
    })?;
    from.table(|v, _, row: HealthRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        seen.side_tables.health.said.insert(row.0, row.1);
        Ok(())
    })?;
    each(from, all, streams, |seen, of, (): ()| {
        seen.side_tables.health.probes.insert(of);
    })?;
    each(from, all, streams, |seen, of, error: (Mark, u16)| {
        seen.side_tables.health.errors.insert(of, error);
    })?;
    each(from, all, streams, |seen, of, pair: DnsPair| {
        seen.side_tables.dns_pairs.by_stream.insert(of, pair);
    })?;
    each(from, all, links, |seen, of, pieces: Pieces| {
        seen.side_tables.pieces.insert(of, pieces);
    })?;
    each(from, all, links, |seen, of, options: Optioned| {
        seen.side_tables.options.of.insert(of, options);
    })?;
    each(from, all, streams, |seen, of, idle: Idle| {
        seen.side_tables.idles.0.insert(of, idle);
    })?;
    each(from, all, links, |seen, of, sums: Sums| {
        seen.side_tables.sums.0.insert(of, sums);
    })?;
    each(from, all, links, |seen, of, marks: Marks| {
        seen.side_tables.marked.of.insert(of, marks);
    })?;
    from.table(|v, _, row: AskedRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if row.stream as usize >= seen.streams.len() || row.asked.count == 0 {
            return Err("a datagram is of no stream");
        }
        seen.side_tables.asked.0.insert((row.stream, row.side), row.asked);
        Ok(())
    })
}

/// Tables whose rows have an order of their own.
fn in_order<R: Restore>(from: &mut R, all: &mut [Observations]) -> Result<(), R::Fault> {
    let repeats = lists::<Repeat, R>(from, all.len())?;
    let closed = lists::<ClosedWindow, R>(from, all.len())?;
    let hellos = lists::<Hello, R>(from, all.len())?;
    for (seen, list) in all.iter_mut().zip(repeats) {
        if list.iter().any(|repeat| repeat.link as usize >= seen.links.len()) {
            return Err(from.refuse("a repeat is on no link"));
        }
        seen.side_tables.repeats = list;
    }
    for (seen, list) in all.iter_mut().zip(closed) {
        if list.iter().any(|closed| closed.stream as usize >= seen.streams.len()) {
            return Err(from.refuse("a closed window is of no stream"));
        }
        seen.side_tables.windows.list = list;
    }
    for (seen, list) in all.iter_mut().zip(hellos) {
        let rises = list.is_sorted_by(|one, next| one.stream < next.stream);
        if !rises || list.iter().any(|hello| hello.stream as usize >= seen.streams.len()) {
            return Err(from.refuse("a hello is of no stream"));
        }
        seen.side_tables.hellos.list = list;
    }
    Ok(())
}
