//! The second, bounded pass: what suspected connections say.

use super::Exchange;
use super::suspect::Sides;
use crate::capture::{self, Frame};
use crate::correlate::{Connections, Leg};
use crate::flow::{Key, Mark, Observations, Side as End};
use crate::trace::Capture;
use crate::wire::{self, Body, ProxyHeader, Tcp, Transport, http};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::hash::BuildHasher;

/// Exchanges that are kept.
const MAX_EXCHANGES: usize = 1 << 20;

/// One stream that is listened to.
struct Ear {
    connection: u32,
    client: End,
    from: u32,
    to: u32,
    /// Its latest exchange.
    latest: Option<usize>,
    /// Client named by a PROXY header before the first request.
    proxied: Option<(wire::Ip, u16)>,
    /// Sequence numbers of the last message heads, so that copies count once.
    heads: [Option<u32>; 2],
}

pub(super) fn exchanges(
    captures: &[Capture],
    vantages: &[Observations],
    connections: &Connections,
    suspects: &HashMap<u32, Sides>,
) -> Vec<Exchange> {
    let mut ears: Vec<HashMap<Key, Vec<Ear>>> = vantages.iter().map(|_| HashMap::new()).collect();
    let mut wanted: Vec<&u32> = suspects.keys().collect();
    wanted.sort_unstable();
    let mut passing = vec![0u32; vantages.len()];
    for connection in &wanted {
        for leg in heard(vantages, connections, **connection) {
            passing[usize::from(leg.vantage)] += 1;
        }
    }
    for connection in wanted {
        let best = heard(vantages, connections, *connection)
            .max_by_key(|leg| (passing[usize::from(leg.vantage)], std::cmp::Reverse(leg.vantage)));
        let Some(leg) = best else { continue };
        let stream = leg.of(vantages);
        ears[usize::from(leg.vantage)].entry(stream.key).or_default().push(Ear {
            connection: *connection,
            client: leg.client,
            from: stream.first().frame(),
            to: stream.last().frame(),
            latest: None,
            proxied: None,
            heads: [None; 2],
        });
    }
    let mut found = Vec::new();
    let hasher = RandomState::default();
    for (index, capture) in captures.iter().enumerate() {
        let here: Vec<usize> = (0..vantages.len())
            .filter(|v| vantages[*v].capture == index && !ears[*v].is_empty())
            .collect();
        if here.is_empty() {
            continue;
        }
        let mut base = 0u32;
        for file in &capture.files {
            let mut sink = |frame: &Frame<'_>| {
                let packet = wire::decode(frame);
                let Body::Ip(ip) = &packet.body else { return };
                let Transport::Tcp(tcp) = &ip.transport else { return };
                if tcp.payload.is_empty() || found.len() >= MAX_EXCHANGES {
                    return;
                }
                let ends = ((ip.src, tcp.src_port), (ip.dst, tcp.dst_port));
                let (key, end) = Key::of(6, ends.0, ends.1, packet.vlan, ip.outer.as_ref());
                let mark = Mark::new(base.saturating_add(frame.number), frame.time);
                for vantage in &here {
                    let Some(list) = ears[*vantage].get_mut(&key) else { continue };
                    let within = |ear: &&mut Ear| (ear.from..=ear.to).contains(&mark.frame());
                    if let Some(ear) = list.iter_mut().find(within) {
                        ear.hear(*vantage as u16, mark, end, tcp, &hasher, &mut found);
                    }
                }
            };
            // A file that can no longer be read yields no pairs, as if it had
            // not been given.
            let _ = capture::read_range(file, 1..=file.last, &mut sink);
            base = base.saturating_add(file.last);
        }
    }
    found
}

/// The legs on which a connection can be read. It is read at the vantage that
/// most suspects pass: one that sees both sides of the proxy tells their order.
fn heard<'a>(
    vantages: &'a [Observations],
    connections: &'a Connections,
    connection: u32,
) -> impl Iterator<Item = &'a Leg> {
    let legs = connections.legs(&connections.list[connection as usize]);
    legs.iter().filter(|leg| leg.forward(vantages).payload > 0)
}

impl Ear {
    fn hear(
        &mut self,
        vantage: u16,
        mark: Mark,
        end: End,
        tcp: &Tcp<'_>,
        hasher: &RandomState,
        found: &mut Vec<Exchange>,
    ) {
        let said_by_client = end == self.client;
        let head = &mut self.heads[usize::from(said_by_client)];
        if *head == Some(tcp.seq) {
            return;
        }
        if !said_by_client {
            if let Some(status) = http::status(tcp.payload).filter(|s| *s >= 200) {
                *head = Some(tcp.seq);
                if let Some(exchange) = self.latest.and_then(|at| found.get_mut(at))
                    && !exchange.response.is_set()
                {
                    exchange.response = mark;
                    exchange.status = Some(status);
                }
            }
            return;
        }
        let mut payload = tcp.payload;
        if let Some(header) = ProxyHeader::parse(payload) {
            *head = Some(tcp.seq);
            self.proxied = Some(header.client);
            payload = payload.get(header.len..).unwrap_or(&[]);
        }
        let Some(request) = http::RequestHead::parse(payload) else { return };
        self.heads[1] = Some(tcp.seq);
        self.latest = Some(found.len());
        found.push(Exchange {
            connection: self.connection,
            vantage,
            request: mark,
            line: hasher.hash_one(request.line),
            id: request.request_id.map(|id| hasher.hash_one(id)),
            forwarded_for: request.forwarded_for,
            proxied: self.proxied,
            response: Mark::default(),
            status: None,
        });
    }
}
