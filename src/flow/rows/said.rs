//! What streams said, as rows: hellos, tokens, headers of proxies, first requests, health, questions.

use super::{Of, SIDE, mark, stream_of};
use crate::flow::dns_pairs::DnsPair;
use crate::flow::health::LocalEndpoints;
use crate::flow::{Asked, FirstReply, Hello, Mark, Observations, Preface, Side, StreamId};
use crate::row::{Columns, Row, words};
use crate::wire::{Ip, http};
use std::borrow::Cow;
use std::fmt::Write;

impl Row for Hello {
    const TABLE: &'static str = "client_hellos";
    const ABOUT: &'static str = "One row for each stream that shows a TLS ClientHello.";

    fn blank() -> Self {
        Self { stream: 0, mark: Mark::NONE, random: [0; 32] }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        mark(c, "at", "its frame", &mut self.mark);
        let mut text = String::new();
        for byte in self.random {
            // A string takes everything.
            let _ = write!(text, "{byte:02x}");
        }
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
pub(super) struct TokenRow {
    pub(super) stream: StreamId,
    pub(super) side: Side,
    pub(super) token: u64,
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
        let (side, version, own, twice) = (Side::A, 1, false, false);
        Self(0, Preface { side, mark, version, own, twice, reply, replied: mark })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        let preface = &mut self.1;
        c.word("side", SIDE, &mut preface.side);
        mark(c, "at", "the segment that begins with it", &mut preface.mark);
        c.num("version", "1 or 2", &mut preface.version);
        c.num("own", "the header names nobody (`LOCAL`)", &mut preface.own);
        c.num("twice", "another header follows it in the same segment", &mut preface.twice);
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

/// What a stream's client asked for first.
pub(super) struct FirstRequestRow<'a> {
    pub(super) stream: StreamId,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) method: &'static str,
    pub(super) tls: Option<u16>,
}

impl<'a> FirstRequestRow<'a> {
    pub(super) fn of(seen: &'a Observations) -> impl Iterator<Item = Self> {
        let all = &seen.side_tables.first_requests;
        let mut rows: Vec<Self> = all
            .iter()
            .map(|(stream, request)| Self {
                stream,
                name: all.name(request).map(Cow::Borrowed),
                method: request.method,
                tls: request.tls,
            })
            .collect();
        rows.sort_unstable_by_key(|row| row.stream);
        rows.into_iter()
    }
}

impl Row for FirstRequestRow<'_> {
    const TABLE: &'static str = "first_requests";
    const ABOUT: &'static str =
        "One row for each stream whose client begins with a TLS ClientHello or an HTTP request.";

    fn blank() -> Self {
        Self { stream: 0, name: None, method: "", tls: None }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        let about = "the server that it names (SNI, Host); empty for none";
        let own = self.name.as_deref().unwrap_or_default();
        let name = c.any_text("server_name", about, own);
        let about = "the method of HTTP; empty where it is TLS";
        let method = c.any_text("method", about, self.method);
        c.some("tls_version", "the newest version of TLS that is offered; 0 where a ClientHello says it in a later segment", &mut self.tls);
        if !c.comes_in() {
            return;
        }
        self.name = name.filter(|name| !name.is_empty()).map(Cow::Owned);
        let method = method.unwrap_or_default();
        match http::METHODS.iter().find(|known| **known == method) {
            Some(known) => self.method = known,
            None if method.is_empty() => self.method = "",
            None => c.refuse("method"),
        }
    }
}

/// What a node said of its pods.
#[derive(Clone, Copy)]
pub(super) struct HealthRow(pub(super) (Ip, u16), pub(super) LocalEndpoints);

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

/// A stream whose request says whether it asks for health.
impl Row for Of<bool> {
    const TABLE: &'static str = "health_requests";
    const ABOUT: &'static str = "One row for each stream that begins with a request which says that it asks for health, or, from where clouds ask for both, that it does not.";

    fn blank() -> Self {
        Self(0, false)
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        c.num("health", "it asks for health", &mut self.1);
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

/// Datagrams of one side of a stream that were sent again.
pub(super) struct AskedRow {
    pub(super) stream: StreamId,
    pub(super) side: Side,
    pub(super) asked: Asked,
}

impl AskedRow {
    pub(super) fn of(seen: &Observations) -> impl Iterator<Item = Self> {
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
    const ABOUT: &'static str = "One row for each side of a stream that sent again while nobody answered: its first datagram, or later ones after a pause.";

    fn blank() -> Self {
        let at = [Mark::NONE; 6];
        let asked = Asked { at, count: 1, blind: false, later: false, over: false, digest: 0 };
        Self { stream: 0, side: Side::A, asked }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        c.word("side", SIDE, &mut self.side);
        c.num("times", "how often it was sent", &mut self.asked.count);
        c.num("blind", "only its length is known to be the same", &mut self.asked.blind);
        c.num("later", "the other side had spoken before", &mut self.asked.later);
        c.num("over", "one of the two went on with something else", &mut self.asked.over);
        for (name, at) in SENT.into_iter().zip(&mut self.asked.at) {
            mark(c, name, "when, of the first six", at);
        }
    }
}
