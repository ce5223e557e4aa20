//! What few sides say in so many words, and what tells by itself how an exchange went: an
//! HTTP status of failure, a TLS alert, an endpoint that FTP or SIP names, a greeting
//! that is an error, an answer that is one in its own protocol.
//!
//! Looked for at the start of each segment's payload by its first byte, so that others pay
//! one comparison. Bounded; what does not fit is counted.

mod announced;
mod chunks;
mod datagrams;
mod due;
mod later;
mod refusals;
mod words;

pub(in crate::flow) use datagrams::goes_on;
pub use words::{Spoken, Words};

use super::health::names_local_endpoints;
use super::sealed::Sealed;
use super::{Mark, Side, Stream, StreamId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::fault::{self, Framed};
use crate::wire::http;
use crate::wire::redirect::{self, Endpoint, Host};
use crate::wire::{Ip, ftp, greeting, mqtt, tls, unanswered};
use announced::Announced;
use due::Due;
use later::Later;
use refusals::Refusals;

/// Streams that are kept.
const MAX_STREAMS: usize = 1 << 13;
/// Names that were resolved, of which that is kept.
const MAX_RESOLVED: usize = 1 << 10;
/// Answers that a name does not exist, of name servers that found none.
const MAX_MISSING: u32 = 1 << 10;
/// Kept of one stream, the first ones: an FTP session may name an endpoint a minute.
pub(super) const MAX_EACH: usize = 8;

/// Whether a segment that begins so may say some of it.
#[inline(always)]
pub(super) fn begins(byte: u8) -> bool {
    matches!(byte, b'H' | 21 | 0x80 | 0x88 | b'P' | b'-' | b'+' | b'$' | b':' | b'*' | 0xff | 4 | 0 | 1 | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'R')
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct AllSpoken {
    pub(super) by_stream: HashMap<StreamId, Vec<Spoken>>,
    /// Digests of names that were resolved.
    resolved: HashSet<u16>,
    /// Digests of names that a service sent a client to.
    named: HashSet<u16>,
    /// Streams whose server has greeted in the clear, as those of mail do, and whose client has said nothing yet.
    greeted: HashSet<StreamId>,
    /// Name servers that found a name, and answers of others that a name does not exist.
    finders: HashSet<Ip>,
    missing: u32,
    /// Answers in HTTP/1 of which more is to come.
    announced: Announced,
    /// Handshakes of TLS that may end in an alert.
    sealed: Sealed,
    /// Who was turned away, and is not served yet.
    refusals: Refusals,
    /// Questions that a server has to answer.
    due: Due,
    /// Answers in HTTP/1 behind the first.
    later: Later,
    pub dropped: u64,
}

impl AllSpoken {
    /// Takes in a segment's payload, which begins at a sequence number and is so long on the wire.
    #[inline]
    pub fn segment(
        &mut self,
        id: StreamId,
        side: Side,
        mark: Mark,
        (seq, len): (u32, u32),
        payload: &[u8],
    ) {
        self.announced.segment((id, side), (seq, len), payload);
        if payload.first().is_some_and(|first| fault::may_be(*first, len))
            && let Some(framed) = fault::of_message(payload, len)
        {
            return self.framed((id, side), mark, framed);
        }
        let words = match payload.first() {
            Some(b'H') => {
                self.announced.answer((id, side), mark, (seq, len), payload);
                if let Some(status) = http::status(payload) {
                    self.later.status((id, side), mark, status);
                }
                let refusal = self.refusals.status(&mut self.by_stream, (id, side), payload);
                status(payload).or(refusal)
            }
            // What Redis answers once it does what it is asked.
            Some(b'+' | b'$' | b':') => {
                self.refusals.served(&mut self.by_stream, (id, side));
                None
            }
            Some(21) => tls::fatal_alert(payload).map(Words::Alert),
            Some(20 | 22 | 23) => {
                self.sealed.segment((id, side), mark, (seq, len), payload);
                None
            }
            Some(0x88) if self.is_web_socket(id) => {
                self.keep(id, Spoken { side, mark, words: Words::CloseFrame });
                fault::of_close_frame(payload).map(|(service, code)| Words::Fault(service, code))
            }
            Some(b'2') => {
                if fault::serves(payload) {
                    self.refusals.served(&mut self.by_stream, (id, side));
                }
                ftp::passive(payload).map(|(ip, port)| Words::Endpoint(ip, port))
            }
            Some(b'P') if payload.starts_with(http::PREFACE) => Some(Words::Http2),
            Some(b'P') => ftp::active(payload)
                .map(|(ip, port)| Words::Endpoint(ip, port))
                .or_else(|| fault::is_not_understood(payload).then_some(Words::NotUnderstood)),
            Some(b'-' | b'E' | b'R' | b'*' | b'4' | 0x30 | 0xff | 4 | 0 | 1) => {
                let fault = fault::of_segment(payload);
                if fault.is_none() {
                    if matches!(payload, [b'*', b'0'..=b'9', ..]) {
                        self.refusals.served(&mut self.by_stream, (id, side));
                    }
                    self.sent_on((id, side), mark, redirect::of_segment(payload));
                }
                let unclear = || fault::is_not_understood(payload).then_some(Words::NotUnderstood);
                fault.map(|(service, code)| Words::Fault(service, code)).or_else(unclear)
            }
            Some(0x80 | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
                let fault = fault::of_segment(payload);
                let unclear = || fault::is_not_understood(payload).then_some(Words::NotUnderstood);
                fault.map(|(service, code)| Words::Fault(service, code)).or_else(unclear)
            }
            _ => None,
        };
        if let Some(words) = words {
            self.keep(id, Spoken { side, mark, words });
        }
    }

    /// Takes in a message that begins with its own length.
    fn framed(&mut self, (id, side): (StreamId, Side), mark: Mark, framed: Framed) {
        match framed {
            Framed::Fault(service, code) => {
                self.keep(id, Spoken { side, mark, words: Words::Fault(service, code) });
            }
            Framed::Done => self.refusals.served(&mut self.by_stream, (id, side)),
            Framed::Unclear => self.keep(id, Spoken { side, mark, words: Words::NotUnderstood }),
        }
    }

    /// Whether a stream has changed to another protocol by HTTP.
    fn is_web_socket(&self, id: StreamId) -> bool {
        self.of(id).iter().any(|s| s.words == Words::NoAnswerDue)
    }

    /// Keeps whom a side names.
    fn sent_on(&mut self, (id, side): (StreamId, Side), mark: Mark, ends: Vec<Endpoint>) {
        for (who, host, port) in ends {
            let words = match host {
                Host::Ip(ip) => Words::SentOn(who, ip, port),
                Host::Name(name) => {
                    if self.named.len() >= MAX_RESOLVED {
                        continue;
                    }
                    self.named.insert(name);
                    Words::SentToName(who, name)
                }
            };
            self.keep(id, Spoken { side, mark, words });
        }
    }

    /// Keeps what only the end of a stream tells: answers that are not whole, and alerts in TLS. `cuts`: not all
    /// bytes of each frame are there.
    pub fn settle(&mut self, streams: &[Stream], cuts: bool) {
        let mut found = self.announced.unended(streams, cuts);
        found.extend(self.refusals.settle());
        found.extend(self.due.settle());
        found.extend(self.later.settle());
        found.extend(self.sealed.settle(streams));
        found.extend(self.announced.cut_short(streams));
        for (id, spoken) in found {
            self.keep(id, spoken);
        }
    }

    /// Takes in the first payload of a side; `greets` if the other has said none.
    pub fn first(&mut self, id: StreamId, side: Side, mark: Mark, payload: &[u8], greets: bool) {
        self.due.first(id, side, mark, payload, greets);
        let refusal = || {
            let fault = || fault::of_greeting(payload).map(|(s, code)| Words::Fault(s, code));
            greeting::refusal(payload).map(Words::Unwelcome).or_else(fault)
        };
        let words = match fault::of_first(payload) {
            Some((service, code)) => Some(Words::Fault(service, code)),
            None if greets && unanswered::is_due_no_answer(payload) => Some(Words::NoAnswerDue),
            None if greets && mqtt::keep_alive(payload).is_some() => {
                mqtt::keep_alive(payload).map(Words::KeepAlive)
            }
            None if !greets
                && self.greeted.remove(&id)
                && tls::client_random(payload).is_some() =>
            {
                Some(Words::HelloToGreeting)
            }
            None => greets.then(refusal).flatten(),
        };
        let is_text = matches!(payload.first(), Some(b'2' | b'*' | b'+'));
        if words.is_none() && greets && is_text && self.greeted.len() < MAX_STREAMS {
            self.greeted.insert(id);
        }
        if let Some(words) = words {
            self.keep(id, Spoken { side, mark, words });
        } else if !greets {
            self.sent_on((id, side), mark, redirect::of_first(payload));
        }
    }

    /// Takes in the first payload that answers a ClientHello: HTTP of any status is an error there, as is any text where
    /// the answer `begins` so.
    pub fn answers_hello(
        &mut self,
        (id, side): (StreamId, Side),
        mark: Mark,
        payload: &[u8],
        begins: bool,
    ) {
        const SHOWS: usize = 4;
        let text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        let is_text = begins && payload.len() >= SHOWS && payload.iter().take(SHOWS).all(text);
        let words = http::status(payload).map(Words::Status);
        if let Some(words) = words.or_else(|| is_text.then_some(Words::NotUnderstood)) {
            self.keep(id, Spoken { side, mark, words });
        }
    }

    /// Takes in the first packet of a side of SCTP, where it answers the other.
    pub fn association(&mut self, id: StreamId, side: Side, mark: Mark, chunks: &[u8]) {
        if let Some((service, code)) = fault::of_sctp(chunks) {
            self.keep(id, Spoken { side, mark, words: Words::Fault(service, code) });
        }
    }

    fn keep(&mut self, id: StreamId, spoken: Spoken) {
        if !self.by_stream.contains_key(&id) && self.by_stream.len() >= MAX_STREAMS {
            self.dropped += 1;
            return;
        }
        let known = self.by_stream.entry(id).or_default();
        // A copy of the frame, or the same said again, says nothing new.
        let again = |k: &Spoken| {
            let first = is_status(k.words) && is_status(spoken.words);
            k.side == spoken.side && (first || k.words == spoken.words)
        };
        if known.iter().any(again) {
            return;
        }
        if known.len() >= MAX_EACH {
            self.dropped += 1;
            return;
        }
        known.push(spoken);
        self.refusals.keep(id, spoken.words);
    }

    pub fn of(&self, id: StreamId) -> &[Spoken] {
        self.by_stream.get(&id).map_or(&[], Vec::as_slice)
    }

    pub fn is_empty(&self) -> bool {
        self.by_stream.is_empty()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.by_stream.remove(&id);
        self.greeted.remove(&id);
        self.announced.forget(id);
        self.sealed.forget(id);
        self.refusals.forget(id);
        self.due.forget(id);
        self.later.forget(id);
    }
}

fn is_status(words: Words) -> bool {
    matches!(words, Words::Status(_) | Words::PlainToTls)
}

fn status(payload: &[u8]) -> Option<Words> {
    let status = http::status(payload)?;
    if status == http::SWITCHING {
        return Some(Words::NoAnswerDue);
    }
    if status == 400 && http::says_that_it_speaks_tls(payload) {
        return Some(Words::PlainToTls);
    }
    let refuses = status == 400 || (500..600).contains(&status);
    (refuses && !names_local_endpoints(payload)).then_some(Words::Status(status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::wire::fault::Service;

    fn mark(n: u32) -> Mark {
        Mark::new(n, Timestamp(0))
    }

    fn said(all: &AllSpoken, id: StreamId) -> Vec<(Side, Words)> {
        all.of(id).iter().map(|s| (s.side, s.words)).collect()
    }

    #[test]
    fn words_of_failure_are_kept_and_others_are_not() {
        let mut all = AllSpoken::default();
        all.segment(1, Side::B, mark(1), (1, 9), b"HTTP/1.1 200 OK\r\n\r\n");
        all.segment(1, Side::B, mark(2), (1, 9), b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
        all.segment(1, Side::B, mark(3), (1, 9), b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
        all.segment(2, Side::B, mark(4), (1, 9), &[21, 3, 3, 0, 2, 2, 40]);
        all.segment(3, Side::B, mark(5), (1, 9), b"");
        assert_eq!(said(&all, 1), [(Side::B, Words::Status(503))]);
        assert_eq!(said(&all, 2), [(Side::B, Words::Alert(40))]);
        assert!(all.of(3).is_empty());
        all.forget(2);
        assert!(all.of(2).is_empty());
        // A node without a pod of the service, which it is asked for.
        let none = b"HTTP/1.0 503 Service Unavailable\r\n\r\n{\"localEndpoints\": 0}";
        all.segment(4, Side::B, mark(6), (1, 9), none);
        assert!(all.of(4).is_empty());
    }

    #[test]
    fn who_greets_with_an_error_and_who_begins_in_http2_is_kept() {
        let mut all = AllSpoken::default();
        all.first(1, Side::B, mark(1), b"554 No SMTP service here\r\n", true);
        all.first(2, Side::B, mark(2), b"220 mail.example.net ESMTP\r\n", true);
        all.segment(3, Side::A, mark(3), (1, 9), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert_eq!(said(&all, 1), [(Side::B, Words::Unwelcome(554))]);
        assert!(all.of(2).is_empty());
        assert_eq!(said(&all, 3), [(Side::A, Words::Http2)]);
    }

    #[test]
    fn who_says_that_it_cannot_is_kept_and_what_needs_no_answer() {
        let mut all = AllSpoken::default();
        let cancel = [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2];
        all.first(1, Side::A, mark(1), &cancel, true);
        all.first(2, Side::B, mark(2), &[0x20, 2, 0, 3], false);
        all.segment(3, Side::B, mark(3), (1, 9), b"-READONLY You can't write\r\n");
        assert_eq!(said(&all, 1), [(Side::A, Words::NoAnswerDue)]);
        assert_eq!(said(&all, 2), [(Side::B, Words::Fault(Service::Mqtt, 3))]);
        assert_eq!(said(&all, 3), [(Side::B, Words::Fault(Service::Redis, 2))]);
    }

    #[test]
    fn each_endpoint_is_kept_once_and_few_of_a_stream() {
        let mut all = AllSpoken::default();
        for n in [1, 1, 2, 3, 4, 5, 6, 7, 8, 9] {
            let text = format!("227 Entering Passive Mode (192,0,2,1,200,{n}).\r\n");
            all.segment(1, Side::B, mark(n), (1, 9), text.as_bytes());
        }
        assert_eq!((all.of(1).len(), all.dropped), (MAX_EACH, 1));
        let first = Words::Endpoint(Ip::v4([192, 0, 2, 1]), 51201);
        assert_eq!(all.of(1)[0], Spoken { side: Side::B, mark: mark(1), words: first });
    }

    #[test]
    fn streams_are_bounded() {
        let mut all = AllSpoken::default();
        for id in 0..=MAX_STREAMS as u32 {
            all.segment(id, Side::A, mark(id), (1, 9), &[21, 3, 3, 0, 2, 2, 40]);
        }
        assert_eq!((all.by_stream.len(), all.dropped), (MAX_STREAMS, 1));
    }
}
