//! The second, bounded pass: what suspected connections say.

use super::opening::Opening;
use super::reply::Reply;
use super::suspect::Suspects;
use super::{Digests, Exchange, Heard};
use crate::capture::{self, Capture, CaptureError, CaptureFile, Frame};
use crate::correlate::{Connections, Leg};
use crate::flow::{Key, Mark, Observations, Side as End, StreamId, VantageId};
use crate::hashed::HashMap;
use crate::wire::http::{self, ResponseHead};
use crate::wire::location::{Back, leads_back};
use crate::wire::{self, Body, Ip, Plain, Protocol, ProxyHeader, Tcp, Transport};
use std::collections::BTreeSet;
use std::hash::BuildHasher;

/// Exchanges that are kept.
pub(super) const MAX_EXCHANGES: usize = 1 << 20;

/// Frames between two stretches that are read through: a few strides of the index, which cost no more than to
/// begin anew.
const NEAR: u32 = 1 << 12;

/// What suspected connections say.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Requests with their responses.
    pub exchanges: Vec<Exchange>,
    /// Connections that do not begin with a request.
    pub openings: Vec<Opening>,
    /// Captures that could not be read again, with why.
    pub unread: Vec<(usize, String)>,
    /// All streams that were listened to: vantage, stream, which side was taken for the client's.
    pub ears: Vec<(VantageId, StreamId, End)>,
}

/// One stream that is listened to.
pub(super) struct Ear {
    pub connection: u32,
    pub leg: Leg,
    from: u32,
    to: u32,
    /// Its latest exchange.
    latest: Option<usize>,
    /// Client named by a PROXY header before the first request.
    proxied: Option<(wire::Ip, u16)>,
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

/// Streams that are listened to, by vantage and key.
type Ears = Vec<HashMap<Key, Vec<Ear>>>;

pub(super) fn listen(
    captures: &[Capture],
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    known: &Heard,
) -> Said {
    let elsewhere: Vec<bool> = captures.iter().map(is_elsewhere).collect();
    let is_away = |leg: &Leg| {
        let capture = vantages[leg.vantage.index()].capture;
        elsewhere.get(capture) == Some(&true) && !known.has(leg)
    };
    let mut found = Said::default();
    let (mut ears, unheard) = ears(vantages, connections, suspects, is_away);
    let listening = |ear: &Ear| (ear.leg.vantage, ear.leg.stream, ear.leg.client);
    let mut all: Vec<&Ear> = ears.iter().flat_map(HashMap::values).flatten().collect();
    all.sort_unstable_by_key(|ear| ear.connection);
    found.ears = all.into_iter().map(listening).collect();
    let hasher = super::digests();
    for (index, capture) in captures.iter().enumerate() {
        let here: Vec<VantageId> = VantageId::all(vantages)
            .filter(|v| vantages[v.index()].capture == index && !ears[v.index()].is_empty())
            .collect();
        if here.is_empty() {
            continue;
        }
        if elsewhere[index] {
            known.repeat(&here, &ears, &mut found);
            continue;
        }
        let faults = read_again(capture, &here, &mut ears, &hasher, &mut found);
        found.unread.extend(faults.into_iter().map(|fault| (index, fault)));
    }
    let away = unheard.into_iter().filter_map(|capture| {
        let path = captures.get(capture)?.files.first()?.path.clone();
        Some((capture, CaptureError::Elsewhere { path }.to_string()))
    });
    found.unread.extend(away);
    found
}

/// Where each suspected connection is listened to: at the vantage that most suspects of its proxies pass. Besides, captures
/// that alone show one of them, and whose frames are elsewhere.
fn ears(
    vantages: &[Observations],
    connections: &Connections,
    Suspects { sides: suspects, attempts }: &Suspects,
    is_away: impl Fn(&Leg) -> bool,
) -> (Ears, BTreeSet<usize>) {
    let mut wanted: Vec<u32> = suspects.keys().copied().collect();
    wanted.sort_unstable();
    // By proxy: what passes for another says nothing of where this one is seen.
    let mut passing: HashMap<(Ip, VantageId), u32> = HashMap::default();
    for connection in &wanted {
        // A host that translates shows both sides, and one connection all the same.
        let at: BTreeSet<VantageId> =
            heard(vantages, connections, *connection).map(|leg| leg.vantage).collect();
        for (vantage, proxy) in
            at.into_iter().flat_map(|v| suspects[connection].proxies().map(move |p| (v, p)))
        {
            *passing.entry((proxy, vantage)).or_default() += 1;
        }
    }
    // What a proxy tries in vain says nothing, and shows where its own side is seen.
    for (attempt, proxy) in attempts {
        let legs = connections.legs(&connections.list[*attempt as usize]).iter();
        for leg in legs.filter(|leg| leg.forward(vantages).opened()) {
            *passing.entry((*proxy, leg.vantage)).or_default() += 1;
        }
    }
    let passing = |connection: u32, at: VantageId| -> u32 {
        let counts = suspects[&connection].proxies().map(|proxy| passing.get(&(proxy, at)));
        counts.flatten().sum()
    };
    let mut ears: Ears = vantages.iter().map(|_| HashMap::default()).collect();
    let mut unheard = BTreeSet::new();
    for connection in wanted {
        let best = heard(vantages, connections, connection)
            .filter(|leg| !is_away(leg))
            .max_by_key(|leg| (passing(connection, leg.vantage), std::cmp::Reverse(leg.vantage)));
        let Some(leg) = best else {
            let legs = heard(vantages, connections, connection);
            unheard.extend(legs.map(|leg| vantages[leg.vantage.index()].capture));
            continue;
        };
        let of_key = ears[leg.vantage.index()].entry(leg.of(vantages).key).or_default();
        of_key.push(Ear::new(connection, *leg, vantages));
    }
    (ears, unheard)
}

/// Reads the frames of a capture in which somebody is listened to; gives what could not be read.
fn read_again(
    capture: &Capture,
    here: &[VantageId],
    ears: &mut Ears,
    hasher: &Digests,
    found: &mut Said,
) -> Vec<String> {
    let lists = here.iter().flat_map(|v| ears[v.index()].values().flatten());
    let stretches = stretches(lists.map(|ear| (ear.from, ear.to)).collect());
    let mut faults = Vec::new();
    let mut base = 0u32;
    for file in &capture.files {
        let mut sink = |frame: &Frame<'_>| {
            if says_nothing(frame, here, ears) {
                return;
            }
            let packet = wire::decode(frame);
            let Body::Ip(ip) = &packet.body else { return };
            let Transport::Tcp(tcp) = &ip.transport else { return };
            if tcp.payload.is_empty() || found.exchanges.len() >= MAX_EXCHANGES {
                return;
            }
            let ends = ((ip.src, tcp.src_port), (ip.dst, tcp.dst_port));
            let (key, end) = Key::of(Protocol::TCP, ends.0, ends.1, packet.vlan, ip.outer.as_ref());
            let mark = Mark::new(base.saturating_add(frame.number), frame.time);
            for vantage in here {
                let Some(list) = ears[vantage.index()].get_mut(&key) else { continue };
                let within = |ear: &&mut Ear| (ear.from..=ear.to).contains(&mark.frame());
                if let Some(ear) = list.iter_mut().find(within) {
                    ear.hear(*vantage, mark, end, tcp, hasher, found);
                }
            }
        };
        let mut ranges = stretches
            .iter()
            .map(|(from, to)| from.saturating_sub(base).max(1)..=to.saturating_sub(base));
        if !capture::is_read_anywhere(file) {
            // Any of its frames is reached by way of all before.
            let whole = ranges.clone().reduce(|all, one| *all.start()..=*one.end());
            if let Some(Err(error)) = whole.map(|all| capture::read_range(file, all, &mut sink)) {
                faults.push(error.to_string());
            }
        } else if let Some(error) =
            ranges.find_map(|range| capture::read_range(file, range, &mut sink).err())
        {
            faults.push(error.to_string());
        }
        base = base.saturating_add(file.last);
    }
    faults
}

