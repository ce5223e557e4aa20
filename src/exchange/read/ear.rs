//! One stream that is listened to: its requests with their answers, or its first bytes.

use super::{MAX_EXCHANGES, Said};
use crate::correlate::Leg;
use crate::exchange::opening::Opening;
use crate::exchange::reply::Reply;
use crate::exchange::{Digests, Exchange};
use crate::flow::{Mark, Observations, Side as End, VantageId};
use crate::wire::http::{self, ResponseHead};
use crate::wire::location::{Back, REDIRECTS, leads_back};
use crate::wire::{Ip, ProxyHeader, Tcp};
use std::hash::BuildHasher;

/// Bytes of a request in which the end of its head is looked for.
const MAX_HEAD: usize = 8192;

/// One stream that is listened to.
pub(in crate::exchange) struct Ear {
    pub connection: u32,
    pub leg: Leg,
    pub(super) from: u32,
    pub(super) to: u32,
    /// Its latest exchange.
    latest: Option<usize>,
    /// Client named by a PROXY header before the first request.
    proxied: Option<(Ip, u16)>,
    /// Where it is among the openings, once it is.
    opening: Option<usize>,
    /// Bytes of the PROXY header.
    header: u32,
    /// Sequence numbers of the first bytes of server and client, until they came.
    begins: [Option<u32>; 2],
    /// Host and target of the latest request, with a zero between them.
    asked: Vec<u8>,
    /// Sequence numbers of the last message heads, so that copies count once.
    heads: [Option<u32>; 2],
}

impl Ear {
    pub(super) fn new(connection: u32, leg: Leg, vantages: &[Observations]) -> Self {
        let (stream, reply) = (leg.of(vantages), leg.reply(vantages));
        let begins = [reply.syn.get().map(|_| reply.isn), stream.client_isn()];
        Self {
            connection,
            leg,
            from: stream.first().frame(),
            to: stream.last().frame(),
            latest: None,
            proxied: None,
            opening: None,
            header: 0,
            begins: begins.map(|isn| isn.map(|isn| isn.wrapping_add(1))),
            asked: Vec::new(),
            heads: [None; 2],
        }
    }

    pub(super) fn hear(
        &mut self,
        vantage: VantageId,
        mark: Mark,
        end: End,
        tcp: &Tcp<'_>,
        hasher: &Digests,
        found: &mut Said,
    ) {
        let said_by_client = end == self.leg.client;
        if self.heads[usize::from(said_by_client)] == Some(tcp.seq) {
            return;
        }
        if !said_by_client {
            self.open(false, mark, tcp, 0, hasher, found);
            if let Some(status) = http::status(tcp.payload).filter(|s| *s >= 200) {
                self.heads[0] = Some(tcp.seq);
                if let Some(exchange) = self.latest.and_then(|at| found.exchanges.get_mut(at))
                    && !exchange.response.is_set()
                {
                    exchange.response = mark;
                    exchange.status = Some(status);
                    let head = ResponseHead::parse(tcp.payload);
                    exchange.reply = Reply::of(&head, hasher);
                    let back = sent_back(status, &head, &self.asked);
                    exchange.sent_back = back == Some(Back::Plain);
                    exchange.sent_back_tls = back == Some(Back::Tls);
                }
            }
            return;
        }
        let mut payload = tcp.payload;
        if let Some(header) = ProxyHeader::parse(payload) {
            self.heads[1] = Some(tcp.seq);
            self.proxied = Some(header.client);
            payload = payload.get(header.len..).unwrap_or(&[]);
        }
        let Some(request) = http::RequestHead::parse(payload) else {
            self.open(true, mark, tcp, tcp.payload.len() - payload.len(), hasher, found);
            return;
        };
        // Who speaks HTTP has no opening, unless the server began.
        self.begins = [None; 2];
        self.heads[1] = Some(tcp.seq);
        self.latest = Some(found.exchanges.len());
        let reads = [&b"GET "[..], b"HEAD "].iter().any(|m| request.line.starts_with(m));
        let head = &payload[..payload.len().min(MAX_HEAD)];
        found.exchanges.push(Exchange {
            connection: self.connection,
            vantage,
            stream: self.leg.stream,
            request: mark,
            line: hasher.hash_one(request.line),
            id: request.request_id.map(|id| hasher.hash_one(id)),
            trace: request.trace_id.map(|id| hasher.hash_one(id)),
            forwarded_for: request.forwarded_for,
            proxied: self.proxied,
            response: Mark::default(),
            status: None,
            reply: Reply::default(),
            host: request.host.map(|host| hasher.hash_one(host)),
            whole: reads && memchr::memmem::find(head, b"\r\n\r\n").is_some(),
            upgrade: request.upgrade,
            sent_back: false,
            sent_back_tls: false,
        });
        self.asked.clear();
        // Who sent a form is ordinarily sent on to where the form was (RFC 9110, section 15.4.4).
        let target = request.line.split(|b| *b == b' ').nth(1).filter(|_| reads);
        for part in [request.host.unwrap_or_default(), &[0], target.unwrap_or_default()] {
            self.asked.extend_from_slice(part);
        }
    }

    /// Keeps the first bytes of a side, which stand `at` a place in the segment, behind
    /// a PROXY header.
    fn open(
        &mut self,
        of_client: bool,
        mark: Mark,
        tcp: &Tcp<'_>,
        at: usize,
        hasher: &Digests,
        found: &mut Said,
    ) {
        let begins = &mut self.begins[usize::from(of_client)];
        if begins.is_none_or(|seq| seq != tcp.seq) {
            return;
        }
        self.header += at as u32;
        if tcp.payload.len() == at && at > 0 {
            // The header alone.
            *begins = begins.map(|seq| seq.wrapping_add(at as u32));
            return;
        }
        *begins = None;
        let opening = match self.opening {
            Some(known) => known,
            None if found.openings.len() >= MAX_EXCHANGES => return,
            None => {
                found.openings.push(Opening::new(self.connection, self.leg));
                found.openings.len() - 1
            }
        };
        self.opening = Some(opening);
        if let Some(opening) = found.openings.get_mut(opening) {
            (opening.header, opening.proxied) = (self.header, self.proxied);
            opening.heard(of_client, mark, tcp, at, hasher);
        }
    }
}

/// Whether a response sends its client back to what it had asked for.
fn sent_back(status: u16, head: &ResponseHead<'_>, asked: &[u8]) -> Option<Back> {
    let location = head.location.filter(|_| REDIRECTS.contains(&status))?;
    let zero = asked.iter().position(|b| *b == 0)?;
    let target = Some(&asked[zero + 1..]).filter(|target| !target.is_empty())?;
    leads_back(location, &asked[..zero], target)
}
