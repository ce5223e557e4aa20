//! The way of a TCP segment that does more than go on: what it opens, names, says and repeats.

use super::link::Sending;
use super::marked::Marks;
use super::{Key, Link, LinkId, Mark, Observer, Side, StreamId};
use crate::wire::{IpPacket, Packet, Protocol, Tcp};

/// A SYN that comes this long after its flow's last frame is no copy of it that passed another link,
/// nanoseconds: the least retransmission time-out that Linux lets a route set.
const SYN_AGAIN_NS: i64 = 200_000_000;

/// Bytes of TCP options that hold a maximum segment size and one more, padded.
const TWO_OPTIONS: usize = 8;
/// Bytes of a payload that tell an answer from an error: a status line as far as its number
/// (RFC 9112, section 4), a TLS alert whole (RFC 8446, section 6).
const WORDS: usize = 12;

/// Whether none of a flow's other links had a frame shortly before: then this one is no copy of it that
/// passes another place.
#[cold]
fn is_alone(links: &[Link], first: LinkId, at: usize, mark: Mark) -> bool {
    let mut next = first;
    while let Some(link) = next.index() {
        if link != at && mark.since(links[link].last) < SYN_AGAIN_NS {
            return false;
        }
        next = links[link].next;
    }
    true
}

/// Whether a payload was captured too short to tell what it says.
fn is_mute(tcp: &Tcp<'_>) -> bool {
    tcp.payload.len() < WORDS.min(tcp.payload_len as usize)
}

impl Observer {
    #[inline]
    pub(super) fn tcp(
        &mut self,
        mark: Mark,
        packet: &Packet<'_>,
        ip: &IpPacket<'_>,
        tcp: &Tcp<'_>,
    ) {
        let ends = ((ip.src, tcp.src_port), (ip.dst, tcp.dst_port));
        let (key, side) = Key::of(Protocol::TCP, ends.0, ends.1, packet.vlan, ip.outer.as_ref());
        let id = self.stream(key);
        let id = self.opened(id, side, key, tcp);
        self.fragments.begin(ip, id, side);
        self.side_tables.idles.see(id, side, mark, &self.streams[id as usize]);
        let at = self.link(id, side, packet.link, ip.ttl, mark);
        self.fragments.count(ip, at, mark);
        if ip.options {
            self.side_tables.options.count(at, mark);
        }
        if tcp.flags.syn() {
            self.side_tables.marked.see(at, Marks::of(ip));
        }
        self.segment((id, side), &key, at, mark, ip.id, tcp);
    }

    /// The stream of a segment, begun anew where its SYN says so. What goes on with the connection before it
    /// is that one's.
    #[inline(always)]
    pub(super) fn opened(
        &mut self,
        mut id: StreamId,
        side: Side,
        key: Key,
        tcp: &Tcp<'_>,
    ) -> StreamId {
        if tcp.flags.syn() {
            if self.streams[id as usize].is_reopened_by(side, tcp) {
                id = self.reopen(id, key);
            }
            let bare = tcp.flags.ack() && tcp.options.len() < TWO_OPTIONS && !tcp.header_cut;
            self.tally.bare_syn_acks += u64::from(bare);
        } else if !self.displaced.is_empty() {
            return self.displaced_by(id, side, key, tcp).unwrap_or(id);
        }
        id
    }

    /// The connection that another one displaced, where a segment with payload or a reset goes on with it.
    #[cold]
    fn displaced_by(&self, id: StreamId, side: Side, key: Key, tcp: &Tcp<'_>) -> Option<StreamId> {
        let old = *self.displaced.get(&id)?;
        let (before, now) = (self.streams.get(old as usize)?, &self.streams[id as usize]);
        let says = tcp.payload_len > 0 || tcp.flags.rst();
        (says && before.key == key && now.is_accepted() && before.goes_on_with(side, tcp, now))
            .then_some(old)
    }

    /// A segment of a side of a stream, on a link.
    #[inline(always)]
    pub(super) fn segment(
        &mut self,
        (id, side): (StreamId, Side),
        key: &Key,
        at: usize,
        mark: Mark,
        ip_id: Option<u16>,
        tcp: &Tcp<'_>,
    ) {
        let again = ip_id.is_none() && self.streams[id as usize].flow(side).says_again(tcp);
        let link = &mut self.links[at];
        if again {
            link.bare_again(mark);
        }
        let sending = link.segment(mark, tcp, ip_id, &mut self.side_tables.troubles);
        let (syns, repeats) = (link.syns, link.retransmissions);
        if syns > 1 && sending != Sending::Copy && tcp.flags.syn() && !tcp.flags.ack() {
            self.doubted = Some(at as u32);
        }
        let stream = &mut self.streams[id as usize];
        // A balancer names the client in the SYN, in the first ACK, or with the first payload.
        let first = tcp.payload_len > 0 && stream.flow(side).payload == 0;
        if (first || !stream.flow(side).acked) && tcp.may_name_client() {
            self.side_tables.name(id, tcp);
        }
        if first {
            self.tally.first_words += 1;
            self.tally.cut_words += u64::from(is_mute(tcp));
            self.side_tables.prefaces.see(id, side, mark, tcp);
            self.side_tables.first_requests.see(id, tcp.payload);
            self.side_tables.health.make().see(id, side, mark, key, tcp);
            self.side_tables.fill(id, stream, side, mark, tcp);
            // What comes out of order may be the middle of a certificate.
            let flow = stream.flow(side);
            let begins = flow.accepted() && tcp.seq == flow.isn.wrapping_add(1);
            let is_text = begins && tcp.payload.first().is_some_and(u8::is_ascii_graphic);
            if (is_text || tcp.payload.first() == Some(&b'H'))
                && self.side_tables.first_requests.asked_tls(id)
            {
                self.side_tables.spoken.make().answers_hello(
                    (id, side),
                    mark,
                    tcp.payload,
                    is_text,
                );
            }
            if stream.has_syn() {
                let greets = stream.flow(side.other()).payload == 0;
                self.side_tables.spoken.make().first(id, side, mark, tcp.payload, greets);
            }
        }
        if !tcp.payload.is_empty() {
            let said = (tcp.seq, tcp.payload_len);
            self.side_tables.spoken.make().segment(id, side, mark, said, tcp.payload);
        }
        // A host that chooses the way anew for each sends a SYN's repeat by another link.
        let elsewhere = tcp.flags.syn()
            && syns == 1
            && stream.flow(side).syns > 0
            && is_alone(&self.links, stream.flow(side).link, at, mark);
        let random = super::hello::random(stream.flow(side), tcp);
        stream.segment(side, mark, tcp);
        if tcp.flags.syn() {
            self.tally.signed_syns += u64::from(stream.flow(side).shape.signing().is_some());
        }
        self.side_tables.sacks.see(id, side, mark, stream, tcp);
        if !stream.has_syn() {
            self.side_tables.tokens.add(id, side, tcp);
        }
        match sending {
            Sending::New | Sending::Ahead | Sending::Late | Sending::Copy => {}
            Sending::Again => self.side_tables.repeat(at, mark, tcp),
        }
        self.side_tables.windows.follow(id, side, mark, stream, tcp);
        let flow = &mut stream.flows[side.index()];
        if sending != Sending::Copy {
            flow.syns = flow.syns.saturating_add(u16::from(elsewhere)).max(syns);
            flow.retransmissions = flow.retransmissions.max(repeats);
        }
        self.side_tables.hello(id, mark, random, &self.streams);
    }
}