/// The stretches of frames in which somebody is listened to, in order; what lies little apart is one.
fn stretches(mut each: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    each.sort_unstable();
    let mut all: Vec<(u32, u32)> = Vec::new();
    for (from, to) in each {
        match all.last_mut() {
            Some(last) if from <= last.1.saturating_add(NEAR) => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}

/// Whether a plain segment, as nearly all are, has no bytes, or is of nobody who is listened to.
fn says_nothing(frame: &Frame<'_>, here: &[VantageId], ears: &Ears) -> bool {
    let Some(tcp) = Plain::of(frame).and_then(|p| Some((p.segment.addresses(), p.segment.tcp()?)))
    else {
        return false;
    };
    let ([src, dst], tcp) = tcp;
    if tcp.payload.is_empty() {
        return true;
    }
    let end = |ip: u32, port| (Ip::v4(ip.to_be_bytes()), port);
    let ends = (end(src, tcp.src_port), end(dst, tcp.dst_port));
    let (key, _) = Key::of(Protocol::TCP, ends.0, ends.1, 0, None);
    !here.iter().any(|vantage| ears[vantage.index()].contains_key(&key))
}

/// Bytes of a request in which the end of its head is looked for.
const MAX_HEAD: usize = 8192;

/// Redirections that name the place to go on to (RFC 9110, section 15.4).
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Whether a response sends its client back to what it had asked for.
fn sent_back(status: u16, head: &ResponseHead<'_>, asked: &[u8]) -> Option<Back> {
    let location = head.location.filter(|_| REDIRECTS.contains(&status))?;
    let zero = asked.iter().position(|b| *b == 0)?;
    let target = Some(&asked[zero + 1..]).filter(|target| !target.is_empty())?;
    leads_back(location, &asked[..zero], target)
}

/// Whether the frames of a capture are elsewhere.
fn is_elsewhere(capture: &Capture) -> bool {
    capture.files.iter().any(CaptureFile::is_elsewhere)
}

/// The legs on which a connection can be read. It is read at the vantage that
/// most suspects of its proxy pass: one that sees both sides of it tells their order.
fn heard<'a>(
    vantages: &'a [Observations],
    connections: &'a Connections,
    connection: u32,
) -> impl Iterator<Item = &'a Leg> {
    let legs = connections.legs(&connections.list[connection as usize]);
    legs.iter().filter(|leg| leg.forward(vantages).payload > 0)
}

impl Ear {
    fn new(connection: u32, leg: Leg, vantages: &[Observations]) -> Self {
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

    fn hear(
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

#[cfg(test)]
mod tests {
    use super::{NEAR, stretches};

    #[test]
    fn what_lies_little_apart_is_read_as_one() {
        let far = 3 * NEAR;
        let each = vec![(far, far + 9), (5, 20), (7, 8), (20 + NEAR, 30 + NEAR)];
        assert_eq!(stretches(each), [(5, 30 + NEAR), (far, far + 9)]);
        assert_eq!(stretches(Vec::new()), []);
    }
}
