//! Answers that say in so many words that nothing comes of a request: an HTTP status of
//! 500 to 599, and TLS handshakes that one side refuses.

use crate::correlate::Leg;
use crate::flow::{Spoken, Words};
use crate::hashed::{HashMap, HashSet};
use crate::trace::{ConnectionId, Trace};

/// How a TLS handshake was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refused {
    /// The server sent a fatal alert with this description.
    ByServer(u8),
    /// The client did.
    ByClient(u8),
    /// The server answered the ClientHello in plain HTTP.
    InPlain,
    /// The server answered it in plain text of another kind.
    InText,
    /// The server says that its port speaks TLS, and the client does not.
    NotTls,
    /// The client began in TLS where the server had greeted it in the clear, and was not understood.
    Greeted,
    /// The client ended the handshake with an encrypted record as long as an alert.
    Sealed,
}

/// Words of one side of a connection, the client's own leg first.
pub(super) fn words(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = (&Leg, &Spoken)> {
    trace.legs(id).iter().flat_map(move |leg| trace.spoken(leg).iter().map(move |s| (leg, s)))
}

/// The first response of status 500 to 599.
#[must_use]
pub fn server_error(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Spoken, u16)> {
    words(trace, id).find_map(|(leg, spoken)| match spoken.words {
        Words::Status(status) if status >= 500 && spoken.side != leg.client => {
            Some((leg, spoken, status))
        }
        _ => None,
    })
}

/// Bytes of a server's first flight of TLS at least, where it shows a certificate. Judgement: a key of an elliptic
/// curve, its signature and two names.
const CERTIFICATE: u64 = 500;

/// How a connection's TLS handshake was refused, if it was.
#[must_use]
pub fn tls_refused(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Spoken, Refused)> {
    words(trace, id).find_map(|(leg, spoken)| {
        let by_client = spoken.side == leg.client;
        let how = match spoken.words {
            Words::Alert(description) if by_client => Refused::ByClient(description),
            Words::Alert(description) => Refused::ByServer(description),
            Words::PlainToTls if !by_client => Refused::NotTls,
            Words::SealedAlert if by_client => Refused::Sealed,
            // Less than a certificate takes: nobody went on in TLS.
            Words::HelloToGreeting if by_client && trace.reply(leg).payload < CERTIFICATE => {
                Refused::Greeted
            }
            Words::Status(_) if !by_client && answers_hello(trace, leg, spoken) => Refused::InPlain,
            Words::NotUnderstood if !by_client && answers_hello(trace, leg, spoken) => {
                Refused::InText
            }
            _ => return None,
        };
        Some((leg, spoken, how))
    })
}

/// Whether something is a server's first word, and a client's was a ClientHello.
fn answers_hello(trace: &Trace, leg: &Leg, spoken: &Spoken) -> bool {
    let hello = trace.vantage(leg).side_tables.hello_of(leg.stream);
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    hello.is_some_and(|hello| hello.mark == there.data && spoken.mark == back.data)
}

/// The answer in HTTP/1 of status 400 to a client that began in HTTP/2.
#[must_use]
pub fn http2_refused(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Spoken)> {
    words(trace, id).find(|(leg, spoken)| {
        let began = |s: &Spoken| {
            let first = s.mark == trace.forward(leg).data;
            s.words == Words::Http2 && s.side == leg.client && first
        };
        spoken.words == Words::Status(400)
            && spoken.side != leg.client
            && trace.spoken(leg).iter().any(began)
    })
}

/// The answer after which its server closed too soon.
#[must_use]
pub fn cut_short(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Spoken)> {
    let short = |words: Words| matches!(words, Words::CutShort | Words::Unended);
    words(trace, id).find(|(leg, said)| short(said.words) && said.side != leg.client)
}

/// Whether a server closed after an answer of which no capture shows how it ends.
#[must_use]
pub fn end_is_unseen(trace: &Trace, id: ConnectionId) -> bool {
    words(trace, id).any(|(leg, said)| said.words == Words::EndUnseen && said.side != leg.client)
}

/// The error with which a server greets, before its client has said a word.
#[must_use]
pub fn unwelcome(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Spoken, u16)> {
    words(trace, id).find_map(|(leg, spoken)| match spoken.words {
        Words::Unwelcome(code) if spoken.side != leg.client => Some((leg, spoken, code)),
        _ => None,
    })
}

/// Connections that ended in such words.
pub(super) fn errors(trace: &Trace) -> HashSet<u32> {
    let is_error = |status: u16| (500..600).contains(&status);
    let read = trace.pairs.exchanges.iter();
    let mut found: HashSet<u32> =
        read.filter(|e| e.status.is_some_and(is_error)).map(|e| e.connection).collect();
    found.extend(trace.logged_errors().map(|id| id.0));
    if trace.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        let strays = strays(trace);
        let said = |id: &ConnectionId| {
            server_error(trace, *id).is_some()
                || tls_refused(trace, *id).is_some() && !strays.contains(&id.0)
                || unwelcome(trace, *id).is_some()
                || http2_refused(trace, *id).is_some()
        };
        found.extend(trace.iter().map(|(id, _)| id).filter(said).map(|id| id.0));
    }
    found
}

/// Clients that spoke plain HTTP to a port of TLS, or TLS to a plain one, so often have a wrong setting, and fewer may be
/// strangers who try what is there. Judgement.
const OFTEN: usize = 3;

/// Connections of strangers who tried plain HTTP on a port that serves others by TLS, or TLS on one that serves others
/// without.
fn strays(trace: &Trace) -> HashSet<u32> {
    let mut by_client: HashMap<_, Vec<u32>> = HashMap::default();
    for (id, connection) in trace.requests() {
        let tls = match tls_refused(trace, id) {
            Some((.., Refused::NotTls)) => true,
            Some((.., Refused::InPlain | Refused::InText)) => false,
            _ => continue,
        };
        let who = (trace.service_of(id), tls, connection.front.client.0);
        by_client.entry(who).or_default().push(id.0);
    }
    by_client.retain(|_, ids| ids.len() < OFTEN);
    if by_client.is_empty() {
        return HashSet::default();
    }
    let speaks_tls = |leg: &Leg| trace.vantage(leg).side_tables.hello_of(leg.stream).is_some();
    let served = trace.requests().filter(|(_, c)| c.progress.request && c.progress.response);
    let served =
        served.map(|(id, _)| (trace.service_of(id), trace.legs(id).iter().any(speaks_tls)));
    let served: HashSet<_> = served.collect();
    let strays =
        by_client.into_iter().filter(|((service, tls, _), _)| served.contains(&(*service, *tls)));
    strays.flat_map(|(_, ids)| ids).collect()
}
