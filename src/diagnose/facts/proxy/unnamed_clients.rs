//! Connections behind a balancer that writes the client's address into a TCP option, with and
//! without it.

use crate::correlate::Leg;
use crate::diagnose::facts::size::grown_packets::{first, limit, size, too_long};
use crate::diagnose::thresholds::{NO_COINCIDENCE, PAIR};
use crate::flow::{FullFirst, Mark};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Toa;
use std::collections::BTreeMap;

/// Bytes of TCP options at most (RFC 9293, section 3.1), and those of the option that
/// names a client: kind, length, port, address; padded.
const OPTIONS: u32 = 40;

/// Why a client is not named, or its name lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnose) enum WhyUnnamed {
    /// The TCP header has no room.
    Header,
    /// The packet has none.
    Packet,
    /// The client sends such an option itself.
    Own,
    /// The packet left the director too long, and did not arrive.
    TooLong,
}

/// A connection whose client the real server does not know.
pub(in crate::diagnose) struct Unnamed<'a> {
    pub id: ConnectionId,
    pub leg: &'a Leg,
    pub shown: Mark,
    /// Bytes of options, of payload, and payload and options that fit a packet.
    pub options: u32,
    pub payload: u32,
    pub limit: u32,
    /// What the client wrote.
    pub own: Option<Toa>,
}

#[derive(Default)]
pub(in crate::diagnose) struct Served<'a> {
    pub named: usize,
    /// One that was named, for comparison.
    pub example: Option<(&'a Leg, Mark)>,
    /// Named although its packet has no room to spare.
    pub grown: bool,
    pub unnamed: BTreeMap<WhyUnnamed, Vec<Unnamed<'a>>>,
}

/// The leg at the real server, else where the director sends to it.
pub(in crate::diagnose) fn behind(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let last = trace.connection(id).tuples.saturating_sub(1);
    let service = trace.service(id);
    let legs = trace.legs(id).iter().filter(|leg| leg.tuple == last && last > 0);
    let whole = legs.filter(|leg| {
        let there = trace.forward(leg);
        there.opened() && there.ack.is_set() && !there.shape.cut()
    });
    whole.max_by_key(|leg| trace.host_of(leg).is_some_and(|h| !service.is_director(h)))
}

pub(in crate::diagnose) fn name_on<'a>(trace: &'a Trace, leg: &Leg) -> Option<&'a Toa> {
    trace.vantage(leg).side_tables.client_of(leg.stream)
}

impl<'a> Served<'a> {
    pub fn take(&mut self, trace: &'a Trace, id: ConnectionId) {
        let Some(leg) = behind(trace, id) else { return };
        let client = trace.connection(id).front.client;
        let front = trace.legs(id).iter().find(|leg| leg.tuple == 0);
        let limit = limit(trace, id);
        let mut add = |why, leg: &'a Leg, first: Option<&FullFirst>, own| {
            let shown = first.map_or(trace.forward(leg).data, |f| f.mark);
            let (options, payload) = first.map_or((0, 0), |f| (u32::from(f.options), f.payload));
            let unnamed = Unnamed { id, leg, shown, options, payload, limit, own };
            self.unnamed.entry(why).or_default().push(unnamed);
        };
        if let Some(out) = too_long(trace, id) {
            return add(WhyUnnamed::TooLong, out, first(trace, out), None);
        }
        let there = trace.forward(leg);
        if !there.data.is_set() {
            return;
        }
        if let Some(name) = name_on(trace, leg) {
            let own = front.and_then(|leg| name_on(trace, leg)).filter(|own| *own == name);
            if (name.addr, name.port) != client && own.is_some() {
                return add(WhyUnnamed::Own, leg, None, own.copied());
            }
            self.named += 1;
            let bytes = first(trace, leg).map_or(0, |f| f.payload + u32::from(f.options));
            self.grown |= limit > 0 && bytes > limit;
            self.example = self.example.or(Some((leg, there.data)));
            return;
        }
        // The ACK before it may have named the client, and must have been seen.
        let apart = there.ack.frame() < there.data.frame();
        let Some(full) = first(trace, leg).filter(|_| apart) else { return };
        let bytes = full.payload + u32::from(full.options);
        if u32::from(full.options) + size(client.0) > OPTIONS {
            add(WhyUnnamed::Header, leg, Some(full), None);
        } else if limit > 0 && bytes <= limit && bytes + size(client.0) > limit {
            add(WhyUnnamed::Packet, leg, Some(full), None);
        }
    }

    /// The connections that should have been named, by the reason that they were not.
    pub fn by_reason(&mut self) -> BTreeMap<WhyUnnamed, Vec<Unnamed<'a>>> {
        if self.named < NO_COINCIDENCE {
            return BTreeMap::new();
        }
        // Others as long were named: then length is not the reason.
        let grown = self.grown;
        self.unnamed.retain(|why, set| *why != WhyUnnamed::Packet || set.len() >= PAIR && !grown);
        std::mem::take(&mut self.unnamed)
    }
}
